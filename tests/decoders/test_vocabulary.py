"""The vocabulary: complete entries, near matches, unit conversions."""

from __future__ import annotations

import pytest

from device_examples import device_types
from stadtsinn.decoders.vocabulary import QUANTITIES, VocabularyError, conversion, quantity


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_quantity_is_complete(name: str) -> None:
    """Unit, both labels and a range that is not empty."""
    known = quantity(name)
    assert known.name == name
    assert known.unit
    assert known.label_de
    assert known.label_en
    assert known.low < known.high


def test_counters_start_at_0_and_fit_32_bits() -> None:
    """The largest reading of a 32-bit counter is plausible."""
    for known in QUANTITIES.values():
        if known.aggregate == "counter":
            assert known.low == 0
            assert known.high >= 2**32 - 1


def test_an_unknown_quantity_names_near_ones() -> None:
    """The message lists similar names."""
    with pytest.raises(VocabularyError, match="unknown quantity 'soil_moist'; near: soil_moisture"):
        quantity("soil_moist")


def test_units_are_converted_or_refused() -> None:
    """A unit without a conversion is an error."""
    assert conversion("kPa", quantity("atmospheric_pressure")) == (10, 1)
    assert conversion("hPa", quantity("atmospheric_pressure")) == (1, 1)
    with pytest.raises(VocabularyError, match=r"'psi' does not fit .* allowed: hPa, Pa, bar, kPa"):
        conversion("psi", quantity("atmospheric_pressure"))


def test_every_quantity_is_measured_by_some_device() -> None:
    """The vocabulary has no unused quantities."""
    used = {slot.quantity for device in device_types() for slot in device.fields}
    assert set(QUANTITIES) == used
