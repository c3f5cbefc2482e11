"""References to device types: a catalogue id, and constants of a single sensor where it has some.

``decentlab/dl-pr26`` or ``decentlab/dl-pr26:p_min=0,p_max=2``: one text, so that the calibration
is stored wherever a device type is (device profile, registry, log) and redecoding uses it again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from stadtsinn.base.sentence import Unusable


class UnreadableReference(Unusable):
    """A reference that cannot be read; the message shows the right notation."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A device type's id and the constants given with it."""

    device: str
    constants: dict[str, float] = field(default_factory=dict)


def parse_reference(text: str) -> Reference:
    """Raises UnreadableReference."""
    device, colon, rest = text.partition(":")
    if not colon:
        return Reference(device)
    constants: dict[str, float] = {}
    for part in rest.split(","):
        name, equals, number = part.partition("=")
        try:
            constants[name.strip()] = float(number)
        except ValueError:
            equals = ""
        if not equals or not name.strip() or not math.isfinite(constants[name.strip()]):
            raise UnreadableReference(
                f"{text!r}: constants look like {device}:name=1.5,other=2 (found {part!r})",
                f"{text!r}: Konstanten sehen so aus: {device}:name=1.5,other=2 (gefunden: "
                f"{part!r})",
            )
    return Reference(device, constants)
