"""Whose format an event is in: said in quarantine, so that a replay reads it right."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import fake_the_things_stack as tts
from fake_arrivals import batch_arrival, event_arrival
from fake_uplinks import (
    CHIRPSTACK,
    LSE01_PAYLOAD,
    UNDECODED,
    at,
    chirpstack_event,
    event_topic,
    register,
    uplink,
)
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import Instant
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.cloud.intake.arrival import Arrival, Kind, Origin, Original
from stadtsinn.cloud.intake.inbox import Inbox
from stadtsinn.cloud.intake.quarantine import replay
from stadtsinn.cloud.intake.reading import read_original
from stadtsinn.cloud.intake.repository import QuarantineRow, quarantined
from stadtsinn.cloud.intake.service import Ingestor
from stadtsinn.cloud.intake.sources import NetworkServer, ServerSource
from stadtsinn.cloud.log.uplinks.repository import read_after
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.settings import parse_settings
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.edge.agent.settings import parse_settings as parse_edge_settings
from stadtsinn.edge.messages.delivery import Batch, RawItem, UplinkItem, batch_topic, encode
from stadtsinn.edge.network_servers import formats
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.edge.network_servers.event_time import GatewayClocks
from stadtsinn.edge.network_servers.format import ANY, UP, OtherEvent, UnreadableEvent
from stadtsinn.edge.network_servers.the_things_stack import TheThingsStack

KNOWN, NEW = "70b3d50000000100", "70b3d50000000900"
THE_THINGS_STACK = TheThingsStack()


def tts_event(up: Uplink) -> bytes:
    """`up` as The Things Stack would have published it."""
    return tts.encode(
        tts.uplink(
            up.f_cnt,
            up.event_time,
            dev_eui=up.dev_eui,
            dev_addr=up.dev_addr,
            payload=up.payload,
            f_port=up.f_port,
        )
    )


def from_the_things_stack(up: Uplink) -> Arrival:
    return event_arrival(
        tts.topic(up.dev_eui),
        tts_event(up),
        up.received_at,
        name="county",
        server=THE_THINGS_STACK,
    )


def from_chirpstack(up: Uplink) -> Arrival:
    return event_arrival(event_topic(up.dev_eui), chirpstack_event(up), up.received_at)


def from_edge(ingestor: Ingestor, payload: bytes) -> Arrival:
    topic = batch_topic("rathaus")
    return batch_arrival(topic, payload, at(9), ingestor.directory())


def batch(*items: UplinkItem | RawItem) -> bytes:
    return encode(Batch(edge_id="rathaus", stream="s1", sent_at=at(9), items=items))


def rows(database: Database) -> list[QuarantineRow]:
    with database.read() as connection:
        return quarantined(connection)


def logged(database: Database) -> list[tuple[str, int]]:
    with database.read() as connection:
        return [(entry.source, entry.f_cnt) for entry in read_after(connection, 0, 100)]


def test_an_uplink_that_two_servers_heard_counts_once(
    ingestor: Ingestor, database: Database
) -> None:
    """Identity is device, session and counter: it does not matter which server was first."""
    for n in range(4):
        pair = [from_chirpstack(uplink(n, n * 60)), from_the_things_stack(uplink(n, n * 60))]
        ingestor.take(pair if n % 2 else pair[::-1])
    assert logged(database) == [
        ("the_things_stack:county", 0),
        ("chirpstack:town", 1),
        ("the_things_stack:county", 2),
        ("chirpstack:town", 3),
    ]


def test_mac_commands_that_two_servers_forward_count_once(
    ingestor: Ingestor, database: Database
) -> None:
    """The Things Stack forwards their bytes, ChirpStack does not."""
    ingestor.take([from_chirpstack(uplink(1, 0, f_port=0, payload=b""))])
    ingestor.take([from_the_things_stack(uplink(1, 0, f_port=0, payload=b"\x55\xf2"))])
    assert len(logged(database)) == 1


def test_quarantine_says_the_format_and_a_replay_reads_by_it(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    new = uplink(1, 0, dev_eui=NEW, payload=LSE01_PAYLOAD)
    ingestor.take([from_the_things_stack(new), from_chirpstack(uplink(2, 60, dev_eui=NEW))])
    event = tts_event(uplink(3, 120, dev_eui=NEW))
    raw = RawItem(1, tts.topic(NEW), event, "internal_error", at(120), "the_things_stack")
    unread = UplinkItem(2, uplink(4, 180, dev_eui=NEW), UNDECODED)
    ingestor.take([from_edge(ingestor, batch(raw, unread))])
    said = {(row.kind, row.format) for row in rows(database)}
    assert said == {
        (Kind.EVENT, "the_things_stack"),
        (Kind.EVENT, "chirpstack"),
        (Kind.ITEM, None),
    }
    register(database, NEW)
    report = replay(database, ingestor, clock)
    assert (report.taken, report.refused) == (4, {})
    assert sorted(number for _, number in logged(database)) == [1, 2, 3, 4]


def test_rows_of_the_first_version_are_chirpstacks(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    """No format is said: they are read as they always were."""
    ingestor.take([from_chirpstack(uplink(1, 0, dev_eui=NEW))])
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE quarantine SET format = NULL")
    register(database, NEW)
    assert replay(database, ingestor, clock).taken == 1


def test_an_agent_of_the_first_version_does_not_state_the_format(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    up = uplink(1, 0, payload=LSE01_PAYLOAD)
    raw = RawItem(1, event_topic(), chirpstack_event(up), "bad_field", at(1))
    old = msgspec.msgpack.decode(batch(raw))
    del old["items"][0]["format"]
    ingestor.take([from_edge(ingestor, msgspec.msgpack.encode(old))])
    assert [row.format for row in rows(database)] == ["chirpstack"]
    assert replay(database, ingestor, clock).taken == 1


def test_a_corrected_format_takes_the_rows_place(
    ingestor: Ingestor, database: Database, clock: ManualClock
) -> None:
    """The edge was set to the wrong format; its broker delivers the event again after the mend."""
    payload = tts_event(uplink(1, 0, payload=LSE01_PAYLOAD))
    for name in ("chirpstack", "the_things_stack"):
        raw = RawItem(1, tts.topic(KNOWN), payload, "unknown_topic", at(1), name)
        ingestor.take([from_edge(ingestor, batch(raw))])
    (row,) = rows(database)
    assert (row.format, row.times) == ("the_things_stack", 2)
    assert replay(database, ingestor, clock).taken == 1


def test_a_format_of_a_later_edge_waits_for_an_update(ingestor: Ingestor) -> None:
    origin = Origin("edge:rathaus", "musterstadt")
    original = Original(Kind.EVENT, origin, "x", b"{}", 2, at(0), "loriot")
    arrival = read_original(original, ingestor.directory())
    (rejection,) = arrival.rejections
    assert rejection.reason == "unknown_format"
    assert "update this cloud" in rejection.detail
    assert rejection.original == original


def test_only_a_broker_that_knows_shared_subscriptions_gets_one() -> None:
    """The Things Stack's own broker refuses every topic that does not begin with v3."""

    def subscriptions(server: NetworkServer) -> tuple[str, ...]:
        source = ServerSource(
            server, Broker("127.0.0.1", 1, "x"), "ingest", Inbox(), ManualClock(at(0))
        )
        return source._link._subscriptions

    assert subscriptions(NetworkServer("town", CHIRPSTACK)) == (
        "$share/ingest/application/+/device/+/event/up",
    )
    assert subscriptions(NetworkServer("county", THE_THINGS_STACK)) == (
        "v3/+/devices/+/up",
        "v3/+/up",
    )


