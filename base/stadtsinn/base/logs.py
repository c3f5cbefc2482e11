"""Structured logs: JSON lines for machines, readable lines on a terminal, no secrets in either."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog

from stadtsinn.base.foreign_text import visible
from stadtsinn.base.sentence import Unusable

MASK = "***"

_SECRET_KEY = re.compile(
    r"passw|token|secret|api_?key|app_?s?key|(^|_)key$|authorization|phone|recipient|msisdn|credential",
    re.IGNORECASE,
)
# International numbers, German ones with 0049, German mobile numbers in national form. Plain runs
# of digits (EUIs, positions) stay readable.
_PHONE = re.compile(
    r"(?<![\w+])(?:(?:\+[1-9]\d{0,2}|0049)[\d ()/-]{5,16}\d(?!\d)|01[5-7]\d[ /-]?\d{6,9}(?!\w))"
)
# A password may hold "/" and "@": up to the last "@" of the word.
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s:@]*:\S+(?=@)")
SECRET_IN_QUERY = re.compile(
    r"(?<=[?&])((?:ssl)?pass(?:word|wd)?|pwd|p|token|secret|api_?key)=[^&\s\"'#]+", re.IGNORECASE
)
"""A secret among the parameters of a URL; its first group is the parameter's name."""
# Texts of our own that have several lines.
_IN_LINES = frozenset({"exception", "traceback", "stack"})
_WITH_ADDRESSES = "httpx"
"""It logs whole addresses at level info: of a monitor, of an SMS provider with password and
number."""
_BEARER = re.compile(r"(?i)\b(bearer|token|basic)\s+[\w.~+/=-]{8,}")


def one_line(error: BaseException) -> str:
    """An error's class and the beginning of its text, as health pages show it."""
    return visible(f"{type(error).__name__}: {error}".splitlines()[0][:300])


def mask_text(text: str) -> str:
    """`text` without phone numbers (+49 …), credentials of URLs and bearer tokens."""
    masked = _PHONE.sub(MASK, text)
    masked = _CREDENTIALS_IN_URL.sub(MASK, masked)
    masked = SECRET_IN_QUERY.sub(rf"\1={MASK}", masked)
    return _BEARER.sub(rf"\1 {MASK}", masked)


def _mask(key: str, value: Any) -> Any:
    if _SECRET_KEY.search(key) and value is not None and not isinstance(value, bool):
        return MASK
    if isinstance(value, str):
        return visible(mask_text(value), lines=key in _IN_LINES)
    if isinstance(value, dict):
        return {visible(str(name)): _mask(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mask(key, inner) for inner in value]
    if isinstance(value, BaseException):
        return visible(mask_text(f"{type(value).__name__}: {value}"))
    if value is None or isinstance(value, bool | int | float):
        return value
    return visible(mask_text(str(value)))


def mask_secrets(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """structlog processor: replaces secrets by ``***``, by the name of the key and by pattern, and
    makes text from outside visible."""
    for key, value in event.items():
        event[key] = _mask(key, value)
    return event


def _naming(service: str) -> Any:
    """Processor that adds the service's name. A context variable would not reach threads."""

    def add_service(
        _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event.setdefault("service", service)
        return event

    return add_service


class _Stderr:
    """Whatever stderr is at the moment: it may be replaced after logging was set up."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure_logs(service: str, json: bool | None = None, level: str = "info") -> None:
    """Set up structlog and the standard library's logging, both to stderr.

    `json=None` writes JSON lines unless stderr is a terminal. Raises ValueError for an unknown
    level. Log lines carry the machine's time, also where a simulated clock runs.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise Unusable(
            f"unknown log level {level!r}: use debug, info, warning or error",
            f"unbekannte Log-Stufe {level!r}: debug, info, warning oder error angeben",
        )
    as_json = not sys.stderr.isatty() if json is None else json
    shared: list[Any] = [
        _naming(service),
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    tail: list[Any] = (
        [mask_secrets, structlog.processors.JSONRenderer(default=str)]
        if as_json
        else [mask_secrets, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    structlog.configure(
        processors=[*shared, *tail],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=cast(TextIO, _Stderr())),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(cast(TextIO, _Stderr()))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    logging.getLogger(_WITH_ADDRESSES).setLevel(max(number, logging.WARNING))
