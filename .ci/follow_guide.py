"""Runs each line of docs/install.md on the machine that it is for, and looks at what came out.

Started by .ci/install in namespaces of its own. `<!-- on: cloud -->` before a block says where it
runs, and holds for the blocks after it; `nowhere` is what needs the internet's names. Only systemd
and ssh are stood in for (.ci/by-hand): they do not run in a chroot.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ADDRESSES = {"cloud": "10.99.0.1", "edge": "10.99.0.2"}
HOSTS = "127.0.0.1 localhost\n10.99.0.1 mqtt.musterstadt.example\n10.99.0.2 rathaus-1.example\n"
PACKAGES = "ca-certificates curl mosquitto python3-venv postgresql mosquitto-clients"
DEBIAN_STARTS = {"mosquitto": "usr/sbin/mosquitto", "postgresql": "usr/bin/psql"}
STORES = ("var/cache/apt/archives", "var/lib/apt/lists", "root/wheels")
"""What is fetched once, for both: they have no way to the internet."""
EXPECTED = {
    "dist/install.sh cloud": r"^current     /opt/stadtsinn/releases/",
    "dist/install.sh edge": r"^current     /opt/stadtsinn/releases/",
    "dist/install.sh back": r"^current     /opt/stadtsinn/releases/",
    "cloud check --connect": r"keeps messages for a client that is away",
    "edge check --connect": r"mqtt\.musterstadt\.example.*keeps messages|keeps messages",
    ":8000/healthz": r'^."ok": ?true',
    ":9801/healthz": r'^."ok":',
    "stadtsinn trace": r"✓ series",
    "backup verify": r"sound: log to position",
    "tenant delete": r"musterstadt",
}
"""What has to be said by the block that holds a command."""
PATIENCE_S = 180
_BLOCK = re.compile(r"<!-- on: ([a-z ]+) -->|^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """Commands of the page, and the machine that they are for."""

    machine: str
    newer: bool
    commands: str


def blocks(page: str) -> Iterator[Block]:
    machine, newer = "nowhere", False
    for where, commands in _BLOCK.findall(page):
        if where:
            machine, _, extra = where.partition(" ")
            newer = extra == "with a newer dist"
        else:
            yield Block(machine, newer, commands)
            newer = False


class Machine:
    """A Debian over the bare one, in which a shell of root waits for commands."""

    def __init__(self, name: str, bare: Path, run: Path) -> None:
        self.name = name
        folder = run / name
        self.root = folder / "root"
        for part in ("upper", "work", "root"):
            (folder / part).mkdir(parents=True)
        layers = f"lowerdir={bare},upperdir={folder}/upper,workdir={folder}/work"
        _run("mount", "-t", "overlay", "overlay", "-o", layers, str(self.root))
        _run("mount", "-t", "proc", "proc", str(self.root / "proc"))
        _run("mount", "--rbind", "/dev", str(self.root / "dev"))
        _run("mount", "-t", "tmpfs", "tmpfs", str(self.root / "run"))
        self.write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
        self.write("etc/apt/apt.conf.d/90answers", 'APT::Get::Assume-Yes "true";\n')
        self._shell: subprocess.Popen[str] | None = None

    def write(self, name: str, content: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755)

    def chroot(self, *prefix: str) -> list[str]:
        words = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "DEBIAN_FRONTEND": "noninteractive",
        }
        if prefix:  # without a network
            words |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/root/wheels"}
        registries = [f"{k}={v}" for k, v in os.environ.items() if re.match("PIP_|.*_proxy$", k)]
        settings = [*registries, *(f"{name}={value}" for name, value in words.items())]
        return [*prefix, "env", "-i", *settings, _program("chroot"), str(self.root)]

    def connect(self, address: str, store: Machine, other: Machine) -> None:
        """Give it its network, what was fetched, and the stand-ins; its shell begins."""
        self.write("etc/hosts", HOSTS)
        for stand_in in (Path(__file__).parent / "by-hand").iterdir():
            self.write(f"usr/local/sbin/{stand_in.name}", stand_in.read_text())
        (self.root / "run/systemd/system").mkdir(parents=True)
        (self.root / "other").mkdir()
        _run("mount", "--bind", str(other.root), str(self.root / "other"))
        for name in STORES:
            shutil.copytree(store.root / name, self.root / name, dirs_exist_ok=True)
        _run("ip", "-n", self.name, "link", "set", "lo", "up")
        _run("ip", "-n", self.name, "address", "add", f"{address}/24", "dev", "cable")
        _run("ip", "-n", self.name, "link", "set", "cable", "up")
        inside = self.chroot("ip", "netns", "exec", self.name)
        self._shell = subprocess.Popen(
            [*inside, "sh", "-e"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.do("cd /root")

    def do(self, commands: str) -> str:
        """What the commands said; ends the run where one fails."""
        assert self._shell is not None
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        (self.root / "root/block").write_text(commands)
        self._shell.stdin.write(". /root/block </dev/null 2>&1\necho; echo ---done\n")
        self._shell.stdin.flush()
        said = []
        for line in self._shell.stdout:
            if line == "---done\n":
                return "".join(said).rstrip() + "\n"
            said.append(line)
        sys.exit(f"{self.name}: a command failed:\n{commands}\n{''.join(said)}")

    def start_what_debian_starts(self) -> None:
        """As a package's installation does where systemd runs."""
        for service, program in DEBIAN_STARTS.items():
            marker = self.root / f"run/started-{service}"
            if (self.root / program).exists() and not marker.exists():
                marker.touch()
                if not (self.root / f"run/by-hand-{service}").exists():
                    self.do(f"systemctl start {service}")


