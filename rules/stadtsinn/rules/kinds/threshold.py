"""A threshold with hysteresis: the alarm begins at `on` and ends at `off`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Unusable
from stadtsinn.rules.kind import (
    Judgement,
    Past,
    Phrases,
    RuleKind,
    Sample,
    Stage,
    Verdict,
)

Level = Annotated[float, Field(allow_inf_nan=False, ge=-1e12, le=1e12)]


class Direction(StrEnum):
    """On which side of its threshold a rule fires."""

    ABOVE = "above"
    BELOW = "below"


class Threshold(RuleKind):
    """Fires when a value is at `on` or worse, and recovers at `off` or better."""

    kind_name: ClassVar[str] = "threshold"

    direction: Direction = Direction.ABOVE
    on: Annotated[Level, Field(description="Here the alarm begins.")]
    off: Annotated[Level, Field(description="Here it ends; on the harmless side of `on`.")]

    @model_validator(mode="after")
    def _apart(self) -> Self:
        above = self.direction is Direction.ABOVE
        if self.off >= self.on if above else self.off <= self.on:
            side = "below" if above else "above"
            raise Unusable(
                f"'off' ({self.off:g}) has to lie {side} 'on' ({self.on:g}): "
                "between the two an alarm stays as it is, so that it does not flicker",
                f"'off' ({self.off:g}) muss {'unter' if above else 'über'} 'on' ({self.on:g}) "
                "liegen: dazwischen bleibt ein Alarm, wie er ist, damit er nicht flattert",
            )
        return self

    def reached(self, value: float) -> bool:
        """`value` is at `on` or worse."""
        return value >= self.on if self.direction is Direction.ABOVE else value <= self.on

    def recovered(self, value: float) -> bool:
        """`value` is at `off` or better."""
        return value <= self.off if self.direction is Direction.ABOVE else value >= self.off

    def judge(self, sample: Sample, past: Past) -> Judgement:  # noqa: ARG002 (other kinds do)
        if self.reached(sample.value):
            return Judgement(Verdict.REACHED)
        recovered = self.recovered(sample.value)
        return Judgement(Verdict.RECOVERED if recovered else Verdict.BETWEEN)

    def phrases(self, stage: Stage) -> Phrases:
        above, limit = self.direction is Direction.ABOVE, stage.show(self.on)
        if stage.language is Language.EN:
            crossed = "value was above" if above else "value was below"
            return Phrases(
                f"limit {limit}",
                f"limit {limit} reached",
                f"{crossed} the limit of {limit}",
                "Alarm",
                "Past alarm",
            )
        crossed = "überschritten" if above else "unterschritten"
        return Phrases(
            f"Grenze {limit}",
            f"Grenze {limit} erreicht",
            f"Grenze {limit} war {crossed}",
            "Alarm",
            "Beendeter Alarm",
        )
