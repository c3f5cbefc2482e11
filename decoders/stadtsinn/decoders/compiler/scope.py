"""What an item can refer to: names defined before it, the count ``{n}``, the record's time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from stadtsinn.base.sentence import Unusable
from stadtsinn.decoders.program import BUILT_IN


@dataclass(frozen=True)
class Scope:
    """Names and their registers, the count ``{n}`` of several keys, the register of the time."""

    place: str
    names: dict[str, int] = field(default_factory=lambda: dict(BUILT_IN))
    n: int | None = None
    time: int = -1

    def at(self, index: int) -> Scope:
        """The scope of an item of this body."""
        return replace(self, place=f"{self.place}[{index}]")

    def inside(self, place: str, n: int | None = None) -> Scope:
        """The scope of a nested body: names defined there stay there."""
        return replace(self, place=f"{self.place}.{place}", names=dict(self.names), n=n or self.n)

    def register(self, name: str) -> int:
        """The register of a name; raises ValueError that lists the known names."""
        if name not in self.names:
            raise Unusable(
                f"no item is named {name!r} before it; names: {', '.join(self.names)}",
                f"davor heißt kein Eintrag {name!r}; Namen: {', '.join(self.names)}",
            )
        return self.names[name]

    def counted(self, text: str) -> str:
        """`text` with ``{n}`` filled in; raises ValueError where there is no count."""
        if "{n}" in text and self.n is None:
            raise Unusable(
                f"{text!r} uses {{n}} outside of several keys, values or bits",
                f"{text!r} benutzt {{n}} außerhalb mehrerer Schlüssel, Werte oder Bits",
            )
        return text.replace("{n}", str(self.n))
