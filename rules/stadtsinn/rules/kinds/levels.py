"""Up to three levels that a town has set for a gauge, each with the measures of its alarm plan."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from stadtsinn.base.instant import SECOND
from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.rules.kind import (
    ALARM,
    FIRST_LEVEL,
    OVER,
    Judgement,
    Mark,
    Notes,
    Past,
    Phrases,
    RuleKind,
    Sample,
    Setting,
    Stage,
    Verdict,
)
from stadtsinn.rules.limits import Level, out_of_reach

_LEVEL, _SECOND_SENSOR, _CONFIRMED = "level", "second", "confirmed"


class Step(BaseModel):
    """One level of an alarm plan: from which value on, and what is to be done then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: Annotated[Level, Field(description="From here on it is this level.")]
    measures: Annotated[
        str,
        StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$"),
        Field(description="What the alarm plan says to do; short, for a telephone."),
    ] = ""


class Levels(RuleKind):
    """Fires at the first level, tells each further one, and recovers `margin` below the first.

    A level that was reached lasts until the value is `margin` below it. A comparison sensor of the
    station confirms an alarm or does not; it neither raises nor ends one.
    """

    kind_name: ClassVar[str] = "levels"
    title: ClassVar[Sentence] = Sentence("levels", "Stufen")
    of_stations: ClassVar[bool] = True
    of_second_sensor: ClassVar[bool] = True

    levels: Annotated[
        tuple[Step, ...],
        Field(min_length=1, max_length=3, description="The town's own levels, the lowest first."),
    ]
    margin: Annotated[
        float,
        Field(gt=0, le=1e12, allow_inf_nan=False, description="A level ends so far below it."),
    ]
    agree_within: Annotated[
        float,
        Field(
            ge=0,
            le=1e12,
            allow_inf_nan=False,
            description="A second sensor confirms from so far below the level on.",
        ),
    ] = 0.05
    confirm_within_s: Annotated[
        int, Field(ge=60, le=86_400, description="An older value of it says nothing.")
    ] = 3_600

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        for lower, higher in pairwise(self.levels):
            if higher.on <= lower.on:
                raise Unusable(
                    f"'levels': {higher.on:g} does not lie above {lower.on:g}: give the lowest "
                    "level first",
                    f"'levels': {higher.on:g} liegt nicht über {lower.on:g}: die niedrigste Stufe "
                    "zuerst angeben",
                )
        return self

    def refuses(self, quantity: str, aggregate: str) -> Sentence | None:
        if aggregate not in ("counter", "sum"):
            return None
        return Sentence(
            f"'{quantity}' adds up over time: use the kind 'sum' or 'increase'.",
            f"'{quantity}' summiert sich: die Art 'sum' oder 'increase' nehmen.",
        )

    def senseless(self, setting: Setting) -> Sentence | None:
        reach, lowest, highest = setting.reach(None), self.levels[0].on, self.levels[-1].on
        off = lowest - self.margin
        return out_of_reach(highest, off, reach, worse_above=True)

    def judge(self, sample: Sample, past: Past) -> Judgement:
        value = sample.value
        level = self._level(value, past.notes.get(_LEVEL, 0))
        if value >= self.levels[0].on:
            verdict = Verdict.REACHED
        else:
            verdict = Verdict.BETWEEN if level else Verdict.RECOVERED
        second = past.notes.get(_SECOND_SENSOR)
        notes = {_LEVEL: level, _SECOND_SENSOR: second}
        if second is not None and abs(sample.at - second[0]) <= self.confirm_within_s * SECOND:
            step = self.levels[max(level, FIRST_LEVEL) - 1]
            notes[_CONFIRMED] = second[1] >= step.on - self.agree_within
        return Judgement(verdict, notes, max(level, FIRST_LEVEL))

    def _level(self, value: float, before: int) -> int:
        """How many levels hold: those reached, and those before that are not over yet."""
        reached = sum(value >= step.on for step in self.levels)
        kept = sum(value > step.on - self.margin for step in self.levels[:before])
        return max(reached, kept)

    def beside(self, second: Sample, notes: Notes) -> Notes:
        known = notes.get(_SECOND_SENSOR)
        if known is not None and second.at < known[0]:
            return notes
        return {**notes, _SECOND_SENSOR: [second.at, second.value]}

    def remark(self, notes: Notes, stage: Stage) -> str:
        """Whether the second sensor says the same, and what it says."""
        english, confirmed = stage.language is Language.EN, notes.get(_CONFIRMED)
        if confirmed is None:
            return "Unconfirmed." if english else "Unbestätigt."
        shown = stage.show(notes[_SECOND_SENSOR][1])
        if english:
            said = "Confirmed" if confirmed else "Unconfirmed"
            return f"{said}, second sensor {shown}."
        said = "Bestätigt" if confirmed else "Unbestätigt"
        return f"{said}, zweiter Sensor {shown}."

    def example(self, level: int) -> tuple[float, float]:
        step = self.levels[min(level, len(self.levels)) - 1]
        return step.on, self.levels[0].on - self.margin

    def measures(self, level: int) -> str:
        return self.levels[min(level, len(self.levels)) - 1].measures

    def marks(self, permitted: float | None) -> tuple[Mark, ...]:  # noqa: ARG002 (others do)
        steps = (Mark(step.on, level) for level, step in enumerate(self.levels, FIRST_LEVEL))
        return *steps, Mark(self.levels[0].on - self.margin, OVER)

    def phrases(self, stage: Stage) -> Phrases:
        level = min(stage.level, len(self.levels))
        limit = stage.show(self.levels[level - 1].on)
        german, english = f"Stufe {level} ab {limit}", f"level {level} from {limit}"
        return stage.say(
            ALARM,
            (german, f"{german} erreicht", f"{german} war erreicht"),
            (english, f"{english} reached", f"{english} was reached"),
        )
