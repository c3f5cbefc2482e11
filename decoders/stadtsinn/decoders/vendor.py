"""The vendor's fields: what the vendor's codec would print for the same payload."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from stadtsinn.decoders.arithmetic import whole
from stadtsinn.decoders.compiler.render import (
    RenderBytes,
    RenderClose,
    RenderList,
    RenderNumber,
    RenderOpen,
    RenderText,
)
from stadtsinn.decoders.compiler.template import Part
from stadtsinn.decoders.program import Program
from stadtsinn.decoders.reading import VendorFields

_EXPONENTIAL_FROM = 1e21
_PLAIN_DOWN_TO = 1e-6
_DIGITS = 64


def javascript_text(value: float) -> str:
    """JavaScript's String(number): exponents from 1e21 on and below 1e-6, no trailing zeros."""
    digits = repr(float(value) + 0.0)  # no -0
    if value == 0 or _PLAIN_DOWN_TO <= abs(value) < _EXPONENTIAL_FROM:
        return format(Decimal(digits), "f").removesuffix(".0")
    mantissa, _, exponent = digits.partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def to_fixed(value: float, decimals: int) -> str:
    """JavaScript's toFixed: the exact binary value, halves away from zero."""
    if abs(value) >= _EXPONENTIAL_FROM:
        return javascript_text(value)
    step = Decimal(1).scaleb(-decimals)
    with localcontext(prec=_DIGITS):
        return str(Decimal(value or 0.0).quantize(step, rounding=ROUND_HALF_UP))


class VendorSink:
    """Builds the vendor's fields while the interpreter runs a full program."""

    def __init__(self, program: Program) -> None:
        self._renders = program.renders
        self.fields: VendorFields = {}
        self._open: list[Any] = [self.fields]

    def __call__(
        self, render: int, raw: float, registers: list[float], payload: bytes, pos: int
    ) -> None:
        """One RENDER op."""
        match self._renders[render]:
            case RenderNumber() as number:
                self._number(number, raw, registers)
            case RenderText(key, parts, append):
                self._text(key, parts, registers, append=append)
            case RenderList(key, sources, omit):
                numbers = [registers[register] for register in sources]
                self._set(key, [_listed(n) for n in numbers if n not in omit])
            case RenderBytes() as part:
                self._set(part.key, _bytes(part, registers, payload, pos))
            case RenderOpen(path, kind):
                self._open.append(self._opened(path, kind))
            case RenderClose():
                self._open.pop()

    def _number(self, render: RenderNumber, raw: float, registers: list[float]) -> None:
        spec = render.vendor
        value = (raw + render.add) * render.mul * spec.mul / render.div
        key = filled(render.key, registers)
        if key is None or (not math.isfinite(value) and spec.not_finite == "omit"):
            return
        if value in spec.omit:
            return
        if spec.only_map and (
            not math.isfinite(value) or str(_plain(value)) not in (spec.map or {})
        ):
            return
        self._set(key, shown(value, render), gather=spec.gather)

    def _text(
        self, key: str, parts: tuple[Part, ...], registers: list[float], *, append: bool
    ) -> None:
        text = filled(parts, registers)
        if text is None:
            return
        target, name = self._place(key)
        self._set(key, target.get(name, "") + text if append else text)

    def _place(self, path: str) -> tuple[dict[str, Any], str]:
        """The object that a path's last name belongs to, and that name."""
        *outer, key = path.split(".")
        target = self._open[-1]
        for name in outer:
            target = target.setdefault(name, {})
        return target, key

    def _set(self, path: str, value: object, *, gather: bool = False) -> None:
        target, key = self._place(path)
        if key.endswith("[]"):
            target.setdefault(key.removesuffix("[]"), []).append(value)
        elif gather and isinstance(target.get(key), list):
            target[key].append(value)
        elif gather and key in target:
            target[key] = [target[key], value]
        else:
            target[key] = value

    def _opened(self, path: str, kind: str) -> Any:
        if not path:
            within = self._open[-1]
        else:
            target, key = self._place(path)
            if kind == "object":
                return target.setdefault(key, {})
            within = target.setdefault(key, [])
        opened: Any = [] if kind == "list" else {}
        within.insert(0 if kind == "first" else len(within), opened)
        return opened


def shown(value: float, render: RenderNumber) -> object:
    """A number as the vendor prints it."""
    spec = render.vendor
    if not math.isfinite(value) or value in spec.null:
        plain: object = None
    elif spec.map is not None:
        key = str(_plain(value))
        plain = spec.map[key] if key in spec.map else _default(spec.default, _plain(value))
    elif spec.boolean:
        plain = value != 0
    elif spec.floor:
        plain = math.floor(value)
    elif spec.decimals is not None:
        plain = to_fixed(value, spec.decimals)
    elif spec.round is not None:
        plain = _plain(float(to_fixed(value, spec.round)))
    else:
        plain = _plain(value)
    return plain if spec.fields is None else {**spec.fields, "value": plain}


def _default(default: object, plain: object) -> object:
    return plain if default is None else default


def _listed(value: float) -> int | float | None:
    """A number of a list; NaN becomes JSON's null."""
    return _plain(value) if math.isfinite(value) else None


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _bytes(part: RenderBytes, registers: list[float], payload: bytes, pos: int) -> object:
    start = 0 if part.whole else pos + part.offset
    size = whole(registers[part.register]) if part.register >= 0 else part.size
    raw = payload[start:] if size < 0 else payload[start : start + size]
    if part.show == "list":
        return list(raw)
    return part.before + _bytes_text(part, raw) + part.after


def _bytes_text(part: RenderBytes, raw: bytes) -> str:
    match part.show:
        case "ascii":
            return raw.decode("latin-1")
        case "utf8":
            return raw.decode("utf-8", "replace")
        case "HEX":
            return part.separator.join(f"{byte:02X}" for byte in raw)
        case _:
            return part.separator.join(f"{byte:02x}" for byte in raw)


def filled(parts: tuple[Part, ...], registers: list[float]) -> str | None:
    """A template's text; None where one of its numbers is NaN."""
    text = ""
    for part in parts:
        text += part.before
        if part.register >= 0:
            value = registers[part.register]
            if not math.isfinite(value):
                return None
            text += _formatted(part, value)
    return text


def _formatted(part: Part, value: float) -> str:
    plain = javascript_text(value)
    if plain in part.map:
        return part.map[plain]
    match part.kind:
        case "integer":
            return format(int(value), part.format)
        case "decimals":
            return to_fixed(value, int(part.format[1:-1]))
        case "date":
            return _date(value).strftime(part.format)
        case _:
            return plain


def _date(seconds: float) -> datetime:
    """Unix seconds as a date in UTC; Python's latest date for numbers beyond it."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        return epoch + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
