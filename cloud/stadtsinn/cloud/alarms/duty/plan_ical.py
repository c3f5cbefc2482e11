"""A shift plan as iCalendar: exports of Outlook, Google, Nextcloud and of duty software."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stadtsinn.base import berlin
from stadtsinn.base.calendar import Span
from stadtsinn.base.foreign_text import visible
from stadtsinn.base.instant import DAY, Instant, from_datetime, to_datetime
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.alarms.duty.people import People
from stadtsinn.cloud.alarms.duty.plan import (
    FIRST_YEAR,
    LAST_YEAR,
    MOST,
    Plan,
    ends_first,
    require_length,
    sound,
    span_of,
)
from stadtsinn.cloud.alarms.duty.roster import Planned
from stadtsinn.cloud.platform.lists.row_errors import RowError, WrongCell

if TYPE_CHECKING:
    from icalendar import Calendar, Component

_AT_A_TIME = 60 * DAY
HORIZON = 731 * DAY
"""So far a repeated event is written out."""

_MOST_REPEATED = 300
"""Events that repeat, in a calendar of one group."""

_ONCE = ("UID", "SUMMARY", "SEQUENCE", "STATUS", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION")
"""Properties that an event has once or not at all."""
_TOO_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")
_WITHIN_A_DAY = ("BYSECOND", "BYMINUTE", "BYHOUR")


def is_calendar(text: str) -> bool:
    return text.lstrip("\ufeff \n").upper().startswith("BEGIN:VCALENDAR")


def read_calendar(text: str, people: People, now: Instant) -> Plan:
    """The shifts of a calendar that are not over. Raises WrongCell where it is none."""
    plan = Plan()
    calendars = _parsed(text)
    events = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    for calendar in calendars:
        _check_zone(str(calendar.get("X-WR-TIMEZONE", "")))
    if not events:
        raise WrongCell(
            "there is no event in this calendar: export the one with the shifts",
            "in diesem Kalender ist kein Termin: den mit den Schichten exportieren",
        )
    if sum(bool(_rules(event)) for event in events) > _MOST_REPEATED or len(events) > MOST:
        raise _too_many(f"{len(events)}")
    lines = [n for n, line in enumerate(text.split("\n"), 1) if line.strip() == "BEGIN:VEVENT"]
    for number, event in enumerate(events):
        line = lines[number] if len(lines) == len(events) else number + 1
        try:
            _check(event, people, plan)
        except WrongCell as error:
            title = visible(_title(event).strip())[:60]
            plan.errors.append(RowError(line, title, error.sentence))
    if not plan.errors:
        for calendar in calendars:
            _name_apart(calendar.walk("VEVENT"))
            _write_out(calendar, people, plan, now)
    return plan


def _parsed(text: str) -> list[Calendar]:
    """The calendars of a file: some programs write several, one behind the other."""
    from icalendar import Calendar

    try:
        found = Calendar.from_ical(text, multiple=True)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError):
        found = []
    calendars = [one for one in found if one.name == "VCALENDAR"]
    lines = Counter(line.strip().upper() for line in text.split("\n"))
    ends = (lines[f"BEGIN:{one}"] == lines[f"END:{one}"] for one in ("VCALENDAR", "VEVENT"))
    if not calendars or not all(ends):  # what was cut off is no shorter plan
        raise WrongCell(
            "this is no complete iCalendar file: export the calendar again",
            "das ist keine vollständige iCalendar-Datei: den Kalender noch einmal exportieren",
        )
    return calendars


def _check_zone(name: str) -> None:
    """The zone of a whole calendar. Raises WrongCell where there is none of this name."""
    try:
        if name:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _unknown_zone(name) from None


def _name_apart(events: Iterable[Component]) -> None:
    """Events that are no new version of each other are several, though a program gave them one
    UID: the library would take only one of them."""
    seen: set[tuple[str, int]] = set()
    for number, event in enumerate(events):
        if "RECURRENCE-ID" in event:
            continue
        version = str(event.get("UID", "")), int(event.get("SEQUENCE", 0))
        if version in seen:
            event["UID"] = f"{version[0]}#{number}"
        seen.add(version)


def _check(event: Component, people: People, plan: Plan) -> None:
    """Whether an event can be a shift, before the libraries read it in their way."""
    if event.errors:
        raise _unreadable(str(event.errors[0][0] or "the event"))
    if "EXRULE" in event:
        raise _unreadable("EXRULE")
    if twice := next((name for name in _ONCE if isinstance(event.get(name), list)), None):
        raise _unreadable(twice)
    start, end = _edges(event)
    if isinstance(start, datetime) != isinstance(end, datetime):
        raise _unreadable("DTEND")
    for rule in _rules(event):
        _check_rule(rule)
    if _is_cancelled(event):
        return
    _who(_naming(event), people)
    if not isinstance(start, datetime):
        plan.note(_ALL_DAY)
    elif start.tzinfo is None:
        plan.note(_NO_ZONE)
    elif _is_utc(start) and _rules(event):
        plan.note(_FIXED)
    if _comparable(end) <= _comparable(start):
        raise ends_first(_comparable(start), _comparable(end))
    require_length(_comparable(end) - _comparable(start))


_ALL_DAY = Sentence(
    "all-day events are shifts from midnight to midnight",
    "ganztägige Termine sind Schichten von Mitternacht bis Mitternacht",
)
_NO_ZONE = Sentence(
    "times without a time zone are taken for German local time",
    "Zeiten ohne Zeitzone gelten als deutsche Ortszeit",
)
_FIXED = Sentence(
    "an event repeats at a time in UTC: it moves by an hour when clocks change, unless the "
    "calendar says X-WR-TIMEZONE",
    "ein Termin wiederholt sich zu einer Zeit in UTC: bei der Zeitumstellung verschiebt er sich um "
    "eine Stunde, wenn der Kalender nicht X-WR-TIMEZONE nennt",
)


def _unreadable(what: str) -> WrongCell:
    name = visible(what)[:40]
    return WrongCell(
        f"{name} cannot be read: correct the event in the calendar and export it again",
        f"{name} ist nicht lesbar: den Termin im Kalender berichtigen und neu exportieren",
    )


def _edges(event: Component) -> tuple[Any, Any]:
    start = _time(event, "DTSTART")
    if start is None:
        raise _unreadable("DTSTART")
    end = _time(event, "DTEND")
    if end is None and "DURATION" in event:
        try:
            duration: Any = event["DURATION"]
            end = start + duration.dt
        except (AttributeError, TypeError, ValueError, OverflowError):
            raise _unreadable("DURATION") from None
    if end is None and not isinstance(start, datetime):
        end = start + timedelta(days=1)
    if end is None:
        raise WrongCell(
            "the event has no end: a shift needs one",
            "der Termin hat kein Ende: eine Schicht braucht eines",
        )
    return start, end


def _time(event: Component, name: str) -> Any:
    """A time of an event; None where there is none. Raises WrongCell."""
    found = event.get(name)
    if found is None:
        return None
    try:
        moment = found.dt
    except (AttributeError, ValueError):
        raise _unreadable(name) from None
    if not isinstance(moment, date) or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise _unreadable(name)
    zone = found.params.get("TZID")
    if zone and isinstance(moment, datetime) and moment.tzinfo is None:
        raise _unknown_zone(str(zone))
    return moment


def _unknown_zone(name: str) -> WrongCell:
    shown = visible(name)[:60]
    return WrongCell(
        f"the time zone '{shown}' is not known and not described in the file: use Europe/Berlin",
        f"die Zeitzone '{shown}' ist unbekannt und in der Datei nicht beschrieben: "
        "Europe/Berlin verwenden",
    )


def _comparable(moment: Any) -> datetime:
    """On a clock in Berlin."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time())
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(berlin.BERLIN).replace(tzinfo=None)


