"""What appending asks of the archive: copies of an uplink that left the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.uplinks.identity import Copy
from stadtsinn.cloud.log.uplinks.statements import Key


class OlderCopies(Protocol):
    """Uplinks that are not in the table any more. Both methods may raise ArchiveUnreadable."""

    def copies(self, connection: Connection, keys: Sequence[Key]) -> list[Copy]:
        """Every such uplink with one of these keys."""
        ...

    def any(
        self,
        connection: Connection,
        frame: Copy,
        counters: Callable[[Any], ColumnElement[bool]],
        fits: Callable[[Copy], bool],
        after: Instant,
        before: Instant,
    ) -> bool: ...
