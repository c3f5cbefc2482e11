"""Tells operators what is wrong with the installation: once, again after a day, and when it ends.

What was told is kept in the database, in the transaction that puts the messages into the outbox:
a restart says nothing twice. Whatever turns in the same look shares one message of its kind.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.batches import batched
from stadtsinn.base.clock import Clock
from stadtsinn.base.health import Check
from stadtsinn.base.instant import DAY, HOUR, Instant
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.alarms.duty.repository import groups_of_all_towns
from stadtsinn.cloud.alarms.notify import outbox_repository as outbox
from stadtsinn.cloud.alarms.notify.message import Addressee, Draft
from stadtsinn.cloud.alarms.notify.message import Kind as MessageKind
from stadtsinn.cloud.operations import conditions, repository
from stadtsinn.cloud.operations.conditions import (
    OF_DEVICES,
    OF_DUTY,
    Condition,
    Kind,
    Modem,
    duty_subject,
    modem_subject,
)
from stadtsinn.cloud.operations.devices import DeviceView, devices
from stadtsinn.cloud.operations.devices import Presence as OfDevice
from stadtsinn.cloud.operations.disks import Disk
from stadtsinn.cloud.operations.edges import EdgeView, edges
from stadtsinn.cloud.operations.edges import Presence as OfEdge
from stadtsinn.cloud.operations.metrics import ALARMS, DEVICES, EDGES
from stadtsinn.cloud.operations.sayings import Turn, said
from stadtsinn.cloud.operations.settings import OperatorSettings
from stadtsinn.cloud.operations.told import Key, Told
from stadtsinn.cloud.operations.turning import Turned, turned
from stadtsinn.cloud.platform.database.engine import Database

log = structlog.get_logger()

_LOOK_S = 60.0
_DEVICES_EACH = 10
"""Every so many looks devices and duty groups are looked at: a town has thousands."""
_NAMED = 20
_AN_HOUR = 4
"""Messages of one kind: what begins and ends again and again, or here and there all the time, is
told of in the next hour's."""
_AT_ONCE = 500
"""Rows of one transaction."""
_USEFUL = 2 * DAY
_BACKOFF = Backoff(first=30, longest=600)
_SELDOM = OF_DEVICES | OF_DUTY | {Kind.NOTHING}


@dataclass(frozen=True)
class Watched:
    """What is known besides the database: when certificates end, which disks fill, which folders
    are on disks, the modems of our own."""

    certificates: Callable[[], Mapping[str, Instant]]
    disks: Callable[[], Collection[Disk]]
    folders: Callable[[], Collection[str]]
    modems: Sequence[Modem] = ()


