"""Items set aside in a spool, for the command line. The agent may be running."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from stadtsinn.base.instant import Instant
from stadtsinn.edge.agent.beside import open_beside


class Aside(msgspec.Struct, frozen=True):
    """An item that the cloud's broker took none of its size. `retry`: the agent tries it again at
    its next start."""

    id: int
    received_at: Instant
    at: Instant
    size: int
    reason: str
    retry: bool


def aside(spool: Path) -> list[Aside]:
    """What was set aside, oldest first. Raises ValueError where there is no spool."""
    with open_beside(spool, "aside") as connection:
        rows = connection.execute(
            "SELECT id, received_at, at, size, reason, retry FROM aside ORDER BY id"
        ).fetchall()
    return [
        Aside(number, received_at, at, size, reason, bool(again))
        for number, received_at, at, size, reason, again in rows
    ]


def retry(spool: Path, numbers: Sequence[int]) -> int:
    """Mark these items, or all, so that the agent tries them again; how many are marked."""
    with open_beside(spool, "aside") as connection, connection:
        if not numbers:
            return connection.execute("UPDATE aside SET retry = 1").rowcount
        return sum(
            connection.execute("UPDATE aside SET retry = 1 WHERE id = ?", (number,)).rowcount
            for number in numbers
        )
