"""Compiling the items that yield a number: fields and computed values."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from stadtsinn.base.sentence import Unusable
from stadtsinn.decoders import program as p
from stadtsinn.decoders.compiler.assembler import NO_FLOATS
from stadtsinn.decoders.compiler.numbers import MAX_BITS, NumberType, number_type
from stadtsinn.decoders.language import expression
from stadtsinn.decoders.language.model import FieldItem, ValueItem
from stadtsinn.decoders.program import Slot
from stadtsinn.decoders.vocabulary import conversion, quantity

_BRACES = re.compile(r"\{([a-z_0-9]+)\}")


def braces(text: str) -> list[str]:
    """The names in ``{…}``."""
    return _BRACES.findall(text)


@dataclass(frozen=True, slots=True)
class Extract:
    """Where a number's bits are in the payload: columns 1 to 7 of FIELD."""

    base: int
    offset: int
    little: int
    left: int
    right: int
    sign: int
    kind: int

    def columns(self) -> list[int]:
        """Columns 1 to 7 of FIELD."""
        return [
            self.base,
            self.offset,
            self.little,
            self.left,
            self.right,
            self.sign,
            self.kind,
        ]


def extract(item: FieldItem, number: NumberType, base: int, offset: int, bit: int) -> Extract:
    """The shifts that extract the item's bits from one 64-bit load at `offset`.

    `bit` is where an unaligned number begins in its first byte. Raises ValueError.
    """
    high, low = _bit_range(item, number)
    width = high - low + 1
    if number.kind != p.PLAIN and width != number.bits:
        raise Unusable(
            f"bits of {item.type} cannot be taken apart; read it as u{number.bits}",
            f"Bits von {item.type} lassen sich nicht einzeln lesen; es als u{number.bits} lesen",
        )
    if bit + number.bits > MAX_BITS:
        raise Unusable(
            f"{item.type} is too wide here (at most {MAX_BITS} bits)",
            f"{item.type} ist hier zu breit (höchstens {MAX_BITS} Bit)",
        )
    left = 63 - high if number.little else bit + number.bits - 1 - high
    return Extract(base, offset, int(number.little), left, 64 - width, number.sign, number.kind)


def _bit_range(item: FieldItem, number: NumberType) -> tuple[int, int]:
    if item.bit is not None and item.bits is not None:
        raise Unusable(
            "has both bit and bits; keep one",
            "hat bit und bits; eines davon behalten",
        )
    high, low = item.bits or (number.bits - 1, 0)
    if item.bit is not None:
        high = low = item.bit
    if not number.bits > high >= low >= 0:
        raise Unusable(
            f"bits [{high}, {low}] do not lie in {item.type}; write [high, low]",
            f"die Bits [{high}, {low}] liegen nicht in {item.type}; [hohes, niedriges] schreiben",
        )
    return high, low


def scale(item: FieldItem, factor: tuple[int, int]) -> tuple[float, float, float]:
    """add, mul, div with a unit's factor multiplied in, so that the value is rounded once.

    Integer mul and div are divided by their greatest common divisor.
    """
    add, mul, div = float(item.add), float(item.mul) * factor[0], float(item.div) * factor[1]
    if div == 0 or any(map(math.isinf, (add, mul, div))):
        raise Unusable(
            "add, mul and div must be finite, div not 0",
            "add, mul und div müssen endlich sein, div nicht 0",
        )
    if mul.is_integer() and div.is_integer():
        shared = _gcd(int(mul), int(div))
        mul, div = mul / shared, div / shared
    return add, mul, div


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return abs(a) or 1


def unit_factor(item: FieldItem | ValueItem) -> tuple[int, int]:
    """Factor from the item's unit to its quantity's; raises ValueError."""
    if not item.unit:
        raise Unusable(
            f"{item.quantity} without unit; say the device's unit, in UCUM",
            f"{item.quantity} ohne Einheit; die des Geräts angeben, in UCUM",
        )
    return conversion(item.unit, quantity(item.quantity))


def slot(item: FieldItem | ValueItem, channel: str) -> Slot:
    """The slot of an item with a quantity; raises ValueError."""
    known = quantity(item.quantity)
    low, high = item.range or (known.low, known.high)
    if not low < high:
        raise Unusable(
            f"range [{low}, {high}] is empty; write [low, high]",
            f"der Bereich [{low}, {high}] ist leer; [unten, oben] schreiben",
        )
    if low < known.low or high > known.high:
        raise Unusable(
            f"range [{low}, {high}] is wider than what is plausible for {known.name} "
            f"([{known.low}, {known.high}]); write the sensor's where it is narrower",
            f"der Bereich [{low}, {high}] ist weiter als für {known.name} glaubhaft "
            f"([{known.low}, {known.high}]); den des Sensors angeben, wo er enger ist",
        )
    return Slot(
        quantity=known.name,
        channel=channel,
        unit=known.unit,
        low=float(low),
        high=float(high),
        counter_modulus=_counter_modulus(item) if known.aggregate == "counter" else None,
        note=item.note,
    )


def row_of(step: expression.Step) -> tuple[list[int], tuple[float, ...]]:
    """A step of an expression as an op."""
    match step:
        case expression.Constant(number):
            return [p.PUSH, p.IN_ROW], (number, 0.0, 0.0, 0.0, 0.0)
        case expression.Register(number):
            return [p.PUSH, number], NO_FLOATS
        case expression.Call(function, arguments):
            numbers = [x.number if isinstance(x, expression.Constant) else 0.0 for x in arguments]
            floats = (*numbers[:2], *NO_FLOATS)[: p.FLOAT_COLUMNS]
            return [p.CALL, function, *map(_source, arguments[:2])], floats


def _source(leaf: expression.Leaf | None) -> int:
    match leaf:
        case None:
            return p.ON_STACK
        case expression.Constant():
            return p.IN_ROW
        case expression.Register(number):
            return number


def _counter_modulus(item: FieldItem | ValueItem) -> float | None:
    """Where a running total wraps, in the quantity's unit; None (unknown) for a computed one."""
    if isinstance(item, ValueItem):
        return None
    _, mul, div = scale(item, unit_factor(item))
    return 2.0 ** (item.counter_bits or width(item)) * abs(mul / div)


def width(item: FieldItem) -> int:
    """Bits of a field; raises ValueError."""
    high, low = _bit_range(item, number_type(item.type))
    return high - low + 1
