"""History decoded again: log and series are what they would be had the catalogue been new then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from counted import write_transactions
from fake_history import (
    BED,
    EVER,
    FIRST_DAY,
    ROOF,
    TOWN,
    TREE,
    WELL,
    History,
    State,
    value_of,
)
from fake_uplinks import at
from redecode_devices import SOIL
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.log.archive_files.exclusive import HistoryBusy, rewriting_history
from stadtsinn.cloud.log.followers.forgetting import rebuild
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.series.redecode import service
from stadtsinn.cloud.series.redecode.repository import records, unfinished
from stadtsinn.cloud.series.redecode.service import SeriesBehind, Wanted
from stadtsinn.cloud.series.stores.influxdb import replacing as influx_replacing
from stadtsinn.cloud.series.stores.store import SeriesKey

pytestmark = pytest.mark.slow

MIDDLE = at(30 * 3600)
"""In the second day: what is before it may be archived."""


def of_devices(state: State, *dev_euis: str) -> State:
    return {key: points for key, points in state.items() if key.station in dev_euis}


def expected_outcomes(
    history: History, before: list[LoggedUplink], chosen: Callable[[LoggedUplink], bool]
) -> list[object]:
    return [
        history.now.decode(up.device_type, up.f_port, up.payload, up.event_time)
        if chosen(up)
        else up.outcome
        for up in before
    ]


@pytest.mark.parametrize("archived", [0, 30, 100], ids=["table", "both", "archive"])
def test_log_and_series_become_what_the_new_catalogue_says(history: History, archived: int) -> None:
    history.archive_days(at(archived * 3600))
    before, old_state = history.logged(), history.state()
    planned = history.redecoder().dry_run(EVER)
    assert history.logged() == before
    assert history.state() == old_state
    done = history.redecoder().run(EVER, "somebody@here")
    assert done.report == planned.report
    assert (planned.redecoding, done.redecoding, done.left_alone) == (None, 1, 0)
    after = history.logged()
    assert [up.outcome for up in after] == expected_outcomes(history, before, lambda _: True)
    assert history.state() == history.rebuilt() != old_state
    again = history.redecoder().dry_run(EVER)
    assert again.report.devices == {}
    assert again.report.uplinks == len(before)


@pytest.mark.parametrize("history", ["postgres"], indirect=True)
def test_on_postgresql_as_well(history: History) -> None:
    """Its SQL, its lock and its arrays; archive and table, twice."""
    history.archive_days(MIDDLE)
    before = history.logged()
    history.redecoder().run(FIRST_DAY, "me")
    assert history.state() == history.rebuilt()
    history.redecoder().run(EVER, "me")
    outcomes = [up.outcome for up in history.logged()]
    assert outcomes == expected_outcomes(history, before, lambda _: True)
    assert history.state() == history.rebuilt()
    history.archive_days(at(100 * 3600))
    assert [up.outcome for up in history.logged()] == outcomes


def test_the_report_counts_what_changes(history: History) -> None:
    history.archive_days(MIDDLE)
    report = history.redecoder().dry_run(EVER).report
    assert report.uplinks == 72 * 4 + 15
    assert {dev_eui for _, dev_eui in report.devices} == {BED, TREE, WELL}
    bed = report.devices[TOWN, BED]
    assert bed.uplinks == 72
    assert bed.decoders == Counter({("test/soil@1", "test/soil@2"): 72})
    assert (bed.now_decoded, bed.no_longer_decoded, bed.other_error) == (8, 0, 0)
    moisture = bed.series["soil_moisture", "30cm"]
    assert (moisture.new, moisture.gone, moisture.changed) == (8, 0, 64)
    assert moisture.largest == pytest.approx(59.0)
    assert moisture.quality == Counter({("good", "bad (out_of_range)"): 9})
    conductivity, voltage = bed.series["soil_conductivity", ""], bed.series["battery_voltage", ""]
    assert (conductivity.new, voltage.gone) == (72, 64)
    temperature = bed.series["soil_temperature", ""]
    assert (temperature.new, temperature.changed) == (8, 0)
    assert set(temperature.quality) == {("good", "bad (out_of_range)")}
    tree = report.devices[TOWN, TREE]
    assert (tree.now_decoded, tree.no_longer_decoded) == (0, 12)
    assert report.decoders["test/logger@1", "test/logger@2"] == 72 + 15


def test_only_what_was_chosen_changes(history: History) -> None:
    """A device, a type, a tenant, a range: the rest of log and series stays to the last bit."""
    history.archive_days(MIDDLE)
    old_log, old_state = history.logged(), history.state()
    for nothing in (
        Wanted(EVER.start, EVER.end, "nachbar"),
        Wanted(EVER.start, EVER.end, None, frozenset({ROOF, "test/unknown"})),
        Wanted(Instant(0), Instant(at(0) - DAY)),
    ):
        history.redecoder().run(nothing, "me")
        assert history.logged() == old_log
    wanted = Wanted(at(20 * 3600), at(40 * 3600), TOWN, frozenset({SOIL}))

    def chosen(up: LoggedUplink) -> bool:
        return up.device_type == SOIL and wanted.start <= up.event_time < wanted.end

    history.redecoder().run(wanted, "me")
    expected = expected_outcomes(history, old_log, chosen)
    assert [up.outcome for up in history.logged()] == expected
    state = history.state()
    assert state == history.rebuilt()
    assert of_devices(state, WELL, ROOF) == of_devices(old_state, WELL, ROOF)
    outside = {
        key: [point for point in points if not wanted.start <= point[0] < wanted.end]
        for key, points in of_devices(old_state, BED, TREE).items()
    }
    for key, points in outside.items():
        kept = [point for point in state[key] if not wanted.start <= point[0] < wanted.end]
        assert kept == points
    history.redecoder().run(Wanted(EVER.start, EVER.end, None, frozenset({TREE})), "me")
    assert history.state() == history.rebuilt()


def test_values_older_than_their_frame_are_replaced_where_they_lie(history: History) -> None:
    """The well repeats values hours later; the day's part holds what other days' frames bring."""
    # a repetition on the third day of a value of the first, with another number
    history.log([(WELL, 5, 60.0, value_of(2)[:4] + b"\x01\x00")], history.then)
    history.follow()
    history.archive_days(MIDDLE)
    history.redecoder().run(FIRST_DAY, "me")
    assert history.state() == history.rebuilt()
    late = Wanted(at(59 * 3600), at(61 * 3600))
    history.redecoder().run(late, "me")
    assert history.state() == history.rebuilt()


def test_newer_uplinks_are_left_alone_and_none_that_comes_meanwhile_is_lost(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between all its steps new uplinks of the range are logged, followed at once or later."""
    history.archive_days(MIDDLE)
    history.log([(BED, 2, 10.11, b"\0\1\0\1\0\1")], history.then)  # not followed yet
    came: list[str] = []

    def meanwhile(point: str) -> None:
        came.append(point)
        hours = 11 + len(came) / 100
        history.log([(one, 2, hours, b"\0\1\0\1\0\1") for one in (BED, TREE)], history.now)
        history.log([(WELL, 5, 50 + hours, value_of(len(came) % 20))], history.now)
        if len(came) % 2:
            history.follow()

    monkeypatch.setattr(service, "crash_point", meanwhile)
    monkeypatch.setattr(influx_replacing, "crash_point", meanwhile)
    before = len(history.logged())
    done = history.redecoder().run(EVER, "me")
    assert done.left_alone >= 1
    history.follow()
    assert len(came) >= 4
    assert len(history.logged()) == before + 3 * len(came)
    assert history.state() == history.rebuilt()
    old = [up for up in history.logged() if up.outcome.decoder == "test/soil@1"]
    assert [up.event_time for up in old] == [at(10.11 * 3600)]
    monkeypatch.undo()
    history.redecoder().run(EVER, "me")
    assert history.state() == history.rebuilt()
    assert all(up.outcome.decoder != "test/soil@1" for up in history.logged())


