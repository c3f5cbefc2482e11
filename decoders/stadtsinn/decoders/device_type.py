"""A device type: its file, its programs, and the names that its readings get."""

from __future__ import annotations

import re
from functools import cached_property

from stadtsinn.decoders import program as p
from stadtsinn.decoders.compiler.compile import compile_device
from stadtsinn.decoders.instant import SECOND, Instant
from stadtsinn.decoders.interpreter import Emitted, Result, interpret
from stadtsinn.decoders.language.model import DeviceFile
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


class DeviceType:
    """A device type of the catalogue."""

    def __init__(self, device_id: str, file: DeviceFile, place: str) -> None:
        self.id = device_id
        self.file = file
        self.family: str = file.family
        self.vendor = file.vendor
        self.product = file.product
        self.version = file.version
        self.decoder = f"{device_id}@{file.version}"
        self._place = place
        self.program = compile_device(file, place, full=False)

    @cached_property
    def full_program(self) -> Program:
        """The program that also prints the vendor's view. Raises DeviceFileError."""
        full = compile_device(self.file, self._place, full=True)
        assert full.slots == self.program.slots, f"{self.id}: the two programs differ in slots"
        return full

    @property
    def fields(self) -> tuple[Slot, ...]:
        """What it can measure, in the order of the file."""
        return self.program.slots

    def counter_bits(self, quantity: str, channel: str) -> int | None:
        """Width in bits of a running total, for its wrap; None if that is no counter here."""
        for slot in self.program.slots:
            if slot.quantity == quantity and slot.counter_bits is not None:
                pattern = re.escape(slot.channel).replace(r"\{\}", r"\d+")
                if re.fullmatch(pattern, channel):
                    return slot.counter_bits
        return None

    def decode(self, f_port: int, payload: bytes) -> Outcome:
        """Readings of one payload; never raises."""
        refused = refusal(f_port, payload)
        if refused is None:
            refused = interpret(self.program, f_port, payload)
        return self.outcome(refused, f_port, payload)

    def decode_with_vendor(self, f_port: int, payload: bytes) -> tuple[Outcome, VendorFields]:
        """Readings, and the vendor's own keys and values (empty when undecoded)."""
        refused = refusal(f_port, payload)
        if refused is not None:
            return self.outcome(refused, f_port, payload), {}
        program = self.full_program
        sink = VendorSink(program)
        result = interpret(program, f_port, payload, sink)
        return self.outcome(result, f_port, payload), sink.fields if result.status == p.OK else {}

    def outcome(self, result: Result, f_port: int, payload: bytes) -> Outcome:
        """The outcome of a run of this device's program."""
        if result.status == p.OK:
            return Decoded(self.decoder, tuple(map(self.reading, result.values)))
        return Undecoded(
            p.REASONS[result.status],
            f"{self.id}: {_message(result, f_port, payload)}",
            self.decoder,
        )

    def reading(self, emitted: Emitted) -> Reading:
        """One emitted value with its names."""
        number, value, flag, counted, seconds = emitted
        slot = self.program.slots[number]
        if flag == p.GOOD and counted < 0 and seconds < 0:
            return Reading(slot.quantity, value, slot.channel)
        channel = slot.channel.format(counted) if counted >= 0 else slot.channel
        quality, reason = Quality.GOOD, ""
        if flag != p.GOOD:
            quality, reason = Quality.BAD, "out_of_range"
        if flag >= p.FIRST_FAULT:
            reason = self.program.faults[flag - p.FIRST_FAULT]
        time = Instant(seconds * SECOND) if seconds >= 0 else None
        return Reading(slot.quantity, value, channel, quality, reason, time)


def refusal(f_port: int, payload: bytes) -> Result | None:
    """The end of what no program is asked about: nothing there, or more than a frame carries."""
    if f_port == 0 or not payload:
        return Result(p.NO_PAYLOAD, 0, 0, [])
    if len(payload) > MAX_PAYLOAD:
        return Result(p.TOO_LONG, MAX_PAYLOAD, 0, [])
    if not 1 <= f_port <= MAX_PORT:
        return Result(p.UNKNOWN_PORT, 0, 0, [])
    return None


def _message(result: Result, f_port: int, payload: bytes) -> str:
    where, size = result.where, len(payload)
    match result.status:
        case p.NO_PAYLOAD:
            return f"no payload ({size} bytes on fPort {f_port})"
        case p.TOO_LONG:
            return f"payload of {size} bytes; a LoRaWAN frame carries at most {MAX_PAYLOAD}"
        case p.UNKNOWN_PORT:
            return f"no frame is known for fPort {f_port}"
        case p.TRUNCATED if result.need:
            return f"truncated: {result.need} bytes needed at offset {where}, {size - where} there"
        case p.TRUNCATED:
            return f"truncated at offset {where}: too short to tell its kind of frame"
        case p.TRAILING_BYTES:
            return f"{size - where} bytes at offset {where} after the end of the frame"
        case _:
            shown = payload[where : where + 4].hex()
            return f"no frame of fPort {f_port} has {shown or 'this'} at offset {where}"
