"""How fast a value rises or falls: its change within a span of time."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from stadtsinn.base.instant import SECOND
from stadtsinn.rules.kind import Judgement, Past, Sample, Stage
from stadtsinn.rules.limits import Limited, Within, require_positive_off, span
from stadtsinn.rules.window import Window, exact


class Trend(StrEnum):
    """Which changes are looked for."""

    RISING = "rising"
    FALLING = "falling"


class Change(Limited):
    """Fires when a value has risen (or fallen) by `on` within `within_s`, counted from the least
    (or highest) value of that time, and recovers when it is `off` or less.

    A replaced device begins anew: it may measure from another zero.
    """

    kind_name: ClassVar[str] = "change"
    of_stations: ClassVar[bool] = True

    trend: Annotated[Trend, Field(description="Which changes are looked for.")] = Trend.RISING
    within_s: Within

    @property
    def worse_above(self) -> bool:
        return True

    @model_validator(mode="after")
    def _ends(self) -> Self:
        require_positive_off(self.off)
        return self

    def judge(self, sample: Sample, past: Past) -> Judgement:
        window = Window.of(past.notes)
        if window.source != sample.source:
            window = Window()
        window = window.with_sample(sample, sample.value, self.within_s * SECOND)
        rising = self.trend is Trend.RISING
        change = exact(sample.value - window.low if rising else window.high - sample.value)
        signed = change if rising else 0 - change
        return Judgement(self.verdict(change), window.notes(), value=signed)

    def limit(self, stage: Stage) -> str:
        rising = self.trend is Trend.RISING
        return self._signed(stage.show(self.on if rising else -self.on))

    def measured(self, label: str, shown: str) -> str:
        return f"{label} {self._signed(shown)} in {span(self.within_s)}"

    def _signed(self, shown: str) -> str:
        return f"+{shown}" if self.trend is Trend.RISING else shown
