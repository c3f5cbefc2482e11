"""The agent's state: the retained MQTT status, health checks, gauges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

import msgspec

from stadtsinn.base.certificate_watch import CertificateWatch
from stadtsinn.base.clock import Clock
from stadtsinn.base.counted import counted
from stadtsinn.base.disk import MEGABYTE, space_of
from stadtsinn.base.health import Check
from stadtsinn.base.instant import SECOND, Instant, isoformat
from stadtsinn.base.mqtt.link import MqttLink
from stadtsinn.edge.agent.clock_watch import ClockWatch
from stadtsinn.edge.agent.decoding import GroupDecoder
from stadtsinn.edge.agent.delivery import Delivery
from stadtsinn.edge.agent.intake import Intake
from stadtsinn.edge.agent.metrics import Metrics
from stadtsinn.edge.agent.spool import Spool
from stadtsinn.edge.network_servers.event_time import GatewayClock, GatewayClocks

OFFLINE = b'{"state":"offline"}'
"""The last will: the broker publishes it when the connection is lost."""
_GATEWAYS_SHOWN = 50
_ASIDE = (
    "{} set aside, because the cloud's broker takes none of that size: raise its limit, then "
    "'stadtsinn edge aside retry' ('… aside list' shows them)"
)
_KEPT = (
    "{} kept here, of devices that are not registered with the town, and tried again now and "
    "then: register or claim these devices, or take them out of the network server, then "
    "'stadtsinn edge kept drop': {}"
)
_DEVICES_NAMED = 5
STOPPED = b'{"state":"offline","reason":"stopped"}'


class SpoolStatus(msgspec.Struct, frozen=True):
    """`oldest`: arrival of the oldest waiting item. `refuses`: why it accepts none, or empty."""

    items: int
    bytes: int
    max_bytes: int
    oldest: str | None
    refuses: str


class ClockStatus(msgspec.Struct, frozen=True):
    """Seconds that our clock is ahead of the network server's, and that gateway clocks are behind
    it."""

    network_server_offset: float | None
    gateway_lags: dict[str, float]
    faulty_gateways: list[str]


class Status(msgspec.Struct, frozen=True):
    """The retained message on the status topic; times are RFC 3339."""

    state: str
    version: str
    at: str
    since: str
    local_broker: bool
    cloud_broker: bool
    acknowledged: bool
    spool: SpoolStatus
    last_uplink: str | None
    clock: ClockStatus
    device_types: int
    warnings: list[str]
    clock_ahead: float | None = None
    """Seconds that our clock is ahead of the cloud's."""
    certificate_ends: str | None = None
    """When the first certificate ends that the way to the cloud needs."""
    stream: str = ""
    acknowledged_position: int = 0

    def urgent_fields(self) -> tuple[object, ...]:
        """Fields whose change is published at once; others wait for the next regular status."""
        return (
            self.local_broker,
            self.cloud_broker,
            self.acknowledged,
            bool(self.spool.refuses),
            self.last_uplink is None,
            self.clock.faulty_gateways,
            self.device_types,
            self.warnings,
        )


