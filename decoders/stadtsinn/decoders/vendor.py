"""The vendor's view: what the vendor's codec would print for the same payload."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from stadtsinn.decoders.arithmetic import whole
from stadtsinn.decoders.compiler.render import (
    Names,
    RenderBytes,
    RenderClose,
    RenderList,
    RenderNumber,
    RenderOpen,
    RenderText,
)
from stadtsinn.decoders.program import Program
from stadtsinn.decoders.reading import VendorFields


def to_fixed(value: float, decimals: int) -> str:
    """JavaScript's toFixed: the exact binary value, halves away from zero."""
    step = Decimal(1).scaleb(-decimals)
    return str(Decimal(value or 0.0).quantize(step, rounding=ROUND_HALF_UP))


class VendorSink:
    """Builds the vendor's fields while the interpreter runs a full program."""

    def __init__(self, program: Program) -> None:
        self._renders = program.renders
        self.fields: VendorFields = {}
        self._objects: list[dict[str, Any]] = [self.fields]

    def __call__(
        self, render: int, raw: float, registers: list[float], payload: bytes, pos: int
    ) -> None:
        """One RENDER op."""
        match self._renders[render]:
            case RenderNumber() as number:
                self._number(number, raw, registers)
            case RenderText(key, text, names):
                self._set(key, _filled(text, names, registers))
            case RenderList(key, sources, omit):
                numbers = [registers[register] for register in sources]
                self._set(key, [_plain(n) for n in numbers if n not in omit])
            case RenderBytes(key, offset, size, show):
                start = pos + offset
                part = payload[start:] if size < 0 else payload[start : start + size]
                self._set(key, part.hex() if show == "hex" else list(part))
            case RenderOpen(path, append):
                self._objects.append(self._open(path, append=append))
            case RenderClose():
                self._objects.pop()

    def _number(self, render: RenderNumber, raw: float, registers: list[float]) -> None:
        spec = render.vendor
        value = (raw + render.add) * render.mul * spec.mul / render.div
        if not math.isfinite(value) or value in spec.omit:
            return
        if spec.only_map and str(_plain(value)) not in (spec.map or {}):
            return
        self._set(_filled(spec.key, render.names, registers), _shown(value, render))

    def _set(self, path: str, value: object) -> None:
        *outer, key = path.split(".")
        target = self._objects[-1]
        for name in outer:
            target = target.setdefault(name, {})
        target[key] = value

    def _open(self, path: str, *, append: bool) -> dict[str, Any]:
        *outer, key = path.split(".")
        target = self._objects[-1]
        for name in outer:
            target = target.setdefault(name, {})
        if not append:
            inner: dict[str, Any] = target.setdefault(key, {})
            return inner
        target.setdefault(key, []).append({})
        last: dict[str, Any] = target[key][-1]
        return last


def _shown(value: float, render: RenderNumber) -> object:
    spec = render.vendor
    shown: object = _plain(value)
    if spec.map is not None:
        key = str(shown)
        shown = spec.map[key] if key in spec.map else _default(spec.default, shown)
    elif spec.boolean:
        shown = value != 0
    elif spec.floor:
        shown = math.floor(value)
    elif spec.decimals is not None:
        shown = to_fixed(value, spec.decimals)
    return shown if spec.fields is None else {**spec.fields, "value": shown}


def _default(default: object, shown: object) -> object:
    return shown if default is None else default


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _filled(text: str, names: Names, registers: list[float]) -> str:
    for name, register in names:
        text = text.replace(f"{{{name}}}", str(whole(registers[register])))
    return text
