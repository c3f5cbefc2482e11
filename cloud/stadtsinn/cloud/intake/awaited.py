"""Takes what waited in quarantine as soon as its device is registered.

In slices of a bounded number of rows with pauses between them, in a thread of its own: neither who
registers a device nor what arrives waits for it (decision record 0022). Towns take turns: a device
does not wait for all that waited for another town's.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.batches import batched
from stadtsinn.base.clock import Clock
from stadtsinn.base.repeating import Repeating
from stadtsinn.base.turns import Turns
from stadtsinn.cloud.intake.arrival import Rejection
from stadtsinn.cloud.intake.quarantine import ReplayReport, replay_rows
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.cloud.intake.repository import awaited_rows
from stadtsinn.cloud.intake.service import DatabaseAway, Ingestor
from stadtsinn.cloud.log.uplinks.signal import LogSignal
from stadtsinn.cloud.platform.access.rows import NAMED
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import DeviceEntry, Directory

log = structlog.get_logger()

SLICE = 200
"""Rows of one transaction."""

_LOOK_S = 1.0
_PAUSE_S = 0.2
_BACKOFF = Backoff(first=1, longest=300)


@dataclass
class _OfTown:
    """Devices of a town, some at a time; of the first ones the rows up to `after` are replayed."""

    devices: deque[tuple[str, ...]] = field(default_factory=deque)
    after: int = 0
    report: ReplayReport = field(default_factory=ReplayReport)


class Awaited(Repeating):
    """Replays the rows of devices that nobody had registered when they arrived.

    It looks for those of each device that is new in the registry, or new with its tenant, and for
    what comes in just then: that was judged by the registry as it was a moment before. `ingestor`
    is its own, since one serves one thread.
    """

    def __init__(
        self, database: Database, ingestor: Ingestor, clock: Clock, signal: LogSignal
    ) -> None:
        super().__init__(
            "awaited",
            _BACKOFF,
            failed="awaited_not_replayed",
            remedy="it is tried again; 'stadtsinn cloud quarantine replay' does the same",
            hindered=DatabaseAway,
        )
        self._database = database
        self._ingestor = ingestor
        self._clock = clock
        self._signal = signal
        self._known: Mapping[str, DeviceEntry] = {}
        self._revision: int | None = None
        self._lock = threading.Lock()
        self._noted: set[str] = set()
        self._waiting: dict[str, _OfTown] = {}
        self._turns = Turns()

    def note(self, rejections: Iterable[Rejection]) -> None:
        """Take account of what was just put into quarantine. From any thread."""
        unknown = {
            one.dev_eui
            for one in rejections
            if one.reason is Reason.UNREGISTERED_DEVICE and one.dev_eui is not None
        }
        with self._lock:
            self._noted |= unknown

    def step(self) -> float:
        """One slice of what waits, of the town whose turn it is."""
        self._look(self._ingestor.directory())
        if not self._waiting:
            return _LOOK_S
        tenant_id = self._turns.next(self._waiting)
        own = self._waiting[tenant_id]
        with self._database.read() as connection:
            rows = awaited_rows(connection, tenant_id, own.devices[0], own.after, SLICE)
        if not rows:
            self._end(tenant_id, own)
            return 0 if self._waiting else _LOOK_S
        replay_rows(self._database, self._ingestor, self._clock, rows, own.report)
        own.after = rows[-1].id
        self._signal.notify()
        return _PAUSE_S

    def _look(self, directory: Directory) -> None:
        """Queue the devices that are new."""
        with self._lock:
            noted, self._noted = self._noted, set()
        found = {
            dev_eui: directory.devices[dev_eui] for dev_eui in noted & directory.devices.keys()
        }
        if directory.revision != self._revision:
            for dev_eui, device in directory.devices.items():
                known = self._known.get(dev_eui)
                if known is None or known.tenant_id != device.tenant_id:
                    found[dev_eui] = device
            self._known, self._revision = directory.devices, directory.revision
        by_tenant: dict[str, list[str]] = defaultdict(list)
        for dev_eui, device in found.items():
            by_tenant[device.tenant_id].append(dev_eui)
        for tenant_id, dev_euis in by_tenant.items():
            own = self._waiting.setdefault(tenant_id, _OfTown())
            own.devices.extend(tuple(some) for some in batched(dev_euis, NAMED))

    def _end(self, tenant_id: str, own: _OfTown) -> None:
        own.devices.popleft()
        report, own.report, own.after = own.report, ReplayReport(), 0
        if not own.devices:
            del self._waiting[tenant_id]
        if report.looked_at:
            log.info(
                "awaited_replayed",
                tenant=tenant_id,
                taken=report.taken,
                copies=report.copies,
                refused=dict(report.refused),
            )
