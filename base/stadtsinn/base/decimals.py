"""The signs within numbers that people read."""

from __future__ import annotations

from stadtsinn.base.language import Language


def with_sign(shown: str, language: Language) -> str:
    """A number as Python writes it, without thousands: ``12.3`` is ``12,3`` in German."""
    return shown.replace(".", ",") if language is Language.DE else shown


def grouped(number: float, language: Language) -> str:
    """A whole number, its thousands apart: ``1.234`` in German, ``1,234`` in English."""
    shown = f"{number:,.0f}"
    return shown.replace(",", ".") if language is Language.DE else shown
