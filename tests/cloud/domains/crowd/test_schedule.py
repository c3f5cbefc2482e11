"""The nightly reset in Europe/Berlin, also in the nights when the clock changes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from stadtsinn.base.instant import DAY, HOUR, isoformat, parse
from stadtsinn.cloud.domains.crowd.schedule import last_reset, next_reset, resets_between


@pytest.mark.parametrize(
    ("after", "reset_at", "expected"),
    [
        pytest.param("2026-07-01T12:00+02:00", "04:00", "2026-07-02T04:00+02:00", id="summer"),
        pytest.param("2026-12-01T12:00+01:00", "04:00", "2026-12-02T04:00+01:00", id="winter"),
        pytest.param("2026-03-28T12:00+01:00", "04:00", "2026-03-29T04:00+02:00", id="23 hours"),
        pytest.param("2026-10-24T12:00+02:00", "04:00", "2026-10-25T04:00+01:00", id="25 hours"),
        pytest.param(
            "2026-03-28T12:00+01:00", "02:30", "2026-03-29T02:30+01:00", id="a time left out"
        ),
        pytest.param(
            "2026-10-24T12:00+02:00", "02:30", "2026-10-25T02:30+02:00", id="a time that is twice"
        ),
        pytest.param(
            "2026-10-25T02:30+02:00", "02:30", "2026-10-26T02:30+01:00", id="but counts once"
        ),
        pytest.param("2026-07-01T23:30+02:00", "00:00", "2026-07-02T00:00+02:00", id="midnight"),
        pytest.param("2026-07-02T03:59+02:00", "04:00", "2026-07-02T04:00+02:00", id="same day"),
    ],
)
def test_the_reset_after_a_moment(after: str, reset_at: str, expected: str) -> None:
    assert next_reset(parse(after), reset_at) == parse(expected)


@pytest.mark.parametrize("reset_at", ["00:00", "02:00", "02:30", "03:00", "04:00", "23:59"])
@pytest.mark.parametrize(("month", "hours"), [("03", 23), ("10", 25)])
def test_one_reset_a_day_all_through_the_change(reset_at: str, month: str, hours: int) -> None:
    day = {"03": "27", "10": "23"}[month]
    start = parse(f"2026-{month}-{day}T12:00+01:00")
    resets = resets_between(start, start + 4 * DAY, reset_at)
    assert len(resets) == 4
    gaps = {later - earlier for earlier, later in pairwise(resets)}
    assert hours * HOUR in gaps or reset_at == "02:30"
    assert gaps <= {24 * HOUR, hours * HOUR}


def test_a_moment_of_reset_belongs_to_the_day_it_begins() -> None:
    reset = parse("2026-07-02T04:00+02:00")
    assert last_reset(reset, "04:00") == reset
    assert last_reset(reset - 1, "04:00") == reset - DAY
    assert next_reset(reset, "04:00") == reset + DAY
    assert isoformat(reset) == "2026-07-02T02:00:00Z"
