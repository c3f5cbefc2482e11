"""No data: nothing came for a while, whatever was measured before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from stadtsinn.base.sentence import Sentence
from stadtsinn.rules.kind import (
    FAULT,
    OWN,
    Judgement,
    Past,
    Phrases,
    RuleKind,
    Sample,
    Stage,
    Verdict,
)
from stadtsinn.rules.limits import span


class NoData(RuleKind):
    """Fires when nothing came for `silent_s`, and recovers with the next sample. Where nothing came
    so far, it counts from when something is expected (`Terms.awaited_since`)."""

    kind_name: ClassVar[str] = "no_data"
    title: ClassVar[Sentence] = Sentence("no data", "keine Daten")
    of_silence: ClassVar[bool] = True

    silent_s: Annotated[
        int, Field(ge=60, le=90 * 86_400, description="Nothing for so long is an alarm.")
    ]

    @property
    def silence_s(self) -> int:
        return self.silent_s

    def spans(self, stream: int = OWN) -> Mapping[str, int]:  # noqa: ARG002 (others do)
        return {"silent_s": self.silent_s}

    def judge(self, sample: Sample, past: Past) -> Judgement:  # noqa: ARG002 (any sample will do)
        return Judgement(Verdict.RECOVERED)

    def phrases(self, stage: Stage) -> Phrases:
        length = span(self.silent_s)
        german, english = f"seit {length} keine Daten", f"no data for {length}"
        return stage.say(
            FAULT, (german, german, "es kamen keine Daten"), (english, english, "no data came")
        )
