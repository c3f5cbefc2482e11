"""Templates of pages: what they insert is escaped, and text from outside is made visible."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from stadtsinn.base.foreign_text import visible


def templates_of(package: str, *, trimmed: bool = False) -> Environment:
    """The templates of a package; `trimmed`: lines with nothing but a statement leave no trace."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        finalize=_shown,
        trim_blocks=trimmed,
        lstrip_blocks=trimmed,
    )


def _shown(value: Any) -> Any:
    """What a template inserts. Markup was made by our own code."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value, lines=True)
    return value