class OperatorAlarms(Repeating):
    """Looks every minute, on a thread of its own."""

    def __init__(
        self, database: Database, clock: Clock, settings: OperatorSettings, watched: Watched
    ) -> None:
        super().__init__(
            "operator",
            _BACKOFF,
            failed="operator_alarms_failed",
            remedy="it is tried again; towns' alarms go another way",
        )
        self._database = database
        self._clock = clock
        self._settings = settings
        self._watched = watched
        self._looks = 0
        self._sent: defaultdict[Kind, deque[Instant]] = defaultdict(lambda: deque(maxlen=_AN_HOUR))
        self._lock = threading.Lock()
        self._texts: tuple[str, ...] = ()
        self._absent: tuple[str, ...] = ()

    def check(self) -> Check:
        """Never fails: it says what is to be looked after, and who cannot be told."""
        with self._lock:
            warnings = (*self._absent, *self._texts)
        if self.trouble is not None:
            return Check(True, f"not looked: {self.trouble}", warnings)
        count = len(self._texts)
        return Check(True, f"{count} to look after" if count else "nothing to look after", warnings)

    def step(self) -> float:
        with_devices = self._looks % _DEVICES_EACH == 0
        now = self._clock.now()
        with self._database.read() as connection:
            told = _told(connection)
            known = {(Kind(kind), subject) for kind, subject in told}
            all_edges = edges(connection, now)
            all_devices = devices(connection, now) if with_devices else []
            looked = set(Kind) if with_devices else set(Kind) - _SELDOM
            looked -= self._told_enough(now)
            found = list(self._conditions(connection, all_edges, all_devices, known, now))
            if with_devices:
                found += conditions.of_duty(connection, self._settings, now, known)
                found += conditions.of_tests(connection, now)
            names = self._names(connection, all_edges, told) if known else {}
        found = [one for one in found if one.kind in looked]
        _count(all_edges, all_devices if with_devices else None)
        repeat = self._settings.repeat_hours * HOUR
        self._tell(turned(found, told, looked, names, repeat, now), told, now)
        self._looks += 1
        return _LOOK_S

    def _told_enough(self, now: Instant) -> set[Kind]:
        """The kinds of which this hour's messages are sent: they are as if not looked at."""
        return {
            kind
            for kind, sent in self._sent.items()
            if len(sent) == _AN_HOUR and 0 <= now - sent[0] < HOUR
        }

    def _conditions(
        self,
        connection: Connection,
        all_edges: Sequence[EdgeView],
        all_devices: Sequence[DeviceView],
        known: Collection[tuple[Kind, str]],
        now: Instant,
    ) -> Iterable[Condition]:
        settings = self._settings
        nothing = list(conditions.of_everything(connection, all_devices, settings, now))
        yield from nothing
        yield from conditions.of_edges(all_edges, settings, now)
        for one in conditions.of_devices(all_devices, all_edges, settings, now, known):
            # Where nothing comes at all, no device is told of by itself.
            silenced = nothing and one.kind is Kind.DEVICE_SILENT
            if not silenced or (one.kind, one.subject) in known:
                yield one
        certificates = self._watched.certificates()
        yield from conditions.of_certificates(certificates, all_edges, settings, now)
        yield from conditions.of_disks(self._watched.disks(), now)
        yield from conditions.of_modems(self._watched.modems)

    def _names(
        self, connection: Connection, all_edges: Sequence[EdgeView], told: Mapping[Key, Told]
    ) -> dict[str, str]:
        """What people call everything that can be told of, by subject. Of a device that was
        registered anew or given to another town since, nobody was told."""
        newest_first = sorted(told.values(), key=lambda row: -row.said_at)
        told_at = {row.subject: row.said_at for row in newest_first}
        devices_by_name = {
            row.dev_eui: row.name or row.dev_eui
            for row in repository.registered_devices(connection, None)
            if row.created_at <= told_at.get(row.dev_eui, row.created_at)
        }
        others = (*self._watched.certificates(), *self._watched.folders())
        modems = {modem_subject(one.name): one.name for one in self._watched.modems}
        groups = {
            duty_subject(one.tenant_id, one.group.slug): one.group.name
            for one in groups_of_all_towns(connection)
        }
        return {
            "": "",
            **groups,
            **modems,
            **{one[-200:]: one for one in others},
            **{edge.id: edge.id for edge in all_edges},
            **devices_by_name,
        }

    def _tell(self, found: Turned, told: Mapping[Key, Told], now: Instant) -> None:
        """The messages and the first slice in one transaction, then the others. Who is killed in
        between tells of the rest in another message. Where another process was quicker, nothing is
        done: what it has not told comes with the next look."""
        slices = [*_slices(found.rows, found.over)]
        for number, (rows, over) in enumerate(slices):
            with self._database.write() as connection:
                keys = [one.key for one in (*rows, *over)]
                before = repository.told(connection, keys)
                if any(before.get(key) != told.get(key) for key in keys):
                    break
                repository.forget_told(connection, [one.key for one in over])
                repository.note_told(connection, rows)
                if number == 0:
                    self._send(connection, found.about, now)
            if number + 1 < len(slices):
                self._database.let_others_write()
        with self._database.read() as connection:
            self._show(_told(connection))

    def _send(
        self,
        connection: Connection,
        about_all: Mapping[tuple[Kind, Turn], Sequence[Condition]],
        now: Instant,
    ) -> None:
        tenant_id, to = self._addressees(connection)
        for number, ((kind, turn), about) in enumerate(sorted(about_all.items())):
            log.warning(
                "operator_alarm",
                kind=kind.value,
                turn=turn.value,
                subjects=[one.subject for one in about[:_NAMED]],
                count=len(about),
                recipients=len(to),
            )
            self._sent[kind].append(now)
            if not to:
                continue
            draft = Draft(
                tenant_id=tenant_id,
                incident_id=f"operator-{now}",
                kind=MessageKind.TECHNICAL,
                level=0,
                sequence=number,
                said=said(kind, turn, about),
                event_time=now,
                created_at=now,
                expires_at=Instant(now + _USEFUL),
            )
            outbox.enqueue(connection, draft, to)

    def _addressees(self, connection: Connection) -> tuple[str, list[Addressee]]:
        tenant_id, slugs = self._settings.tenant, self._settings.recipients
        if tenant_id is None or not slugs:
            return "", []
        found = repository.addressees(connection, tenant_id, slugs)
        absent = tuple(
            f"[operator] recipients: town '{tenant_id}' has no recipient '{slug}'"
            for slug in slugs
            if slug not in found
        )
        with self._lock:
            self._absent = absent
        return tenant_id, list(found.values())

    def _show(self, told: Mapping[tuple[str, str], object]) -> None:
        counted = Counter(kind for kind, _ in told)
        for kind in Kind:
            ALARMS.labels(kind.value).set(counted[kind.value])
        shown = sorted(
            f"{kind.replace('_', ' ')}: {subject}".rstrip(": ") for kind, subject in told
        )
        with self._lock:
            self._texts = tuple(shown[:_NAMED])


def _told(connection: Connection) -> dict[Key, Told]:
    """What was told and is not over, but for kinds of a later version."""
    known = {kind.value for kind in Kind}
    return {key: row for key, row in repository.told(connection).items() if key[0] in known}


def _slices(
    rows: Sequence[Told], over: Sequence[Told]
) -> Iterator[tuple[Sequence[Told], Sequence[Told]]]:
    for part in batched(rows, _AT_ONCE):
        yield part, ()
    for part in batched(over, _AT_ONCE):
        yield (), part


def _count(all_edges: Sequence[EdgeView], all_devices: Sequence[DeviceView] | None) -> None:
    by_edge = Counter(one.presence for one in all_edges)
    for presence in OfEdge:
        EDGES.labels(presence.value).set(by_edge[presence])
    if all_devices is not None:
        by_device = Counter(one.presence for one in all_devices)
        for here in OfDevice:
            DEVICES.labels(here.value).set(by_device[here])
