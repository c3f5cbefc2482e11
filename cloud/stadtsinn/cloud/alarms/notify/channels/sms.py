"""Text messages: one part in the GSM alphabet, through an HTTP provider, a modem of our own or the
sandbox.

Numbering plans and an HTTP client are loaded where they are needed: every command reads settings.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stadtsinn.cloud.alarms.notify.senders.base import OpenedSender
from stadtsinn.cloud.alarms.notify.senders.gammu.sender import open_gammu
from stadtsinn.cloud.alarms.notify.senders.sandbox import open_sandbox
from stadtsinn.cloud.alarms.notify.senders.settings import (
    GammuSettings,
    HttpSettings,
    SandboxSettings,
)
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.surroundings import Surroundings
from stadtsinn.cloud.alarms.notify.text import compose, fit_one_part


class Sms:
    """The channel ``sms``."""

    name = "sms"
    settings = Annotated[
        SandboxSettings | HttpSettings | GammuSettings, Field(discriminator="kind")
    ]

    def address(self, text: str) -> str:
        """A telephone number as E.164 (``+491701234567``); ``0170…`` is taken for German."""
        from stadtsinn.cloud.alarms.notify.telephone import e164

        return e164(text)

    def text(self, sentence: Sentence) -> str:
        return compose(sentence)

    def append(self, text: str, suffix: str) -> str:
        return fit_one_part(text, suffix)

    def open_sender(
        self,
        settings: SandboxSettings | HttpSettings | GammuSettings,
        around: Surroundings,
    ) -> OpenedSender:
        if isinstance(settings, GammuSettings):
            return open_gammu(settings, around.database, around.clock)
        if isinstance(settings, SandboxSettings):
            return open_sandbox(around.database, around.clock, settings.phone)
        from stadtsinn.cloud.alarms.notify.senders.http_sms import open_http

        return open_http(settings)
