"""The sentences of alarms, with local time and the numbers first; examples are in German."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from stadtsinn.base.berlin import clock_time, local
from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.words import WORDS, Words
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.decoders.units import unit_sign
from stadtsinn.decoders.vocabulary import QUANTITIES
from stadtsinn.rules.kind import FIRST_LEVEL, Notes, Phrases, Stage
from stadtsinn.rules.state import CloseReason

_TO_HUNDREDTHS = ("m", "V")
"""Units in which a tenth is much: a level of water, a battery."""

Remark = Mapping[Language, str]
"""A further short sentence, in each language."""


@dataclass(frozen=True)
class Moment:
    """A value and when it was measured, as seen at `now`; None: none ever came."""

    value: float | None
    at: Instant | None
    now: Instant
    before: float | None = None
    """The value of the sample before, for the trend."""
    remarks: tuple[Remark, ...] = ()
    """Said where there is room."""
    of_kind: tuple[Remark, ...] = ()
    """What the kind of rule has to say, before what else there is room for."""
    flapping: bool = False
    """It begins and ends again and again: it is announced this once."""


@dataclass(frozen=True)
class About:
    """A rule, and what its messages are about.

    `station` is the name of the one that it fires for; empty: a zone. `permitted` is what the
    permit of the zone allows, `permitted_then` what it allowed when the incident began; None where
    it is not compared with.
    """

    rule: Rule
    station: str = ""
    level: int = FIRST_LEVEL
    permitted: int | None = None
    permitted_then: int | None = None
    language: Language = Language.DE

    @property
    def title(self) -> str:
        """The station's name and the rule's, or one of them where it holds the other."""
        station, rule = self.station, self.rule.name
        if station in rule:
            return rule
        return station if rule in station else f"{station}, {rule}"


def in_each_language(about: About, say: Callable[[About], Sentence]) -> dict[Language, Sentence]:
    """What `say` says of it, in each language that a recipient may have."""
    return {language: say(replace(about, language=language)) for language in Language}


def alarm(about: About, moment: Moment, opened_at: Instant) -> Sentence:
    """ALARM Wochenmarkt: bis zu 912 Personen (Grenze 900). Stand 14:05 Uhr."""
    words, phrases = WORDS[about.language], _phrases(about)
    if moment.value is None or moment.at is None:
        tail = words.unmeasured.format(label=_label(about), limit=phrases.limit)
    else:
        at = _clock(about, moment.at, moment.now)
        tail = words.alarm.format(
            measured=_measured(about, moment.value), limit=phrases.limit, at=at
        )
    extras = [words.flapping] if moment.flapping else []
    extras += [f" {remark[about.language]}" for remark in moment.of_kind]
    if moment.at is None:
        # The limit itself says since when, as long as it is no longer.
        is_old = moment.now - opened_at >= HOUR
    else:
        is_old = moment.at - opened_at >= MINUTE
    if is_old:
        extras.append(words.since.format(began=_clock(about, opened_at, moment.now)))
    if about.rule.parameters.has_trend and (trend := _trend(moment, words)):
        extras.append(words.trend.format(trend=trend))
    remarks = (f" {remark[about.language]}" for remark in moment.remarks)
    return _sentence(about, f"{phrases.noun.upper()} ", tail, (*extras, *remarks))


def remarks_of_kind(about: About, notes: Notes) -> tuple[Remark, ...]:
    """What the kind says of what it noted, then the measures of the town's alarm plan."""
    kind = about.rule.parameters
    said = {
        language: kind.remark(notes, _stage(replace(about, language=language)))
        for language in Language
    }
    found = [said] if any(said.values()) else []
    return (*found, *_measures(kind.measures(about.level)))


def _measures(measures: str) -> list[Remark]:
    """The first sentence apart: it is what an SMS has room for, if for any."""
    if not measures:
        return []
    first, more, rest = measures.partition(". ")
    said = {one: WORDS[one].measures.format(measures=first + more.rstrip()) for one in Language}
    return [said, dict.fromkeys(Language, rest)] if rest else [said]


def all_clear(
    about: About, value: float, opened_at: Instant, closed_at: Instant, now: Instant
) -> Sentence:
    """ENTWARNUNG Wochenmarkt: bis zu 840 Personen. Alarm von 14:05 Uhr beendet um 14:45 Uhr."""
    words = WORDS[about.language]
    tail = words.all_clear.format(
        measured=_measured(about, value),
        noun=_phrases(about).noun,
        opened=_clock(about, opened_at, now),
        closed=_clock(about, closed_at, now),
    )
    return _sentence(about, words.all_clear_head, tail + _permit_changed(about))


def ended_before_sent(
    about: About, opened_at: Instant, closed_at: Instant, now: Instant
) -> Sentence:
    """The one message of an alarm that was over before it could be sent."""
    tail = WORDS[about.language].ended.format(
        was_reached=_phrases(about).was_reached,
        opened=_clock(about, opened_at, now),
        closed=_clock(about, closed_at, now),
    )
    return _sentence(about, f"{_phrases(about).ended} ", tail + _permit_changed(about))


def _permit_changed(about: About) -> str:
    """Why an alarm ended though nobody left."""
    if about.permitted is None or about.permitted_then in (None, about.permitted):
        return ""
    return WORDS[about.language].permit_changed.format(
        now=number(about.permitted, about.language),
        then=number(about.permitted_then, about.language),
    )


