"""How `stadtsinn alert` says what is open, what happened, what is muted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stadtsinn.base import berlin
from stadtsinn.base.language import Language
from stadtsinn.cli.alert_words import in_words
from stadtsinn.cli.language import text, translated
from stadtsinn.cli.output import print_json, print_list, say
from stadtsinn.cli.times import shown_moment

if TYPE_CHECKING:
    from sqlalchemy import Row

    from stadtsinn.base.instant import Instant
    from stadtsinn.cloud.alarms.alerts.attention_repository import Acknowledgement
    from stadtsinn.cloud.alarms.alerts.mute import Mute
    from stadtsinn.cloud.alarms.answers.acknowledging import Acknowledged
    from stadtsinn.cloud.alarms.answers.preview import Preview
    from stadtsinn.cloud.alarms.answers.timeline import Happened

_GERMAN = {
    "opened": "begonnen",
    "closed": "beendet",
    "acknowledged": "bestätigt",
    "message": "Meldung",
    "rule": "Regel",
    "station": "Messstelle",
    "zone": "Zone",
    "duty_group": "Bereitschaft",
    "site": "Ort",
    "tag": "Schlagwort",
    "office": "Amt",
    "alarm": "Alarm",
    "repeat": "Wiederholung",
    "escalation": "Weitergabe",
    "unmuted": "nach Stummschaltung",
    "confirmed": "Antwort auf OK",
    "already acknowledged": "Antwort, wenn schon bestätigt",
    "data missing": "Daten fehlen",
    "all-clear": "Entwarnung",
    "ended": "Ende ohne Entwarnung",
    "nothing to acknowledge": "Antwort, wenn nichts offen ist",
    "help": "Antwort auf anderes",
    "acknowledge": "OK",
    "stop": "STOP",
    "unclear": "anderes",
    "unknown": "von unbekannten Nummern",
}


def _word(english: str) -> str:
    return translated(english, _GERMAN)


def _when(moment: Instant | None) -> str:
    return "" if moment is None else shown_moment(moment)


def _iso(moment: Instant | None) -> str | None:
    return None if moment is None else berlin.isoformat(moment)


def say_incidents(
    rows: Sequence[Row[Any]], known: Mapping[str, Sequence[Acknowledgement]], *, as_json: bool
) -> None:
    def who(row: Row[Any]) -> str:
        found = known.get(row.id, ())
        if not found:
            return text("nobody", "niemand")
        last = found[-1]
        name = last.by or text("somebody", "jemand")
        below = last.level < row.level
        only = text(f" (level {last.level} only)", f" (nur Stufe {last.level})") if below else ""
        return f"{name}{only}"

    print_list(
        rows,
        {
            text("Number", "Nummer"): lambda row: str(row.id),
            text("Rule", "Regel"): lambda row: row.rule_name,
            text("Station", "Messstelle"): lambda row: row.station_name or "",
            text("Level", "Stufe"): lambda row: str(row.level),
            text("Since", "Seit"): lambda row: _when(row.opened_at),
            text("Ended", "Beendet"): lambda row: _when(row.closed_at),
            text("In hand", "Übernommen"): who,
        },
        lambda row: {
            "id": row.id,
            "rule": row.rule,
            "rule_name": row.rule_name,
            "station": row.station,
            "level": row.level,
            "opened_at": _iso(row.opened_at),
            "closed_at": _iso(row.closed_at),
            "acknowledged": [
                {"level": one.level, "at": _iso(one.at), "by": one.by, "via": one.via}
                for one in known.get(row.id, ())
            ],
        },
        as_json=as_json,
        empty=text("no alarm is open", "kein Alarm ist offen"),
    )


def say_timeline(found: Sequence[Happened], *, as_json: bool) -> None:
    print_list(
        found,
        {
            text("When", "Wann"): lambda one: _when(one.at),
            text("What", "Was"): lambda one: (
                f"{_word(one.what)} {in_words(one.kind or '')}".rstrip()
            ),
            text("Who", "Wer"): lambda one: one.who or "",
            text("Status", "Status"): lambda one: in_words(one.status or ""),
            text("Detail", "Näheres"): lambda one: in_words(one.detail),
        },
        lambda one: {
            "at": _iso(one.at),
            "what": one.what,
            "kind": one.kind,
            "who": one.who,
            "status": one.status,
            "level": one.level,
            "detail": one.detail,
        },
        as_json=as_json,
        empty="",
    )


def say_acknowledged(done: Acknowledged, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "incident": done.incident,
                "first": done.first,
                "by": done.by,
                "at": _iso(done.at),
                "level": done.level,
                "whole": done.is_whole,
            }
        )
        return
    at = _when(done.at)
    if done.first:
        say(text(f"acknowledged by {done.by}", f"bestätigt von {done.by}"))
    else:
        by = done.by or text("somebody", "jemand")
        say(text(f"{by} was first: {at}", f"{by} war zuerst da: {at}"))


def say_mute(mute: Mute, now: Instant, *, as_json: bool) -> None:
    if as_json:
        print_json(_mute(mute, now))
        return
    what, end = f"{_word(mute.of.value)} {mute.value}", _when(mute.end)
    if mute.holds(now):
        say(text(f"mute {mute.id}: {what}, until {end}", f"stumm ({mute.id}): {what}, bis {end}"))
    else:
        say(text(f"not muted any more: {what}", f"nicht mehr stumm: {what}"))


def say_mutes(found: Sequence[Mute], now: Instant, *, as_json: bool) -> None:
    print_list(
        found,
        {
            text("Number", "Nummer"): lambda one: str(one.id),
            text("What", "Was"): lambda one: f"{_word(one.of.value)} {one.value}",
            text("From", "Von"): lambda one: _when(one.start),
            text("To", "Bis"): lambda one: _when(one.end),
            text("Why", "Warum"): lambda one: one.reason,
        },
        lambda one: _mute(one, now),
        as_json=as_json,
        empty=text("nothing is muted", "nichts ist stumm"),
    )


def _mute(mute: Mute, now: Instant) -> dict[str, object]:
    return {
        "id": mute.id,
        "of": mute.of.value,
        "value": mute.value,
        "start": _iso(mute.start),
        "end": _iso(mute.end),
        "reason": mute.reason,
        "active": mute.holds(now),
    }


def say_answers(found: Mapping[str, int], *, as_json: bool) -> None:
    """By what they meant; "unknown": of numbers that no town has."""
    print_list(
        sorted(found.items()),
        {
            text("Answer", "Antwort"): lambda one: _word(one[0]),
            text("How many", "Anzahl"): lambda one: str(one[1]),
        },
        lambda one: {"answer": one[0], "count": one[1]},
        as_json=as_json,
        empty=text("nobody has answered", "niemand hat geantwortet"),
    )


def say_previews(found: Sequence[Preview], *, as_json: bool) -> None:
    print_list(
        found,
        {
            text("Message", "Meldung"): lambda one: _word(one.what),
            text("Language", "Sprache"): lambda one: {
                Language.DE: text("German", "deutsch"),
                Language.EN: text("English", "englisch"),
            }[one.language],
            text("Length", "Länge"): lambda one: str(one.septets),
            "Text": lambda one: one.text,
        },
        lambda one: {
            "what": one.what,
            "language": one.language.value,
            "septets": one.septets,
            "text": one.text,
        },
        as_json=as_json,
        empty="",
    )
