"""Sends a recording through broker, edge agent and cloud and collects the result."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy import Connection, select

from stadtsinn.base.backoff import wait_until
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.counted import counted
from stadtsinn.base.instant import SECOND, Instant, isoformat
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import MqttLink
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.intake.tables import quarantine
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.store import Sample, SeriesKey, SeriesStore
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.reading import Decoded, Outcome
from stadtsinn.decoders.vocabulary import quantity
from stadtsinn.simulator.demo.mosquitto import find_mosquitto
from stadtsinn.simulator.demo.progress import look
from stadtsinn.simulator.demo.stage import Setting, Stage
from stadtsinn.simulator.replay.recording import Recorded, read_recording, town_of

EDGE = "replay"
_PATIENCE_S = 120


class LatestValue(msgspec.Struct, frozen=True):
    """The newest good value of one series."""

    quantity: str
    channel: str
    value: float
    unit: str
    time: str


class DeviceResult(msgspec.Struct, frozen=True):
    """What came out for one device."""

    dev_eui: str
    device_type: str | None
    uplinks: int
    decoded: int
    undecoded: dict[str, int]
    quarantined: dict[str, int]
    first: str | None
    last: str | None
    latest: tuple[LatestValue, ...]


class Result(msgspec.Struct, frozen=True):
    """What came out of a recording. `copies` are uplinks that were in the log already."""

    messages: int
    up_events: int
    other_events: int
    copies: int
    faults: tuple[str, ...]
    devices: tuple[DeviceResult, ...]
    unreadable: dict[str, int]


@dataclass(frozen=True)
class Options:
    """`speed` None sends as fast as the broker takes; `town` None makes one from the recording.

    `format_name` None finds the network server's format by the recording's events. `told` gives a
    sentence in the reader's language.
    """

    speed: float | None = None
    series_url: str | None = None
    town: Town | None = None
    format_name: str | None = None
    told: Callable[[Sentence], str] = str


def replay(
    recording_path: Path,
    folder: Path,
    cache: Path,
    options: Options,
    report: Callable[[int, int], None] = lambda _sent, _all: None,
) -> Result:
    """Play a recording through broker, edge agent, ingest and followers.

    `report(sent, all)` reports progress. Raises OSError for an unreadable file, NotARecording for
    one without an uplink, ChildFailed or MosquittoUnavailable when the stage cannot be set,
    TimeoutError when something got stuck.
    """
    clock = SystemClock()
    recording = read_recording(recording_path, clock.now(), options.format_name)
    recording.require_uplinks()
    town = options.town or town_of(recording.messages, catalogue(), EDGE)
    setting = Setting(
        town,
        series_url=options.series_url,
        local_format=recording.server.name,
        old_events=True,
    )
    with Stage(folder, find_mosquitto(cache), setting, clock) as stage:
        _send(stage, recording.messages, options.speed, report)
        database, series = stage.open_database(), stage.open_series()
        try:
            ups = [message for message in recording.messages if message.is_up]
            _wait(stage, database, len(ups))
            with database.read() as connection:
                devices, unreadable = _devices(connection, series, town)
        finally:
            series.close()
            database.dispose()
    kept = sum(device.uplinks + sum(device.quarantined.values()) for device in devices)
    return Result(
        messages=len(recording.messages),
        up_events=len(ups),
        other_events=len(recording.messages) - len(ups),
        copies=len(ups) - kept - sum(unreadable.values()),
        faults=tuple(map(options.told, recording.faults)),
        devices=devices,
        unreadable=unreadable,
    )


def _send(
    stage: Stage,
    messages: Sequence[Recorded],
    speed: float | None,
    report: Callable[[int, int], None],
) -> None:
    link = MqttLink(Broker("127.0.0.1", stage.local_broker.port, client_id="recording"))
    link.start()
    try:
        if not link.wait_connected(20):
            raise TimeoutError("the local broker does not answer")
        previous: Instant | None = None
        for number, message in enumerate(messages, start=1):
            if speed is not None and message.uplink is not None:
                if previous is not None:
                    gap = max(0, message.uplink.event_time - previous) / SECOND
                    time.sleep(gap / speed)
                previous = message.uplink.event_time
            link.publish(message.topic, message.payload).wait_for_publish(20)
            stage.check()
            report(number, len(messages))
    finally:
        link.stop()


def _wait(stage: Stage, database: Database, ups: int) -> None:
    """Wait until the cloud has acknowledged every event and the followers are through."""

    def arrived() -> bool:
        stage.check()
        return stage.delivered() >= ups and _settled(database)

    if not wait_until(arrived, timeout=_PATIENCE_S):
        raise TimeoutError(
            f"after {_PATIENCE_S} s the cloud had acknowledged {stage.delivered()} of "
            f"{counted(ups, 'event', 'events')}: see {stage.folder}/*.log"
        )


def _settled(database: Database) -> bool:
    with database.read() as connection:
        return look(connection).behind == 0


def _devices(
    connection: Connection, series: SeriesStore, town: Town
) -> tuple[tuple[DeviceResult, ...], dict[str, int]]:
    refused: dict[str, Counter[str]] = defaultdict(Counter)
    for row in connection.execute(select(quarantine.c.dev_eui, quarantine.c.reason)):
        refused[row.dev_eui or ""][row.reason] += 1
    unreadable = dict(refused.pop("", Counter()))
    known = {device.dev_eui: device.device_type for device in town.devices}
    latest = series.latest(town.tenant, None)
    results = [
        _device(connection, dev_eui, known.get(dev_eui), refused[dev_eui], latest)
        for dev_eui in sorted(known.keys() | refused.keys())
    ]
    return tuple(result for result in results if result.uplinks or result.quarantined), unreadable


def _device(
    connection: Connection,
    dev_eui: str,
    device_type: str | None,
    refused: Counter[str],
    latest: dict[SeriesKey, Sample],
) -> DeviceResult:
    rows = connection.execute(
        select(uplinks.c.event_time, uplinks.c.outcome)
        .where(uplinks.c.dev_eui == dev_eui)
        .order_by(uplinks.c.event_time)
    ).all()
    outcomes = [msgspec.msgpack.decode(row.outcome, type=Outcome) for row in rows]
    failures = Counter(one.reason for one in outcomes if not isinstance(one, Decoded))
    mine = {key: sample for key, sample in latest.items() if sample.dev_eui == dev_eui}
    return DeviceResult(
        dev_eui=dev_eui,
        device_type=device_type,
        uplinks=len(rows),
        decoded=len(rows) - sum(failures.values()),
        undecoded=dict(failures),
        quarantined=dict(refused),
        first=isoformat(rows[0].event_time) if rows else None,
        last=isoformat(rows[-1].event_time) if rows else None,
        latest=tuple(
            LatestValue(
                key.quantity,
                key.channel,
                sample.value,
                quantity(key.quantity).unit,
                isoformat(sample.time),
            )
            for key, sample in sorted(mine.items(), key=_by_name)
        ),
    )


def _by_name(item: tuple[SeriesKey, Sample]) -> tuple[str, str]:
    return item[0].quantity, item[0].channel
