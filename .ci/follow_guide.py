"""Runs each line of docs/install.md on the machine that it is for, and compares what came out.

Started by .ci/install in namespaces of its own. The machines are Debians that their systemd has
started (systemd-nspawn), with a cable between them. `<!-- on: cloud -->` before a block says where
it runs, and holds for the blocks after it; `nowhere` is what needs the internet. Beside ssh, what
comes from the internet is stood in for (.ci/by-hand): certbot, and InfluxDB's package.

A block without a language behind one is what its commands say, `…` in it what may be left out.
Numbers and times are not compared. `--write` puts what was said into the page instead.
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
HOSTS = """\
127.0.0.1 localhost
10.99.0.1 mqtt.musterstadt.example stadtsinn.musterstadt.example
10.99.0.2 rathaus-1.example
"""
PACKAGES = "ca-certificates curl mosquitto python3-venv postgresql mosquitto-clients nginx certbot"
STORES = ("var/cache/apt/archives", "var/lib/apt/lists", "root/wheels")
"""What is fetched once, for both: they have no way to the internet."""
EXPECTED = {
    "cloud check --connect": r"keeps messages for a client that is away",
    "edge check --connect": r"^cloud broker .* keeps messages",
    ":8000/healthz": r'^."ok": ?true',
    ":9801/healthz": r'^."ok": ?true',
    "stadtsinn trace": r"✓ series",
    "backup verify": r"sound: log to position",
    "stadtsinn restore": r"^Restored:",
    "tenant delete": r"^'musterstadt' is erased",
}
"""What has to be said by the block that holds a command, whatever else the page shows of it."""
PATIENCE_S = 1800
"""Bounds hanging only: a busy machine is slow. Where the page's own commands wait for two minutes,
which is enough for a machine that has nothing else to do, they wait so long here, too."""
PAGES_PATIENCE = "--retry 120 "
STARTED = f"""
end=$(($(date +%s) + {PATIENCE_S}))
while [ $(date +%s) -lt $end ]; do
    case $(systemctl is-system-running 2>/dev/null) in running | degraded) break ;; esac
    sleep 0.2
