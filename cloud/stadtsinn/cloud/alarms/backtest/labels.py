"""Labelled events: what really happened, as people wrote it down, and which alarms met it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

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
    """`found` are the announced incidents of each station; what is open lasts until `end`."""
    missed = [one for one in labels if not any(_meets(one, at, some, end) for at, some in found)]
    false = tuple(
        (at, incident)
        for at, some in found
        for incident in some
        if not any(_overlap(one, at, incident, end) for one in labels)
    )
    return Score(len(labels), len(labels) - len(missed), tuple(missed), false)


def _meets(label: Label, station: str, some: Sequence[Incident], end: Instant) -> bool:
    if label.station not in ("", station):
        return False
    # They follow each other: the last one that begins before the event's end reaches farthest.
    before = bisect_left([one.opened_at for one in some], label.end)
    return before > 0 and _overlap(label, station, some[before - 1], end)


def _overlap(label: Label, station: str, incident: Incident, end: Instant) -> bool:
    closed = end if incident.closed_at is None else incident.closed_at
    return (
        label.station in ("", station) and incident.opened_at < label.end and closed >= label.start
    )
