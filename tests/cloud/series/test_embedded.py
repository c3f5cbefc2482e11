"""What is the embedded store's own: its file, other processes, its clock."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from real_parts import PATIENCE_S
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY, HOUR, SECOND, Instant, parse
from stadtsinn.cloud.series.stores.embedded import packed
from stadtsinn.cloud.series.stores.embedded.file import _READERS
from stadtsinn.cloud.series.stores.embedded.store import EmbeddedStore
from stadtsinn.cloud.series.stores.store import Point, Sample, SeriesKey, SeriesUnavailable
from stadtsinn.decoders.reading import Quality

FIXTURES = Path(__file__).parent / "fixtures"
NOW = parse("2026-06-10T12:00:00+02:00")
KEY = SeriesKey("linde-am-markt", "soil_moisture")
EVER = (Instant(0), Instant(NOW + 100 * DAY))


def point(time: int, value: float, quality: Quality = Quality.GOOD) -> Point:
    return Point("musterstadt", "soil", KEY, Instant(time), value, quality)


def opened(folder: Path, clock: ManualClock | None = None) -> EmbeddedStore:
    return EmbeddedStore(folder / "series.sqlite", clock or ManualClock(NOW))


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.write([point(NOW, 1.0)])
    first.close()
    assert opened(tmp_path).latest("musterstadt", None) == {KEY: Sample(NOW, 1.0)}


def test_a_good_value_that_turns_doubtful_is_the_latest_no_more(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.write([point(NOW, 1.0), point(NOW + SECOND, 2.0)])
    store.write([point(NOW + SECOND, 2.0, Quality.BAD)])
    assert store.latest("musterstadt", None) == {KEY: Sample(NOW, 1.0)}
    store.write([point(NOW, 1.0, Quality.BAD)])
    assert store.latest("musterstadt", None) == {}


def test_values_past_their_retention_go_within_an_hour_of_its_clock(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    store = opened(tmp_path, clock)
    store.write([point(NOW - 20 * DAY, 1.0)])
    store.set_retention("musterstadt", 30)
    assert len(store.read("musterstadt", KEY, *EVER)) == 1
    clock.advance(10 * DAY + HOUR)
    store.write([])  # the follower writes now and then
    assert store.read("musterstadt", KEY, *EVER) == []
    assert store.latest("musterstadt", None) == {}
    assert store.series("musterstadt", KEY.station) == []


def test_another_process_reads_while_this_one_writes(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.write([point(NOW, 1.0)])
    program = (
        "import sys; from stadtsinn.cloud.series.stores.opening import open_store\n"
        "store = open_store(sys.argv[1])\n"
        "print(len(store.read('musterstadt', next(iter(store.latest('musterstadt', None))),"
        " 0, 2**53)))"
    )
    with store._file.write() as connection:  # a transaction that is not finished
        connection.execute("DELETE FROM points")
        found = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "series.sqlite")],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
    assert found.stdout.strip() == "1"


def test_a_writer_notices_that_another_process_dropped_the_tenant(tmp_path: Path) -> None:
    """As `stadtsinn cloud rebuild series` does beside a running follower."""
    follower, rebuild = opened(tmp_path), opened(tmp_path)
    follower.write([point(NOW, 1.0)])
    rebuild.drop_tenant("musterstadt")
    follower.write([point(NOW, 2.0)])
    assert rebuild.read("musterstadt", KEY, *EVER) == [Sample(NOW, 2.0)]


def test_a_failed_write_leaves_nothing_and_the_next_one_works(tmp_path: Path) -> None:
    store = opened(tmp_path)
    broken = [point(NOW, 1.0), point("noon", 2.0)]  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        store.write(broken)
    with store._file.write() as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON points BEGIN SELECT RAISE(ABORT, 'disk'); END"
        )
    with pytest.raises(SeriesUnavailable, match="disk space"):
        store.write([point(NOW, 1.0)])
    with store._file.write() as connection:
        connection.execute("DROP TRIGGER full")
    assert store.write([point(NOW, 1.0)]) == []
    assert store.latest("musterstadt", None) == {KEY: Sample(NOW, 1.0)}


def test_many_threads_read_and_write_at_once(tmp_path: Path) -> None:
    store = opened(tmp_path)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for i in range(20):
                store.write([point(NOW + number * HOUR + i, float(i))])
                store.read("musterstadt", KEY, *EVER)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(store.read("musterstadt", KEY, *EVER)) == 120
    store.close()


def test_a_file_that_is_no_database_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "series.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(SeriesUnavailable, match="rebuild series"):
        opened(tmp_path)


def test_a_file_whose_series_belong_to_devices_is_emptied_and_keeps_the_retention(
    tmp_path: Path,
) -> None:
    """As the first version left it; the follower fills it again from the log."""
    file = sqlite3.connect(tmp_path / "series.sqlite")
    file.executescript((FIXTURES / "series_layout_2.sql").read_text())
    assert file.execute("SELECT count(*) FROM points").fetchone() == (3,)
    file.close()
    store = opened(tmp_path)
    assert store.latest("musterstadt", None) == {}
    store.write([point(NOW - 40 * DAY, 1.0), point(NOW, 2.0)])
    assert store.read("musterstadt", KEY, *EVER) == [Sample(NOW, 2.0)]  # it keeps 30 days
    store.close()
    assert opened(tmp_path).read("musterstadt", KEY, *EVER) == [Sample(NOW, 2.0)]


def test_a_file_of_a_later_layout_is_left_alone(tmp_path: Path) -> None:
    store = opened(tmp_path)
    with store._file.write() as connection:
        connection.execute("PRAGMA user_version=4")
    store.close()
    with pytest.raises(SeriesUnavailable, match="layout 4"):
        opened(tmp_path)


def test_bursts_of_threads_leave_no_connection_behind(tmp_path: Path) -> None:
    """A web server's threads come and go; each had a connection of its own that stayed open.

    The same elsewhere: https://github.com/r-spade/ormah/issues/83 (2,641 descriptors),
    https://github.com/NousResearch/hermes-agent/pull/75546,
    https://github.com/openai/openai-agents-python/pull/5090.
    """
    store = opened(tmp_path)
    store.write([point(NOW, 1.0)])
    opened_by_bursts = []
    for _ in range(3):
        together = threading.Barrier(24)

        def read(together: threading.Barrier = together) -> None:
            together.wait(PATIENCE_S)
            for _ in range(5):
                store.read("musterstadt", KEY, *EVER)

        threads = [threading.Thread(target=read) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        opened_by_bursts.append(_descriptors(tmp_path))
    most = 3 * (_READERS + 1)  # file, log and index of each reader and of the writer
    assert max(opened_by_bursts) <= most
    store.close()
    assert _descriptors(tmp_path) == 0


def _descriptors(folder: Path) -> int:
    """Descriptors of this process on the files of a folder."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # of listing this folder itself
            found += link.readlink().is_relative_to(folder)
    return found


