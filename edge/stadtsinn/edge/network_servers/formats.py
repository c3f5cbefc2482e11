"""The formats that can be read, by name: the one list that settings, edge and cloud go by."""

from __future__ import annotations

from difflib import get_close_matches

from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.edge.network_servers.format import NetworkServerFormat
from stadtsinn.edge.network_servers.the_things_stack import TheThingsStack

FORMATS: dict[str, NetworkServerFormat] = {
    known.name: known for known in (ChirpStack(), TheThingsStack())
}

DEFAULT_FORMAT = ChirpStack.name
"""What an event is in where nothing says it: the only format of the first version."""


class UnknownFormat(ValueError):
    """A name that is in no list; the text says which are."""


def format_named(name: str) -> NetworkServerFormat:
    """The format of that name; raises UnknownFormat."""
    known = FORMATS.get(name)
    if known is None:
        near = get_close_matches(name, FORMATS, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(FORMATS)}"
        raise UnknownFormat(f"unknown format '{name}' of a network server: {hint}")
    return known


def format_of_topic(topic: str) -> NetworkServerFormat | None:
    """Whose events have such topics; None for a topic of nobody's."""
    return next((known for known in FORMATS.values() if known.kind_of(topic)), None)
