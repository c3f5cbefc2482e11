"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from stadtsinn.cli.language import text

ETC = Path("/etc/stadtsinn")
"""Where hardware/install.sh puts configurations."""


def or_installed(name: str) -> Callable[[Path], Path]:
    """A command that was given no configuration reads the one of the folder that it is called in,
    else the one of the services (docs/install.md)."""

    def chosen(given: Path) -> Path:
        if given != Path(name) or _is_there(given):
            return given
        return ETC / name if _is_there(ETC / name) else given

    return chosen


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # the service's user in a folder of root
        return False


Json = Annotated[
    bool, typer.Option("--json", help=text("Answer in JSON lines.", "Antwort als JSON-Zeilen."))
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help=text("Only show what would change.", "Nur zeigen, was sich ändern würde."),
    ),
]
Clock = Annotated[
    str | None,
    typer.Option(
        "--clock",
        envvar="STADTSINN_CLOCK",
        help=text(
            "'system', or 'shared:PATH' in a simulation.",
            "'system', oder 'shared:PFAD' in einer Simulation.",
        ),
    ),
]
"""None: what the configuration says, else the system's."""

EdgeConfig = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="STADTSINN_EDGE_CONFIG",
        callback=or_installed("edge.toml"),
        help=text(
            "Configuration file (TOML); without: that of the folder, else "
            "/etc/stadtsinn/edge.toml.",
            "Konfigurationsdatei (TOML); ohne: die des Ordners, sonst /etc/stadtsinn/edge.toml.",
        ),
    ),
]

Limit = Annotated[
    int,
    typer.Option(
        "--limit",
        min=1,
        max=10_000,
        help=text("Show so many at most.", "Höchstens so viele zeigen."),
    ),
]
DeviceTypes = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        help=text(
            "Type of rows that name none, or what a model is: LSE01=dragino/lse01.",
            "Typ der Zeilen ohne Angabe, oder was ein Modell ist: LSE01=dragino/lse01.",
        ),
    ),
]
TownName = Annotated[
    str, typer.Argument(help=text("The town's short name.", "Kurzname der Stadt."))
]
