"""The languages that people are addressed in."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """German where nothing else was asked for."""

    DE = "de"
    EN = "en"
