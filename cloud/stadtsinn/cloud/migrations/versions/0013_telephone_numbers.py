"""Telephone numbers with the zero of their town are put right

Until now ``+49 (0)170 …`` was kept as ``+490170…``, which no network reaches.
"""

from __future__ import annotations

import phonenumbers
import sqlalchemy as sa
from alembic import op
from phonenumbers import PhoneNumberFormat

revision = "0013"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _correct("SELECT DISTINCT address FROM recipients WHERE channel = 'sms'", "recipients")
    # What was sent stays as it was sent.
    waiting = "SELECT DISTINCT address FROM outbox WHERE channel = 'sms' AND status = 'READY'"
    _correct(waiting, "outbox", " AND status = 'READY'")


def _correct(select: str, table: str, which: str = "") -> None:
    connection = op.get_bind()
    for address in list(connection.scalars(sa.text(select))):
        right = _right(address)
        if right != address:
            update = f"UPDATE {table} SET address = :right WHERE address = :address{which}"  # noqa: S608
            connection.execute(sa.text(update), {"right": right, "address": address})


def _right(address: str) -> str:
    """The address as it stands, if it cannot be put right without guessing."""
    try:
        number = phonenumbers.parse(address, None)
    except phonenumbers.NumberParseException:
        return address
    if not phonenumbers.is_valid_number(number):
        return address
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