def test_towns_that_share_a_server_read_their_own_application() -> None:
    for server, topics in (
        (CHIRPSTACK, ("application/stadtgruen/device/+/event/up",)),
        (THE_THINGS_STACK, ("v3/stadtgruen/devices/+/up", "v3/stadtgruen/up")),
    ):
        source = ServerSource(
            NetworkServer("town", server, "musterstadt", application="stadtgruen"),
            Broker("127.0.0.1", 1, "x"),
            None,
            Inbox(),
            ManualClock(at(0)),
        )
        assert source._link._subscriptions == topics


@pytest.mark.parametrize("old_events", [False, True])
def test_a_bridge_that_stores_passes_events_on_hours_late(old_events: bool) -> None:
    """On a fresh session what comes was published just now, so its clock would be wrong."""
    clock = ManualClock(at(6 * 3600))
    source = ServerSource(
        NetworkServer("town", CHIRPSTACK, old_events=old_events),
        Broker("127.0.0.1", 1, "x"),
        None,
        Inbox(),
        clock,
    )
    source._liveness.connected(fresh=True)
    late = chirpstack_event(uplink(1, 0))
    original = source._original(event_topic(), late, len(late), clock.now())
    (candidate,) = source.read(original, Directory({}, {})).candidates
    assert (candidate.uplink.event_time == at(0)) is old_events