def _is_utc(moment: datetime) -> bool:
    return str(moment.tzinfo) == "UTC"


def _rules(event: Component) -> list[Any]:
    found = event.get("RRULE", [])
    return found if isinstance(found, list) else [found]


def _check_rule(rule: Any) -> None:
    """Refuses what cannot be a plan of shifts, and what would never end to be written out."""
    often = any(str(one).upper() in _TOO_OFTEN for one in rule.get("FREQ", []))
    dense = any(len(rule.get(name, [])) > 1 for name in _WITHIN_A_DAY)
    if often or dense:
        raise WrongCell(
            "the event repeats several times a day: a shift that does is written as several events",
            "der Termin wiederholt sich mehrmals am Tag: solche Schichten als mehrere Termine "
            "schreiben",
        )
    if any(int(one) < 1 for one in (*rule.get("INTERVAL", []), *rule.get("COUNT", []))):
        raise _unreadable("RRULE")


def _is_cancelled(event: Component) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _title(event: Component) -> str:
    return str(event.get("SUMMARY", ""))


_Naming = tuple[tuple[tuple[str, str], ...], str]
"""Who is invited, and the title."""


def _naming(event: Component) -> _Naming:
    return tuple(_invited(event)), _title(event)


def _who(naming: _Naming, people: People) -> tuple[str, ...]:
    """Who is on duty: who is invited and has not declined, else whom the title names."""
    invited, title = naming
    return _named(invited, title, people) if invited else _titled(title, people)