def judged_anew(about: About, reason: CloseReason, opened_at: Instant, now: Instant) -> Sentence:
    """The rule goes on watching: Alarm beendet (Regel geändert): Wochenmarkt, Alarm von 14:05 Uhr.
    Das ist keine Entwarnung."""
    words = WORDS[about.language]
    head = words.judged_anew_head.format(noun=_phrases(about).noun, reason=words.reasons[reason])
    return _sentence(about, head, _no_all_clear(about, opened_at, now))


def watched_no_more(
    about: About, reason: CloseReason, opened_at: Instant, now: Instant
) -> Sentence:
    """Nicht mehr überwacht (Regel gelöscht): Wochenmarkt, Alarm von 14:05 Uhr. Das ist keine
    Entwarnung."""
    words = WORDS[about.language]
    head = words.watched_no_more_head.format(reason=words.reasons[reason])
    return _sentence(about, head, _no_all_clear(about, opened_at, now))


def _no_all_clear(about: About, opened_at: Instant, now: Instant) -> str:
    template = WORDS[about.language].no_all_clear
    return template.format(noun=inside(about), opened=_clock(about, opened_at, now))


def data_missing(about: About, value: float, last_event: Instant, now: Instant) -> Sentence:
    """Daten fehlen, Alarm bleibt: Wochenmarkt. Zuletzt bis zu 912 Personen um 14:05 Uhr."""
    words = WORDS[about.language]
    head = words.data_missing_head.format(noun=inside(about))
    measured, at = _measured(about, value), _clock(about, last_event, now)
    return _sentence(about, head, words.data_missing.format(measured=measured, at=at))


def near_alarm_missing(about: About, value: float, last_event: Instant, now: Instant) -> Sentence:
    """For technicians: the threshold was reached, then the data stopped before it was an alarm."""
    words = WORDS[about.language]
    tail = words.near_alarm.format(
        measured=_measured(about, value),
        at=_clock(about, last_event, now),
        reached=_phrases(about).reached,
    )
    return _sentence(about, words.near_alarm_head, tail)


def clock(instant: Instant, now: Instant, language: Language = Language.DE) -> str:
    """``14:05 Uhr``, and with the date where that is not today: ``21.11. 23:55 Uhr``."""
    words, day = WORDS[language], local(instant).date()
    time = clock_time(instant)
    if day == local(now).date():
        return words.time.format(time=time)
    return words.dated.format(day=day.day, month=words.months[day.month - 1], time=time)


def number(value: float, language: Language = Language.DE, *, decimals: int = 1) -> str:
    """A number as it is written in the language, to one decimal: ``1.234``, ``12,3``."""
    rounded = round(value, decimals)
    text = f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:,.{decimals}f}"
    return text.translate(str.maketrans(",.", WORDS[language].separators))


def _number(about: About, value: float) -> str:
    quantity = QUANTITIES.get(about.rule.quantity)
    fine = quantity is not None and quantity.unit in _TO_HUNDREDTHS
    return number(value, about.language, decimals=2 if fine else 1)


def _sentence(about: About, head: str, tail: str, extras: tuple[str, ...] = ()) -> Sentence:
    return Sentence(head, about.title, tail, extras, about.language)


def _clock(about: About, instant: Instant, now: Instant) -> str:
    return clock(instant, now, about.language)


def inside(about: About) -> str:
    """What the message is called, inside of a sentence: German nouns are always capital."""
    noun = _phrases(about).noun
    return noun if about.language is Language.DE else noun.lower()


def _measured(about: About, value: float) -> str:
    rule = about.rule
    if rule.zone is not None:
        words, shown = WORDS[about.language], _number(about, value)
        return (words.person if shown == "1" else words.people).format(number=shown)
    return rule.parameters.measured(_label(about), rule.parameters.told(value, _stage(about)))


def measured_value(about: About, value: float) -> str:
    """What was judged, with its unit: ``Wasserstand 1,61 m``."""
    return _measured(about, value)


def _label(about: About) -> str:
    """What is measured."""
    if about.rule.zone is not None:
        return WORDS[about.language].persons
    quantity = QUANTITIES.get(about.rule.quantity)
    if quantity is None:
        return about.rule.quantity
    return quantity.label_de if about.language is Language.DE else quantity.label_en


def _phrases(about: About) -> Phrases:
    return about.rule.parameters.phrases(_stage(about))


def _stage(about: About) -> Stage:
    def show(value: float) -> str:
        return f"{_number(about, value)}{_unit(about)}"

    def others(quantity: str) -> Stage:
        return _stage(replace(about, rule=about.rule.model_copy(update={"quantity": quantity})))

    return Stage(
        show,
        about.language,
        about.level,
        about.permitted,
        partial(number, language=about.language),
        _label(about),
        others,
    )


def _unit(about: About) -> str:
    quantity = QUANTITIES.get(about.rule.quantity)
    unit = unit_sign(quantity.unit) if quantity else ""
    joined = unit == "°" or (unit == "%" and about.language is Language.EN)
    return unit if joined else f" {unit}".rstrip()


def _trend(moment: Moment, words: Words) -> str:
    if moment.before is None or moment.value is None:
        return ""
    if moment.value == moment.before:
        return words.steady
    return words.rising if moment.value > moment.before else words.falling
