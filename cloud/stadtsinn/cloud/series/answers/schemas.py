"""Series as the API shows them."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlencode

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from stadtsinn.cloud.platform.api.fields import OptionalName
from stadtsinn.cloud.platform.api.times import EXAMPLE, ShownTime
from stadtsinn.cloud.series.stores.store import Sample, SeriesKey
from stadtsinn.decoders.vocabulary import QUANTITIES


class ValueView(BaseModel):
    """A value at a time. Ein Messwert."""

    time: ShownTime
    value: float = Field(examples=[23.4])


class SampleView(ValueView):
    """A value; for windows, `time` is the window's beginning."""

    quality: Literal["good", "suspect", "bad"] = "good"
    dev_eui: str = Field("", description="The device that measured it; empty for windows.")


class SeriesView(BaseModel):
    """One line in a chart: a quantity of a station on a channel. Eine Messreihe."""

    quantity: str = Field(examples=["soil_moisture"])
    channel: str = Field(examples=["30cm"], description="Empty where there is only one.")
    unit: str = Field(examples=["%"], description="UCUM")
    label_de: str = Field(examples=["Bodenfeuchte"])
    label_en: str = Field(examples=["Soil moisture"])
    aggregate: str = Field(
        examples=["mean"], description="How windows are put together unless you say otherwise."
    )
    label: str = Field("", examples=["im Wurzelraum"], description="What people call it.")
    retention_days: int | None = Field(
        None, description="How long its values are kept; null: as long as all of the town's."
    )
    latest: ValueView | None = Field(description="Newest good value. Neuester guter Wert.")


class StreamBody(BaseModel):
    """What people say of a datastream. Was über eine Messreihe gesagt wird."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"label": "im Wurzelraum", "retention_days": None}]},
    )
    label: OptionalName = ""
    retention_days: int | None = Field(
        None,
        ge=1,
        le=36_500,
        description="Days after which its values are shown no more, and deleted; null: as long as "
        "all of the town's.",
    )


class FedSeriesView(BaseModel):
    """A series that a device feeds or fed. Eine Messreihe, die ein Gerät speist oder speiste."""

    station: str = Field(examples=["linde-am-markt"])
    quantity: str = Field(examples=["soil_moisture"])
    channel: str = Field(examples=["30cm"])
    unit: str = Field(examples=["%"], description="UCUM")
    label_de: str = Field(examples=["Bodenfeuchte"])
    label_en: str = Field(examples=["Soil moisture"])
    values: str = Field(
        examples=["/api/v1/stations/linde-am-markt/series/soil_moisture?channel=30cm"],
        description="Where the station's values are read.",
    )


class SeriesPage(BaseModel):
    """Values of one series, oldest first. Werte einer Messreihe."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "station": "linde-am-markt",
                    "name": "Linde am Markt",
                    "quantity": "soil_moisture",
                    "channel": "",
                    "unit": "%",
                    "label_de": "Bodenfeuchte",
                    "label_en": "Soil moisture",
                    "window": "1h",
                    "aggregate": "mean",
                    "items": [{"time": EXAMPLE, "value": 23.4, "quality": "good", "dev_eui": ""}],
                    "next": None,
                }
            ]
        }
    )
    station: str
    name: str = Field(description="The station's name.")
    quantity: str
    channel: str
    unit: str
    label_de: str
    label_en: str
    window: str | None = Field(description="null: single values as measured")
    aggregate: str | None
    items: list[SampleView]
    next: ShownTime | None = Field(
        description="Pass it as `start` for what follows; null at the end."
    )


class LatestValueView(ValueView):
    """The newest good value of one series. Der neueste gute Wert."""

    quantity: str = Field(examples=["soil_moisture"])
    channel: str = Field(examples=[""])
    quality: Literal["good"] = "good"
    dev_eui: str = Field(examples=["70b3d57ed0001234"], description="The device that measured it.")


class LatestStationView(BaseModel):
    """What was measured last at a station."""

    station: str = Field(examples=["linde-am-markt"])
    name: str = Field(examples=["Linde am Markt"])
    kind: str = Field(examples=["tree"])
    latitude: float | None = Field(examples=[51.9607])
    longitude: float | None = Field(examples=[7.6261])
    values: list[LatestValueView]


class QuantityWordsView(BaseModel):
    """Unit and names of a quantity."""

    unit: str = Field(examples=["%"])
    label_de: str = Field(examples=["Bodenfeuchte"])
    label_en: str = Field(examples=["Soil moisture"])


class LatestPage(BaseModel):
    """Newest good values of many stations. Neueste gute Werte vieler Messstellen."""

    quantities: dict[str, QuantityWordsView]
    items: list[LatestStationView]
    next: str | None = Field(description="Pass it as `cursor` for more stations; null at the end.")


class LatestValue(msgspec.Struct, gc=False):
    """As LatestValueView, made five times faster: a map asks for ten thousands of them."""

    quantity: str
    channel: str
    time: str
    value: float
    quality: str
    dev_eui: str


class LatestStation(msgspec.Struct):
    station: str
    name: str
    kind: str
    latitude: float | None
    longitude: float | None
    values: list[LatestValue]


class QuantityWords(msgspec.Struct):
    unit: str
    label_de: str
    label_en: str


class Latest(msgspec.Struct):
    quantities: dict[str, QuantityWords]
    items: list[LatestStation]
    next: str | None


def words(quantity: str) -> QuantityWords:
    """Unit and labels; a quantity that an older vocabulary knew keeps at least its name."""
    known = QUANTITIES.get(quantity)
    if known is None:
        return QuantityWords("", quantity, quantity)
    return QuantityWords(known.unit, known.label_de, known.label_en)


def series_view(
    key: SeriesKey,
    aggregate: str,
    latest: ValueView | None,
    label: str = "",
    retention_days: int | None = None,
) -> SeriesView:
    described = words(key.quantity)
    return SeriesView(
        quantity=key.quantity,
        channel=key.channel,
        unit=described.unit,
        label_de=described.label_de,
        label_en=described.label_en,
        aggregate=aggregate,
        label=label,
        retention_days=retention_days,
        latest=latest,
    )


def sample_view(sample: Sample, time: str) -> SampleView:
    return SampleView(
        time=time, value=sample.value, quality=sample.quality.value, dev_eui=sample.dev_eui
    )


def fed_series_view(key: SeriesKey) -> FedSeriesView:
    described = words(key.quantity)
    address = f"/api/v1/stations/{key.station}/series/{key.quantity}"
    channel = f"?{urlencode({'channel': key.channel})}" if key.channel else ""
    return FedSeriesView(
        station=key.station,
        quantity=key.quantity,
        channel=key.channel,
        unit=described.unit,
        label_de=described.label_de,
        label_en=described.label_en,
        values=address + channel,
    )
