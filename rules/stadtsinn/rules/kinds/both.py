"""Conditions over several datastreams joined by "and": cold and damp, little oxygen and warm."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from stadtsinn.base.frozen import replace
from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.rules.joining import Fresh, Joining, Values
from stadtsinn.rules.kind import OWN, Judgement, Phrases, Sample, Setting, Stage, Stream, Verdict
from stadtsinn.rules.kinds.threshold import Direction, Threshold
from stadtsinn.rules.limits import Level, out_of_reach, require_apart


class Also(Stream):
    """A further condition: a datastream, with limits of its own."""

    direction: Direction = Direction.ABOVE
    on: Annotated[Level, Field(description="Here it holds.")]
    off: Annotated[Level, Field(description="Here it is over; on the harmless side of `on`.")]
    fresh_s: Annotated[
        Fresh | None, Field(description="A value counts for so long; left out: as the rule's own.")
    ] = None

    @model_validator(mode="after")
    def _apart(self) -> Self:
        require_apart(self.on, self.off, worse_above=self.worse_above)
        if self.is_the_rule_s_own:
            raise Unusable(
                "a further condition is about another datastream: name its 'station', 'quantity' "
                "or 'channel'",
                "eine weitere Bedingung betrifft einen anderen Messwert: dessen 'station', "
                "'quantity' oder 'channel' nennen",
            )
        return self

    @property
    def worse_above(self) -> bool:
        return self.direction is Direction.ABOVE

    def verdict(self, value: float) -> Verdict:
        sign = 1 if self.worse_above else -1
        if sign * value >= sign * self.on:
            return Verdict.REACHED
        return Verdict.RECOVERED if sign * value <= sign * self.off else Verdict.BETWEEN


class Both(Joining, Threshold):
    """Fires when the rule's own value and those of all further conditions are at their `on` or
    worse, and recovers as soon as one is at its `off` or better."""

    kind_name: ClassVar[str] = "and"
    title: ClassVar[Sentence] = Sentence("several conditions", "mehrere Bedingungen")

    also: Annotated[
        tuple[Also, ...],
        Field(min_length=1, max_length=4, description="What has to be so at the same time."),
    ]

    @property
    def others(self) -> tuple[Stream, ...]:
        return self.also

    def fresh(self, stream: int) -> int:
        its_own = None if stream == OWN else self.also[stream - 1].fresh_s
        return self.fresh_s if its_own is None else its_own

    def joined(self, values: Values, sample: Sample) -> Judgement:  # noqa: ARG002 (others do)
        own = values[str(OWN)][1]
        further = (one.verdict(values[str(at)][1]) for at, one in enumerate(self.also, OWN + 1))
        verdicts = {self.verdict(own), *further}
        if Verdict.RECOVERED in verdicts:
            return Judgement(Verdict.RECOVERED, value=own)
        verdict = Verdict.BETWEEN if Verdict.BETWEEN in verdicts else Verdict.REACHED
        return Judgement(verdict, value=own)

    def senseless(self, setting: Setting) -> Sentence | None:
        """What one condition says that can never hold or never be over is not what is meant."""
        found = [super().senseless(setting)]
        for one in self.also:
            reach = setting.reach(one.quantity)
            found.append(out_of_reach(one.on, one.off, reach, worse_above=one.worse_above))
        return next((said for said in found if said is not None), None)

    def phrases(self, stage: Stage) -> Phrases:
        english = stage.language is Language.EN
        further = ", ".join(_condition(one, stage.of(one.quantity)) for one in self.also)
        plain = super().phrases(stage)
        return replace(plain, limit=f"{plain.limit}, {'with' if english else 'zugleich'} {further}")


def _condition(one: Also, stage: Stage) -> str:
    shown = stage.show(one.on)
    if stage.language is Language.EN:
        return f"{stage.label} {shown} or {'more' if one.worse_above else 'less'}".strip()
    return f"{stage.label} {'ab' if one.worse_above else 'bis'} {shown}".strip()
