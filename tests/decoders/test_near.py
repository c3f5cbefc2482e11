"""Whoever writes what stands on a device is told its id."""

from __future__ import annotations

import pytest

from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.near import near_devices


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("LSE01", "dragino/lse01"),
        ("lse-01", "dragino/lse01"),
        ("Dragino LSE01", "dragino/lse01"),
        ("dragino/lse1", "dragino/lse01"),
        ("LSE01 Soil Moisture Sensor", "dragino/lse01"),
        ("EM300-TH-868M", "milesight/em300-th"),
        ("Milesight EM500-SMTC", "milesight/em500-smtc"),
        ("VS-133", "milesight/vs133"),
        ("DL-ATM41", "decentlab/dl-atm41"),
    ],
)
def test_the_meant_one_comes_first(written: str, meant: str) -> None:
    assert near_devices(written, list(catalogue()))[0] == meant


@pytest.mark.parametrize("written", ["", "x", "thermometer of the town hall"])
def test_what_is_like_nothing_gets_no_hint(written: str) -> None:
    assert near_devices(written, list(catalogue())) == []


def test_the_catalogue_says_so() -> None:
    assert "near: dragino/lse01" in catalogue().unknown("LSE01")
