"""Sections whose fields say in both languages what they are of, for tables that people read."""

from __future__ import annotations

from dataclasses import dataclass

from stadtsinn.base.settings.reading import Section


@dataclass(frozen=True)
class Of:
    """What a field is of; it stands in the field's annotation."""

    english: str
    german: str


class Described(Section):
    """Every field has an `Of`."""

    @classmethod
    def of_what(cls) -> dict[str, Of]:
        """What each field is of, by its name."""
        return {
            name: one
            for name, field in cls.model_fields.items()
            for one in field.metadata
            if isinstance(one, Of)
        }
