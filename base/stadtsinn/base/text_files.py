"""Text files as people's programs write them: their encoding is found out, not asked for."""

from __future__ import annotations

import codecs

from stadtsinn.base.sentence import Unusable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16's mark, which is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOKED_AT = 4096


class NoText(Unusable):
    """The bytes are no text in any encoding that is known here."""


def decoded(content: bytes) -> str:
    """The text of a file, each line ended by ``\\n``.

    A mark at its beginning says the encoding; without one it is UTF-16 where every other byte is
    zero, else UTF-8, and each line that is no UTF-8 is Windows-1252. Raises NoText.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            text = content[len(mark) :].decode(encoding, "replace")
            break
    else:
        text = _unmarked(content)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unmarked(content: bytes) -> str:
    head = content[:_LOOKED_AT]
    if (zeros := head.count(0)) == 0:
        return _lines(content)
    half = len(head) // 2
    if head[1::2].count(0) == zeros and zeros > half * 0.5:
        return content.decode("utf-16-le", "replace")
    if head[::2].count(0) == zeros and zeros > half * 0.5:
        return content.decode("utf-16-be", "replace")
    raise NoText(
        "this is no text file",
        "das ist keine Textdatei: als Text speichern",
    )


def _lines(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return "\n".join(_line(line) for line in content.split(b"\n"))


def _line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")
