"""How configuration files name a network server's format."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from stadtsinn.edge.network_servers.formats import format_named


def _known(name: str) -> str:
    format_named(name)
    return name


FormatName = Annotated[str, AfterValidator(_known)]
