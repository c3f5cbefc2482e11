"""The typed model of a device file.

A body is a list of items; the kind of an item is given by its key (`type`, `value`, `switch`, …),
see docs/device-files.md. Items nest: a case, entry, group or record has a body of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    Body = tuple["Item", ...]
else:
    # msgspec selects a struct by a tag only; load.py selects an item's by its key.
    Body = tuple[Any, ...]


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of everything read from a file: an unknown key is an error and not ignored."""


class Vendor(Strict, kw_only=True, frozen=True):
    """How the vendor's codec prints a value.

    `key` may hold ``{name}`` of an item, dots for objects inside objects, and ``[]`` at its end:
    the value is appended to a list.
    """

    key: str
    decimals: int | None = None
    """Text with so many decimals, as JavaScript's toFixed."""
    round: int | None = None
    """Number with so many decimals, as JavaScript's parseFloat(x.toFixed(n))."""
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
    null: tuple[int, ...] = ()
    """Values that the vendor prints as null."""
    not_finite: Literal["omit", "null"] = "omit"
    """What the vendor prints for NaN and infinities."""
    gather: bool = False
    """A single value is printed as it is; several values become a list."""
    fields: dict[str, str] | None = None
    """The vendor prints an object: these fields and ``value``."""


class Fault(Strict, kw_only=True, frozen=True):
    """A raw value that reports a fault: the reading is bad (or suspect) with this reason."""

    raw: int
    reason: str
    quality: Literal["suspect", "bad"] = "bad"


class Doubt(Strict, kw_only=True, frozen=True):
    """The reading is bad (or suspect) with this reason when the named item is not 0."""

    item: str
    reason: str
    quality: Literal["suspect", "bad"] = "bad"


class FieldItem(Strict, kw_only=True, frozen=True):
    """Bytes read as a number: (raw + add) * mul / div; each of these may name a constant."""

    type: str
    name: str = ""
    at: int | None = None
    peek: int | None = None
    bit: int | None = None
    bits: tuple[int, int] | None = None
    add: float | str = 0
    mul: float | str = 1
    div: float | str = 1
    quantity: str = ""
    unit: str = ""
    channel: str = ""
    range: tuple[float, float] | None = None
    missing: tuple[int, ...] = ()
    faults: tuple[Fault, ...] = ()
    doubt: Doubt | None = None
    counter_bits: int | None = None
    vendor: str | Vendor | None = None
    note: str = ""


class ValueItem(Strict, kw_only=True, frozen=True):
    """A number computed from named items by an expression.

    `set` assigns the number to an existing name, for running sums.
    """

    value: str
    name: str = ""
    set: str = ""
    quantity: str = ""
    unit: str = ""
    channel: str = ""
    range: tuple[float, float] | None = None
    doubt: Doubt | None = None
    vendor: str | Vendor | None = None
    note: str = ""


class SkipItem(Strict, kw_only=True, frozen=True):
    """Bytes that are ignored: a count, the name of an item, or ``"end"`` for the rest."""

    skip: int | str
    note: str = ""


class BytesItem(Strict, kw_only=True, frozen=True):
    """Bytes the vendor prints raw.

    A count, the name of an item, ``"end"`` for the rest (at least `least`), or ``"payload"`` for
    the whole frame, which does not move the read position.
    """

    bytes: int | str
    vendor: str
    show: Literal["hex", "HEX", "ascii", "utf8", "list"] = "hex"
    separator: str = ""
    """Between two bytes in hex."""
    before: str = ""
    after: str = ""
    """Around the text."""
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


class RefuseItem(Strict, kw_only=True, frozen=True):
    """The frame is refused as unknown; the text names it, and where to turn with it."""

    refuse: str


class Entry(Strict, kw_only=True, frozen=True):
    """One kind of record in a tlv: `keys` in hex; several count ``{n}`` from 1."""

    keys: tuple[str, ...]
    body: Body


class Foreign(Strict, kw_only=True, frozen=True):
    """Records of types that the device type does not use, but whose length is known: skipped.

    A type is the last byte of a key. `channels`: the first and the last value of the byte before
    it for which this holds (settings have other lengths).
    """

    lengths: dict[str, int]
    """Bytes of data by type, in hex."""
    channels: tuple[str, str] | None = None


