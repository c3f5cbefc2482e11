"""Text from outside, made safe to show: senders, towns and files choose it, people read it.

Control characters steer a terminal, characters of direction turn what stands beside them around,
line separators forge lines of a log. Input refuses them (`require_plain`); what came another way,
or before that, is shown with an escape in their place (`visible`).
"""

from __future__ import annotations

import re
import unicodedata

from stadtsinn.base.sentence import Unusable

FORBIDDEN = (
    r"\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: terminals read U+009B as ESC [
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction
    r"\u2028\u2029"  # line and paragraph separator
    r"\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"  # nothing to see
)
"""The inside of a character class, as Python, JavaScript and JSON Schema understand it. Joiners
(U+200C, U+200D) and the soft hyphen are no part of it: scripts, emoji and websites use them."""

_BEYOND_16_BITS = "\U000e0000-\U000e007f"  # tags, invisible
_HALF = r"\ud800-\udfff"  # half of a surrogate pair is no character

_SIGN = re.compile(f"[{FORBIDDEN}{_HALF}{_BEYOND_16_BITS}]")
_SIGN_IN_LINES = re.compile(rf"(?![\n\t])[{FORBIDDEN}{_HALF}{_BEYOND_16_BITS}]")

_SIGN_IN_UTF8 = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe1\xa0\x8e|\xe2\x80[\x8b\x8e\x8f\xa8-\xae]"
    rb"|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]|\xf3\xa0[\x80\x81][\x80-\xbf]"
)
"""The same in the bytes of a JSON text, whose other control characters JSON escapes itself."""


def visible(text: str, *, lines: bool = False) -> str:
    """`text` with an escape such as ``\\x1b`` or ``\\u202e`` for each character that is unsafe.

    `lines`: line breaks and tabs stay, for texts of our own that have several lines.
    """
    return (_SIGN_IN_LINES if lines else _SIGN).sub(_escape, text)


def visible_json(document: str) -> str:
    """A JSON text with the unsafe characters of its strings escaped: the same document.

    Its line breaks and blanks stay. JSON itself need not escape DEL, C1 or direction.
    """
    return _SIGN_IN_LINES.sub(_escape_in_json, document)


def visible_json_bytes(document: bytes) -> bytes:
    """As `visible_json`, for the bytes of a large answer: itself where there is nothing to do.

    Decoding and looking at each character would take ten times as long.
    """
    if document.isascii() and b"\x7f" not in document:
        return document
    shown = _SIGN_IN_UTF8.sub(_escape_bytes_in_json, document)
    return document if len(shown) == len(document) else shown


def require_plain(text: str, *, lines: bool = False) -> str:
    """`text`, or ValueError that names its first unsafe character and where it stands.

    `lines`: line breaks and tabs are taken, all line breaks as one character.
    """
    if lines:
        text = text.replace("\r\n", "\n")
    if (found := (_SIGN_IN_LINES if lines else _SIGN).search(text)) is None:
        return text
    sign = found[0]
    name = unicodedata.name(sign, "a control character").lower()
    raise Unusable(
        f"character {found.start() + 1} is U+{ord(sign):04X} ({name}), which nobody sees: write "
        "the text again without it",
        f"Zeichen {found.start() + 1} ist U+{ord(sign):04X} ({name}), das niemand sieht: den "
        "Text ohne es neu schreiben",
    )


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"


def _escape_in_json(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code > 0xFFFF:
        high, low = divmod(code - 0x10000, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
    return f"\\u{code:04x}"


def _escape_bytes_in_json(found: re.Match[bytes]) -> bytes:
    return visible_json(found[0].decode()).encode()
