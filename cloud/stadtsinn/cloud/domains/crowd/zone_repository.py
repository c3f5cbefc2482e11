"""SQL of zones: their corrections, samples and states. That of gates is in `gate_repository`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.crowd import gate_repository
from stadtsinn.cloud.domains.crowd.occupancy import Clamp, Estimate
from stadtsinn.cloud.domains.crowd.sample import ZoneSample
from stadtsinn.cloud.domains.crowd.tables import (
    zone_corrections,
    zone_samples,
    zone_states,
)
from stadtsinn.cloud.domains.crowd.zones.entry import ZoneEntry
from stadtsinn.cloud.log.followers.follower import Hindered


class CorrectionKind(StrEnum):
    """Why the computed number was corrected."""

    RESET = "reset"
    """The area is known to be empty at this hour."""
    MANUAL = "manual"
    """Staff counted."""
    CLAMP = "clamp"
    """More persons left than can have been inside."""


@dataclass(frozen=True)
class Correction:
    """One correction. `value` is the number from then on, `amount` what was added to it."""

    id: int
    event_time: Instant
    kind: CorrectionKind
    value: int | None
    amount: float | None
    name: str
    reason: str
    created_at: Instant


@dataclass(frozen=True)
class ZoneState:
    """The version of a zone's counts and corrections, the time of its newest sample, and until
    when its resets are on record."""

    version: int
    sampled_at: Instant
    resets_until: Instant


class StaleTally(Hindered):
    """The zone was changed by another transaction: nothing was written, compute again."""


# --- corrections -----------------------------------------------------------------------

KNOWN_NUMBERS = (CorrectionKind.RESET.value, CorrectionKind.MANUAL.value)
"""Corrections that say how many persons are inside: counting starts again from each."""


def _correction(row: Any) -> Correction:
    return Correction(
        row.id,
        row.event_time,
        CorrectionKind(row.kind),
        row.value,
        row.amount,
        row.name,
        row.reason,
        row.created_at,
    )


def known_numbers(
    connection: Connection, zone_id: int, start: int, end: int | None = None
) -> list[Correction]:
    """Known numbers in order: the newest at or before `start`, and those up to `end`.

    Of several at the same moment only the one entered last counts.
    """
    mine = (zone_corrections.c.zone_id == zone_id) & zone_corrections.c.kind.in_(KNOWN_NUMBERS)
    first = connection.scalar(
        select(func.max(zone_corrections.c.event_time)).where(
            mine, zone_corrections.c.event_time <= start
        )
    )
    query = select(zone_corrections).where(
        mine, zone_corrections.c.event_time >= (start if first is None else first)
    )
    if end is not None:
        query = query.where(zone_corrections.c.event_time < end)
    order = (zone_corrections.c.event_time, zone_corrections.c.id)
    rows = connection.execute(query.order_by(*order))
    return list({row.event_time: _correction(row) for row in rows}.values())


def resets(connection: Connection, zone_id: int) -> tuple[Instant | None, Instant | None]:
    """The earliest and the latest reset on record; None before the zone's first report."""
    moment = zone_corrections.c.event_time
    row = connection.execute(
        select(func.min(moment), func.max(moment)).where(
            zone_corrections.c.zone_id == zone_id,
            zone_corrections.c.kind == CorrectionKind.RESET.value,
        )
    ).one()
    return row[0], row[1]


def corrections_page(
    connection: Connection, zone_id: int, before: int | None, limit: int
) -> list[Correction]:
    """Corrections of a zone, the newest entered first."""
    query = select(zone_corrections).where(zone_corrections.c.zone_id == zone_id)
    if before is not None:
        query = query.where(zone_corrections.c.id < before)
    query = query.order_by(zone_corrections.c.id.desc()).limit(limit)
    return [_correction(row) for row in connection.execute(query)]


def insert_correction(
    connection: Connection,
    tenant_id: str,
    zone_id: int,
    kind: CorrectionKind,
    event_time: Instant,
    created_at: Instant,
    *,
    value: int | None = None,
    amount: float | None = None,
    name: str = "",
    reason: str = "",
) -> Correction:
    row = connection.execute(
        insert(zone_corrections)
        .values(
            tenant_id=tenant_id,
            zone_id=zone_id,
            kind=kind.value,
            event_time=event_time,
            created_at=created_at,
            value=value,
            amount=amount,
            name=name,
            reason=reason,
        )
        .returning(zone_corrections)
    ).one()
    return _correction(row)


def insert_resets(
    connection: Connection,
    tenant_id: str,
    zone_id: int,
    moments: Sequence[Instant],
    now: Instant,
) -> None:
    """The area was empty at these moments."""
    rows = [
        {
            "tenant_id": tenant_id,
            "zone_id": zone_id,
            "kind": CorrectionKind.RESET.value,
            "event_time": moment,
            "created_at": now,
            "value": 0,
        }
        for moment in moments
    ]
    if rows:
        connection.execute(insert(zone_corrections), rows)


def insert_clamps(
    connection: Connection, tenant_id: str, zone_id: int, clamps: Sequence[Clamp], now: Instant
) -> None:
    rows = [
        {
            "tenant_id": tenant_id,
            "zone_id": zone_id,
            "kind": CorrectionKind.CLAMP.value,
            "event_time": clamp.time,
            "created_at": now,
            "amount": round(clamp.amount, 2),
        }
        for clamp in clamps
    ]
    if rows:
        connection.execute(insert(zone_corrections), rows)


def delete_clamps(connection: Connection, zone_id: int, start: int, end: int | None) -> None:
    """Forget the zero clamps with start < time <= end; they are computed again."""
    query = delete(zone_corrections).where(
        zone_corrections.c.zone_id == zone_id,
        zone_corrections.c.kind == CorrectionKind.CLAMP.value,
        zone_corrections.c.event_time > start,
    )
    connection.execute(query if end is None else query.where(zone_corrections.c.event_time <= end))


