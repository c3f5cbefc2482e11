"""What is wrong with the installation just now, by kind and subject."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Protocol

from sqlalchemy import Connection

from stadtsinn.base.calendar import Span
from stadtsinn.base.disk import MEGABYTE
from stadtsinn.base.instant import DAY, MINUTE, SECOND, Instant
from stadtsinn.cloud.alarms.duty.repository import groups_of_all_towns
from stadtsinn.cloud.alarms.duty.service import is_list, roster_of
from stadtsinn.cloud.intake.inbox import EDGE
from stadtsinn.cloud.operations import repository
from stadtsinn.cloud.operations.devices import DeviceView
from stadtsinn.cloud.operations.disks import Disk
from stadtsinn.cloud.operations.edges import EdgeView, Presence
from stadtsinn.cloud.operations.settings import OperatorSettings

_BATTERY_BACK = 5.0
"""Per cent above the threshold at which a battery counts as good again: it was replaced."""


_BEFORE = 7 * DAY
"""So far it is looked back for the beginning of a time without anybody on duty."""


class Kind(StrEnum):
    """What operators are told of."""

    NOTHING = "nothing_came"
    EDGE_AWAY = "edge_away"
    DEVICE_SILENT = "device_silent"
    BATTERY_LOW = "battery_low"
    CERTIFICATE = "certificate_ends"
    DISK = "disk_fills"
    NOBODY_ON_DUTY = "nobody_on_duty"
    """Messages go to all members of a duty group."""
    DUTY_GAP = "duty_gap"
    """In the next days nobody will be on duty."""
    TEST_FAILED = "test_failed"
    """Members of a duty group did not get the weekly test message."""
    MODEM_SILENT = "modem_silent"


OF_DEVICES = frozenset({Kind.DEVICE_SILENT, Kind.BATTERY_LOW})
"""Their subject is a DevEUI."""
OF_DUTY = frozenset({Kind.NOBODY_ON_DUTY, Kind.DUTY_GAP, Kind.TEST_FAILED})
"""Their subject is a duty group."""
OF_EDGES = frozenset({Kind.EDGE_AWAY, Kind.CERTIFICATE})
"""Their subject is an edge, or a certificate of a process of the centre."""


@dataclass(frozen=True)
class Condition:
    """One thing that is wrong. `name` is how people call it, `detail` a number with its unit that
    belongs to it, `days` how long it still lasts."""

    kind: Kind
    subject: str
    since: Instant
    name: str
    detail: str = ""
    days: int | None = None


def of_everything(
    connection: Connection,
    devices: Collection[DeviceView],
    settings: OperatorSettings,
    now: Instant,
) -> Iterator[Condition]:
    """Nothing came at all, though something should: more often than the most frequent device."""
    heard = [one for one in devices if one.seen_at is not None]
    newest = repository.newest_commit(connection)
    if not heard or newest is None:
        return
    shortest = min(one.interval_s for one in heard) * SECOND
    allowed = max(settings.nothing_minutes * MINUTE, settings.silent_intervals * shortest)
    if now - newest > allowed:
        yield Condition(Kind.NOTHING, "", newest, "")


def of_edges(
    edges: Collection[EdgeView], settings: OperatorSettings, now: Instant
) -> Iterator[Condition]:
    """Agents that are away, for whatever reason, longer than a restart takes."""
    for edge in edges:
        away = edge.presence in (Presence.AWAY, Presence.STOPPED)
        since = edge.away_since
        if away and since is not None and now - since >= settings.edge_away_minutes * MINUTE:
            yield Condition(Kind.EDGE_AWAY, edge.id, since, edge.id)


def of_devices(
    devices: Collection[DeviceView],
    edges: Collection[EdgeView],
    settings: OperatorSettings,
    now: Instant,
    known: Collection[tuple[Kind, str]] = (),
) -> Iterator[Condition]:
    """Silent devices and low batteries. `known` was told already; no silence is told anew of a
    device whose edge is away."""
    there = {f"{EDGE}{one.id}" for one in edges if one.presence is Presence.ONLINE}
    gone = {f"{EDGE}{one.id}" for one in edges} - there
    for one in devices:
        allowed = settings.silent_intervals * one.interval_s * SECOND
        told = (Kind.DEVICE_SILENT, one.dev_eui) in known
        silent = one.seen_at is not None and one.silent_for(now) > allowed
        if one.seen_at is not None and silent and (told or one.source not in gone):
            yield Condition(Kind.DEVICE_SILENT, one.dev_eui, one.seen_at, one.name or one.dev_eui)
        was_low = (Kind.BATTERY_LOW, one.dev_eui) in known
        if (level := _low(one, settings, was_low=was_low)) is not None:
            name = one.name or one.dev_eui
            since = one.seen_at or now
            yield Condition(Kind.BATTERY_LOW, one.dev_eui, since, name, level)


def _low(one: DeviceView, settings: OperatorSettings, *, was_low: bool) -> str | None:
    """What the battery says when it is low; None where it is good, or says nothing."""
    battery = one.battery
    if battery is None:
        return None
    if battery.quantity == "battery_level":
        bound = settings.battery_percent + (_BATTERY_BACK if was_low else 0)
        return f"{battery.value:.0f} %" if battery.value <= bound else None
    return "" if one.battery_is_low else None


def of_certificates(
    ends: Mapping[str, Instant],
    edges: Collection[EdgeView],
    settings: OperatorSettings,
    now: Instant,
) -> Iterator[Condition]:
    """Those of this process, and those that edges speak of."""
    of_edges = {one.id: one.certificate_ends for one in edges if one.certificate_ends is not None}
    for name, moment in (*ends.items(), *of_edges.items()):
        left = moment - now
        if left <= settings.certificate_days * DAY:
            days = max(0, left // DAY)
            yield Condition(Kind.CERTIFICATE, name[-200:], moment, name, days=days)


def of_duty(
    connection: Connection,
    settings: OperatorSettings,
    now: Instant,
    known: Collection[tuple[Kind, str]] = (),
) -> Iterator[Condition]:
    """Duty groups of which nobody is on duty, now or within days. A gap of which it was told that
    it comes (`known`) is not over when it is there."""
    around = Span(Instant(now - _BEFORE), Instant(now + settings.duty_days * DAY))
    for stored in groups_of_all_towns(connection):
        if is_list(connection, stored):
            continue
        gaps = roster_of(connection, stored, around).gaps(around)
        gap = next((one for one in gaps if one.end > now), None)
        if gap is None:
            continue
        subject, name = duty_subject(stored.tenant_id, stored.group.slug), stored.group.name
        if gap.start <= now:
            yield Condition(Kind.NOBODY_ON_DUTY, subject, gap.start, name)
        if gap.start > now or (Kind.DUTY_GAP, subject) in known:
            yield Condition(Kind.DUTY_GAP, subject, gap.start, name)


def of_tests(connection: Connection, now: Instant) -> Iterator[Condition]:
    """Duty groups of whose last test somebody got nothing; they are named by their short names."""
    for stored in groups_of_all_towns(connection):
        if not stored.group.test_message.enabled:
            continue
        failed = repository.test_not_delivered(connection, stored.id, now)
        if failed is not None and failed.people:
            subject = duty_subject(stored.tenant_id, stored.group.slug)
            names = ", ".join(failed.people)[:_LONGEST_NAMES]
            yield Condition(Kind.TEST_FAILED, subject, failed.at, stored.group.name, names)


_LONGEST_NAMES = 60
"""Who did not get a test, in a message: 'stadtsinn' shows all of them (GET /messages)."""


def duty_subject(tenant_id: str, group: str) -> str:
    return f"{tenant_id}/{group}"


def of_disks(filling: Collection[Disk], now: Instant) -> Iterator[Condition]:
    for disk in filling:
        folder, left = str(disk.folder), disk.days_left
        free = f"{disk.space.free // MEGABYTE} MB"
        days = int(left) if isfinite(left) else None
        yield Condition(Kind.DISK, folder[-200:], now, folder, free, days)


class Modem(Protocol):
    """A modem of our own for text messages."""

    @property
    def name(self) -> str: ...

    def silent_since(self) -> Instant | None:
        """When it was last heard, where that is too long ago."""
        ...


def of_modems(modems: Collection[Modem]) -> Iterator[Condition]:
    """Modems of our own of which nothing is heard: text messages stay where they are."""
    for one in modems:
        since = one.silent_since()
        if since is not None:
            yield Condition(Kind.MODEM_SILENT, modem_subject(one.name), since, one.name)


def modem_subject(name: str) -> str:
    """An edge may have the same name."""
    return f"modem {name}"[-200:]
