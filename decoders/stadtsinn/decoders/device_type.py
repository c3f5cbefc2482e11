"""A device type: its file, its programs, and the quantities and channels of its readings."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property

from stadtsinn.base.counted import counted
from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.base.sentence import Unusable
from stadtsinn.decoders import program as p
from stadtsinn.decoders.compiler.compile import compile_device
from stadtsinn.decoders.interpreter import Result, interpret
from stadtsinn.decoders.language.lines import line_of
from stadtsinn.decoders.language.load import DeviceFileError, load
from stadtsinn.decoders.program import Program, Slot
from stadtsinn.decoders.reading import (
    Decoded,
    Outcome,
    Quality,
    Reading,
    Undecoded,
    VendorFields,
)
from stadtsinn.decoders.uplink import MAX_PAYLOAD
from stadtsinn.decoders.vendor import VendorSink

MAX_PORT = 255
CLOCK_WRONG = "clock_wrong"
"""Reason of a sample whose own timestamp is impossible."""


class DeviceType:
    """A device type of the catalogue."""

    def __init__(self, device_id: str, text: str, given: Mapping[str, float] | None = None) -> None:
        """`text` is the device file's; `given` are constants of a single sensor.

        Raises DeviceFileError.
        """
        self.id = device_id
        self.text = text
        self._place = f"{device_id}.toml"
        with self._lines():
            file = load(text, self._place)
        self.file = file
        self.family: str = file.family
        self.vendor = file.vendor
        self.product = file.product
        self.version = file.version
        self.decoder = f"{device_id}@{file.version}"
        self.constants = with_constants(device_id, file.constants, given or {})
        with self._lines():
            self.program = compile_device(file, self._place, self.constants, full=False)
        self._names = [(slot.quantity, slot.channel) for slot in self.program.slots]

    @contextmanager
    def _lines(self) -> Iterator[None]:
        """Adds the line number to errors about the device file."""
        try:
            yield
        except DeviceFileError as error:
            raise error.at(line_of(self.text, error.place)) from None

    @cached_property
    def full_program(self) -> Program:
        """The program that also produces the vendor's fields. Raises DeviceFileError."""
        with self._lines():
            full = compile_device(self.file, self._place, self.constants, full=True)
        assert full.slots == self.program.slots, f"{self.id}: the two programs differ in slots"
        return full

    @cached_property
    def has_event_times(self) -> bool:
        """Whether any value can have an event time other than its uplink's."""
        return any(op[0] in (p.FIELD, p.STORE) and op[11] >= 0 for op in self.program.ops)

    @property
    def fields(self) -> tuple[Slot, ...]:
        """What the device type can measure, in the order of the file."""
        return self.program.slots

    def counter_modulus(self, quantity: str, channel: str) -> float | None:
        """Where a running total wraps, in the quantity's unit; None if it is not a counter."""
        for slot in self.program.slots:
            if slot.quantity == quantity and slot.counter_modulus is not None:
                pattern = re.escape(slot.channel).replace(r"\{\}", r"\d+")
                if re.fullmatch(pattern, channel):
                    return slot.counter_modulus
        return None

    def decode(self, f_port: int, payload: bytes, received: Instant | None = None) -> Outcome:
        """Readings of one payload received at `received`; never raises."""
        result = refusal(f_port, payload)
        if result is None:
            result = interpret(self.program, f_port, payload, unix_seconds(received))
        return self.outcome(result, f_port, payload)

    def decode_with_vendor(
        self, f_port: int, payload: bytes, received: Instant | None = None
    ) -> tuple[Outcome, VendorFields]:
        """Readings, and the vendor's own keys and values (empty when undecoded)."""
        refused = refusal(f_port, payload)
        if refused is not None:
            return self.outcome(refused, f_port, payload), {}
        program = self.full_program
        sink = VendorSink(program)
        result = interpret(program, f_port, payload, unix_seconds(received), sink)
        return self.outcome(result, f_port, payload), sink.fields if result.status == p.OK else {}

    def outcome(self, result: Result, f_port: int, payload: bytes) -> Outcome:
        """The outcome of a run of this device's program."""
        if result.status == p.OK:
            names = self._names
            return Decoded(
                self.decoder,
                tuple(
                    Reading(names[slot][0], value, names[slot][1])
                    if flag == p.GOOD and counted < 0 and seconds < 0
                    else self._reading(slot, value, flag, counted, seconds)
                    for slot, value, flag, counted, seconds in result.values
                ),
            )
        return Undecoded(
            p.REASONS[result.status],
            f"{self.id}: {_message(result, f_port, payload, self.program.refusals)}",
            self.decoder,
        )

    def _reading(self, number: int, value: float, flag: int, counted: int, seconds: int) -> Reading:
        """One emitted value as a Reading, with quantity, channel, quality and event time."""
        slot = self.program.slots[number]
        channel = slot.channel.format(counted) if counted >= 0 else slot.channel
        quality, reason = Quality.GOOD, ""
        if flag == p.OUT_OF_RANGE:
            quality, reason = Quality.BAD, "out_of_range"
        elif flag == p.CLOCK_WRONG:
            quality, reason = Quality.BAD, CLOCK_WRONG
        elif flag >= p.FIRST_FAULT:
            fault = self.program.faults[flag - p.FIRST_FAULT]
            quality, reason = Quality(fault.quality), fault.reason
        time = Instant(seconds * SECOND) if seconds >= 0 else None
        return Reading(slot.quantity, value, channel, quality, reason, time)


