"""Telephone numbers: written in many ways, kept in one, shown to nobody."""

from __future__ import annotations

import pytest

from stadtsinn.cloud.alarms.notify.channels.sms import Sms
from stadtsinn.cloud.alarms.notify.message import Addressee, Kind, Message, masked
from stadtsinn.cloud.alarms.notify.recipient import Recipient


@pytest.mark.parametrize(
    "written",
    ["+49 170 1234567", "0049 170/1234567", "0170-123 45 67", "(0170) 1234567", "+491701234567"],
)
def test_numbers_become_e164(written: str) -> None:
    assert Sms().address(written) == "+491701234567"


@pytest.mark.parametrize("written", ["", "110", "+49", "+0170123456", "abc", "1" * 30, "+49170x1"])
def test_what_is_no_number_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(ValueError, match=r"\+49 170") as refused:
        Sms().address(written)
    assert not written or written not in str(refused.value).replace("+49 170 1234567", "")


def test_masked_numbers_show_three_digits() -> None:
    assert masked("+491701234567") == "…567"
    assert masked("") == ""


def test_numbers_and_texts_stay_out_of_reprs() -> None:
    number = "+491701234567"
    people: list[object] = [
        Addressee(1, "sms", number),
        Message("uuid", Kind.ALARM, number, "geheimer Text", "token-token"),
        Recipient(slug="a", name="A", channel="sms", address=number),
    ]
    for one in people:
        assert number not in repr(one)
        assert "geheim" not in repr(one)
        assert "token-token" not in repr(one)
