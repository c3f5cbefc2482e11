"""Shared by `demo` and `replay`: folders, and errors as one sentence."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stadtsinn.base.sentence import Explained
from stadtsinn.cli.command_logs import command_logs
from stadtsinn.cli.frame import FAILED, end, end_in_json
from stadtsinn.cli.language import in_words, text
from stadtsinn.cli.output import say

if TYPE_CHECKING:
    pass


def cache_folder() -> Path:
    """Where a fetched Mosquitto is kept: in a checkout its own cache, else the user's."""
    checkout = Path(__file__).resolve().parents[3]
    if (checkout / "pyproject.toml").exists():
        return checkout / ".cache"
    return Path.home() / ".cache" / "stadtsinn"


@contextmanager
def stage_folder(given: Path | None) -> Iterator[Path]:
    """The given folder, or one that is gone afterwards; after a failure it stays, with its logs.

    A given one must be empty: what an earlier run left there would be told as of this one.
    """
    if given is not None:
        _refuse_used(given)
        yield given
        return
    place = Path(tempfile.mkdtemp(prefix="stadtsinn-"))
    try:
        yield place
    except Exception:
        if any(place.iterdir()):
            say(
                text(f"all files are kept in {place}", f"alle Dateien bleiben in {place}"),
                error=True,
            )
        else:
            place.rmdir()
        raise
    except BaseException:  # Ctrl-C
        shutil.rmtree(place)
        raise
    shutil.rmtree(place)


def _refuse_used(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        raise typer.BadParameter(
            text(
                f"--folder {folder}: there are files of an earlier run, or others, which would be "
                "mixed with this run's: name a new folder, or an empty one",
                f"--folder {folder}: darin liegen Dateien eines früheren Laufs oder andere, die "
                "sich mit denen dieses Laufs mischen würden: einen neuen oder leeren Ordner nennen",
            )
        )


@contextmanager
def errors_as_sentences(command: str, as_json: bool) -> Iterator[None]:
    """Expected errors of the user's machine end with a sentence instead of a traceback; SIGTERM and
    a closed terminal end it as Ctrl-C does."""
    from stadtsinn.simulator.demo.children import ended_as_by_ctrl_c

    command_logs()
    try:
        with ended_as_by_ctrl_c():
            yield
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except (Explained, OSError, ValueError) as failure:
        if as_json:
            end_in_json({"ok": False, "error": str(failure)}, FAILED)
        end(f"stadtsinn {command}: {in_words(failure)}", FAILED)
