"""Parameters of which the telling ones run each time, and the others with `make test-nightly`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def others_by_night(values: Iterable[Any], telling: Collection[Any]) -> list[Any]:
    """`values` as they come, those that are not `telling` marked nightly."""
    by_night = pytest.mark.nightly
    return [one if one in telling else pytest.param(one, marks=by_night) for one in values]
