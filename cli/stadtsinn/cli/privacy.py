"""`stadtsinn privacy`: the page for the data protection officer."""

from __future__ import annotations

from typing import Annotated

import typer

from stadtsinn.cli.frame import refuse
from stadtsinn.cli.language import text
from stadtsinn.cli.output import say_as_it_is


def privacy(
    form: Annotated[
        str,
        typer.Option("--format", help=text("'markdown' or 'html'.", "'markdown' oder 'html'.")),
    ] = "markdown",
) -> None:
    from stadtsinn.cloud.erasure.page import FORMATS

    write = FORMATS.get(form)
    if write is None:
        refuse(f"--format {form}: {', '.join(FORMATS)}")
    say_as_it_is(write())


privacy.__doc__ = text(
    "Write what is kept where, for how long, why, and how it is erased: for the data protection "
    "officer, made from the tables of this version.\n\n"
    "Example: stadtsinn privacy --format html > datenschutz.html",
    "Schreiben, was wo, wie lange und wozu aufbewahrt wird und wie es gelöscht wird: für die "
    "Datenschutzbeauftragten, aus den Tabellen dieser Version.\n\n"
    "Beispiel: stadtsinn privacy --format html > datenschutz.html",
)
