"""Installs an edge on the arm64 machine that .ci/arm64 has laid, and tries it there.

`install` runs hardware/install.sh. `try` runs without the internet: payloads decoded, the
configuration checked, then broker and agent, whose uplinks go over TLS to a centre on this machine.
systemd does not run under qemu-user: broker and agent are started by the commands of their units.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import uuid
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import paho.mqtt.publish
from follow_guide import environment, program

if TYPE_CHECKING:
    from paho.mqtt.publish import MessagesList

BROKER = "mqtt.musterstadt.example"
EDGE = "rathaus-1"
DEVICE = "70b3d57ed0005678"
FRAME = "CE2900F107A5099B6E2890"
AGENT = "http://127.0.0.1:9801"
BURST = 50
"""Uplinks in one commit of the agent: enough for the kernel to decode them."""
CENTRES_PORT = 1884
"""Of its broker, for itself: 1883 is the edge's, and both are in one network here."""
PATIENCE_S = 1800
"""Bounds hanging only: emulated programs are slow."""


class Edge:
    """The arm64 machine, below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *command: str, user: str = "root") -> str:
        """What a command says; ends the run where it fails."""
        print("edge:", *command, flush=True)
        return said(self._inside(user, command))

    def start(self, *command: str, user: str, log: Path) -> None:
        """Start a service. It ends with the namespaces of this run."""
        with log.open("w") as output:
            subprocess.Popen(self._inside(user, command), stdout=output, stderr=output)

    def unit(self, path: str) -> dict[str, list[str]]:
        """The settings of a unit that hold for the commands here."""
        text = (self.root / path).read_text(encoding="utf-8")
        names = ("ExecStartPre", "ExecStart", "Environment")
        return {name: re.findall(rf"^{name}=(.*)$", text, re.MULTILINE) for name in names}

    def _inside(self, user: str, command: tuple[str, ...]) -> list[str]:
        chroot = ("env", "-i", *environment(), program("chroot"), str(self.root))
        return [*chroot, "runuser", "-u", user, "--", *command]


class Centre:
    """The town's broker and cloud, from this checkout, in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._authority = ("--folder", str(folder / "ca"))
        self.certificates = folder / "ca" / "clients" / EDGE

    def start(self) -> None:
        self.run("ca", "create", "--name", "Stadt Musterstadt", *self._authority)
        self.run("ca", "server", BROKER, *self._authority)
        self.run("ca", "edge", EDGE, "--tenant", "musterstadt", *self._authority)
        folders = ("--to", str(self.folder), "--ca", str(self.folder / "ca"))
        where = (*folders, "--passwords", str(self.folder), "--owner", "root")
        self.run("broker", "write", *where, f"--local-port={CENTRES_PORT}")
        broker = self.folder / "mosquitto.conf"
        broker.write_text(f"user root\ninclude_dir {self.folder}/conf.d\n")
        self._start("mosquitto.log", program("mosquitto"), "-c", str(broker))
        config, town = self.folder / "cloud.toml", self.folder / "town.toml"
        text = self.run("cloud", "config-example")
        text = text.replace("port = 1883", f"port = {CENTRES_PORT}", 1)
        own = r'^# (username = "ingest"|password_file = "ingest.password")'
        config.write_text(re.sub(own, r"\1", text, flags=re.MULTILINE))
        town.write_text(self.run("registry", "example"))
        self.run("registry", "apply", str(town), "--config", str(config))
        self._start("cloud.log", *stadtsinn("cloud", "run", "--config", str(config)))

    def run(self, *words: str) -> str:
        return said(stadtsinn(*words))

    def trace(self) -> str:
        config = ("--config", str(self.folder / "cloud.toml"))
        return said(stadtsinn("trace", DEVICE, *config), may_fail=True)

    def _start(self, log: str, *command: str) -> None:
        with (self.folder / log).open("w") as output:
            subprocess.Popen(command, stdout=output, stderr=output, cwd=self.folder)


def stadtsinn(*words: str) -> list[str]:
    """The command of this checkout."""
    return [sys.executable, "-m", "stadtsinn.cli", *words]


def said(command: list[str], *, may_fail: bool = False) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and not may_fail:
        sys.exit(f"failed: {command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def wait_until(condition: Callable[[], bool], what: str, shown: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited in vain: {what}\n{shown()}")
        time.sleep(1)


def asked(path: str) -> str:
    """What the agent says of itself; empty while it does not listen."""
    try:
        return httpx.get(AGENT + path, timeout=60).text
    except httpx.TransportError:
        return ""


def is_well() -> bool:
    return bool(json.loads(asked("/healthz") or "{}").get("ok"))


def decoded_by(decoder: str) -> int:
    found = re.search(rf'decoded_total{{decoder="{decoder}"}} ([\d.]+)', asked("/metrics"))
    return int(float(found[1])) if found else 0


