"""The registry as the API speaks it. `New…` creates, `…Body` replaces, both answer `New…`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from stadtsinn.cloud.platform.api.fields import (
    DevEui,
    Latitude,
    LocalTime,
    Longitude,
    Name,
    OptionalName,
    ShortText,
    Slug,
)

_INTERVAL = Field(ge=1, le=31 * 86_400, description="Expected seconds between two uplinks.")
_ERROR = Field(ge=0, le=0.5, allow_inf_nan=False, description="Share of persons miscounted.")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Placed(_Strict):
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("give latitude and longitude together, or neither")
        return self


class NewTenant(_Strict):
    """A town or a works of one; made by the operator only."""

    id: Slug
    name: Name


class SiteBody(_Placed):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Marktplatz", "latitude": 51.9607, "longitude": 7.6261}]
        }
    )
    name: Name


class NewSite(SiteBody):
    """A place: market square, school yard. Ein Ort."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "slug": "marktplatz",
                    "name": "Marktplatz",
                    "latitude": 51.9607,
                    "longitude": 7.6261,
                }
            ]
        }
    )
    slug: Slug


class DeviceBody(_Placed):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "device_type": "milesight/vs133",
                    "name": "Zähler Nordtor",
                    "interval_s": 60,
                    "site": "marktplatz",
                    "tags": {"mast": "M-017"},
                }
            ]
        }
    )
    device_type: Annotated[
        str, Field(max_length=100, description="Catalogue id, see GET /api/v1/device-types.")
    ]
    name: Name
    interval_s: Annotated[int, _INTERVAL] = 3_600
    site: Slug | None = None
    tags: Annotated[dict[ShortText, ShortText], Field(max_length=50)] = {}


class NewDevice(DeviceBody):
    """A sensor. Ein Sensor."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dev_eui": "70b3d57ed0001234",
                    "device_type": "milesight/vs133",
                    "name": "Zähler Nordtor",
                    "interval_s": 60,
                    "site": "marktplatz",
                    "tags": {"mast": "M-017"},
                }
            ]
        }
    )
    dev_eui: DevEui


class EdgeBody(_Strict):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Rathaus, Dach"}]})
    name: Name


class NewEdge(EdgeBody):
    """An edge agent; its id is the common name of its client certificate. Ein Edge-Agent."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "rathaus-dach", "name": "Rathaus, Dach"}]}
    )
    id: Slug


class ZoneBody(_Strict):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Wochenmarkt",
                    "name_en": "Weekly market",
                    "site": "marktplatz",
                    "permitted": 900,
                    "reset_at": "04:00",
                    "public": True,
                }
            ]
        }
    )
    name: Annotated[Name, Field(description="German, as citizens read it.")]
    name_en: OptionalName = ""
    site: Slug | None = None
    permitted: Annotated[
        int | None,
        Field(ge=1, le=10_000_000, description="Persons the permit allows; never computed."),
    ] = None
    reset_at: Annotated[LocalTime, Field(description="Local time at which the area is empty.")] = (
        "04:00"
    )
    interval_s: Annotated[int, _INTERVAL] = 60
    error_in: Annotated[float, _ERROR] = 0.02
    error_out: Annotated[float, _ERROR] = 0.02
    max_rate: Annotated[
        int, Field(ge=1, le=100_000, description="Persons per minute and gate at most.")
    ] = 120
    public: Annotated[bool, Field(description="Shown on the public page.")] = False


class NewZone(ZoneBody):
    """An area whose persons are counted. Ein Bereich, in dem Personen gezählt werden."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "slug": "wochenmarkt",
                    "name": "Wochenmarkt",
                    "name_en": "Weekly market",
                    "site": "marktplatz",
                    "permitted": 900,
                    "public": True,
                }
            ]
        }
    )
    slug: Slug


class GateBody(_Strict):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Nordtor",
                    "dev_eui": "70b3d57ed0001234",
                    "channel": "line_1",
                    "swapped": False,
                }
            ]
        }
    )
    name: Name
    dev_eui: DevEui
    channel: Annotated[
        str, Field(max_length=63, pattern=r"^[a-z0-9_.-]*$", description="Counting line.")
    ] = ""
    swapped: Annotated[bool, Field(description="The device was mounted back to front.")] = False


class NewGate(GateBody):
    """An entrance of a zone. Ein Zugang."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "slug": "nordtor",
                    "name": "Nordtor",
                    "dev_eui": "70b3d57ed0001234",
                    "channel": "line_1",
                }
            ]
        }
    )
    slug: Slug


class DeviceTypeView(BaseModel):
    """A device type of the catalogue. Ein Gerätetyp."""

    id: str
    vendor: str
    product: str
    family: str
    version: int | str


class QuantityView(BaseModel):
    """A quantity of the vocabulary, with its UCUM unit. Eine Messgröße."""

    name: str
    unit: str
    label_de: str
    label_en: str
    low: float | None
    high: float | None
    aggregate: str
