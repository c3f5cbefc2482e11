"""Waterings are logged, and today's list is put together from register, verdicts and waterings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from stadtsinn.base.berlin import at, for_people, in_german, isoformat
from stadtsinn.base.instant import DAY, HOUR, SECOND, Instant, from_datetime
from stadtsinn.base.problems import Conflict, Invalid, NotFound
from stadtsinn.cloud.domains.trees import day_repository, repository, watering_repository
from stadtsinn.cloud.domains.trees.model import WateringBody
from stadtsinn.cloud.domains.trees.watering_list import ListedTour, WateringList, make_list
from stadtsinn.cloud.domains.trees.watering_repository import Watering
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.audit.line import Action, Kind, Line
from stadtsinn.cloud.platform.audit.recording import record
from stadtsinn.cloud.town.stations import repository as stations

_FORECAST_HOURS = 48
_LATEST_S = 300
"""A watering is entered when it is done: clocks may differ by so much."""
_FORECAST_IS_OLD = 36 * HOUR


def watering_list(connection: Connection, scope: Scope, day: date, now: Instant) -> WateringList:
    """The list of a day as it was judged, without the trees that were watered since."""
    settings = repository.settings(connection, scope)
    groups = repository.groups_page(connection, scope, None, None)
    days = day_repository.days_of(connection, scope, day)
    rest_from = Instant(max(at(day) - settings.rest_days * DAY, 0))
    until = Instant(now + _LATEST_S * SECOND)
    watered = watering_repository.waterings_between(connection, scope, rest_from, until)
    places = stations.stations_named(connection, scope, {one.station for one in groups})
    made = make_list(
        day,
        settings,
        groups,
        days,
        repository.all_trees(connection, scope),
        {one.tree: one.watered_at for one in watered},
        {slug: one.name for slug, one in places.items()},
        _forecast(connection, scope, now),
    )
    numbers = [one.tree.number for one in made.trees]
    last = watering_repository.last_waterings(connection, scope, numbers)
    return replace(made, tours=tuple(_with_last(made.tours, last)))


def _with_last(tours: Iterable[ListedTour], last: dict[str, Watering]) -> Iterable[ListedTour]:
    for tour in tours:
        trees = tuple(replace(one, last=last.get(one.tree.number)) for one in tour.trees)
        yield replace(tour, trees=trees)


def _forecast(connection: Connection, scope: Scope, now: Instant) -> float | None:
    """mm in the next 48 hours; None without a forecast, or with one that is too old."""
    hours, brought_at = repository.forecast(connection, scope)
    if brought_at is None or now - brought_at > _FORECAST_IS_OLD:
        return None
    return soon_mm(hours, now)


def soon_mm(hours: Iterable[tuple[int, float]], now: Instant) -> float:
    """mm in the next 48 hours, of a forecast's hours."""
    until = now + _FORECAST_HOURS * HOUR
    return sum(mm for start, mm in hours if now - HOUR < start < until)


def log_watering(
    connection: Connection, scope: Scope, body: WateringBody, now: Instant
) -> Watering:
    """Also afterwards. Raises Invalid for a tree that is not registered or a time to come, Conflict
    for what is logged already."""
    try:
        repository.tree(connection, scope, body.tree)
    except NotFound as missing:
        raise Invalid(
            f"{missing.detail} Import the register that has it.",
            f"{missing.sentence.german} Das Baumkataster importieren, in dem er steht.",
        ) from None
    when = now if body.watered_at is None else from_datetime(body.watered_at)
    if when > now + _LATEST_S * SECOND:
        raise Invalid(
            f"'watered_at' {for_people(when)} is still to come.",
            f"'watered_at' {in_german(when)} liegt in der Zukunft.",
        )
    if watering_repository.is_there(connection, scope, body.tree, when):
        raise Conflict(
            f"The tree '{body.tree}' was watered at {for_people(when)} already; delete that one to "
            "correct it.",
            f"Der Baum '{body.tree}' hat am {in_german(when)} schon Wasser bekommen; zum "
            "Berichtigen jenen Eintrag löschen.",
        )
    number = watering_repository.insert_watering(
        connection, scope, body.tree, when, body.litres, body.crew, body.remark, now
    )
    detail = f"{body.litres:g} l"
    _note(
        connection,
        scope,
        Line(scope.tenant_id, Action.CREATED, Kind.WATERING, body.tree, detail),
        now,
    )
    return watering_repository.watering(connection, scope, number)


def delete_watering(connection: Connection, scope: Scope, number: int, now: Instant) -> None:
    found = watering_repository.watering(connection, scope, number)
    watering_repository.delete_watering(connection, scope, number)
    detail = f"{found.litres:g} l, {isoformat(found.watered_at)}"
    _note(
        connection,
        scope,
        Line(scope.tenant_id, Action.DELETED, Kind.WATERING, found.tree, detail),
        now,
    )


def _note(connection: Connection, scope: Scope, line: Line, now: Instant) -> None:
    record(connection, scope, now, [line])
