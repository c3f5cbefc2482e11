"""The decimal sign of numbers that people read."""

from __future__ import annotations

from stadtsinn.base.language import Language


def with_sign(shown: str, language: Language) -> str:
    """A number as Python writes it, without thousands: ``12.3`` is ``12,3`` in German."""
    return shown.replace(".", ",") if language is Language.DE else shown
