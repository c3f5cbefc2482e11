"""What somebody typed is checked as the API checks it, and errors name it as it was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from stadtsinn.base.sentence import Explained, Sentence, Unusable


@contextmanager
def as_typed(**options: str) -> Iterator[None]:
    """Where an error speaks of a field of the API, it names the option or argument of this command
    instead: ``as_typed(end="--until")``. A field that is not told is an option of its own name."""
    from pydantic import ValidationError

    from stadtsinn.base.field_errors import field_sentence

    try:
        yield
    except ValidationError as error:
        item = error.errors(include_url=False)[0]
        field = str(item["loc"][0]) if item["loc"] else ""
        option = options.get(field, f"--{field.replace('_', '-')}") if field else ""
        raise Unusable.of(_named(field_sentence(item), options).about(option)) from None
    except Explained as error:
        error.sentence = _named(error.sentence, options)
        raise


def _named(sentence: Sentence, options: dict[str, str]) -> Sentence:
    def named(said: str) -> str:
        return re.sub(r"'(\w+)'", lambda found: options.get(found[1], found[0]), said)

    return Sentence(named(sentence.english), named(sentence.german))
