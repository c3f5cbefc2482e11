"""The edge agent as a child process, with a configuration in a folder of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from real_parts import PATIENCE_S, dies_with_the_test, wait_until

CONFIG = """\
edge_id = "rathaus-1"
[local_broker]
port = {local}
{local_options}
[cloud_broker]
host = "127.0.0.1"
port = {cloud}
[spool]
path = "spool.sqlite"
[commit]
rows = {rows}
seconds = {seconds}
[delivery]
window = {window}
batch_items = {batch_items}
ack_timeout_seconds = {ack_timeout}
[health]
address = "127.0.0.1:0"
"""


class RealEdge:
    """One agent that can be started, killed and started again on the same spool."""

    def __init__(
        self,
        folder: Path,
        local: int,
        cloud: int,
        *,
        rows: int = 10,
        seconds: float = 0.2,
        window: int = 2,
        batch_items: int = 10,
        ack_timeout: float = 1.0,
        local_options: str = "",
        extra: str = "",
        clock: Path | None = None,
    ) -> None:
        """`clock`: the file of a shared clock; without one the machine's."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.spool = folder / "spool.sqlite"
        self._config = folder / "edge.toml"
        self._config.write_text(
            CONFIG.format(
                local=local,
                local_options=local_options,
                cloud=cloud,
                rows=rows,
                seconds=seconds,
                window=window,
                batch_items=batch_items,
                ack_timeout=ack_timeout,
            )
            + extra
        )
        self._clock = [] if clock is None else ["--clock", f"shared:{clock}"]
        self._log_start = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def log(self) -> str:
        return (self.folder / "edge.log").read_text(errors="replace")

    def start(self, crash_at: str = "") -> None:
        """Returns when the process runs; see `wait_ready`."""
        environment = {**os.environ, "STADTSINN_CRASH_AT": crash_at}
        edge = [sys.executable, "-m", "stadtsinn.cli", "edge", "run", "-c", str(self._config)]
        command = [*dies_with_the_test(), *edge, *self._clock]
        with (self.folder / "edge.log").open("ab") as log:
            self._log_start = log.tell()
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def wait_ready(self) -> None:
        """Until this process has started, and has its sessions at both brokers."""
        wanted = (["edge_started"], *(["broker_connected", side] for side in ("local", "cloud")))
        wait_until(lambda: all(self._said(*one) for one in wanted), "the agent is connected")

    def _said(self, *texts: str) -> bool:
        """Has a whole line of this process's log all these values?"""
        log = (self.folder / "edge.log").read_bytes()[self._log_start :].decode()
        lines = log.rpartition("\n")[0].splitlines()
        return any(all(f'"{text}"' in line for text in texts) for line in lines)

    def wait_killed(self) -> None:
        """Until the crash point was reached."""
        assert self.process is not None
        code = self.process.wait(PATIENCE_S)
        assert code == -signal.SIGKILL, f"ended with {code}: {self.log()[-2000:]}"

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
