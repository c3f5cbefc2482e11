"""A band: the alarm begins outside of it, on either side, and ends well inside."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.rules.kind import (
    ALARM,
    OVER,
    Judgement,
    Mark,
    Past,
    Phrases,
    RuleKind,
    Sample,
    Setting,
    Stage,
    Verdict,
)
from stadtsinn.rules.limits import Level, bounds


class Band(RuleKind):
    """Fires at `low` or below and at `high` or above, and recovers `margin` inside of both."""

    kind_name: ClassVar[str] = "band"
    title: ClassVar[Sentence] = Sentence("band", "Bereich")

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

    def example(self, level: int) -> tuple[float, float]:  # noqa: ARG002 (it has one)
        return self.high, self.high - self.margin

    def senseless(self, setting: Setting) -> Sentence | None:
        reach = setting.reach(None)
        english, german = bounds(reach)
        if self.low < reach.low and self.high > reach.high:
            return Sentence(
                f"neither 'low' ({self.low:g}) nor 'high' ({self.high:g}) is ever reached, so the "
                f"alarm could never begin: what is judged {english}. Choose one within that.",
                f"weder 'low' ({self.low:g}) noch 'high' ({self.high:g}) wird je erreicht, der "
                f"Alarm könnte nie beginnen: was beurteilt wird, {german}. Eines davon innerhalb "
                "wählen.",
            )
        if self.low + self.margin <= reach.high and self.high - self.margin >= reach.low:
            return None
        return Sentence(
            f"no value lies inside of {self.low:g} to {self.high:g} by {self.margin:g}, so the "
            f"alarm could never end: what is judged {english}. Choose 'low' and 'high' for it.",
            f"kein Wert liegt um {self.margin:g} innerhalb von {self.low:g} bis {self.high:g}, der "
            f"Alarm könnte nie enden: was beurteilt wird, {german}. 'low' und 'high' danach "
            "wählen.",
        )

    def judge(self, sample: Sample, past: Past) -> Judgement:  # noqa: ARG002 (other kinds do)
        if not self.low < sample.value < self.high:
            return Judgement(Verdict.REACHED)
        inside = self.low + self.margin <= sample.value <= self.high - self.margin
        return Judgement(Verdict.RECOVERED if inside else Verdict.BETWEEN)

    def marks(self, permitted: float | None) -> tuple[Mark, ...]:  # noqa: ARG002 (others do)
        inside = self.low + self.margin, self.high - self.margin
        return Mark(self.low), Mark(self.high), *(Mark(one, OVER) for one in inside)

    def phrases(self, stage: Stage) -> Phrases:
        low, high = stage.show(self.low), stage.show(self.high)
        german, english = f"{low} bis {high}", f"{low} to {high}"
        return stage.say(
            ALARM,
            (f"erlaubt {german}", f"außerhalb von {german}", f"Wert war außerhalb von {german}"),
            (f"allowed {english}", f"outside of {english}", f"value was outside of {english}"),
        )
