"""A day that was judged live, value by value, is judged the same by a back-test.

The live side is the follower with its database, ticks and outbox; the other one reads what the same
uplinks left in the series.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, update

from by_night import others_by_night
from databases import fresh_database
from fake_alert_town import DEVICE, STATION, TENANT, AlertTown, minute, uplink
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.tables import incidents, rules
from stadtsinn.cloud.alarms.backtest.service import Question, Report, prepare, report
from stadtsinn.cloud.alarms.backtest.tasks import run
from stadtsinn.cloud.alarms.duty.model import DutyGroup
from stadtsinn.cloud.alarms.duty.service import create_group
from stadtsinn.cloud.alarms.notify.outbox_repository import text_of
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.series.stores.embedded.store import EmbeddedStore
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town.tables import devices
from stadtsinn.decoders.reading import Decoded, Quality, Reading
from stadtsinn.rules.kinds.registry import KINDS

STEP = 5
"""Minutes between two uplinks, and between two ticks."""
EVERY = STEP * MINUTE
LONG = 130
RULES: list[dict[str, Any]] = [
    {"quantity": "soil_moisture", "direction": "below", "on": 15, "off": 20},
    {"quantity": "soil_moisture", "kind": "band", "low": 10, "high": 30, "margin": 2, "for_s": 600},
    {"quantity": "water_level", "kind": "change", "on": 0.3, "off": 0.1, "within_s": 3600},
    {"quantity": "precipitation", "kind": "sum", "on": 8, "off": 1, "within_s": 1800},
    {"quantity": "energy_total", "kind": "increase", "on": 20, "off": 4, "within_s": 1800},
    {"quantity": "battery_voltage", "kind": "stuck", "unchanged_s": 1500, "keep_firing_s": 900},
    {"quantity": "soil_moisture", "kind": "no_data", "silent_s": 1200},
    {
        "quantity": "battery_voltage",
        "kind": "low_battery",
        "within_s": 1800,
        "on": 3.1,
        "off": 3.3,
        "alert_on_stale": True,
        "min_samples": 3,
    },
    {
        "quantity": "water_level",
        "kind": "levels",
        "levels": [{"on": 0.5}, {"on": 0.9, "measures": "Pumpe an."}],
        "margin": 0.1,
        "for_s": 300,
    },
    {"quantity": "occupied", "kind": "overstay", "longest_s": 1800, "gap_s": 300},
    {
        "quantity": "soil_moisture",
        "on": 20,
        "off": 15,
        "keep_firing_s": 600,
        "active": [{"start": "11:00", "end": "12:30"}, {"start": "14:00", "end": "18:00"}],
    },
]
TOGETHER: list[dict[str, Any]] = [
    {"quantity": "water_level", "kind": "difference", "on": 0.3, "off": 0.1, "fresh_s": 1200},
    {
        "quantity": "soil_moisture",
        "kind": "and",
        "direction": "below",
        "on": 18,
        "off": 25,
        "for_s": 300,
        "also": [{"quantity": "occupied", "on": 1, "off": 0}],
    },
    {
        "quantity": "soil_moisture",
        "kind": "and",
        "direction": "below",
        "on": 18,
        "off": 25,
        "also": [{"station": "pappel", "on": 22, "off": 20, "fresh_s": 900}],
    },
    {
        "quantity": "soil_moisture",
        "kind": "count",
        "each": "below",
        "each_on": 15,
        "each_off": 20,
        "on": 2,
        "off": 0,
        "fresh_s": 1200,
    },
    {
        "quantity": "occupied",
        "kind": "share",
        "each_on": 1,
        "each_off": 0,
        "on": 60,
        "off": 40,
        "keep_firing_s": 600,
    },
]
"""Rules over several datastreams."""
OTHERS = {"pappel": "70b3d57ed000bb01", "esche": "70b3d57ed000bb02"}
NIGHT = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "on_duty": "bauhof"}


@dataclass
class Day:
    """A town whose rules judge as uplinks come, and the series that the same uplinks leave."""

    town: AlertTown
    store: EmbeddedStore
    log: list[LoggedUplink] = field(default_factory=list)
    looked: list[Instant] = field(default_factory=list)
    """When time passed."""

    def uplink(self, at: int, now: int, *readings: Reading, dev_eui: str = DEVICE) -> None:
        one = uplink(len(self.log) + 1, at, *readings, received=now, dev_eui=dev_eui)
        self.log.append(one)
        self.town.now(now)
        self.town.apply(one)
        self._send()

    def pass_time(self, now: int) -> None:
        """A tick; then what was written is sent."""
        self.town.tick(now)
        self.looked.append(minute(now))
        self._send()

    def _send(self) -> None:
        with self.town.database.write() as connection:
            connection.execute(update(outbox).values(status="ACCEPTED", settled=True))

    def live(self, rule: str) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Incidents and messages of a rule, as the database has them."""
        with self.town.database.read() as connection:
            mine = select(rules.c.id).where(rules.c.slug == rule).scalar_subquery()
            found = connection.execute(
                select(incidents).where(incidents.c.rule_id == mine).order_by(incidents.c.opened_at)
            ).all()
            ids = {f"{one.id}" for one in found}
            written = connection.execute(
                select(outbox, recipients.c.slug.label("person"))
                .join(recipients, recipients.c.id == outbox.c.recipient_id)
                .order_by(outbox.c.created_at, outbox.c.event_time, outbox.c.kind, "person")
            ).all()
            number = connection.scalar(select(rules.c.id).where(rules.c.slug == rule))
        return (
            [
                (
                    one.opened_at,
                    one.opening_value,
                    one.level,
                    one.closed_at,
                    one.close_reason,
                    one.closing_value,
                )
                for one in found
            ],
            [
                (one.created_at, one.kind, one.level, one.event_time, one.person, text_of(one))
                for one in written
                if one.incident_id in ids or one.incident_id.startswith(f"{number}-")
            ],
        )

    def tried(self, rule: Rule, start: int, end: int) -> Report:
        stations = {DEVICE: STATION, **{dev_eui: slug for slug, dev_eui in OTHERS.items()}}
        for one in self.log:
            assert isinstance(one.outcome, Decoded)
            self.store.write(
                Point(
                    TENANT,
                    "soil",
                    SeriesKey(stations[one.dev_eui], reading.quantity),
                    one.event_time,
                    reading.value,
                    reading.quality,
                    one.dev_eui,
                )
                for reading in one.outcome.readings
            )
        with self.town.database.read() as connection:
            question = Question(rule, minute(start), minute(end))
            prepared = prepare(connection, self.town.scope, question)
        return report(prepared, [run(task, self.store) for task in prepared.tasks])


