"""The interpreter of op tables: the executable specification of a decoder.

The kernel does the same for batches. Where the two differ, the kernel is wrong.
"""

from __future__ import annotations

import math
import struct
from typing import Any, NamedTuple, Protocol

from stadtsinn.decoders import arithmetic
from stadtsinn.decoders import program as p
from stadtsinn.decoders.program import Program

_WORD = (1 << 64) - 1
_PADDING = bytes(8)
_big, _little = struct.Struct(">Q").unpack_from, struct.Struct("<Q").unpack_from


Emitted = tuple[int, float, int, int, int]
"""One value: slot, number, flag, number for the channel (-1: none), Unix seconds (-1: none)."""


class Result(NamedTuple):
    """How a payload ended: status, byte offset, bytes needed there, values (empty unless OK)."""

    status: int
    where: int
    need: int
    values: list[Emitted]


class Sink(Protocol):
    """Called for each RENDER op: index of the render, last raw number, registers, payload, pos."""

    def __call__(
        self, render: int, raw: float, registers: list[float], payload: bytes, pos: int
    ) -> None: ...


def interpret(
    program: Program,
    f_port: int,
    payload: bytes,
    received: float = math.nan,
    sink: Sink | None = None,
) -> Result:
    """Run a program over one payload. Never raises for any bytes and any fPort.

    `received` is when a gateway received it, in Unix seconds; NaN if unknown.
    """
    ops, floats = program.ops, program.floats
    padded = payload + _PADDING
    end = len(payload)
    registers = [0.0] * p.REGISTERS
    registers[p.PORT_REGISTER] = float(f_port)
    registers[p.RECEIVED_REGISTER] = received
    registers[p.LENGTH_REGISTER] = float(end)
    stack: list[float] = []
    values: list[Emitted] = []
    raw: Any = 0
    pos = pc = 0
    short = False
    while True:
        op = ops[pc]
        code = op[0]
        # Frequent ops first: each comparison of the chain takes time.
        if code == p.FIELD:
            (
                _, base, offset, little, left, right, sign, kind,
                slot, register, channel, time, _, sentinels, doubt, _,
            ) = op  # fmt: skip
            place = offset + (pos if base == p.AT_POS else 0 if base == p.AT_START else end)
            (word,) = (_little if little else _big)(padded, place)
            sent = raw = (word << left & _WORD) >> right
            if sign and raw >> (63 - right):
                sent = raw - (1 << (64 - right))
                raw = sent + (sign == p.ONES)
            if kind:
                sent = raw = arithmetic.special(kind, raw, 64 - right)
            add, mul, div, low, high = floats[pc]
            value = (raw + add) * mul / div
            if register >= 0:
                registers[register] = value
            if slot >= 0:
                plain = channel < 0 and time < 0 and not sentinels and not doubt
                if plain and low <= value <= high:
                    values.append((slot, value, p.GOOD, -1, -1))
                else:
                    _store(program, op, sent, value, low, high, registers, values)
        elif code == p.PUSH:
            stack.append(registers[op[1]] if op[1] >= 0 else floats[pc][0])
        elif code == p.CALL:
            arithmetic.call(op, floats[pc], registers, stack)
        elif code == p.STORE:
            raw = stack.pop()
            _, mul, div, low, high = floats[pc]
            if op[9] >= 0:
                registers[op[9]] = raw
            if op[8] >= 0:
                _store(program, op, raw, raw * mul / div, low, high, registers, values)
        elif code == p.NEED:
            if pos + op[1] > end:
                return Result(p.TRUNCATED, pos, op[1], [])
        elif code == p.ADVANCE:
            pos += op[1]
        elif code == p.JUMP:
            pc = op[1]
            continue
        elif code == p.RENDER:
            if sink is not None:
                sink(op[1], raw, registers, payload, pos)
        elif code == p.EXACT:
            if pos + op[1] > end:
                return Result(p.TRUNCATED, pos, op[1], [])
            if pos + op[1] < end:
                return Result(p.TRAILING_BYTES, pos + op[1], 0, [])
        elif code == p.DONE:
            return Result(p.OK, 0, 0, values)
        elif code == p.END:
            if pos < end:
                return Result(p.TRAILING_BYTES, pos, 0, [])
            return Result(p.OK, 0, 0, values)
        elif code == p.SWITCH:
            pc = _switch(program, op, arithmetic.whole(registers[op[1]]))
            continue
        elif code == p.SWITCH_KEY:
            if pos + op[1] > end:
                return Result(p.TRUNCATED, pos, op[1], [])
            pc = _switch(program, op, int.from_bytes(payload[pos : pos + op[1]], "big"))
            if pc == op[6] and not op[7]:
                return Result(p.UNKNOWN_FRAME, pos, op[1], [])
            pos += op[1]
            continue
        elif code == p.JUMP_AT_END:
            if pos >= end - op[2]:
                pc = op[1]
                continue
        elif code == p.JUMP_BIT_CLEAR:
            if not arithmetic.whole(registers[op[1]]) >> op[2] & 1:
                pc = op[3]
                continue
        elif code == p.KNOWN_BITS:
            if arithmetic.whole(registers[op[1]]) & ~op[2]:
                return Result(p.UNKNOWN_FRAME, pos, 0, [])
        elif code == p.LENGTH:
            if not op[1] <= end <= op[2]:
                short = short or end < op[1]
                pc = op[3]
                continue
        elif code == p.MATCH:
            if op[1] + op[2] > end:
                # Shorter than the test, but its bytes match so far: a truncated frame.
                short = short or _begins(op, payload)
                pc = op[5]
                continue
            if int.from_bytes(payload[op[1] : op[1] + op[2]], "big") & op[3] != op[4]:
                pc = op[5]
                continue
        elif code == p.NO_FRAME:
            return Result(p.TRUNCATED if short else p.UNKNOWN_FRAME, end if short else 0, 0, [])
        elif code == p.FAIL:
            return Result(op[1], pos, op[2], [])
        elif code == p.REST:
            pos = end
        elif code == p.LOOP_SET:
            registers[op[1]] = float(op[2]) if op[3] < 0 else registers[op[3]]
        elif code == p.LOOP:
            if registers[op[1]] < 1:
                pc = op[2]
                continue
            registers[op[1]] -= 1
        elif code == p.NEED_ALL:
            if op[1] > end:
                return Result(p.TRUNCATED, end, op[1] - end, [])
        elif code == p.SKIP_BY:
            count = arithmetic.whole(registers[op[1]])
            if count < 0:
                return Result(p.UNKNOWN_FRAME, pos, 0, [])
            if count > end - pos:
                return Result(p.TRUNCATED, pos, min(count, p.MOST_NEEDED), [])
            pos += count
        pc += 1


