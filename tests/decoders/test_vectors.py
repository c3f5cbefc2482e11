"""Conformance: the vendors' published payloads, byte for byte, against our vendor fields."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from conformance import PROFILES, VECTORS, Vector, vectors, verdict
from stadtsinn.decoders.catalogue import catalogue

REASON = f"no published vectors at {VECTORS}; they are not part of the product"


def cases() -> list[Any]:
    if not VECTORS.is_dir():
        return [pytest.param("", (), marks=pytest.mark.skip(reason=REASON), id="absent")]
    by_device: dict[str, list[Vector]] = defaultdict(list)
    for vector in vectors():
        by_device[vector.device].append(vector)
    return [pytest.param(device, found, id=device) for device, found in by_device.items()]


CASES = cases()


@pytest.mark.parametrize(("device", "published"), CASES)
def test_vendor_fields_equal_the_published_ones(device: str, published: list[Vector]) -> None:
    """Equal, or refused by both, or a deviation that the device file documents with the reason."""
    failing = [v for v in published if verdict(v) == "failing"]
    assert [(v.f_port, v.payload.hex(), v.source) for v in failing] == []


@pytest.mark.skipif(not VECTORS.is_dir(), reason=REASON)
def test_the_catalogue_is_covered_by_vectors() -> None:
    """The parametrised test above has cases of all device types and of both sources."""
    assert {case.values[0] for case in CASES} == set(catalogue())
    assert PROFILES.exists()
