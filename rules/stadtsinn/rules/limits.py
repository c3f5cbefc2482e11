"""What kinds with a limit share: the alarm begins at `on` and ends at `off`."""

from __future__ import annotations

from abc import abstractmethod
from math import inf
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.rules.kind import (
    ALARM,
    OVER,
    Mark,
    Noun,
    Phrases,
    Reach,
    RuleKind,
    Setting,
    Stage,
    Verdict,
)

_ABOVE, _BELOW = ("above", "überschritten"), ("below", "unterschritten")

Level = Annotated[float, Field(allow_inf_nan=False, ge=-1e12, le=1e12)]

Within = Annotated[
    int, Field(ge=60, le=7 * 86_400, description="The span of time that is looked at, in seconds.")
]


class Limited(RuleKind):
    """Fires when what it judges is at `on` or worse, and recovers at `off` or better."""

    noun: ClassVar[Noun] = ALARM

    on: Annotated[Level, Field(description="Here the alarm begins.")]
    off: Annotated[Level, Field(description="Here it ends; on the harmless side of `on`.")]

    @property
    @abstractmethod
    def worse_above(self) -> bool:
        """Whether more is worse."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        require_apart(self.on, self.off, worse_above=self.worse_above)
        return self

    def reached(self, value: float) -> bool:
        """`value` is at `on` or worse."""
        return value >= self.on if self.worse_above else value <= self.on

    def recovered(self, value: float) -> bool:
        """`value` is at `off` or better."""
        return value <= self.off if self.worse_above else value >= self.off

    def verdict(self, value: float) -> Verdict:
        if self.reached(value):
            return Verdict.REACHED
        return Verdict.RECOVERED if self.recovered(value) else Verdict.BETWEEN

    def judged_of(self, setting: Setting) -> Reach:
        """Between which numbers lies what it judges."""
        return setting.reach(None)

    def senseless(self, setting: Setting) -> Sentence | None:
        judged = self.judged_of(setting)
        return out_of_reach(self.on, self.off, judged, worse_above=self.worse_above)

    def marks(self, permitted: float | None) -> tuple[Mark, ...]:  # noqa: ARG002 (others do)
        return Mark(self.on), Mark(self.off, OVER)

    def limit(self, stage: Stage) -> str:
        """`on`, as messages write it."""
        return stage.show(self.on)

    def phrases(self, stage: Stage) -> Phrases:
        limit = self.limit(stage)
        side, crossed = _ABOVE if self.worse_above else _BELOW
        return stage.say(
            self.noun,
            (
                f"Grenze {limit}",
                f"Grenze {limit} erreicht",
                f"Grenze {limit} war {crossed}",
            ),
            (
                f"limit {limit}",
                f"limit {limit} reached",
                f"value was {side} the limit of {limit}",
            ),
        )


def require_apart(on: float, off: float, *, worse_above: bool, name: str = "o") -> None:
    """`off` lies on the harmless side of `on`. `name` is how their names begin."""
    if off >= on if worse_above else off <= on:
        english, german = ("below", "unter") if worse_above else ("above", "über")
        its_on, its_off = f"'{name}n'", f"'{name}ff'"
        raise Unusable(
            f"{its_off} ({off:g}) has to lie {english} {its_on} ({on:g}): "
            "between the two an alarm stays as it is, so that it does not flicker",
            f"{its_off} ({off:g}) muss {german} {its_on} ({on:g}) liegen: "
            "dazwischen bleibt ein Alarm, wie er ist, damit er nicht flattert",
        )


def out_of_reach(
    on: float, off: float, reach: Reach, *, worse_above: bool, name: str = "o"
) -> Sentence | None:
    """Why an alarm between these limits could never begin, or never end; None: it could."""
    missed = on > reach.high if worse_above else on < reach.low
    stays = off < reach.low if worse_above else off > reach.high
    if not missed and not stays:
        return None
    limit, value = (f"'{name}n'", on) if missed else (f"'{name}ff'", off)
    does, tut = ("begin", "beginnen") if missed else ("end", "enden")
    english, german = bounds(reach)
    return Sentence(
        f"{limit} ({value:g}) is never reached, so the alarm could never {does}: what is judged "
        f"{english}. Choose {limit} within that.",
        f"{limit} ({value:g}) wird nie erreicht, der Alarm könnte nie {tut}: was beurteilt wird, "
        f"{german}. {limit} innerhalb davon wählen.",
    )


def bounds(reach: Reach) -> tuple[str, str]:
    if reach.high == inf:
        return f"is at least {reach.low:g}", f"ist mindestens {reach.low:g}"
    between = f"{reach.low:g}", f"{reach.high:g}"
    return "lies between {} and {}".format(*between), "liegt zwischen {} und {}".format(*between)


def span(seconds: int) -> str:
    """A span of time in few letters, the same in each language: ``90 min``, ``24 h``."""
    for length, unit in ((3_600, "h"), (60, "min")):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def require_positive_off(off: float) -> None:
    """Where nothing is ever below zero, such an alarm would never end."""
    if off < 0:
        raise Unusable(
            f"'off' ({off:g}) must not be negative: the alarm would never end",
            f"'off' ({off:g}) darf nicht negativ sein: der Alarm würde nie enden",
        )