def publish(first: int) -> None:
    """A burst of uplinks as ChirpStack writes them, counted from `first`."""
    application = "7a779d4e-06a2-4fb5-ae22-be6384c35edf"
    messages: MessagesList = []
    for number in range(first, first + BURST):
        event = {
            "deduplicationId": str(uuid.uuid4()),
            "time": datetime.now(UTC).isoformat(),
            "deviceInfo": {
                "applicationId": application,
                "devEui": DEVICE,
                "deviceProfileName": "dragino/lse01",
                "deviceName": "Bodensensor",
            },
            "devAddr": "01e8b740",
            "fCnt": number,
            "fPort": 2,
            "data": b64encode(bytes.fromhex(FRAME)).decode(),
        }
        topic = f"application/{application}/device/{DEVICE}/event/up"
        messages.append({"topic": topic, "payload": json.dumps(event), "qos": 1})
    paho.mqtt.publish.multiple(messages, hostname="127.0.0.1", port=1883)


def install(edge: Edge, kind: str) -> None:
    print(edge.run("uname", "-m").strip(), edge.run("python3", "-V").strip())
    print(edge.run("sh", "/root/dist/install.sh", kind, "/root/dist"))
    print(edge.run("du", "-sh", "/opt/stadtsinn/releases"))


def decodes(edge: Edge) -> None:
    """Payloads by hand, and a vendor's examples: with numba, interpreter against kernel."""
    decode = ("decode", "dragino/lse01", "--f-port", "2", FRAME, "--json")
    here, there = said(stadtsinn(*decode)), edge.run("stadtsinn", *decode, user="stadtsinn")
    if here != there or "19.57" not in there:
        sys.exit(f"decoded otherwise than here:\n{there}\n{here}")
    print(there)
    (devices,) = edge.root.glob("opt/stadtsinn/releases/*/lib/*/*/stadtsinn/decoders/devices")
    vendor = f"/{devices.relative_to(edge.root)}/dragino"
    proven = edge.run(
        "stadtsinn", "decoders", "check", vendor, "--noise", "20", user="stadtsinn"
    ).splitlines()
    print(f"{len(proven)} device types:", proven[-1])


def starts(edge: Edge, run: Path, centre: Centre) -> None:
    """The services of the page's step 4."""
    (edge.root / "etc/hosts").write_text(f"127.0.0.1 localhost {BROKER}\n")
    for path in centre.certificates.iterdir():
        copy = edge.root / "etc/stadtsinn" / path.name
        copy.write_bytes(path.read_bytes())
        edge.run("chgrp", "stadtsinn", f"/etc/stadtsinn/{path.name}")
        copy.chmod(0o640)
    broker = edge.unit("usr/lib/systemd/system/mosquitto.service")
    for prepared in broker["ExecStartPre"]:
        edge.run(*prepared.split())
    edge.start(*broker["ExecStart"][0].split(), user="root", log=run / "mosquitto.log")
    agent = edge.unit("etc/systemd/system/stadtsinn-edge.service")
    checks = ["stadtsinn", "edge", "check", "--config", "/etc/stadtsinn/edge.toml"]
    print(edge.run(*checks, user="stadtsinn"))
    print(edge.run(*checks, "--connect", user="stadtsinn"))
    command = ("env", *agent["Environment"], *agent["ExecStart"][0].split())
    edge.start(*command, user="stadtsinn", log=run / "agent.log")


def delivers(run: Path, kind: str, centre: Centre) -> None:
    """The agent is well, decodes by what its kind has, and the centre has all of it."""
    logs = lambda: (run / "agent.log").read_text()[-3000:]  # noqa: E731
    wait_until(is_well, "the agent is well", logs)
    loading = "the kernel is being loaded"
    wait_until(lambda: loading not in asked("/healthz"), "the kernel is loaded or not", logs)
    print(asked("/healthz"))
    sent = 0

    def decoded() -> bool:
        nonlocal sent
        publish(sent + 1)
        sent += BURST
        wait_until(
            lambda: f"up to position {sent}" in asked("/healthz"), "all is acknowledged", logs
        )
        return decoded_by("kernel" if kind == "edge" else "interpreter") > 0

    wait_until(decoded, "a burst is decoded by what this kind decodes with", logs)
    trace = ""

    def arrived() -> bool:
        nonlocal trace
        trace = centre.trace()
        return "Nothing is missing" in trace

    wait_until(arrived, "the centre has it all", lambda: trace)
    print(trace)
    print(f"{kind} on arm64: {sent} uplinks delivered, {decoded_by('kernel')} by the kernel")


def main(verb: str, run: Path, kind: str) -> None:
    edge, began = Edge(run / "root"), time.monotonic()
    if verb == "install":
        install(edge, kind)
    else:
        subprocess.run([program("ip"), "link", "set", "lo", "up"], check=True)
        decodes(edge)
        centre = Centre(run / "centre")
        centre.start()
        starts(edge, run, centre)
        delivers(run, kind, centre)
    print(f"{verb} {kind}: {(time.monotonic() - began) / 60:.0f} minutes", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
