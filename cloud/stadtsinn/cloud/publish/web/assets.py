"""Style sheet, script and icon, under addresses that change with their content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_TYPES = {
    "counter.css": "text/css; charset=utf-8",
    "counter.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """A file with the hash of its content in its address, so that it may be cached for ever."""

    name: str
    digest: str
    content: bytes
    media_type: str


@cache
def asset(name: str) -> Asset:
    """A file of the static folder; raises KeyError for anything else."""
    media_type = _TYPES[name]
    content = (files("stadtsinn.cloud.publish.web") / "static" / name).read_bytes()
    return Asset(name, hashlib.sha256(content).hexdigest()[:12], content, media_type)


def asset_path(name: str) -> str:
    """Where a page finds an asset, below the application's root."""
    return f"/assets/{asset(name).digest}/{name}"
