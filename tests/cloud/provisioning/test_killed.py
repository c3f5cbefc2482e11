"""Killed behind every call, and applied again: the same as if nothing was. To be killed before a
call is to be killed behind the one before it: nothing else of the process stays."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chirpstack_under_test import Chirpstack, chirpstack_under_test
from provisioned_town import KEY, TOWN, ProvisionedTown, provisioned_town
from stadtsinn.cloud.provisioning.connection import Connection
from stadtsinn.cloud.provisioning.service import apply_order

CALLS = 10
"""Tenants, both devices, three parents, two times device and keys."""


class Killed(BaseException):
    """Passes everything that handles errors, as the end of the process does."""


@pytest.mark.slow
def test_every_call(server: Chirpstack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = Connection.once
    left = 0

    async def killing(self: Connection, method: Any, request: Any) -> Any:
        nonlocal left
        left -= 1
        last = left == 0
        try:
            return await once(self, method, request)
        finally:
            if last:
                raise Killed

    with provisioned_town(server, tmp_path) as town:
        town.with_settings(at_once=1)
        order = town.ordered()
        for number in range(1, CALLS + 2):
            left = number
            monkeypatch.setattr(Connection, "once", killing)
            try:
                apply_order(town.parts, TOWN, order)
            except Killed:
                pass
            else:
                break
            finally:
                monkeypatch.undo()
            apply_order(town.parts, TOWN, order)
            _as_wanted(town)
            town.remove_from_server()
        assert number == CALLS + 1, "each call was one at which it was killed"


def _as_wanted(town: ProvisionedTown) -> None:
    assert town.listed() == {
        "tenants": [town.name],
        "applications": ["stadtsinn"],
        "profiles": ["dragino/lse01"],
    }
    for number, dev_eui in enumerate(town.euis[:2], 1):
        assert town.at_server(dev_eui).name == town.registered()[dev_eui] == f"Eiche {number}"
        assert town.keys_at_server(dev_eui).nwk_key == f"{KEY[:-1]}{number}"


CHILD = """
import sys
from pathlib import Path
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.platform.limits.model import DEFAULTS
from stadtsinn.cloud.provisioning.order import OrderFile
from stadtsinn.cloud.provisioning.service import Installation, apply_order
from stadtsinn.cloud.provisioning.settings import ProvisioningSettings
from provisioned_town import NOW, TOWN

folder, address, key_file = sys.argv[1:]
settings = ProvisioningSettings(address=address, api_key=Secret.at(f"file:{key_file}"))
database = open_database(f"sqlite:///{folder}/town.sqlite")
with OrderFile.held(Path(folder), TOWN) as file:
    order = file.read()
    applied = apply_order(Installation(database, DEFAULTS, settings, NOW), TOWN, order)
    file.write(order.after(set()))
"""


@pytest.fixture
def own_server() -> Iterator[Chirpstack]:
    with chirpstack_under_test() as one:
        if one.fake is None:
            pytest.skip("a real server kills nobody on request")
        yield one


@pytest.mark.slow
@pytest.mark.nightly
def test_a_process_that_is_killed(own_server: Chirpstack, tmp_path: Path) -> None:
    """SIGKILL while 32 calls are under way, and between server and registry."""
    from stadtsinn.cloud.provisioning.order import OrderFile

    key_file = tmp_path / "chirpstack.key"
    key_file.write_text(own_server.key)
    with provisioned_town(own_server, tmp_path) as town:
        assert own_server.fake is not None
        with OrderFile.held(tmp_path, TOWN) as file:
            file.write(town.ordered())
        command = [sys.executable, "-c", CHILD, str(tmp_path), town.settings.address, str(key_file)]
        environment = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}
        running: list[subprocess.Popen[bytes]] = []

        def run(**more: str) -> int:
            child = subprocess.Popen(command, env={**environment, **more})
            running.append(child)
            return child.wait()

        own_server.fake.faults.before = lambda number, _method: (
            running[-1].kill() if number == 9 else None
        )
        assert run() == -9
        own_server.fake.faults.forget()
        assert run(STADTSINN_CRASH_AT="provisioning.at_the_server") == -9
        assert run() == 0
        _as_wanted(town)
        with OrderFile.held(tmp_path, TOWN) as file:
            assert file.read().applied
        assert KEY[:-1] not in file.path.read_text()
