"""An edge agent on a thread of the test, on a spool that may be copied, restored and shared."""

from __future__ import annotations

import json
import shutil
import threading
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from real_parts import PATIENCE_S, wait_until
from stadtsinn.base.clock import Clock
from stadtsinn.edge.agent.agent import EdgeAgent
from stadtsinn.edge.agent.decoding import Decode, KernelUnavailable, decode_one_by_one
from stadtsinn.edge.agent.settings import parse_settings


def no_kernel(_: threading.Event) -> Decode:
    """The agent decodes with the interpreter."""
    raise KernelUnavailable("not loaded in this test")


class RunningAgent:
    """One agent: a folder with its spool, which survives `stop` and `start`."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        local: int,
        cloud: int,
        *,
        edge_id: str = "rathaus",
        delivery: str = "window = 2, batch_items = 10, ack_timeout_seconds = 1",
        keep_hours: float = 48,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.spool = folder / "spool.sqlite"
        self._clock = clock
        self._text = f"""
            edge_id = "{edge_id}"
            local_broker = {{ port = {local} }}
            cloud_broker = {{ host = "127.0.0.1", port = {cloud}, reconnect_seconds = 1 }}
            spool = {{ path = "spool.sqlite", max_megabytes = 5, keep_hours = {keep_hours} }}
            commit = {{ rows = 10, seconds = 0.1 }}
            delivery = {{ {delivery} }}
            health = {{ address = "127.0.0.1:0", status_seconds = 1 }}
        """
        self._agent: EdgeAgent | None = None
        self._thread: threading.Thread | None = None

    @property
    def agent(self) -> EdgeAgent:
        assert self._agent is not None
        return self._agent

    def start(self, wait_for: tuple[str, ...] = ("local_broker", "cloud_broker")) -> None:
        """Returns when it is connected, unless told otherwise."""
        settings = parse_settings(self._text, self.folder / "edge.toml")
        self._agent = EdgeAgent(settings, self._clock, decode_one_by_one, no_kernel)
        self._thread = threading.Thread(target=self._agent.run)
        self._thread.start()
        wait_until(self._listens, "the agent's health page answers")
        for name in wait_for:
            wait_until(lambda: self.check(name)["ok"], f"{name} is connected")  # noqa: B023

    def stop(self) -> None:
        if self._agent is not None and self._thread is not None:
            self._agent.stop()
            self._thread.join(PATIENCE_S)
            assert not self._thread.is_alive()
            self._agent = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def image(self, name: str) -> Path:
        """A copy of the spool as it is on the card; the agent must be stopped."""
        image = self.folder / name
        shutil.copyfile(self.spool, image)
        return image

    def restore(self, image: Path) -> None:
        """Put an image back onto the card."""
        for suffix in ("-wal", "-shm"):
            self.spool.with_name(self.spool.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(image, self.spool)

    def health(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.agent.health_port}/healthz"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            found = json.load(error)
        return found

    def check(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.health()["checks"][name]
        return found

    def warnings(self, name: str) -> str:
        return " | ".join(self.check(name).get("warnings", ()))

    def metric(self, line: str) -> float:
        url = f"http://127.0.0.1:{self.agent.health_port}/metrics"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            for found in answer.read().decode().splitlines():
                if found.startswith(line + " "):
                    return float(found.rpartition(" ")[2])
        return 0.0

    def _listens(self) -> bool:
        try:
            return bool(self.health())
        except (OSError, RuntimeError):
            return False
