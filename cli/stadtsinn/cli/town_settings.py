"""Settings of one town beside what is usual, as a table; and the values that people write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from stadtsinn.cli.language import text
from stadtsinn.cli.output import print_list

if TYPE_CHECKING:
    from stadtsinn.base.settings.described import Described

USUAL = "default"
"""Goes back to what is usual."""


@dataclass(frozen=True)
class Columns:
    """What the columns of a name and of its present value are called: for people, in JSON."""

    name: str
    present: str
    name_key: str
    present_key: str


def print_settings(
    present: Described,
    usual: Described,
    name: str | None,
    columns: Columns,
    shown: Callable[[int | None], str],
    *,
    as_json: bool,
) -> None:
    """All settings, or the one that is named. Raises BadParameter where there is none of it."""
    of_what = type(present).of_what()
    chosen = [one for one in of_what if name in (None, one)]
    if not chosen:
        raise typer.BadParameter(f"'{name}': {', '.join(of_what)}", param_hint="NAME")
    print_list(
        chosen,
        {
            columns.name: lambda one: one,
            columns.present: lambda one: shown(getattr(present, one)),
            text("Usually", "Sonst"): lambda one: shown(getattr(usual, one)),
            text("Of what", "Wovon"): lambda one: text(of_what[one].english, of_what[one].german),
        },
        lambda one: {
            columns.name_key: one,
            columns.present_key: getattr(present, one),
            "usual": getattr(usual, one),
        },
        as_json=as_json,
        empty="",
    )


def read_number(value: str, *words: str) -> int | None:
    """None for one of the words. Raises BadParameter for what is neither word nor number."""
    if value in words:
        return None
    if value.isdecimal():
        return int(value)
    raise typer.BadParameter(f"'{value}'", param_hint="VALUE")
