"""The edge agent: creates and connects its parts, and runs until `stop` is called."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable

import msgspec
import structlog

from stadtsinn.base import systemd
from stadtsinn.base.certificate_watch import CertificateWatch
from stadtsinn.base.clock import Clock
from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.health import HealthServer
from stadtsinn.base.mqtt.broker import Broker, Will
from stadtsinn.base.mqtt.link import Connected, Message, MessageTooLarge, MqttLink
from stadtsinn.base.mqtt.liveness import Liveness
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.edge.agent.clock_watch import ClockWatch, monotonic_micros
from stadtsinn.edge.agent.decoding import Decode, GroupDecoder, decode_one_by_one, load_kernel
from stadtsinn.edge.agent.delivery import Delivery
from stadtsinn.edge.agent.intake import Intake
from stadtsinn.edge.agent.metrics import Metrics
from stadtsinn.edge.agent.settings import EdgeSettings
from stadtsinn.edge.agent.spool import SpoolFull, open_spool
from stadtsinn.edge.agent.status import OFFLINE, STOPPED, Watch, encode
from stadtsinn.edge.agent.too_large import moved
from stadtsinn.edge.messages.delivery import (
    VERSION,
    EdgeConfig,
    Refusal,
    ack_topic,
    config_topic,
    decode_answer,
    status_topic,
)
from stadtsinn.edge.messages.device_types import DeviceTypes
from stadtsinn.edge.network_servers.event_time import GatewayClock, GatewayClocks

log = structlog.get_logger()

_STATUS_CHECK_SECONDS = 1.0
_LAST_STATUS_SECONDS = 2.0
_CLOCKS_KEY = "gateway_clocks"
_CONFIG_KEY = "pushed_config"
_OWNER_KEY = "edge_id"
_SESSION_KEY = "session "


class EdgeAgent:
    """One agent. `run` blocks until `stop`; either broker may be unreachable at any time."""

    def __init__(
        self,
        settings: EdgeSettings,
        clock: Clock,
        interpret: Decode = decode_one_by_one,
        load_kernel: Callable[[threading.Event], Decode] = load_kernel,
    ) -> None:
        """Opens the spool and reads TLS files; raises SettingsError, ValueError or OSError."""
        self._settings = settings
        self._clock = clock
        self._stop = threading.Event()
        self._failed = False
        self._metrics = Metrics()
        self._watchdog = systemd.Watchdog(time.monotonic)
        max_bytes = settings.spool.max_megabytes * 1_000_000
        self._spool = open_spool(settings.spool.path, max_bytes, clock.now(), settings.spool.keep)
        self._own_spool()
        self._take_back()
        self._clocks = GatewayClocks(self._load_clocks())
        self._pushed = self._load_pushed()
        self._decoder = GroupDecoder(self._metrics, interpret, load_kernel)
        self._clock_watch = ClockWatch(clock, monotonic_micros(clock))
        self._intake = Intake(
            self._spool,
            settings.network_server,
            self._decoder.decode,
            self._device_types(),
            self._clocks,
            settings.commit,
            clock,
            self._metrics,
            on_commit=self._wake_delivery,
            beat=lambda: self._watchdog.beat("intake"),
            on_fatal=self._fail,
            clock_watch=self._clock_watch,
            liveness=Liveness(clock, old_messages=settings.local_broker.old_events),
        )
        local, cloud = settings.local(), settings.cloud()
        self._local = MqttLink(
            local,
            subscriptions=settings.topics,
            on_message=self._intake.take,
            on_state=lambda connected: self._broker_changed("local", local, connected),
            on_connected=lambda begun: self._intake.liveness.connected(fresh=begun.fresh),
            on_notice=lambda kind, n: self._metrics.broker_notices.labels("local", kind).inc(n),
            session_expected=self._had_session(local),
        )
        self._intake.link = self._local
        self._cloud = MqttLink(
            cloud,
            subscriptions=[ack_topic(settings.edge_id), config_topic(settings.edge_id)],
            on_message=self._take_from_cloud,
            on_state=lambda connected: self._broker_changed("cloud", cloud, connected),
            will=Will(status_topic(settings.edge_id), OFFLINE),
            on_connected=self._cloud_begins,
            on_refused=self._cloud_refused,
            on_notice=lambda kind, n: self._metrics.broker_notices.labels("cloud", kind).inc(n),
            session_expected=self._had_session(cloud),
        )
        self._delivery = Delivery(
            settings.edge_id,
            self._spool,
            self._cloud,
            settings.delivery,
            clock,
            self._metrics,
            beat=lambda: self._watchdog.beat("delivery"),
            clock_watch=self._clock_watch,
        )
        peers = {"the local broker": self._local, "the cloud's broker": self._cloud}
        certificates = CertificateWatch(
            [broker.tls for broker in (local, cloud) if broker.tls],
            clock,
            self._metrics.certificate_days,
            peers={
                f"certificate of {name}": link.peer_certificate_ends
                for (name, link), broker in zip(peers.items(), (local, cloud), strict=True)
                if broker.tls
            },
        )
        self._watch = Watch(
            self._spool,
            max_bytes,
            self._intake,
            self._decoder,
            self._delivery,
            self._local,
            self._cloud,
            self._clocks,
            clock,
            self._metrics,
            self._watchdog.stuck,
            self._clock_watch,
            certificates,
            settings.spool.path.parent,
        )
        self._health = HealthServer(
            settings.health.address, self._watch.checks(), self._metrics.registry
        )

    @property
    def health_port(self) -> int:
        return self._health.port

    def stop(self) -> None:
        """End `run`; may be called from a signal handler or another thread."""
        self._stop.set()

    def run(self) -> int:
        """Run until `stop`. Returns 0, or 1 when a part failed and the agent must be restarted."""
        self._health.start()
        self._intake.start()
        self._delivery.start()
        self._local.start()
        self._cloud.start()
        log.info(
            "edge_started",
            edge_id=self._settings.edge_id,
            stream=self._spool.stream,
            waiting=self._spool.depth,
            health=f"http://{self._settings.health.address.rpartition(':')[0]}:{self.health_port}",
        )
        systemd.notify("READY=1")
        self._decoder.start()
        try:
            self._report_until_stopped()
        finally:
            self._shut_down()
        return 1 if self._failed else 0

    # --- status ------------------------------------------------------------------------

    def _report_until_stopped(self) -> None:
        published: tuple[object, ...] = ()
        published_at = 0.0
        while not self._stop.is_set():
            self._look_for_ended_threads()
            self._clock_watch.look(self._spool.last_position)
            status = self._watch.status(len(self._pushed.device_types))
            due = time.monotonic() - published_at >= self._settings.health.status_seconds
            if self._cloud.connected and (due or status.urgent_fields() != published):
                self._publish_status(encode(status))
                published, published_at = status.urgent_fields(), time.monotonic()
            self._stop.wait(_STATUS_CHECK_SECONDS)

    def _look_for_ended_threads(self) -> None:
        """No part may be missing while the process lives: systemd starts it again."""
        parts = (self._intake, self._delivery, self._local, self._cloud, self._health)
        if name := next((name for part in parts if (name := part.ended())), None):
            log.critical("thread_ended", thread=name, remedy="the agent ends and starts again")
            self._fail()

    def _publish_status(self, status: bytes) -> None:
        try:
            self._cloud.publish(status_topic(self._settings.edge_id), status, retain=True)
        except MessageTooLarge as error:
            log.warning("status_not_published", reason=str(error))

    def _broker_changed(self, side: str, broker: Broker, connected: bool) -> None:
        log.info("broker_connected" if connected else "broker_disconnected", side=side)
        self._wake_delivery()
        if connected and not self._had_session(broker):
            self._spool.save(_session_key(broker), b"1")

    def _had_session(self, broker: Broker) -> bool:
        """Did an earlier run leave a session there?"""
        return self._spool.load(_session_key(broker)) is not None

    def _wake_delivery(self) -> None:
        self._delivery.wake()

    def _fail(self) -> None:
        self._failed = True
        self._stop.set()

    def _shut_down(self) -> None:
        systemd.notify("STOPPING=1")
        self._intake.stop()
        self._decoder.stop()
        self._local.stop()
        self._delivery.stop()
        self._publish_stopped()
        self._cloud.stop()
        self._close_spool()
        self._health.stop()
        log.info("edge_stopped", waiting=self._spool.depth)

    def _close_spool(self) -> None:
        try:
            self._spool.save(_CLOCKS_KEY, msgspec.msgpack.encode(self._clocks.known()))
            self._spool.close()
        except sqlite3.Error:  # waiting rows are committed; only the gateway clocks may be lost
            log.exception("spool_not_closed")

    def _publish_stopped(self) -> None:
        if self._cloud.connected:
            topic = status_topic(self._settings.edge_id)
            sent = self._cloud.publish(topic, STOPPED, retain=True)
            sent.wait_for_publish(_LAST_STATUS_SECONDS)

    def _cloud_begins(self, connected: Connected) -> None:
        self._delivery.connection_begins(connected)

    def _cloud_refused(self, packet_id: int, reason: int) -> None:
        self._delivery.refused(packet_id, reason)

    # --- messages from the cloud -------------------------------------------------------

    def _take_from_cloud(self, message: Message) -> None:
        if message.topic == ack_topic(self._settings.edge_id):
            self._take_ack(message.payload)
        elif message.topic == config_topic(self._settings.edge_id):
            self._take_config(message.payload)
        self._cloud.acknowledge(message)

    def _take_ack(self, payload: bytes) -> None:
        try:
            answer = decode_answer(payload)
        except UNREADABLE as error:
            self._metrics.bad_messages.labels("ack").inc()
            log.warning("unreadable_ack", reason=str(error))
            return
        if isinstance(answer, Refusal):
            self._delivery.take_refusal(answer)
        else:
            self._delivery.take_ack(answer)

    def _take_config(self, payload: bytes) -> None:
        """A pushed mapping replaces the previous one; an empty message removes it.

        The cloud sends it whenever its ingest starts, maybe on a database that was restored.
        """
        self._delivery.greet()
        try:
            config = _read_config(payload)
        except (*UNREADABLE, ValueError) as error:
            self._metrics.bad_messages.labels("config").inc()
            log.warning(
                "pushed_config_refused",
                reason=str(error),
                remedy="the mapping before stays in force; push a valid one",
            )
            return
        if config != self._pushed:
            # First saved: a mapping that counts as known and is not would be acknowledged when
            # the broker sends it again, and be gone after a restart.
            self._spool.save(_CONFIG_KEY, payload)
            self._pushed = config
            self._intake.device_types = self._device_types()
            self._spool.kept.registered(config.device_types)
            log.info("pushed_config_applied", device_types=len(config.device_types))

    # --- what survives a restart -------------------------------------------------------

    def _device_types(self) -> DeviceTypes:
        mapping = {**self._settings.device_types, **self._pushed.device_types}
        return DeviceTypes(mapping, catalogue().__contains__)

    def _own_spool(self) -> None:
        """A spool that was filled under another edge id goes on as a stream of ours."""
        owner = self._spool.load(_OWNER_KEY)
        ours = self._settings.edge_id.encode()
        if owner not in (None, ours):
            stream = self._spool.begin_stream()
            log.warning(
                "spool_of_another_edge",
                stream=stream,
                waiting=self._spool.depth,
                remedy="were two cards swapped, or was the edge id changed? What waits is "
                "delivered as ours",
            )
        if owner != ours:
            self._spool.save(_OWNER_KEY, ours)

    def _take_back(self) -> None:
        """Try again what the operator chose with `stadtsinn edge aside retry`."""
        try:
            count = self._spool.take_back(moved)
        except SpoolFull as full:
            log.warning("aside_not_taken_back", reason=str(full), remedy="it stays aside")
        else:
            if count:
                log.info("aside_taken_back", items=count)

    def _load_pushed(self) -> EdgeConfig:
        stored = self._spool.load(_CONFIG_KEY)
        return EdgeConfig() if stored is None else _read_config(stored)

    def _load_clocks(self) -> dict[str, GatewayClock]:
        stored = self._spool.load(_CLOCKS_KEY)
        if stored is None:
            return {}
        return msgspec.msgpack.decode(stored, type=dict[str, GatewayClock])


def _session_key(broker: Broker) -> str:
    return f"{_SESSION_KEY}{broker.client_id} {broker.host}:{broker.port}"


def _read_config(payload: bytes) -> EdgeConfig:
    """Raises msgspec.DecodeError, or ValueError for a version that is not supported."""
    if not payload:
        return EdgeConfig()
    config = msgspec.json.decode(payload, type=EdgeConfig)
    if config.version != VERSION:
        raise ValueError(f"version {config.version} is not {VERSION}: update this edge agent")
    return config
