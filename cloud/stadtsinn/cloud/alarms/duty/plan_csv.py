"""A shift plan as a table: of Excel, of Outlook's export, of duty software."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from stadtsinn.base.calendar import Span
from stadtsinn.base.foreign_text import visible
from stadtsinn.base.instant import Instant, from_datetime
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.alarms.duty.people import People
from stadtsinn.cloud.alarms.duty.plan import FIRST_YEAR, LAST_YEAR, MOST, Plan, sound, span_of
from stadtsinn.cloud.alarms.duty.roster import Planned
from stadtsinn.cloud.platform.lists.csv_table import (
    HEADING_WITHIN,
    Rows,
    delimiter_of,
    plain_head,
    split,
    too_many,
)
from stadtsinn.cloud.platform.lists.row_errors import RowError, WrongCell

_NAMES: Mapping[str, str] = {
    "day": "datum tag date day",
    "start": "beginn von start anfang ab from begin begins beginntam startdatum startdate datumvon "
    "vondatum beginndatum dienstbeginn schichtbeginn",
    "start_time": "beginntum startzeit starttime uhrzeitvon vonuhrzeit beginnzeit zeitvon "
    "beginnuhrzeit startuhrzeit",
    "end": "ende bis end to until ends endetam enddatum enddate datumbis bisdatum endedatum "
    "dienstende schichtende",
    "end_time": "endetum endzeit endtime uhrzeitbis bisuhrzeit endezeit zeitbis endeuhrzeit "
    "enduhrzeit",
    "who": "name person mitarbeiter mitarbeiterin mitarbeitende diensthabender diensthabende "
    "diensthabend bereitschaft rufbereitschaft wer kollege kollegin bedienstete bediensteter "
    "who employee onduty betreff subject email mail emailadresse personal dienst zunamevorname "
    "namevorname nachname familienname",
    "first_name": "vorname firstname givenname",
}
_KNOWN = {head: field for field, heads in _NAMES.items() for head in heads.split()}

_WEEKDAYS = ("mo", "di", "mi", "do", "fr", "sa", "so")
_ENGLISH_WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
_DATE = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d{2})|(\d{4})-(\d{2})-(\d{2})")
_TIME = re.compile(r"(\d{1,2})[:.](\d{2})(?:[:.]00)?(?:\s*uhr)?|(\d{1,2})\s*uhr|(\d{2})(\d{2})")
_WEEKDAY = re.compile(r"([a-zäöü]+)\.?,?\s+", re.IGNORECASE)


@dataclass(frozen=True)
class _When:
    """What a cell, or two of them, say of a moment."""

    day: date | None = None
    time_of_day: timedelta | None = None
    exact: Instant | None = None
    """Of a time with offset."""


def read_table(text: str, people: People, now: Instant) -> Plan:
    """The shifts of a table that are not over. Raises WrongCell where it is none."""
    plan = Plan()
    lines = text.splitlines(keepends=True)
    start = _heading(lines)
    rows = Rows(lines, start, plan.errors)
    heads = rows.heads()
    fields = [_KNOWN.get(plain_head(head), "") for head in heads]
    _check_heads(heads, fields, start + 1, plan)
    if plan.errors:
        return plan
    for line, cells in rows:
        if (said := too_many(cells, len(heads))) is not None:
            plan.errors.append(RowError(line, "", said))
            continue
        try:
            span, person = _shift(fields, cells, people, plan)
        except WrongCell as error:
            plan.errors.append(RowError(line, "", error.sentence))
            continue
        if span.end > now:
            plan.shifts.add(Planned(span, person))
        if len(plan.shifts) > MOST:
            raise WrongCell(f"more than {MOST} shifts", f"mehr als {MOST} Schichten")
    return plan


def _heading(lines: Sequence[str]) -> int:
    for number, line in enumerate(lines[:HEADING_WITHIN]):
        found = {_KNOWN.get(plain_head(cell)) for cell in split(line, delimiter_of(line))}
        if "who" in found and found & {"day", "start"}:
            return number
    raise WrongCell(
        "line 1: needs a line with the names of the columns: when a shift begins (Beginn, or Datum "
        "and Von), when it ends (Ende, Bis), and who is on duty (Name)",
        "Zeile 1: es braucht eine Zeile mit den Namen der Spalten: wann eine Schicht beginnt "
        "(Beginn, oder Datum und Von), wann sie endet (Ende, Bis), und wer Dienst hat (Name)",
    )


def _check_heads(heads: Sequence[str], fields: Sequence[str], row: int, plan: Plan) -> None:
    for number, field in enumerate(fields):
        if field and field in fields[:number]:
            head = visible(heads[number].strip())
            first = visible(heads[fields.index(field)].strip())
            said = Sentence(
                f"the columns '{first}' and '{head}' say the same: leave one of them",
                f"die Spalten '{first}' und '{head}' sagen dasselbe: eine davon weglassen",
            )
            plan.errors.append(RowError(row, "", said))
    if not {"end", "end_time"} & set(fields):
        said = Sentence(
            "there is no column that says when a shift ends (Ende, Bis)",
            "es fehlt die Spalte, wann eine Schicht endet (Ende, Bis)",
        )
        plan.errors.append(RowError(row, "", said))
    left_out = ", ".join(
        visible(head.strip())
        for head, field in zip(heads, fields, strict=True)
        if not field and head.strip()
    )
    if left_out:
        plan.note(
            Sentence(
                f"these columns are not read: {left_out}",
                f"diese Spalten werden nicht gelesen: {left_out}",
            )
        )


def _shift(
    fields: Sequence[str], cells: Sequence[str], people: People, plan: Plan
) -> tuple[Span, str]:
    given = {field: cell.strip() for field, cell in zip(fields, cells, strict=False) if field}
    who = " ".join(filter(None, (given.get("first_name", ""), given.get("who", ""))))
    if not who:
        raise WrongCell("nobody is named", "es ist niemand genannt")
    person = _person(who, people)
    start = _together(given, "day", "start", "start_time")
    end = _together(given, "end", "end_time")
    return _span(start, end, plan), person


def _person(who: str, people: People) -> str:
    """One person; of a title such as Outlook's "Bereitschaft: Meier" the one it names."""
    try:
        return people.find(who)
    except WrongCell:
        try:
            found = people.all_in(who)
        except WrongCell:
            found = []
        if len(found) == 1:
            return found[0]
        raise


