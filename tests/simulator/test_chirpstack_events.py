"""Events look as a real ChirpStack publishes them: compared with recordings of one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from real_parts import require_shared
from stadtsinn.simulator.market_day.day import MarketDay
from stadtsinn.simulator.radio.chirpstack_events import duration, timestamp
from stadtsinn.simulator.radio.network_servers import NetworkServer


def recorded(event: str) -> list[dict[str, Any]]:
    file = require_shared("chirpstack-events/events-json.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return [json.loads(row["payload"]) for row in rows if row["topic"].endswith(f"/{event}")]


def simulated(day: MarketDay, event: str) -> list[dict[str, Any]]:
    return [
        json.loads(one.payload)
        for one in day.publications()
        if one.server is NetworkServer.TOWN and one.topic.endswith(f"/event/{event}")
    ]


def shape(value: object, path: str = "") -> Iterator[str]:
    """Paths of an event with the kind of what stands there; free keys are left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if path != ".deviceInfo.tags":
                yield from shape(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from shape(inner, f"{path}[]")
    else:
        kind = "number" if isinstance(value, int | float) else type(value).__name__
        yield f"{path}: {kind}"


@pytest.mark.slow
@pytest.mark.parametrize("event", ["up", "join"])
def test_simulated_events_have_the_fields_of_recorded_ones(day: MarketDay, event: str) -> None:
    known = {path for one in recorded(event) for path in shape(one)}
    ours = {path for one in simulated(day, event) for path in shape(one)}
    assert ours <= known


def test_what_a_recorded_event_always_has_a_simulated_one_has_too(day: MarketDay) -> None:
    always = set.intersection(*(set(one) for one in recorded("up")))
    assert all(always <= set(one) for one in simulated(day, "up"))


def test_gateways_have_different_kinds_of_clock(day: MarketDay) -> None:
    receptions = [rx for one in simulated(day, "up") for rx in one["rxInfo"]]
    assert any("timeSinceGpsEpoch" in rx for rx in receptions)
    assert any("gwTime" in rx and "timeSinceGpsEpoch" not in rx for rx in receptions)
    assert any("gwTime" not in rx for rx in receptions)


def test_every_device_joins_but_the_one_that_cannot(day: MarketDay) -> None:
    joined = {one["deviceInfo"]["devEui"] for one in simulated(day, "join")}
    assert len(day.town.devices) - len(joined) == 1


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "1970-01-01T00:00:00+00:00"),
        (250_000_000, "1970-01-01T00:00:00.250+00:00"),
        (250_001_000, "1970-01-01T00:00:00.250001+00:00"),
        (250_001_002, "1970-01-01T00:00:00.250001002+00:00"),
        (1, "1970-01-01T00:00:00.000000001+00:00"),
    ],
)
def test_timestamps_have_0_3_6_or_9_digits(nanos: int, text: str) -> None:
    assert timestamp(nanos) == text


def test_durations_are_seconds_as_text() -> None:
    assert duration(1_479_333_504_018_750_720) == "1479333504.018750720s"
    assert duration(5_000_000_000) == "5s"
