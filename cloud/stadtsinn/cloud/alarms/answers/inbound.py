"""A message that somebody sent to us, from whatever channel."""

from __future__ import annotations

from dataclasses import dataclass, field

from stadtsinn.base.instant import Instant


@dataclass(frozen=True)
class Inbound:
    """An answer as a channel took it in. The repr shows nothing personal.

    `received_at` is when it was sent, as far as the channel knows, else when it came.
    """

    address: str = field(repr=False)
    """The sender's, as the channel writes it: it is read like a recipient's address."""
    text: str = field(repr=False)
    received_at: Instant
    provider_id: str = ""
    """The channel's own name of it: the same message twice has the same one. Empty: it has none."""
