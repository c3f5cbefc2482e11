"""Items that a broker does not take even alone: how that is found out, and what goes in their
place."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from stadtsinn.base.counted import counted
from stadtsinn.edge.messages.delivery import Item, RawItem, UplinkItem

SET_ASIDE = "set_aside_by_edge"
"""Reason of the item that is delivered in place of one that was set aside."""

_LOST_ALONE = 5
"""So often in a row a single item must end the connection before its size is to blame."""
_SMALLEST = 512
"""Every broker takes this much, so a smaller item is never the reason."""
_TOPIC_KEPT = 200

_decoder = msgspec.msgpack.Decoder(Item)
_encode = msgspec.msgpack.Encoder().encode


@dataclass
class Suspect:
    """The single item that did not get through, and how often in a row."""

    position: int = 0
    times: int = field(default=0)
    why: str = ""
    _certain: bool = False

    def lost(self, position: int, certain: bool, why: str) -> None:
        """It did not get through alone. `certain`: the broker named its size as the reason."""
        self.times = self.times + 1 if position == self.position else 1
        self.position, self.why, self._certain = position, why, certain

    def convicted(self) -> tuple[int, str] | None:
        """The position that has to go aside and why, once; None while it is only suspected."""
        if not self.position or not (self._certain or self.times >= _LOST_ALONE):
            return None
        found = self.position, self.why
        self.clear()
        return found

    def clear(self) -> None:
        """It got through after all, or is dealt with."""
        self.position, self.times, self.why, self._certain = 0, 0, "", False


def placeholder(body: bytes, why: str) -> bytes | None:
    """What is delivered in place of an item; None for one that is small already."""
    if len(body) < _SMALLEST:
        return None
    item = _decoder.decode(body)
    if isinstance(item, UplinkItem):
        topic, received_at = f"{item.uplink.dev_eui}", item.uplink.received_at
    else:
        topic, received_at = item.topic[:_TOPIC_KEPT], item.received_at
    text = f"{counted(len(body), 'byte', 'bytes')} kept at the edge: {why}"
    return _encode(RawItem(item.position, topic, text.encode(), SET_ASIDE, received_at))


def moved(body: bytes, position: int) -> bytes:
    """The same item at another position."""
    return _encode(msgspec.structs.replace(_decoder.decode(body), position=position))
