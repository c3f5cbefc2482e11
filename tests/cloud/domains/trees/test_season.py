"""Looking back: did the soil answer, what do 100 litres do, what was the season like."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from api_callers import HOME, ApiWorld
from stadtsinn.base.instant import DAY, HOUR, Instant, isoformat, parse
from stadtsinn.cloud.domains.trees.answers import (
    Answer,
    Calibration,
    Outcome,
    answer_of,
    calibrate,
)
from stadtsinn.cloud.domains.trees.depths import DepthValues, Value
from stadtsinn.cloud.domains.trees.grouping import Grouping
from stadtsinn.cloud.domains.trees.judging import Level
from stadtsinn.cloud.domains.trees.model import TreeGroup
from stadtsinn.cloud.domains.trees.register_row import Tree
from stadtsinn.cloud.domains.trees.season import season
from stadtsinn.cloud.domains.trees.watering_repository import Watering
from stadtsinn.cloud.series.stores.store import Point, SeriesKey

AT = parse("2026-07-15T08:00:00+02:00")
LATER = Instant(AT + 2 * DAY)


def watering(litres: float = 100, tree: str = "L-1", at: Instant = AT) -> Watering:
    return Watering(1, tree, at, litres, "", "", at)


def values(*hours_and_values: tuple[float, float]) -> list[Value]:
    return [Value(Instant(AT + int(hours * HOUR)), value) for hours, value in hours_and_values]


def moist(depth: float, before: float, *after: float) -> DepthValues:
    later = ((4.0 * at, value) for at, value in enumerate(after, 1))
    return DepthValues(depth, moisture=values((-12, before), (-3, before), *later))


def tense(depth: float, before: float, *after: float) -> DepthValues:
    found = moist(depth, before, *after)
    return DepthValues(depth, tension=found.moisture)


@pytest.mark.parametrize(
    ("depths", "outcome"),
    [
        ([moist(30, 12, 19, 17)], Outcome.ANSWERED),
        ([moist(30, 12, 12.9)], Outcome.NO_ANSWER),
        ([moist(60, 12, 12), moist(30, 12, 19)], Outcome.ANSWERED),
        ([moist(60, 12, 19), moist(30, 12, 12)], Outcome.NO_ANSWER),
        ([tense(30, 80, 40, 60)], Outcome.ANSWERED),
        ([tense(30, 80, 73)], Outcome.NO_ANSWER),
        ([tense(30, 10, 7)], Outcome.ANSWERED),
        ([moist(30, 12)], Outcome.NOT_MEASURED),
        ([DepthValues(30, moisture=values((5, 19)))], Outcome.NOT_MEASURED),
        ([], Outcome.NOT_MEASURED),
    ],
)
def test_whether_the_soil_answered(depths: Sequence[DepthValues], outcome: Outcome) -> None:
    assert answer_of(watering(), depths, LATER).outcome is outcome


def test_a_day_has_to_pass_before_there_is_no_answer() -> None:
    soon = Instant(AT + 5 * HOUR)
    assert answer_of(watering(), [moist(30, 12, 12)], soon).outcome is Outcome.WAITING
    assert answer_of(watering(), [moist(30, 12, 19)], soon).outcome is Outcome.ANSWERED


def test_what_a_hundred_litres_do_without_those_beside_rain() -> None:
    def one(litres: float, after: float, rain: float | None = None) -> Answer:
        depths = [moist(30, 12, after), tense(60, 50, 45)]
        return answer_of(watering(litres), depths, LATER, rain)

    found = calibrate(
        [one(50, 14), one(100, 17), one(200, 24, 1.0), one(100, 40, 12.0), one(100, 12)]
    )
    assert found == [
        Calibration(30, "Vol.-%", 5.0, 3),  # 4, 5 and 6
        Calibration(60, "kPa", 5.0, 3),  # 10, 5 and 2.5
    ]
    assert calibrate([]) == []


def test_a_season() -> None:
    body = {"station": "s", "soil_class": "Sl3", "unknown_soil": True}
    groups = [
        TreeGroup.model_validate({"slug": "jung", "name": "Jung", **body}),
        TreeGroup.model_validate({"slug": "leer", "name": "Leer", **body, "species": "Acer"}),
    ]
    trees = [*(Tree(f"L-{one}", planted_year=2024) for one in range(4)), Tree("X")]
    levels = {
        "jung": {Level.URGENT: 7, Level.DUE: 5, Level.GOOD: 20, Level.UNKNOWN: 2, Level.RESTING: 90}
    }
    waterings = [
        watering(100, "L-1"),
        watering(50, "L-1"),
        watering(75, "L-2"),
        watering(9, "gone"),
    ]
    found = season(groups, trees, Grouping(groups, date(2026, 9, 1)), levels, waterings)
    young, empty, without = found.groups
    assert (young.group, young.trees, young.watered_trees, young.waterings) == ("jung", 4, 2, 3)
    assert (young.litres, young.dry_days, young.urgent_days) == (225, 12, 7)
    assert (young.judged_days, young.unknown_days) == (34, 2)
    assert (empty.trees, empty.judged_days, without.group, without.trees) == (0, 0, None, 1)
    assert (found.at_risk, found.at_risk_count) == (("L-0", "L-3"), 2)
    assert (found.litres, found.waterings, found.former_trees) == (234, 4, 1)
    levels["jung"][Level.URGENT] = 6
    mild = season(groups, trees, Grouping(groups, date(2026, 9, 1)), levels, waterings)
    assert mild.at_risk == ()


def test_answers_and_season_over_the_api(world: ApiWorld) -> None:
    world.clock.set(AT)
    caller = world.client()

    def post(path: str, **body: Any) -> None:
        answer = caller.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == 201, answer.text

    post("stations", slug="linde", name="Linde", kind="tree")
    post("tree-groups", slug="jung", name="Jung", station="linde", soil_class="Sl3")
    post(
        "trees/import",
        register="nr;art;pflanzjahr;gruppe\nL-1;Tilia;2023;jung\nL-2;Tilia;2023;jung\n",
    )
    assert caller.get("/api/v1/tree-groups/jung/answers").json()["reference_tree"] is None
    station = {"name": "Linde", "kind": "tree", "attributes": {"tree_id": "L-1"}}
    assert caller.put("/api/v1/stations/linde", json=station).is_success
    post("waterings", tree="L-1", litres=200, watered_at=isoformat(AT))
    post("waterings", tree="L-2", litres=100)
    key = SeriesKey("linde", "soil_moisture", "30cm")
    world.series.write(
        Point(HOME, "soil", key, one.time, one.value) for one in moist(30, 12, 20, 18).moisture
    )
    world.clock.set(LATER)
    found = caller.get("/api/v1/tree-groups/jung/answers").json()
    assert (found["reference_tree"], [one["outcome"] for one in found["items"]]) == (
        *("L-1", ["answered"]),
    )
    assert found["items"][0]["depths"] == [
        {"depth_cm": 30, "scale": "Vol.-%", "before": 12, "after": 20, "rise": 8}
    ]
    assert found["calibration"][0]["rise_per_100_l"] == 4
    year = caller.get("/api/v1/watering-report").json()
    assert (year["year"], year["litres"], year["items"][0]["watered_trees"]) == (2026, 300, 2)
    table = caller.get("/api/v1/watering-report", params={"format": "csv", "locale": "de"})
    assert table.content.startswith(b"\xef\xbb\xbfGruppe;B")
    assert "jung;2;2;2;300;0;0;0;0" in table.text
    assert caller.get("/api/v1/watering-report", params={"year": 2025}).json()["litres"] == 0
