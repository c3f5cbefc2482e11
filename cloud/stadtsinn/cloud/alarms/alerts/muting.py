"""Mutes and unmutes, and says which messages a mute holds back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Conflict, Invalid, NotFound
from stadtsinn.cloud.alarms.alerts import mute_repository as repository
from stadtsinn.cloud.alarms.alerts.mute import Mute, MuteBody, Of
from stadtsinn.cloud.alarms.alerts.repository import StoredRule
from stadtsinn.cloud.alarms.alerts.repository import rule as rule_named
from stadtsinn.cloud.alarms.duty.model import not_one_of
from stadtsinn.cloud.alarms.duty.service import group_named
from stadtsinn.cloud.alarms.notify.message import ENDINGS, Addressee, Kind
from stadtsinn.cloud.domains.crowd.zones.repository import zone
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town.repository import site
from stadtsinn.cloud.town.stations.repository import station

_MOST_AT_ONCE = 1_000


def create_mute(connection: Connection, scope: Scope, wanted: MuteBody, now: Instant) -> Mute:
    """From now until its end. Raises Invalid for what is not there, Unusable for its end."""
    end = wanted.require_sound(now, scope.limits.mute_days)
    _require_known(connection, scope, wanted)
    if len(repository.active(connection, scope.tenant_id, now)) >= _MOST_AT_ONCE:
        raise Conflict(
            f"{_MOST_AT_ONCE} mutes are active: end some first.",
            f"{_MOST_AT_ONCE} Stummschaltungen gelten gerade: erst einige beenden.",
        )
    number = repository.insert_mute(
        connection, scope, wanted.of, wanted.value, (now, end), wanted.reason
    )
    return repository.mute(connection, scope, number)


def end_mute(connection: Connection, scope: Scope, number: int, now: Instant) -> Mute:
    """It ends now; what still goes on is told. Raises NotFound, Conflict where it is over."""
    found = repository.mute(connection, scope, number)
    if not found.holds(now):
        raise Conflict(
            f"Mute {number} is over already.", f"Die Stummschaltung {number} ist schon vorbei."
        )
    repository.end_mute(connection, scope, number, now)
    return repository.mute(connection, scope, number)


def _require_known(connection: Connection, scope: Scope, wanted: MuteBody) -> None:
    """A word that fits nothing mutes nothing, and somebody relies on it."""
    value = wanted.value
    named: dict[Of, Callable[[], object]] = {
        Of.RULE: lambda: rule_named(connection, scope, value),
        Of.STATION: lambda: station(connection, scope, value),
        Of.ZONE: lambda: zone(connection, scope, value),
        Of.SITE: lambda: site(connection, scope, value),
        Of.DUTY_GROUP: lambda: group_named(connection, scope, value),
    }
    if wanted.of in named:
        try:
            named[wanted.of]()
        except NotFound as missing:
            raise Invalid(missing.sentence.english, missing.sentence.german) from None
        return
    is_tag = wanted.of is Of.TAG
    read = repository.known_tags if is_tag else repository.known_offices
    known = list(read(connection, scope))
    if value.casefold() not in {one.casefold() for one in known}:
        raise Invalid.of(not_one_of(value, known, wanted.of.value))


@dataclass(frozen=True)
class Mutes:
    """The mutes that hold at a moment, as far as they touch one rule at one place."""

    for_all: str = ""
    """Why nobody is told; empty: somebody is."""
    groups: frozenset[int] = frozenset()
    """Duty groups whose members are not told."""

    def hold_back(self, to: Iterable[Addressee], kind: Kind) -> list[Addressee]:
        """The same people, those that are not told marked so. The end of an alarm is told to all
        who know of it: else they would believe that it goes on."""
        if kind in ENDINGS:
            return list(to)
        return [replace(one, muted=self._why(one)) if self._why(one) else one for one in to]

    def _why(self, one: Addressee) -> str:
        return self.for_all or (_MUTED if one.group_id in self.groups else one.muted)


_MUTED = "muted"
NONE = Mutes()


def mutes_of(
    connection: Connection, stored: StoredRule, station_id: int | None, now: Instant
) -> Mutes:
    """Those that touch a rule, at this station where it is one's."""
    found = repository.active(connection, stored.tenant_id, now)
    if not found:
        return NONE
    subject = repository.subject_of(connection, stored, station_id)
    muted = any(subject.is_muted_by(one) for one in found)
    return Mutes(_MUTED if muted else "", _groups(connection, stored.tenant_id, found))


def _groups(connection: Connection, tenant_id: str, found: Sequence[Mute]) -> frozenset[int]:
    slugs = {one.value for one in found if one.of is Of.DUTY_GROUP}
    return repository.group_ids_named(connection, tenant_id, slugs) if slugs else frozenset()
