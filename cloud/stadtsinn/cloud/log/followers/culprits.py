"""Whether an uplink is to blame for what a follower raised, or something else is away."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from stadtsinn.cloud.log.followers.follower import Hindered

_LONGEST = 300


def blames_uplinks(error: BaseException) -> bool:
    """False while the database, the series store or the machine keeps the follower from working.

    A value that the database refuses is the uplink's; every other error of a database is taken
    for an outage, and so is every error of the operating system.
    """
    if isinstance(error, Hindered | OSError | MemoryError | sqlite3.OperationalError):
        return False
    if isinstance(error, DBAPIError):
        refused_value = isinstance(error, DataError | IntegrityError)
        return refused_value and not error.connection_invalidated
    if isinstance(error, SQLAlchemyError):
        return isinstance(error, StatementError)  # a value that could not be handed over
    return error.__cause__ is None or blames_uplinks(error.__cause__)


def reason_of(error: BaseException) -> str:
    return type(error).__name__[:100]


def sentence_of(error: BaseException) -> str:
    """The first line of what the error says, without what a database adds about its values."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first = (str(said).splitlines() or [""])[0]
    return "".join(sign if sign.isprintable() else "?" for sign in first)[:_LONGEST]
