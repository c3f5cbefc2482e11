"""What a follower knows of the registry: read before a transaction, only compared inside."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection

from stadtsinn.cloud.log.followers.follower import TryAgain
from stadtsinn.cloud.town.directory import Directory, DirectoryCache, PartReader, read_revision
from stadtsinn.cloud.town.quiet import ask_for_quiet, end_quiet

_ATTEMPTS = 3
"""So often in a row the registry may change between looking and the transaction. Then changes
have to wait for a moment."""


class _OfDirectory(Protocol):
    @property
    def directory(self) -> Directory: ...


Known = TypeVar("Known", bound=_OfDirectory)


class Seen(Generic[Known]):
    """A part of the registry, which takes a while to read where it is large."""

    def __init__(self, cache: DirectoryCache, read: PartReader[Known]) -> None:
        self._cache = cache
        self._read = read
        self._known: Known | None = None
        self._looked = False
        self._in_vain = 0
        self._asked = False
        """For a quiet moment, which has not ended yet."""

    def look(self) -> Known:
        """Outside of a transaction: read it again if it changed."""
        if self._asked:
            end_quiet(self._cache.database)
            self._asked = False
        if self._in_vain == _ATTEMPTS:
            ask_for_quiet(self._cache.database)
            self._asked = True
        self._known = self._read_again()
        self._looked = True
        return self._known

    def as_of(self, connection: Connection) -> Known:
        """With every change that this transaction sees; raises TryAgain to have `look` called."""
        known, looked, self._looked = self._known, self._looked, False
        if known is not None and known.directory.revision == read_revision(connection):
            self._in_vain = 0
            return known
        if looked and self._in_vain < _ATTEMPTS:
            self._in_vain += 1
            raise TryAgain("the registry was changed meanwhile")
        # Nobody looked, or not even the quiet moment was long enough. Everybody waits for this,
        # but a registry that changes all the time stops no follower.
        self._in_vain = 0
        self._known = known = self._read_again()
        return known

    def _read_again(self) -> Known:
        self._cache.renew()
        return self._cache.part(self._read)
