"""Messages of many senders in one queue, of which no sender takes more than its turn.

Owners take turns, and the lines of an owner do: a line holds the messages of one sender in the
order in which they came. A town that has a hundred edges gets no more than a town that has one.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from stadtsinn.cloud.intake.inbox import Received

TURN_BYTES = 64 * 1024
"""What a line gives in its turn. What a larger message has more is taken off its next turns."""

SHARED_BYTES = 2 * TURN_BYTES
"""What an owner adds to a group while several owners send: a group is committed as a whole, and a
town's uplink waits for the group before its own."""
SHARED_GROUPS = 100
"""So many groups after the last one of several owners, all owners are taken to be one again."""


class Place(NamedTuple):
    """Where a message waits: whose it is, and who sent it."""

    owner: str
    line: str


class Amount(NamedTuple):
    """How much waits."""

    messages: int = 0
    bytes: int = 0


class _Line:
    """Messages of one sender, and how many bytes it may still give in its turn."""

    __slots__ = ("bytes", "credit", "messages")

    def __init__(self) -> None:
        self.messages: deque[Received] = deque()
        self.bytes = 0
        self.credit = 0


class _Owner:
    """The lines of an owner that have messages, in the order of their turns."""

    __slots__ = ("bytes", "lines", "messages")

    def __init__(self) -> None:
        self.lines: OrderedDict[str, _Line] = OrderedDict()
        self.messages = 0
        self.bytes = 0


class FairQueue:
    """For one thread at a time. Whoever has nothing in it costs nothing."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, _Owner] = OrderedDict()
        self.messages = 0
        self.bytes = 0
        self._shared = 0
        """Groups for which others are still expected."""

    def put(self, place: Place, received: Received, size: int) -> None:
        """`size`: the bytes of its payload."""
        owner = self._owners.get(place.owner)
        if owner is None:
            owner = self._owners[place.owner] = _Owner()
        line = owner.lines.get(place.line)
        if line is None:
            line = owner.lines[place.line] = _Line()
        line.messages.append(received)
        line.bytes += size
        owner.messages += 1
        owner.bytes += size
        self.messages += 1
        self.bytes += size

    def of_owner(self, place: Place) -> Amount:
        """What an owner has waiting."""
        owner = self._owners.get(place.owner)
        return Amount() if owner is None else Amount(owner.messages, owner.bytes)

    def in_line(self, place: Place) -> Amount:
        """What one sender has waiting."""
        owner = self._owners.get(place.owner)
        line = None if owner is None else owner.lines.get(place.line)
        return Amount() if line is None else Amount(len(line.messages), line.bytes)

    def take(self, max_messages: int, max_bytes: int) -> list[Received]:
        """The next messages; the last one may go beyond `max_bytes`.

        One owner alone fills a group. With several, groups are small.
        """
        group: list[Received] = []
        self._shared = SHARED_GROUPS if len(self._owners) > 1 else max(0, self._shared - 1)
        if self._shared:
            max_bytes = min(max_bytes, len(self._owners) * SHARED_BYTES)
        until = self.bytes - max_bytes
        while self.messages and len(group) < max_messages and self.bytes > until:
            self._take_turn(group, max_messages, until)
        return group

    def clear(self) -> None:
        self._owners.clear()
        self.messages = self.bytes = 0

    def _take_turn(self, group: list[Received], max_messages: int, until: int) -> None:
        """One turn of the next owner: it goes to the next of its lines."""
        name, owner = next(iter(self._owners.items()))
        sender, line = next(iter(owner.lines.items()))
        credit = line.credit = min(line.credit, 0) + TURN_BYTES
        messages = line.messages
        room = min(max_messages - len(group), len(messages))
        before, may_give = len(group), self.bytes - until
        while room and credit > 0 and line.credit - credit < may_give:
            received = messages.popleft()
            credit -= len(received.original.payload)
            room -= 1
            group.append(received)
        given, size = len(group) - before, line.credit - credit
        line.credit = credit
        line.bytes -= size
        owner.messages -= given
        owner.bytes -= size
        self.messages -= given
        self.bytes -= size
        if messages:
            owner.lines.move_to_end(sender)
        else:
            del owner.lines[sender]
        if owner.lines:
            self._owners.move_to_end(name)
        else:
            del self._owners[name]
