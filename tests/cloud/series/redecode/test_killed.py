"""Killed at each of its steps, every device has its old series or its new one; then it goes on."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import real_redecode_child
from by_night import others_by_night
from fake_history import EVER, TOWN, TYPES, History, State
from fake_uplinks import at
from influx_servers import GENERATIONS
from loaded_child import run_child
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.redecode.repository import records, unfinished
from stadtsinn.cloud.series.stores.store import SeriesStore

pytestmark = pytest.mark.slow

BEFORE_THE_SWITCH = ["redecode.scanned"]
AFTER_THE_SWITCH = [
    "redecode.switched",
    "redecode.rows_changed",
    "redecode.staged",
    "redecode.replaced:2",
]
IN_INFLUXDB = [
    "series.switched:2",
    "series.old_deleted",
    "series.in_place:2",
    "series.settled:3",
]


def redecoded_elsewhere(history: History, crash_at: str = "") -> int:
    """How the process ended that decodes the history again."""
    given = (str(history.folder), *history.address)
    return run_child(real_redecode_child.main, *given, crash_at=crash_at)


def of_device(state: State, dev_eui: str) -> State:
    return {key: points for key, points in state.items() if key.station == dev_eui}


@pytest.mark.sweep
@pytest.mark.parametrize("crash_at", BEFORE_THE_SWITCH + AFTER_THE_SWITCH)
def test_killed_at_each_step(history: History, crash_at: str) -> None:
    killed_and_run_again(history, crash_at)


@pytest.mark.parametrize("history", GENERATIONS, indirect=True)
@pytest.mark.parametrize("crash_at", others_by_night(IN_INFLUXDB, ["series.in_place:2"]))
def test_killed_between_the_steps_that_influxdb_takes(history: History, crash_at: str) -> None:
    """The embedded store has none of these: one transaction."""
    killed_and_run_again(history, crash_at)


def killed_and_run_again(history: History, crash_at: str) -> None:
    history.archive_days(at(30 * 3600))
    old_log, old_state = history.logged(), history.state()
    assert redecoded_elsewhere(history, crash_at) == -9
    wreck = history.state(history.open_again())
    new_state = history_with_new_outcomes(history)
    for dev_eui in TYPES:
        found = of_device(wreck, dev_eui)
        assert found in (of_device(old_state, dev_eui), of_device(new_state, dev_eui)), dev_eui
    with history.database.read() as connection:
        waiting = unfinished(connection)
    if crash_at in BEFORE_THE_SWITCH:
        assert waiting == []
        assert history.logged() == old_log
        assert wreck == old_state
    else:
        assert [one.started_by for one in waiting] == ["child"]
    assert redecoded_elsewhere(history) == 0
    assert history.state() == new_state == history.rebuilt()
    with history.database.read() as connection:
        assert unfinished(connection) == []
        decoders = [one.decoders for one in records(connection)]
    assert len([said for said in decoders if said]) == 1  # what was done once is recorded once
    history.redecoder().run(EVER, "me")
    named = {path.name for path in (history.archive.folder / "2026").iterdir()}
    assert len(named) == len({name.split(".")[0] for name in named})


def history_with_new_outcomes(history: History) -> State:
    """The state after an undisturbed run, computed from the frames alone."""
    from msgspec import structs

    from stadtsinn.cloud.series.follower import SeriesFollower
    from stadtsinn.cloud.series.stores.opening import open_store

    uplinks = [
        structs.replace(
            up, outcome=history.now.decode(up.device_type, up.f_port, up.payload, up.event_time)
        )
        for up in history.logged()
    ]
    fresh = open_store(str(history.folder / "expected.sqlite"))
    SeriesFollower(fresh, history.directory).prepare(uplinks)
    state = history.state(fresh)
    fresh.close()
    return state


def test_whoever_reads_meanwhile_sees_one_or_the_other(history: History, tmp_path: Path) -> None:
    """Readers of whole series of each device while another process decodes again."""
    history.archive_days(at(30 * 3600))
    old_state = history.state()
    new_state = history_with_new_outcomes(history)
    allowed = {
        key: {tuple(state.get(key, ())) for state in (old_state, new_state)}
        for key in {*old_state, *new_state}
    }
    begun, done = threading.Barrier(3), threading.Event()
    failures: list[object] = []
    seen: set[object] = set()

    def watch() -> None:
        reader, is_last = history.open_again(), False
        look(reader)
        begun.wait()
        while not is_last:
            is_last = done.is_set()
            look(reader)

    def look(reader: SeriesStore) -> None:
        for key, states in allowed.items():
            points = reader.read(TOWN, key, Instant(0), EVER.end, include_doubtful=True)
            found = tuple((one.time, one.value, one.quality.value) for one in points)
            seen.add((key, found))
            if found not in states:
                failures.append((key, found))

    threads = [threading.Thread(target=watch) for _ in range(2)]
    for thread in threads:
        thread.start()
    begun.wait()
    assert redecoded_elsewhere(history) == 0
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(seen) > len(allowed)
    assert history.state() == new_state
