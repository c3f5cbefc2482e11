"""How many stations of a group are in a state: 18 of 20 spaces taken, 3 of 5 trees dry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Sentence
from stadtsinn.rules.joining import Joining, Values
from stadtsinn.rules.kind import Judgement, Reach, Sample, Setting, Stage, Verdict
from stadtsinn.rules.kinds.threshold import Direction
from stadtsinn.rules.limits import Level, Limited, out_of_reach, require_apart, require_positive_off


class Count(Joining, Limited):
    """Fires when `on` stations of the group or more are in the state, and recovers at `off` or
    less. A station gets into the state at `each_on` or worse and out of it at `each_off` or better.

    One without a value for `fresh_s` may be in it or not: such ones begin no alarm and end none.
    """

    kind_name: ClassVar[str] = "count"
    title: ClassVar[Sentence] = Sentence("number of stations", "Anzahl Messstellen")
    of_group: ClassVar[bool] = True
    has_trend: ClassVar[bool] = False
    unit: ClassVar[str | None] = ""
    in_steps: ClassVar[bool] = True

    each: Annotated[Direction, Field(description="On which side of its limits a station is.")] = (
        Direction.ABOVE
    )
    each_on: Annotated[Level, Field(description="Here a station gets into the state.")]
    each_off: Annotated[Level, Field(description="Here it gets out; on the harmless side.")]

    @property
    def worse_above(self) -> bool:
        return True

    @property
    def each_above(self) -> bool:
        return self.each is Direction.ABOVE

    @model_validator(mode="after")
    def _sound(self) -> Self:
        require_apart(self.each_on, self.each_off, worse_above=self.each_above, name="each_o")
        require_positive_off(self.off)
        return self

    def kept(self, at: Instant, value: float, known: Sequence[Any] | None) -> Sequence[Any]:
        """Whether the station is in the state, and whether it was before."""
        before = known is not None and bool(known[2] if known[0] == at else known[1])
        sign = 1 if self.each_above else -1
        if sign * value >= sign * self.each_on:
            return [at, True, before]
        return [at, before and sign * value > sign * self.each_off, before]

    def is_complete(self, values: Values, at: Instant) -> bool:  # noqa: ARG002 (others do)
        return True

    def joined(self, values: Values, sample: Sample) -> Judgement:
        known = [one[1] for one in values.values() if sample.at - one[0] <= self.fresh_s * SECOND]
        stations = max(len(known), int(sample.permitted or 0))
        least = self.of_all(sum(known), stations)
        most = self.of_all(sum(known) + stations - len(known), stations)
        if self.reached(least):
            verdict = Verdict.REACHED
        else:
            verdict = Verdict.RECOVERED if self.recovered(most) else Verdict.BETWEEN
        return Judgement(verdict, value=least)

    def of_all(self, number: int, stations: int) -> float:  # noqa: ARG002 (shares do)
        """What is compared with the limits, where so many stations are in the state."""
        return number

    def judged_of(self, setting: Setting) -> Reach:
        return Reach(0, self.of_all(setting.stations, setting.stations))

    def senseless(self, setting: Setting) -> Sentence | None:
        if not setting.stations:
            return None  # they are still to come
        each = out_of_reach(
            self.each_on,
            self.each_off,
            setting.reach(None),
            worse_above=self.each_above,
            name="each_o",
        )
        return each or super().senseless(setting)

    def limit(self, stage: Stage) -> str:
        return stage.number(self.on)

    def told(self, value: float, stage: Stage) -> str:
        of_all = "" if stage.permitted is None else f"{stage.number(stage.permitted)} "
        if stage.language is Language.EN:
            some = f"{stage.number(value)} of {of_all}" if of_all else f"{stage.number(value)} "
            return f"{self.state(stage)}at {some}stations"
        some = f"{stage.number(value)} von {of_all}" if of_all else f"{stage.number(value)} "
        return f"{self.state(stage)}an {some}Messstellen"

    def state(self, stage: Stage) -> str:
        """The state, behind the name of the quantity; nothing where that says it: *occupied*."""
        if self.each_above and (self.each_on, self.each_off) == (1, 0):
            return ""
        shown = stage.show(self.each_on)
        if stage.language is Language.EN:
            return f"{shown} or {'more' if self.each_above else 'less'} "
        return f"{'ab' if self.each_above else 'bis'} {shown} "
