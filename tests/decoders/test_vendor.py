"""Numbers are printed as JavaScript prints them."""

from __future__ import annotations

import pytest

from stadtsinn.decoders.vendor import javascript_text, to_fixed


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (24.59, 2, "24.59"),
        (0.125, 2, "0.13"),
        (-0.125, 2, "-0.13"),
        (1.005, 2, "1.00"),
        (-0.001, 2, "-0.00"),
        (-0.0, 1, "0.0"),
        (3276.7, 0, "3277"),
        (2.5, 0, "3"),
    ],
)
def test_to_fixed_is_that_of_javascript(value: float, decimals: int, text: str) -> None:
    """Halves away from zero on the exact binary value (checked in Node 20)."""
    assert to_fixed(value, decimals) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (25.0, "25"),
        (-9.9, "-9.9"),
        (0.00001, "0.00001"),
        (1.5e-7, "1.5e-7"),
        (1e21, "1e+21"),
        (123456789012345680000.0, "123456789012345680000"),
    ],
)
def test_numbers_in_texts_are_those_of_javascript(value: float, text: str) -> None:
    """As String(number) prints them (checked in Node 20)."""
    assert javascript_text(value) == text