class TlvItem(Strict, kw_only=True, frozen=True):
    """Records to the end of the payload (less `tail` bytes), each starting with a key.

    A key has `tlv` bytes. A key that has no entry is skipped if `foreign` knows its length; without
    that and without `otherwise` it is an unknown frame.
    """

    tlv: int
    entries: tuple[Entry, ...]
    foreign: Foreign | None = None
    otherwise: Body | None = None
    tail: int = 0
    note: str = ""


class Group(Strict, kw_only=True, frozen=True):
    """The items present when this bit of the mask is set; several `bits` count ``{n}`` from 1."""

    bit: int | None = None
    bits: tuple[int, ...] = ()
    body: Body


class MaskItem(Strict, kw_only=True, frozen=True):
    """A presence mask, then the groups whose bit is set, in the order of the file.

    `mask` is a number type or the name of an item.
    """

    mask: str
    groups: tuple[Group, ...]
    others: Literal["refuse", "ignore"] = "refuse"
    """What to do when a bit without a group is set."""
    note: str = ""


class OptionalItem(Strict, kw_only=True, frozen=True):
    """A body that is present only if bytes are left."""

    optional: Body
    note: str = ""


class RepeatItem(Strict, kw_only=True, frozen=True):
    """A body several times: a count, the name of an item, or ``"end"`` (less `tail` bytes)."""

    repeat: int | str
    body: Body
    tail: int = 0
    note: str = ""


class RecordItem(Strict, kw_only=True, frozen=True):
    """A body that is one record; `time` names the item with its time in Unix seconds.

    The vendor prints it as an object appended to the list `record`, or to the open list if
    `record` is empty.
    """

    record: str
    body: Body
    time: str = ""
    first: bool = False
    """The vendor puts it at the list's beginning."""
    note: str = ""


class TimedItem(Strict, kw_only=True, frozen=True):
    """A body whose readings have a time of their own; `timed` names it, in Unix seconds."""

    timed: str
    body: Body
    note: str = ""


class UnderItem(Strict, kw_only=True, frozen=True):
    """A body whose vendor keys belong to the object at path `under`.

    A path with ``[]`` at its end opens a new list in that list, for records.
    """

    under: str
    body: Body
    note: str = ""


class TextItem(Strict, kw_only=True, frozen=True):
    """A text the vendor prints; ``{name}`` stands for an item, ``{name:format}`` formats it.

    Formats: ``02d x 04X .1f``, and dates such as ``%Y-%m-%dT%H:%M:%SZ`` of Unix seconds in UTC.
    `maps` shows an item's value as a text.
    """

    text: str
    vendor: str
    maps: dict[str, dict[str, str]] = {}
    append: bool = False
    """Appended to the text that the key already has."""
    note: str = ""


class ListItem(Strict, kw_only=True, frozen=True):
    """A list of named items that the vendor prints, without the values in `omit`."""

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
    | RefuseItem
    | TlvItem
    | MaskItem
    | OptionalItem
    | RepeatItem
    | RecordItem
    | TimedItem
    | UnderItem
    | TextItem
    | ListItem
)


class Test(Strict, kw_only=True, frozen=True):
    """Bytes at `at` (from the start) that a frame must have, after masking; as hex."""

    __test__ = False  # not a pytest class

    at: int
    equals: str
    mask: str = ""


class When(Strict, kw_only=True, frozen=True):
    """The conditions by which a frame is distinguished from others of its port."""

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
    """A real payload with the expected result: readings and vendor fields, or an error."""

    title: str
    port: int
    bytes: str
    source: str
    readings: tuple[Expected, ...] = ()
    vendor: dict[str, Any] | None = None
    nulls: tuple[str, ...] = ()
    """Paths of vendor keys printed as null, for which TOML has no value."""
    error: str = ""
    received: str = ""
    """When a gateway received it, for times relative to that."""
    constants: dict[str, float] = {}
    """Calibration of the sensor that sent it, where the file knows none."""


class Deviation(Strict, kw_only=True, frozen=True):
    """Where our vendor fields differ from the vendor's codec on purpose, with a payload."""

    port: int
    bytes: str
    why: str


class Firmware(Strict, kw_only=True, frozen=True):
    """Firmware versions that this file supports, and how they differ."""

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
    constants: dict[str, float] = {}
    """Calibration of a single sensor: names that expressions may use, with their default values."""
