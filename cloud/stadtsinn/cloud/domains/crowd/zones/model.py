"""Zones and gates, as the API, the town file, the repository and the follower have them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from stadtsinn.cloud.domains.crowd.counting import CountKind
from stadtsinn.cloud.domains.crowd.zones.agenda import ZoneEvent, require_apart
from stadtsinn.cloud.platform.api.fields import (
    IntervalSeconds,
    LocalTime,
    Name,
    OptionalName,
    Slug,
)
from stadtsinn.cloud.platform.api.model import Model
from stadtsinn.cloud.town.stations.model import Channel

Share = Annotated[
    float, Field(ge=0, le=0.5, allow_inf_nan=False, description="Share of persons miscounted.")
]


class ZoneBody(Model):
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
    interval_s: IntervalSeconds = 60
    error_in: Share = 0.02
    error_out: Share = 0.02
    max_rate: Annotated[
        int, Field(ge=1, le=100_000, description="Persons per minute and gate at most.")
    ] = 120
    public: Annotated[bool, Field(description="Shown on the public page.")] = False
    learn_ratio: Annotated[
        bool,
        Field(description="Weigh who leaves by what days said that began and ended empty."),
    ] = False
    events: Annotated[
        tuple[ZoneEvent, ...],
        Field(description="When something takes place; outside nobody is counted. Empty: always."),
    ] = ()

    @model_validator(mode="after")
    def _one_event_at_a_time(self) -> Self:
        require_apart(self.events)
        return self


class Zone(ZoneBody):
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


class GateBody(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Nordtor",
                    "station": "zaehler-nordtor",
                    "channel": "line_1",
                    "swapped": False,
                }
            ]
        }
    )
    name: Name
    station: Annotated[Slug, Field(description="The station whose devices count here.")]
    channel: Annotated[Channel, Field(description="Counting line: a channel of the station.")] = ""
    swapped: Annotated[
        bool, Field(description="What the station calls in leads out of this zone.")
    ] = False
    counts: Annotated[
        CountKind,
        Field(
            description="What is counted of the uplinks: `total` running totals, `interval` how "
            "many passed since the uplink before, `clicker` steps of a hand counter; `auto` totals "
            "where they come, interval counts else."
        ),
    ] = CountKind.AUTO


class Gate(GateBody):
    """An entrance of a zone. Ein Zugang."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "slug": "nordtor",
                    "name": "Nordtor",
                    "station": "zaehler-nordtor",
                    "channel": "line_1",
                }
            ]
        }
    )
    slug: Slug