def _switch(program: Program, op: tuple[int, ...], key: int) -> int:
    if not 0 <= key <= 0xFFFFFFFF:
        return op[6]
    row = op[2] + (((key * op[4] & 0xFFFFFFFF) >> op[5]) & op[3])
    return program.switch_targets[row] if program.switch_keys[row] == key else op[6]


def _begins(op: tuple[int, ...], payload: bytes) -> bool:
    """Whether a payload too short for a MATCH matches as far as it goes."""
    have = max(0, len(payload) - op[1])
    missing = 8 * (op[2] - have)
    return int.from_bytes(payload[op[1] :], "big") & op[3] >> missing == op[4] >> missing


def _store(
    program: Program,
    op: tuple[int, ...],
    sent: float,
    value: float,
    low: float,
    high: float,
    registers: list[float],
    values: list[Emitted],
) -> None:
    if not math.isfinite(value):
        return
    flag = p.GOOD if low <= value <= high else p.OUT_OF_RANGE
    for row in range(op[12], op[12] + op[13]):
        if program.sentinels[row] == sent:
            flag = program.actions[row]
    if flag == p.MISSING:
        return
    if flag == p.GOOD and op[14] and registers[op[14]] != 0:
        flag = op[15]
    channel = arithmetic.whole(registers[op[10]]) if op[10] >= 0 else -1
    seconds = arithmetic.whole(registers[op[11]]) if op[11] >= 0 else -1
    if seconds >= 0 and clock_is_wrong(seconds, registers):
        flag = p.CLOCK_WRONG  # whatever else is wrong: there is no moment that it belongs to
    values.append((op[8], value, flag, channel, seconds))


def clock_is_wrong(seconds: int, registers: list[float]) -> bool:
    """Whether a sample's timestamp is impossible: before 2016, or ahead of its reception.

    Without a time of reception (NaN) only the first is tested.
    """
    return seconds < p.EARLIEST or seconds > registers[p.RECEIVED_REGISTER] + p.CLOCK_TOLERANCE
