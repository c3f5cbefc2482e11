"""How mails are written: lines of SMTP, and headers that every program reads back as they were.

Python folds a header with umlauts word by word. Where the fold falls between two encoded words a
space is lost, or two of them stand side by side, which some servers refuse (RFC 2047, 5). Here the
whole text is encoded, and spaces with it.
"""

from __future__ import annotations

from email.header import Header
from email.headerregistry import Address
from email.policy import EmailPolicy
from typing import Any


class _MailPolicy(EmailPolicy):
    def fold(self, name: str, value: Any) -> str:
        written = _written(name, value)
        if written is None:
            folded: str = super().fold(name, value)
            return folded
        return f"{name}: {written}".replace("\n", self.linesep) + self.linesep

    def fold_binary(self, name: str, value: Any) -> bytes:
        if _written(name, value) is None:
            return super().fold_binary(name, value)
        return self.fold(name, value).encode("ascii")


def _written(name: str, value: Any) -> str | None:
    """Of a header that has more than ASCII; None: there is nothing to be careful with."""
    if str(value).isascii():
        return None
    if name == "Subject":
        return _encoded(str(value), len(name) + 2)
    if name == "From":
        (address,) = value.addresses
        return f"{_encoded(address.display_name, len(name) + 2)}\n {_bare(address)}"
    return None


def _encoded(text: str, used: int) -> str:
    return Header(text, "utf-8", maxlinelen=75, header_name="x" * used).encode(linesep="\n")


def _bare(address: Address) -> str:
    return f"<{address.addr_spec}>"


MAIL = _MailPolicy(linesep="\r\n")
