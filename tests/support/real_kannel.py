"""A real SMS gateway: Kannel's bearerbox and smsbox, with Debian's fakesmsc as the network.

fakesmsc prints every text it got, so a test counts what a phone would have received. smsbox
goes away when bearerbox dies and is restarted by whoever supervises it: here, by the test.
"""

from __future__ import annotations

import re
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from real_parts import PATIENCE_S, listens, require, wait_until
from stadtsinn.simulator.demo.ports import free_port

USERNAME, PASSWORD = "stadt", "nicht-raten"

_GOT = re.compile(r"Got message \d+: <(\S+) (\S+) text (.*)>")


@dataclass
class Kannel:
    """Use as a context manager; each part can be killed and started again."""

    folder: Path
    send_port: int = field(default_factory=free_port)
    _admin_port: int = field(default_factory=free_port)
    _smsbox_port: int = field(default_factory=free_port)
    _smsc_port: int = field(default_factory=free_port)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.send_port}/cgi-bin/sendsms"

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        for program in ("bearerbox", "fakesmsc", "smsbox"):
            require(program)
        (self.folder / "kannel.conf").write_text(self._config())
        self.start("bearerbox")
        self.start("fakesmsc")
        self.start("smsbox")
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for name in ("smsbox", "fakesmsc", "bearerbox"):
            self.kill(name)

    def start(self, name: str) -> None:
        """Start a part and wait until it can be used."""
        config = str(self.folder / "kannel.conf")
        commands = {
            "bearerbox": [config],
            # One message from the phone's side: fakesmsc stops when it has nothing to send.
            "fakesmsc": ["-H", "127.0.0.1", "-r", str(self._smsc_port), "-m", "0", "1 2 text x"],
            "smsbox": [config],
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [str(require(name)), *commands[name]], stdout=log, stderr=log, cwd=self.folder
            )
        ready = {
            "bearerbox": lambda: listens(self._smsbox_port) and listens(self._admin_port),
            "fakesmsc": lambda: True,
            "smsbox": lambda: listens(self.send_port),
        }
        wait_until(ready[name], f"{name} is ready")

    def kill(self, name: str) -> None:
        """SIGKILL, and wait until it is gone."""
        process = self._running.pop(name, None)
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE_S)

    def received(self) -> list[tuple[str, str]]:
        """(number, text) of every message that reached the network, in order."""
        log = (self.folder / "fakesmsc.log").read_text(encoding="utf-8", errors="replace")
        return [(number, text) for _sender, number, text in _GOT.findall(log)]

    def texts(self) -> list[str]:
        return [text for _, text in self.received()]

    def _config(self) -> str:
        store = self.folder / "store"
        return f"""
group = core
admin-port = {self._admin_port}
admin-interface = 127.0.0.1
admin-password = {PASSWORD}
smsbox-port = {self._smsbox_port}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
store-type = file
store-location = "{store}"
dlr-storage = internal
log-level = 0

group = smsc
smsc = fake
smsc-id = network
port = {self._smsc_port}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {self._smsbox_port}
sendsms-port = {self.send_port}
sendsms-interface = 127.0.0.1
global-sender = Musterstadt
log-level = 0

group = sendsms-user
username = {USERNAME}
password = {PASSWORD}
max-messages = 5
concatenation = true

group = sms-service
keyword = default
text = "x"
"""