def test_a_rebuild_after_it_gives_the_same_also_from_the_memory_of_a_running_process(
    history: History,
) -> None:
    """Followers keep the newest uplinks in memory; those were decoded by the old catalogue."""
    history.redecoder().run(EVER, "me")
    replaced = history.state()
    follower = SeriesFollower(history.store, history.directory)
    rebuild(history.database, follower, history.clock)
    assert history.state() == {}
    history.follow()
    assert history.state() == replaced


def test_records_say_who_when_what_and_by_which_decoders(history: History) -> None:
    history.redecoder().run(FIRST_DAY, "somebody@here")
    history.redecoder().run(FIRST_DAY, "somebody@here")
    with history.database.read() as connection:
        first, second = records(connection)
        assert unfinished(connection) == []
    assert (first.started_by, first.started_at) == ("somebody@here", history.clock.now())
    assert first.finished_at == history.clock.now()
    assert (first.chosen.start, first.chosen.end) == (FIRST_DAY.start, FIRST_DAY.end)
    decoders = {(one["old"], one["new"]): one["uplinks"] for one in first.decoders}
    assert decoders == {
        ("test/soil@1", "test/soil@2"): 30,
        ("test/logger@1", "test/logger@2"): 20,
    }
    assert second.decoders == []


def test_two_runs_at_once_refuse_each_other(history: History) -> None:
    redecoder = history.redecoder()
    with rewriting_history(history.database):
        with pytest.raises(HistoryBusy, match="wait until it has ended"):
            redecoder.run(EVER, "me")
        with pytest.raises(HistoryBusy):
            redecoder.dry_run(EVER)
    redecoder.dry_run(EVER)


