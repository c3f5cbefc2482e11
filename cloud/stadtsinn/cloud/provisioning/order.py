"""What was imported and waits to be applied: a file for each town, which only its owner can read.

It holds the keys of the devices until they are at the network server. Then the file has the devices
without them, so that the same order can be applied again, and the next delivery begins a new one.
"""

from __future__ import annotations

import fcntl
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from stadtsinn.base.bounded_files import REGISTERS, read_whole
from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.private_files import private_file, private_folder
from stadtsinn.base.sentence import Explained
from stadtsinn.base.whole_files import write_secret
from stadtsinn.cloud.provisioning.labels import Label
from stadtsinn.cloud.provisioning.tr005 import NOBODY
from stadtsinn.cloud.town_file.device_csv import DeviceRow

_FORMAT = 1


class OrderBusy(Explained):
    """Another process works on the same order."""

    def __init__(self) -> None:
        super().__init__(
            "another 'stadtsinn device' command works for this town: wait until it ends",
            "ein anderer Befehl 'stadtsinn device' arbeitet für diese Stadt: auf dessen Ende "
            "warten",
        )


class DamagedOrder(Explained):
    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is damaged: delete it, and import the delivery again",
            f"{path} ist beschädigt: löschen und die Lieferung noch einmal importieren",
        )


@dataclass(frozen=True)
class Order:
    """Devices as lists have them, each of a known type. `applied`: nothing of it is open. `labels`
    are those that were scanned, each with its DevEUI, whether a list has the device or not."""

    rows: tuple[DeviceRow, ...] = ()
    applied: bool = False
    labels: tuple[Label, ...] = ()

    def with_rows(self, rows: Sequence[DeviceRow]) -> Order:
        """What a further list says goes over what is there of a device, cell by cell. Where
        nothing is open it begins anew."""
        known = {} if self.applied else {row.dev_eui: row for row in self.rows}
        for row in rows:
            before = known.get(row.dev_eui)
            known[row.dev_eui] = row if before is None else _over(before, row)
        labels = {one.dev_eui: one for one in self.labels}
        return replace(
            self,
            rows=tuple(_completed(row, labels.get(eui)) for eui, row in known.items()),
            applied=False,
        )

    def with_label(self, label: Label) -> Order:
        """A device was scanned: its label completes what lists say of it. Its DevEUI is known."""
        rows = tuple(
            _completed(row, label) if row.dev_eui == label.dev_eui else row for row in self.rows
        )
        others = tuple(one for one in self.labels if one.dev_eui != label.dev_eui)
        return replace(self, rows=rows, labels=(*others, label))

    def serials(self) -> dict[str, str]:
        """The DevEUIs of devices whose serial number a list or a label has said."""
        scanned = {one.serial.upper(): one.dev_eui for one in self.labels}
        listed = {row.serial.upper(): row.dev_eui for row in self.rows}
        return {serial: dev_eui for serial, dev_eui in (scanned | listed).items() if serial}

    def after(self, refused: Collection[str]) -> Order:
        """As it is kept when it was applied: keys stay for those alone that were refused."""
        rows = tuple(
            row if row.dev_eui in refused else replace(row, app_key="", nwk_key="")
            for row in self.rows
        )
        return replace(self, rows=rows, applied=not refused)


def _completed(row: DeviceRow, label: Label | None) -> DeviceRow:
    if label is None:
        return row
    said = "" if label.join_eui == NOBODY else label.join_eui
    return replace(row, serial=row.serial or label.serial, join_eui=row.join_eui or said)


def _over(before: DeviceRow, row: DeviceRow) -> DeviceRow:
    return replace(
        row,
        values={**before.values, **row.values},
        types=row.types or before.types,
        fallback_name=row.fallback_name or before.fallback_name,
        serial=row.serial or before.serial,
        join_eui=row.join_eui or before.join_eui,
        app_key=row.app_key or before.app_key,
        nwk_key=row.nwk_key or before.nwk_key,
    )


class _File(msgspec.Struct, frozen=True):
    format: int
    rows: tuple[DeviceRow, ...]
    applied: bool
    labels: tuple[Label, ...] = ()


class OrderFile:
    """The order of one town. Use it inside `held`."""

    def __init__(self, folder: Path, tenant: str) -> None:
        self.path = folder / f"{tenant}.json"

    @classmethod
    @contextmanager
    def held(cls, folder: Path, tenant: str) -> Iterator[OrderFile]:
        """For one process at a time. Raises OrderBusy, OSError."""
        one = cls(folder, tenant)
        private_folder(folder)
        lock = one.path.with_suffix(".lock")
        private_file(lock)
        with lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OrderBusy() from None
            yield one

    def read(self) -> Order:
        """An empty one where nothing was imported yet. Raises DamagedOrder, OSError."""
        if not self.path.exists():
            return Order(applied=True)
        try:
            kept = msgspec.json.decode(read_whole(self.path, REGISTERS), type=_File)
        except UNREADABLE:
            raise DamagedOrder(self.path) from None
        if kept.format != _FORMAT:
            raise DamagedOrder(self.path)
        return Order(kept.rows, kept.applied, kept.labels)

    def write(self, order: Order) -> None:
        """Whole or not at all. Raises OSError."""
        kept = _File(_FORMAT, order.rows, order.applied, order.labels)
        write_secret(self.path, msgspec.json.encode(kept))
