"""The sentences of alarms: German, in one part of an SMS, with local time and the numbers first."""

from __future__ import annotations

from dataclasses import dataclass

from stadtsinn.base.berlin import clock_time, local
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts.machine import CloseReason
from stadtsinn.cloud.alarms.alerts.repository import Rule
from stadtsinn.cloud.alarms.alerts.rule import ZoneSubject
from stadtsinn.cloud.alarms.notify.text import compose
from stadtsinn.cloud.town_file.model import Direction
from stadtsinn.decoders.units import unit_sign
from stadtsinn.decoders.vocabulary import QUANTITIES

_REASONS = {
    CloseReason.RULE_CHANGED: "Regel geändert",
    CloseReason.RULE_DISABLED: "Regel abgeschaltet",
    CloseReason.RULE_DELETED: "Regel gelöscht",
}


@dataclass(frozen=True)
class Moment:
    """A value and when it was measured, as seen at `now`."""

    value: float
    at: Instant
    now: Instant
    before: float | None = None
    """The value of the sample before, for the trend."""
    notes: tuple[str, ...] = ()
    """Further short sentences, said where there is room."""


def alarm(rule: Rule, moment: Moment, opened_at: Instant) -> str:
    """ALARM Wochenmarkt: bis zu 912 Personen (Grenze 900). Stand 14:05 Uhr."""
    stand = clock(moment.at, moment.now)
    tail = f": {_measured(rule, moment.value)} (Grenze {_limit(rule)}). Stand {stand}."
    began = clock(opened_at, moment.now)
    extras = [f" Seit {began}."] if moment.at - opened_at >= MINUTE else []
    if trend := _trend(moment):
        extras.append(f" Tendenz {trend}.")
    return compose("ALARM ", rule.name, tail, [*extras, *(f" {note}" for note in moment.notes)])


def all_clear(
    rule: Rule, value: float, opened_at: Instant, closed_at: Instant, now: Instant
) -> str:
    """ENTWARNUNG Wochenmarkt: bis zu 840 Personen. Alarm von 14:05 Uhr beendet um 14:45 Uhr."""
    tail = (
        f": {_measured(rule, value)}. Alarm von {clock(opened_at, now)} "
        f"beendet um {clock(closed_at, now)}."
    )
    return compose("ENTWARNUNG ", rule.name, tail)


def ended_before_sent(rule: Rule, opened_at: Instant, closed_at: Instant, now: Instant) -> str:
    """The one message of an alarm that was over before it could be sent."""
    crossed = "überschritten" if rule.direction is Direction.ABOVE else "unterschritten"
    tail = (
        f": Grenze {_limit(rule)} war {crossed} ab {clock(opened_at, now)}, "
        f"beendet um {clock(closed_at, now)}."
    )
    return compose("Beendeter Alarm ", rule.name, tail)


def rule_ended(rule: Rule, reason: CloseReason, opened_at: Instant, now: Instant) -> str:
    """Alarm beendet (Regel geändert): Wochenmarkt, Alarm von 14:05 Uhr."""
    tail = f", Alarm von {clock(opened_at, now)}. Das ist keine Entwarnung."
    return compose(f"Alarm beendet ({_REASONS[reason]}): ", rule.name, tail)


def data_missing(rule: Rule, value: float, last_event: Instant, now: Instant) -> str:
    """Daten fehlen, Alarm bleibt: Wochenmarkt. Zuletzt bis zu 912 Personen um 14:05 Uhr."""
    tail = f". Zuletzt {_measured(rule, value)} um {clock(last_event, now)}."
    return compose("Daten fehlen, Alarm bleibt: ", rule.name, tail)


def near_alarm_missing(rule: Rule, value: float, last_event: Instant, now: Instant) -> str:
    """For technicians: the threshold was reached, then the data stopped before it was an alarm."""
    tail = (
        f". Zuletzt {_measured(rule, value)} um {clock(last_event, now)}, "
        f"Grenze {_limit(rule)} erreicht, kein Alarm ausgelöst."
    )
    return compose("Technik: Daten fehlen bei ", rule.name, tail)


def clock(instant: Instant, now: Instant) -> str:
    """``14:05 Uhr``, and with the date where that is not today: ``21.11. 23:55 Uhr``."""
    day = local(instant).date()
    shown = "" if day == local(now).date() else f"{day.day}.{day.month}. "
    return f"{shown}{clock_time(instant)} Uhr"


def number(value: float) -> str:
    """A number as Germans write it, to one decimal: ``1.234``, ``12,3``."""
    rounded = round(value, 1)
    text = f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:,.1f}"
    return text.translate(str.maketrans(",.", ".,"))


def _measured(rule: Rule, value: float) -> str:
    if isinstance(rule.subject, ZoneSubject):
        return f"bis zu {number(value)} Personen"
    quantity = QUANTITIES.get(rule.subject.quantity)
    label = quantity.label_de if quantity else rule.subject.quantity
    return f"{label} {number(value)}{_unit(rule)}"


def _limit(rule: Rule) -> str:
    return f"{number(rule.on)}{_unit(rule)}"


def _unit(rule: Rule) -> str:
    if isinstance(rule.subject, ZoneSubject):
        return ""
    quantity = QUANTITIES.get(rule.subject.quantity)
    unit = unit_sign(quantity.unit) if quantity else ""
    return unit if unit == "°" else f" {unit}".rstrip()


def _trend(moment: Moment) -> str:
    if moment.before is None:
        return ""
    if moment.value == moment.before:
        return "gleichbleibend"
    return "steigend" if moment.value > moment.before else "fallend"
