"""Where a measurement got stuck: the stages of a device's last uplink, and what is missing next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection

from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.intake.edge_states import time_of
from stadtsinn.cloud.intake.inbox import EDGE
from stadtsinn.cloud.intake.repository import QuarantineRow, quarantined, quarantined_times
from stadtsinn.cloud.log.uplinks.history_item import HistoryItem
from stadtsinn.cloud.log.uplinks.repository import newest_of
from stadtsinn.cloud.operations import devices as device_views
from stadtsinn.cloud.operations import edges as edge_views
from stadtsinn.cloud.operations import repository
from stadtsinn.cloud.operations.devices import DeviceView
from stadtsinn.cloud.operations.edges import EdgeView
from stadtsinn.cloud.series.points import PointMaker
from stadtsinn.cloud.series.stores.store import Point, SeriesReader, SeriesUnavailable
from stadtsinn.decoders.reading import Undecoded
from stadtsinn.decoders.undecoded import why_undecoded

_WAITS_LONG = 2 * MINUTE
"""What waits for so long in a spool is not just under way."""
FOLLOWERS = ("series", "live", "alerts")


class Stage(StrEnum):
    """In the order in which a measurement passes."""

    RADIO = "radio"
    EDGE = "edge"
    LOG = "log"
    DECODED = "decoded"
    STATION = "station"
    SERIES = "series"
    LIVE = "live"
    ALERTS = "alerts"


class Why(StrEnum):
    """Why the next thing that should be there is missing."""

    NOTHING = "nothing"
    """All is there."""
    NOT_REGISTERED = "not_registered"
    QUARANTINED = "quarantined"
    NEVER_HEARD = "never_heard"
    SILENT = "silent"
    EDGE_AWAY = "edge_away"
    EDGE_STOPPED = "edge_stopped"
    EDGE_WAITS = "edge_waits"
    EDGE_FULL = "edge_full"
    EDGE_ALONE = "edge_alone"
    """The agent has no connection to its network server."""
    UNDECODED = "undecoded"
    NO_STATION = "no_station"
    SET_ASIDE = "set_aside"
    BEHIND = "behind"
    NOT_STORED = "not_stored"
    STORE_AWAY = "store_away"


@dataclass(frozen=True)
class Step:
    """A stage of the last uplink. `at` is None where the moment is not kept. `told`: what is known
    of it, by name."""

    stage: Stage
    done: bool
    at: Instant | None = None
    told: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Missing:
    """What is missing next, at which stage. `told` goes into the sentence."""

    why: Why
    stage: Stage | None = None
    told: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Trace:
    """`device` is None for one that no town has registered."""

    dev_eui: str
    device: DeviceView | None
    steps: tuple[Step, ...]
    missing: Missing
    quarantined: tuple[QuarantineRow, ...]
    edges: tuple[EdgeView, ...]


def trace(
    connection: Connection, points: PointMaker, series: SeriesReader, dev_eui: str, now: Instant
) -> Trace:
    """Follow the last uplink of a device; raises nothing of the series store."""
    found = device_views.devices(connection, now, dev_eui=dev_eui)
    device = found[0] if found else None
    aside = tuple(quarantined(connection, dev_eui=dev_eui, limit=5))
    if device is None:
        told = {"times": quarantined_times(connection, dev_eui)}
        return Trace(dev_eui, None, (), Missing(Why.NOT_REGISTERED, Stage.LOG, told), aside, ())
    edges = tuple(edge_views.edges(connection, now, device.tenant_id))
    newest = newest_of(connection, device.tenant_id, dev_eui, 1)
    if not newest:
        missing = _newer(aside, None) or _on_the_way(device, edges, now)
        return Trace(dev_eui, device, (), missing, aside, edges)
    last = newest[0]
    steps, stuck = _steps(connection, points, series, last, now)
    missing = _newer(aside, last) or stuck or _on_the_way(device, edges, now)
    return Trace(dev_eui, device, steps, missing, aside, edges)


def _newer(aside: tuple[QuarantineRow, ...], last: HistoryItem | None) -> Missing | None:
    """Something of the device came since, and was not taken."""
    if not aside or (last is not None and aside[0].last_at <= last.uplink.committed_at):
        return None
    row = max(aside, key=lambda one: one.last_at)
    told = {"id": row.id, "reason": row.reason.value, "detail": row.detail, "at": row.last_at}
    return Missing(Why.QUARANTINED, Stage.LOG, told)


# --- what became of the last uplink ---------------------------------------------------------


def _steps(
    connection: Connection,
    points: PointMaker,
    series: SeriesReader,
    last: HistoryItem,
    now: Instant,
) -> tuple[tuple[Step, ...], Missing | None]:
    """The stages that it passed and the first one that it did not, with the reason."""
    uplink = last.uplink
    steps = [*_arrival(last)]
    made = list(points.points(uplink.tenant_id, uplink.dev_eui, uplink.event_time, uplink.outcome))
    stations = sorted({point.key.station for point in made})
    if isinstance(uplink.outcome, Undecoded):
        told: dict[str, object] = {
            "reason": uplink.outcome.reason,
            "message": why_undecoded(uplink.outcome).english,
        }
        steps.append(Step(Stage.DECODED, False, told=told))
        return tuple(steps), Missing(Why.UNDECODED, Stage.DECODED, told)
    told = {"decoder": uplink.outcome.decoder, "values": len(uplink.readings)}
    steps.append(Step(Stage.DECODED, True, uplink.committed_at, told))
    steps.append(Step(Stage.STATION, bool(stations), told={"stations": stations}))
    stuck = None if stations or not uplink.readings else Missing(Why.NO_STATION, Stage.STATION)
    for step, missing in _followers(connection, uplink.position, now):
        steps.append(step)
        stuck = stuck or missing
    return tuple(steps), stuck or _stored(series, made)


def _arrival(last: HistoryItem) -> Iterator[Step]:
    uplink, radio = last.uplink, last.radio
    best = radio.best
    heard: dict[str, object] = {"clock": uplink.time_source.value}
    heard["gateways"] = len(radio.receptions)
    if best is not None:
        heard |= {"rssi": best.rssi, "snr": best.snr}
    yield Step(Stage.RADIO, True, uplink.event_time, heard)
    yield Step(Stage.EDGE, True, uplink.received_at, {"source": uplink.source})
    yield Step(Stage.LOG, True, uplink.committed_at, {"position": uplink.position})


def _followers(
    connection: Connection, position: int, now: Instant
) -> Iterator[tuple[Step, Missing | None]]:
    """What each follower of the log made of it. When is known of the newest uplink only; of an
    older one, that it was done by `latest`, when the follower moved last."""
    cursors = repository.cursors(connection)
    aside = {row.follower: row for row in repository.set_aside_at(connection, position)}
    for name in FOLLOWERS:
        stage = Stage(name)
        reached, moved = cursors.get(name, (0, now))
        if name in aside:
            told = {"follower": name, "reason": aside[name].reason, "detail": aside[name].detail}
            step = Step(stage, False, aside[name].set_aside_at, told)
            yield step, Missing(Why.SET_ASIDE, stage, told)
        elif reached >= position:
            exact = reached == position
            yield (
                Step(stage, True, moved if exact else None, {} if exact else {"latest": moved}),
                None,
            )
        else:
            behind = repository.counted_after(connection, reached)
            told = {"follower": name, "behind": behind, "since": moved}
            yield Step(stage, False, None, told), Missing(Why.BEHIND, stage, told)


def _stored(series: SeriesReader, made: list[Point]) -> Missing | None:
    """Is the uplink's first value really there?"""
    if not made:
        return None
    point = made[0]
    end = Instant(point.time + 1)
    try:
        found = series.read(
            point.tenant_id, point.key, point.time, end, include_doubtful=True, limit=1
        )
    except SeriesUnavailable as away:
        return Missing(Why.STORE_AWAY, Stage.SERIES, {"error": str(away)})
    told = {"station": point.key.station, "quantity": point.key.quantity}
    return None if found else Missing(Why.NOT_STORED, Stage.SERIES, told)


