"""Who may do what at the town's broker, tried on a real Mosquitto with our files.

Public reports of the kind, each tried here: a client takes another one's place by its client id
(https://github.com/eclipse-mosquitto/mosquitto/issues/1856, .../issues/2348), also where the client
id came from the user name that the client said (https://github.com/emqx/emqx/issues/2529,
.../issues/2618); user names ``#`` and ``+`` match every pattern (CVE-2017-7650), ``/`` matches
deeper (https://github.com/eclipse-mosquitto/mosquitto/issues/3520); patterns hold only for users
that the file names (.../issues/1906, .../issues/1241, .../issues/1217); a pattern without %u is for
everybody (.../issues/209); ``#`` may be subscribed whatever the list says (.../issues/294,
.../issues/2296); certificate and password at once (.../issues/1134); a refused message ends the
connection with `max_queued_messages 0` (.../issues/3244, .../issues/2579, .../issues/3088).
"""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from real_parts import PATIENCE_S
from stadtsinn.cloud.broker.authority import Credentials
from stadtsinn.cloud.broker.certificates import client_certificate, key_pem, pem
from stadtsinn.edge.messages.delivery import (
    CHECK_TOPIC,
    ack_topic,
    batch_topic,
    check_topic,
    config_topic,
    status_topic,
)
from stadtsinn.edge.messages.edge_id import EVENTS, INGEST
from town_broker import DENIED, RawClient, TownBroker, tls_context

INGEST_ID = "stadtsinn-ingest-edges"
EVENT = "application/7a77/device/70b3d50000000001/event/up"
VERSIONS = pytest.mark.parametrize("version_5", [True, False], ids=["5", "3.1.1"])


def edge(town: TownBroker, name: str, client_id: str = "", **options: object) -> RawClient:
    context = tls_context(town.edge(name))
    return RawClient(town.ports.port, client_id or name, tls=context, **options)  # type: ignore[arg-type]


def account(town: TownBroker, name: str, client_id: str = "", **options: object) -> RawClient:
    word = (name, town.passwords[name])
    return RawClient(town.ports.local_port, client_id or name, account=word, **options)  # type: ignore[arg-type]


# --- nobody takes another one's place -----------------------------------------------------


@VERSIONS
def test_an_edge_cannot_take_the_ingests_client_id_over(town: TownBroker, version_5: bool) -> None:
    name = f"taker-{version_5:d}"
    with (
        account(town, INGEST, INGEST_ID, keep_session=True) as ingest,
        edge(town, name, INGEST_ID, version_5=version_5, keep_session=True) as taker,
    ):
        assert not taker.session_present
        ingest.subscribe(batch_topic("+"))
        taker.subscribe(batch_topic("+"))
        taker.publish(batch_topic(name), b"mine")
        assert ingest.until(b"mine") == [(batch_topic(name), b"mine")]
        assert not ingest.ended.is_set()
        assert taker.received.empty()


@VERSIONS
def test_an_edge_cannot_take_another_edges_place(town: TownBroker, version_5: bool) -> None:
    with (
        edge(town, "victim", keep_session=True) as victim,
        edge(
            town, f"imposter-{version_5:d}", "victim", version_5=version_5, keep_session=True
        ) as imposter,
        account(town, INGEST) as ingest,
    ):
        assert not imposter.session_present
        victim.subscribe(ack_topic("victim"))
        ingest.publish(ack_topic("victim"), b"answer")
        assert victim.until(b"answer") == [(ack_topic("victim"), b"answer")]
        assert not victim.ended.is_set()


def test_user_name_and_password_do_not_count_beside_a_certificate(town: TownBroker) -> None:
    for word in (town.passwords[INGEST], "wrong"):
        with edge(town, "pretender", INGEST_ID, account=(INGEST, word)) as pretender:
            assert pretender.publish(ack_topic("victim")) == DENIED
            assert pretender.publish(batch_topic("pretender")) != DENIED


def test_one_certificate_is_one_connection(town: TownBroker) -> None:
    with (
        edge(town, "twice", "a", keep_session=True) as first,
        edge(town, "twice", "b", keep_session=True) as second,
    ):
        assert second.session_present
        assert first.ended.wait(PATIENCE_S)


# --- each writes its own topics, in their direction ---------------------------------------


def foreign_topics() -> list[str]:
    others = [
        topic("other")
        for topic in (batch_topic, ack_topic, status_topic, config_topic, check_topic)
    ]
    return [
        *others,
        ack_topic("writer"),
        config_topic("writer"),
        *(f"{batch_topic('writer')}/more", "stadtsinn/edge/writer", "stadtsinn/edge/writer/other"),
        *("stadtsinn/edge//batch", "/stadtsinn/edge/writer/batch", "writer", CHECK_TOPIC),
        *(EVENT, "v3/app@ttn/devices/x/up", "v3/app@ttn/up", "gateway/x/event/up"),
        *("$SYS/broker/version", "$SYS/broker/connection/writer/state"),
        *("$CONTROL/dynamic-security/v1", f"$share/g/{batch_topic('writer')}"),
    ]


