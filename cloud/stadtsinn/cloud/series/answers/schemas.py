"""Series as the API shows them."""

from __future__ import annotations

from typing import Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

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


class SeriesView(BaseModel):
    """One line in a chart: a quantity on a channel of a device. Eine Messreihe."""

    quantity: str = Field(examples=["soil_moisture"])
    channel: str = Field(examples=["30cm"], description="Empty where there is only one.")
    unit: str = Field(examples=["%"], description="UCUM")
    label_de: str = Field(examples=["Bodenfeuchte"])
    label_en: str = Field(examples=["Soil moisture"])
    aggregate: str = Field(
        examples=["mean"], description="How windows are put together unless you say otherwise."
    )
    latest: ValueView | None = Field(description="Newest good value. Neuester guter Wert.")


class SeriesPage(BaseModel):
    """Values of one series, oldest first. Werte einer Messreihe."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dev_eui": "70b3d57ed0001234",
                    "quantity": "soil_moisture",
                    "channel": "",
                    "unit": "%",
                    "label_de": "Bodenfeuchte",
                    "label_en": "Soil moisture",
                    "window": "1h",
                    "aggregate": "mean",
                    "items": [{"time": EXAMPLE, "value": 23.4, "quality": "good"}],
                    "next": None,
                }
            ]
        }
    )
    dev_eui: str
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


class LatestDeviceView(BaseModel):
    """What a device measured last."""

    dev_eui: str = Field(examples=["70b3d57ed0001234"])
    values: list[LatestValueView]


class QuantityWordsView(BaseModel):
    """Unit and names of a quantity."""

    unit: str = Field(examples=["%"])
    label_de: str = Field(examples=["Bodenfeuchte"])
    label_en: str = Field(examples=["Soil moisture"])


class LatestPage(BaseModel):
    """Newest good values of many devices. Neueste gute Werte vieler Geräte."""

    quantities: dict[str, QuantityWordsView]
    items: list[LatestDeviceView]
    next: str | None = Field(description="Pass it as `cursor` for more devices; null at the end.")


class LatestValue(msgspec.Struct):
    """As LatestValueView, made five times faster: a map asks for ten thousands of them."""

    quantity: str
    channel: str
    time: str
    value: float


class LatestDevice(msgspec.Struct):
    dev_eui: str
    values: list[LatestValue]


class QuantityWords(msgspec.Struct):
    unit: str
    label_de: str
    label_en: str


class Latest(msgspec.Struct):
    quantities: dict[str, QuantityWords]
    items: list[LatestDevice]
    next: str | None


def words(quantity: str) -> QuantityWords:
    """Unit and labels; a quantity that an older vocabulary knew keeps at least its name."""
    known = QUANTITIES.get(quantity)
    if known is None:
        return QuantityWords("", quantity, quantity)
    return QuantityWords(known.unit, known.label_de, known.label_en)


def series_view(key: SeriesKey, aggregate: str, latest: ValueView | None) -> SeriesView:
    said = words(key.quantity)
    return SeriesView(
        quantity=key.quantity,
        channel=key.channel,
        unit=said.unit,
        label_de=said.label_de,
        label_en=said.label_en,
        aggregate=aggregate,
        latest=latest,
    )


def sample_view(sample: Sample, time: str) -> SampleView:
    return SampleView(time=time, value=sample.value, quality=sample.quality.value)
