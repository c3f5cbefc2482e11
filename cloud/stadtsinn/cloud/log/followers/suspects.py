"""Finds the uplink that a follower fails on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stadtsinn.cloud.log.followers.culprits import blames_uplinks
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink

_ATTEMPTS = 2
"""So often an uplink fails alone: what it met the first time may have just been changed."""


class Suspects:
    """Remembers what a follower worked on when it failed, and how often in a row."""

    def __init__(self) -> None:
        self.in_a_row = 0
        """Uplinks set aside since one was applied."""
        self._error: Exception | None = None
        self._uplinks: Sequence[LoggedUplink] = ()
        self._alone: tuple[int, int] = (0, 0)
        """A position and how often it failed alone."""

    @contextmanager
    def among(self, uplinks: Sequence[LoggedUplink]) -> Iterator[None]:
        """What fails inside is about these uplinks, unless something else is away."""
        try:
            yield
        except Exception as error:
            self._error, self._uplinks = error, uplinks
            raise

    def of(self, error: Exception) -> Sequence[LoggedUplink]:
        """The uplinks of which one is to blame for this error; none: something is away."""
        known = error is self._error and blames_uplinks(error)
        found = self._uplinks if known else ()
        self._error, self._uplinks = None, ()
        return found

    def convicted(self, uplink: LoggedUplink) -> bool:
        """Call when an uplink failed alone; True when it did so often enough."""
        position, times = self._alone
        self._alone = uplink.position, times + 1 if position == uplink.position else 1
        return self._alone[1] >= _ATTEMPTS

    def went_past(self) -> None:
        self.in_a_row += 1

    def worked(self) -> None:
        self.in_a_row = 0