def _together(given: Mapping[str, str], *names: str) -> _When:
    """What several cells say of one moment."""
    found = _When()
    for name in names:
        one = _when(given.get(name, ""))
        found = _When(
            one.day or found.day,
            found.time_of_day if one.time_of_day is None else one.time_of_day,
            one.exact if one.exact is not None else found.exact,
        )
    return found


def _span(start: _When, end: _When, plan: Plan) -> Span:
    if start.exact is not None and end.exact is not None:
        if end.exact <= start.exact:
            raise WrongCell(
                "the shift ends before it begins", "die Schicht endet, bevor sie beginnt"
            )
        return sound(Span(start.exact, end.exact))
    if start.day is None:
        raise WrongCell("on which day does it begin?", "an welchem Tag beginnt die Schicht?")
    if start.time_of_day is None or end.time_of_day is None:
        raise WrongCell(
            "at what time does it begin and end? Write both times, e.g. 08:00 and 20:00",
            "um wie viel Uhr beginnt und endet die Schicht? Beide Zeiten schreiben, z. B. 08:00 "
            "und 20:00",
        )
    begins = datetime.combine(start.day, time()) + start.time_of_day
    if end.day is not None:
        return span_of(begins, datetime.combine(end.day, time()) + end.time_of_day, plan)
    ends = datetime.combine(start.day, time()) + end.time_of_day
    if ends <= begins:
        ends += timedelta(days=1)
        plan.note(
            Sentence(
                "shifts whose end is not after their beginning end on the next day",
                "Schichten, deren Ende nicht nach dem Beginn liegt, enden am nächsten Tag",
            )
        )
    return span_of(begins, ends, plan)


def _when(cell: str) -> _When:
    """A date, a time of day, or both. Raises WrongCell."""
    if not cell:
        return _When()
    if re.match(r"\d{4}-\d{2}-\d{2}T", cell):
        return _iso(cell)
    rest, weekday = cell, ""
    if (found := _WEEKDAY.match(cell)) is not None:
        weekday, rest = found[1].lower(), cell[found.end() :]
    day = None
    if (dated := _DATE.match(rest)) is not None:
        day = _date(dated, cell)
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise _no_time(cell)
        rest = rest[dated.end() :].lstrip(" ,T")
    if day is not None and weekday and weekday[:2] not in _of_the_week(day):
        wrong = visible(cell)[:40]
        raise WrongCell(
            f"'{wrong}' is no {visible(weekday)}: day and date do not fit",
            f"'{wrong}': Wochentag und Datum passen nicht zusammen",
        )
    if not rest:
        return _When(day)
    return _When(day, _time_of_day(rest, cell))


def _of_the_week(day: date) -> tuple[str, str]:
    return _WEEKDAYS[day.weekday()], _ENGLISH_WEEKDAYS[day.weekday()]


def _iso(cell: str) -> _When:
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        raise _no_time(cell) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise _no_time(cell)
    if moment.tzinfo is not None:
        return _When(exact=from_datetime(moment))
    return _When(moment.date(), timedelta(hours=moment.hour, minutes=moment.minute))


def _date(found: re.Match[str], cell: str) -> date:
    try:
        if found[4]:
            return date(int(found[4]), int(found[5]), int(found[6]))
        year = int(found[3]) + (2000 if len(found[3]) == 2 else 0)
        return date(year, int(found[2]), int(found[1]))
    except ValueError:
        raise _no_time(cell) from None


def _time_of_day(text: str, cell: str) -> timedelta:
    found = _TIME.fullmatch(text.strip().lower())
    if found is None:
        raise _no_time(cell)
    hours = int(found[1] or found[3] or found[4])
    minutes = int(found[2] or found[5] or 0)
    whole = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or whole > timedelta(days=1):
        raise _no_time(cell)
    return whole


def _no_time(cell: str) -> WrongCell:
    shown = visible(cell)[:40]
    return WrongCell(
        f"'{shown}' is no time that can be read: write e.g. 01.06.2026 08:00",
        f"'{shown}' ist keine lesbare Zeit: z. B. 01.06.2026 08:00 schreiben",
    )
