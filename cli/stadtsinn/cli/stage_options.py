"""Shared by `demo` and `replay`: folders, and errors as one sentence."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from stadtsinn.cli.frame import FAILED, end, end_in_json


def cache_folder() -> Path:
    """Where a fetched Mosquitto is kept: in a checkout its own cache, else the user's."""
    checkout = Path(__file__).resolve().parents[3]
    if (checkout / "pyproject.toml").exists():
        return checkout / ".cache"
    return Path.home() / ".cache" / "stadtsinn"


@contextmanager
def stage_folder(given: Path | None) -> Iterator[Path]:
    """The given folder, or one that is gone afterwards."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="stadtsinn-") as name:
        yield Path(name)


@contextmanager
def errors_as_sentences(command: str, as_json: bool) -> Iterator[None]:
    """Expected errors of the user's machine end with a sentence instead of a traceback."""
    from stadtsinn.simulator.demo.check import Stuck
    from stadtsinn.simulator.demo.children import ChildFailed
    from stadtsinn.simulator.demo.mosquitto import MosquittoUnavailable
    from stadtsinn.simulator.radio.publisher import PublishingStuck

    expected = (Stuck, ChildFailed, MosquittoUnavailable, PublishingStuck, OSError, ValueError)
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except expected as failure:
        if as_json:
            end_in_json({"ok": False, "error": str(failure)}, FAILED)
        end(f"stadtsinn {command}: {failure}", FAILED)
