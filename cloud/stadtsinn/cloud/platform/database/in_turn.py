"""Which of its town's a row is, so that no town's rows stand behind all of another's."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Label, func


def number_in_town(town: ColumnElement[str], *order: ColumnElement[int]) -> Label[int]:
    """The column `number`: 1 for the first row of each town in this order."""
    return func.row_number().over(partition_by=town, order_by=order).label("number")