# --- samples and state -----------------------------------------------------------------


def _sample(row: Any) -> ZoneSample:
    return ZoneSample(
        row.position,
        row.tenant_id,
        row.zone_id,
        row.event_time,
        row.occupancy,
        row.low,
        row.high,
        row.degraded,
        row.permitted,
        row.judged,
    )


def samples_after(connection: Connection, position: int, limit: int) -> list[ZoneSample]:
    """Samples of all zones in the order they were computed; for followers."""
    query = select(zone_samples).where(zone_samples.c.position > position)
    query = query.order_by(zone_samples.c.position).limit(limit)
    return [_sample(row) for row in connection.execute(query)]


def first_samples(connection: Connection) -> dict[int, Instant]:
    """The time of the oldest sample of each zone: older ones are not kept."""
    query = select(zone_samples.c.zone_id, func.min(zone_samples.c.event_time))
    rows = connection.execute(query.group_by(zone_samples.c.zone_id))
    return {zone_id: Instant(moment) for zone_id, moment in rows}


def latest_sample(connection: Connection, zone_id: int) -> ZoneSample | None:
    """The current number of a zone; None before its first report."""
    found = latest_reported(connection, zone_id)
    return found[0] if found else None


def latest_reported(connection: Connection, zone_id: int) -> tuple[ZoneSample, Instant] | None:
    """The current number of a zone, and when a gate reported last."""
    row = connection.execute(
        select(zone_samples)
        .where(zone_samples.c.zone_id == zone_id)
        .order_by(zone_samples.c.position.desc())
        .limit(1)
    ).one_or_none()
    return (_sample(row), row.reported_at) if row else None


def sample_row(
    zone: ZoneEntry,
    estimate: Estimate,
    permitted: int | None,
    judged: int,
    reported_at: Instant,
) -> dict[str, object]:
    """An estimate as a row for `insert_samples`."""
    return {
        "tenant_id": zone.tenant_id,
        "zone_id": zone.id,
        "event_time": estimate.time,
        "occupancy": estimate.occupancy,
        "low": estimate.low,
        "high": estimate.high,
        "degraded": estimate.degraded,
        "permitted": permitted,
        "judged": None if judged == estimate.high else judged,
        "reported_at": reported_at,
    }


def insert_samples(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        connection.execute(insert(zone_samples), list(rows))


def delete_samples_before(connection: Connection, moment: int, limit: int) -> int:
    """Delete the oldest ones before a moment, so many at most; how many."""
    oldest = (
        select(zone_samples.c.position)
        .where(zone_samples.c.event_time < moment)
        .order_by(zone_samples.c.event_time)
        .limit(limit)
    )
    deleted = delete(zone_samples).where(zone_samples.c.position.in_(oldest))
    return connection.execute(deleted).rowcount


def states(connection: Connection, after: int = 0) -> dict[int, ZoneState]:
    """The state of every zone that has one, in the order of their ids behind `after`."""
    query = select(zone_states).where(zone_states.c.zone_id > after)
    rows = connection.execute(query.order_by(zone_states.c.zone_id))
    return {row.zone_id: _state(row) for row in rows}


def state(connection: Connection, zone_id: int) -> ZoneState | None:
    row = connection.execute(select(zone_states).where(zone_states.c.zone_id == zone_id)).first()
    return None if row is None else _state(row)


def _state(row: Row[Any]) -> ZoneState:
    return ZoneState(row.version, row.sampled_at, row.resets_until)


def advance_state(
    connection: Connection,
    zone_id: int,
    known: ZoneState | None,
    sampled_at: Instant,
    resets_until: Instant,
) -> ZoneState:
    """Note a change of a zone that was computed from the state `known`.

    Raises `StaleTally` when the zone has changed since.
    """
    values = {"sampled_at": sampled_at, "resets_until": resets_until}
    if known is None:
        connection.execute(insert(zone_states).values(zone_id=zone_id, version=1, **values))
        return ZoneState(1, **values)
    changed = connection.execute(
        update(zone_states)
        .where(zone_states.c.zone_id == zone_id, zone_states.c.version == known.version)
        .values(version=known.version + 1, **values)
    )
    if changed.rowcount != 1:
        raise StaleTally(f"zone {zone_id} was changed by somebody else; it is computed again")
    return ZoneState(known.version + 1, **values)


def touch_state(connection: Connection, zone_id: int) -> None:
    """Count up the zone's version, so that the live follower computes it again."""
    counted = connection.execute(
        update(zone_states)
        .where(zone_states.c.zone_id == zone_id)
        .values(version=zone_states.c.version + 1)
    )
    if counted.rowcount == 0:
        connection.execute(insert(zone_states).values(zone_id=zone_id, version=1, sampled_at=0))


def delete_derived(connection: Connection, limit: int) -> bool:
    """Delete of what was made from the log some `limit` rows; True: there are more. Numbers that
    staff entered stay, and so do resets and permits: which hour and which permit held then is
    nowhere else."""
    if gate_repository.delete_some(connection, limit):
        return True
    clamps = zone_corrections.c.kind == CorrectionKind.CLAMP.value
    for table, key, which in (
        (zone_samples, zone_samples.c.position, zone_samples.c.position > 0),
        (zone_corrections, zone_corrections.c.id, clamps),
    ):
        oldest = select(key).where(which).order_by(key).limit(limit)
        if connection.execute(delete(table).where(key.in_(oldest))).rowcount == limit:
            return True
    return False


def begin_states_anew(connection: Connection) -> None:
    """No zone has a sample any more."""
    connection.execute(update(zone_states).values(version=zone_states.c.version + 1, sampled_at=0))
