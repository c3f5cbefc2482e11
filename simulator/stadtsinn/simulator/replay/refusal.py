"""What a file is that is no recording."""

from __future__ import annotations

from stadtsinn.base.sentence import Unusable


class NotARecording(Unusable):
    """Nothing in a file can be replayed; the text says what it is and what to do."""
