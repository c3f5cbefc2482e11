"""How fast a value rises or falls: its change within a span of time."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from stadtsinn.base.sentence import Sentence
from stadtsinn.rules.kind import Judgement, Past, Reach, Sample, Setting, Stage
from stadtsinn.rules.limits import span
from stadtsinn.rules.sliding import Sliding
from stadtsinn.rules.window import Window, exact


class Trend(StrEnum):
    """Which changes are looked for."""

    RISING = "rising"
    FALLING = "falling"


class Change(Sliding):
    """Fires when a value has risen (or fallen) by `on` within `within_s`, counted from the least
    (or highest) value of that time, and recovers when it is `off` or less, at the latest when that
    value is longer ago: what stays where it is has not risen.

    A replaced device begins anew: it may measure from another zero.
    """

    kind_name: ClassVar[str] = "change"
    title: ClassVar[Sentence] = Sentence("change", "Änderung")
    of_stations: ClassVar[bool] = True

    trend: Annotated[Trend, Field(description="Which changes are looked for.")] = Trend.RISING

    def judge(self, sample: Sample, past: Past) -> Judgement:
        window = Window.of(past.notes)
        if window.source != sample.source:
            window = Window()
        best = min if self._rises else max
        return self.judged(window.with_sample(sample, sample.value, self.length, best))

    def held(self, window: Window) -> float:
        values = window.since(window.reached - self.reach)
        if not values:
            return 0
        newest = values[-1]
        return exact(newest - min(values) if self._rises else max(values) - newest)

    def judged_of(self, setting: Setting) -> Reach:
        reach = setting.reach(None)
        return Reach(0, reach.high - reach.low)

    def shown(self, held: float) -> float:
        return held if self._rises else 0 - held

    @property
    def _rises(self) -> bool:
        return self.trend is Trend.RISING

    def limit(self, stage: Stage) -> str:
        return self._signed(stage.show(self.on if self._rises else -self.on))

    def measured(self, label: str, shown: str) -> str:
        return f"{label} {self._signed(shown)} in {span(self.within_s)}"

    def _signed(self, shown: str) -> str:
        return f"+{shown}" if self._rises else shown