done
"""
"""Waits for systemd. "degraded" in a container: some units of a machine have no place there."""
_BLOCK = re.compile(
    r"<!-- on: (.+?) -->|^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_NOT_THERE = re.compile(r'W: (Failed to fetch|Some index files failed)|\{.*"service": "')
"""Lines that nobody would read who follows the page: what apt-get update says without the internet,
and logs, which stadtsinn keeps from a terminal."""
_LOOKS = re.compile(r"curl -f?s|runuser -u stadtsinn -- stadtsinn (trace|edges)|systemctl is-")
"""Lines that change nothing: a block of them is run again until it says what it should."""


@dataclass(frozen=True)
class Block:
    """Commands of the page, the machine that they are for, and what the page shows of them."""

    machine: str
    remark: str
    commands: str
    shown: re.Match[str] | None = None

    @property
    def only_looks(self) -> bool:
        return all(_LOOKS.match(line) for line in self.commands.splitlines())

    def is_said(self, said: str) -> bool:
        if self.shown is None:
            return True
        lines = map(shape, self.shown["text"].splitlines())
        pattern = "\n".join(".*?" if line == "…" else re.escape(line) for line in lines)
        return bool(re.fullmatch(pattern, "\n".join(map(shape, said.splitlines())), re.DOTALL))


def shape(line: str) -> str:
    """A line without what differs from run to run."""
    line = re.sub(r"\b\d+\.\d+\.\d+-[0-9a-f]{8}\b", "RELEASE", line)
    line = re.sub(r"\b[0-9a-f]{6}…", "STREAM", line)
    line = re.sub(r"[+-](?=\d+\.\d s)|(?<=\d) (s|min|h)\b", "", line)
    return " ".join(re.sub(r"\d+", "0", line).split())


def blocks(page: str) -> Iterator[Block]:
    machine, remark, last = "nowhere", "", None
    for found in _BLOCK.finditer(page):
        if found[1]:
            machine, _, remark = found[1].replace(",", "").partition(" ")
        elif found["language"] == "sh":
            if last:
                yield last
            last, remark = Block(machine, remark, found["text"]), ""
        elif last and not found["language"]:
            yield Block(last.machine, last.remark, last.commands, found)
            last = None
    if last:
        yield last


class Machine:
    """A Debian over the bare one."""

    def __init__(self, name: str, bare: Path, run: Path) -> None:
        self.name = name
        self.folder = run / name
        self.root = self.folder / "root"
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True)
        parts = f"upperdir={self.folder}/upper,workdir={self.folder}/work"
        layers = f"lowerdir={bare},{parts}"
        _run("mount", "-t", "overlay", "overlay", "-o", layers, str(self.root))
        self.write("etc/apt/apt.conf.d/90answers", 'APT::Get::Assume-Yes "true";\n')
        self._inside: list[str] = []
        self._shell: subprocess.Popen[str] | None = None

    def write(self, name: str, content: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755)

    def take(self, store: Machine, dist: Path, influxdb: Path) -> None:
        """Lay what was fetched into it, and the stand-ins."""
        self.write("etc/hosts", HOSTS)
        for stand_in in (Path(__file__).parent / "by-hand").iterdir():
            self.write(f"usr/local/sbin/{stand_in.name}", stand_in.read_text())
        for name in STORES:
            shutil.copytree(store.root / name, self.root / name, dirs_exist_ok=True)
        shutil.copytree(dist, self.root / "root/dist")
        shutil.copytree(influxdb, self.root / "root/influxdb")

    def boot(self, address: str, other: Machine) -> None:
        """Start its systemd in its network; a shell of root waits for commands."""
        for command in (
            "link set lo up",
            f"address add {address}/24 dev cable",
            "link set cable up",
        ):
            _run("ip", "-n", self.name, *command.split())
        with (self.folder / "console").open("w") as console:
            started = subprocess.Popen(
                [
                    *(program("systemd-nspawn"), "--quiet", "--boot", "--register=no"),
                    *("--keep-unit", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
                    *("--console=read-only", f"--machine={self.name}", f"--directory={self.root}"),
                    f"--network-namespace-path=/run/netns/{self.name}",
                    f"--bind={other.root}:/other",
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )
        self._inside = [
            *(
                program("nsenter"),
                f"--target={self._leader(started)}",
                "--mount",
                "--uts",
                "--ipc",
            ),
            *("--net", "--pid", "--cgroup", "--root", "--wd", "/usr/bin/env", "-i"),
            *environment(PIP_NO_INDEX="1", PIP_FIND_LINKS="/root/wheels"),
        ]
        self._shell = subprocess.Popen(
            [*self._inside, "sh", "-e"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.do(STARTED)

    def _leader(self, started: subprocess.Popen[bytes]) -> int:
        """The process that is systemd in there."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and started.poll() is None:
            children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text()
            for child in map(int, children.split()):
                named = Path(f"/proc/{child}/comm").read_text().strip()
                if named == "systemd":
                    return child
            time.sleep(0.2)
        sys.exit(f"{self.name} did not start: {(self.folder / 'console').read_text()[-3000:]}")

    def do(self, commands: str) -> str:
        """What the commands said; ends the run where one fails."""
        assert self._shell is not None
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        (self.root / "root/block").write_text(commands)
        self._shell.stdin.write(". /root/block </dev/null 2>&1\necho; echo ---done\n")
        self._shell.stdin.flush()
        said: list[str] = []
        for line in self._shell.stdout:
            if line == "---done\n":
                return "".join(said).rstrip() + "\n"
            if not _NOT_THERE.match(line):
                said.append(line.rstrip() + "\n")
        subprocess.run([*self._inside, "journalctl", "--no-pager", "--lines=60"], check=False)
        sys.exit(f"{self.name}: a command failed:\n{commands}\n{''.join(said)}")


