"""A side of a comparison: this checkout, or another revision in a temporary worktree."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stadtsinn.simulator.demo.children import Child

ROOT = Path(__file__).parents[1]
_PARTS = (
    *("base", "decoders", "rules", "edge", "cloud", "simulator"),
    *("gateway-firmware-tools", "cli"),
)
"""Folders of code; older revisions have fewer of them."""


@dataclass(frozen=True)
class Side:
    """A checkout whose commands and benchmarks run with the dependencies of this one."""

    name: str
    tree: Path

    @property
    def environment(self) -> dict[str, str]:
        """With the side's own code before the installed packages on the path."""
        folders = [str(self.tree / part) for part in _PARTS if (self.tree / part).is_dir()]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}

    def run(self, *arguments: str) -> None:
        """Run one `stadtsinn …` command to its end; raises CalledProcessError if it fails."""
        command = [sys.executable, "-m", "stadtsinn.cli", *arguments]
        subprocess.run(command, check=True, env=self.environment, stdout=subprocess.DEVNULL)

    def child(self, name: str, arguments: Sequence[str], log: Path) -> Child:
        """One `stadtsinn …` command as a process, not started yet."""
        return Child(name, arguments, log, self.environment)

    def benchmark(self, script: str, arguments: Sequence[str]) -> str:
        """What one of the side's own benchmarks prints."""
        command = [sys.executable, str(self.tree / "bench" / script), *arguments]
        done = subprocess.run(
            command, check=True, env=self.environment, stdout=subprocess.PIPE, text=True
        )
        return done.stdout


NOW = Side("now", ROOT)


@contextlib.contextmanager
def sides(revision: str | None) -> Iterator[list[Side]]:
    """This checkout; if a revision to compare with is given, that one comes first."""
    if revision is None:
        yield [NOW]
        return
    with tempfile.TemporaryDirectory(prefix="stadtsinn-before-") as folder:
        tree = Path(folder, "tree")
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), revision], check=True)
        try:
            yield [Side("before", tree), NOW]
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)
