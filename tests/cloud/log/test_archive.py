"""Old days in Parquet: the log reads as before; killed anywhere, nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Connection, delete, event, func, select, text, update

import real_archive_child
from counted import write_transactions
from databases import add_tenant, fresh_database
from fake_uplinks import LSE01_PAYLOAD, NINE, at, entry, uplink
from identity_cases import CASES, Case, seen
from loaded_child import run_child
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY, SECOND, Instant
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.intake.opening import open_ingestor
from stadtsinn.cloud.intake.service import Judged
from stadtsinn.cloud.log.archive_files import leaving
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay, ArchiveUnreadable, days
from stadtsinn.cloud.log.archive_files.archived_copies import ArchivedCopies
from stadtsinn.cloud.log.archive_files.archiving import Kept, Moved, archive_before, sweep
from stadtsinn.cloud.log.archive_files.exclusive import HistoryBusy, rewriting_history
from stadtsinn.cloud.log.archive_files.leaving import finish_leaving
from stadtsinn.cloud.log.archive_files.parquet import (
    ROW_GROUP,
    RowGroups,
    batch_of_rows,
    integers,
    write_file,
)
from stadtsinn.cloud.log.cursors.repository import ensure_cursor, move_cursor
from stadtsinn.cloud.log.followers.forgetting import rebuild
from stadtsinn.cloud.log.reader import history, read_after
from stadtsinn.cloud.log.uplinks.repository import append, head
from stadtsinn.cloud.log.uplinks.rows import Entry, row_of
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.reading import Decoded, Quality, Reading

pytestmark = pytest.mark.slow

CLOCK = ManualClock(Instant(NINE + 100 * DAY))
LATER = Instant(NINE + 50 * DAY)
DAY_S = DAY // SECOND
SCOPE = Scope("musterstadt", Role.READER, 1)
DEVICE, OTHER = "70b3d50000000100", "70b3d50000000101"
OUTCOME = Decoded("dragino/lse01@1", (Reading("soil_moisture", 19.57, "30cm", Quality.BAD, "x"),))


def fill(database: Database, count: int = 60, first: int = 0) -> None:
    """Two devices over three days; each third uplink comes late, in the order of the log."""
    order = sorted(range(first, first + count), key=lambda n: n + (40 if n % 3 == 0 else 0))
    with database.write() as connection:
        for n in order:
            up = uplink(n, n * DAY_S / 20, dev_eui=(DEVICE, OTHER)[n % 2], payload=LSE01_PAYLOAD)
            append(connection, [entry(up, outcome=OUTCOME)], at(n))


def archive_all(database: Database, archive: Archive) -> list[Moved | Kept]:
    return list(archive_before(database, archive, LATER, (), CLOCK))


def whole_log(database: Database, archive: Archive | None, page: int = 7) -> list[LoggedUplink]:
    found: list[LoggedUplink] = []
    with database.read() as connection:
        while newer := read_after(connection, archive, found[-1].position if found else 0, page):
            found += newer
    return found


def in_table(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(uplinks)).scalar_one()


def test_the_log_reads_the_same_from_archive_and_table(
    database: Database, archive: Archive
) -> None:
    fill(database)
    before = whole_log(database, None)
    moved = archive_all(database, archive)
    assert [type(one) for one in moved] == [Moved] * 4  # 7:00 UTC over three days
    assert in_table(database) == 1  # the newest: positions are counted on from it
    assert whole_log(database, archive) == before
    assert whole_log(database, archive, page=1000) == before
    with database.read() as connection:
        for position in (0, 5, before[30].position, before[-1].position):
            expected = [u for u in before if u.position > position][:9]
            assert read_after(connection, archive, position, 9) == expected


def test_late_uplinks_of_an_archived_day_join_it_at_the_next_run(
    database: Database, archive: Archive
) -> None:
    fill(database, 30)
    archive_all(database, archive)
    fill(database, 30, first=30)
    late = uplink(700, DAY_S * 0.3, payload=b"\x07")
    with database.write() as connection:
        assert append(connection, [entry(late)], at(9)) == [True]
    before = whole_log(database, archive)
    assert len(before) == 61
    archive_all(database, archive)
    # the late one is the newest of all, so it stays until another came
    fill(database, 1, first=60)
    again = archive_all(database, archive)
    assert [(one.uplinks, one.in_file) for one in again if isinstance(one, Moved)] == [(1, 16)]
    assert whole_log(database, archive)[:-1] == before
    assert in_table(database) == 1


def test_a_file_holds_every_column_in_layouts_that_the_decoder_takes(
    database: Database, archive: Archive
) -> None:
    fill(database)
    moved = archive_all(database, archive)[0]
    assert isinstance(moved, Moved)
    file = pq.ParquetFile(archive.folder / moved.file)
    assert set(file.schema_arrow.names) == set(uplinks.c.keys())
    assert file.schema_arrow.field("payload").type == pa.large_binary()
    assert pa.types.is_dictionary(file.schema_arrow.field("device_type").type)
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert file.metadata.num_rows == moved.in_file


def test_history_of_a_device_comes_from_both_newest_first(
    database: Database, archive: Archive
) -> None:
    add_tenant(database, "nachbar")
    fill(database)
    start, end = at(DAY_S * 0.4), at(DAY_S * 2.1)

    def pages(files: Archive | None) -> list[object]:
        with database.read() as connection:
            found: list[object] = [history(connection, files, SCOPE, DEVICE, limit=8)]
            found.append(history(connection, files, SCOPE, DEVICE, start=start, end=end))
            found.append(history(connection, files, SCOPE, DEVICE, before_position=20, limit=8))
            foreign = Scope("nachbar", Role.READER, 2)
            found.append(history(connection, files, foreign, DEVICE))
        return found

    before = pages(None)
    assert len(before[0]) == 8  # type: ignore[arg-type]
    archive_all(database, archive)
    assert pages(archive) == before


def test_more_rows_than_a_row_group_stay_in_order(database: Database, archive: Archive) -> None:
    """Two files' worth of rows are merged when late ones join."""

    def many(first: int) -> None:
        rows = [entry(uplink(n, n / 10)) for n in range(first, first + ROW_GROUP + 9, 2)]
        with database.write() as connection:
            append(connection, rows, at(0))

    many(0)
    fill(database, 1, first=900_000)
    archive_all(database, archive)
    many(1)
    before = whole_log(database, archive, 5000)
    fill(database, 1, first=900_001)
    archive_all(database, archive)
    assert whole_log(database, archive, 5000)[:-1] == before
    assert len(before) == ROW_GROUP + 11


