"""What a station and a deployment are: one definition for API, town file and tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, Protocol, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from stadtsinn.base.instant import Instant, from_datetime
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.platform.api.fields import (
    PLAIN_LINES,
    DevEui,
    Latitude,
    Longitude,
    Name,
    OptionalName,
    ShortText,
    Slug,
)
from stadtsinn.cloud.platform.api.times import KeptTime
from stadtsinn.cloud.town.stations.kinds import check_attributes, check_kind
from stadtsinn.decoders.vocabulary import quantity

FOR_EVER = Instant(2**62)
"""The end of a deployment that still lasts."""

BEGINNING = Instant(0)
"""The start of a deployment that holds for everything the device ever sent."""

Channel = Annotated[
    str,
    StringConstraints(max_length=63, pattern=r"^[a-z0-9_.-]*$"),
    Field(description="Channel, e.g. line_1 or 30cm; empty where there is only one."),
]


def _known_quantity(name: str) -> str:
    quantity(name)
    return name


Quantity = Annotated[str, StringConstraints(max_length=63), AfterValidator(_known_quantity)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# What every JSON reader and both databases keep as it is.
_Number = Annotated[float, Field(allow_inf_nan=False)]
_WholeNumber = Annotated[int, Field(ge=-(2**53), le=2**53)]


class StationBody(_Model):
    """A station without its slug. Eine Messstelle ohne ihren Kurznamen."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Linde am Markt",
                    "name_en": "Lime tree at the market",
                    "kind": "tree",
                    "site": "marktplatz",
                    "latitude": 51.9607,
                    "longitude": 7.6261,
                    "office": "Umweltamt",
                    "attributes": {"species": "Tilia cordata", "planted_year": 2021},
                    "tags": ["altstadt"],
                }
            ]
        }
    )
    name: Annotated[Name, Field(description="German, as people call the place.")]
    name_en: OptionalName = ""
    kind: Annotated[str, AfterValidator(check_kind), Field(max_length=63)] = "other"
    site: Slug | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    position_accuracy_m: Annotated[
        float | None, Field(ge=0, le=100_000, allow_inf_nan=False, description="Metres.")
    ] = None
    position_source: Annotated[
        Literal["survey", "gnss", "map", "estimate"] | None,
        Field(description="How the position was found."),
    ] = None
    height_m: Annotated[
        float | None,
        Field(
            ge=-12_000,
            le=12_000,
            allow_inf_nan=False,
            description="Metres above the ground; below it (a depth) negative.",
        ),
    ] = None
    office: Annotated[OptionalName, Field(description="The office that looks after it.")] = ""
    remarks: Annotated[str, StringConstraints(max_length=2000), PLAIN_LINES] = ""
    attributes: Annotated[
        dict[ShortText, bool | _WholeNumber | _Number | ShortText],
        Field(max_length=50, description="By kind, see the documentation; others are free."),
    ] = {}
    tags: Annotated[tuple[Slug, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise Unusable(
                "give latitude and longitude together, or neither",
                "Breite und Länge zusammen angeben, oder keines von beiden",
            )
        check_attributes(self.kind, self.attributes)
        return self


class Station(StationBody):
    """A place that people name; its slug never changes. Eine Messstelle."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"slug": "linde-am-markt", "name": "Linde am Markt", "kind": "tree"}]
        }
    )
    slug: Slug


class Calibration(_Model):
    """A value v of the device is v · scale + offset at the station.

    A sensor that looks down on water measures a distance: hung 3.42 m above gauge zero, its level
    is 3.42 m less that, `scale` -1 and `offset` 3.42, and it `becomes` a water level.
    """

    scale: Annotated[_Number, Field(ge=-1e9, le=1e9)] = 1.0
    offset: Annotated[_Number, Field(ge=-1e9, le=1e9)] = 0.0
    becomes: Annotated[
        Quantity | None,
        Field(description="What is measured at the station; null: the same as by the device."),
    ] = None

    @model_validator(mode="after")
    def _scaled(self) -> Self:
        if self.scale == 0:
            raise Unusable(
                "a scale of 0 makes every value the same: give another",
                "ein Faktor 0 macht alle Werte gleich: einen anderen angeben",
            )
        return self


DepthsCm = Annotated[
    dict[Channel, Annotated[float, Field(ge=-10_000, le=100_000, allow_inf_nan=False)]],
    Field(max_length=100, description="Depth below the ground per channel of the station."),
]


class Deployment(_Model):
    """Which device measures at which station, from when to when. Ein Einbau."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dev_eui": "70b3d57ed0001234",
                    "station": "linde-am-markt",
                    "start": "2026-03-02T09:15:00+01:00",
                    "depths_cm": {"": 30},
                    "installed_by": "Bauhof",
                }
            ]
        }
    )
    dev_eui: DevEui
    station: Slug
    start: Annotated[
        KeptTime | None,
        Field(description="First moment; none: everything the device ever sent."),
    ] = None
    end: Annotated[
        KeptTime | None,
        Field(description="Moment to stop before; none: until further notice."),
    ] = None
    channels: Annotated[
        dict[Channel, Channel] | None,
        Field(
            min_length=1,
            max_length=100,
            description="Channel of the device → channel of the station; none: all as they are. "
            "Channels that are not named measure nothing here.",
        ),
    ] = None
    depths_cm: DepthsCm = {}
    swapped: Annotated[
        bool, Field(description="The device is mounted back to front: its in is out.")
    ] = False
    calibration: Annotated[dict[Quantity, Calibration], Field(max_length=100)] = {}
    comparison: Annotated[
        bool,
        Field(
            description="A comparison measurement: its channels at the station end in 'comparison'."
        ),
    ] = False
    installed_by: OptionalName = ""
    remarks: Annotated[str, StringConstraints(max_length=2000), PLAIN_LINES] = ""

    @model_validator(mode="after")
    def _become_alike(self) -> Self:
        for name, calibration in self.calibration.items():
            if calibration.becomes is None:
                continue
            before, after = quantity(name).unit, quantity(calibration.becomes).unit
            if before != after:
                raise Unusable(
                    f"'{name}' is in {before} and cannot become '{calibration.becomes}' in {after}",
                    f"'{name}' ist in {before} und kann nicht '{calibration.becomes}' in {after} "
                    "werden",
                )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.end is not None and self.ends <= self.starts:
            raise Unusable(
                "'end' has to lie after 'start'",
                "'end' muss nach 'start' liegen",
            )
        if self.channels and len(set(self.channels.values())) < len(self.channels):
            raise Unusable(
                "two channels of the device would feed one channel of the station",
                "zwei Kanäle des Geräts gingen auf einen Kanal der Messstelle",
            )
        return self

    @property
    def starts(self) -> Instant:
        return BEGINNING if self.start is None else _instant(self.start)

    @property
    def ends(self) -> Instant:
        return FOR_EVER if self.end is None else _instant(self.end)


class PlacedDeployment(Deployment):
    """A deployment as it is stored."""

    id: int


COMPARISON = "comparison"


class ChannelMapping(Protocol):
    """What decides the station's channel for a channel of the device."""

    @property
    def channels(self) -> Mapping[str, str] | None: ...

    @property
    def comparison(self) -> bool: ...


def station_channel(deployment: ChannelMapping, channel: str) -> str | None:
    """The station's channel that a channel of the device feeds; None: none."""
    if deployment.channels is not None:
        if channel not in deployment.channels:
            return None
        channel = deployment.channels[channel]
    if not deployment.comparison:
        return channel
    return comparison_of(channel)


def comparison_of(channel: str) -> str:
    """The station's channel of a device that measures beside this one."""
    return f"{channel}.{COMPARISON}" if channel else COMPARISON


def is_comparison(channel: str) -> bool:
    """Whether a station's channel is that of a device that measures beside the one that counts."""
    return channel == COMPARISON or channel.endswith(f".{COMPARISON}")


def _instant(moment: datetime) -> Instant:
    return from_datetime(moment)
