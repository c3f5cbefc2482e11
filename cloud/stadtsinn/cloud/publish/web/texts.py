"""The texts of the public pages, German and English."""

from __future__ import annotations

from datetime import datetime

from stadtsinn.base import berlin
from stadtsinn.base.decimals import grouped
from stadtsinn.base.language import Language
from stadtsinn.cloud.domains.crowd.level import Level
from stadtsinn.cloud.domains.crowd.present import Present, Qualifier, ShownNumber, State

LEVELS = {
    Language.DE: {
        Level.QUIET: "ruhig",
        Level.BUSY: "belebt",
        Level.VERY_BUSY: "sehr voll",
        Level.FULL: "voll",
        Level.OVER: "mehr als zugelassen",
    },
    Language.EN: {
        Level.QUIET: "quiet",
        Level.BUSY: "busy",
        Level.VERY_BUSY: "very busy",
        Level.FULL: "full",
        Level.OVER: "more than permitted",
    },
}

NO_DATA = {
    Language.DE: "Zurzeit keine aktuellen Daten",
    Language.EN: "No current data at the moment",
}

CLOSED = {
    Language.DE: "Geschlossen: Zurzeit findet hier nichts statt",
    Language.EN: "Closed: nothing takes place here at the moment",
}

_ADVICE = {
    Language.DE: (
        "Es sind mehr Personen hier als zugelassen. Bitte kommen Sie jetzt nicht hierher. Wenn "
        "Sie schon hier sind: Bitte folgen Sie den Hinweisen vor Ort."
    ),
    Language.EN: (
        "There are more people here than permitted. Please do not come here now. If you are "
        "already here, please follow the instructions on site."
    ),
}

# Not by strftime: that follows the server's locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_QUALIFIERS = {
    Language.DE: {Qualifier.EXACT: "", Qualifier.ABOUT: "etwa", Qualifier.AT_LEAST: "mindestens"},
    Language.EN: {Qualifier.EXACT: "", Qualifier.ABOUT: "about", Qualifier.AT_LEAST: "at least"},
}

PAGE = {
    Language.DE: {
        "title": "Personenzähler",
        "now": "Personen jetzt vor Ort",
        "other_language": "English",
        "pause": "Aktualisierung anhalten",
        "resume": "Aktualisierung fortsetzen",
        "paused": "Die Anzeige ist angehalten.",
        "running": "Die Anzeige aktualisiert sich von selbst.",
        "announce": "Jetzt: ",
        "course": "Verlauf heute",
        "table": "Verlauf als Tabelle",
        "time": "Uhrzeit",
        "persons": "Personen",
        "between": "zwischen",
        "no_course": "Für heute liegen noch keine Zahlen vor.",
        "permitted": "zugelassen",
        "privacy_note": (
            "Gezählt wird, wie viele Personen ein- und ausgehen, nicht wer. "
            "Diese Seite setzt keine Cookies und ruft nichts von anderen Anbietern ab."
        ),
        "accessibility": "Erklärung zur Barrierefreiheit",
        "feedback": "Barriere oder Fehler melden",
        "imprint": "Impressum",
        "privacy": "Datenschutz",
        "data": "Daten dieser Seite (JSON)",
        "index": "Personenzähler",
        "index_intro": "Wie voll ist es gerade? Öffentliche Zählungen in der Übersicht.",
        "index_empty": "Zurzeit veröffentlicht keine Stadt eine Zählung.",
        "noscript_on": "Diese Seite lädt sich jede Minute neu.",
        "noscript_stop": "Neu laden anhalten",
        "noscript_off": "Das Neuladen ist angehalten.",
        "noscript_start": "Wieder jede Minute neu laden",
    },
    Language.EN: {
        "title": "People counter",
        "now": "People here now",
        "other_language": "Deutsch",
        "pause": "Pause updates",
        "resume": "Resume updates",
        "paused": "Updates are paused.",
        "running": "This page updates by itself.",
        "announce": "Now: ",
        "course": "Today so far",
        "table": "Today as a table",
        "time": "Time",
        "persons": "People",
        "between": "between",
        "no_course": "There are no numbers for today yet.",
        "permitted": "permitted",
        "privacy_note": (
            "We count how many people come and go, not who they are. "
            "This page sets no cookies and loads nothing from other providers."
        ),
        "accessibility": "Accessibility statement",
        "feedback": "Report a barrier or an error",
        "imprint": "Legal notice",
        "privacy": "Privacy",
        "data": "Data of this page (JSON)",
        "index": "People counters",
        "index_intro": "How crowded is it right now? All public counters at a glance.",
        "index_empty": "No town publishes a counter at the moment.",
        "noscript_on": "This page reloads every minute.",
        "noscript_stop": "Stop reloading",
        "noscript_off": "Reloading is stopped.",
        "noscript_start": "Reload every minute again",
    },
}


