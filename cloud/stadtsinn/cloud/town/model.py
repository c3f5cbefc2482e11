"""Sites, devices and edge agents, as the API, the town file and the repository have them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.platform.api.fields import (
    PLAIN,
    DevEui,
    IntervalSeconds,
    Latitude,
    Longitude,
    Name,
    ShortText,
    Slug,
)
from stadtsinn.cloud.platform.api.model import Model
from stadtsinn.edge.messages.edge_id import EdgeId


class _Placed(Model):
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise Unusable(
                "give latitude and longitude together, or neither",
                "Breite und Länge zusammen angeben, oder keines von beiden",
            )
        return self


class SiteBody(_Placed):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Marktplatz", "latitude": 51.9607, "longitude": 7.6261}]
        }
    )
    name: Name


class Site(SiteBody):
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
        str, Field(max_length=100, description="Catalogue id, see GET /api/v1/device-types."), PLAIN
    ]
    name: Name
    interval_s: IntervalSeconds = 3_600
    site: Slug | None = None
    tags: Annotated[dict[ShortText, ShortText], Field(max_length=50)] = Field(default_factory=dict)


class Device(DeviceBody):
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


class EdgeBody(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Rathaus, Dach"}]})
    name: Name


class Edge(EdgeBody):
    """An edge agent; its id is the common name of its client certificate. Ein Edge-Agent."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "rathaus-1", "name": "Rathaus, Dach"}]}
    )
    id: EdgeId

    @classmethod
    def registered(cls, edge_id: str, name: str) -> Self:
        """One of the registry, where earlier versions took ids that are refused by now."""
        return cls.model_construct(id=edge_id, name=name)


class EdgeEnrolment(Edge):
    """An edge agent as a town registers it itself. Ein Edge-Agent, wie ihn die Stadt anmeldet."""

    certificate: Annotated[
        str | None,
        Field(
            max_length=16_384,
            description="Its client certificate (PEM), in which the operator's authority names the "
            "edge id (CN) and your town (O).",
        ),
    ] = None