def test_late_rows_lie_by_themselves_so_that_a_rebuild_need_not_read_the_day_for_them() -> None:
    """Positions far apart share no row group; nothing is lost, doubled or out of order."""
    positions = [*range(5), *range(900_000, 900_000 + ROW_GROUP + 3), 2_000_000, 2_000_001]
    rows = [(position, *_ROW[1:]) for position in positions]
    batches = [batch_of_rows(rows[:7]), batch_of_rows(rows[7:20_000]), batch_of_rows(rows[20_000:])]
    with TemporaryDirectory() as name:
        path = Path(name) / "day.parquet"
        write_file(path, [batch for batch in batches if batch.num_rows])
        with RowGroups(path) as file:
            assert [file.positions(number) for number in range(len(file))] == [
                (0, 4),
                (900_000, 900_000 + ROW_GROUP - 1),
                (900_000 + ROW_GROUP, 900_000 + ROW_GROUP + 2),
                (2_000_000, 2_000_001),
            ]
            read = [p for batch in file for p in integers(batch, "position").tolist()]
    assert read == positions


_ROW = (0, *row_of(entry(uplink(1)), 0, NINE))


def test_a_day_that_a_follower_has_not_passed_stays(database: Database, archive: Archive) -> None:
    fill(database)
    positions = [u.position for u in whole_log(database, None)]
    with database.write() as connection:
        for name, position in (("series", positions[-1]), ("alerts", positions[40])):
            ensure_cursor(connection, name, NINE)
            move_cursor(connection, name, 0, position, NINE)
    done = list(archive_before(database, archive, LATER, ("series", "alerts"), CLOCK))
    kept = [one for one in done if isinstance(one, Kept)]
    assert kept
    assert len(kept) < len(done)
    assert "the follower 'alerts' is at position" in kept[0].reason.english
    assert len(whole_log(database, archive)) == 60
    never = list(archive_before(database, archive, LATER, ("never ran",), CLOCK))
    assert never
    assert all(isinstance(one, Kept) for one in never)


