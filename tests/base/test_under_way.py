"""How long a step has been under way."""

from __future__ import annotations

import pytest

from stadtsinn.base.under_way import LONG_S, UnderWay


def test_only_a_long_step_is_named() -> None:
    now = [100.0]
    under_way = UnderWay(lambda: now[0])
    now[0] += 1000
    assert (under_way.seconds(), under_way.too_long()) == (0.0, None)
    with under_way.doing("one commit"):
        now[0] += LONG_S - 1
        assert (under_way.seconds(), under_way.too_long()) == (LONG_S - 1, None)
        now[0] += 94 - LONG_S
        assert under_way.too_long() == "one commit under way for 93 s"
    assert (under_way.seconds(), under_way.too_long()) == (0.0, None)


def test_a_step_that_fails_has_ended() -> None:
    now = [0.0]
    under_way = UnderWay(lambda: now[0])
    with pytest.raises(ValueError, match="away"), under_way.doing("one commit"):
        raise ValueError("away")
    now[0] = 1000
    assert under_way.too_long() is None