def as_live(
    found: Report, looked: Sequence[Instant] = ()
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The same of a back-test. Live, time is only looked at now and then: else every five
    minutes."""

    def seen(at: Instant) -> int:
        return looked[bisect_left(looked, at)] if looked else -(-at // EVERY) * EVERY

    made = [
        (
            one.opened_at,
            one.opening_value,
            one.level,
            one.closed_at,
            one.reason,
            one.closing_value,
        )
        for subject in found.found
        for one in subject.incidents
    ]
    sent = [
        (
            seen(one.at),
            one.kind,
            one.level,
            one.event_time,
            to.person,
            one.text,
        )
        for _, one in found.messages
        for to in one.to
    ]
    return made, sorted(sent, key=lambda one: (one[0], one[3], one[1], one[4]))


def rule_of(number: int) -> Rule:
    kind = RULES[number].get("kind", "threshold")
    return Rule.model_validate(
        {
            "slug": f"{kind}-{number}".replace("_", "-"),
            "name": kind,
            "station": STATION,
            "recipients": ["ordnungsamt", "bereitschaft"],
            "technicians": ["bauhof"],
            **RULES[number],
        }
    )


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    town = AlertTown(fresh_database(tmp_path))
    group = DutyGroup.model_validate(
        {
            "slug": "bereitschaft",
            "name": "Bereitschaft",
            "members": ["bauhof", "ordnungsamt"],
            "shifts": [
                {**NIGHT, "start": "15:00", "end": "08:00"},
                {**NIGHT, "on_duty": "ordnungsamt", "start": "08:00", "end": "15:00"},
            ],
        }
    )
    with change(town.database) as connection:
        connection.execute(update(devices).values(interval_s=STEP * 60))
        create_group(connection, town.scope, group)
    store = EmbeddedStore(tmp_path / "series.sqlite", town.clock)
    yield Day(town, store)
    store.close()


def readings(chance: Random, number: int, total: float) -> list[Reading]:
    """Of one uplink: now and then something of each kind happens."""
    spell = (number // 12) % 3
    poor = Quality.BAD if chance.random() < 0.05 else Quality.GOOD
    return [
        Reading("soil_moisture", chance.choice([9, 14, 18, 22, 31]) if spell else 25, quality=poor),
        Reading("precipitation", chance.choice([0, 1, 4]) if spell == 1 else 0.0),
        Reading("energy_total", total),
        Reading("battery_voltage", 3.0 if spell == 2 else chance.choice([3.0, 3.2, 3.4])),
        Reading("occupied", float(chance.random() < (0.9 if spell else 0.2))),
        Reading("water_level", round(0.2 + (0.1 * (number % 12) if spell == 1 else 0.0), 2)),
    ]


def live_day(day: Day, seed: int) -> None:
    chance, total = Random(seed), 0.0
    silent_until = 0
    for number in range(LONG):
        now = number * STEP
        day.pass_time(now)
        total += chance.choice([0, 0, 1, 6])
        if number < silent_until:
            continue
        if chance.random() < 0.05:
            silent_until = number + chance.choice([2, 5, 8])
        found = readings(chance, number, total)
        for _ in range(chance.choice([1, 1, 1, 2])):  # some come twice
            day.uplink(now, now, *found)
    day.pass_time(LONG * STEP)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "interval_s"), [pytest.param(1, STEP * 60, marks=pytest.mark.nightly), (2, 60)]
)
def test_a_live_day_and_its_back_test_agree(day: Day, seed: int, interval_s: int) -> None:
    with change(day.town.database) as connection:
        connection.execute(update(devices).values(interval_s=interval_s))
    some = [rule_of(number) for number in range(len(RULES))]
    for one in some:
        day.town.rule(**one.model_dump())
    live_day(day, seed)
    kinds = Counter[str]()
    for one in some:
        made, sent = as_live(day.tried(one, 0, LONG * STEP + 1))
        live_made, live_sent = day.live(one.slug)
        assert made == live_made, one.slug
        assert sent == live_sent, one.slug
        kinds.update(str(message[1]) for message in sent)
    assert min(kinds["ALARM"], kinds["ALL_CLEAR"]) > 5
    assert interval_s > 60 or kinds["STALE"] > 5


@pytest.mark.slow
@pytest.mark.parametrize("seed", others_by_night([1, 2], [1]))
def test_a_live_day_of_several_datastreams_and_its_back_test_agree(day: Day, seed: int) -> None:
    with change(day.town.database) as connection:
        for slug, dev_eui in OTHERS.items():
            day.town.device(connection, dev_eui, STEP * 60)
            station = day.town.station(connection, slug, slug.title())
            day.town.deploy(connection, dev_eui, station)
    some = [together(number) for number in range(len(TOGETHER))]
    for one in some:
        day.town.rule(**one.model_dump())
    chance, silent = Random(seed), dict.fromkeys((DEVICE, *OTHERS.values()), 0)
    for number in range(LONG // 2):
        for after, dev_eui in enumerate(silent):
            now = number * STEP + after
            day.pass_time(now)
            if number >= silent[dev_eui]:
                if chance.random() < 0.05:
                    silent[dev_eui] = number + chance.choice([2, 5, 8])
                found = readings(chance, number + 12 * after, 0)
                day.uplink(now, now, *found, dev_eui=dev_eui)
    day.pass_time(LONG // 2 * STEP)
    kinds = Counter[tuple[str, str]]()
    for one in some:
        made, sent = as_live(day.tried(one, 0, LONG // 2 * STEP + 1), day.looked)
        live_made, live_sent = day.live(one.slug)
        assert made == live_made, one.slug
        assert sent == live_sent, one.slug
        kinds.update((one.kind, str(message[1])) for message in sent)
    assert {kind for kind, _ in kinds} == {kind.kind_name for kind in KINDS.values() if kind.joins}
    assert all(kinds[kind, "ALARM"] for kind, _ in kinds)


def together(number: int) -> Rule:
    values = TOGETHER[number]
    where: dict[str, Any] = {"station": STATION}
    if KINDS[values["kind"]].of_group:
        where = {"group": {"kind": "tree"}}
    if values["kind"] == "difference":
        where["minus"] = {"station": "pappel"}
    return Rule.model_validate(
        {
            "slug": f"{values['kind']}-{number}",
            "name": values["kind"],
            "recipients": ["ordnungsamt"],
            "technicians": ["bauhof"],
            **where,
            **values,
        }
    )


def test_a_market_day_and_its_back_test_agree(day: Day) -> None:
    """Of a zone: its numbers by the permit of then. What was estimated is said live only."""
    rule = Rule.model_validate(
        {
            "slug": "markt-voll",
            "name": "Wochenmarkt",
            "zone": "wochenmarkt",
            "kind": "permit",
            "for_s": 120,
            "recipients": ["ordnungsamt"],
        }
    )
    day.town.permit(1_000)
    day.town.rule(**rule.model_dump())
    for number, high in enumerate([500, 920, 930, 940, 1_010, 1_020, 1_030, 700, 600, 950, 400]):
        day.pass_time(number)
        day.town.crowd(number, high)
        if number == 8:
            day.town.permit(1_200)
        day.pass_time(number)
    made, sent = as_live(day.tried(rule, 0, 12))
    live_made, live_sent = day.live(rule.slug)
    assert made == live_made
    assert [one[1:5] for one in sent] == [one[1:5] for one in live_sent]
    assert [one[1:3] for one in sent] == [("ALARM", 1), ("ALARM", 2), ("ALL_CLEAR", 1)]


def test_a_late_value_counts_in_a_back_test_and_not_live(day: Day) -> None:
    """Live, what comes late is history. A back-test judges each value as if it had come at once:
    it says what a rule does that hears in time."""
    rule = rule_of(0)
    day.town.rule(**rule.model_dump())
    for at, now, value in ((0, 0, 25.0), (10, 10, 25.0), (5, 12, 12.0), (15, 15, 25.0)):
        day.uplink(at, now, Reading("soil_moisture", value))
        day.pass_time(now)
    assert day.live(rule.slug) == ([], [])
    made, sent = as_live(day.tried(rule, 0, 20))
    assert [(one[0], one[3]) for one in made] == [(minute(5), minute(10))]
    assert [one[1] for one in sent] == ["ALARM", "ALL_CLEAR"]  # to one: he is on duty, too


def test_a_backlog_has_the_same_incidents_and_its_messages_at_once(day: Day) -> None:
    rule = rule_of(0)
    day.town.rule(**rule.model_dump())
    for at, value in ((0, 25.0), (5, 12.0), (10, 25.0), (100, 25.0)):
        day.uplink(at, 200, Reading("soil_moisture", value))
    live_made, live_sent = day.live(rule.slug)
    made, sent = as_live(day.tried(rule, 0, 101))
    assert made == live_made
    assert len(made) == 1
    assert live_sent == []
    assert sent


def test_a_corrected_value_counts_as_it_was_corrected(day: Day) -> None:
    rule = rule_of(0)
    day.town.rule(**rule.model_dump())
    for value in (12.0, 25.0):
        day.uplink(5, 5, Reading("soil_moisture", value))
    day.pass_time(5)
    assert len(day.live(rule.slug)[0]) == 1
    assert as_live(day.tried(rule, 0, 20)) == ([], [])


def test_nothing_of_before_and_after_is_judged(day: Day) -> None:
    """No look-ahead: what comes later changes nothing of what was before it."""
    rule = rule_of(0)
    values = [25.0, 12.0, 12.0, 25.0, 12.0, 30.0]
    for number, value in enumerate(values):
        day.log.append(uplink(number + 1, 5 * number, Reading("soil_moisture", value)))
    whole = as_live(day.tried(rule, 0, 100))[1]
    for end in range(1, 30):
        part = as_live(day.tried(rule, 0, end))[1]
        assert part == [one for one in whole if one[0] < minute(end)]
    later = as_live(day.tried(rule, 12, 100))[0]
    assert [one[0] for one in later] == [minute(20)]


def test_a_year_of_instants_is_exact(day: Day) -> None:
    """A time to the microsecond passes unchanged through the arrays."""
    odd = Instant(minute(3) + 7)
    key = SeriesKey(STATION, "soil_moisture")
    day.store.write([Point(TENANT, "soil", key, odd, 3.5, Quality.GOOD, DEVICE)])
    assert day.store.column(TENANT, key, minute(0), minute(9)).sample(0).at == odd