@pytest.mark.sweep
@pytest.mark.parametrize("together", [False, True], ids=["one by one", "in one commit"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_identity_holds_for_archived_uplinks(
    tmp_path: Path, archive: Archive, case: Case, together: bool
) -> None:
    """Decision 0005's table of cases, with everything archived before the next arrival."""
    database = fresh_database(tmp_path)
    add_tenant(database)
    archived = ArchivedCopies(archive)
    entries = [arrival for arrival, _ in case.arrivals]
    half = len(entries) // 2
    groups = [entries[:half], entries[half:]] if together else [[single] for single in entries]
    verdicts: list[bool] = []
    for number, group in enumerate(groups):
        with database.write() as connection:
            verdicts += append(connection, group, at(0), archived)
            # so that all of them can leave the table
            append(connection, [entry(uplink(number, 9, dev_eui=OTHER))], at(0))
        archive_all(database, archive)
    assert verdicts == [new for _, new in case.arrivals]
    database.dispose()


def test_generations_count_on_over_archived_runs(database: Database, archive: Archive) -> None:
    archived = ArchivedCopies(archive)
    for n in range(3):
        with database.write() as connection:
            append(connection, [seen(0, n * DAY_S), entry(uplink(n, 9, dev_eui=OTHER))], at(0))
            assert append(connection, [seen(0, n * DAY_S)], at(0), archived) == [False]
        archive_all(database, archive)
    runs = [u.generation for u in whole_log(database, archive) if u.dev_eui == DEVICE]
    assert runs == [0, 0, 0]  # without the archive's copies each begins anew
    with database.write() as connection:
        append(connection, [seen(0, 5 * DAY_S)], at(0), archived)
    assert whole_log(database, archive)[-1].generation == 1


def test_a_reader_without_the_archive_fails_with_the_remedy_and_skips_nothing(
    database: Database, archive: Archive
) -> None:
    fill(database)
    archive_all(database, archive)
    with pytest.raises(ArchiveUnreadable, match=r"\[archive\] folder"):
        whole_log(database, None)
    (archive.folder / "2026").rename(archive.folder / "away")
    with pytest.raises(ArchiveUnreadable, match=r"2026-09-26 lie in .* mount or restore"):
        whole_log(database, Archive(archive.folder))


def test_two_runs_at_once_refuse_each_other(database: Database, archive: Archive) -> None:
    fill(database)
    with rewriting_history(database), pytest.raises(HistoryBusy, match="wait until it has ended"):
        archive_all(database, archive)
    assert archive_all(database, archive)


def test_rows_that_vanish_meanwhile_stop_the_day(
    database: Database, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are deleted by hand between writing the file and the commit: nothing is lost."""
    fill(database)

    def write_then_delete(*arguments: object) -> None:
        write_file(*arguments)  # type: ignore[arg-type]
        with database.write() as connection:
            connection.execute(text("DELETE FROM uplinks WHERE position = 2"))

    monkeypatch.setattr(archive_before.__module__ + ".write_file", write_then_delete)
    with pytest.raises(Explained, match="nothing was changed"):
        archive_all(database, archive)
    assert in_table(database) == 59
    with database.read() as connection:
        assert days(connection) == []


def test_the_sweep_leaves_what_is_not_ours(database: Database, archive: Archive) -> None:
    fill(database)
    archive_all(database, archive)
    folder = archive.folder / "2026"
    (folder / "notes.txt").write_text("kept")
    (folder / "2026-09-26.9.parquet.77.tmp").write_text("half a file")
    named = {path.name for path in folder.glob("*.parquet")}
    sweep(database, archive)
    assert {path.name for path in folder.iterdir()} == {*named, "notes.txt"}


@pytest.mark.sweep
@pytest.mark.parametrize(
    "point",
    ["archive.written", "archive.renamed", "archive.committed", "archive.written:3"],
)
@pytest.mark.parametrize("merging", [False, True], ids=["new day", "merged day"])
def test_killed_anywhere_nothing_is_lost_or_doubled(
    database: Database, archive: Archive, point: str, merging: bool, tmp_path: Path
) -> None:
    fill(database)
    if merging:
        archive_all(database, archive)
        fill(database, 80, first=1000)
        late = [entry(uplink(5000 + n, n * DAY_S / 5)) for n in range(20)]
        with database.write() as connection:
            append(connection, late, at(0))
        fill(database, 1, first=2000)
    before = whole_log(database, archive)
    url = database.engine.url.render_as_string(hide_password=False)
    given = (url, str(archive.folder), str(LATER))
    assert run_child(real_archive_child.main, *given, crash_at=point) == -9
    assert whole_log(database, Archive(archive.folder)) == before
    assert run_child(real_archive_child.main, *given) == 0
    with database.read() as connection:
        named = {Path(day.file).name for day in days(connection)}
        assert head(connection) == before[-1].position
    fresh = Archive(archive.folder)
    assert whole_log(database, fresh) == before
    if point != "archive.committed" or not merging:  # a replaced version waits for the next run
        assert {path.name for path in (archive.folder / "2026").iterdir()} >= named
    archive_all(database, fresh)
    assert {path.name for path in (archive.folder / "2026").iterdir()} == named


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows leave at a time, and nobody waits between."""
    monkeypatch.setattr(leaving, "AT_ONCE", 3)
    monkeypatch.setattr(Database, "let_others_write", lambda _: None)


@pytest.mark.usefixtures("few_at_once")
def test_rows_leave_the_table_a_few_at_a_time(database: Database, archive: Archive) -> None:
    fill(database)
    with write_transactions(database) as found:
        moved = [one for one in archive_all(database, archive) if isinstance(one, Moved)]
    deleting = [one for one in found if any("DELETE FROM uplinks" in text for text in one.texts)]
    assert len(deleting) == sum(-(-one.uplinks // 3) for one in moved)
    assert max(one.changes for one in found) == 2
    assert in_table(database) == 1


class PowerCut(Exception):
    """The process is gone."""


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize("point", ["archive.some_sessions", "archive.some_left"])
def test_stopped_while_rows_leave_the_log_reads_the_same_and_the_next_run_goes_on(
    database: Database, archive: Archive, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    before = whole_log(database, None)
    with database.read() as connection:
        history_before = history(connection, None, SCOPE, DEVICE)

    def stop_at(reached: str) -> None:
        if reached == point:
            raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(leaving, "crash_point", stop_at)
        with pytest.raises(PowerCut):
            archive_all(database, archive)
    with database.read() as connection:
        (day,) = days(connection)
        assert history(connection, archive, SCOPE, DEVICE) == history_before
    assert whole_log(database, archive) == before
    assert whole_log(database, archive, page=1000) == before
    # What comes meanwhile for that day is no part of its file.
    late = uplink(700, DAY_S * 0.1, payload=b"\x07")
    with database.write() as connection:
        assert append(connection, [entry(late)], at(9), ArchivedCopies(archive)) == [True]
        for resent in before[:6]:
            again = append(connection, [_as_sent(resent)], at(9), ArchivedCopies(archive))
            assert again == [False]
    finish_leaving(database, archive)
    left = [one for one in whole_log(database, archive) if one.position <= before[-1].position]
    assert left == before
    assert in_table(database) == len(before) - day.uplinks + 1
    archive_all(database, archive)
    assert whole_log(database, archive)[:-1] == before
    assert in_table(database) == 1


def _as_sent(logged: LoggedUplink) -> Entry:
    return entry(
        uplink(
            logged.f_cnt,
            (logged.event_time - NINE) / SECOND,
            dev_eui=logged.dev_eui,
            payload=logged.payload,
        )
    )


def test_a_row_that_is_not_in_its_days_file_never_leaves(
    database: Database, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the database says of that file."""
    fill(database)
    before = whole_log(database, None)

    def stop(reached: str) -> None:
        if reached == "archive.some_left":
            raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(leaving, "crash_point", stop)
        with pytest.raises(PowerCut):
            archive_all(database, archive)
    with database.write() as connection:
        (day,) = days(connection)
        append(connection, [entry(uplink(700, DAY_S * 0.1, payload=b"\x07"))], at(9))
        foreign = next(u.position for u in before if u.event_time >= day.day + DAY)
        assert foreign < day.last
        connection.execute(delete(uplinks).where(uplinks.c.position == foreign))
        connection.execute(update(uplinks).where(uplinks.c.f_cnt == 700).values(position=foreign))
    finish_leaving(database, archive)
    with database.read() as connection:
        kept = connection.scalar(select(func.count()).where(uplinks.c.f_cnt == 700))
    assert kept == 1


class Opened(Archive):
    """Notes whether a file is opened while a write transaction is open."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(folder)
        self.within: list[bool] = []
        self._writing = 0
        event.listen(database.engine, "begin", self._begun)
        event.listen(database.engine, "commit", self._ended)
        event.listen(database.engine, "rollback", self._ended)

    def open(self, day: ArchivedDay) -> RowGroups:
        self.within.append(self._writing > 0)
        return super().open(day)

    def _begun(self, connection: Connection) -> None:
        self._writing += _is_writing(connection)

    def _ended(self, connection: Connection) -> None:
        self._writing -= _is_writing(connection)


def _is_writing(connection: Connection) -> bool:
    return connection.get_execution_options().get("stadtsinn_access") == "write"


@pytest.mark.sweep
@pytest.mark.parametrize("together", [False, True], ids=["one by one", "in one commit"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nobody_waits_while_an_archived_day_is_read(
    tmp_path: Path, case: Case, together: bool
) -> None:
    """Decision 0005's table again, as the ingest commits: files are read between two attempts."""
    database = fresh_database(tmp_path)
    add_tenant(database)
    archive = Opened(tmp_path / "archive", database)
    ingestor = open_ingestor(database, DirectoryCache(database), CLOCK, archive)
    entries = [arrival for arrival, _ in case.arrivals]
    half = len(entries) // 2
    groups = [entries[:half], entries[half:]] if together else [[single] for single in entries]
    new = 0
    for number, group in enumerate(groups):
        archive.within.clear()
        new += ingestor.write(Judged(group)).new.total()
        assert not any(archive.within)
        ingestor.write(Judged([entry(uplink(number, 9, dev_eui=OTHER))]))
        archive_all(database, archive)
    assert new == sum(is_new for _, is_new in case.arrivals)
    database.dispose()


def test_a_file_is_not_read_again_for_the_next_uplink_of_a_session(
    database: Database, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    archive_all(database, archive)
    ingestor = open_ingestor(database, DirectoryCache(database), CLOCK, archive)
    resent = whole_log(database, archive)[:3]
    read: list[ArchivedDay] = []

    def opened(day: ArchivedDay) -> RowGroups:
        read.append(day)
        return Archive.open(archive, day)

    monkeypatch.setattr(archive, "open", opened)
    assert ingestor.write(Judged([_as_sent(one) for one in resent])).copies.total() == 3
    assert read
    read.clear()
    assert ingestor.write(Judged([_as_sent(one) for one in resent])).copies.total() == 3
    assert read == []


class _Forgets:
    """A follower that a rebuild would empty."""

    name = "series"
    forgotten = False

    def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:
        """Nothing."""

    def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> None:
        """Nothing."""

    def tick(self, connection: Connection, now: Instant) -> None:
        """Nothing."""

    def reset(self, connection: Connection) -> None:
        self.forgotten = True


def test_a_rebuild_removes_nothing_while_the_archive_is_away(
    database: Database, archive: Archive
) -> None:
    """Else what was made from the archived days would be gone until somebody mounts the folder."""
    fill(database)
    assert archive_all(database, archive)
    follower = _Forgets()
    archive.folder.rename(archive.folder.with_name("elsewhere"))
    with pytest.raises(ArchiveUnreadable, match="mount or restore"):
        rebuild(database, follower, CLOCK, archive)
    with pytest.raises(ArchiveUnreadable, match=r"\[archive\] folder"):
        rebuild(database, follower, CLOCK)
    assert not follower.forgotten
    archive.folder.with_name("elsewhere").rename(archive.folder)
    rebuild(database, follower, CLOCK, archive)
    assert follower.forgotten
