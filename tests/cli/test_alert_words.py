"""German has a word for each kind, status and ending of alarms and messages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stadtsinn.cli.alert_words import in_words
from stadtsinn.cloud.alarms import notify
from stadtsinn.cloud.alarms.answers.acknowledging import Via
from stadtsinn.cloud.alarms.notify.message import Kind, Status
from stadtsinn.rules.state import CloseReason

SAID_ONCE = re.compile(r'settled=True, reason="([^"]+)"|next_attempt=retry_at, reason="([^"]+)"')


@pytest.mark.parametrize("stored", [*Kind, *Status, *Via, *CloseReason])
def test_each_has_a_word(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    assert in_words(stored) == stored
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert in_words(stored) != stored


def test_each_reason_that_the_outbox_gives_has_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    folder = Path(str(notify.__file__)).parent
    sources = [path.read_text(encoding="utf-8") for path in folder.glob("*repository.py")]
    reasons = [a or b for source in sources for a, b in SAID_ONCE.findall(source)]
    assert len(reasons) >= 4
    assert [one for one in reasons if in_words(one) == one] == []


def test_what_a_provider_says_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert in_words("status 503") == "status 503"
