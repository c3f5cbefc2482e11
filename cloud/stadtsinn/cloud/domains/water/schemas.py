"""Answers of the API about rain, gauges and lakes."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, Field

from stadtsinn.cloud.domains.water.gauges import LevelDoubt
from stadtsinn.cloud.domains.water.lakes import LakeState
from stadtsinn.cloud.domains.water.rain import RainClass
from stadtsinn.cloud.platform.api.times import ShownTime


class RainSumView(BaseModel):
    """The sum of a span that ends now. Regensumme."""

    span_s: int
    mm: float = Field(description="What was measured: with unknown time the least it can be.")
    unknown_s: int = Field(description="So much of the span nobody measured.")
    rain_class: RainClass | None = Field(
        description="Which criterion of the DWD the value meets, which is no warning of the DWD. "
        "Null: there is no criterion for this span."
    )


class RainView(BaseModel):
    """The rain at a station. Niederschlag an einer Messstelle."""

    station: str
    name: str
    until: ShownTime
    measured_at: ShownTime | None
    sums: list[RainSumView]


class RainsView(BaseModel):
    """Where rain is measured. Alle Regenmesser."""

    items: list[RainView]


class GaugeView(BaseModel):
    """A gauge, from raw data that nobody has checked. Ein Pegel, ungeprüfte Rohdaten."""

    station: str
    name: str
    measured_at: ShownTime | None
    level_m: float | None = Field(description="Above gauge zero; null: nothing for six hours.")
    above_sea_m: float | None
    rise_m_per_h: float | None = Field(description="Over the last half hour.")
    second_m: float | None = Field(description="What a comparison sensor says.")
    confirmed: bool | None = Field(description="It says the same; null: there is none.")
    doubt: LevelDoubt | None


class GaugesView(BaseModel):
    """All gauges. Alle Pegel."""

    items: list[GaugeView]


class NightView(BaseModel):
    """The night that ended on the morning of `day`. Eine Nacht."""

    day: date
    oxygen_mg_l: float = Field(description="The least of the night.")
    temperature: float | None = Field(description="Of the warmest water, °C.")
    saturation_percent: float | None


class LakeView(BaseModel):
    """A lake by its last night. Ein See nach der letzten Nacht."""

    station: str
    name: str
    state: LakeState
    night: NightView | None
    trend_mg_l_per_night: float | None
    nights_left: int | None = Field(description="Until it is critical, if it goes on like that.")
    nights: list[NightView]


class LakesView(BaseModel):
    """All lakes. Alle Seen."""

    items: list[LakeView]
