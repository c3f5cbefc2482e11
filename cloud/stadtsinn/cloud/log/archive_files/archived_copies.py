"""What identity needs to know of uplinks that were archived: the same as of those in the table.

The database keeps which counters of a session lie in which day's file. A new uplink's counter is
normally above all of them, which one index look-up shows. Only a resend of an old frame, or a
device that restarted its counters, makes it read in the file of a day. Everybody waits for the
transaction that appends, so it is tried with what is in memory (`attempts`), and what was missing
is read before the next try.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay, day_of, days
from stadtsinn.cloud.log.archive_files.session_copies import Asked, SessionCopies, Wanted
from stadtsinn.cloud.log.uplinks.identity import Copy
from stadtsinn.cloud.log.uplinks.statements import Key, statements
from stadtsinn.cloud.log.uplinks.tables import archived_days, archived_sessions

_DAYS = 16
"""Days that one look opens at most, the newest. Only a device that begins its counters again on
every day has more, or one whose times are made up."""
_READ_AHEAD = 32
"""Days that are read between two attempts at most, the newest."""
_ATTEMPTS = 3
"""The first one needs copies of frames, the next one evidence of restarts as well."""


class NotRead(Exception):
    """The archive has to be read first: roll back, and call the attempt's `read`."""


class _Lookup(ABC):
    """Both ways to look up archived uplinks."""

    def copies(self, connection: Connection, keys: Sequence[Key]) -> list[Copy]:
        """Every archived uplink with one of these keys."""
        by_day: dict[int, set[Asked]] = defaultdict(set)
        for row in statements(connection).archived_keys(connection, keys):
            by_day[row[0]].add((row[1], row[2], row[3]))
        if not by_day:
            return []
        listed = days(connection, archived_days.c.day.in_(sorted(by_day)[-_DAYS:]))
        return self._copies_of({day: by_day[day.day] for day in listed})

    def any(
        self,
        connection: Connection,
        frame: Copy,
        counters: Callable[[Any], ColumnElement[bool]],
        fits: Callable[[Copy], bool],
        after: Instant,
        before: Instant,
    ) -> bool:
        """Is there an uplink of the frame's session with `after` < event time < `before` that
        `fits`? `counters` selects by the columns of `archived_sessions` the days that may hold one.
        """
        session = archived_sessions.c
        may_hold = days(
            connection,
            archived_days.c.day >= day_of(after),
            archived_days.c.day < before,
            archived_days.c.day == session.day,
            session.dev_eui == frame.dev_eui,
            session.dev_addr == frame.dev_addr,
            counters(session),
        )
        whole: Asked = (frame.dev_eui, frame.dev_addr, None)
        found = self._evidence_of(dict.fromkeys(may_hold[-_DAYS:], (whole,)))
        return found is None or any(after < one.event_time < before and fits(one) for one in found)

    @abstractmethod
    def _copies_of(self, wanted: Wanted) -> list[Copy]: ...

    @abstractmethod
    def _evidence_of(self, wanted: Wanted) -> list[Copy] | None:
        """None where it cannot be looked into: then the frame is one of its own."""


class ArchivedCopies(_Lookup):
    """Looks up archived uplinks, and reads in their files for it. Raises ArchiveUnreadable."""

    def __init__(self, archive: Archive) -> None:
        self._files = SessionCopies(archive)

    def attempts(self) -> Iterator[Attempt]:
        """One for each time that the same transaction is tried. The last one needs no other."""
        for number in range(_ATTEMPTS):
            yield Attempt(self._files, is_last=number + 1 == _ATTEMPTS)

    def _copies_of(self, wanted: Wanted) -> list[Copy]:
        return self._files.read(wanted)

    def _evidence_of(self, wanted: Wanted) -> list[Copy] | None:
        return self._files.read(wanted)


class Attempt(_Lookup):
    """Looks archived uplinks up in memory, and notes what is missing there."""

    def __init__(self, files: SessionCopies, *, is_last: bool) -> None:
        self._files = files
        self._is_last = is_last
        self._unread: dict[ArchivedDay, set[Asked]] = defaultdict(set)

    def require_read(self) -> None:
        """At the end of the transaction; raises NotRead where some answer was none."""
        if self._unread and not self._is_last:
            raise NotRead

    def read(self) -> None:
        """Read what was missing, for the next attempt; raises ArchiveUnreadable."""
        newest = sorted(self._unread, key=lambda day: day.day)[-_READ_AHEAD:]
        self._files.read({day: self._unread[day] for day in newest})

    def _copies_of(self, wanted: Wanted) -> list[Copy]:
        if self._is_last:  # archived between two attempts, or more than memory takes
            return self._files.read(wanted)
        found = self._known(wanted)
        if found is None:
            raise NotRead
        return found

    def _evidence_of(self, wanted: Wanted) -> list[Copy] | None:
        return self._known(wanted)

    def _known(self, wanted: Wanted) -> list[Copy] | None:
        found, unread = self._files.known(wanted)
        for day, asked in unread.items():
            self._unread[day] |= asked
        return None if unread else found
