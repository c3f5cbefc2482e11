"""Whether a rule can mean what it says where it is to stand: it has to be able to fire and to end.

Looked at when a rule is created or changed, by the stations and devices of then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf

from sqlalchemy import Connection

from stadtsinn.base.active import Active
from stadtsinn.base.instant import SECOND, parse
from stadtsinn.base.problems import Invalid
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.alarms.alerts import repository
from stadtsinn.cloud.alarms.alerts.active import active
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town.directory import Directory, read_places
from stadtsinn.decoders.vocabulary import QUANTITIES
from stadtsinn.rules.kind import OWN, Reach, Setting

LOOKED_AT = 500
"""Stations of a group whose devices are looked at."""

_ANY_YEAR = parse("2026-01-01T00:00:00+01:00")
"""A year like others: times of rules come again."""


@dataclass(frozen=True)
class _Sender:
    """A station, and how often its device sends, in seconds."""

    station: str
    interval_s: int


def require_sense(connection: Connection, scope: Scope, wanted: Rule) -> None:
    """Raises Invalid for a rule that could never fire or never end, with what to change."""
    group = [] if wanted.group is None else repository.members(connection, scope, wanted.group)
    setting = Setting(lambda quantity: _reach(wanted, quantity), len(group))
    _refuse(wanted.parameters.senseless(setting))
    senders = {}
    for number, slugs in _streams(wanted, group):
        places = read_places(connection, scope.tenant_id, slugs[:LOOKED_AT])
        senders[number] = list(_senders(places))
    for number, some in senders.items():
        for one in some:
            _refuse(_too_short(wanted, wanted.parameters.spans(number), one))
    times = active(wanted.active)
    if times is not None:
        _refuse(_too_rare(wanted, times, senders.get(OWN, [])))


def _refuse(reason: Sentence | None) -> None:
    if reason is not None:
        raise Invalid(reason.english, reason.german)


def _reach(wanted: Rule, quantity: str | None) -> Reach:
    if wanted.zone is not None:
        return Reach(0, inf)
    known = QUANTITIES[quantity or wanted.quantity]
    return Reach(known.low, known.high)


def _streams(wanted: Rule, group: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The stations of each of the rule's datastreams."""
    own = group if wanted.station is None else [wanted.station]
    yield OWN, own
    for number, other in enumerate(wanted.parameters.others, OWN + 1):
        yield number, own if other.station is None else [other.station]


def _senders(places: Directory) -> Iterator[_Sender]:
    """The stations at which a device is, or was last."""
    for station in places.stations.values():
        there = places.deployments_at(station.id)
        if there:
            device = places.devices.get(max(there, key=lambda one: one.start).dev_eui)
            if device is not None:
                yield _Sender(station.slug, device.interval_s)


def _too_short(wanted: Rule, spans: Mapping[str, int], sender: _Sender) -> Sentence | None:
    silence = {} if wanted.stale_after_s is None else {"stale_after_s": wanted.stale_after_s}
    for name, seconds in {**spans, **silence}.items():
        if seconds < sender.interval_s:
            return Sentence(
                f"'{name}' ({seconds}) is shorter than the time between two values at "
                f"'{sender.station}' ({sender.interval_s} s): use at least {sender.interval_s}.",
                f"'{name}' ({seconds}) ist kürzer als die Zeit zwischen zwei Werten an "
                f"'{sender.station}' ({sender.interval_s} s): mindestens {sender.interval_s} "
                "angeben.",
            )
    return None


def _too_rare(wanted: Rule, times: Active, senders: list[_Sender]) -> Sentence | None:
    longest = times.longest(_ANY_YEAR) // SECOND
    if not longest:
        return Sentence(
            "the times of 'active' never come: no day is one of 'days' between 'from' and 'to'.",
            "die Zeiten von 'active' kommen nie: kein Tag zwischen 'from' und 'to' gehört zu "
            "'days'.",
        )
    lasts_s = wanted.parameters.hold_s or wanted.for_s
    if lasts_s >= longest:
        return Sentence(
            f"it would have to last {lasts_s} s, and no time of 'active' is longer than {longest} "
            "s, so the alarm could never begin: lengthen 'active', or let it last shorter.",
            f"es müsste {lasts_s} s dauern, und keine Zeit von 'active' ist länger als {longest} "
            "s, der Alarm könnte nie beginnen: 'active' verlängern oder die Dauer verkürzen.",
        )
    for one in senders:
        needed = one.interval_s * wanted.min_samples
        if longest < needed:
            return Sentence(
                f"no time of 'active' is longer than {longest} s, and 'min_samples' "
                f"({wanted.min_samples}) take {needed} s at '{one.station}': lengthen 'active' to "
                "that at least.",
                f"keine Zeit von 'active' ist länger als {longest} s, und 'min_samples' "
                f"({wanted.min_samples}) brauchen {needed} s an '{one.station}': 'active' "
                "mindestens so lang machen.",
            )
    return None
