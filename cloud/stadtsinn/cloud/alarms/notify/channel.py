"""What a message channel is."""

from __future__ import annotations

from typing import Any, Protocol

from stadtsinn.cloud.alarms.notify.senders.base import OpenedSender
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.surroundings import Surroundings


class Channel(Protocol):
    """One way on which messages reach people, e.g. SMS."""

    @property
    def name(self) -> str:
        """As recipients name it, and its table in the configuration: ``[notify.<name>]``."""
        ...

    @property
    def settings(self) -> Any:
        """What the table holds: a `Section`, or an annotated choice between several."""
        ...

    def address(self, text: str) -> str:
        """The address in the one form in which it is kept.

        Raises ValueError, without the address in it, for what cannot be one.
        """
        ...

    def text(self, sentence: Sentence) -> str:
        """The sentence as it is sent."""
        ...

    def append(self, text: str, suffix: str) -> str:
        """A text that was made by `text`, with a remark at its end."""
        ...

    def open_sender(self, settings: Any, around: Surroundings) -> OpenedSender:
        """The sender that `settings` describe. Raises ValueError naming the remedy."""
        ...
