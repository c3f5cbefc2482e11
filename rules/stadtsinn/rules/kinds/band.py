"""A band: the alarm begins outside of it, on either side, and ends well inside."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Unusable
from stadtsinn.rules.kind import Judgement, Past, Phrases, RuleKind, Sample, Stage, Verdict
from stadtsinn.rules.limits import Level


class Band(RuleKind):
    """Fires at `low` or below and at `high` or above, and recovers `margin` inside of both."""

    kind_name: ClassVar[str] = "band"

    low: Annotated[Level, Field(description="The alarm begins here and below.")]
    high: Annotated[Level, Field(description="The alarm begins here and above.")]
    margin: Annotated[
        float,
        Field(gt=0, le=1e12, allow_inf_nan=False, description="It ends so far inside of both."),
    ]

    @model_validator(mode="after")
    def _has_an_inside(self) -> Self:
        if self.low >= self.high:
            raise Unusable(
                f"'low' ({self.low:g}) has to lie below 'high' ({self.high:g})",
                f"'low' ({self.low:g}) muss unter 'high' ({self.high:g}) liegen",
            )
        if self.low + self.margin > self.high - self.margin:
            raise Unusable(
                f"'margin' ({self.margin:g}) leaves nothing between {self.low:g} and "
                f"{self.high:g}, where the alarm could end: make it smaller",
                f"'margin' ({self.margin:g}) lässt zwischen {self.low:g} und {self.high:g} nichts "
                "übrig, wo der Alarm enden könnte: kleiner wählen",
            )
        return self

    def judge(self, sample: Sample, past: Past) -> Judgement:  # noqa: ARG002 (other kinds do)
        if not self.low < sample.value < self.high:
            return Judgement(Verdict.REACHED)
        inside = self.low + self.margin <= sample.value <= self.high - self.margin
        return Judgement(Verdict.RECOVERED if inside else Verdict.BETWEEN)

    def phrases(self, stage: Stage) -> Phrases:
        low, high = stage.show(self.low), stage.show(self.high)
        if stage.language is Language.EN:
            band = f"{low} to {high}"
            return Phrases(
                f"allowed {band}",
                f"outside of {band}",
                f"value was outside of {band}",
                "Alarm",
                "Past alarm",
            )
        band = f"{low} bis {high}"
        return Phrases(
            f"erlaubt {band}",
            f"außerhalb von {band}",
            f"Wert war außerhalb von {band}",
            "Alarm",
            "Beendeter Alarm",
        )
