"""SQL of the followers' cursors."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.cursors.tables import follower_cursors
from stadtsinn.cloud.platform.database.upsert import insert_ignore


class CursorMoved(Exception):
    """The cursor was moved by a rebuild, or by the same follower in another process."""


FORGETTING = -1
"""Where the cursor of a follower stands while what it made is being forgotten."""


# Made once: every follower asks several times a second.
_POSITION = select(follower_cursors.c.position).where(follower_cursors.c.name == bindparam("name"))


def read_cursor(connection: Connection, name: str) -> int:
    """The last position this follower has applied; 0 before the first."""
    return connection.execute(_POSITION, {"name": name}).scalar_one_or_none() or 0


def read_part(connection: Connection, name: str) -> int:
    """How much of the next uplink is done; 0: nothing yet."""
    query = select(follower_cursors.c.part).where(follower_cursors.c.name == name)
    return connection.execute(query).scalar_one_or_none() or 0


def move_part(connection: Connection, name: str, part: int) -> None:
    connection.execute(
        update(follower_cursors).where(follower_cursors.c.name == name).values(part=part)
    )


def ensure_cursor(connection: Connection, name: str, now: Instant) -> None:
    row = {"name": name, "position": 0, "updated_at": now}
    insert_ignore(connection, follower_cursors, [row])


def move_cursor(
    connection: Connection,
    name: str,
    old: int,
    new: int,
    now: Instant,
    *,
    keep_part: bool = False,
) -> None:
    """Step from `old` to `new`, where nothing of the next uplink is done unless `keep_part`.

    Raises CursorMoved when the cursor is not at `old`.
    """
    part = {} if keep_part else {"part": 0}
    moved = connection.execute(
        update(follower_cursors)
        .where(follower_cursors.c.name == name, follower_cursors.c.position == old)
        .values(position=new, updated_at=now, **part)
    )
    if moved.rowcount != 1:
        raise CursorMoved(name)


def require_cursor(connection: Connection, name: str, position: int) -> None:
    """Raises CursorMoved when the cursor is not there any more."""
    if read_cursor(connection, name) != position:
        raise CursorMoved(name)


def begin_forgetting(connection: Connection, name: str, now: Instant) -> None:
    ensure_cursor(connection, name, now)
    _set_cursor(connection, name, FORGETTING, now)


def reset_cursor(connection: Connection, name: str, now: Instant) -> None:
    ensure_cursor(connection, name, now)
    _set_cursor(connection, name, 0, now)


def _set_cursor(connection: Connection, name: str, position: int, now: Instant) -> None:
    connection.execute(
        update(follower_cursors)
        .where(follower_cursors.c.name == name)
        .values(position=position, part=0, updated_at=now)
    )
