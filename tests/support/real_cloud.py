"""`stadtsinn cloud run` as a process of its own, for tests that kill it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from databases import migrated_database
from fake_uplinks import at, furnish
from loaded_child import LoadedCommand
from real_parts import wait_until
from stadtsinn.base.clock import SharedClock
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.simulator.demo.children import Child, ChildFailed
from stadtsinn.simulator.demo.ports import free_port
from stadtsinn.simulator.demo.probe import healthy


class RealCloud:
    """One folder with database, clock and configuration; processes come and go.

    The clock stands at ten o'clock of the test's morning.
    """

    def __init__(self, folder: Path, broker_port: int, extra: str = "") -> None:
        self.folder = folder
        self.database: Database = migrated_database(folder / "stadtsinn.sqlite")
        furnish(self.database)
        self.health_port = free_port()
        self.clock = folder / "clock"
        SharedClock.create(self.clock, at(3600))
        self.config = folder / "cloud.toml"
        self.config.write_text(
            f"""
[database]
url = "sqlite:///{folder / "stadtsinn.sqlite"}"
[series]
url = "sqlite:///{folder / "series.sqlite"}"
[broker]
port = {broker_port}
[ingest]
max_messages = 7
[[network_servers]]
name = "town"
[health]
bind = "127.0.0.1:{self.health_port}"
{extra}
"""
        )

    def process(self, roles: Sequence[str], crash_at: str = "") -> Child:
        """A process with these roles, not started; `crash_at` as in `crash_points`."""
        only = [argument for role in roles for argument in ("--only", role)]
        return LoadedCommand(
            "-".join(roles),
            [
                "cloud",
                "run",
                "--config",
                str(self.config),
                "--clock",
                f"shared:{self.clock}",
                *only,
            ],
            self.folder / f"{roles[0]}.log",
            {"STADTSINN_CRASH_AT": crash_at},
        )

    def wait_healthy(self) -> None:
        wait_until(lambda: healthy(self.health_port), "the process is healthy")


def wait_dead(child: Child) -> None:
    """Wait until a process has been killed at its crash point."""

    def log_tail() -> str:
        try:
            child.check()
        except ChildFailed as failed:
            return str(failed)
        return ""

    wait_until(lambda: log_tail() != "", f"{child.name} reaches its crash point")
    assert "code -9" in log_tail()
