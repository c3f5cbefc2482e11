"""Chat and push services: Matrix, Mattermost, Teams, Telegram, ntfy, Signal and others."""

from __future__ import annotations

import re

from stadtsinn.base.field_errors import SHORT_NAME
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.alarms.notify.senders.base import OpenedSender
from stadtsinn.cloud.alarms.notify.senders.chat import LOCAL, AppriseSettings, ChatSender
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.surroundings import Surroundings

_NAME = re.compile(SHORT_NAME)
_ADDRESS = re.compile(r"([a-z][a-z0-9]*)://[!-~]+", re.IGNORECASE)


class Apprise:
    """The channel ``apprise``."""

    name = "apprise"
    settings = AppriseSettings

    def address(self, text: str) -> str:
        return chat_address(text)

    def text(self, sentence: Sentence) -> str:
        return sentence.whole

    def append(self, text: str, suffix: str) -> str:
        return text + suffix

    def open_sender(
        self,
        settings: AppriseSettings,
        around: Surroundings,  # noqa: ARG002 (others need them)
    ) -> OpenedSender:
        return OpenedSender(ChatSender(settings))


def chat_address(text: str) -> str:
    """An address as apprise writes them, or a name of ``[notify.apprise.addresses]``.

    Raises ValueError, without the address in it.
    """
    written = text.strip()
    found = _ADDRESS.fullmatch(written)
    if found is not None and found[1].lower() not in LOCAL:
        return written
    if found is None and _NAME.fullmatch(written):
        return written
    raise Unusable(
        "this is no address of a chat or push service: write it like ntfys://push.example/topic, "
        "or a name of [notify.apprise.addresses]",
        "das ist keine Adresse eines Chat- oder Push-Dienstes: so schreiben: "
        "ntfys://push.example/thema, oder einen Namen aus [notify.apprise.addresses]",
    )
