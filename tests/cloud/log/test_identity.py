"""The table of decision record 0005, on both databases."""

from __future__ import annotations

import pytest

from fake_uplinks import NINE, at
from identity_cases import CASES, DAY, Case, seen
from stadtsinn.cloud.log.uplinks.repository import append, read_after
from stadtsinn.cloud.log.uplinks.rows import Entry
from stadtsinn.cloud.platform.database.engine import Database


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "in one commit"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_log_holds_each_frame_once(database: Database, case: Case, together: bool) -> None:
    entries = [arrival for arrival, _ in case.arrivals]
    expected = [new for _, new in case.arrivals]
    groups = [entries] if together else [[single] for single in entries]
    verdicts: list[bool] = []
    for group in groups:
        with database.write() as connection:
            verdicts += append(connection, group, at(0))
    assert verdicts == expected
    with database.read() as connection:
        logged = read_after(connection, 0, 1000)
    kept = [e for e, new in case.arrivals if new]
    assert [(u.f_cnt, u.event_time, u.source) for u in logged] == [
        (e.uplink.f_cnt, e.uplink.event_time, e.source) for e in kept
    ]


def test_everything_sent_twice_changes_nothing(database: Database) -> None:
    """A resend of all arrivals of all cases, in the same order, adds no row."""
    for n, case in enumerate(CASES):
        entries = [_of_device(arrival, n) for arrival, new in case.arrivals if new]
        with database.write() as connection:
            append(connection, entries, at(0))
            again = append(connection, entries, at(1))
        assert not any(again), case.name


def _of_device(original: Entry, number: int) -> Entry:
    from msgspec.structs import replace

    dev_eui = f"70b3d5000000{number:04x}"
    return Entry(
        original.tenant_id,
        original.source,
        original.device_type,
        replace(original.uplink, dev_eui=dev_eui),
        original.outcome,
    )


def test_generations_count_the_runs_of_a_counter(database: Database) -> None:
    """Three runs of one session: 0, 1, 2."""
    with database.write() as connection:
        append(connection, [seen(0, n * DAY) for n in range(3)], NINE)
        assert [u.generation for u in read_after(connection, 0, 10)] == [0, 1, 2]
