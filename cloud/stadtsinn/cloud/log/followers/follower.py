"""What a follower of the uplink log is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink


class Hindered(Exception):
    """Something other than the uplinks keeps a follower from its work; it tries the same again."""


class TryAgain(Hindered):
    """Nothing is away: the transaction was begun with something that has changed meanwhile, or
    with what has to be left out. The loop begins it anew at once."""


class Follower(Protocol):
    """Turns uplinks into something else, each batch in the order of the log.

    The loop calls `prepare` outside any transaction, then `apply` inside the transaction that
    also moves the follower's cursor. After a crash the same batch comes again: what `prepare`
    does elsewhere must bear being done twice, what `apply` does with the connection cannot be
    done twice. `tick` is called in a transaction of its own about once a second of the
    process's real time, once the follower has caught up with the log, for what time alone
    changes (rules that wait, gates that fell silent, the nightly reset).

    A transaction must be short, because everybody waits for it. `apply` may do only the first of
    the uplinks and say how many: the cursor moves behind those, and the others come again. Of the
    next one a part may be done; who answers a number keeps how far (`cursors.move_part`).
    `tick` answers True to be called again at once, in the next transaction.

    Raises Hindered, or an error of the database, while something that it needs is away. With
    every other error an uplink is to blame: the loop finds out which, and sets it aside.

    A transaction may be rolled back after `apply` or `tick` (a crash, a rebuild, a database that
    is away), and the same follower may run in another process: what it remembers between two
    calls must be read from the connection or be harmless when wrong.
    """

    name: str

    def prepare(self, uplinks: Sequence[LoggedUplink]) -> None: ...

    def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> int | None:
        """How many of the uplinks are done; None: all."""
        ...

    def tick(self, connection: Connection, now: Instant) -> bool | None: ...

    def reset(self, connection: Connection) -> bool | None:
        """Forget what was made from the log, before it is read again from the start: a part of
        it, where it is much. True: there is more, it is called again in the next transaction."""
        ...


@runtime_checkable
class LooksAhead(Protocol):
    """A follower that reads and computes something before each transaction of `tick`.

    What it found may be out of date in the transaction: it looks there whether it still holds,
    and raises TryAgain where it does not.
    """

    def look_ahead(self, now: Instant) -> None: ...

    def left_out(self) -> str:
        """What it leaves out because it fails, for the health page; empty: nothing."""
        ...


@runtime_checkable
class PreparesReset(Protocol):
    """A follower that has something to do before it is reset for which nobody may wait."""

    def require_resettable(self, connection: Connection) -> None:
        """Raises RuntimeError where it cannot be now; nothing has changed then."""
        ...

    def before_reset(self) -> None:
        """Outside of a transaction, once nobody applies anything any more. May be called again."""
        ...
