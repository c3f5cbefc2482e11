"""Replaying what was not taken, and keeping the quarantine bounded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace
from sqlalchemy import delete, insert
from sqlalchemy.exc import OperationalError

from counted import write_transactions
from fake_arrivals import batch_arrival, event_arrival
from fake_uplinks import (
    LSE01_PAYLOAD,
    NINE,
    UNDECODED,
    at,
    chirpstack_event,
    event_topic,
    register,
    uplink,
)
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.foreign_text import visible
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.intake import bounds_repository, service
from stadtsinn.cloud.intake import maintenance as maintenance_module
from stadtsinn.cloud.intake.arrival import Arrival, Candidate, Kind, Origin, Original
from stadtsinn.cloud.intake.bounds import BOUNDS, Bound, Size
from stadtsinn.cloud.intake.maintenance import KEPT_DAYS, Maintenance
from stadtsinn.cloud.intake.quarantine import ReplayReport, replay
from stadtsinn.cloud.intake.reasons import Reason, of_edge, of_event
from stadtsinn.cloud.intake.repository import (
    QuarantineRow,
    put_in_quarantine,
    quarantined,
    quarantined_row,
)
from stadtsinn.cloud.intake.service import Ingestor
from stadtsinn.cloud.intake.tables import quarantine
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.log.uplinks.repository import append, read_after
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.repository import bump_revision
from stadtsinn.cloud.town.tables import edges
from stadtsinn.decoders.reading import Decoded, encode_outcome
from stadtsinn.decoders.uplink import TimeSource
from stadtsinn.edge.messages.delivery import Batch, RawItem, UplinkItem, batch_topic, encode
from stadtsinn.edge.network_servers import format as event_format
from stadtsinn.edge.network_servers.format import UnreadableEvent

NEW = "70b3d50000000900"


def from_server(up: Any, tenant: str | None = None) -> Arrival:
    return event_arrival(
        event_topic(up.dev_eui), chirpstack_event(up), up.received_at, tenant=tenant
    )


def from_edge(ingestor: Ingestor, *items: UplinkItem | RawItem) -> Arrival:
    payload = encode(Batch(edge_id="rathaus", stream="s", sent_at=NINE, items=items))
    topic = batch_topic("rathaus")
    return batch_arrival(topic, payload, at(50), ingestor.directory())


def logged(database: Database) -> list[LoggedUplink]:
    with database.read() as connection:
        return read_after(connection, 0, 1000)


def rows(database: Database, **how: Any) -> list[QuarantineRow]:
    with database.read() as connection:
        return quarantined(connection, **how)


def again(ingestor: Ingestor, database: Database, clock: ManualClock, **how: Any) -> ReplayReport:
    return replay(database, ingestor, clock, **how)


def test_after_registration_a_replay_gives_the_history_its_true_times(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    """From a server and from an edge alike, and each only once."""
    ups = [uplink(n, n * 60, dev_eui=NEW, payload=LSE01_PAYLOAD) for n in range(3)]
    ingestor.take([from_server(up) for up in ups[:2]])
    ingestor.take(
        [from_edge(ingestor, *(UplinkItem(n + 1, up, UNDECODED) for n, up in enumerate(ups)))]
    )
    assert len(rows(database)) == 5
    clock.advance(7 * DAY)
    assert again(ingestor, database, clock).refused == {"unregistered_device": 5}
    register(database, NEW)
    report = again(ingestor, database, clock)
    assert (report.taken, report.copies, report.refused) == (3, 2, {})
    entries = logged(database)
    assert sorted(u.event_time for u in entries) == [at(0), at(60), at(120)]
    assert [u.received_at for u in entries[:2]] == [at(0), at(60)]
    assert all(isinstance(u.outcome, Decoded) for u in entries)
    assert rows(database) == []
    assert again(ingestor, database, clock).looked_at == 0
    assert {row.replayed_at for row in rows(database, with_replayed=True)} == {clock.now()}


def test_a_replay_can_be_limited_to_a_device_or_rows(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    other = "70b3d50000000901"
    ingestor.take([from_server(uplink(n, n, dev_eui=eui)) for eui in (NEW, other) for n in (1, 2)])
    register(database, NEW, other)
    assert again(ingestor, database, clock, dev_eui=NEW).taken == 2
    newest, older = rows(database)
    assert again(ingestor, database, clock, row_ids=[older.id, older.id, 9999]).taken == 1
    assert rows(database) == [newest]


def test_a_row_that_is_refused_for_another_reason_says_so(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    ingestor.take([from_server(uplink(1, 0, dev_eui=NEW), tenant="nachbar")])
    register(database, NEW)
    again(ingestor, database, clock)
    (row,) = rows(database)
    assert (row.reason, row.times) == ("wrong_tenant", 1)


def test_what_was_cut_cannot_be_replayed_and_is_counted(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    huge = b"{" + b" " * 100_000
    ingestor.take([event_arrival(event_topic(), huge, at(0))])
    report = again(ingestor, database, clock)
    assert (report.never, report.refused) == ({"cut": 1}, {})
    (row,) = rows(database)
    assert (row.reason, row.never) == ("too_large", "cut")


def test_an_event_that_an_edge_could_not_read_is_read_here(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    """An agent older than the cloud: its raw event becomes an uplink of the edge."""
    up = uplink(1, 0, payload=LSE01_PAYLOAD)
    raw = RawItem(1, event_topic(), chirpstack_event(up), "bad_field", at(1))
    ingestor.take([from_edge(ingestor, raw)])
    assert again(ingestor, database, clock).taken == 1
    (entry,) = logged(database)
    assert (entry.source, entry.event_time) == ("edge:rathaus", at(0))


def test_a_tenant_sees_and_replays_only_its_own(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    mine = Scope("musterstadt", Role.EDITOR, 1)
    theirs = Scope("nachbar", Role.EDITOR, 2)
    ingestor.take([from_server(uplink(1, 0, dev_eui=NEW), tenant="musterstadt")])
    ingestor.take([from_server(uplink(2, 0, dev_eui=NEW), tenant=None)])
    register(database, NEW)
    (row,) = rows(database, scope=mine)
    assert rows(database, scope=theirs) == []
    with database.read() as connection:
        assert quarantined_row(connection, row.id, theirs) is None
    assert again(ingestor, database, clock, scope=theirs).looked_at == 0
    assert again(ingestor, database, clock, scope=theirs, row_ids=[row.id]).looked_at == 0
    assert again(ingestor, database, clock, scope=mine).taken == 1


def test_old_rows_go_and_young_ones_stay(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    maintenance = Maintenance(database, clock)
    ingestor.take([from_server(uplink(1, 0, dev_eui=NEW))])
    clock.advance((KEPT_DAYS - 1) * DAY)
    maintenance.run()
    assert len(rows(database)) == 1
    clock.advance(2 * DAY)
    maintenance.run()
    assert rows(database) == []


def test_old_rows_go_a_few_at_a_time(
    ingestor: Ingestor, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a long stop of everything there are many, and large ones."""
    monkeypatch.setattr(maintenance_module, "SLICE", Size(rows=4, bytes=1_000))
    small = [b"{%d" % n for n in range(10)]
    large = [b"{" + b"%d" % n * 700 for n in range(3)]
    ingestor.take([event_arrival(event_topic(), payload, at(0)) for payload in small + large])
    clock.advance((KEPT_DAYS + 1) * DAY)
    ingestor.take([event_arrival(event_topic(), b"{young", at(0))])
    with write_transactions(database) as found:
        Maintenance(database, clock).run()
    assert len(found) == 5, "4 and 4 small ones, 2 with a large one, two large ones alone"
    assert {one.changes for one in found} == {1}
    assert [row.payload for row in rows(database)] == [b"{young"]


