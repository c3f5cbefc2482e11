"""Compares the log: every uplink exactly once, at its true time, under its tenant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, select

from stadtsinn.base.berlin import isoformat
from stadtsinn.base.counted import counted
from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.simulator.market_day.truth import Truth, UplinkIdentity
from stadtsinn.simulator.verification.report import Check, check

TIME_TOLERANCE = 1 * SECOND
"""Frames that only a gateway without a clock heard carry their network server's time; copies
carry the other server's gateway's."""

_Times = Mapping[UplinkIdentity, Sequence[Instant]]


def check_uplinks(truth: Truth, connection: Connection) -> Check:
    """Compare the whole log; rows of other tenants count as foreign."""
    logged, strangers = _logged(truth, connection)
    expected: dict[UplinkIdentity, list[Instant]] = defaultdict(list)
    for frame in truth.frames:
        expected[truth.identity(frame)].append(frame.sent.time)
    problems = [*_differences(expected, logged)]
    if strangers:
        problems.append(
            f"{counted(strangers, 'row belongs', 'rows belong')} to another tenant than "
            f"{truth.town.tenant}"
        )
    return check(
        "every uplink is in the log exactly once",
        expected=sum(map(len, expected.values())),
        found=sum(map(len, logged.values())) + strangers,
        problems=problems,
        numbers={"sent twice": truth.copies},
    )


def _logged(truth: Truth, connection: Connection) -> tuple[_Times, int]:
    """Times of the log's rows by identity, and how many rows belong to somebody else."""
    columns = uplinks.c
    query = select(
        columns.tenant_id,
        columns.dev_eui,
        columns.dev_addr,
        columns.f_cnt,
        columns.f_port,
        columns.payload,
        columns.event_time,
    )
    found: dict[UplinkIdentity, list[Instant]] = defaultdict(list)
    strangers = 0
    for tenant_id, dev_eui, dev_addr, f_cnt, f_port, payload, event_time in connection.execute(
        query
    ):
        if tenant_id != truth.town.tenant:
            strangers += 1
            continue
        identity = UplinkIdentity(dev_eui, dev_addr, f_cnt, f_port, bytes(payload))
        found[identity].append(Instant(event_time))
    return found, strangers


def _differences(expected: _Times, logged: _Times) -> Iterator[str]:
    for identity, times in expected.items():
        rows = sorted(logged.get(identity, ()))
        if len(rows) < len(times):
            yield f"missing: {_name(identity)} of {isoformat(times[0])}"
        elif len(rows) > len(times):
            yield f"{len(rows)} times instead of {len(times)}: {_name(identity)}"
        else:
            yield from _wrong_times(identity, sorted(times), rows)
    for identity in logged.keys() - expected.keys():
        yield f"foreign: {_name(identity)} of {isoformat(logged[identity][0])}"


def _wrong_times(
    identity: UplinkIdentity, times: Sequence[Instant], rows: Sequence[Instant]
) -> Iterator[str]:
    for true, row in zip(times, rows, strict=True):
        if abs(true - row) > TIME_TOLERANCE:
            yield f"sent {isoformat(true)}, logged as {isoformat(row)}: {_name(identity)}"


def _name(identity: UplinkIdentity) -> str:
    return f"device {identity.dev_eui}, session {identity.dev_addr}, counter {identity.f_cnt}"
