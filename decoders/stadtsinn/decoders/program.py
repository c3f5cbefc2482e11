"""The op tables a device file compiles to, run by both the interpreter and the kernel.

A program is a list of ops over one payload. State: a cursor `pos`, number registers (the first
hold fPort, time of reception and length), a short stack for expressions. Every op is a row of
integers (column 0 its code) and a row of floats. The tables are the whole program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

OP_COLUMNS = 16
FLOAT_COLUMNS = 5
REGISTERS = 64
STACK = 16
PORT_REGISTER = 0
RECEIVED_REGISTER = 1
"""When a gateway received the frame, in Unix seconds; NaN if unknown."""
LENGTH_REGISTER = 2
BUILT_IN = {"port": PORT_REGISTER, "received": RECEIVED_REGISTER, "length": LENGTH_REGISTER}
"""Names that every expression may use."""

# Codes. Targets are op indices within the program.
FIELD = 0
"""base, offset, little, left, right, signed, kind, slot, register, channel register,
time register, first sentinel, sentinels, doubt register (0: none), flag if that is not 0; floats
add, mul, div, low, high."""
EXACT = 1
"""bytes, plain fields, whole: exactly so many bytes from pos to the end.

The last two columns only make the kernel faster: the number of plain FIELDs that follow (see
`is_plain`), and whether nothing but DONE follows them (`whole`)."""
NEED = 2
"""bytes, plain fields, step: at least so many bytes from pos. As in EXACT; if `step` is not 0, an
ADVANCE by it follows the plain fields."""
ADVANCE = 3
"""bytes: move pos."""
DONE = 4
"""Success; pos is not tested, since EXACT has tested it."""
END = 5
"""Success if pos is at the end, else trailing bytes."""
SWITCH = 6
"""register, first table row, mask, multiplier, shift, target if absent."""
SWITCH_KEY = 7
"""bytes of key at pos, first table row, mask, multiplier, shift, target if absent, whether an
absent key is taken (1) or an unknown frame (0)."""
JUMP = 8
"""target."""
JUMP_AT_END = 9
"""target, tail: taken when no more than `tail` bytes are left."""
JUMP_BIT_CLEAR = 10
"""register, bit, target."""
KNOWN_BITS = 11
"""register, allowed mask: other bits are an unknown frame."""
LENGTH = 12
"""least, most, target if not. If no other frame fits, a shorter payload is truncated."""
MATCH = 13
"""at, bytes (1 to 3), mask, equals, target if not."""
NO_FRAME = 14
"""No frame of the port fits: truncated if one was too short, else unknown frame."""
FAIL = 15
"""status, number of bytes needed: -1 - index into `refusals` where the file says why."""
REST = 16
"""Move pos to the end."""
LOOP_SET = 17
"""counter register, count, source register (-1: count holds)."""
LOOP = 18
"""counter register, target past the loop: counts down, jumps when it was 0."""
PUSH = 19
"""register (-1: the first float)."""
CALL = 20
"""function (see UNARY, BINARY, SELECT), source of the first argument, of the second: ON_STACK,
IN_ROW (the first or second float) or a register. The second is taken from the stack before the
first; SELECT takes all three from the stack."""
STORE = 21
"""As FIELD from column 8 on, but the value is the stack's top; floats as FIELD."""
NEED_ALL = 22
"""bytes: the payload must have at least so many."""
SKIP_BY = 23
"""register: move pos by its number; a negative number or a fraction is an unknown frame."""
MOST_NEEDED = 0xFFFF
"""Highest number of needed bytes that a SKIP_BY reports."""
RENDER = 24
"""index into `renders`: vendor output; only in full programs, only for the interpreter."""

# CALL sources
ON_STACK, IN_ROW = -2, -1

# FIELD bases
AT_POS, AT_START, AT_END = 0, 1, 2

# FIELD kinds: how the extracted bits encode a number.
PLAIN, SIGN_MAGNITUDE, BCD, FLOAT32, FLOAT16, WORDS_SWAPPED, SIGNED_WORDS = range(7)

# FIELD signs: none, two's complement, ones' complement (a negative number is one higher).
UNSIGNED, TWOS, ONES = range(3)


def is_plain(row: Sequence[int]) -> bool:
    """Whether an op is a FIELD that only stores a number: no register, own time or doubt."""
    return (
        row[0] == FIELD
        and row[1] == AT_POS
        and row[7] == PLAIN
        and row[8] >= 0
        and max(row[9:12]) < 0
        and row[14] == 0
    )


# CALL functions
UNARY = ("neg", "abs", "floor", "sqrt", "log", "log10", "exp", "not")
BINARY = ("add", "sub", "mul", "div", "pow", "min", "max", "lt", "le", "eq", "ne")
SELECT = len(UNARY) + len(BINARY)
FUNCTIONS = {name: index for index, name in enumerate((*UNARY, *BINARY, "select"))}

EARLIEST = 1_451_606_400
"""2016-01-01 in Unix seconds. Clocks that were never set begin at 1970, 2000 or 2015 and run on."""
CLOCK_TOLERANCE = 3600
"""Seconds that a device's clock may be ahead of the gateway's."""

# Status of a row
OK = 0
UNKNOWN_DEVICE = 1
UNKNOWN_PORT = 2
UNKNOWN_FRAME = 3
TRUNCATED = 4
TRAILING_BYTES = 5
NO_PAYLOAD = 6
TOO_LONG = 7
REASONS = (
    "",
    "unknown_device",
    "unknown_port",
    "unknown_frame",
    "truncated",
    "trailing_bytes",
    "no_payload",
    "too_long",
)

# Flags of a value
GOOD = 0
OUT_OF_RANGE = 1
CLOCK_WRONG = 2
"""A sample's own timestamp is impossible: the device's clock is not set, or ahead. It comes before
all other flags, so that no sample of such a time is taken for one of that moment."""
FIRST_FAULT = 3
MISSING = -1
"""A sentinel's action: no reading. Others are flags (FIRST_FAULT + index into `faults`)."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What a stored value is: quantity and channel, where ``{}`` is a number from the payload."""

    quantity: str
    channel: str
    unit: str
    low: float
    high: float
    counter_modulus: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Reason and quality of a value that is not good."""

    reason: str
    quality: Literal["suspect", "bad"]


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled device type.

    `renders` is filled in full programs, which also produce the vendor's fields.
    """

    ops: tuple[tuple[int, ...], ...]
    floats: tuple[tuple[float, ...], ...]
    switch_keys: tuple[int, ...]
    switch_targets: tuple[int, ...]
    sentinels: tuple[int, ...]
    actions: tuple[int, ...]
    slots: tuple[Slot, ...]
    faults: tuple[Fault, ...]
    refusals: tuple[str, ...]
    renders: tuple[Any, ...]
