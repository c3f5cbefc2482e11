"""Kinds of sensors as data: one TOML file in `dialects/` says how a kind is spoken to."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from stadtsinn.base.bounded_files import read_whole_text
from stadtsinn.base.sentence import Unusable
from stadtsinn.firmware.sensors.settings import SHAPES, Setting, Shape

HexFormat = Literal["plain", "spaces", "colons"]


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind that wants a password first."""

    says: tuple[str, ...]
    """The lines by which it says that it is locked."""
    usual_password: str
    """The one that the vendor's manual prints."""


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a setting is called there."""

    names: tuple[str, ...]
    """Of different firmwares; the first that the sensor knows is used."""
    all_of_them: bool = False
    """Each that the sensor knows gets the value."""
    factor: int = 1
    """A number of ours times this is the sensor's."""
    lowest: int = 0
    highest: int = 2**32 - 1


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Commands are whole lines; of those with several names the first known one counts."""

    name: str
    title: str
    rank: int
    """Who answers to several kinds is of the one with the lowest."""
    bauds: tuple[int, ...]
    hex_formats: tuple[HexFormat, ...]
    recognised_by: tuple[tuple[str, Shape], ...]
    """Questions that this kind answers, and what its answers look like."""
    model: tuple[str, ...]
    firmware: tuple[str, ...]
    joined: tuple[str, ...]
    join: tuple[str, ...]
    save: tuple[str, ...]
    reset: str
    settings: dict[Setting, Register]
    lock: Lock | None = None

    def forms(self, setting: Setting, value: str) -> list[str]:
        """The value as the sensor may want it, the usual form first."""
        if SHAPES[setting] is Shape.NUMBER:
            return [str(int(value) * self.settings[setting].factor)]
        return [_spelt(value, form) for form in self.hex_formats]

    def of_ours(self, setting: Setting, answer: str) -> str:
        """A number of the sensor in our unit; a part of it is not lost."""
        factor = self.settings[setting].factor
        whole, rest = divmod(int(answer), factor)
        return f"{int(answer) / factor:.3f}" if rest else str(whole)

    def require(self, setting: Setting, value: str) -> None:
        """Raises Unusable where this kind can never take the value."""
        register = self.settings.get(setting)
        if register is None:
            raise Unusable(
                f"sensors of the kind {self.title} have no such setting: set it by a downlink, "
                "or with the vendor's tool",
                f"Sensoren der Art {self.title} haben diese Einstellung nicht: sie per Downlink "
                "oder mit dem Werkzeug des Herstellers setzen",
            )
        if SHAPES[setting] is not Shape.NUMBER:
            return
        if not register.lowest <= int(value) <= register.highest:
            raise Unusable(
                f"{value} is outside of {register.lowest} to {register.highest}, which "
                f"{self.title} takes: choose another",
                f"{value} liegt nicht zwischen {register.lowest} und {register.highest}, wie es "
                f"{self.title} verlangt: einen anderen Wert wählen",
            )


def _spelt(digits: str, form: HexFormat) -> str:
    between = {"plain": "", "spaces": " ", "colons": ":"}[form]
    return between.join(digits[place : place + 2] for place in range(0, len(digits), 2))


@cache
def dialects() -> tuple[Dialect, ...]:
    """All kinds that are known, the most particular first."""
    found = []
    for path in files(__package__).joinpath("dialects").iterdir():
        if path.name.endswith(".toml"):
            table = tomllib.loads(read_whole_text(path))
            named = {"name": path.name.removesuffix(".toml"), **table}
            found.append(msgspec.convert(named, Dialect))
    return tuple(sorted(found, key=lambda one: one.rank))


def dialect(name: str) -> Dialect:
    """The kind of that name. Raises Unusable."""
    for one in dialects():
        if one.name == name:
            return one
    known = ", ".join(one.name for one in dialects())
    raise Unusable(
        f"there is no kind '{name}': take one of {known}",
        f"eine Art '{name}' gibt es nicht: eine von {known} nehmen",
    )
