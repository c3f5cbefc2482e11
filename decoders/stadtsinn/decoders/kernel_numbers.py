"""The kernel's small functions: loading numbers, number formats, functions of expressions.

Written for numba: it infers types when it compiles and takes globals as constants. Indices are
unsigned 64 bit, so that numba leaves out its test for negative ones and the compiler merges eight
byte loads into one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from stadtsinn.decoders import program as p

U0, U1, U2, U3, U4, U5, U6, U7 = (np.uint64(i) for i in range(8))
U8, U16, U24, U32, U40, U48, U56 = (np.uint64(8 * i) for i in range(1, 8))
_LOW32 = np.uint64(0xFFFFFFFF)
_LIMIT = float(1 << 53)

_inline: Callable[..., Any] = numba.njit(inline="always", error_model="numpy")


@_inline
def big(buffer, at):  # type: ignore[no-untyped-def]
    return (
        (np.uint64(buffer[at]) << U56)
        | (np.uint64(buffer[at + U1]) << U48)
        | (np.uint64(buffer[at + U2]) << U40)
        | (np.uint64(buffer[at + U3]) << U32)
        | (np.uint64(buffer[at + U4]) << U24)
        | (np.uint64(buffer[at + U5]) << U16)
        | (np.uint64(buffer[at + U6]) << U8)
        | np.uint64(buffer[at + U7])
    )


@_inline
def little(buffer, at):  # type: ignore[no-untyped-def]
    return (
        np.uint64(buffer[at])
        | (np.uint64(buffer[at + U1]) << U8)
        | (np.uint64(buffer[at + U2]) << U16)
        | (np.uint64(buffer[at + U3]) << U24)
        | (np.uint64(buffer[at + U4]) << U32)
        | (np.uint64(buffer[at + U5]) << U40)
        | (np.uint64(buffer[at + U6]) << U48)
        | (np.uint64(buffer[at + U7]) << U56)
    )


@_inline
def whole(value):  # type: ignore[no-untyped-def]
    number = np.int64(-1)
    if -_LIMIT < value < _LIMIT:
        number = np.int64(value)
        if np.float64(number) != value:
            number = np.int64(-1)
    return number


@numba.njit(error_model="numpy")
def special(kind, bits, width, scratch):  # type: ignore[no-untyped-def]
    """arithmetic.special; `scratch` is one uint32 to read as float32."""
    top = bits >> (width - 1) & 1
    if kind == p.SIGN_MAGNITUDE:
        size = bits & ((np.int64(1) << (width - 1)) - 1)
        return np.float64(-size if top else size)
    if kind == p.BCD:
        number = 0.0
        for shift in range(width - 4, -1, -4):
            digit = bits >> shift & 15
            if digit > 9:
                return math.nan
            number = number * 10.0 + digit
        return number
    if kind == p.FLOAT32:
        scratch[0] = np.uint32(bits)
        single = np.float64(scratch.view(np.float32)[0])
        return single if math.isfinite(single) else math.nan
    if kind == p.FLOAT16:
        exponent, fraction = bits >> 10 & 31, bits & 1023
        if exponent == 31:
            return math.nan
        if exponent == 0:
            half = math.ldexp(np.float64(fraction), -24)
        else:
            half = math.ldexp(np.float64(1024 + fraction), exponent - 25)
        return -half if top else half
    swapped = (bits & 0xFFFF) << 16 | (bits >> 16 & 0xFFFF)
    if kind == p.SIGNED_WORDS and swapped >> 31:
        swapped -= np.int64(1) << 32
    return np.float64(swapped)


@numba.njit(error_model="numpy")
def apply(function, a, b):  # type: ignore[no-untyped-def]
    """A function of UNARY (applied to `a`) or BINARY; NaN for a result that is not finite."""
    result = math.nan
    if function == 0:
        result = -a
    elif function == 1:
        result = abs(a)
    elif function == 2:
        result = np.floor(a)
    elif function == 3:
        if a >= 0:
            result = math.sqrt(a)
    elif function == 4:
        if a > 0:
            result = math.log(a)
    elif function == 5:
        if a > 0:
            result = math.log10(a)
    elif function == 6:
        result = math.exp(a)
    elif function == 7:
        result = 1.0 if a == 0.0 else 0.0
    elif function == 8:
        result = a + b
    elif function == 9:
        result = a - b
    elif function == 10:
        result = a * b
    elif function == 11:
        if b != 0.0:
            result = a / b
    elif function == 12:
        if b == 2.0:
            result = a * a
        elif b == 3.0:
            result = a * a * a
        else:
            result = math.pow(a, b)
    elif function == 13:
        result = min(b, a)
    elif function == 14:
        result = max(b, a)
    elif function == 15:
        result = 1.0 if a < b else 0.0
    elif function == 16:
        result = 1.0 if a <= b else 0.0
    elif function == 17:
        result = 1.0 if a == b else 0.0
    else:
        result = 1.0 if a != b else 0.0
    return result if math.isfinite(result) else math.nan
