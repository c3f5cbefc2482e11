"""Conformance: the vendors' published payloads, byte for byte, against our vendor fields."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.reading import Undecoded

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
REASON = f"no published vectors at {VECTORS}; they are not part of the product"


def cases() -> list[Any]:
    devices = catalogue()
    if not VECTORS.is_dir():
        return [pytest.param("", {}, marks=pytest.mark.skip(reason=REASON), id="absent")]
    return [
        pytest.param(device, example, id=f"{device}: {example['description']} {i}")
        for device in devices
        if (VECTORS / f"{device}.json").exists()
        for i, example in enumerate(
            json.loads((VECTORS / f"{device}.json").read_text())["examples"]
        )
    ]


def same(ours: Any, theirs: Any) -> bool:
    """Equal, numbers within the vendor's last digit of a double."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, (int, float)):
        return math.isclose(ours, theirs, rel_tol=1e-12, abs_tol=1e-12)
    return type(ours) is type(theirs) and ours == theirs


def refused(example: dict[str, Any]) -> bool:
    """Whether the vendor's codec reports an error, in either of the ways they do."""
    return "errors" in example or "error" in example.get("data", {})


@pytest.mark.parametrize(("device", "example"), cases())
def test_vendor_fields_equal_the_published_ones(device: str, example: dict[str, Any]) -> None:
    """Equal, or refused by both, or a deviation that the device file documents."""
    payload = bytes.fromhex(example["bytes"])
    outcome, vendor = catalogue().decode_with_vendor(device, example["f_port"], payload)
    documented = {
        (d.port, d.bytes.upper()) for d in catalogue().device(device).file.deviations if d.why
    }
    if (example["f_port"], example["bytes"].upper()) in documented:
        assert not same(vendor, example.get("data")), "documented as deviating, but it does not"
    elif refused(example):
        assert isinstance(outcome, Undecoded)
    else:
        assert same(vendor, example["data"])


@pytest.mark.skipif(not VECTORS.is_dir(), reason=REASON)
def test_the_first_five_device_types_have_vectors() -> None:
    """The parametrised test above really ran over them."""
    ids = {case.values[0] for case in cases()}
    assert {
        "dragino/lse01",
        "decentlab/dl-atm41",
        "milesight/vs133",
        "parametric/pcr2",
        "bosch/tps110",
    } <= ids
