"""What people wrote, from rows of gammu-smsd's inbox. Pure.

A long message comes in parts, a row each, and may come over minutes. Its text is put together from
`Text`: `TextDecoded` has the whole in the first row where all parts came together, each its own
where they came one by one, and nothing at all where a part ends in the middle of an emoji.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stadtsinn.cloud.alarms.notify.senders.gammu.repository import Part

_TEXTS = ("Default_No_Compression", "Unicode_No_Compression")
_NETWORK = 127
"""The class of answers of the network itself (USSD), such as the credit."""
_PARTED, _PARTED_16 = 0x00, 0x08
_TO_A_PROGRAM = (0x04, 0x05)
"""Elements of a header that name a port: no person reads there, nor writes."""


@dataclass(frozen=True)
class Letter:
    """One whole message. The repr shows nothing personal."""

    ids: tuple[int, ...]
    sender: str = field(repr=False)
    text: str = field(repr=False)
    received: datetime

    @property
    def name(self) -> str:
        """The same for the same message. With its time: tables that were made anew count from 1
        again."""
        return f"gammu-{self.ids[0]}-{self.received.isoformat()}"


@dataclass(frozen=True)
class Sorted:
    letters: tuple[Letter, ...]
    machines: tuple[int, ...]
    """Rows that no person wrote."""
    waiting: tuple[int, ...]
    """Rows whose other parts are still to come."""


def sort(parts: Sequence[Part], patient_with: Collection[int]) -> Sorted:
    """`patient_with`: rows whose other parts are still waited for."""
    machines: list[int] = []
    together: defaultdict[tuple[str, int, int], dict[int, Part]] = defaultdict(dict)
    letters: list[Letter] = []
    for one in parts:
        elements = _elements(one.header)
        if _is_of_a_machine(one, elements):
            machines.append(one.id)
        elif (place := _place(elements)) is None:
            letters.append(_letter([one]))
        else:
            reference, total, number = place
            group = together[one.sender, reference, total]
            if number in group:  # the reference came round again: another message
                letters.append(_letter([group.pop(number)]))
            group[number] = one
    waiting: list[int] = []
    for (_, _, total), group in together.items():
        ids = [one.id for one in group.values()]
        if len(group) < total and any(number in patient_with for number in ids):
            waiting += ids
        elif group:
            letters.append(_letter([group[number] for number in sorted(group)]))
    letters.sort(key=lambda one: one.ids)
    return Sorted(tuple(letters), tuple(machines), tuple(waiting))


def _letter(parts: Sequence[Part]) -> Letter:
    ids = tuple(sorted(one.id for one in parts))
    return Letter(
        ids,
        parts[0].sender,
        _text("".join(one.units for one in parts)),
        min(one.received for one in parts),
    )


def _text(units: str) -> str:
    try:
        octets = bytes.fromhex(units)
    except ValueError:
        return ""
    return octets.decode("utf-16-be", "replace")


def _is_of_a_machine(one: Part, elements: dict[int, bytes]) -> bool:
    return (
        one.coding not in _TEXTS
        or one.kind == _NETWORK
        or any(name in elements for name in _TO_A_PROGRAM)
    )


def _place(elements: dict[int, bytes]) -> tuple[int, int, int] | None:
    """(reference, parts in all, which one); None of a message in one part."""
    short, long = elements.get(_PARTED, b""), elements.get(_PARTED_16, b"")
    if len(short) == 3:
        reference, total, number = short[0], short[1], short[2]
    elif len(long) == 4:
        reference, total, number = int.from_bytes(long[:2]), long[2], long[3]
    else:
        return None
    return (reference, total, number) if 1 <= number <= total and total > 1 else None


def _elements(header: str) -> dict[int, bytes]:
    """The information elements of a UDH; of one that cannot be read, none."""
    try:
        octets = bytes.fromhex(header)
    except ValueError:
        return {}
    found, at = {}, 1
    while at + 2 <= len(octets):
        name, length = octets[at], octets[at + 1]
        found[name] = octets[at + 2 : at + 2 + length]
        at += 2 + length
    return found
