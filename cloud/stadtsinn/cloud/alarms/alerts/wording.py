"""The sentences of alarms: German, with local time and the numbers first."""

from __future__ import annotations

from dataclasses import dataclass

from stadtsinn.base.berlin import clock_time, local
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.judging.kind import FIRST_LEVEL, Phrases, Stage
from stadtsinn.cloud.alarms.judging.state import CloseReason
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.decoders.units import unit_sign
from stadtsinn.decoders.vocabulary import QUANTITIES

_REASONS = {
    CloseReason.RULE_CHANGED: "Regel geändert",
    CloseReason.RULE_DISABLED: "Regel abgeschaltet",
    CloseReason.RULE_DELETED: "Regel gelöscht",
    CloseReason.STATION_LEFT: "Messstelle nicht mehr in der Gruppe",
    CloseReason.STATION_DELETED: "Messstelle gelöscht",
}


@dataclass(frozen=True)
class Moment:
    """A value and when it was measured, as seen at `now`."""

    value: float
    at: Instant
    now: Instant
    before: float | None = None
    """The value of the sample before, for the trend."""
    remarks: tuple[str, ...] = ()
    """Further short sentences, said where there is room."""


@dataclass(frozen=True)
class About:
    """A rule, and what its messages are about.

    `station` is the name of the one that it fires for; empty: a zone. `permitted` is what the
    permit of the zone allows.
    """

    rule: Rule
    station: str = ""
    level: int = FIRST_LEVEL
    permitted: int | None = None

    @property
    def title(self) -> str:
        """The station's name and the rule's, or one of them where it holds the other."""
        station, rule = self.station, self.rule.name
        if station in rule:
            return rule
        return station if rule in station else f"{station}, {rule}"


def alarm(about: About, moment: Moment, opened_at: Instant) -> Sentence:
    """ALARM Wochenmarkt: bis zu 912 Personen (Grenze 900). Stand 14:05 Uhr."""
    stand = clock(moment.at, moment.now)
    phrases = _phrases(about)
    tail = f": {_measured(about.rule, moment.value)} ({phrases.limit}). Stand {stand}."
    began = clock(opened_at, moment.now)
    extras = [f" Seit {began}."] if moment.at - opened_at >= MINUTE else []
    if trend := _trend(moment):
        extras.append(f" Tendenz {trend}.")
    remarks = (f" {remark}" for remark in moment.remarks)
    return Sentence(f"{phrases.noun.upper()} ", about.title, tail, (*extras, *remarks))


def all_clear(
    about: About, value: float, opened_at: Instant, closed_at: Instant, now: Instant
) -> Sentence:
    """ENTWARNUNG Wochenmarkt: bis zu 840 Personen. Alarm von 14:05 Uhr beendet um 14:45 Uhr."""
    tail = (
        f": {_measured(about.rule, value)}. {_phrases(about).noun} von {clock(opened_at, now)} "
        f"beendet um {clock(closed_at, now)}."
    )
    return Sentence("ENTWARNUNG ", about.title, tail)


def ended_before_sent(
    about: About, opened_at: Instant, closed_at: Instant, now: Instant
) -> Sentence:
    """The one message of an alarm that was over before it could be sent."""
    tail = (
        f": {_phrases(about).was_reached} ab {clock(opened_at, now)}, "
        f"beendet um {clock(closed_at, now)}."
    )
    return Sentence(f"{_phrases(about).ended} ", about.title, tail)


def judged_anew(about: About, opened_at: Instant, now: Instant) -> Sentence:
    """The rule was changed and goes on watching: Alarm beendet (Regel geändert): Wochenmarkt,
    Alarm von 14:05 Uhr. Das ist keine Entwarnung."""
    head = f"{_phrases(about).noun} beendet ({_REASONS[CloseReason.RULE_CHANGED]}): "
    return Sentence(head, about.title, _no_all_clear(about, opened_at, now))


def watched_no_more(
    about: About, reason: CloseReason, opened_at: Instant, now: Instant
) -> Sentence:
    """Nicht mehr überwacht (Regel gelöscht): Wochenmarkt, Alarm von 14:05 Uhr. Das ist keine
    Entwarnung."""
    head = f"Nicht mehr überwacht ({_REASONS[reason]}): "
    return Sentence(head, about.title, _no_all_clear(about, opened_at, now))


def _no_all_clear(about: About, opened_at: Instant, now: Instant) -> str:
    return f", {_phrases(about).noun} von {clock(opened_at, now)}. Das ist keine Entwarnung."


def data_missing(about: About, value: float, last_event: Instant, now: Instant) -> Sentence:
    """Daten fehlen, Alarm bleibt: Wochenmarkt. Zuletzt bis zu 912 Personen um 14:05 Uhr."""
    tail = f". Zuletzt {_measured(about.rule, value)} um {clock(last_event, now)}."
    return Sentence(f"Daten fehlen, {_phrases(about).noun} bleibt: ", about.title, tail)


def near_alarm_missing(about: About, value: float, last_event: Instant, now: Instant) -> Sentence:
    """For technicians: the threshold was reached, then the data stopped before it was an alarm."""
    tail = (
        f". Zuletzt {_measured(about.rule, value)} um {clock(last_event, now)}, "
        f"{_phrases(about).reached}, kein Alarm ausgelöst."
    )
    return Sentence("Technik: Daten fehlen bei ", about.title, tail)


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
    if rule.zone is not None:
        return f"bis zu {number(value)} Personen"
    quantity = QUANTITIES.get(rule.quantity)
    label = quantity.label_de if quantity else rule.quantity
    return f"{label} {number(value)}{_unit(rule)}"


def _phrases(about: About) -> Phrases:
    def show(value: float) -> str:
        return f"{number(value)}{_unit(about.rule)}"

    return about.rule.parameters.phrases(Stage(show, about.level, about.permitted))


def _unit(rule: Rule) -> str:
    quantity = QUANTITIES.get(rule.quantity)
    unit = unit_sign(quantity.unit) if quantity else ""
    return unit if unit == "°" else f" {unit}".rstrip()


def _trend(moment: Moment) -> str:
    if moment.before is None:
        return ""
    if moment.value == moment.before:
        return "gleichbleibend"
    return "steigend" if moment.value > moment.before else "fallend"
