"""The weather over Musterstadt, and the station at the Bauhof that measures it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.simulator.devices.encoders import atm41
from stadtsinn.simulator.market_day.calendar import DayPlan
from stadtsinn.simulator.market_day.town import ATM41, WEATHER_STATION
from stadtsinn.simulator.radio.transmission import ExpectedReading, Transmission, report_times
from stadtsinn.simulator.randomness import stream

_INTERVAL_S = 600
_DEVICE_NUMBER = 4_711
_RAIN_MM = 6.4
_HALF_A_DAY = 12 * HOUR


@dataclass(frozen=True)
class Weather:
    """A September day: cool morning, sun at noon, a shower in the afternoon."""

    plan: DayPlan

    def air_temperature(self, moment: Instant) -> float:
        """°C: lowest at six, highest at three, five degrees less after the shower."""
        warmth = math.sin(math.pi * (moment - self.plan.at("06:00")) / (18 * HOUR))
        return 8.5 + 11.5 * warmth - 5 * self._rained(moment)

    def sunshine(self, moment: Instant) -> float:
        """W/m²."""
        height = math.sin(math.pi * (moment - self.plan.at("07:10")) / _HALF_A_DAY)
        return max(0.0, 640 * height) * (0.15 if moment in self.plan.rain else 1)

    def rain_until(self, moment: Instant) -> float:
        """mm since the start of the day."""
        return _RAIN_MM * self._rained(moment)

    def _rained(self, moment: Instant) -> float:
        """Share of the shower that is over."""
        rain = self.plan.rain
        return min(1.0, max(0.0, (moment - rain.start) / (rain.end - rain.start)))


def station_transmissions(weather: Weather, seed: int) -> Iterator[Transmission]:
    """The station's reports, the first one at start with the battery only."""
    chance = stream(seed, "weather station")
    before: Instant | None = None
    for moment in report_times(weather.plan.span, _INTERVAL_S, chance):
        battery = round(chance.gauss(3.05, 0.004), 3)
        if before is None:
            yield _battery_only(moment, battery)
        else:
            rain = round(weather.rain_until(moment) - weather.rain_until(before), 3)
            direction = round(chance.gauss(248, 12), 1)
            speed = round(abs(chance.gauss(2.6, 0.8)), 2)
            yield _report(weather, moment, rain, direction, speed, battery)
        before = moment


def _battery_only(moment: Instant, battery: float) -> Transmission:
    return Transmission(
        time=moment,
        dev_eui=WEATHER_STATION,
        device_type=ATM41,
        f_port=atm41.PORT,
        payload=atm41.encode(_DEVICE_NUMBER, None, battery),
        readings=(ExpectedReading("battery_voltage", battery),),
    )


def _report(
    weather: Weather, moment: Instant, rain: float, direction: float, speed: float, battery: float
) -> Transmission:
    air = round(weather.air_temperature(moment), 1)
    humidity = round(min(98.0, 96 - 2.6 * (air - 8)), 1)
    angle = math.radians(direction)
    frame = atm41.WeatherFrame(
        solar_radiation=round(weather.sunshine(moment)),
        precipitation=rain,
        lightning_strikes=0,
        lightning_distance=0,
        wind_speed=speed,
        wind_direction=direction,
        wind_speed_max=round(speed * 1.7, 2),
        air_temperature=air,
        vapor_pressure=round(0.611 * math.exp(17.5 * air / (air + 241)) * humidity / 100, 2),
        air_pressure=round(97.6 - 0.05 * (moment - weather.plan.span.start) / (60 * MINUTE), 2),
        relative_humidity=humidity,
        sensor_temperature=round(air + 0.6, 1),
        tilt_x=0.4,
        tilt_y=-0.7,
        compass_heading=3,
        # A wind from the west blows eastwards.
        wind_north=round(-speed * math.cos(angle), 2),
        wind_east=round(-speed * math.sin(angle), 2),
    )
    return Transmission(
        time=moment,
        dev_eui=WEATHER_STATION,
        device_type=ATM41,
        f_port=atm41.PORT,
        payload=atm41.encode(_DEVICE_NUMBER, frame, battery),
        readings=_readings(frame, battery),
    )


def _readings(frame: atm41.WeatherFrame, battery: float) -> tuple[ExpectedReading, ...]:
    return (
        ExpectedReading("solar_radiation", frame.solar_radiation),
        ExpectedReading("precipitation", frame.precipitation),
        ExpectedReading("lightning_strikes", frame.lightning_strikes),
        ExpectedReading("lightning_distance", frame.lightning_distance),
        ExpectedReading("wind_speed", frame.wind_speed),
        ExpectedReading("wind_direction", frame.wind_direction),
        ExpectedReading("wind_speed_max", frame.wind_speed_max),
        ExpectedReading("air_temperature", frame.air_temperature),
        ExpectedReading("vapor_pressure", frame.vapor_pressure),
        ExpectedReading("atmospheric_pressure", frame.air_pressure * 10),  # kPa → hPa
        ExpectedReading("relative_humidity", frame.relative_humidity),
        ExpectedReading("device_temperature", frame.sensor_temperature),
        ExpectedReading("tilt", frame.tilt_x, "x"),
        ExpectedReading("tilt", frame.tilt_y, "y"),
        ExpectedReading("compass_heading", frame.compass_heading),
        ExpectedReading("wind_speed_north", frame.wind_north),
        ExpectedReading("wind_speed_east", frame.wind_east),
        ExpectedReading("battery_voltage", battery),
    )
