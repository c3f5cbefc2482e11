"""The watering list as GeoJSON, for maps: a point for each tree that has a place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stadtsinn.base.berlin import write_time
from stadtsinn.base.language import Language
from stadtsinn.cloud.domains.trees.watering_list import ListedTree, WateringList
from stadtsinn.cloud.domains.trees.words import reason

MEDIA_TYPE = "application/geo+json"


def list_geojson(made: WateringList) -> dict[str, Any]:
    """Longitude before latitude, as the standard has it."""
    features = [
        {
            "type": "Feature",
            "id": one.tree.number,
            "geometry": {"type": "Point", "coordinates": [one.tree.longitude, one.tree.latitude]},
            "properties": fields,
        }
        for one, fields in zip(made.trees, listed_fields(made), strict=True)
        if one.tree.longitude is not None and one.tree.latitude is not None
    ]
    return {"type": "FeatureCollection", "features": features}


def listed_fields(made: WateringList) -> Iterator[dict[str, Any]]:
    """What there is to say of each tree, in the order of the tours."""
    groups = {one.group.slug: one for one in made.groups}
    for number, tour in enumerate(made.tours, 1):
        for stop, one in enumerate(tour.trees, 1):
            day = groups[one.group].day
            yield {
                "tour": number,
                "stop": stop,
                **_of_tree(one),
                "station": groups[one.group].group.station,
                "reason_de": "" if day is None else reason(day.verdict, Language.DE),
                "reason_en": "" if day is None else reason(day.verdict, Language.EN),
            }


def _of_tree(one: ListedTree) -> dict[str, Any]:
    return {
        "tree": one.tree.number,
        "street": one.tree.street,
        "species": one.tree.species or one.tree.species_de,
        "standing_year": one.standing_year,
        "group": one.group,
        "level": one.level.value,
        "litres": one.litres,
        "last_watered_at": write_time(None if one.last is None else one.last.watered_at),
        "last_litres": None if one.last is None else one.last.litres,
    }
