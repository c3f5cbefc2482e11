"""The limits with their defaults: the section ``[limits]``, and what a tenant may have instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from stadtsinn.base.settings.reading import Section

MOST = 10_000_000
_Count = Annotated[int, Field(ge=0, le=MOST)]
_Some = Annotated[int, Field(ge=1, le=MOST)]


class Limits(Section):
    """At most so many. The defaults are far above what a city of a million has."""

    sites: Annotated[_Count, Field(description="Sites of a town.")] = 2_000
    stations: Annotated[_Count, Field(description="Stations of a town.")] = 25_000
    devices: Annotated[_Count, Field(description="Devices of a town.")] = 25_000
    deployments: Annotated[
        _Count, Field(description="Deployments of a town: which device fed which station, ever.")
    ] = 200_000
    edges: Annotated[_Count, Field(description="Edge agents of a town.")] = 500
    zones: Annotated[_Count, Field(description="Zones of a town.")] = 500
    gates: Annotated[_Count, Field(description="Gates of all zones of a town.")] = 2_000
    rules: Annotated[_Count, Field(description="Rules of a town.")] = 2_000
    recipients: Annotated[_Count, Field(description="Recipients of a town.")] = 500
    keys: Annotated[_Some, Field(description="API keys of a town that are not revoked.")] = 100
    series: Annotated[_Count, Field(description="Series of a town.")] = 200_000
    station_series: Annotated[
        _Count,
        Field(description="Series of a station: quantities on channels, also of former devices."),
    ] = 500
    open_requests: Annotated[_Some, Field(description="Requests of a town at the same time.")] = 16
    key_open_requests: Annotated[
        _Some, Field(description="Requests of one key at the same time.")
    ] = 10
    query_days: Annotated[_Some, Field(description="Days between start and end of a request.")] = (
        4_000
    )
    query_values: Annotated[
        _Some, Field(description="Newest values of one answer: stations times their series.")
    ] = 200_000

    def with_those_of(self, tenant: Mapping[str, int]) -> Limits:
        """As they are for a tenant that has some of its own."""
        return self.model_copy(update=dict(tenant)) if tenant else self


DEFAULTS = Limits()
