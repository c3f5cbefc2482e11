"""A town's own device files: the folder that a configuration names joins the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stadtsinn.cli.frame import end
from stadtsinn.cli.language import in_words, text
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.language.load import DeviceFileError

DeviceFolder = Annotated[
    Path | None,
    typer.Option(
        "--devices",
        envvar="STADTSINN_DEVICES",
        help=text("Folder with own device files.", "Ordner mit eigenen Gerätedateien."),
    ),
]


def use_device_folder(folder: Path | None) -> None:
    """Add the folder's device types to the catalogue; ends the command when one cannot be used."""
    if folder is None:
        return
    try:
        catalogue().add_folder(folder)
    except (DeviceFileError, OSError) as error:
        end(f"{folder}: {in_words(error)}")
