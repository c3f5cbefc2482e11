"""One broker for a module's tests; each takes edges of its own name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from town_broker import TownBroker


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TownBroker]:
    with TownBroker(tmp_path_factory.mktemp("town")) as running:
        yield running
