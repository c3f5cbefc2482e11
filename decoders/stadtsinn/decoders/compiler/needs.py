"""Analysis of a body: the names that it uses, the least number of bytes that it takes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from stadtsinn.decoders.compiler.numbers import is_number_type, number_type
from stadtsinn.decoders.compiler.values import braces
from stadtsinn.decoders.language import model as m

FOREIGN_TYPE, FOREIGN_CHANNEL, FOREIGN_WITHIN = FOREIGN_NAMES = (
    "foreign_type",
    "foreign_channel",
    "foreign_within",
)
"""Names that a tlv gives to a key's bytes, to find the length of a foreign record."""


def used_names(device: m.DeviceFile) -> set[str]:
    """Names that readings depend on; others are used for vendor fields only."""
    return {name for frame in device.frames for name in _used(frame.body)}


def _used(items: tuple[m.Item, ...]) -> Iterator[str]:
    for item in items:
        match item:
            case m.SwitchItem():
                yield item.switch
            case m.RepeatItem(repeat=str() as name) if name != "end":
                yield name
            case m.RecordItem() if item.time:
                yield item.time
            case m.TimedItem():
                yield item.timed
            case m.SkipItem(skip=str() as name) | m.BytesItem(bytes=str() as name):
                yield name
            case m.MaskItem():
                yield item.mask
            case m.TlvItem() if item.foreign is not None:
                yield from FOREIGN_NAMES
            case m.FieldItem():
                yield from _reading_names(item)
            case m.ValueItem():
                yield from _reading_names(item)
                if item.quantity or item.name or item.set:
                    yield from _expression_names(item.value)
                    yield item.set
        for body in bodies(item):
            yield from _used(body)


def _reading_names(item: m.FieldItem | m.ValueItem) -> Iterator[str]:
    yield from braces(item.channel)
    if item.doubt is not None:
        yield item.doubt.item


def _expression_names(text: str) -> Iterator[str]:
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return  # reported where the expression is compiled
    yield from (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def bodies(item: m.Item) -> Iterator[tuple[m.Item, ...]]:
    """The bodies nested in an item."""
    match item:
        case m.SwitchItem():
            yield from (case.body for case in item.cases)
            yield item.otherwise or ()
        case m.TlvItem():
            yield from (entry.body for entry in item.entries)
            yield item.otherwise or ()
        case m.OptionalItem():
            yield item.optional
        case m.MaskItem():
            yield from (group.body for group in item.groups)
        case m.RepeatItem() | m.RecordItem() | m.TimedItem() | m.UnderItem():
            yield item.body


def least_bytes(items: tuple[m.Item, ...]) -> int:
    """The least number of bytes that a body takes (bits are rounded down)."""
    bits = 0
    for item in items:
        match item:
            case m.FieldItem() if item.at is None and item.peek is None:
                bits += number_type(item.type).bits
            case m.SkipItem(skip=int() as size) | m.BytesItem(bytes=int() as size):
                bits += 8 * size
            case m.MaskItem() if is_number_type(item.mask):
                bits += number_type(item.mask).bits
            case m.RecordItem() | m.TimedItem() | m.UnderItem():
                bits += 8 * least_bytes(item.body)
            case m.SwitchItem():
                branches = [case.body for case in item.cases]
                branches += [item.otherwise] if item.otherwise is not None else []
                bits += 8 * min(map(least_bytes, branches))
    return bits // 8
