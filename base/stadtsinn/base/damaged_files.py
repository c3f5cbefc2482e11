"""SQLite files that are damaged, told from those that are locked, full, or of somebody else."""

from __future__ import annotations

import sqlite3

_CORRUPT, _NOT_A_DATABASE = 11, 26
_OF_THE_DISK = frozenset({522, 8202, 8458})
"""A read that ended early (a file that was cut), a wrong checksum, a damaged file system."""
_WITHOUT_CODE = ("unsupported file format", "Could not decode to UTF-8")
"""A number in the header that no version of SQLite writes; a text that nobody wrote."""


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite says that the file itself is damaged."""
    if not isinstance(error, sqlite3.DatabaseError):
        return False
    code = getattr(error, "sqlite_errorcode", 0)
    if code & 0xFF in (_CORRUPT, _NOT_A_DATABASE) or code in _OF_THE_DISK:
        return True
    return str(error).startswith(_WITHOUT_CODE)