def test_blocks_within_blocks_read_by_one_connection(tmp_path: Path) -> None:
    """Else as many threads as there are connections would wait for each other for ever."""
    store = opened(tmp_path)
    store.write([point(NOW + i, float(i)) for i in range(5)])
    answers: list[float] = []
    together = threading.Barrier(3 * _READERS)

    def count() -> None:
        together.wait(PATIENCE_S)
        with store._file.snapshot():  # several reads inside, as for a counter
            answers.append(float(len(store.read("musterstadt", KEY, *EVER))))

    threads = [threading.Thread(target=count, daemon=True) for _ in range(3 * _READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert answers == [5.0] * len(threads)
    store.close()


def test_a_connection_that_failed_is_not_lent_again(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.write([point(NOW, 1.0)])
    with (
        pytest.raises(SeriesUnavailable),
        store._file.snapshot(),
        store._file.read() as connection,
    ):
        connection.execute("SELECT * FROM nothing")
    assert store.read("musterstadt", KEY, *EVER) == [Sample(NOW, 1.0)]
    store.write([point(NOW + 1, 2.0)])  # no snapshot was left open
    assert len(store.read("musterstadt", KEY, *EVER)) == 2
    store.close()
    assert _descriptors(tmp_path) == 0


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.integers(-(10**9), 10**9).map(lambda number: number / 1_000),
                st.floats(allow_nan=False, allow_infinity=False),
            ),
            st.sampled_from(["a", "a", "a", "b"]),
            st.sampled_from([Quality.GOOD, Quality.GOOD, Quality.BAD]),
        ),
        max_size=20,
    ),
    st.one_of(st.none(), st.integers(0, 20)),
)
def test_a_column_in_parts_is_what_is_read_one_by_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    measured: list[tuple[float, str, Quality]],
    limit: int | None,
) -> None:
    """Whatever the values, the devices and where a part ends."""
    monkeypatch.setattr(packed, "AT_ONCE", 4)
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    store = opened(folder)
    store.write(
        Point("musterstadt", "soil", KEY, Instant(NOW + number), value, quality, device)
        for number, (value, device, quality) in enumerate(measured)
    )
    column = store.column("musterstadt", KEY, *EVER, limit=limit)
    assert [
        (one.at, one.value.hex(), one.source) for one in map(column.sample, range(len(column)))
    ] == [
        (one.time, one.value.hex(), one.dev_eui)
        for one in store.read("musterstadt", KEY, *EVER, limit=limit)
    ]
    store.close()