# --- the measurement that should have come since ----------------------------------------------


def _on_the_way(device: DeviceView, edges: tuple[EdgeView, ...], now: Instant) -> Missing:
    """A device that is heard of is well; else what keeps the next measurement, from the cloud
    backwards."""
    if device.presence is device_views.Presence.FINE:
        return Missing(Why.NOTHING)
    for edge in _ways(device, edges):
        if (kept := _kept_by(edge, now)) is not None:
            return kept
    if device.presence is device_views.Presence.NEVER:
        return Missing(Why.NEVER_HEARD, Stage.RADIO)
    told = {"since": device.seen_at, "interval_s": device.interval_s}
    return Missing(Why.SILENT, Stage.RADIO, told)


def _ways(device: DeviceView, edges: tuple[EdgeView, ...]) -> Iterator[EdgeView]:
    """The edge that brought its last uplink; every edge of the town where none did yet."""
    if device.source and not device.source.startswith(EDGE):
        return
    for edge in edges:
        if not device.source or device.source == f"{EDGE}{edge.id}":
            yield edge


def _kept_by(edge: EdgeView, now: Instant) -> Missing | None:
    told: dict[str, object] = {"edge": edge.id, "since": edge.away_since}
    if edge.presence is edge_views.Presence.AWAY:
        return Missing(Why.EDGE_AWAY, Stage.EDGE, told)
    if edge.presence is edge_views.Presence.STOPPED:
        return Missing(Why.EDGE_STOPPED, Stage.EDGE, told)
    report = edge.report
    if report is None:
        return None
    if report.spool.refuses:
        return Missing(Why.EDGE_FULL, Stage.EDGE, {**told, "refuses": report.spool.refuses})
    oldest = time_of(report.spool.oldest)
    if report.spool.items and oldest is not None and now - oldest > _WAITS_LONG:
        told |= {"items": report.spool.items, "since": oldest}
        return Missing(Why.EDGE_WAITS, Stage.EDGE, told)
    if not report.local_broker:
        return Missing(Why.EDGE_ALONE, Stage.EDGE, told)
    return None


__all__ = ["FOLLOWERS", "Missing", "Stage", "Step", "Trace", "Why", "trace"]