def test_an_edge_writes_only_its_own_batches_status_and_check(town: TownBroker) -> None:
    with edge(town, "writer") as writer:
        for topic in foreign_topics():
            for retain in (False, True):
                assert writer.publish(topic, b"forged", retain=retain) == DENIED, topic
        for topic in (batch_topic("writer"), status_topic("writer"), check_topic("writer")):
            assert writer.publish(topic) != DENIED
        assert not writer.ended.is_set()


def test_the_ingest_hears_how_edges_are(town: TownBroker) -> None:
    with account(town, INGEST) as ingest, edge(town, "writer") as writer:
        ingest.subscribe(status_topic("+"))
        writer.publish(status_topic("writer"), b"online", retain=True)
        assert ingest.until(b"online") == [(status_topic("writer"), b"online")]
        assert ingest.publish(status_topic("writer")) == DENIED


def test_of_a_3_1_1_edges_forged_messages_nothing_arrives(town: TownBroker) -> None:
    """It gets no reason for a refusal, and its connection goes on."""
    with (
        account(town, INGEST) as ingest,
        edge(town, "other") as other,
        edge(town, "writer", version_5=False) as writer,
    ):
        ingest.subscribe(batch_topic("+"), "application/#", "v3/#", CHECK_TOPIC)
        other.subscribe("stadtsinn/edge/other/#")
        for topic in foreign_topics():
            if not topic.startswith("$share"):
                writer.publish(topic, b"forged", retain=True)
        writer.publish(batch_topic("writer"), b"mine")
        assert ingest.until(b"mine") == [(batch_topic("writer"), b"mine")]
        ingest.publish(ack_topic("other"), b"answer")
        assert other.until(b"answer") == [(ack_topic("other"), b"answer")]
    with edge(town, "other") as later, account(town, INGEST) as ingest:
        later.subscribe("stadtsinn/edge/other/#")  # retained, if there were any
        ingest.publish(ack_topic("other"), b"answer")
        assert later.until(b"answer") == [(ack_topic("other"), b"answer")]


@VERSIONS
def test_a_will_obeys_the_list(town: TownBroker, version_5: bool) -> None:
    with account(town, INGEST) as ingest:
        ingest.subscribe(batch_topic("+"), "application/#")
        for topic in (batch_topic("other"), EVENT, batch_topic("dying")):
            dying = edge(town, "dying", version_5=version_5, will=(topic, topic.encode()))
            if dying.connect():  # a broker may refuse such a will at once
                dying.cut()
        last = batch_topic("dying")
        assert ingest.until(last.encode()) == [(last, last.encode())]


# --- each reads its own topics ------------------------------------------------------------


@VERSIONS
def test_wildcards_give_nothing_of_others(town: TownBroker, version_5: bool) -> None:
    with (
        account(town, INGEST) as ingest,
        account(town, "chirpstack") as chirpstack,
        edge(town, "read") as read,
        edge(town, "reader", version_5=version_5) as reader,
    ):
        ingest.publish(config_topic("read"), b"retained secret", retain=True)
        read.publish(status_topic("read"), b"retained status", retain=True)
        reader.subscribe(
            *("#", "+/#", "+/+/+/+", "stadtsinn/#", "stadtsinn/edge/+/ack", "stadtsinn/edge/+/+"),
            *(ack_topic("read"), config_topic("read"), batch_topic("read"), batch_topic("+")),
            *("application/#", "v3/#", EVENT, "$SYS/#", "$CONTROL/#", CHECK_TOPIC, "+"),
        )
        if version_5:
            reader.subscribe(f"$share/g/{batch_topic('+')}", "$share/g/#", "$share/h/application/#")
        ingest.publish(ack_topic("read"), b"secret")
        ingest.publish(CHECK_TOPIC, b"probe")
        read.publish(batch_topic("read"), b"readings")
        chirpstack.publish(EVENT, b"event")
        ingest.publish(ack_topic("reader"), b"answer")
        assert {topic for topic, _ in reader.until(b"answer")} == {ack_topic("reader")}
        ingest.publish(config_topic("read"), b"", retain=True)


def test_a_foreign_member_of_a_shared_subscription_reads_nothing(town: TownBroker) -> None:
    """It can swallow, though, where it knows the group's name: that is why `share` is secret
    (docs/broker.md). With another name it takes nothing away."""
    with account(town, INGEST) as ingest, edge(town, "thief") as thief:
        thief.subscribe(f"$share/ingest/{batch_topic('+')}")
        ingest.subscribe(f"$share/ingest-5f0c9b1e/{batch_topic('+')}")
        for number in range(10):
            thief.publish(batch_topic("thief"), b"%d" % number)
        assert [payload for _, payload in ingest.until(b"9")] == [b"%d" % n for n in range(10)]
        assert thief.received.empty()


