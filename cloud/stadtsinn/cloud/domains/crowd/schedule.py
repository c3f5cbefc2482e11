"""When a zone is known to be empty: once every local day, also when the clock changes, and when
an event begins. At the daily hour nobody is sent home: while an event takes place it does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from stadtsinn.base.berlin import at, local
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.domains.crowd.zones.agenda import ZoneEvent, occurrences


def last_reset(moment: int, reset_at: str, events: Sequence[ZoneEvent] = ()) -> Instant:
    """The newest reset at or before a moment."""
    day = local(moment)
    nightly = [at(day - timedelta(days=back), reset_at) for back in range(4)]
    found = _with_events(nightly, moment - 4 * DAY, moment + 1, events)
    return max(reset for reset in found if reset <= moment)


def next_reset(moment: int, reset_at: str, events: Sequence[ZoneEvent] = ()) -> Instant:
    """The first reset after a moment."""
    day = local(moment)
    nightly = [at(day + timedelta(days=ahead), reset_at) for ahead in range(4)]
    found = _with_events(nightly, moment, moment + 4 * DAY, events)
    return min(reset for reset in found if reset > moment)


def resets_between(
    start: int, end: int, reset_at: str, events: Sequence[ZoneEvent] = ()
) -> list[Instant]:
    """The resets with start < reset <= end."""
    day, days = local(start), (end - start) // DAY + 3
    nightly = [at(day + timedelta(days=ahead), reset_at) for ahead in range(days)]
    found = _with_events(nightly, start, end + 1, events)
    return sorted({reset for reset in found if start < reset <= end})


def _with_events(
    nightly: Sequence[Instant], start: int, end: int, events: Sequence[ZoneEvent]
) -> list[Instant]:
    taking_place = occurrences(events, start - DAY, end + DAY) if events else []
    kept = [
        reset for reset in nightly if not any(one.start < reset < one.end for one in taking_place)
    ]
    return [*kept, *(one.start for one in taking_place)]
