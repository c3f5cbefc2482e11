"""What one client may ask of the town's broker, and what the broker keeps through a restart.

Public reports of the kind, each tried here: with `max_queued_messages 0` nothing arrives, or a
refused message ends the connection (https://github.com/eclipse-mosquitto/mosquitto/issues/2879,
.../issues/3244); messages that wait for a client that is away are lost by a restart
(.../issues/769, .../issues/1337), or from the second listener with settings of its own
(.../issues/2618).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stadtsinn.base.mqtt.broker import SESSION_DAYS, Broker
from stadtsinn.cloud.broker.files import MAX_PACKET_SIZE, Listening, configuration
from stadtsinn.cloud.intake.reading import MAX_BATCH
from stadtsinn.edge.agent.settings import DeliverySettings
from stadtsinn.edge.messages.delivery import ack_topic, batch_topic, config_topic
from stadtsinn.edge.messages.edge_id import INGEST
from town_broker import RawClient, TownBroker, tls_context


def account(town: TownBroker, client_id: str = "i", **options: object) -> RawClient:
    word = (INGEST, town.passwords[INGEST])
    return RawClient(town.ports.local_port, client_id, account=word, **options)  # type: ignore[arg-type]


def edge(town: TownBroker, name: str, **options: object) -> RawClient:
    return RawClient(town.ports.port, "x", tls=tls_context(town.edge(name)), **options)  # type: ignore[arg-type]


def test_sizes_fit_each_other() -> None:
    """The broker takes a batch as it is documented, and nothing that the ingest would not read."""
    assert DeliverySettings().batch_kib * 1024 * 2 <= MAX_PACKET_SIZE <= MAX_BATCH


def test_a_message_as_large_as_a_batch_comes_through_and_a_larger_one_ends_its_own_connection_only(
    town: TownBroker,
) -> None:
    batch = b"b" * (DeliverySettings().batch_kib * 1024 + 4096)
    with (
        account(town) as ingest,
        edge(town, "bystander") as bystander,
        edge(town, "large") as large,
        edge(town, "old", version_5=False) as old,
    ):
        ingest.subscribe(batch_topic("+"))
        for one, name in ((large, "large"), (old, "old")):
            one.publish(batch_topic(name), batch)
            assert ingest.next() == (batch_topic(name), batch)
            one.paho.publish(batch_topic(name), b"x" * (MAX_PACKET_SIZE + 1), qos=1)
            assert one.ended.wait(60)
        bystander.publish(batch_topic("bystander"), b"small")
        assert ingest.next() == (batch_topic("bystander"), b"small")


def test_the_list_of_ten_thousand_devices_reaches_its_edge(town: TownBroker) -> None:
    entry = b'"70b3d57ed0001234":"milesight/em500-smtc",'
    with account(town) as ingest, edge(town, "configured") as configured:
        configured.subscribe(config_topic("configured"))
        ingest.publish(config_topic("configured"), entry * 10_000)
        assert configured.next()[1] == entry * 10_000


@pytest.mark.parametrize("keepalive", [0, 600, 65535])
def test_nobody_stays_for_long_without_a_word(town: TownBroker, keepalive: int) -> None:
    with edge(town, "silent", keepalive=keepalive) as silent:
        assert silent.connack.ServerKeepAlive == 120


@pytest.fixture
def own_town(tmp_path: Path) -> Iterator[TownBroker]:
    with TownBroker(tmp_path, max_connections=3) as running:
        yield running


def test_edges_that_fill_their_connections_do_not_keep_the_cloud_out(own_town: TownBroker) -> None:
    edges = [edge(own_town, f"e-{number}") for number in range(4)]
    assert [one.connect() for one in edges] == [True, True, True, False]
    with account(own_town) as ingest:
        ingest.subscribe(batch_topic("+"))
        edges[0].publish(batch_topic("e-0"), b"goes on")
        assert ingest.next()[1] == b"goes on"
    for one in edges:
        one.__exit__()


def test_what_waits_survives_a_restart(own_town: TownBroker) -> None:
    """Batches for the ingest, Acks and the retained configuration for an edge."""
    payloads = [b"%d" % number for number in range(100)]
    with account(own_town, keep_session=True) as ingest:
        ingest.subscribe(batch_topic("+"))
    with edge(own_town, "away", keep_session=True) as away:
        away.subscribe(ack_topic("away"), config_topic("away"))
    with edge(own_town, "busy") as busy, account(own_town, "other") as other:
        for payload in payloads:
            busy.publish(batch_topic("busy"), payload)
            other.publish(ack_topic("away"), payload)
        other.publish(config_topic("away"), b"types", retain=True)
    own_town.mosquitto.stop()
    own_town.mosquitto.start()
    with account(own_town, keep_session=True) as ingest:
        assert ingest.session_present
        assert [payload for _, payload in ingest.until(b"99")] == payloads
    with edge(own_town, "away", keep_session=True) as away:
        assert away.session_present
        assert [payload for _, payload in away.until(b"types")] == [*payloads, b"types"]


def test_one_number_of_days_in_all_files() -> None:
    text = configuration(Path("/etc/mosquitto/stadtsinn"), Listening())
    assert f"persistent_client_expiration {SESSION_DAYS}d\n" in text
    assert Broker("h", 1, "c").session_expiry == SESSION_DAYS * 86_400


def test_no_option_that_loses_messages() -> None:
    """Neither here nor in the file for the broker beside an edge agent."""
    root = Path(__file__).resolve().parents[3]
    local = (root / "hardware/edge-agent/mosquitto-local.conf").read_text()
    for text in (configuration(Path("/x"), Listening()), local):
        set_here = re.findall(r"^(\w+)(?: (.*))?$", text, re.MULTILINE)
        assert ("max_queued_messages", "0") not in set_here
        names = [name for name, _ in set_here]
        assert "per_listener_settings" not in names
        assert "message_size_limit" not in names
        # Debian's own mosquitto.conf has these, and Mosquitto refuses them twice.
        assert not {"persistence_location", "log_dest", "pid_file"} & set(names)
