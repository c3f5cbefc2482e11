"""How many days a town's data are kept: the settings with their defaults, in this one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from stadtsinn.base.sentence import Unusable
from stadtsinn.base.settings.described import Described, Of

MOST = 36_500
_Days = Annotated[int, Field(ge=1, le=MOST)]
_ForEver = _Days | None


class Retention(Described):
    """Whole days (UTC); None is for ever. What is older goes once a day."""

    log: Annotated[
        _ForEver, Of("Uplinks in the database.", "Messungen, wie sie kamen, in der Datenbank.")
    ] = None
    archive: Annotated[
        _ForEver, Of("Uplinks in files of the archive.", "Messungen in Dateien des Archivs.")
    ] = None
    series: Annotated[_ForEver, Of("Series of stations.", "Messreihen der Messstellen.")] = None
    samples: Annotated[
        int,
        Field(ge=1, le=7),
        Of(
            "Numbers of zones, minute by minute; the history is made from the counts of gates.",
            "Zahlen der Zonen je Minute; der Verlauf entsteht aus den Zählständen.",
        ),
    ] = 7
    outbox: Annotated[
        int,
        Field(ge=1, le=3_650),
        Of(
            "Telephone numbers and texts of messages; that they were sent stays on record.",
            "Nummern und Texte von Meldungen; dass gesendet wurde, bleibt vermerkt.",
        ),
    ] = 90
    audit: Annotated[
        int, Field(ge=1, le=3_650), Of("Who changed what.", "Wer was geändert hat.")
    ] = 365

    @model_validator(mode="after")
    def _series_can_be_made_again(self) -> Self:
        longest = (
            None if None in (self.log, self.archive) else max(self.log or 0, self.archive or 0)
        )
        if longest is not None and (self.series is None or self.series > longest):
            raise Unusable(
                "series are made from the log, and made again from it when something is put "
                f"right: keep log or archive as long as series (series: {_shown(self.series)}, "
                f"log: {_shown(self.log)}, archive: {_shown(self.archive)} days)",
                "Messreihen entstehen aus dem Log, und neu aus ihm, wenn etwas berichtigt wird: "
                "Log oder Archiv so lange behalten wie die Messreihen (series: "
                f"{_german(self.series)}, log: {_german(self.log)}, archive: "
                f"{_german(self.archive)} Tage)",
            )
        return self

    def with_those_of(self, tenant: Mapping[str, int | None]) -> Retention:
        """As it is for a tenant that has some of its own. Others than these are passed over."""
        own = {name: days for name, days in tenant.items() if name in Retention.model_fields}
        return Retention.model_validate({**self.model_dump(), **own})


def _shown(days: int | None) -> str:
    return "for ever" if days is None else str(days)


def _german(days: int | None) -> str:
    return "unbegrenzt" if days is None else str(days)


DEFAULTS = Retention()