def _invited(event: Component) -> Iterator[tuple[str, str]]:
    """Name and address of those invited."""
    found = event.get("ATTENDEE", [])
    for one in found if isinstance(found, list) else [found]:
        params = one.params
        declined = str(params.get("PARTSTAT", "")).upper() == "DECLINED"
        thing = str(params.get("CUTYPE", "")).upper() in ("ROOM", "RESOURCE")
        if not declined and not thing:
            yield str(params.get("CN", "")), str(one)


def _named(invited: Sequence[tuple[str, str]], title: str, people: People) -> tuple[str, ...]:
    """Where none of those invited is a member, the title may say who."""
    found: list[str] = []
    refused: list[WrongCell] = []
    for name, address in invited:
        try:
            found.append(_one(name, address, people))
        except WrongCell as error:
            refused.append(error)
    if not refused:
        return tuple(dict.fromkeys(found))
    try:
        return _titled(title, people)
    except WrongCell:
        raise refused[0] from None


def _one(name: str, address: str, people: People) -> str:
    """By address or by name, whichever is known."""
    mail = address.removeprefix("mailto:").removeprefix("MAILTO:")
    for written in (mail, name):
        try:
            return people.find(written)
        except WrongCell:
            continue
    return people.find(name or mail)


def _titled(title: str, people: People) -> tuple[str, ...]:
    return tuple(people.all_in(title))


def _write_out(calendar: Calendar, people: People, plan: Plan, now: Instant) -> None:
    """Every occurrence that is not over, up to the horizon."""
    _with_whole_last_days(calendar.walk("VEVENT"))
    who = lru_cache(maxsize=1000)(lambda naming: _who(naming, people))
    for event in _occurrences(calendar, now):
        if _is_cancelled(event):
            continue
        try:
            span = _span(*_edges(event), plan)
        except WrongCell as error:
            plan.note(error.sentence)  # one of many that the clock skips
            continue
        if span.end <= now:
            continue
        for person in who(_naming(event)):
            plan.shifts.add(Planned(span, person))


def _occurrences(calendar: Calendar, now: Instant) -> Iterator[Component]:
    """A few weeks at a time, as a calendar may have far too many of them. What lies in two of
    these times comes twice."""
    import recurring_ical_events

    query: Any = None
    seen = 0
    for start in range(now, now + HORIZON, _AT_A_TIME):
        end = min(start + _AT_A_TIME, now + HORIZON)
        try:
            query = query or recurring_ical_events.of(calendar)
            found = query.between(to_datetime(start), to_datetime(end))
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError):
            raise _unreadable("RRULE") from None
        seen += len(found)
        if seen > MOST:
            raise _too_many(f"{MOST}")
        yield from found


def _too_many(count: str) -> WrongCell:
    return WrongCell(
        f"{count} events: is this the calendar of one group? Export the time from now on",
        f"{count} Termine: ist das der Kalender einer Gruppe? Die Zeit ab jetzt exportieren",
    )


def _with_whole_last_days(events: Iterable[Component]) -> None:
    """A repetition until a day holds that day; the library would end it at its midnight."""
    for event in events:
        start = _time(event, "DTSTART")
        for rule in _rules(event):
            until = rule.get("UNTIL", [])
            whole = until if isinstance(until, list) else [until]
            if isinstance(start, datetime) and whole and not isinstance(whole[0], datetime):
                last = datetime.combine(whole[0], time(23, 59, 59))
                if start.tzinfo is not None:
                    last = last.replace(tzinfo=start.tzinfo).astimezone(berlin.BERLIN)
                rule["UNTIL"] = [last]


def _span(start: Any, end: Any, plan: Plan) -> Span:
    if not isinstance(start, datetime):
        return sound(Span(berlin.at(start), berlin.at(end)))
    if _is_local(start) and _is_local(end):
        return span_of(start.replace(tzinfo=None), end.replace(tzinfo=None), plan)
    return sound(Span(_first(start), _last(end)))


def _is_local(moment: datetime) -> bool:
    return moment.tzinfo is None or str(moment.tzinfo) == str(berlin.BERLIN)


def _first(moment: datetime) -> Instant:
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=berlin.BERLIN))


def _last(moment: datetime) -> Instant:
    """Of a time that comes twice in its zone the second."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=berlin.BERLIN)
    return max(from_datetime(aware), from_datetime(aware.replace(fold=1)))
