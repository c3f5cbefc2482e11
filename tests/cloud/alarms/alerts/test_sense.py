"""Rules that could never fire or never end are refused, each with what to change."""

from __future__ import annotations

from typing import Any

import pytest

from fake_alert_town import STATION, AlertTown
from stadtsinn.base.problems import Invalid
from stadtsinn.cloud.town.service import change

STATION_RULE: dict[str, Any] = {"slug": "x", "name": "X", "station": STATION}
SOIL: dict[str, Any] = {**STATION_RULE, "quantity": "soil_moisture"}
RAIN: dict[str, Any] = {**STATION_RULE, "quantity": "precipitation", "kind": "sum"}
ZONE: dict[str, Any] = {"slug": "x", "name": "X", "zone": "wochenmarkt"}
SLOW = "baum"
"""A station whose device sends every ten minutes."""
TREES: dict[str, Any] = {
    "slug": "x",
    "name": "X",
    "group": {"kind": "tree"},
    "quantity": "soil_moisture",
    "each": "below",
    "each_on": 15,
    "each_off": 20,
}
NEVER: list[tuple[dict[str, Any], str, str]] = [
    ({**SOIL, "on": 150, "off": 80}, "'on' (150) is never reached", "nie beginnen"),
    ({**SOIL, "on": 80, "off": -5}, "'off' (-5) is never reached", "nie enden"),
    ({**SOIL, "direction": "below", "on": -1, "off": 5}, "'on' (-1)", "zwischen 0 und 100"),
    ({**SOIL, "direction": "below", "on": 15, "off": 120}, "'off' (120)", "nie enden"),
    ({**ZONE, "on": 900, "off": -1}, "is at least 0", "ist mindestens 0"),
    ({**SOIL, "kind": "band", "low": -5, "high": 105, "margin": 1}, "neither 'low'", "weder 'low'"),
    ({**SOIL, "kind": "band", "low": 99, "high": 120, "margin": 5}, "never end", "nie enden"),
    ({**SOIL, "kind": "stuck", "unchanged_s": 600, "tolerance": 100}, "smaller", "kleinere"),
    (
        {**SOIL, "kind": "change", "on": 101, "off": 5, "within_s": 3_600},
        "lies between 0 and 100",
        "nie beginnen",
    ),
    (
        {**SOIL, "kind": "difference", "minus": {"channel": "60"}, "on": 120, "off": 5},
        "lies between -100 and 100",
        "zwischen -100 und 100",
    ),
    (
        {
            **SOIL,
            "kind": "and",
            "on": 80,
            "off": 70,
            "also": [{"quantity": "relative_humidity", "on": 300, "off": 80}],
        },
        "'on' (300)",
        "nie beginnen",
    ),
    ({**TREES, "kind": "count", "on": 8, "off": 1}, "between 0 and 2", "zwischen 0 und 2"),
    ({**TREES, "kind": "share", "on": 101, "off": 1}, "between 0 and 100", "nie beginnen"),
    ({**TREES, "kind": "count", "each_on": -3, "on": 1, "off": 0}, "'each_on'", "'each_on'"),
    (
        {
            **SOIL,
            "on": 80,
            "off": 70,
            "for_s": 7_200,
            "active": [{"start": "08:00", "end": "10:00"}],
        },
        "lengthen 'active'",
        "'active' verlängern",
    ),
    (
        {
            **SOIL,
            "on": 80,
            "off": 70,
            "active": [{"days": ["holiday"], "region": "NW", "from": "07-01", "to": "07-31"}],
        },
        "never come",
        "kommen nie",
    ),
]
SHORT: list[dict[str, Any]] = [
    {"kind": "change", "on": 5, "off": 1, "within_s": 300},
    {"kind": "stuck", "unchanged_s": 300},
    {"kind": "no_data", "silent_s": 300},
    {"kind": "difference", "minus": {"channel": "60"}, "on": 5, "off": 1, "fresh_s": 300},
    {"on": 80, "off": 70, "stale_after_s": 300},
    {"on": 80, "off": 70, "active": [{"start": "08:00", "end": "08:05"}]},
    {"on": 80, "off": 70, "min_samples": 3, "active": [{"start": "08:00", "end": "08:20"}]},
]


@pytest.fixture
def town(town: AlertTown) -> AlertTown:
    with change(town.database) as connection:
        town.device(connection, "70b3d57ed000cc01", interval_s=600)
        station = town.station(connection, SLOW, "Baum")
        town.deploy(connection, "70b3d57ed000cc01", station)
    return town


def refused(town: AlertTown, values: dict[str, Any]) -> Invalid:
    with pytest.raises(Invalid) as said:
        town.rule(**values)
    return said.value


def test_a_rule_that_can_never_fire_or_end_is_refused(town: AlertTown) -> None:
    for values, english, german in NEVER:
        said = refused(town, values).sentence
        assert english in said.english, values
        assert german in said.german, values


def test_a_span_shorter_than_the_interval_of_the_device_is_refused(town: AlertTown) -> None:
    for values in SHORT:
        said = refused(town, {**SOIL, "station": SLOW, **values}).sentence
        assert "600 s" in said.english or "1800 s" in said.english, values
        assert SLOW in said.german, values
        town.rule(**{**SOIL, "slug": f"y-{SHORT.index(values)}", **values})
    rain = {**RAIN, "on": 5, "off": 1, "within_s": 300}
    assert "use at least 600" in refused(town, {**rain, "station": SLOW}).sentence.english
    both = {"kind": "difference", "minus": {"station": SLOW}, "on": 5, "off": 1, "fresh_s": 300}
    assert SLOW in refused(town, {**SOIL, **both}).sentence.english
    group = {**SOIL, "station": None, "group": {"kind": "tree"}, "kind": "no_data", "silent_s": 300}
    assert SLOW in refused(town, group).sentence.english


def test_what_is_just_long_enough_is_taken(town: AlertTown) -> None:
    just = {"on": 80, "off": 70, "stale_after_s": 600, "for_s": 3_600}
    town.rule(**{**SOIL, "station": SLOW}, **just, active=[{"start": "08:00", "end": "09:01"}])
    town.rule(**{**TREES, "slug": "z", "kind": "count", "on": 2, "off": 0, "fresh_s": 600})


def test_a_change_is_looked_at_and_another_name_is_not(town: AlertTown) -> None:
    rule = town.rule(**SOIL, on=80, off=70)
    town.edit(rule, name="Y")
    with pytest.raises(Invalid, match="never reached"):
        town.edit(rule, on=150)