class Watch:
    """Collects the state of all parts of the agent."""

    def __init__(
        self,
        spool: Spool,
        max_bytes: int,
        intake: Intake,
        decoder: GroupDecoder,
        delivery: Delivery,
        local: MqttLink,
        cloud: MqttLink,
        clocks: GatewayClocks,
        clock: Clock,
        metrics: Metrics,
        stuck: Callable[[], list[str]],
        clock_watch: ClockWatch,
        certificates: CertificateWatch,
        folder: Path,
    ) -> None:
        self._spool = spool
        self._max_bytes = max_bytes
        self._intake = intake
        self._decoder = decoder
        self._delivery = delivery
        self._local = local
        self._cloud = cloud
        self._clocks = clocks
        self._clock = clock
        self._metrics = metrics
        self._stuck = stuck
        self._clock_watch = clock_watch
        self._certificates = certificates
        self._folder = folder
        self._since = clock.now()
        self._version = version("stadtsinn")
        metrics.depth.set_function(lambda: spool.depth)  # read at every scrape
        metrics.held.set_function(lambda: spool.held)
        metrics.aside.set_function(lambda: spool.aside)
        metrics.kept.set_function(lambda: spool.kept.count)
        metrics.disk_free.set_function(lambda: space_of(folder).free)
        metrics.kept_dropped.set_function(lambda: spool.kept.dropped)

    def status(self, device_types: int) -> Status:
        """The present state; also updates the gauges."""
        known = self._clocks.known()
        faulty = sorted(gateway for gateway, clock in known.items() if clock.faulty)
        oldest = self._spool.oldest()
        offset = self._clocks.server_offset
        self._refresh(oldest, offset, len(faulty))
        return Status(
            state="online",
            version=self._version,
            at=isoformat(self._clock.now()),
            since=isoformat(self._since),
            local_broker=self._local.connected,
            cloud_broker=self._cloud.connected,
            acknowledged=not self._delivery.unanswered,
            spool=SpoolStatus(
                items=self._spool.depth,
                bytes=self._spool.used_bytes,
                max_bytes=self._max_bytes,
                oldest=None if oldest is None else isoformat(oldest),
                refuses=self._intake.refused_because,
            ),
            last_uplink=_text(self._intake.last_uplink),
            clock=ClockStatus(
                network_server_offset=None if offset is None else _seconds(offset),
                gateway_lags=_largest_lags(known),
                faulty_gateways=faulty[:_GATEWAYS_SHOWN],
            ),
            device_types=device_types,
            warnings=[
                *self._local.notices.texts(),
                *self._cloud.notices.texts(),
                *self._delivery_check().warnings,
                *self._clocks.warnings(),
                *self._certificate_warnings(),
            ],
            clock_ahead=None
            if self._clock_watch.ahead is None
            else _seconds(self._clock_watch.ahead),
            certificate_ends=_text(self._certificates.first_end()),
            stream=self._spool.stream,
            acknowledged_position=self._spool.acknowledged,
        )

    def checks(self) -> Mapping[str, Callable[[], Check]]:
        """For /healthz."""
        return {
            "local_broker": lambda: self._broker(self._local, "the local network server's broker"),
            "cloud_broker": lambda: self._broker(self._cloud, "the cloud's broker"),
            "spool": self._spool_check,
            "decoder": lambda: Check(True, self._decoder.state),
            "delivery": self._delivery_check,
            "loops": self._loops_check,
            "clock": self._clock_check,
            "certificates": self._certificates.check,
            "disk": self._disk_check,
        }

    def _refresh(self, oldest: Instant | None, offset: int | None, faulty: int) -> None:
        metrics = self._metrics
        metrics.spool_bytes.set(self._spool.used_bytes)
        age = 0 if oldest is None else max(0, self._clock.now() - oldest)
        metrics.oldest.set(age / SECOND)
        if self._intake.last_uplink is not None:
            metrics.last_uplink.set(self._intake.last_uplink / SECOND)
        metrics.connected.labels("local").set(self._local.connected)
        metrics.connected.labels("cloud").set(self._cloud.connected)
        if offset is not None:
            metrics.server_offset.set(offset / SECOND)
        metrics.faulty_clocks.set(faulty)
        if self._clock_watch.ahead is not None:
            metrics.cloud_offset.set(self._clock_watch.ahead / SECOND)

    def _broker(self, link: MqttLink, name: str) -> Check:
        if not link.connected:
            reason = f": {link.failure}" if link.failure else ""
            return Check(False, f"not connected to {name}{reason}", link.notices.texts())
        if link.refused_subscriptions:
            return Check(False, f"{name} refuses {', '.join(link.refused_subscriptions)}")
        return Check(True, f"connected, MQTT {link.protocol}", link.notices.texts())

    def _spool_check(self) -> Check:
        refused = self._intake.refused_because
        if refused:
            return Check(False, f"takes nothing: {refused}")
        return Check(
            True,
            f"{counted(self._spool.depth, 'item', 'items')}, {self._spool.fill:.0%} of its bound; "
            f"{self._spool.held} delivered ones held",
        )

    def _delivery_check(self) -> Check:
        warnings = self._delivery.notices.texts()
        if self._spool.aside:
            warnings = (
                *warnings,
                _ASIDE.format(counted(self._spool.aside, "item is", "items are")),
            )
        if self._spool.kept.count:
            devices = self._spool.kept.devices()
            named = ", ".join(devices[:_DEVICES_NAMED]) + ", …" * (len(devices) > _DEVICES_NAMED)
            warnings = (
                *warnings,
                _KEPT.format(counted(self._spool.kept.count, "item is", "items are"), named),
            )
        if self._delivery.not_taken:
            return Check(False, self._delivery.not_taken, warnings)
        if self._delivery.unanswered:
            detail = "the cloud's broker takes batches, but no ingest acknowledges them"
            return Check(False, detail, warnings)
        return Check(True, f"acknowledged up to position {self._spool.acknowledged}", warnings)

    def _disk_check(self) -> Check:
        """Warns while the spool cannot grow as far as it may."""
        space = space_of(self._folder)
        free, missing = space.free, self._max_bytes - self._spool.used_bytes
        detail = f"{free // MEGABYTE} MB free"
        if space.is_full:
            return Check(False, f"{detail}: make room, the spool cannot grow")
        warning = (
            f"{detail}, and the spool may grow by {missing // MEGABYTE} MB: make room, or lower "
            "spool.max_megabytes"
        )
        return Check(True, detail, (warning,) if free < missing else ())

    def _certificate_warnings(self) -> tuple[str, ...]:
        found = self._certificates.check()
        return found.warnings if found.ok else (found.detail, *found.warnings)

    def _clock_check(self) -> Check:
        """Never fails: the cloud puts times right. The warnings name whose clock is wrong."""
        ahead = self._clock_watch.ahead
        detail = "not compared with the cloud's yet"
        if ahead is not None:
            detail = f"{_seconds(ahead)} s ahead of the cloud's"
        return Check(True, detail, self._clocks.warnings())

    def _loops_check(self) -> Check:
        stuck = self._stuck()
        return Check(not stuck, f"silent: {', '.join(stuck)}" if stuck else "turning")


def _largest_lags(known: Mapping[str, GatewayClock]) -> dict[str, float]:
    """A status must stay a small message, however many gateways there are."""
    largest = sorted(known, key=lambda gateway: -abs(known[gateway].lag))[:_GATEWAYS_SHOWN]
    return {gateway: _seconds(known[gateway].lag) for gateway in largest}


def encode(status: Status) -> bytes:
    return msgspec.json.encode(status)


def _seconds(micros: int) -> float:
    return round(micros / SECOND, 3)


def _text(moment: Instant | None) -> str | None:
    return None if moment is None else isoformat(moment)
