"""Telephone numbers: right or refused, wherever one enters."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from first_version import bring_to
from stadtsinn.cloud.alarms.notify.channels.registry import CHANNELS
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.alarms.notify.senders.settings import HttpSettings
from stadtsinn.cloud.alarms.notify.telephone import e164
from stadtsinn.cloud.migrations import upgrade
from stadtsinn.cloud.platform.database.engine import Database

MOBILE = "+4917612345678"

RIGHT = {
    # https://github.com/64characters/Telephone/issues/542: brackets skipped, the zero dialled
    "+49 (0)176 12345678": MOBILE,
    "+49 (0) 176 12345678": MOBILE,
    "+49-(0)176-12345678": MOBILE,
    "+49[0]17612345678": MOBILE,
    "0049 (0)176 12345678": MOBILE,
    "0049 0176 12345678": MOBILE,
    # https://github.com/colinhacks/zod/issues/5563 and
    # https://github.com/BelledonneCommunications/linphone-android/issues/940: +490… is no number
    "+49 0176 12345678": MOBILE,
    "+49017612345678": MOBILE,
    # https://github.com/google/libphonenumber/issues/2026: the zero in the numbering plan
    "+49016000000001": "+4916000000001",
    # https://github.com/catamphetamine/libphonenumber-js/issues/127
    "+49(0)15123020522": "+4915123020522",
    "0176/12345678": MOBILE,
    "(0176) 12345678": MOBILE,
    "0176 - 123 456 78": MOBILE,
    "0176–12345678": MOBILE,
    "00 49 176 12345678": MOBILE,
    "+ 49 176 12345678": MOBILE,
    # copied from a contact: invisible marks, spaces that do not break, wide digits
    "\u202a+49 176 12345678\u202c": MOBILE,
    "+49\u00a0176\u202f12345678": MOBILE,
    "+４９ 176 12345678": MOBILE,
    "030 12345678": "+493012345678",
    "+41 (0)79 123 45 67": "+41791234567",
    "+43 (0) 664 1234567": "+436641234567",
    "+44 (0)7911 123456": "+447911123456",
    # https://github.com/daviddrysdale/python-phonenumbers/issues/48: in Italy the zero is dialled
    "+39 06 56851242": "+390656851242",
    "+39 347 1234567": "+393471234567",
    "+420 601 123 456": "+420601123456",
}

WRONG = [
    # https://github.com/google/libphonenumber/issues/750 and
    # https://github.com/giggsey/libphonenumber-for-php/issues/243: digits alone are taken for a
    # number of the home country, and 49176… becomes +4949176…
    *("4917612345678", "49 176 12345678", "496128966000", "176 12345678"),
    *("+49 49 176 12345678", "0049 49 176 12345678", "+49 (0)49 176 12345678", "049 17612345678"),
    *("+49 176 1234567890123", "+49 176 123", "+49", "+", "0", "00", "", "   ", "0000000000"),
    *("+1 (0)212 555 1234", "+999 123456789", "+49 +49 176 12345678", "+49 0049 176 12345678"),
    *("110", "112", "115", "0110", "22833", "+49 112"),
    *("0800 1234567", "0900 1 123456", "0180 5 123456"),
    *("0176 12345678 oder 0177 12345678", "0176 12345678 / 0177 12345678", "0176 12345678 ext. 3"),
    *("amt@musterstadt.de", "0800 FEUERWEHR", "+49 176 ABCDEFGH", "tel:+4917612345678"),
    *("+49 176 12345678; DROP TABLE recipients", "+49 176 12345678\x00", "+49 176 1234x5678"),
]


@pytest.mark.parametrize("written", RIGHT)
def test_a_number_is_kept_in_its_one_form(written: str) -> None:
    assert e164(written) == RIGHT[written]
    assert e164(RIGHT[written]) == RIGHT[written]


@pytest.mark.parametrize("written", WRONG)
def test_what_could_be_nobody_or_a_stranger_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="number") as refused:
        e164(written)
    digits = "".join(filter(str.isdigit, written))
    said = "".join(filter(str.isdigit, str(refused.value).replace("+49 170 1234567", "")))
    assert len(digits) < 4 or digits not in said


@pytest.mark.parametrize("written", RIGHT)
def test_recipients_take_it_by_the_same_rule(written: str) -> None:
    recipient = Recipient(slug="amt", name="Amt", address=written)
    assert recipient.address == RIGHT[written] == CHANNELS["sms"].address(written)


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        ("Musterstadt", "Musterstadt"),
        ("", ""),
        ("22833", "22833"),
        ("+49 (0)176 12345678", MOBILE),
        ("0049 176 12345678", MOBILE),
        ("Verbandsgemeinde", None),
        ("4917612345678", None),
        ("+49", None),
    ],
)
def test_the_senders_own_number_in_the_settings(shown: str, kept: str | None) -> None:
    given = {"kind": "http", "preset": "seven", "values": {"from": shown}}
    if kept is not None:
        assert HttpSettings.model_validate(given).values["from"] == kept
        return
    with pytest.raises(ValidationError, match=r"telephone number|characters"):
        HttpSettings.model_validate(given)


# --- what earlier versions stored --------------------------------------------------------

BEFORE = """
INSERT INTO tenants VALUES ('musterstadt', 'Musterstadt', 1);
INSERT INTO recipients VALUES (1, 'musterstadt', 'a', 'A', 'sms', '+49017612345678');
INSERT INTO recipients VALUES (2, 'musterstadt', 'b', 'B', 'sms', '+4917712345678');
INSERT INTO recipients VALUES (3, 'musterstadt', 'c', 'C', 'sms', '+390656851242');
INSERT INTO recipients VALUES (4, 'musterstadt', 'd', 'D', 'sms', '+4911');
INSERT INTO recipients VALUES (5, 'musterstadt', 'e', 'E', 'sms', '+410791234567')
"""


@pytest.mark.slow
def test_numbers_of_earlier_versions_are_put_right(empty: Database) -> None:
    bring_to(empty, "0008")
    with empty.write() as connection:
        for statement in BEFORE.split(";"):
            connection.execute(text(statement))
        for n, status in enumerate(("READY", "ACCEPTED")):
            connection.execute(
                text(
                    "INSERT INTO outbox (uuid, tenant_id, incident_id, kind, level, sequence, "
                    "channel, recipient_id, dedup_key, address, text, status, reason, attempts, "
                    "resent, reworded, settled, next_attempt, report_token, event_time, "
                    "created_at, expires_at, purged) VALUES (:key, 'musterstadt', 'i', 'ALARM', "
                    "1, 0, 'sms', 1, :key, '+49017612345678', 'x', :status, '', 0, false, false, "
                    "false, 0, :key, 0, 0, 0, false)"
                ),
                {"key": str(n), "status": status},
            )
    upgrade(empty)
    with empty.read() as connection:
        kept = list(connection.scalars(text("SELECT address FROM recipients ORDER BY id")))
        sent = list(connection.scalars(text("SELECT address FROM outbox ORDER BY uuid")))
    assert kept == [MOBILE, "+4917712345678", "+390656851242", "+4911", "+41791234567"]
    assert sent == [MOBILE, "+49017612345678"]