def _program(name: str) -> str:
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") or sys.exit(f"no {name} here")


def _run(*command: str) -> None:
    subprocess.run([_program(command[0]), *command[1:]], check=True)


def fetch(store: Machine, dist: Path) -> None:
    """Debian's packages and Python's, from where this machine gets them."""
    shutil.copytree(dist, store.root / "root/dist")
    script = f"""
        apt-get update -q
        apt-get install -q -y --download-only {PACKAGES}
        apt-get install -q -y --no-install-recommends python3-venv
        cd /root
        python3 -m venv v
        v/bin/pip wheel -q -w wheels -c dist/constraints.txt $(ls dist/*.whl)[cli,cloud]
        rm wheels/stadtsinn-*
    """
    done = subprocess.run(
        [*store.chroot(), "sh", "-ec", script], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"nothing could be fetched:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def follow(block: Block, machine: Machine) -> str:
    """Run a block, again where it shows what takes a moment, until it says what it should."""
    expected = [text for command, text in EXPECTED.items() if command in block.commands]
    end = time.monotonic() + PATIENCE_S
    while True:
        said = machine.do(block.commands)
        missing = [text for text in expected if not re.search(text, said, re.MULTILINE)]
        if not missing:
            return said
        if time.monotonic() > end or "trace" not in block.commands:
            sys.exit(f"{machine.name}: not said: {missing}\n{block.commands}\n{said}")
        time.sleep(2)


def main(page: Path, dist: Path, bare: Path, run: Path) -> None:
    store = Machine("store", bare, run)
    fetch(store, dist)
    Path("/run/netns").mkdir(exist_ok=True)
    _run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
    machines = {name: Machine(name, bare, run) for name in ADDRESSES}
    for name in machines:
        _run("ip", "netns", "add", name)
    ends = ("cable", "netns", "cloud", "type", "veth", "peer", "name", "cable", "netns", "edge")
    _run("ip", "link", "add", *ends)
    for name, machine in machines.items():
        shutil.copytree(dist, machine.root / "root/dist")
        other = machines["edge" if name == "cloud" else "cloud"]
        machine.connect(ADDRESSES[name], store, other)
    followed = 0
    with (run / "transcript.md").open("w") as transcript:
        for block in blocks(page.read_text()):
            if block.machine == "nowhere":
                continue
            machine = machines[block.machine]
            if block.newer:
                with (machine.root / "root/dist/constraints.txt").open("a") as constraints:
                    constraints.write("# a newer one\n")
            print(f"{block.machine}: {block.commands.strip()}", flush=True)
            said = follow(block, machine)
            machine.start_what_debian_starts()
            transcript.write(f"{block.machine}\n{block.commands}---\n{said}\n")
            transcript.flush()
            followed += 1
    print(f"docs/install.md holds: {followed} blocks, each line ran.")


if __name__ == "__main__":
    main(*(Path(argument).absolute() for argument in sys.argv[1:]))
