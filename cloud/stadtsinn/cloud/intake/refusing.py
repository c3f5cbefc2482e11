"""Edges whose batches are not taken are told why, each now and then.

They send again and again: each batch that cannot be taken would otherwise be answered. An edge
hears only of its own batch, on its own topic, and one word: nothing of any other edge or town.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Protocol

from stadtsinn.cloud.intake.arrival import Kind, Rejection
from stadtsinn.cloud.intake.reading import edge_of_topic
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.edge.messages.delivery import Refused

_AGAIN_S = 60.0
_EDGES_KEPT = 1_000
"""So many are told within a minute: whoever invents edges is not answered without end."""

_TOLD = {
    Reason.UNKNOWN_EDGE: Refused.UNKNOWN_EDGE,
    Reason.MALFORMED_BATCH: Refused.UNREADABLE,
    Reason.UNSUPPORTED_VERSION: Refused.OTHER_VERSION,
    Reason.TOO_LARGE: Refused.TOO_LARGE,
}


class Refusing(Protocol):
    """Whoever reaches edges."""

    def refuse(self, edge_id: str, why: Refused) -> None: ...


class Refusals:
    """For one thread."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._told: OrderedDict[tuple[str, Refused], float] = OrderedDict()

    def tell(self, rejections: Iterable[Rejection], edges: Refusing) -> None:
        """Answer the batches among what was rejected."""
        for rejection in rejections:
            why = _TOLD.get(rejection.reason)
            edge_id = edge_of_topic(rejection.original.topic)
            if why is None or edge_id is None or rejection.original.kind is not Kind.BATCH:
                continue
            if self._is_due(edge_id, why):
                edges.refuse(edge_id, why)

    def _is_due(self, edge_id: str, why: Refused) -> bool:
        now, key = self._monotonic(), (edge_id, why)
        while self._told and now - next(iter(self._told.values())) >= _AGAIN_S:
            self._told.popitem(last=False)
        if key in self._told or len(self._told) >= _EDGES_KEPT:
            return False
        self._told[key] = now
        return True
