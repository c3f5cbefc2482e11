"""Which public answer a request asks for: what kind, of which zone, in which language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from urllib.parse import parse_qsl

from starlette.types import Scope

from stadtsinn.base.language import Language


class Kind(StrEnum):
    """A kind of public answer."""

    DATA = "data"
    PAGE = "page"
    INDEX = "index"


ROUTES = {
    Kind.DATA: "/public/{tenant}/zones/{zone}",
    Kind.PAGE: "/{tenant}/zaehler/{zone}",
    Kind.INDEX: "/",
}
"""Each kind's address, as the metrics name it."""

_SLUG = r"[a-z0-9-]{1,63}"
_DATA = re.compile(rf"/public/({_SLUG})/zones/({_SLUG})")
_PAGE = re.compile(rf"(/en)?/({_SLUG})/zaehler/({_SLUG})")
_REMEMBERED = 1_000
_PARAMETERS = 50
_FLAGS = {"": False, "0": False, "false": False, "1": True, "true": True}


@dataclass(frozen=True)
class Variant:
    """One public answer. Two requests for the same variant get the same bytes."""

    kind: Kind
    tenant: str = ""
    zone: str = ""
    language: Language = Language.DE
    root: str = ""
    """Where a proxy has mounted the application."""
    pause: bool = False
    embedded: bool = False


def variant_of(scope: Scope) -> Variant | None:
    """The variant that a request asks for; None where its endpoint has to read it closely.

    Parameters that we do not know, such as those that social networks append, change nothing.
    """
    if scope["method"] != "GET":
        return None
    root = root_of(scope)
    return _variant(scope["path"].removeprefix(root), scope["query_string"], _accepted(scope), root)


@lru_cache(_REMEMBERED)
def _variant(path: str, query: bytes, accepted: str, root: str) -> Variant | None:
    """Viewers of a page send the same few texts, which are read once."""
    if found := _DATA.fullmatch(path):
        return Variant(Kind.DATA, found[1], found[2])
    found = _PAGE.fullmatch(path)
    if found is None and path != "/":
        return None
    try:
        given = dict(parse_qsl(query.decode("latin-1"), max_num_fields=_PARAMETERS))
    except ValueError:  # more than these
        return None
    english = bool(found and found[1])
    language = Language.EN if english else language_of(accepted, given.get("lang"))
    if found is None:
        return Variant(Kind.INDEX, language=language, root=root)
    pause = _FLAGS.get(given.get("pause", ""))
    embedded = False if english else _FLAGS.get(given.get("embed", ""))
    if pause is None or embedded is None:
        return None
    return Variant(Kind.PAGE, found[2], found[3], language, root, pause, embedded)


def root_of(scope: Scope) -> str:
    """Where a proxy has mounted the application, without a slash at its end."""
    return str(scope.get("root_path", "")).rstrip("/")


def language_of(accepted: str, wanted: str | None) -> Language:
    """The language asked for in the address, else the browser's first one we know, else German."""
    if wanted in set(Language):
        return Language(wanted)
    ranked = []
    for index, item in enumerate(accepted.split(",")[:20]):
        name, _, quality = item.partition(";")
        primary = name.strip().lower().partition("-")[0]
        if primary in set(Language):
            ranked.append((-_quality(quality), index, Language(primary)))
    return min(ranked)[2] if ranked else Language.DE


def _quality(text: str) -> float:
    try:
        return float(text.strip().removeprefix("q=")) if text else 1.0
    except ValueError:
        return 0.0


def _accepted(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"accept-language":
            return str(value.decode("latin-1"))
    return ""