# --- settings --------------------------------------------------------------------------


def test_settings_name_a_format(tmp_path: Path) -> None:
    text = (
        '[[network_servers]]\nname = "a"\n'
        '[[network_servers]]\nname = "b"\nformat = "the_things_stack"'
    )
    servers = parse_settings(text, tmp_path / "cloud.toml").network_servers
    assert [server.format for server in servers] == ["chirpstack", "the_things_stack"]
    with pytest.raises(SettingsError, match="did you mean 'the_things_stack'"):
        parse_settings(text.replace("the_things_stack", "the_thing_stack"), tmp_path / "cloud.toml")


@pytest.mark.parametrize("wildcard", ["+", "#", "a/+", ""])
def test_an_application_is_no_wildcard(tmp_path: Path, wildcard: str) -> None:
    text = f'[[network_servers]]\nname = "a"\napplication = "{wildcard}"'
    with pytest.raises(SettingsError, match="application"):
        parse_settings(text, tmp_path / "cloud.toml")
    stated = parse_settings(text.replace(f'"{wildcard}"', '"b@c"'), tmp_path / "cloud.toml")
    assert stated.network_servers[0].application == "b@c"


def test_the_agents_settings_name_a_format(tmp_path: Path) -> None:
    text = 'edge_id = "a"\n[cloud_broker]\nhost = "x"\n[local_broker]\n'
    path = tmp_path / "edge.toml"
    assert parse_edge_settings(text, path).topics == ChirpStack().topics()
    stated = parse_edge_settings(text + 'format = "the_things_stack"', path)
    assert stated.topics == TheThingsStack().topics()
    with pytest.raises(SettingsError, match=r"local_broker.*known are chirpstack, the_things"):
        parse_edge_settings(text + 'format = "xyz"', path)


# --- the next one ----------------------------------------------------------------------


class _Plain:
    """A network server that writes a DevEUI and a counter, as text."""

    name = "plain"
    title = "Plain"
    shares_subscriptions = True

    def topics(self, application: str = ANY) -> tuple[str, ...]:
        return (f"plain/{application}/up",)

    def kind_of(self, topic: str) -> str | None:
        return UP if topic.startswith("plain/") else None

    def read(
        self, topic: str, payload: bytes, received_at: Instant, clocks: GatewayClocks | None = None
    ) -> Uplink | OtherEvent:
        eui, _, counter = payload.decode().partition(" ")
        if not counter:
            raise UnreadableEvent("missing_field", f"{topic}: no counter behind the DevEUI")
        return msgspec.structs.replace(uplink(int(counter), 0), dev_eui=eui)


def test_another_format_is_one_module_and_one_entry(
    ingestor: Ingestor,
    database: Database,
    clock: ManualClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Settings of both sides, quarantine and replay know it by its entry in the list."""
    monkeypatch.setitem(formats.FORMATS, "plain", _Plain())
    edge = 'edge_id = "a"\n[cloud_broker]\nhost = "x"\n[local_broker]\nformat = "plain"'
    assert parse_edge_settings(edge, tmp_path / "edge.toml").topics == ("plain/+/up",)
    cloud = '[[network_servers]]\nname = "a"\nformat = "plain"'
    assert parse_settings(cloud, tmp_path / "cloud.toml").network_servers[0].format == "plain"
    raw = RawItem(1, "plain/x/up", f"{KNOWN} 5".encode(), "internal_error", at(0), "plain")
    ingestor.take([from_edge(ingestor, batch(raw))])
    assert replay(database, ingestor, clock).taken == 1
    assert logged(database) == [("edge:rathaus", 5)]
