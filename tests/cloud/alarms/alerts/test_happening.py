"""What the outbox keeps of a rule: all its numbers, also those of its levels and conditions."""

from __future__ import annotations

from typing import Any

import pytest

from stadtsinn.cloud.alarms.alerts.happening import happened
from stadtsinn.cloud.alarms.alerts.rule import Rule

COMMON = {"slug": "pegel", "name": "Pegel", "station": "bach", "quantity": "water_level"}
LIMITS = {"on": 1.6, "off": 1.2}


@pytest.mark.parametrize(
    ("kind", "bounds"),
    [
        (LIMITS, LIMITS),
        (
            {
                "kind": "levels",
                "levels": [{"on": 1.2}, {"on": 1.6, "measures": "x"}],
                "margin": 0.1,
            },
            {"levels.1.on": 1.2, "levels.2.on": 1.6, "margin": 0.1},
        ),
        (
            {"kind": "and", **LIMITS, "also": [{"quantity": "battery", "on": 5, "off": 2}]},
            {**LIMITS, "also.1.on": 5, "also.1.off": 2},
        ),
    ],
)
def test_bounds_are_all_numbers_of_the_rule(kind: dict[str, Any], bounds: dict[str, float]) -> None:
    rule = Rule.model_validate({**COMMON, **kind})
    found = happened(rule, None, 1.7, None, None).bounds
    assert bounds.items() <= found.items()
