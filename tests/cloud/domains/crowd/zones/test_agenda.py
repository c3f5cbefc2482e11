"""Events of a zone: when they take place, also when clocks change; overlaps are refused."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from stadtsinn.base.instant import HOUR, MINUTE, isoformat, parse
from stadtsinn.cloud.domains.crowd.schedule import last_reset, next_reset, resets_between
from stadtsinn.cloud.domains.crowd.zones.agenda import (
    Agenda,
    ZoneEvent,
    next_start,
    occurrences,
)
from stadtsinn.cloud.domains.crowd.zones.model import Zone


def event(**given: Any) -> ZoneEvent:
    return ZoneEvent.model_validate(
        {"slug": "markt", "name": "Markt", "start": "08:00", "end": "13:00"} | given
    )


def zone(*events: ZoneEvent) -> Zone:
    found = [one.model_dump(mode="json") for one in events]
    return Zone.model_validate({"slug": "platz", "name": "Platz", "events": found})


SATURDAYS = event(days=["sat"], permitted=900)


def test_a_weekly_event_takes_place_each_week() -> None:
    agenda = Agenda([SATURDAYS])
    assert agenda.is_open(parse("2026-09-26T08:00:00+02:00"))
    assert agenda.is_open(parse("2026-09-26T12:59:59+02:00"))
    assert not agenda.is_open(parse("2026-09-26T13:00:00+02:00"))
    assert not agenda.is_open(parse("2026-09-26T07:59:59+02:00"))
    assert not agenda.is_open(parse("2026-09-25T10:00:00+02:00"))


def test_without_events_a_zone_is_always_open() -> None:
    assert Agenda([]).is_open(0)
    assert Agenda([]).permitted_at(0, 700) == 700


def test_an_event_may_have_a_permitted_number_of_its_own() -> None:
    inside, outside = parse("2026-09-26T10:00:00+02:00"), parse("2026-09-26T14:00:00+02:00")
    assert Agenda([SATURDAYS]).permitted_at(inside, 500) == 900
    assert Agenda([SATURDAYS]).permitted_at(outside, 500) == 500
    assert Agenda([event(days=["sat"])]).permitted_at(inside, 500) == 500


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-29", 7), ("2026-10-25", 9), ("2026-06-07", 8)],
    ids=["23 hours", "25 hours", "24 hours"],
)
def test_a_night_has_as_many_hours_as_its_clocks_say(day: str, hours: int) -> None:
    """From 22:00 to 06:00, over the night to this Sunday."""
    night = event(days=["sat"], start="22:00", end="06:00")
    noon = parse(f"{day}T12:00:00+00:00")
    (found,) = occurrences([night], noon - 20 * HOUR, noon)
    assert (found.end - found.start) // HOUR == hours


def test_the_hour_that_comes_twice_belongs_to_what_ends_in_it() -> None:
    """As in shifts and rules: 02:30 is over when clocks show it for the second time."""
    night = event(days=["sat"], start="22:00", end="02:30")
    early = event(slug="frueh", days=["sun"], start="02:30", end="06:00")
    second = parse("2026-10-25T02:30:00+01:00")
    for events in ([night, early], [early, night]):
        found = occurrences(events, second - 6 * HOUR, second + 6 * HOUR)
        assert [one.event.slug for one in found] == ["markt", "frueh"]
        assert (found[0].end, found[1].start) == (second, second)
        assert next_start(events, second - 1) == next_start(events, second - HOUR) == second
        for moment in (second + 1, second - 1, second + 2 * HOUR, second - HOUR):
            shown = Agenda(events).occurrence_at(moment)
            assert shown is not None
            assert shown.event.slug == ("frueh" if moment >= second else "markt")
        assert occurrences(events, second + HOUR, second + 2 * HOUR) == [found[1]]


def test_what_clocks_skip_does_not_take_place() -> None:
    skipped = event(date="2026-03-29", start="02:10", end="02:50")
    day = parse("2026-03-28T12:00:00Z")
    assert occurrences([skipped], day, day + 24 * HOUR) == []
    assert next_start([skipped], day) is None


def test_first_and_last_day_of_a_weekly_event() -> None:
    season = event(days=["sat"], first="2026-10-03", last="2026-10-10")
    september = parse("2026-09-01T00:00:00+02:00")
    assert isoformat(next_start([season], september) or 0) == "2026-10-03T06:00:00Z"
    assert len(occurrences([season], september, september + 90 * 24 * HOUR)) == 2
    assert next_start([season], parse("2026-10-10T09:00:00+02:00")) is None


def test_what_was_looked_up_before_does_not_change_the_answer() -> None:
    agenda = Agenda([SATURDAYS, event(slug="fest", date="2026-09-26", start="18:00", end="02:00")])
    start = parse("2026-09-25T00:00:00+02:00")
    for minute in range(0, 3 * 24 * 60, 17):
        moment = start + minute * MINUTE
        assert agenda.is_open(moment) == Agenda(agenda.events).is_open(moment)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (event(days=["sat"]), event(slug="b", days=["fri", "sat"], start="12:59", end="20:00")),
        (event(days=["sat"]), event(slug="b", date="2026-12-05", start="07:00", end="08:01")),
        (event(days=["fri"], start="22:00", end="09:00"), event(slug="b", days=["sat"])),
        (
            event(days=["sun"], start="22:00", end="09:00", first="2027-01-01"),
            event(slug="b", days=["mon"], last="2027-01-05"),
        ),
        (event(date="2026-12-05"), event(slug="b", date="2026-12-05", start="12:00", end="14:00")),
    ],
)
def test_overlapping_events_are_refused(one: ZoneEvent, other: ZoneEvent) -> None:
    with pytest.raises(ValidationError, match="'markt' and 'b' overlap on"):
        zone(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (event(days=["sat"]), event(slug="b", days=["sat"], start="13:00", end="20:00")),
        (event(days=["sat"], last="2026-12-01"), event(slug="b", date="2026-12-05")),
        (event(days=["fri"], start="22:00", end="08:00"), event(slug="b", days=["sat"])),
    ],
)
def test_events_that_touch_do_not_overlap(one: ZoneEvent, other: ZoneEvent) -> None:
    assert len(zone(one, other).events) == 2


def _any_event(chance: Random, slug: str) -> ZoneEvent:
    first = date(2026, 1, 1) + timedelta(days=chance.randrange(20))
    start, end = (f"{chance.randrange(24):02}:{chance.choice((0, 30)):02}" for _ in range(2))
    times = {"slug": slug, "start": start, "end": end}
    if chance.random() < 0.3:
        return event(date=first.isoformat(), **times)
    days = chance.sample(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], chance.randint(1, 3))
    last = first + timedelta(days=chance.randrange(12))
    season = {"first": first.isoformat(), "last": last.isoformat()}
    named = {name: season[name] for name in season if chance.random() < 0.5}
    return event(days=days, **named, **times)


@pytest.mark.parametrize("seed", range(3))
def test_two_events_overlap_where_a_minute_of_both_is_the_same(seed: int) -> None:
    chance = Random(seed)
    begin, end = parse("2025-12-20T00:00:00+01:00"), parse("2026-02-20T00:00:00+01:00")
    for _ in range(100):
        one, other = _any_event(chance, "a"), _any_event(chance, "b")
        spans = occurrences([one], begin, end), occurrences([other], begin, end)
        meet = any(a.start < b.end and b.start < a.end for a in spans[0] for b in spans[1])
        if meet:
            with pytest.raises(ValidationError, match="overlap on"):
                zone(one, other)
        else:
            assert len(zone(one, other).events) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": []},
        {"days": ["sat"], "date": "2026-12-05"},
        {"date": "2026-12-05", "first": "2026-12-01"},
        {"days": ["sat"], "first": "2026-12-05", "last": "2026-12-04"},
        {"days": ["saturday"]},
        {"days": ["sat"], "permitted": 0},
        {"days": ["sat"], "start": "24:00"},
        *({"date": day} for day in ("0001-01-01", "1969-12-31", "2255-01-01", "9999-12-31")),
        {"days": ["sat"], "first": "9999-12-30"},
        {"days": ["sat"], "last": "9999-12-31"},
    ],
)
def test_an_event_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        event(**wrong)


@pytest.mark.parametrize("day", ["1970-01-01", "2254-12-31"])
def test_with_the_first_and_the_last_day_everything_can_be_computed(day: str) -> None:
    """A day whose neighbour is none would stop who looks at all zones."""
    once, weekly = event(date=day, start="20:00", end="02:00"), event(slug="b", days=["mon"])
    since = event(slug="c", days=["tue"], first=day)
    assert len(zone(once, weekly, since).events) == 3
    now = parse("2026-09-26T10:00:00+02:00")
    assert next_start([once, since], now) is not None
    assert Agenda([once, weekly, since]).open_until(now) is None


def test_counting_begins_anew_with_an_event_and_not_in_the_middle_of_one() -> None:
    night = event(date="2026-09-26", start="20:00", end="06:00")
    before, after = parse("2026-09-26T10:00:00+02:00"), parse("2026-09-27T12:00:00+02:00")
    found = resets_between(before, after, "04:00", [night])
    assert found == [parse("2026-09-26T20:00:00+02:00")]
    assert next_reset(before, "04:00", [night]) == found[0]
    assert last_reset(after, "04:00", [night]) == found[0]
    assert len(resets_between(before, after, "04:00")) == 1


@pytest.mark.parametrize("day", ["2026-03-26", "2026-09-24", "2026-10-22"])
def test_all_resets_of_a_time_are_those_that_follow_each_other(day: str) -> None:
    """Also when clocks change, and in nights in which an event goes on."""
    events = [event(days=["sat"], start="20:00", end="06:00"), event(slug="b", days=["tue"])]
    start = parse(f"{day}T00:00:00Z")
    for hours in (0, 1, 30, 24 * 9):
        end, found, moment = start + hours * HOUR, [], next_reset(start, "04:00", events)
        while moment <= end:
            found.append(moment)
            moment = next_reset(moment, "04:00", events)
        assert resets_between(start, end, "04:00", events) == found