def test_what_comes_again_while_old_rows_go_stays(
    ingestor: Ingestor, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingestor.take([event_arrival(event_topic(), b"{%d" % n, at(0)) for n in range(3)])
    clock.advance((KEPT_DAYS + 1) * DAY)
    look = bounds_repository.older_than

    def looked(*arguments: Any) -> list[tuple[int, int]]:
        found = look(*arguments)
        if found:
            ingestor.take([event_arrival(event_topic(), b"{1", at(0))])
        return found

    monkeypatch.setattr(bounds_repository, "older_than", looked)
    Maintenance(database, clock).run()
    assert [row.payload for row in rows(database)] == [b"{1"]


def test_a_flood_of_noise_is_cut_and_leaves_the_rest(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    """Of one reason and source the oldest go; another reason, town or source loses nothing."""
    bounds = dict.fromkeys(Reason, Bound(Size(20, 1_000_000), Size(50, 2_000_000)))
    maintenance = Maintenance(database, clock, bounds=bounds)
    ingestor.take([from_server(uplink(1, 0, dev_eui=NEW))])
    theirs = b"{of the neighbour"
    ingestor.take([event_arrival(event_topic(), theirs, at(0), tenant="nachbar", name="nachbar")])
    ingestor.take(
        [event_arrival(event_topic(), b"{%d" % n, at(n), tenant="musterstadt") for n in range(60)]
    )
    maintenance.run()
    left = rows(database, limit=1000)
    noisy = [row for row in left if row.tenant_id == "musterstadt"]
    assert [row.payload for row in noisy] == [b"{%d" % n for n in range(59, 39, -1)]
    assert [row.dev_eui for row in left if row.reason == "unregistered_device"] == [NEW]
    assert [row.payload for row in left if row.tenant_id == "nachbar"] == [theirs]
    (warning,) = maintenance.check().warnings
    assert "the oldest 40 rows 'malformed_json' of " in warning


def test_of_unknown_edges_the_oldest_go_whatever_they_call_themselves(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    bounds = dict.fromkeys(Reason, Bound(Size(20, 1_000_000), Size(20, 1_000_000)))
    for n in range(60):
        stranger = batch_arrival(batch_topic(f"edge-{n}"), b"", at(0), ingestor.directory())
        ingestor.take([stranger])
    maintenance = Maintenance(database, clock, bounds=bounds)
    maintenance.run()
    assert [row.source for row in rows(database, limit=100)] == [
        f"edge:edge-{n}" for n in range(59, 39, -1)
    ]
    (warning,) = maintenance.check().warnings
    assert "of unknown edges were dropped" in warning


def test_a_flood_is_cut_without_waiting_for_the_hour(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    bounds = dict.fromkeys(Reason, Bound(Size(20, 1_000_000), Size(20, 1_000_000)))
    maintenance = Maintenance(database, clock, bounds=bounds, monotonic=lambda: 0.0)
    rejections = ingestor.take(
        [event_arrival(event_topic(), b"{%d" % n, at(n)) for n in range(60)]
    ).rejections
    maintenance.note(rejections)
    maintenance.step()
    assert len(rows(database, limit=100)) == 60, "within the hour, and no flood"
    for _ in range(200):
        maintenance.note(rejections)
    maintenance.step()
    assert len(rows(database, limit=100)) == 20


@pytest.mark.slow
def test_one_row_that_the_database_refuses_does_not_keep_out_the_others(
    ingestor: Ingestor, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The insert of one row raises whenever it is tried; its row says so and can be tried again."""
    ingestor.take([from_server(uplink(n, n, dev_eui=NEW)) for n in range(1, 6)])
    register(database, NEW)

    def picky(connection: Any, entries: Sequence[Any], *others: Any) -> list[bool]:
        if any(entry.uplink.f_cnt == 3 for entry in entries):
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        return append(connection, entries, *others)

    with monkeypatch.context() as patched:
        patched.setattr(service, "append", picky)
        report = again(ingestor, database, clock)
    assert (report.taken, report.refused) == (4, {"refused_by_database": 1})
    (row,) = rows(database)
    assert (row.reason, row.never) == (Reason.REFUSED_BY_DATABASE, None)
    assert "OverflowError" in row.detail
    assert again(ingestor, database, clock).taken == 1
    assert sorted(u.f_cnt for u in logged(database)) == [1, 2, 3, 4, 5]


def test_a_replay_stops_while_the_database_is_away_and_marks_nothing(
    ingestor: Ingestor, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingestor.take([from_server(uplink(n, n, dev_eui=NEW)) for n in range(1, 4)])
    register(database, NEW)

    def away(*_: Any) -> list[bool]:
        raise OperationalError("insert", {}, Exception("server closed the connection"))

    with monkeypatch.context() as patched:
        patched.setattr(service, "append", away)
        with pytest.raises(OperationalError):
            again(ingestor, database, clock)
    assert {row.reason for row in rows(database)} == {Reason.UNREGISTERED_DEVICE}
    assert again(ingestor, database, clock).taken == 3


# --- rows of earlier versions, dated by the rule of today --------------------------------


@pytest.mark.parametrize(
    ("received", "event", "dated"),
    [
        (Instant(5), Instant(7), "arrival"),  # a Pi that started in 1970
        (at(-60), Instant(315_964_800_000_000), "reception"),  # GNSS without a fix: 1980
        (at(400 * 86_400), at(400 * 86_400), "arrival"),  # a clock ahead
        (Instant(5), at(-90), "event"),  # the gateway's clock was right
    ],
)
def test_rows_with_impossible_times_are_dated_when_they_are_replayed(
    ingestor: Ingestor,
    database: Database,
    clock: ManualClock,
    received: Instant,
    event: Instant,
    dated: str,
) -> None:
    up = replace(
        uplink(1, 0, payload=LSE01_PAYLOAD),
        received_at=received,
        event_time=event,
        time_source=TimeSource.GATEWAY,
    )
    origin = Origin("edge:rathaus", "musterstadt")
    batch = Original(Kind.BATCH, origin, batch_topic("rathaus"), b"", 0, received)
    row = Candidate(batch, up, Raw(encode_outcome(UNDECODED)), 1).rejected(
        Reason.IMPLAUSIBLE_TIME, "by the rule of an earlier version"
    )
    arrival = at(50)
    with database.write() as connection:
        put_in_quarantine(connection, [row], arrival)
    clock.advance(30 * DAY)
    assert again(ingestor, database, clock).taken == 1
    (entry,) = logged(database)
    assert entry.event_time == {"arrival": arrival, "reception": received, "event": event}[dated]
    assert (entry.time_source is TimeSource.CORRECTED) == (dated != "event")


def test_an_event_that_an_edge_of_1970_could_not_read_is_dated_by_its_arrival(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    up = uplink(1, 0, payload=LSE01_PAYLOAD)
    raw = RawItem(1, event_topic(), chirpstack_event(up), "bad_field", Instant(5))
    ingestor.take([from_edge(ingestor, raw)])
    clock.advance(30 * DAY)
    assert again(ingestor, database, clock).taken == 1
    (entry,) = logged(database)
    assert entry.event_time == at(0)


# --- text from senders --------------------------------------------------------------------


def test_reasons_are_ours_and_what_a_sender_says_is_bounded_and_visible(
    ingestor: Ingestor, database: Database
) -> None:
    hostile = "\x1b]0;root\x07\u202e\n" * 200
    raws = [
        RawItem(n, hostile, hostile.encode(), word, at(0), format=hostile)
        for n, word in enumerate((hostile, "unknown_edge", "unregistered_device", ""), 1)
    ]
    item = UplinkItem(5, replace(uplink(1, 0), dev_eui=hostile), UNDECODED)
    ingestor.take([from_edge(ingestor, *raws, item)])
    strange = batch_topic("x\u202e" * 70)
    ingestor.take([batch_arrival(strange, b"", at(0), ingestor.directory())])
    found = rows(database)
    assert {row.reason for row in found} == {
        Reason.UNKNOWN_EDGE,
        Reason.UNREGISTERED_DEVICE,
        Reason.UNREADABLE_AT_EDGE,
    }
    for row in found:
        assert row.dev_eui is None
        for text in (row.detail, row.source, row.format or ""):
            assert visible(text) == text
            assert len(text) <= 500


def test_every_reason_of_a_format_is_one_of_ours() -> None:
    for word in UnreadableEvent.REASONS:
        assert of_event(word) == word == of_edge(word)
    folder = Path(event_format.__file__).parent
    sources = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    words = set(re.findall(r'UnreadableEvent\(\s*"(\w+)"', sources))
    assert words <= set(UnreadableEvent.REASONS)
    assert len(words) > 7
    assert set(BOUNDS) == set(Reason)


def test_replay_keeps_the_tenant_rule(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    """A neighbour's edge cannot bring in our device through quarantine either."""
    theirs = replace(uplink(1, 0), dev_eui="70b3d50000000200")
    ingestor.take([from_edge(ingestor, UplinkItem(1, theirs, UNDECODED))])
    assert again(ingestor, database, clock).refused == {"wrong_tenant": 1}
    assert logged(database) == []


def test_the_row_of_an_unknown_edge_stays_what_it_is(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    """A replay before the registration used to turn it into a damaged batch for good."""
    up = uplink(1, 0, payload=LSE01_PAYLOAD)
    payload = encode(
        Batch(edge_id="feuerwehr", stream="s", sent_at=NINE, items=(UplinkItem(1, up, UNDECODED),))
    )
    topic = batch_topic("feuerwehr")

    def batch() -> Arrival:
        return batch_arrival(topic, payload, at(50), ingestor.directory())

    ingestor.take([batch()])
    for _ in range(2):
        assert again(ingestor, database, clock).refused == {"unknown_edge": 1}
    (row,) = rows(database)
    assert (row.reason, row.never) == ("unknown_edge", None)
    assert "stadtsinn registry apply" in row.detail
    with database.write() as connection:
        values = {"id": "feuerwehr", "tenant_id": "musterstadt", "name": "", "created_at": NINE}
        connection.execute(insert(edges).values(values))
        bump_revision(connection)
    report = again(ingestor, database, clock)
    assert (report.taken, report.resent, report.refused) == (0, 1, {})
    assert rows(database) == []
    assert ingestor.take([batch()]).new == {"edge:feuerwehr": 1}  # it was never acknowledged


def test_what_can_never_be_taken_says_so(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    """Whatever is registered or corrected: no row waits for a day that will not come."""
    topic = batch_topic("rathaus")
    ingestor.take(
        [
            batch_arrival(topic, b"\xc1damaged", at(0), ingestor.directory()),
            from_server(uplink(1, 0, payload=b"x" * 300)),
            from_server(uplink(2, 0, dev_eui=NEW)),
        ]
    )
    assert {row.reason: row.never for row in rows(database)} == {
        "malformed_batch": "malformed_batch",
        "oversized_payload": "oversized_payload",
        "unregistered_device": None,
    }
    report = again(ingestor, database, clock)
    assert report.never == {"malformed_batch": 1, "oversized_payload": 1}
    assert report.refused == {"unregistered_device": 1}


def test_a_copy_of_an_archived_uplink_is_one_in_a_replay_too(
    ingestor: Ingestor, database: Database, clock: ManualClock, archive: Archive
) -> None:
    """It came a second time while nobody had registered the device yet."""
    up = uplink(1, 0, payload=LSE01_PAYLOAD)
    later = uplink(2, 120, payload=LSE01_PAYLOAD)
    ingestor.take([from_server(up), from_server(later), from_server(uplink(1, 0, dev_eui=NEW))])
    list(archive_before(database, archive, Instant(NINE + 2 * DAY), (), clock))
    with database.write() as connection:  # the second copy, as it lay there before
        connection.execute(delete(quarantine))
        copy = (
            from_server(up).candidates[0].rejected(Reason.UNREGISTERED_DEVICE, "was not there yet")
        )
        put_in_quarantine(connection, [copy], clock.now())
    report = again(ingestor, database, clock)
    assert (report.taken, report.copies) == (0, 1)
