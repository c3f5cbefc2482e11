"""What is wrong with a value or an uplink, in the reader's language."""

from __future__ import annotations

from stadtsinn.cli.language import in_words, text
from stadtsinn.decoders.reading import Quality, Reading, Undecoded
from stadtsinn.decoders.undecoded import why_undecoded
from stadtsinn.decoders.vocabulary import QUANTITIES

_QUALITIES = {Quality.GOOD: "gut", Quality.SUSPECT: "zweifelhaft", Quality.BAD: "schlecht"}
REASONS = {
    "out_of_range": ("out of range", "außerhalb des Bereichs"),
    "sensor_fault": ("sensor fault", "Sensor gestört"),
    "after_start": ("just after its start", "gleich nach dem Start"),
    "no_sensor": ("no sensor connected", "kein Sensor angeschlossen"),
    "open_circuit": ("open circuit", "Leitung unterbrochen"),
    "no_echo": ("no echo", "kein Echo"),
    "too_close": ("too close", "zu nah"),
    "weak_signal": ("weak signal", "schwaches Signal"),
    "frozen": ("frozen", "eingefroren"),
    "time_unknown": ("time of the sample unknown", "Zeit der Messung unbekannt"),
    "clock_wrong": ("the device's clock is wrong", "Uhr des Geräts falsch"),
    "ambiguous": ("ambiguous", "nicht eindeutig"),
}
"""Why a value is not good, in English and German: all the words that device files may use."""


def quality_in_words(reading: Reading) -> str:
    shown = text(reading.quality.value, _QUALITIES[reading.quality])
    if not reading.reason:
        return shown
    reason = text(*REASONS.get(reading.reason, (reading.reason, reading.reason)))
    return f"{shown} ({reason})"


def trouble_in_words(trouble: Undecoded | Reading) -> str:
    """Why an uplink was not decoded, or which value is not to be trusted."""
    if isinstance(trouble, Undecoded):
        return in_words(why_undecoded(trouble))
    known = QUANTITIES.get(trouble.quantity)
    name = text(known.label_en, known.label_de) if known else trouble.quantity
    return f"{name} {trouble.channel}".rstrip() + f": {quality_in_words(trouble)}"
