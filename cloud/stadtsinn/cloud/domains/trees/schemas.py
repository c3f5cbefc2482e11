"""Requests and answers of the tree API."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from stadtsinn.cloud.domains.trees.grouping import Lack
from stadtsinn.cloud.platform.api.fields import PLAIN_LINES, ShortText


class TreeView(BaseModel):
    """A tree of the register, and the group that it belongs to. Ein Baum des Katasters."""

    number: str
    species: str = Field(description="Botanical name.")
    species_de: str
    planted_year: int | None
    planted_month: int | None
    standing_year: int | None = Field(description="Its how-manieth summer here; 1 is the first.")
    street: str
    latitude: float | None
    longitude: float | None
    soil_class: str | None
    exposure: str | None
    bag_litres: float | None = Field(description="What its watering bag holds.")
    group: str | None = Field(description="Whose station stands for it.")
    without_group: Lack | None = Field(description="Why it has no group.")


def _without_mark(given: object) -> object:
    """A file's byte order mark is no part of its text."""
    return given.removeprefix("\ufeff") if isinstance(given, str) else given


class NewRegister(BaseModel):
    """A tree register, as a town's program writes it. Ein Baumkataster."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "register": "Baumnummer;Baumart;Pflanzjahr;Rechtswert;Hochwert;Bodenart\n"
                    "L-17;Tilia cordata;2023;405600;5757700;Sl3\n",
                    "crs": "EPSG:25832",
                }
            ]
        },
    )
    register_: Annotated[
        str,
        BeforeValidator(_without_mark),
        PLAIN_LINES,
        Field(alias="register", description="The text of a CSV or GeoJSON file."),
    ]
    crs: Annotated[
        ShortText | None,
        Field(description="The coordinate system, where the file does not say which."),
    ] = None
    number: Annotated[
        tuple[ShortText, ...],
        Field(max_length=5, description="The columns that number a tree together."),
    ] = ()
    remove_missing: Annotated[
        bool, Field(description="Trees that the file does not have are deleted.")
    ] = False
    dry_run: Annotated[bool, Field(description="Only say what would change.")] = False


class ImportView(BaseModel):
    """What an import changed, or would change. Was ein Import geändert hat."""

    trees: int
    new: int
    changed: int
    same: int
    missing: int = Field(description="Trees of the town that the file does not have.")
    removed: int
    without_position: int
    without_group: int
    crs: str | None = Field(description="The coordinate system that was read.")
    left_out: list[str] = Field(description="Columns that there is no place for.")