def clock_time(instant: int, language: Language) -> str:
    """The local time of day: ``14:05 Uhr`` (never broken in two lines), ``14:05``."""
    return berlin.clock_time(instant) + ("\u00a0Uhr" if language is Language.DE else "")


def when(instant: int, now: int, language: Language) -> str:
    """A moment with as much of the date as is needed."""
    day, today = berlin.local(instant), berlin.local(now)
    time = clock_time(instant, language)
    if day.date() == today.date():
        return time
    return f"{_date(day, language)}, {time}"


def _date(day: datetime, language: Language) -> str:
    if language is Language.DE:
        return f"{day.day}.{day.month}.{day.year}"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def texts_of(found: Present, permitted: int | None, now: int, language: Language) -> dict[str, str]:
    """All texts about the present number, in one language."""
    german = language is Language.DE
    shown = found.shown
    updated = ""
    if found.reported_at:
        moment = when(found.reported_at, now, language)
        if found.state is State.STALE:
            updated = f"Letzte Meldung: {moment}" if german else f"Last report: {moment}"
        else:
            updated = f"Stand {moment}" if german else f"As of {moment}"
    if found.opens_at:
        moment = when(found.opens_at, now, language)
        updated = f"Gezählt wird wieder ab {moment}" if german else f"We count again from {moment}"
    if shown is None:
        return {
            "number": "",
            "qualifier": "",
            "unit": "",
            "level": "",
            "interval": "",
            "share": "",
            "why": "",
            "advice": "",
            "updated": updated,
            "headline": (CLOSED if found.state is State.CLOSED else NO_DATA)[language],
        }
    return {
        "number": grouped(shown.persons, language),
        "qualifier": _QUALIFIERS[language][shown.qualifier],
        "unit": _unit(shown.persons, language),
        "level": LEVELS[language][shown.level] if shown.level else "",
        "interval": _interval(found.state, shown, language),
        "share": _share(permitted, language),
        "why": _why(shown, language),
        "advice": _ADVICE[language] if shown.level is Level.OVER else "",
        "updated": updated,
        "headline": _headline(shown, language),
    }


def _headline(shown: ShownNumber, language: Language) -> str:
    words = (
        _QUALIFIERS[language][shown.qualifier],
        grouped(shown.persons, language),
        _unit(shown.persons, language),
    )
    text = " ".join(word for word in words if word)
    if shown.level is None:
        return text
    level = LEVELS[language][shown.level]
    if shown.to_be_safe:
        safe = "sicherheitshalber" if language is Language.DE else "to be safe"
        return f"{text}, {safe}: {level}"
    return f"{text}, {level}"


def _why(shown: ShownNumber, language: Language) -> str:
    """Why the level does not fit the number beside it."""
    if not shown.to_be_safe or shown.level is None:
        return ""
    level, high = LEVELS[language][shown.level], persons_of(shown.high, language)
    return (
        f"Sicherheitshalber zeigen wir „{level}“: Es könnten bis zu {high} hier sein."
        if language is Language.DE
        else f"To be safe we show “{level}”: there could be up to {high} here."
    )


def persons_of(count: int, language: Language) -> str:
    """``1 Person``, ``1.200 Personen``."""
    return f"{grouped(count, language)} {_unit(count, language)}"


def _unit(persons: int, language: Language) -> str:
    if language is Language.DE:
        return "Person" if persons == 1 else "Personen"
    return "person" if persons == 1 else "people"


def _interval(state: State, shown: ShownNumber, language: Language) -> str:
    low, high = grouped(shown.low, language), persons_of(shown.high, language)
    if state is State.DEGRADED:
        return (
            f"Eine Zählstelle meldet sich gerade nicht. Es sind mindestens {low} "
            f"und vermutlich höchstens {high}."
            if language is Language.DE
            else f"One counting point is not reporting. There are at least {low} "
            f"and probably at most {high}."
        )
    if shown.low == shown.high:
        return ""
    return (
        f"Ganz genau lässt sich das nicht zählen: Es sind zwischen {low} und {high}."
        if language is Language.DE
        else f"Counting is never exact: there are between {low} and {high}."
    )


def _share(permitted: int | None, language: Language) -> str:
    if not permitted:
        return ""
    limit = persons_of(permitted, language)
    return (
        f"Zugelassen {'ist' if permitted == 1 else 'sind'} {limit}."
        if language is Language.DE
        else f"Permitted: up to {limit}."
    )
