"""The limits with their defaults: the section ``[limits]``, and what a tenant may have instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from stadtsinn.base.settings.described import Described, Of

MOST = 10_000_000
_Count = Annotated[int, Field(ge=0, le=MOST)]
_Some = Annotated[int, Field(ge=1, le=MOST)]


class Limits(Described):
    """At most so many. The defaults are far above what a city of a million has."""

    sites: Annotated[_Count, Of("Sites of a town.", "Orte einer Stadt.")] = 2_000
    stations: Annotated[_Count, Of("Stations of a town.", "Messstellen einer Stadt.")] = 25_000
    devices: Annotated[_Count, Of("Devices of a town.", "Geräte einer Stadt.")] = 25_000
    deployments: Annotated[
        _Count,
        Of(
            "Deployments of a town: which device fed which station, ever.",
            "Einbauten einer Stadt: welches Gerät je an welcher Messstelle maß.",
        ),
    ] = 200_000
    edges: Annotated[_Count, Of("Edge agents of a town.", "Agenten einer Stadt.")] = 500
    zones: Annotated[_Count, Of("Zones of a town.", "Zonen einer Stadt.")] = 500
    gates: Annotated[
        _Count, Of("Gates of all zones of a town.", "Zugänge aller Zonen einer Stadt.")
    ] = 2_000
    rules: Annotated[_Count, Of("Rules of a town.", "Regeln einer Stadt.")] = 2_000
    trees: Annotated[_Count, Of("Trees of a town.", "Bäume einer Stadt.")] = 500_000
    tree_groups: Annotated[_Count, Of("Groups of trees of a town.", "Baumgruppen einer Stadt.")] = (
        1_000
    )
    recipients: Annotated[_Count, Of("Recipients of a town.", "Empfänger einer Stadt.")] = 500
    duty_groups: Annotated[_Count, Of("Duty groups of a town.", "Bereitschaften einer Stadt.")] = (
        200
    )
    mute_days: Annotated[
        _Some,
        Of(
            "Days that the end of a mute may lie ahead: what is muted for longer is forgotten.",
            "So viele Tage darf das Ende einer Stummschaltung voraus liegen: was länger stumm ist, "
            "wird vergessen.",
        ),
    ] = 31
    keys: Annotated[
        _Some,
        Of(
            "API keys of a town that are not revoked.",
            "API-Schlüssel einer Stadt, die nicht widerrufen sind.",
        ),
    ] = 100
    series: Annotated[_Count, Of("Series of a town.", "Messreihen einer Stadt.")] = 200_000
    station_series: Annotated[
        _Count,
        Of(
            "Series of a station: quantities on channels, also of former devices.",
            "Messreihen einer Messstelle: Größen auf Kanälen, auch früherer Geräte.",
        ),
    ] = 500
    open_requests: Annotated[
        _Some,
        Of("Requests of a town at the same time.", "Gleichzeitige Anfragen einer Stadt."),
    ] = 16
    key_open_requests: Annotated[
        _Some,
        Of("Requests of one key at the same time.", "Gleichzeitige Anfragen eines Schlüssels."),
    ] = 10
    query_days: Annotated[
        _Some,
        Of(
            "Days between start and end of a request.",
            "Tage zwischen Beginn und Ende einer Anfrage.",
        ),
    ] = 4_000
    query_values: Annotated[
        _Some,
        Of(
            "Newest values of one answer: stations times their series.",
            "Neueste Werte einer Antwort: Messstellen mal ihre Messreihen.",
        ),
    ] = 200_000

    def with_those_of(self, tenant: Mapping[str, int]) -> Limits:
        """As they are for a tenant that has some of its own."""
        return self.model_copy(update=dict(tenant)) if tenant else self


DEFAULTS = Limits()
