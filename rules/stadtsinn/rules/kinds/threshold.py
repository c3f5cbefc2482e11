"""A threshold with hysteresis: the alarm begins at `on` and ends at `off`."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from stadtsinn.base.sentence import Sentence
from stadtsinn.rules.kind import Judgement, Past, Sample
from stadtsinn.rules.limits import Limited


class Direction(StrEnum):
    """On which side of its threshold a rule fires."""

    ABOVE = "above"
    BELOW = "below"


class Threshold(Limited):
    """Fires when a value is at `on` or worse, and recovers at `off` or better."""

    kind_name: ClassVar[str] = "threshold"
    title: ClassVar[Sentence] = Sentence("threshold", "Grenzwert")

    direction: Direction = Direction.ABOVE

    @property
    def worse_above(self) -> bool:
        return self.direction is Direction.ABOVE

    def judge(self, sample: Sample, past: Past) -> Judgement:  # noqa: ARG002 (other kinds do)
        return Judgement(self.verdict(sample.value))
