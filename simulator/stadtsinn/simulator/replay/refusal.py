"""What a file is that is no recording."""

from __future__ import annotations

from stadtsinn.base.sentence import Sentence


class NotARecording(ValueError):
    """Nothing in a file can be replayed; `sentence` says what it is and what to do."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence.english)
        self.sentence = sentence
