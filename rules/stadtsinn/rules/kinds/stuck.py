"""A value that does not change any more: a sensor that froze, or lost what it measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from stadtsinn.base.instant import SECOND
from stadtsinn.base.sentence import Sentence
from stadtsinn.rules.kind import (
    FAULT,
    OWN,
    Judgement,
    Past,
    Phrases,
    RuleKind,
    Sample,
    Setting,
    Stage,
    Verdict,
)
from stadtsinn.rules.limits import bounds, span


class Stuck(RuleKind):
    """Fires when all values of `unchanged_s` are within `tolerance` of the first of them."""

    kind_name: ClassVar[str] = "stuck"
    title: ClassVar[Sentence] = Sentence("stuck value", "Wert steht still")

    unchanged_s: Annotated[
        int, Field(ge=60, le=90 * 86_400, description="Without a change for so long is stuck.")
    ]
    tolerance: Annotated[
        float,
        Field(ge=0, le=1e12, allow_inf_nan=False, description="What is no change yet."),
    ] = 0

    def spans(self, stream: int = OWN) -> Mapping[str, int]:  # noqa: ARG002 (others do)
        return {"unchanged_s": self.unchanged_s}

    def senseless(self, setting: Setting) -> Sentence | None:
        reach = setting.reach(None)
        if self.tolerance < reach.high - reach.low:
            return None
        english, german = bounds(reach)
        return Sentence(
            f"with a 'tolerance' of {self.tolerance:g} nothing ever is a change, so the alarm "
            f"could never end: what is judged {english}. Choose a smaller 'tolerance'.",
            f"mit einer 'tolerance' von {self.tolerance:g} ist nichts eine Änderung, der Alarm "
            f"könnte nie enden: was beurteilt wird, {german}. Eine kleinere 'tolerance' wählen.",
        )

    def judge(self, sample: Sample, past: Past) -> Judgement:
        corrected = past.last is not None and past.last.at == sample.at
        before = past.notes.get("before" if corrected else "first")
        since, first = sample.at, [sample.at, sample.value, sample.source]
        if before is not None and before[2] == sample.source and self._same(sample, before[1]):
            since, first = before[0], before
        stuck = sample.at - since >= self.unchanged_s * SECOND
        notes = {"first": first, "before": before}
        return Judgement(Verdict.REACHED if stuck else Verdict.RECOVERED, notes)

    def _same(self, sample: Sample, first: float) -> bool:
        return abs(sample.value - first) <= self.tolerance

    def phrases(self, stage: Stage) -> Phrases:
        length = span(self.unchanged_s)
        german, english = f"seit {length} unverändert", f"unchanged for {length}"
        return stage.say(
            FAULT, (german, german, "Wert stand still"), (english, english, "value did not change")
        )
