"""A signed webhook: what happened as JSON, for another program."""

from __future__ import annotations

from urllib.parse import urlsplit

from stadtsinn.base.clock import SystemClock
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.alarms.notify.senders.base import OpenedSender
from stadtsinn.cloud.alarms.notify.senders.webhook import WebhookSender, WebhookSettings
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.surroundings import Surroundings


class Webhook:
    """The channel ``webhook``."""

    name = "webhook"
    settings = WebhookSettings

    def address(self, text: str) -> str:
        return web_address(text)

    def text(self, sentence: Sentence) -> str:
        return sentence.whole

    def append(self, text: str, suffix: str) -> str:
        return text + suffix

    def open_sender(
        self,
        settings: WebhookSettings,
        around: Surroundings,  # noqa: ARG002 (others need them)
    ) -> OpenedSender:
        # The receiver compares the time of the signature with its own clock.
        return OpenedSender(WebhookSender(settings, SystemClock()))


def web_address(text: str) -> str:
    """Raises ValueError, without the address in it."""
    written = text.strip()
    try:
        parts = urlsplit(written)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.username is not None
        or parts.fragment
        or port == 0
        or not (written.isascii() and written.isprintable())
        or " " in written
        or "\\" in written
    ):
        raise Unusable(
            "this is no address of a webhook: write it like https://leitstelle.example/alarme, "
            "without user and password",
            "das ist keine Adresse eines Webhooks: so schreiben: "
            "https://leitstelle.example/alarme, ohne Benutzer und Passwort",
        )
    return written
