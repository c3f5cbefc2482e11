"""The difference between two datastreams: a level upstream minus one downstream."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.rules.joining import Joining, Values
from stadtsinn.rules.kind import OWN, Judgement, Reach, Sample, Setting, Stage, Stream
from stadtsinn.rules.kinds.threshold import Threshold
from stadtsinn.rules.window import exact

_SUBTRAHEND = 1


class Difference(Joining, Threshold):
    """Fires when the rule's own value minus that of another datastream is at `on` or worse, and
    recovers at `off` or better. A replaced device goes on: both are values of places."""

    kind_name: ClassVar[str] = "difference"
    title: ClassVar[Sentence] = Sentence("difference", "Unterschied")
    of_one_unit: ClassVar[bool] = True

    minus: Annotated[
        Stream,
        Field(description="What is taken away: another station, quantity or channel."),
    ]

    @model_validator(mode="after")
    def _of_another(self) -> Self:
        if self.minus.is_the_rule_s_own:
            raise Unusable(
                "'minus' is the rule's own datastream, and the difference always 0: name another "
                "'station', 'quantity' or 'channel'",
                "'minus' ist der Messwert der Regel selbst, der Unterschied immer 0: eine andere "
                "'station', 'quantity' oder einen anderen 'channel' nennen",
            )
        return self

    @property
    def others(self) -> tuple[Stream, ...]:
        return (self.minus,)

    def joined(self, values: Values, sample: Sample) -> Judgement:  # noqa: ARG002 (others do)
        value = exact(values[str(OWN)][1] - values[str(_SUBTRAHEND)][1])
        return Judgement(self.verdict(value), value=value)

    def judged_of(self, setting: Setting) -> Reach:
        own, other = setting.reach(None), setting.reach(self.minus.quantity)
        return Reach(own.low - other.high, own.high - other.low)

    def told(self, value: float, stage: Stage) -> str:
        shown = stage.show(value)
        return (
            f"different by {shown}" if stage.language is Language.EN else f"um {shown} verschieden"
        )
