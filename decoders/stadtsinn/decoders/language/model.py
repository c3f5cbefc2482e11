"""The typed model of a device file.

A body is a list of items; each item is told by its own key (`type`, `value`, `switch`, …), see
docs/device-files.md. Items nest: the body of a case, entry, group or record is a body again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    Body = tuple["Item", ...]
else:
    # msgspec tells structs apart by a tag only; items are told by their own key (load.py).
    Body = tuple[Any, ...]


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of everything read from a file: an unknown key is an error, not a silent no-op."""


class Vendor(Strict, kw_only=True, frozen=True):
    """How the vendor's codec prints a value. `key` may hold ``{name}`` of an item."""

    key: str
    decimals: int | None = None
    """Text with so many decimals, as JavaScript's toFixed."""
    floor: bool = False
    boolean: bool = False
    mul: float = 1
    """Factor on the number as printed by the vendor, where it differs from `unit`."""
    map: dict[str, str | int | bool | None] | None = None
    default: str | int | bool | None = None
    """Printed for a value that `map` does not hold; absent: the number itself."""
    only_map: bool = False
    """The vendor prints no key for a value that `map` does not hold."""
    omit: tuple[int, ...] = ()
    """Values for which the vendor prints no key."""
    fields: dict[str, str] | None = None
    """The vendor prints an object: these fields and ``value``."""


class Fault(Strict, kw_only=True, frozen=True):
    """A raw value that reports a fault: the reading is bad with this reason."""

    raw: int
    reason: str


class FieldItem(Strict, kw_only=True, frozen=True):
    """Bytes read as a number: (raw + add) * mul / div."""

    type: str
    name: str = ""
    at: int | None = None
    peek: int | None = None
    bit: int | None = None
    bits: tuple[int, int] | None = None
    add: float = 0
    mul: float = 1
    div: float = 1
    quantity: str = ""
    unit: str = ""
    channel: str = ""
    range: tuple[float, float] | None = None
    missing: tuple[int, ...] = ()
    faults: tuple[Fault, ...] = ()
    counter_bits: int | None = None
    vendor: str | Vendor | None = None
    note: str = ""


class ValueItem(Strict, kw_only=True, frozen=True):
    """A number computed from named items by an expression."""

    value: str
    name: str = ""
    quantity: str = ""
    unit: str = ""
    channel: str = ""
    range: tuple[float, float] | None = None
    vendor: str | Vendor | None = None
    note: str = ""


class SkipItem(Strict, kw_only=True, frozen=True):
    """Bytes that mean nothing: a count, or ``"end"`` for the rest."""

    skip: int | Literal["end"]
    note: str = ""


class BytesItem(Strict, kw_only=True, frozen=True):
    """Bytes the vendor prints raw: a count, or ``"end"`` for the rest (at least `least`)."""

    bytes: int | Literal["end"]
    vendor: str
    show: Literal["hex", "list"] = "hex"
    least: int = 0
    note: str = ""


class Case(Strict, kw_only=True, frozen=True):
    """One branch of a switch: `values` that lead to `body`; several count ``{n}`` from 1."""

    values: tuple[int, ...]
    body: Body


class SwitchItem(Strict, kw_only=True, frozen=True):
    """A branch by a named item. Without `otherwise` any other value is an unknown frame."""

    switch: str
    cases: tuple[Case, ...]
    otherwise: Body | None = None
    note: str = ""


class Entry(Strict, kw_only=True, frozen=True):
    """One kind of record in a tlv: `keys` in hex; several count ``{n}`` from 1."""

    keys: tuple[str, ...]
    body: Body


class TlvItem(Strict, kw_only=True, frozen=True):
    """Records to the end of the payload, each begun by a key of `tlv` bytes."""

    tlv: int
    entries: tuple[Entry, ...]
    note: str = ""


class Group(Strict, kw_only=True, frozen=True):
    """What follows when this bit of the mask is set."""

    bit: int
    body: Body


class MaskItem(Strict, kw_only=True, frozen=True):
    """A presence mask, then the groups whose bit is set, in the order given."""

    mask: str
    groups: tuple[Group, ...]
    note: str = ""


class RepeatItem(Strict, kw_only=True, frozen=True):
    """A body several times: a count, the name of an item, or ``"end"``."""

    repeat: int | str
    body: Body
    note: str = ""


class RecordItem(Strict, kw_only=True, frozen=True):
    """A body that is a record of its own, with its own time in Unix seconds (`time` names it).

    The vendor prints it as an object appended to the list `record`.
    """

    record: str
    body: Body
    time: str = ""
    note: str = ""


class UnderItem(Strict, kw_only=True, frozen=True):
    """A body whose vendor keys stand in the object at path `under`."""

    under: str
    body: Body
    note: str = ""


class TextItem(Strict, kw_only=True, frozen=True):
    """A text the vendor prints; ``{name}`` stands for an item."""

    text: str
    vendor: str
    note: str = ""


class ListItem(Strict, kw_only=True, frozen=True):
    """A list the vendor prints of named items, leaving out the values in `omit`."""

    list: tuple[str, ...]
    vendor: str
    omit: tuple[int, ...] = ()
    note: str = ""


Item = (
    FieldItem
    | ValueItem
    | SkipItem
    | BytesItem
    | SwitchItem
    | TlvItem
    | MaskItem
    | RepeatItem
    | RecordItem
    | UnderItem
    | TextItem
    | ListItem
)


class Test(Strict, kw_only=True, frozen=True):
    """Bytes at `at` (from the start), masked, that a frame must hold; hex texts."""

    __test__ = False  # not a pytest class

    at: int
    equals: str
    mask: str = ""


class When(Strict, kw_only=True, frozen=True):
    """What tells a frame from others of its port."""

    length: int | tuple[int, int] | None = None
    prefix: str = ""
    tests: tuple[Test, ...] = ()


class Frame(Strict, kw_only=True, frozen=True):
    """One kind of frame. `ports` empty means any port."""

    title: str
    ports: tuple[int, ...] = ()
    when: When = When()
    body: Body
    note: str = ""


class Expected(Strict, kw_only=True, frozen=True):
    """One expected reading of an example."""

    quantity: str
    value: float
    channel: str = ""
    quality: Literal["good", "suspect", "bad"] = "good"
    reason: str = ""
    event_time: str = ""


class Example(Strict, kw_only=True, frozen=True):
    """A real payload with what must come out: readings and vendor fields, or an error."""

    title: str
    port: int
    bytes: str
    source: str
    readings: tuple[Expected, ...] = ()
    vendor: dict[str, Any] | None = None
    error: str = ""


class Deviation(Strict, kw_only=True, frozen=True):
    """Where our vendor fields differ from the vendor's codec on purpose, with the witness."""

    port: int
    bytes: str
    why: str


class Firmware(Strict, kw_only=True, frozen=True):
    """Firmware versions this file holds for, and how they differ."""

    versions: str
    note: str


class DeviceFile(Strict, kw_only=True, frozen=True):
    """One device type."""

    vendor: str
    product: str
    family: Literal["soil", "weather", "people", "parking", "water", "generic"]
    version: int
    manual: str
    lorawan_class: str
    battery: str
    summary: str
    firmware: tuple[Firmware, ...]
    frames: tuple[Frame, ...]
    examples: tuple[Example, ...]
    deviations: tuple[Deviation, ...] = ()
