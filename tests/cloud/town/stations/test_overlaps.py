"""No device's channel is at two stations at a time, no station's channel has two devices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stadtsinn.cloud.town.stations.model import Deployment
from stadtsinn.cloud.town.stations.overlaps import objection

SOIL, OTHER, LINES, FOREIGN = (f"70b3d57ed000000{n}" for n in range(1, 5))
CHANNELS = {SOIL: ("",), OTHER: ("",), LINES: ("line_1", "line_2", "line_{}")}


def deployment(dev_eui: str, station: str, start: int = 0, end: int = 0, **more: Any) -> Deployment:
    """From hour `start` to hour `end` of a day; 0 means without a bound."""

    def hour(number: int) -> datetime | None:
        return datetime(2026, 6, 1, number, tzinfo=UTC) if number else None

    return Deployment(dev_eui=dev_eui, station=station, start=hour(start), end=hour(end), **more)


CASES = {
    "one after the other": (deployment(SOIL, "a", 0, 8), deployment(SOIL, "b", 8), None),
    "at two stations at once": (deployment(SOIL, "a", 0, 9), deployment(SOIL, "b", 8), "all"),
    "inside a longer one": (deployment(SOIL, "a", 1, 20), deployment(SOIL, "b", 8, 9), "all"),
    "two devices at a station": (deployment(SOIL, "a"), deployment(OTHER, "a", 8), "fed"),
    "one device after another": (deployment(SOIL, "a", 0, 8), deployment(OTHER, "a", 8), None),
    "a comparison beside it": (
        deployment(SOIL, "a"),
        deployment(OTHER, "a", comparison=True),
        None,
    ),
    "two comparisons": (
        deployment(SOIL, "a", comparison=True),
        deployment(OTHER, "a", comparison=True),
        "fed",
    ),
    "a channel of its own": (
        deployment(SOIL, "a"),
        deployment(OTHER, "a", channels={"": "60cm"}),
        None,
    ),
    "mapped onto the other's": (
        deployment(SOIL, "a"),
        deployment(LINES, "a", channels={"line_1": ""}),
        "its only channel",
    ),
    "two lines at two stations": (
        deployment(LINES, "a", channels={"line_1": ""}),
        deployment(LINES, "b", channels={"line_2": ""}),
        None,
    ),
    "the same line at two stations": (
        deployment(LINES, "a", channels={"line_1": ""}),
        deployment(LINES, "b", channels={"line_1": "", "line_2": "x"}),
        "line_1",
    ),
    "a line and the whole device": (
        deployment(LINES, "a", channels={"line_1": ""}),
        deployment(LINES, "b"),
        "line_1",
    ),
    "a numbered channel": (
        deployment(LINES, "a"),
        deployment(OTHER, "a", channels={"": "line_7"}),
        "line_7",
    ),
    "a type that nobody knows": (deployment(FOREIGN, "a"), deployment(OTHER, "a"), "type"),
    "unknown, but named": (
        deployment(FOREIGN, "a", channels={"x": "x"}),
        deployment(OTHER, "a"),
        None,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("backwards", [False, True])
def test_what_may_be_at_the_same_time(
    case: tuple[Deployment, Deployment, str | None], backwards: bool
) -> None:
    one, other, expected = case
    wanted, beside = (other, one) if backwards else (one, other)
    found = objection(wanted, [beside], CHANNELS.get)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert expected in found.english
        assert "stadtsinn device" in found.english, "the remedy is named"
