"""Fetches what an edge installs, as wheels for arm64, by the hashes of requirements.lock.

For each extra of a gateway and each Python of the Debians that docs/install.md names; pip ends
where a package has no wheel, or one that the lock does not know. Nothing is installed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("edge-small", "edge")
PYTHONS = ("3.11", "3.13")
SOURCES = {"chirpstack-api"}
"""No wheels of any processor: Python alone, which pip builds on the machine."""
PLATFORMS = ("manylinux2014", "manylinux_2_17", "manylinux_2_27", "manylinux_2_28")
_ENTRY = re.compile(r"^([\w.-]+)==(?:.*\n)(?:    .*\n)*", re.MULTILINE)
_MARKER = re.compile(r"^(\S+==\S+) ;[^\\\n]*", re.MULTILINE)
_VIA = re.compile(r"^    # +(?:via )?([\w.-]+)", re.MULTILINE)


def entries() -> dict[str, str]:
    """Each package of the lock with its lines."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return {found[1]: found[0] for found in _ENTRY.finditer(lock)}


def direct(extra: str) -> set[str]:
    """What the package itself asks for, with the command line and this extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    wanted = [*project["dependencies"], *optional["cli"], *optional[extra]]
    if extra == "edge":
        wanted += optional["edge-small"]
    names = (re.split(r"[\[<>=!~; ]", one)[0] for one in wanted)
    return {re.sub(r"[-_.]+", "-", one).lower() for one in names} - {"stadtsinn"}


def closure(lock: dict[str, str], names: set[str]) -> set[str]:
    """With all that these need: the lock says of each package what asks for it."""
    asked_by = {name: set(_VIA.findall(lines)) for name, lines in lock.items()}
    found = set(names)
    while more := {one for one, by in asked_by.items() if by & found} - found:
        found |= more
    return found


def fetch(python: str, requirements: Path, folder: Path) -> None:
    platforms = [f"--platform={one}_aarch64" for one in PLATFORMS]
    abi = "cp" + python.replace(".", "")
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary=:all:", "--require-hashes", *platforms),
        *(f"--python-version={python}", "--implementation=cp"),
        *(f"--abi={one}" for one in (abi, "abi3", "none")),
        *(f"--dest={folder}", f"--requirement={requirements}"),
    ]
    subprocess.run(command, check=True)


def main() -> None:
    lock = entries()
    for extra in EXTRAS:
        names = closure(lock, direct(extra)) & lock.keys() - SOURCES
        with tempfile.TemporaryDirectory() as folder:
            requirements = Path(folder) / "requirements.txt"
            # Markers of the lock are those of the machine that asks: here arm64 on Linux is meant.
            text = "".join(lock[name] for name in sorted(names))
            requirements.write_text(_MARKER.sub(r"\1 ", text))
            for python in PYTHONS:
                wheels = Path(folder) / python
                fetch(python, requirements, wheels)
                made = [one.name for one in wheels.iterdir()]
                native = sum("aarch64" in one for one in made)
                print(f"{extra}, Python {python}: {len(made)} wheels, {native} of them for arm64")


if __name__ == "__main__":
    main()
