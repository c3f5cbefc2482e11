"""The history of a zone as CSV: for programs, or for people as a German table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stadtsinn.base.berlin import clock_name, isoformat, spreadsheet_time
from stadtsinn.base.csv_text import GERMAN, Cell, Locale, stream_csv
from stadtsinn.cloud.domains.crowd.sample import ZoneSample

_HEADING = ("time", "occupancy", "low", "high", "degraded")
_HEADING_DE = ("Zeit", "Uhr", "Zone", "Name", "Personen", "mindestens", "höchstens", "Zählung")


def stream(zone: str, name: str, samples: Iterable[ZoneSample], locale: Locale) -> Iterator[bytes]:
    """One row per minute of the zone with this slug and name."""
    if locale is Locale.DE:
        return stream_csv(_HEADING_DE, _german(zone, name, samples), GERMAN)
    return stream_csv(_HEADING, map(_plain, samples))


def _plain(one: ZoneSample) -> Sequence[Cell]:
    return isoformat(one.event_time), one.occupancy, one.low, one.high, one.degraded


def _german(zone: str, name: str, samples: Iterable[ZoneSample]) -> Iterator[Sequence[Cell]]:
    for one in samples:
        when = (spreadsheet_time(one.event_time), clock_name(one.event_time))
        counting = "unvollständig" if one.degraded else "vollständig"
        yield *when, zone, name, one.occupancy, one.low, one.high, counting
