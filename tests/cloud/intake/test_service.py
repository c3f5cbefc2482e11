"""What one commit decides: whose outcome counts, what is a copy, what an outage leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import OperationalError

from fake_arrivals import batch_arrival, event_arrival
from fake_uplinks import (
    LSE01_PAYLOAD,
    NINE,
    at,
    chirpstack_event,
    event_topic,
    register,
    uplink,
)
from stadtsinn.cloud.intake import service
from stadtsinn.cloud.intake.arrival import Arrival
from stadtsinn.cloud.intake.repository import quarantined
from stadtsinn.cloud.intake.service import DatabaseAway, Ingestor
from stadtsinn.cloud.log.uplinks import repository as log_repository
from stadtsinn.cloud.log.uplinks.repository import head, read_after
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.reading import Decoded, Outcome, Reading, Undecoded
from stadtsinn.edge.messages.delivery import Batch, UplinkItem, batch_topic, encode

DECODED = catalogue().decode("dragino/lse01", 2, LSE01_PAYLOAD)
UP = uplink(1, 0, payload=LSE01_PAYLOAD, device_type="dragino/lse01")


def from_edge(
    ingestor: Ingestor,
    *items: tuple[Any, Outcome],
    first: int = 1,
    stream: str = "spool-1",
    sent: float = 0,
) -> Arrival:
    numbered = tuple(UplinkItem(first + n, up, outcome) for n, (up, outcome) in enumerate(items))
    payload = encode(Batch(edge_id="rathaus", stream=stream, sent_at=at(sent), items=numbered))
    topic = batch_topic("rathaus")
    return batch_arrival(topic, payload, NINE, ingestor.directory())


def from_server(up: Any, name: str = "town", **changes: Any) -> Arrival:
    payload = chirpstack_event(up, **changes)
    return event_arrival(event_topic(up.dev_eui), payload, up.received_at, name=name)


def logged(database: Database) -> list[LoggedUplink]:
    with database.read() as connection:
        return read_after(connection, 0, 1000)


def test_an_event_of_a_network_server_is_decoded_by_the_registrys_device_type(
    ingestor: Ingestor, database: Database
) -> None:
    ingestor.take([from_server(replace(UP, device_type=None))])
    (entry,) = logged(database)
    assert entry.outcome == DECODED
    assert (entry.tenant_id, entry.device_type) == ("musterstadt", "dragino/lse01")
    assert entry.source == "chirpstack:town"


def test_the_edges_outcome_is_a_claim_also_where_its_decoder_is_ours(
    ingestor: Ingestor, database: Database
) -> None:
    assert isinstance(DECODED, Decoded)
    claimed = Decoded(DECODED.decoder, (Reading("soil_moisture", 12.5),))
    ingestor.take([from_edge(ingestor, (UP, claimed))])
    assert logged(database)[0].outcome == DECODED


OUTDATED = [
    Undecoded("unknown_device", "no device type known"),
    Decoded("dragino/lse01@0", (Reading("soil_moisture", 12.5),)),
    Undecoded("truncated", "", "dragino/lse01@0"),
]


@pytest.mark.parametrize("edge_outcome", OUTDATED, ids=str)
def test_another_or_no_decoder_at_the_edge_is_made_good_here(
    ingestor: Ingestor, database: Database, edge_outcome: Outcome
) -> None:
    ingestor.take([from_edge(ingestor, (UP, edge_outcome))])
    assert logged(database)[0].outcome == DECODED


def test_the_registry_knows_better_than_the_edges_mapping(
    ingestor: Ingestor, database: Database
) -> None:
    wrong = replace(UP, device_type="bosch/tps110")
    edge_outcome = catalogue().decode("bosch/tps110", 2, LSE01_PAYLOAD)
    ingestor.take([from_edge(ingestor, (wrong, edge_outcome))])
    assert logged(database)[0].outcome == DECODED
    assert logged(database)[0].device_type == "dragino/lse01"


def test_a_type_that_only_the_edge_knows_keeps_the_edges_outcome(
    ingestor: Ingestor, database: Database
) -> None:
    register(database, "70b3d50000000900", device_type="neu/sensor")
    edge_outcome = Decoded("neu/sensor@7", (Reading("soil_moisture", 12.5),))
    up = replace(UP, dev_eui="70b3d50000000900", device_type="neu/sensor")
    ingestor.take([from_edge(ingestor, (up, edge_outcome))])
    assert logged(database)[0].outcome == edge_outcome


def test_a_frame_through_edge_and_two_servers_counts_once(
    ingestor: Ingestor, database: Database
) -> None:
    """Together in one commit, and again one after the other."""
    arrivals = [
        from_server(UP, "a"),
        from_edge(ingestor, (UP, DECODED)),
        from_server(replace(UP, event_time=at(0.4)), "b", deduplicationId="other"),
    ]
    assert ingestor.take(arrivals).new.total() == 1
    for arrival in arrivals:
        committed = ingestor.take([arrival])
        assert (committed.new.total(), committed.copies.total()) == (0, 1)
    assert len(logged(database)) == 1


def test_progress_is_committed_with_the_uplinks(ingestor: Ingestor, database: Database) -> None:
    def frames(first: int, last: int) -> Arrival:
        items = [(uplink(n, n), DECODED) for n in range(first, last + 1)]
        return from_edge(ingestor, *items, first=first)

    assert ingestor.take([frames(1, 3), frames(4, 6)]).positions == {("rathaus", "spool-1"): 6}
    beyond_a_gap = ingestor.take([frames(10, 12)])
    assert beyond_a_gap.positions == {("rathaus", "spool-1"): 6}
    assert len(logged(database)) == 9
    assert ingestor.take([frames(7, 9)]).positions == {("rathaus", "spool-1"): 12}
    assert len(logged(database)) == 12


def test_a_new_spool_of_the_same_edge_is_another_stream(
    ingestor: Ingestor, database: Database
) -> None:
    ingestor.take([from_edge(ingestor, (UP, DECODED), (uplink(2, 1), DECODED))])
    fresh = from_edge(ingestor, (uplink(3, 2), DECODED), stream="spool-2")
    assert ingestor.take([fresh]).positions == {("rathaus", "spool-2"): 1}


def test_a_database_that_is_away_commits_nothing_and_says_so(
    ingestor: Ingestor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrivals = [from_server(UP)]

    def away(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("server closed the connection"))

    with monkeypatch.context() as patched:
        patched.setattr(service, "append", away)
        with pytest.raises(DatabaseAway, match="server closed"):
            ingestor.take(arrivals)
        assert logged(database) == []
    ingestor.take(arrivals)
    assert len(logged(database)) == 1


@pytest.mark.slow
def test_one_uplink_that_the_database_refuses_does_not_keep_out_the_others(
    ingestor: Ingestor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something nobody thought of: the insert of one row raises, whenever it is tried."""
    real = log_repository.append

    def picky(connection: Any, entries: Sequence[Any], *others: Any) -> list[bool]:
        if any(entry.uplink.f_cnt == 3 for entry in entries):
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        return real(connection, entries, *others)

    monkeypatch.setattr(service, "append", picky)
    items = [(uplink(n, n), DECODED) for n in range(1, 6)]
    committed = ingestor.take([from_edge(ingestor, *items), from_server(uplink(9, 9))])
    assert [u.f_cnt for u in logged(database)] == [1, 2, 4, 5, 9]
    assert committed.new.total() == 5
    assert committed.positions == {("rathaus", "spool-1"): 5}
    with database.read() as connection:
        (row,) = quarantined(connection)
    assert (row.reason, row.dev_eui) == ("refused_by_database", "70b3d50000000100")


def test_a_rollback_takes_back_progress_and_quarantine_too(
    ingestor: Ingestor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = replace(UP, dev_eui="70b3d5ffffffffff")
    with monkeypatch.context() as patched:
        patched.setattr(service, "append", _raise_operational)
        with pytest.raises(DatabaseAway):
            ingestor.take([from_edge(ingestor, (UP, DECODED)), from_server(unknown)])
    with database.read() as connection:
        assert quarantined(connection) == []
        assert head(connection) == 0
    late = from_edge(ingestor, (uplink(2, 1), DECODED), first=2)
    assert ingestor.take([late]).positions == {("rathaus", "spool-1"): 0}


def _raise_operational(*_: object) -> None:
    raise OperationalError("INSERT", {}, Exception("away"))
