"""Number formats and functions of op tables, defined so that the kernel can do the same.

Whatever is not finite becomes NaN at once: results never depend on signed zeros or infinities.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Sequence

from stadtsinn.decoders import program as p

_LIMIT = float(1 << 53)
_FIRST_BINARY, _SELECT, _STACK = len(p.UNARY), p.SELECT, p.ON_STACK
_NAN, _is_finite = math.nan, math.isfinite


def whole(value: float) -> int:
    """A register as an integer; -1 for a fraction, NaN, or a number too large to be exact."""
    if not -_LIMIT < value < _LIMIT:
        return -1
    number = int(value)
    return number if number == value else -1


def special(kind: int, bits: int, width: int) -> float:
    """The value of `bits` of a kind other than PLAIN; NaN for bits that encode no number."""
    if kind == p.SIGN_MAGNITUDE:
        size = bits & ((1 << (width - 1)) - 1)
        return -size if bits >> (width - 1) else size
    if kind == p.BCD:
        return _bcd(bits, width)
    if kind == p.FLOAT32:
        number: float = struct.unpack(">f", bits.to_bytes(4, "big"))[0]
        return number if math.isfinite(number) else math.nan
    if kind == p.FLOAT16:
        number = struct.unpack(">e", bits.to_bytes(2, "big"))[0]
        return number if math.isfinite(number) else math.nan
    swapped = (bits & 0xFFFF) << 16 | bits >> 16
    return swapped - (1 << 32) if kind == p.SIGNED_WORDS and swapped >> 31 else swapped


def _bcd(bits: int, width: int) -> float:
    number = 0
    for shift in range(width - 4, -1, -4):
        digit = bits >> shift & 15
        if digit > 9:
            return math.nan
        number = number * 10 + digit
    return number


def _divide(a: float, b: float) -> float:
    return a / b if b else math.nan


def _power(a: float, b: float) -> float:
    # Squares and cubes by products: the same on every machine, and fast.
    if b == 2:
        return a * a
    if b == 3:
        return a * a * a
    try:
        return math.pow(a, b)
    except (ValueError, OverflowError):
        return math.nan


def _exponential(a: float) -> float:
    try:
        return math.exp(a)
    except OverflowError:
        return math.nan


_UNARY: tuple[Callable[[float], float], ...] = (
    operator.neg,
    abs,
    lambda a: float(math.floor(a)) if math.isfinite(a) else math.nan,
    lambda a: math.sqrt(a) if a >= 0 else math.nan,
    lambda a: math.log(a) if a > 0 else math.nan,
    lambda a: math.log10(a) if a > 0 else math.nan,
    _exponential,
    operator.not_,
)
_BINARY: tuple[Callable[[float, float], float], ...] = (
    operator.add,
    operator.sub,
    operator.mul,
    _divide,
    _power,
    lambda a, b: min(b, a),
    lambda a, b: max(b, a),
    operator.lt,
    operator.le,
    operator.eq,
    operator.ne,
)


def call(
    op: Sequence[int], floats: Sequence[float], registers: list[float], stack: list[float]
) -> None:
    """A CALL: the function's result goes onto the stack."""
    function, first, second = op[1], op[2], op[3]
    if function >= _SELECT:
        otherwise, then, test = stack.pop(), stack.pop(), stack.pop()
        result = then if test else otherwise
    elif function >= _FIRST_BINARY:
        right = stack.pop() if second == _STACK else registers[second] if second >= 0 else floats[1]
        left = stack.pop() if first == _STACK else registers[first] if first >= 0 else floats[0]
        result = _BINARY[function - _FIRST_BINARY](left, right)
    else:
        only = stack.pop() if first == _STACK else registers[first] if first >= 0 else floats[0]
        result = _UNARY[function](only)
    stack.append(result if _is_finite(result) else _NAN)
