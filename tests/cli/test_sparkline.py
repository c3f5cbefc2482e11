"""Values as small bars."""

from __future__ import annotations

import pytest

from stadtsinn.cli.sparkline import sparkline


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([None, None], ""),
        ([5.0], "▁"),
        ([1.0, 1.0], "▁▁"),
        ([0.0, 7.0], "▁█"),
        ([0.0, None, 3.0, 7.0], "▁·▄█"),
        ([-10.0, 10.0, 0.0], "▁█▅"),
    ],
)
def test_values_become_bars(values: list[float | None], line: str) -> None:
    assert sparkline(values) == line
