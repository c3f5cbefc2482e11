"""What the messages of a rule would say, with the town's own names: before one is ever sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts import repository as rules
from stadtsinn.cloud.alarms.alerts import wording as alarms
from stadtsinn.cloud.alarms.alerts.repository import StoredRule
from stadtsinn.cloud.alarms.alerts.wording import About, Moment
from stadtsinn.cloud.alarms.answers import wording
from stadtsinn.cloud.alarms.answers.wording import Topic
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.text import compose, septets
from stadtsinn.cloud.domains.crowd.zones.repository import permitted_of
from stadtsinn.rules.kind import FIRST_LEVEL
from stadtsinn.rules.state import CloseReason

_OPENED, _ACKNOWLEDGED, _CLOSED = 40 * MINUTE, 33 * MINUTE, 2 * MINUTE
"""So long ago, in the example."""
_NOBODY = 1
EXAMPLE_PERSON = "Anna Meier"


@dataclass(frozen=True)
class Preview:
    """One message. `what`: its kind, for people who look for one."""

    what: str
    language: Language
    text: str
    septets: int


def previews(
    connection: Connection, stored: StoredRule, person: str, now: Instant
) -> list[Preview]:
    """Every message that a rule may cause, in each language, as an SMS has it."""
    permitted = permitted_of(connection, stored.zone_id) if stored.zone_id is not None else None
    station = rules.longest_station_name(connection, stored)
    about = About(
        stored.rule, station, permitted=permitted if stored.rule.parameters.of_permit else None
    )
    made = []
    for language in Language:
        for what, sentence in _sentences(replace(about, language=language), person, now):
            text = compose(sentence)
            made.append(Preview(what, language, text, septets(text)))
    return sorted(made, key=lambda one: one.language is not Language.DE)


def _sentences(about: About, person: str, now: Instant) -> Iterator[tuple[str, Sentence]]:
    opened, closed = Instant(now - _OPENED), Instant(now - _CLOSED)
    for level in range(FIRST_LEVEL, _highest(about) + 1):
        about = replace(about, level=level)
        fires, calm = _example(about)
        at = None if fires is None else opened
        said = alarms.remarks_of_kind(about, {})
        yield "alarm", alarms.alarm(about, Moment(fires, at, opened, of_kind=said), opened)
    moment = Moment(fires, None if fires is None else closed, now)
    topic = Topic(about, opened, moment)
    yield "repeat", wording.repeat(topic)
    yield "escalation", wording.escalation(topic)
    yield "unmuted", wording.unmuted(topic)
    yield "acknowledged", wording.taken(topic, person, Instant(now - _ACKNOWLEDGED))
    yield "confirmed", wording.confirmed(topic, Instant(now - _ACKNOWLEDGED))
    yield "already acknowledged", wording.already(topic, person, Instant(now - _ACKNOWLEDGED))
    if fires is not None:
        yield "data missing", alarms.data_missing(about, fires, closed, now)
        if about.rule.resolve_notice:
            yield "all-clear", alarms.all_clear(about, calm, opened, closed, now)
    yield "ended", alarms.judged_anew(about, CloseReason.RULE_CHANGED, opened, now)
    plain: tuple[tuple[str, Callable[[Language], Sentence]], ...] = (
        ("nothing to acknowledge", wording.nothing_open),
        ("help", wording.help_answer),
    )
    for what, say in plain:
        yield what, say(about.language)


def _highest(about: About) -> int:
    """The last level that the rule tells: a permit's warning and alarm, the steps of a gauge."""
    parameters = about.rule.parameters
    if parameters.of_permit:
        return FIRST_LEVEL + (getattr(parameters, "warn_percent", None) is not None)
    return len(getattr(parameters, "levels", ())) or FIRST_LEVEL


def _example(about: About) -> tuple[float | None, float]:
    """A value that fires, and one of its end; None: the alarm is that there is none."""
    parameters = about.rule.parameters
    if parameters.of_silence:
        return None, 0.0
    fires, calm = parameters.example(about.level)
    if parameters.of_permit:
        share = (about.permitted or _NOBODY) / 100
        return fires * share, calm * share
    return fires, calm
