"""One ChirpStack for a file, a tenant of it for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chirpstack_under_test import Chirpstack, chirpstack_under_test, tenant_of_ones_own
from provisioned_town import ProvisionedTown, provisioned_town


@pytest.fixture(scope="module")
def server() -> Iterator[Chirpstack]:
    with chirpstack_under_test() as one:
        yield one


@pytest.fixture
def tenant_id(server: Chirpstack) -> Iterator[str]:
    if server.fake is not None:
        server.fake.faults.forget()
    with tenant_of_ones_own(server) as one:
        yield one
        if server.fake is not None:
            server.fake.faults.forget()


@pytest.fixture
def town(server: Chirpstack, tmp_path: Path) -> Iterator[ProvisionedTown]:
    with provisioned_town(server, tmp_path) as one:
        yield one
