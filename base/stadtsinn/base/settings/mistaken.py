"""One of our files given in place of another: said by name, instead of by each key that is odd."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from stadtsinn.base.sentence import Sentence


@dataclass(frozen=True)
class _Described:
    name: Sentence
    keys: frozenset[str]
    """What only this kind of file says outside of tables, or as the name of one."""
    wanted_by: str


_CLEARLY = 2
"""So many keys more: one that is odd is a mistake in the right file."""


class FileKind(Enum):
    """The kinds of TOML files that people write for stadtsinn."""

    CLOUD = _Described(
        Sentence("a centre's configuration", "die Konfiguration einer Zentrale"),
        frozenset({"database", "series", "archive", "ingest", "api", "broker", "notify"}),
        "stadtsinn cloud … --config FILE",
    )
    EDGE = _Described(
        Sentence("an edge agent's configuration", "die Konfiguration eines Edge-Agenten"),
        frozenset({"edge_id", "local_broker", "cloud_broker", "spool"}),
        "stadtsinn edge … --config FILE",
    )
    TOWN = _Described(
        Sentence("a town file", "eine Stadt-Datei"),
        # Not `devices`, which configurations have too.
        frozenset({"tenant", "sites", "stations", "edges", "zones", "recipients", "rules"}),
        "stadtsinn registry apply FILE",
    )


def mistaken(document: Mapping[str, Any], wanted: FileKind) -> Sentence | None:
    """What the file is, where it is clearly another kind than `wanted`; else None."""
    known = {kind: len(kind.value.keys & document.keys()) for kind in FileKind}
    best = max(known, key=lambda kind: known[kind])
    if known[best] < known[wanted] + _CLEARLY:
        return None
    return Sentence(
        f"this is {best.value.name.english}, here {wanted.value.name.english} is needed; "
        f"it belongs to '{best.value.wanted_by}'",
        f"das ist {best.value.name.german}, gebraucht wird {wanted.value.name.german}; "
        f"sie gehört zu '{best.value.wanted_by}'",
    )