def environment(**more: str) -> list[str]:
    """For `env -i`: what a login of root has, and how this machine reaches its registries."""
    words = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "DEBIAN_FRONTEND": "noninteractive",
        **more,
    }
    registries = [f"{k}={v}" for k, v in os.environ.items() if re.match("PIP_|.*_proxy$", k)]
    return [*registries, *(f"{name}={value}" for name, value in words.items())]


def program(name: str) -> str:
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") or sys.exit(f"no {name} here")


def _run(*command: str) -> None:
    subprocess.run([program(command[0]), *command[1:]], check=True)


def fetch(store: Machine, dist: Path) -> None:
    """Debian's packages and Python's, from where this machine gets them."""
    shutil.copytree(dist, store.root / "root/dist")
    _run("mount", "-t", "proc", "proc", str(store.root / "proc"))
    _run("mount", "--rbind", "/dev", str(store.root / "dev"))
    script = f"""
        apt-get update -q
        apt-get install -q -y --download-only {PACKAGES}
        apt-get install -q -y --no-install-recommends python3-venv
        cd /root
        python3 -m venv v
        v/bin/pip wheel -q --use-pep517 -w wheels \\
            -c dist/constraints.txt $(ls dist/*.whl)[cli,cloud]
        rm wheels/stadtsinn-*
    """
    command = ["env", "-i", *environment(), program("chroot"), str(store.root), "sh", "-ec"]
    done = subprocess.run([*command, script], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"nothing could be fetched:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def follow(block: Block, machine: Machine, *, write: bool) -> str:
    """Run a block, again where it only looks, until it says what it should."""
    expected = [text for command, text in EXPECTED.items() if command in block.commands]
    commands = block.commands
    if block.remark == "with a newer dist":
        with (machine.root / "root/dist/constraints.txt").open("a") as constraints:
            constraints.write("# a newer one\n")
    elif block.remark.startswith("in its place: "):
        commands = f"in-place-of-{block.remark.removeprefix('in its place: ')}\n"
    commands = commands.replace(PAGES_PATIENCE, f"--retry {PATIENCE_S} ")
    end = time.monotonic() + PATIENCE_S
    while True:
        said = machine.do(commands)
        missing = [text for text in expected if not re.search(text, said, re.MULTILINE)]
        if not missing and (write or block.is_said(said)):
            return said
        if time.monotonic() > end or not block.only_looks:
            shown = block.shown["text"] if block.shown else ""
            sys.exit(f"{machine.name}: not said: {missing or shown}\n{commands}---\n{said}")
        time.sleep(2)


def written(page: str, said: list[tuple[Block, str]]) -> str:
    """The page with what was said in the place of what it shows."""
    for block, text in reversed(said):
        if block.shown is not None and "…\n" not in block.shown["text"]:
            start, end = block.shown.span("text")
            page = page[:start] + text.lstrip("\n") + page[end:]
    return page


def main(page: Path, dist: Path, influxdb: Path, bare: Path, run: Path, *, write: bool) -> None:
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
        machine.take(store, dist, influxdb)
        machine.boot(ADDRESSES[name], machines["edge" if name == "cloud" else "cloud"])
    text, heard, began = page.read_text(), [], time.monotonic()
    with (run / "transcript.md").open("w") as transcript:
        for block in blocks(text):
            if block.machine == "nowhere":
                continue
            print(f"{block.machine}: {block.commands.strip()}", flush=True)
            before = time.monotonic()
            said = follow(block, machines[block.machine], write=write)
            took = f"{time.monotonic() - before:.0f} s"
            transcript.write(f"{block.machine}, {took}\n{block.commands}---\n{said}\n")
            transcript.flush()
            heard.append((block, said))
    if write:
        page.write_text(written(text, heard))
    minutes = (time.monotonic() - began) / 60
    print(f"docs/install.md holds: {len(heard)} blocks, each line ran, {minutes:.0f} minutes.")


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--write"]
    main(*(Path(word).absolute() for word in words), write="--write" in sys.argv)