# --- names that a careless authority could have signed -------------------------------------


@pytest.mark.parametrize(
    "name", ["#", "+", "+/+", "read/#", "read/ack", "$SYS", "read/../x", "a b"]
)
def test_a_dangerous_name_that_another_hand_signed_opens_nothing(
    town: TownBroker, name: str
) -> None:
    files = forged(town, name)
    client = RawClient(town.ports.port, "read", tls=tls_context(files))
    with account(town, INGEST) as ingest, edge(town, "read") as read:
        read.subscribe(ack_topic("read"))
        ingest.subscribe(batch_topic("+"), "application/#")
        if client.connect():
            client.subscribe("#", "stadtsinn/edge/+/ack")
            for topic in (batch_topic("read"), ack_topic("read"), EVENT):
                assert client.publish(topic, b"forged") == DENIED
        ingest.publish(ack_topic("read"), b"answer")
        read.publish(batch_topic("read"), b"mine")
        assert read.until(b"answer") == [(ack_topic("read"), b"answer")]
        assert ingest.until(b"mine") == [(batch_topic("read"), b"mine")]
        assert client.received.empty()
        client.__exit__()


def forged(town: TownBroker, name: str) -> Credentials:
    """A certificate of the town's own authority that its command would never make."""
    authority = town.authority
    key = ec.generate_private_key(ec.SECP256R1())
    made = client_certificate(name, key, authority._certificate, authority._key, 1)
    folder = town.files.parent / "forged"
    folder.mkdir(exist_ok=True)
    files = Credentials(authority.ca, folder / "forged.pem", folder / "forged.key")
    files.certificate.write_bytes(pem(made))
    files.key.write_bytes(key_pem(key))
    return files


# --- the accounts of the cloud --------------------------------------------------------------


def test_the_ingest_takes_batches_and_events_and_answers(town: TownBroker) -> None:
    with (
        account(town, INGEST) as ingest,
        edge(town, "served") as served,
        account(town, "chirpstack") as chirpstack,
        account(town, "the_things_stack") as things,
    ):
        served.subscribe(ack_topic("served"), config_topic("served"))
        ingest.subscribe(batch_topic("+"), "application/+/device/+/event/up", "v3/+/devices/+/up")
        for sender, topic in (
            (served, batch_topic("served")),
            (chirpstack, EVENT),
            (things, "v3/app@ttn/devices/x/up"),
        ):
            sender.publish(topic, topic.encode())
            assert ingest.next() == (topic, topic.encode())
        for topic in (ack_topic("served"), config_topic("served")):
            ingest.publish(topic, b"down")
            assert served.next() == (topic, b"down")
        for topic in (batch_topic("served"), status_topic("served"), EVENT, "anything"):
            assert ingest.publish(topic) == DENIED


def test_a_network_server_only_writes_its_own_events(town: TownBroker) -> None:
    for name, foreign in (("chirpstack", "v3/a@t/up"), ("the_things_stack", EVENT)):
        with account(town, name) as server, account(town, INGEST) as ingest:
            server.subscribe("#")
            for topic in (foreign, batch_topic("a"), ack_topic("a"), CHECK_TOPIC, "$SYS/x"):
                assert server.publish(topic) == DENIED
            ingest.publish(ack_topic("a"), b"answer")
            server.publish("application/1/device/2/event/join")
            assert not server.ended.is_set()
            assert server.received.empty()


def test_by_certificate_a_role_has_the_same_rights_elsewhere(town: TownBroker) -> None:
    with (
        edge(town, INGEST) as ingest,
        edge(town, EVENTS) as events,
        edge(town, "chirpstack") as chirpstack,
    ):
        events.subscribe("application/#", batch_topic("+"))
        ingest.subscribe("application/#")
        chirpstack.publish(EVENT, b"event")
        assert (ingest.next(), events.next()) == ((EVENT, b"event"), (EVENT, b"event"))
        assert events.publish(ack_topic("a")) == DENIED
        assert ingest.publish(ack_topic("a")) != DENIED


@VERSIONS
def test_on_its_own_machine_the_broker_asks_for_the_password(
    town: TownBroker, version_5: bool
) -> None:
    for word in (None, ("", ""), (INGEST, ""), (INGEST, "wrong"), ("rathaus", "rathaus")):
        stranger = RawClient(town.ports.local_port, INGEST_ID, account=word, version_5=version_5)
        assert not stranger.connect()
        stranger.__exit__()
