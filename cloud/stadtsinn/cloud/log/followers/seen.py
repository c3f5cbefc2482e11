"""What a follower knows of the registry: read before a transaction, only compared inside."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection

from stadtsinn.cloud.log.followers.follower import TryAgain
from stadtsinn.cloud.town.directory import Directory, DirectoryCache, PartReader, read_revision

_ATTEMPTS = 3
"""So often in a row the registry may change between looking and the transaction. Then it is read
inside: everybody waits for that, but a registry that changes all the time stops no follower."""


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

    def look(self) -> Known:
        """Outside of a transaction: read it again if it changed."""
        self._cache.renew()
        self._known = self._cache.part(self._read)
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
        self._in_vain = 0
        known = self.look()
        self._looked = False
        return known
