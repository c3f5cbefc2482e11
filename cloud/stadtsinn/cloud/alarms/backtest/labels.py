"""Labelled events: what really happened, as people wrote it down, and which alarms met it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate

from stadtsinn.base import berlin
from stadtsinn.base.foreign_text import visible
from stadtsinn.base.instant import LATEST, Instant, from_datetime
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.alarms.backtest.incidents import Incident
from stadtsinn.cloud.platform.lists.csv_table import Rows, plain_head, text_of
from stadtsinn.cloud.platform.lists.row_errors import RowError, WrongCell, told

_HEADS = {
    "start": ("from", "von", "start", "beginn"),
    "end": ("to", "bis", "end", "ende"),
    "label": ("label", "text", "ereignis", "event", "name", "bezeichnung"),
    "station": ("station", "messstelle"),
}
MOST = 10_000


@dataclass(frozen=True)
class Label:
    """Something that an alarm should tell of: it happened within start <= time < end. Without a
    `station` it is about all that the rule watches."""

    start: Instant
    end: Instant
    label: str
    station: str = ""


class LabelsRefused(Explained):
    """The list has mistakes; the sentence has a line for each."""


@dataclass(frozen=True)
class Score:
    """`missed` events had no alarm, `false` alarms no event. An alarm meets an event that is open
    at some moment of it."""

    events: int
    met: int
    missed: tuple[Label, ...]
    false: tuple[tuple[str, Incident], ...]
    """With the station's slug."""


def read_labels(content: bytes) -> list[Label]:
    """Of a CSV with the columns from, to, label and perhaps station. Raises LabelsRefused."""
    errors: list[RowError] = []
    try:
        lines = text_of(content).splitlines(keepends=True)
    except WrongCell as error:
        raise LabelsRefused.of(error.sentence) from None
    if not lines:
        raise LabelsRefused(
            "the list is empty: the first line has the heads from,to,label",
            "die Liste ist leer: in der ersten Zeile stehen die Spalten von,bis,ereignis",
        )
    rows = Rows(lines, 0, errors)
    columns = _columns(rows.heads())
    found = []
    for line, cells in rows:
        row = {name: cells[at].strip() if at < len(cells) else "" for name, at in columns.items()}
        try:
            found.append(_label(row))
        except WrongCell as error:
            errors.append(RowError(line, "", error.sentence))
        if len(found) > MOST:
            raise LabelsRefused(
                f"the list is longer than {MOST}: give fewer years at once",
                f"die Liste ist länger als {MOST}: weniger Jahre auf einmal angeben",
            )
    if errors:
        raise LabelsRefused.of(told(errors))
    return found


def _columns(heads: Sequence[str]) -> dict[str, int]:
    known = {way: name for name, ways in _HEADS.items() for way in ways}
    found: dict[str, int] = {}
    for number, head in enumerate(heads):
        if (name := known.get(plain_head(head))) is not None:
            found.setdefault(name, number)
    if "start" not in found or "end" not in found:
        raise LabelsRefused(
            "the first line has to name the columns: from,to,label (and station, where wanted)",
            "in der ersten Zeile müssen die Spalten stehen: von,bis,ereignis (und messstelle, wo "
            "gewünscht)",
        )
    return found


def _label(row: dict[str, str]) -> Label:
    start, end = _moment(row["start"], ends=False), _moment(row["end"], ends=True)
    if end <= start:
        raise WrongCell(
            f"'{visible(row['end'])}' does not lie after '{visible(row['start'])}'",
            f"'{visible(row['end'])}' liegt nicht nach '{visible(row['start'])}'",
        )
    return Label(start, end, row.get("label", ""), row.get("station", ""))


def _moment(written: str, *, ends: bool) -> Instant:
    """A day counts from its midnight, as an end to its last moment; local times are Berlin's."""
    try:
        if len(written) == len("2026-09-26"):
            moment = berlin.at(date.fromisoformat(written))
            return berlin.next_midnight(moment) if ends else moment
        given = datetime.fromisoformat(written)
        moments = [from_datetime(given)] if given.tzinfo else berlin.moments(given)
    except (ValueError, OverflowError):
        raise WrongCell(
            f"'{visible(written)[:40]}' is no time: write 2026-06-12 14:00, or with offset "
            "2026-06-12T14:00:00+02:00",
            f"'{visible(written)[:40]}' ist keine Zeit: 2026-06-12 14:00 schreiben, oder mit "
            "Zeitversatz 2026-06-12T14:00:00+02:00",
        ) from None
    if not moments or not 0 <= moments[0] <= LATEST:
        raise WrongCell(
            f"'{written}' does not exist: clocks were put forward in that hour",
            f"'{written}' gibt es nicht: in dieser Stunde wurde die Uhr vorgestellt",
        )
    # Of the hour that comes twice both belong to the event.
    return moments[-1] if ends else moments[0]


def score(
    labels: Sequence[Label], found: Sequence[tuple[str, Sequence[Incident]]], end: Instant
) -> Score:
    """`found` are the announced incidents of each station, which follow each other there; what is
    open lasts until `end`. Each label and each incident is looked up: there may be many of both."""
    courses = {station: _Course(some, end) for station, some in found}
    events = {station: _Events(labels, station) for station in courses}
    missed = [one for one in labels if not any(_met(one, courses))]
    false = tuple(
        (station, incident)
        for station, some in found
        for incident in some
        if not events[station].meet(incident.opened_at, _closed(incident, end))
    )
    return Score(len(labels), len(labels) - len(missed), tuple(missed), false)


def _met(label: Label, courses: Mapping[str, _Course]) -> Iterator[bool]:
    named = [label.station] if label.station else courses
    return (courses[station].meets(label) for station in named if station in courses)


def _closed(incident: Incident, end: Instant) -> Instant:
    return end if incident.closed_at is None else incident.closed_at


class _Course:
    """The incidents of a station in their order."""

    def __init__(self, some: Sequence[Incident], end: Instant) -> None:
        self._opened = [one.opened_at for one in some]
        self._closed = [_closed(one, end) for one in some]

    def meets(self, label: Label) -> bool:
        """The last one that begins before the event's end reaches farthest."""
        before = bisect_left(self._opened, label.end)
        return before > 0 and self._closed[before - 1] >= label.start


class _Events:
    """The events of a station; they may overlap."""

    def __init__(self, labels: Sequence[Label], station: str) -> None:
        mine = sorted((one.start, one.end) for one in labels if one.station in ("", station))
        self._starts = [start for start, _ in mine]
        self._latest = list(accumulate((end for _, end in mine), max))
        """The latest end of all up to each."""

    def meet(self, opened: Instant, closed: Instant) -> bool:
        """Whether one begins before it is closed and ends after it was opened."""
        begun = bisect_right(self._starts, closed)
        return begun > 0 and self._latest[begun - 1] > opened