def test_while_the_series_are_being_rebuilt_nothing_is_decoded_again(history: History) -> None:
    history.archive_days(MIDDLE)
    follower = SeriesFollower(history.store, history.directory)
    rebuild(history.database, follower, history.clock, history.archive)
    with pytest.raises(SeriesBehind, match="let 'stadtsinn cloud run' catch up"):
        history.redecoder().run(EVER, "me")


def test_an_interrupted_run_keeps_a_rebuild_away_until_it_is_continued(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(point: str) -> None:
        if point == "redecode.staged":
            raise RuntimeError("power cut")

    monkeypatch.setattr(service, "crash_point", stumble)
    with pytest.raises(RuntimeError, match="power cut"):
        history.redecoder().run(EVER, "me")
    monkeypatch.undo()
    follower = SeriesFollower(history.store, history.directory)
    with pytest.raises(Explained, match="stadtsinn redecode --continue"):
        rebuild(history.database, follower, history.clock)
    (continued,) = history.redecoder().finish_interrupted()
    assert continued.id == 1
    assert history.redecoder().finish_interrupted() == []
    assert history.state() == history.rebuilt()
    rebuild(history.database, follower, history.clock)


def test_a_devices_rows_change_a_few_at_a_time_and_a_run_stopped_between_goes_on(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(point: str) -> None:
        if point == "redecode.some_rows_changed":
            raise RuntimeError("power cut")

    monkeypatch.setattr(service, "WRITTEN_AT_ONCE", 3)
    monkeypatch.setattr(Database, "let_others_write", lambda _: None)
    before = history.logged()
    expected = expected_outcomes(history, before, lambda _: True)
    with monkeypatch.context() as patched:
        patched.setattr(service, "crash_point", stumble)
        with pytest.raises(RuntimeError, match="power cut"):
            history.redecoder().run(EVER, "me")
    changed = [new != old.outcome for new, old in zip(expected, before, strict=True)]
    now = [new.outcome != old.outcome for new, old in zip(history.logged(), before, strict=True)]
    assert 0 < sum(now) <= 3 < sum(changed)
    with write_transactions(history.database) as found:
        assert history.redecoder().finish_interrupted()
    of_rows = [one for one in found if any("UPDATE uplinks" in text for text in one.texts)]
    assert len(of_rows) >= sum(changed) // 3 - 1
    assert max(one.changes for one in of_rows) <= 4
    assert [up.outcome for up in history.logged()] == expected
    assert history.state() == history.rebuilt()


def test_a_run_continued_by_a_newer_catalogue_ends_with_what_that_one_says(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update between the crash and the next run: rows still to be done are decoded by it."""

    def stumble(point: str) -> None:
        if point == "redecode.switched":
            raise RuntimeError("power cut")

    known = history.redecoder(history.then)
    with monkeypatch.context() as patched:
        patched.setattr(service, "crash_point", stumble)
        with pytest.raises(RuntimeError, match="power cut"):
            history.redecoder().run(FIRST_DAY, "me")
    assert known.finish_interrupted()
    assert history.state() == history.rebuilt()


def test_old_files_go_when_the_next_run_begins(history: History) -> None:
    history.archive_days(MIDDLE)
    folder = history.archive.folder / "2026"
    first = {path.name for path in folder.iterdir()}
    history.redecoder().run(EVER, "me")
    assert {path.name for path in folder.iterdir()} > first
    history.redecoder().run(EVER, "me")
    second = {path.name for path in folder.iterdir()}
    assert len(second) == len(first)
    assert not second & first


def test_the_numbers_of_one_uplink(history: History) -> None:
    """By hand: 110 raw was 11 % and is 22 %, the voltage was a conductivity all along."""
    hour = Wanted(at(3600), at(3601))
    moisture = SeriesKey(BED, "soil_moisture", "30cm")
    voltage, conductivity = SeriesKey(BED, "battery_voltage"), SeriesKey(BED, "soil_conductivity")

    def values(key: SeriesKey) -> list[float]:
        return [one.value for one in history.store.read(TOWN, key, hour.start, hour.end)]

    assert (values(moisture), values(voltage), values(conductivity)) == ([11.0], [3.001], [])
    history.redecoder().run(hour, "me")
    assert (values(moisture), values(voltage), values(conductivity)) == ([22.0], [], [3001.0])
    assert len(history.store.read(TOWN, voltage, Instant(0), EVER.end)) == 63
