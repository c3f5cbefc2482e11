"""What a mute is: for a while nobody is told of some alarms. They are recorded all the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from stadtsinn.base.counted import counted
from stadtsinn.base.instant import DAY, Instant, from_datetime
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.platform.api.fields import Name, Slug
from stadtsinn.cloud.platform.api.model import Model
from stadtsinn.cloud.platform.api.times import KeptTime


class Of(StrEnum):
    """What is muted."""

    RULE = "rule"
    STATION = "station"
    ZONE = "zone"
    DUTY_GROUP = "duty_group"
    """Only what goes to this group."""
    SITE = "site"
    TAG = "tag"
    OFFICE = "office"


_EXAMPLE: dict[str, JsonValue] = {
    "station": "linde-am-markt",
    "end": "2026-10-01T18:00:00+02:00",
    "reason": "Baustelle am Marktplatz",
}


class MuteBody(Model):
    """A mute that somebody wants: of one thing, until a moment, for a reason."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    rule: Annotated[Slug | None, Field(description="A rule.")] = None
    station: Annotated[Slug | None, Field(description="Or all rules at a station.")] = None
    zone: Annotated[Slug | None, Field(description="Or all rules of a zone.")] = None
    duty_group: Annotated[
        Slug | None, Field(description="Or what goes to a duty group; others are told.")
    ] = None
    site: Annotated[Slug | None, Field(description="Or all stations of a site.")] = None
    tag: Annotated[Slug | None, Field(description="Or all stations with a tag.")] = None
    office: Annotated[Name | None, Field(description="Or all stations of an office.")] = None
    end: Annotated[
        KeptTime, Field(description="At most so many days from now as the limit `mute_days` says.")
    ]
    reason: Annotated[Name, Field(description="Why; those who ask will read it.")]

    @model_validator(mode="after")
    def _of_one_thing(self) -> Self:
        if sum(getattr(self, one.value) is not None for one in Of) != 1:
            names, last = ", ".join(list(Of)[:-1]), list(Of)[-1]
            raise Unusable(
                f"say what is muted: one of {names} or {last}",
                f"angeben, was stummgeschaltet wird: eines von {names} oder {last}",
            )
        return self

    @property
    def of(self) -> Of:
        return next(one for one in Of if getattr(self, one.value) is not None)

    @property
    def value(self) -> str:
        return str(getattr(self, self.of.value))

    def require_sound(self, now: Instant, most_days: int) -> Instant:
        """The end. Raises Unusable for one that is over, or further away than anybody remembers."""
        end = from_datetime(self.end)
        if end <= now:
            raise Unusable("'end' has to lie in the future", "'end' muss in der Zukunft liegen")
        if end > now + most_days * DAY:
            raise Unusable(
                f"'end' may lie {counted(most_days, 'day', 'days')} ahead at most ('mute_days'): "
                "what is muted for longer is forgotten; switch the rule off instead ('enabled')",
                f"'end' darf höchstens {counted(most_days, 'Tag', 'Tage')} voraus liegen "
                "('mute_days'): was länger stumm ist, wird vergessen; dafür die Regel abschalten "
                "('enabled')",
            )
        return end


@dataclass(frozen=True)
class Mute:
    """One that is there."""

    id: int
    of: Of
    value: str
    start: Instant
    end: Instant
    reason: str

    def holds(self, now: Instant) -> bool:
        return self.start <= now < self.end


@dataclass(frozen=True)
class Subject:
    """What an alarm is about, as far as mutes look at it."""

    rule: str
    zone: str | None = None
    station: str | None = None
    site: str | None = None
    office: str = ""
    tags: frozenset[str] = frozenset()

    def is_muted_by(self, mute: Mute) -> bool:
        """Whether nobody at all is told."""
        if mute.of is Of.TAG:
            return mute.value in self.tags
        if mute.of is Of.OFFICE:
            return mute.value.casefold() == self.office.casefold()
        theirs = {
            Of.RULE: self.rule,
            Of.ZONE: self.zone,
            Of.STATION: self.station,
            Of.SITE: self.site,
        }
        return theirs.get(mute.of) == mute.value
