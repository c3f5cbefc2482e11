"""Kept items by their devices, for the command line. The agent may be running."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec

from stadtsinn.base.instant import Instant
from stadtsinn.base.sentence import Explained
from stadtsinn.edge.agent.beside import open_beside
from stadtsinn.edge.agent.kept import UNREADABLE


class KeptDevice(msgspec.Struct, frozen=True):
    """What is kept of one device, or of all items that cannot be read."""

    device: str
    items: int
    bytes: int
    oldest: Instant
    newest: Instant


def kept_devices(spool: Path) -> list[KeptDevice]:
    """In the order of their names. Raises ValueError where there is no spool."""
    with open_beside(spool, "kept") as connection:
        rows = connection.execute(
            "SELECT device, COUNT(*), SUM(LENGTH(body)), MIN(received_at), MAX(received_at) "
            "FROM kept GROUP BY device ORDER BY device"
        ).fetchall()
    return [KeptDevice(device or UNREADABLE, *facts) for device, *facts in rows]


def drop(spool: Path, devices: Collection[str]) -> int:
    """Delete what is kept of these devices; how many items. The agent notices by itself.

    Raises ValueError, and deletes nothing, where nothing is kept of one of them.
    """
    known = {one.device for one in kept_devices(spool)}
    if missing := sorted(set(devices) - known):
        raise Explained(
            f"nothing is kept of {missing[0]}: 'stadtsinn edge kept list' shows all",
            f"von {missing[0]} liegt hier nichts: 'stadtsinn edge kept list' zeigt alles",
        )
    stored = [("" if device == UNREADABLE else device,) for device in devices]
    with open_beside(spool, "kept") as connection, connection:
        return connection.executemany("DELETE FROM kept WHERE device = ?", stored).rowcount
