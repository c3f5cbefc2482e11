"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stadtsinn.cli.language import text

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
        help=text("Configuration file (TOML).", "Konfigurationsdatei (TOML)."),
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
TownName = Annotated[
    str, typer.Argument(help=text("The town's short name.", "Kurzname der Stadt."))
]
