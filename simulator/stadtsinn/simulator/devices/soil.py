"""The soil under eight street trees: it dries, takes up rain, and one tree is watered."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.simulator.devices.encoders import lse01
from stadtsinn.simulator.devices.weather import Weather
from stadtsinn.simulator.market_day.calendar import DayPlan
from stadtsinn.simulator.market_day.town import (
    DRY_TREE,
    LSE01,
    REPLACED_SENSOR,
    SPARE_SENSOR,
    TREES,
)
from stadtsinn.simulator.radio.transmission import ExpectedReading, Transmission, report_times
from stadtsinn.simulator.randomness import stream

_INTERVAL_S = 20 * 60
_SOAKING = 25 * MINUTE
_WATERED_BY = 14.0
"""Vol.-% that the crew's water adds where the sensor sits, after it has soaked in."""
_RAIN_GAIN = 0.35
"""Vol.-% per mm of rain: little of a shower reaches the roots."""


@dataclass(frozen=True)
class Tree:
    """A tree's soil at the start of the day, and how fast it dries.

    Water leaves in proportion to what is left and to the sun: `drying` is the share lost in
    an hour of full sun.
    """

    dev_eui: str
    moisture: float
    drying: float
    watered: bool

    def moisture_at(self, moment: Instant, weather: Weather) -> float:
        """Vol.-%."""
        plan = weather.plan
        sun_hours = _sun_hours(moment, weather)
        dried = self.moisture * math.exp(-self.drying * (0.02 * _hours(plan, moment) + sun_hours))
        soaked = min(1.0, max(0.0, (moment - plan.watering) / _SOAKING)) if self.watered else 0.0
        return dried + _WATERED_BY * soaked + _RAIN_GAIN * weather.rain_until(moment)


def _hours(plan: DayPlan, moment: Instant) -> float:
    return (moment - plan.span.start) / HOUR


def _sun_hours(moment: Instant, weather: Weather) -> float:
    """Hours of full sun (1000 W/m²) since the start of the day, summed up in ten minutes."""
    step = 10 * MINUTE
    times = range(weather.plan.span.start, moment, step)
    return sum(weather.sunshine(Instant(time)) for time in times) / 1000 * step / HOUR


def trees(seed: int) -> tuple[Tree, ...]:
    """The eight trees; only the dry one comes near its limit."""
    chance = stream(seed, "trees")
    return tuple(
        Tree(dev_eui, 15.35, 0.075, watered=True)
        if dev_eui == DRY_TREE
        else Tree(dev_eui, chance.uniform(22, 34), chance.uniform(0.02, 0.05), watered=False)
        for dev_eui in TREES
    )


def tree_transmissions(weather: Weather, seed: int) -> Iterator[Transmission]:
    """The reports of all trees, tree after tree."""
    for tree in trees(seed):
        chance = stream(seed, f"tree {tree.dev_eui}")
        for moment in report_times(weather.plan.span, _INTERVAL_S, chance):
            air = weather.air_temperature(moment)
            moisture = round(tree.moisture_at(moment, weather), 2)
            frame = lse01.SoilFrame(
                battery=round(chance.gauss(3.58, 0.003), 3),
                probe_temperature=round(air + chance.gauss(0, 0.3), 1),
                moisture=moisture,
                soil_temperature=round(12.5 + 0.25 * (air - 8.5), 2),
                conductivity=round(9 * moisture + chance.gauss(0, 2)),
            )
            replaced = tree.dev_eui == REPLACED_SENSOR and moment >= weather.plan.swap
            yield _report(SPARE_SENSOR if replaced else tree.dev_eui, moment, frame)


def _report(dev_eui: str, moment: Instant, frame: lse01.SoilFrame) -> Transmission:
    return Transmission(
        time=moment,
        dev_eui=dev_eui,
        device_type=LSE01,
        f_port=lse01.PORT,
        payload=lse01.encode(frame),
        readings=(
            ExpectedReading("battery_voltage", frame.battery),
            ExpectedReading("temperature", frame.probe_temperature, "probe"),
            ExpectedReading("soil_moisture", frame.moisture),
            ExpectedReading("soil_temperature", frame.soil_temperature),
            ExpectedReading("soil_conductivity", frame.conductivity),
        ),
    )
