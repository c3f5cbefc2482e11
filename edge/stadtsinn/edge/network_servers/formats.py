"""The formats that can be read, by name: the only list, used by settings, edge and cloud."""

from __future__ import annotations

from difflib import get_close_matches

from stadtsinn.base.sentence import Unusable
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.edge.network_servers.format import NetworkServerFormat
from stadtsinn.edge.network_servers.the_things_stack import TheThingsStack

FORMATS: dict[str, NetworkServerFormat] = {
    known.name: known for known in (ChirpStack(), TheThingsStack())
}

DEFAULT_FORMAT = ChirpStack.name
"""The format of events that do not state one: the first version had only this."""


class UnknownFormat(Unusable):
    """An unknown name of a format; the text lists the known ones."""


def format_named(name: str) -> NetworkServerFormat:
    """The format of that name; raises UnknownFormat."""
    known = FORMATS.get(name)
    if known is None:
        near = get_close_matches(name, FORMATS, n=1)
        names = ", ".join(FORMATS)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {names}"
        german = f"war '{near[0]}' gemeint?" if near else f"bekannt sind {names}"
        raise UnknownFormat(
            f"unknown format '{name}' of a network server: {hint}",
            f"unbekanntes Format '{name}' eines Netzwerkservers: {german}",
        )
    return known


def format_of_topic(topic: str) -> NetworkServerFormat | None:
    """The format whose events have such a topic; None if there is none."""
    return next((known for known in FORMATS.values() if known.kind_of(topic)), None)
