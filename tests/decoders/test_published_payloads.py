"""Payloads that people published decode to the right readings, by interpreter and by kernel.

The list is published_payloads.toml, with the source of each. ../shared/cases/decoders.jsonl holds
those that the first version decoded wrongly or lost; each of its lines must be in the list.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from stadtsinn.base.instant import parse
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.proof import run_findings, same
from stadtsinn.decoders.reading import Decoded, Quality, Reading

CASES = Path(__file__).parents[3] / "shared" / "cases" / "decoders.jsonl"
PAYLOADS: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("published_payloads.toml").read_text(encoding="utf-8")
)["payloads"]


def reading(stated: dict[str, Any]) -> Reading:
    time = stated.get("event_time")
    return Reading(
        stated["quantity"],
        stated["value"],
        stated.get("channel", ""),
        Quality(stated.get("quality", "good")),
        stated.get("reason", ""),
        parse(time) if time else None,
    )


@pytest.mark.parametrize("one", PAYLOADS, ids=lambda one: f"{one['device']}-{one['bytes'][:16]}")
def test_a_published_payload_gives_the_right_readings(one: dict[str, Any]) -> None:
    """Value, channel, quality, reason and time of each reading; interpreter and kernel agree."""
    device, payload = catalogue().device(one["device"]), bytes.fromhex(one["bytes"])
    received = parse(one["received"]) if "received" in one else None
    outcome = device.decode(one["port"], payload, received)
    assert isinstance(outcome, Decoded), outcome
    wanted = [reading(stated) for stated in one["readings"]]
    assert len(wanted) == len(outcome.readings), outcome.readings
    for stated, got in zip(wanted, outcome.readings, strict=True):
        assert same(got.value, stated.value)
        rest = ("quantity", "channel", "quality", "reason", "event_time")
        assert [getattr(got, key) for key in rest] == [getattr(stated, key) for key in rest]
    assert list(run_findings(device, [(one["port"], payload, received)])) == []


@pytest.mark.skipif(not CASES.exists(), reason=f"no cases at {CASES}; not part of the product")
def test_every_case_that_once_failed_is_in_the_list() -> None:
    """By device, port and bytes."""
    listed = {(p["device"].partition(":")[0], p["port"], p["bytes"]) for p in PAYLOADS}
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    assert {(c["device"], c["f_port"], c["hex"]) for c in cases} <= listed
