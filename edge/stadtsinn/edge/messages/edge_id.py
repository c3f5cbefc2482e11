"""Which names an edge agent may have: the one rule for every place that takes an edge id.

An edge id is one level of the broker's topics, the common name of the client certificate, and with
it user name and client id at the broker. So it holds nothing that means something there (``/``,
``+``, ``#``, ``$``), and no name that a role of the cloud has.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from stadtsinn.base.sentence import Unusable
from stadtsinn.edge.network_servers.formats import FORMATS

LONGEST = 63

_PATTERN = rf"[a-z0-9](?:[a-z0-9-]{{0,{LONGEST - 2}}}[a-z0-9])?"
_EDGE_ID = re.compile(_PATTERN)

OWN_PREFIX = "stadtsinn"
"""What the client ids of our own programs begin with."""


INGEST = "ingest"
"""The account that takes batches, answers them, and reads network servers' events."""
EVENTS = "events"
"""For the second connection of an ingest on another machine: it only reads events."""
ROLES = (INGEST, EVENTS, *FORMATS)
"""Who has an account at the town's broker besides edge agents; network servers by their format."""


def checked_edge_id(text: str) -> str:
    """The text itself; raises ValueError saying what an edge id looks like."""
    if not _EDGE_ID.fullmatch(text):
        raise Unusable(
            f"use 1 to {LONGEST} of a-z, 0-9 and '-', no '-' at an end: an edge id is part of "
            "topics and the common name of the agent's certificate",
            f"1 bis {LONGEST} Zeichen aus a-z, 0-9 und '-', kein '-' am Rand: die Kennung steht "
            "in Topics und als Name im Zertifikat des Agenten",
        )
    if text in ROLES or text.startswith(OWN_PREFIX):
        raise Unusable(
            "parts of the cloud have this name at the broker: take another one, such as the "
            "place where the agent runs",
            "so heißen Teile der Zentrale am Broker: einen anderen Namen nehmen, etwa den Ort, "
            "an dem der Agent läuft",
        )
    return text


EdgeId = Annotated[
    str,
    AfterValidator(checked_edge_id),
    Field(
        description=f"Name of an edge agent: 1 to {LONGEST} of a-z, 0-9 and hyphen.",
        json_schema_extra={"pattern": f"^{_PATTERN}$", "maxLength": LONGEST},
    ),
]
