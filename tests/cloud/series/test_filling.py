"""After an update that stores series in another way they are filled again from the log."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, insert, select
from structlog.testing import capture_logs

from fake_history import TOWN, History
from fake_uplinks import NINE
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.log.archive_files.archive import ArchiveUnreadable
from stadtsinn.cloud.log.cursors.repository import read_cursor
from stadtsinn.cloud.log.followers.loop import FollowerLoop, Pace
from stadtsinn.cloud.series.filling import LAYOUT, fill_if_outdated, note_beginning
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.series.redecode.tables import redecodings
from stadtsinn.cloud.series.stores.store import Point, SeriesKey, SeriesUnavailable
from stadtsinn.cloud.series.tables import series_filling

OLD = SeriesKey("of-the-old-layout", "temperature")


def age(history: History) -> None:
    """What a version before stations leaves behind: other points, and no note of their layout."""
    history.store.write([Point(TOWN, "soil", OLD, history.clock.now(), 1.0)])
    with history.database.write() as connection:
        connection.execute(delete(series_filling))


def start(history: History, batch: int = 20) -> tuple[SeriesFollower, FollowerLoop]:
    """What a process does with its follower when it starts."""
    follower = SeriesFollower(history.store, history.directory)
    loop = FollowerLoop(
        history.database, follower, history.clock, window=history.window, pace=Pace(batch=batch)
    )
    fill_if_outdated(history.database, follower, history.clock, history.archive)
    return follower, loop


def test_series_of_an_older_layout_are_made_again(history: History) -> None:
    age(history)
    assert OLD in history.store.latest(TOWN, None)
    _, loop = start(history)
    assert history.store.latest(TOWN, None) == {}
    while loop.run_once():
        pass
    assert history.state() == history.rebuilt()
    assert OLD not in history.store.latest(TOWN, None)


def test_it_says_how_far_it_is_and_goes_on_where_it_stood(history: History) -> None:
    age(history)
    with capture_logs() as logged:
        _, first = start(history)
        for _ in range(7):
            first.run_once()
        follower, second = start(history)  # the process was killed and starts again
        second.run_once()
        with history.database.read() as connection:
            position = read_cursor(connection, "series")
        assert position >= 8 * 20  # nothing from the start
        assert follower.check().detail.startswith("series are being rebuilt: ")
        assert follower.check().ok
        while second.run_once():
            pass
    assert follower.check().detail == "complete"
    percents = [line["percent"] for line in logged if line["event"] == "series_being_rebuilt"]
    assert percents[0] < 15
    assert percents[-1] > 85
    assert [line["event"] for line in logged].count("series_rebuild_begun") == 1
    assert history.state() == history.rebuilt()


def test_what_has_its_layout_or_nothing_yet_is_left_alone(history: History) -> None:
    with history.database.write() as connection:
        note_beginning(connection)
    before = history.state()
    start(history)
    assert history.state() == before
    with history.database.write() as connection:
        connection.execute(delete(series_filling))
        connection.exec_driver_sql("UPDATE follower_cursors SET position = 0")
    start(history)  # a new database beside a store: nothing of its own is to be rebuilt
    assert history.state() == before
    with history.database.read() as connection:
        assert connection.execute(select(series_filling.c.layout)).scalar_one() == LAYOUT


def test_it_waits_for_history_being_decoded_again(history: History) -> None:
    age(history)
    with history.database.write() as connection:
        row = {"started_by": "x", "started_at": 1, "range_start": 1, "range_end": 2}
        more = {"devices": [], "last_position": 1, "decoders": []}
        connection.execute(insert(redecodings).values(row | more))
    with pytest.raises(Explained, match="decoded again"):
        start(history)
    with history.database.read() as connection:
        assert read_cursor(connection, "series") > 0
    assert OLD in history.store.latest(TOWN, None)
    with history.database.write() as connection:
        connection.execute(delete(redecodings))
    start(history)
    assert history.store.latest(TOWN, None) == {}


def test_nobody_waits_for_the_store_and_one_that_was_away_is_emptied_later(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(history)
    writing: list[int] = []

    def away(tenant_id: str) -> None:
        with history.database.write():  # would wait for itself within a transaction
            writing.append(1)
        raise SeriesUnavailable("away", "fort")

    with monkeypatch.context() as patched:
        patched.setattr(history.store, "drop_tenant", away)
        with pytest.raises(SeriesUnavailable):
            start(history)
    assert writing
    _, loop = start(history)
    assert history.store.latest(TOWN, None) == {}
    while loop.run_once():
        pass
    assert history.state() == history.rebuilt()


def test_old_series_stay_until_every_archived_day_can_be_read(history: History) -> None:
    """What the log no longer has in its table comes from the archive, whole or not at all."""
    age(history)
    before = history.state()
    history.archive_days(Instant(NINE + 30 * HOUR))
    folder, elsewhere = history.archive.folder, history.folder / "elsewhere"
    folder.rename(elsewhere)
    with pytest.raises(ArchiveUnreadable, match="mount or restore"):
        start(history)
    assert OLD in history.store.latest(TOWN, None)
    assert history.state() == before
    elsewhere.rename(folder)
    _, loop = start(history)
    while loop.run_once():
        pass
    assert history.state() == history.rebuilt()
    assert OLD not in history.store.latest(TOWN, None)


def test_the_loop_does_it_before_its_first_batch_until_it_succeeds(history: History) -> None:
    calls: list[int] = []

    def before_first() -> None:
        calls.append(len(calls))
        if len(calls) < 3:
            raise SeriesUnavailable("away", "fort")

    follower = SeriesFollower(history.store, history.directory)
    loop = FollowerLoop(
        history.database, follower, history.clock, before_first=before_first, window=history.window
    )
    assert [loop._attempt() for _ in range(4)] == [None, None, 0, 0]
    assert calls == [0, 1, 2]
