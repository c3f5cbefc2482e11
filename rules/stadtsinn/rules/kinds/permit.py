"""Persons in per cent of what the permit of a zone allows: a warning first, then the alarm."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.rules.kind import (
    ALARM,
    FIRST_LEVEL,
    OVER,
    WARNING,
    Judgement,
    Mark,
    Past,
    Phrases,
    RuleKind,
    Sample,
    Stage,
    Verdict,
)
from stadtsinn.rules.window import exact

_SECOND_LEVEL = FIRST_LEVEL + 1
_LEVEL = "level"
_ALL = 100

Percent = Annotated[float, Field(gt=0, le=200, allow_inf_nan=False)]


class Permit(RuleKind):
    """Warns at `warn_percent` of the permitted number, and alarms at `alarm_percent`.

    The limits are worked out anew for each sample: a changed permit moves them at once. The
    alarm is eased half-way to the warning; reached again, it is worth another message.
    """

    kind_name: ClassVar[str] = "permit"
    title: ClassVar[Sentence] = Sentence("permitted number", "zugelassene Zahl")
    of_permit: ClassVar[bool] = True

    warn_percent: Annotated[
        Percent | None, Field(description="Here the warning comes; null: no warning.")
    ] = 90
    alarm_percent: Annotated[Percent, Field(description="Here the alarm comes.")] = 100
    off_percent: Annotated[
        Percent, Field(description="Here it ends; below `warn_percent` and `alarm_percent`.")
    ] = 85

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.warn_percent is not None and self.warn_percent >= self.alarm_percent:
            raise Unusable(
                f"'warn_percent' ({self.warn_percent:g}) has to lie below 'alarm_percent' "
                f"({self.alarm_percent:g}): a warning comes before the alarm",
                f"'warn_percent' ({self.warn_percent:g}) muss unter 'alarm_percent' "
                f"({self.alarm_percent:g}) liegen: erst die Warnung, dann der Alarm",
            )
        if self.off_percent >= self._on_percent:
            raise Unusable(
                f"'off_percent' ({self.off_percent:g}) has to lie below {self._on_percent:g}, "
                "where the first message comes: between the two everything stays as it is, so "
                "that it does not flicker",
                f"'off_percent' ({self.off_percent:g}) muss unter {self._on_percent:g} liegen, "
                "wo die erste Meldung kommt: dazwischen bleibt alles, wie es ist, damit es "
                "nicht flattert",
            )
        return self

    @property
    def _on_percent(self) -> float:
        return self.alarm_percent if self.warn_percent is None else self.warn_percent

    def judge(self, sample: Sample, past: Past) -> Judgement:
        percent = 100 * sample.value / sample.permitted if sample.permitted else 0.0
        level = self._level(percent, past)
        if percent >= self._on_percent:
            verdict = Verdict.REACHED
        else:
            recovered = percent <= self.off_percent
            verdict = Verdict.RECOVERED if recovered else Verdict.BETWEEN
        return Judgement(verdict, {_LEVEL: level}, level)

    def _level(self, percent: float, past: Past) -> int:
        if self.warn_percent is None:
            return FIRST_LEVEL
        eased = (self.warn_percent + self.alarm_percent) / 2
        was_alarm = past.notes.get(_LEVEL) == _SECOND_LEVEL
        alarm = percent >= self.alarm_percent or (was_alarm and percent > eased)
        return _SECOND_LEVEL if alarm else FIRST_LEVEL

    def example(self, level: int) -> tuple[float, float]:
        warns = self.warn_percent is not None and level == FIRST_LEVEL
        return (self.warn_percent or 0) if warns else self.alarm_percent, self.off_percent

    def marks(self, permitted: float | None) -> tuple[Mark, ...]:
        if permitted is None:
            return ()
        alarm, over = (
            exact(permitted * percent / 100) for percent in (self.alarm_percent, self.off_percent)
        )
        if self.warn_percent is None:
            return Mark(alarm), Mark(over, OVER)
        warning = exact(permitted * self.warn_percent / 100)
        return Mark(warning), Mark(alarm, _SECOND_LEVEL), Mark(over, OVER)

    def phrases(self, stage: Stage) -> Phrases:
        warns = self.warn_percent is not None and stage.level == FIRST_LEVEL
        number = "" if stage.permitted is None else f" {stage.show(stage.permitted)}"
        if warns:
            german, english = _percent(self.warn_percent or 0)
            share, its_share = f"{german} der zugelassenen{number}", f"{english} of the permitted"
            return stage.say(
                WARNING,
                (
                    f"zugelassen{number}, Warnung ab {german}",
                    f"{share} erreicht",
                    f"{share} waren erreicht",
                ),
                (
                    f"permitted{number}, warning from {english}",
                    f"{its_share}{number} reached",
                    f"{its_share}{number} was reached",
                ),
            )
        german, english = _percent(self.alarm_percent)
        from_there = self.alarm_percent != _ALL
        return stage.say(
            ALARM,
            (
                f"zugelassen{number}" + (f", Alarm ab {german}" if from_there else ""),
                f"die zugelassenen{number} erreicht",
                f"die zugelassenen{number} waren erreicht",
            ),
            (
                f"permitted{number}" + (f", alarm from {english}" if from_there else ""),
                f"the permitted{number} reached",
                f"the permitted{number} was reached",
            ),
        )


def _percent(value: float) -> tuple[str, str]:
    return f"{value:g} %".replace(".", ","), f"{value:g}%"