def clock_is_wrong(sample: Instant, received: Instant) -> bool:
    """A sample's own time is impossible for a frame received then."""
    seconds = sample // SECOND
    return seconds < p.EARLIEST or seconds > received // SECOND + p.CLOCK_TOLERANCE


def unix_seconds(received: Instant | None) -> float:
    """The time of reception as a program takes it: whole Unix seconds, NaN if unknown."""
    return math.nan if received is None else float(received // SECOND)


def with_constants(
    device_id: str, known: Mapping[str, float], given: Mapping[str, float]
) -> dict[str, float]:
    """A file's constants, replaced by a single sensor's `given` ones.

    Raises ValueError for a name that the file does not have.
    """
    foreign = given.keys() - known.keys()
    if foreign:
        names = ", ".join(known) or "none"
        raise Unusable(
            f"{device_id} has no constant {min(foreign)!r}; it has: {names}",
            f"{device_id} hat keine Konstante {min(foreign)!r}; es hat: {names}",
        )
    return {**known, **given}


def refusal(f_port: int, payload: bytes) -> Result | None:
    """The result for a payload or port that no program can decode; None for all others."""
    if f_port == 0 or not payload:
        return Result(p.NO_PAYLOAD, 0, 0, [])
    if len(payload) > MAX_PAYLOAD:
        return Result(p.TOO_LONG, MAX_PAYLOAD, 0, [])
    if not 1 <= f_port <= MAX_PORT:
        return Result(p.UNKNOWN_PORT, 0, 0, [])
    return None


def _message(result: Result, f_port: int, payload: bytes, refusals: Sequence[str]) -> str:
    where, size = result.where, len(payload)
    match result.status:
        case p.NO_PAYLOAD:
            return f"nothing to decode: {counted(size, 'byte', 'bytes')} on fPort {f_port}"
        case p.TOO_LONG:
            return f"payload of {size} bytes; a LoRaWAN frame carries at most {MAX_PAYLOAD}"
        case p.UNKNOWN_PORT:
            return f"no frame is known for fPort {f_port}"
        case p.TRUNCATED if result.need:
            needed = counted(result.need, "byte", "bytes")
            return f"too short: {needed} needed at offset {where}, {size - where} there"
        case p.TRUNCATED:
            return f"too short at offset {where} to tell its kind of frame"
        case p.TRAILING_BYTES:
            more = counted(size - where, "byte", "bytes")
            return f"{more} at offset {where} after the end of the frame"
        case p.UNKNOWN_FRAME if result.need < 0:
            return refusals[-1 - result.need]
        case _:
            shown = payload[where : where + 4].hex()
            return f"no frame of fPort {f_port} has {shown or 'this'} at offset {where}"
