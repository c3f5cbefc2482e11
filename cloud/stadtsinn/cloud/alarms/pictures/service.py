"""The picture of an alarm's mail: made when it is sent, and not kept."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts.happening import bounds_of
from stadtsinn.cloud.alarms.alerts.incident_repository import key_of
from stadtsinn.cloud.alarms.alerts.repository import StoredRule, rule_of
from stadtsinn.cloud.alarms.alerts.watching import Watched, Watching
from stadtsinn.cloud.alarms.alerts.wording import About
from stadtsinn.cloud.alarms.backtest.repository import zone_history
from stadtsinn.cloud.alarms.notify.enclosed import Enclosed, Picture
from stadtsinn.cloud.alarms.notify.message import Kind, Message
from stadtsinn.cloud.alarms.pictures.course import MOST_STATIONS, Sources, course
from stadtsinn.cloud.alarms.pictures.drawing import HEIGHT, WIDTH, drawn
from stadtsinn.cloud.alarms.pictures.figure import figure
from stadtsinn.cloud.alarms.pictures.words import WORDS, Words
from stadtsinn.cloud.domains.crowd.zones.directory import read_zones
from stadtsinn.cloud.series.stores.store import SeriesReader, SeriesUnavailable
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.rules.history.column import Column

PICTURED = (
    Kind.ALARM,
    Kind.REPEAT,
    Kind.ESCALATION,
    Kind.STALE,
    Kind.TECHNICAL,
    Kind.ALL_CLEAR,
)
"""The others are not about values."""
_KEPT = 8
"""Pictures: all who are told of an alarm get the same."""
_AWAY_S = 60.0
"""So long a store that does not answer is not asked again: alarms wait behind each other."""


class AlarmPictures:
    """Makes what mails of alarms enclose. Called from one thread at a time."""

    def __init__(self, directory: DirectoryCache, series: Callable[[], SeriesReader]) -> None:
        self._directory = directory
        self._series = series
        self._kept: OrderedDict[tuple[str, Instant, Language], Enclosed] = OrderedDict()
        self._away_until = 0.0

    def __call__(self, message: Message) -> Enclosed:
        if message.kind not in PICTURED or not message.facts.rule:
            return Enclosed()
        words = WORDS[message.language]
        key = (message.incident_id, Instant(message.created_at), message.language)
        if (known := self._kept.get(key)) is not None:
            return known
        if time.monotonic() < self._away_until:
            return Enclosed(no_picture=words.unavailable)
        try:
            made = self._made(message, words)
        except SeriesUnavailable:
            self._away_until = time.monotonic() + _AWAY_S
            return Enclosed(no_picture=words.unavailable)
        self._kept[key] = made
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return made

    def _made(self, message: Message, words: Words) -> Enclosed:
        rule_id, member = key_of(message.incident_id)
        with self._directory.database.read() as connection:
            stored = rule_of(connection, rule_id)
        if stored is None:
            return Enclosed(no_picture=words.no_rule)
        if not _is_as_told(stored, message):
            return Enclosed(no_picture=words.changed)
        zones = self._directory.part(read_zones)
        watching = Watching([stored], self._directory.current(), zones)
        watched = watching.find(rule_id, member)
        if watched is None:
            return Enclosed(no_picture=words.no_rule)
        if len(watching.members(stored)) > MOST_STATIONS and stored.rule.parameters.of_group:
            return Enclosed(no_picture=words.too_many)
        return self._drawn(watching, watched, message, words)

    def _drawn(
        self, watching: Watching, watched: Watched, message: Message, words: Words
    ) -> Enclosed:
        sources = Sources(self._series(), self._of_zone)
        found = course(watching, watched, sources, Instant(message.created_at))
        if found is None:
            return Enclosed(no_picture=words.nothing)
        about = About(
            watched.stored.rule,
            message.facts.station_name,
            message.level,
            language=message.language,
        )
        shown = figure(about, found, message.facts.since)
        return Enclosed(Picture(drawn(shown), WIDTH, HEIGHT, shown.said))

    def _of_zone(self, zone_id: int, start: Instant, end: Instant, most: int) -> Column:
        with self._directory.database.read() as connection:
            return zone_history(connection, zone_id, start, end, most)


def _is_as_told(stored: StoredRule, message: Message) -> bool:
    """Whether the rule has the limits of which the message speaks."""
    kind, bounds = message.facts.kind, dict(message.facts.bounds)
    return (stored.rule.kind, bounds_of(stored.rule)) == (kind, bounds)
