"""The sentences of reminders, of acknowledgements and of answers to those who write to us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts import wording
from stadtsinn.cloud.alarms.alerts.wording import About, Moment, inside
from stadtsinn.cloud.alarms.answers.words import WORDS
from stadtsinn.cloud.alarms.notify.sentence import Said, Sentence

_LONGEST_NAME = 30
"""Of a person: what the message is about has to find room."""


@dataclass(frozen=True)
class Topic:
    """An incident, as sentences speak of it."""

    about: About
    opened_at: Instant
    moment: Moment
    """The value that is known now."""

    def each(self, say: Callable[[Topic], Sentence]) -> Said:
        """What `say` says of it, in each language."""
        return {
            one: say(replace(self, about=replace(self.about, language=one))) for one in Language
        }

    def clock(self, instant: Instant) -> str:
        return wording.clock(instant, self.moment.now, self.about.language)


def repeat(topic: Topic) -> Sentence:
    """WIEDERHOLUNG, ALARM Wochenmarkt: bis zu 912 Personen (Grenze 900). Stand 14:20 Uhr. Noch
    nicht bestätigt."""
    words = WORDS[topic.about.language]
    said = _alarm(topic, words.unacknowledged)
    return replace(said, head=words.repeat_head.format(head=said.head))


def escalation(topic: Topic) -> Sentence:
    """ALARM Wochenmarkt: bis zu 912 Personen (Grenze 900). Stand 14:20 Uhr. Bisher hat niemand
    bestätigt."""
    return _alarm(topic, WORDS[topic.about.language].escalated)


def unmuted(topic: Topic) -> Sentence:
    """ALARM Wochenmarkt: … War bis jetzt stummgeschaltet."""
    return _alarm(topic, WORDS[topic.about.language].was_muted)


def _alarm(topic: Topic, remark: str) -> Sentence:
    said = wording.alarm(topic.about, topic.moment, topic.opened_at)
    return replace(said, extras=(remark, *said.extras))


def taken(topic: Topic, by: str, at: Instant) -> Sentence:
    """Übernommen um 14:12 Uhr von Anna Meier: Wochenmarkt, Alarm von 14:05 Uhr."""
    return _of(topic, WORDS[topic.about.language].taken_head, at, by)


def confirmed(topic: Topic, at: Instant, *, higher_since: bool = False) -> Sentence:
    """Danke, bestätigt um 14:12 Uhr: Wochenmarkt, Alarm von 14:05 Uhr."""
    words = WORDS[topic.about.language]
    said = _of(topic, words.confirmed_head, at)
    return replace(said, tail=said.tail + words.higher_since) if higher_since else said


def already(topic: Topic, by: str, at: Instant) -> Sentence:
    """Schon bestätigt um 14:10 Uhr von Schulze: Wochenmarkt, Alarm von 14:05 Uhr."""
    return _of(topic, WORDS[topic.about.language].already_head, at, by)


def _of(topic: Topic, head: str, at: Instant, by: str = "") -> Sentence:
    words, about = WORDS[topic.about.language], topic.about
    filled = head.format(at=topic.clock(at), by=_short(by) or words.somebody)
    tail = words.about.format(noun=inside(about), opened=topic.clock(topic.opened_at))
    return Sentence(filled, about.title, tail, (), about.language)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3].rstrip()}..."


def nothing_open(language: Language) -> Sentence:
    return Sentence(WORDS[language].nothing_open, "", "", (), language)


def stopped(group: str, end: Instant, now: Instant, language: Language) -> Sentence:
    """Keine Meldungen bis 20:00 Uhr: Bereitschaft Ordnungsamt. Alarme gehen so lange an andere."""
    words = WORDS[language]
    head = words.stopped_head.format(end=wording.clock(end, now, language))
    return Sentence(head, group, words.stopped, (), language)


def no_shift(language: Language) -> Sentence:
    return Sentence(WORDS[language].no_shift, "", "", (), language)


def help_answer(language: Language) -> Sentence:
    return Sentence(WORDS[language].help, "", "", (), language)


def test(group: str, language: Language) -> Sentence:
    """TEST, kein Alarm: Bereitschaft Ordnungsamt. So kommen Meldungen an. Es ist nichts zu tun."""
    words = WORDS[language]
    return Sentence(words.test_head, group, words.test, (), language)


def everywhere(say: Callable[[Language], Sentence]) -> Said:
    """What `say` says, in each language."""
    return {language: say(language) for language in Language}
