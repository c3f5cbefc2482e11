"""Answers about the catalogue and the vocabulary."""

from __future__ import annotations

from pydantic import BaseModel


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
