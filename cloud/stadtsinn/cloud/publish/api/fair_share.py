"""No client and no key takes all the requests that can be answered at once.

A request counts from its head to the end of its answer, so also while its body is on its way and
before its key was looked at. What keys may do beyond that is decided where they are known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256

from starlette.types import ASGIApp, Receive, Scope, Send

from stadtsinn.cloud.platform.api.errors import problem_response
from stadtsinn.cloud.publish.clients import Proxies, client_of

AT_ONCE = 64
"""Open requests of one client address (IPv6: /64 network), and of one key."""

_RETRY_AFTER_S = "1"


class FairShare:
    """Below the middleware that logs requests: it answers 429 itself."""

    def __init__(self, app: ASGIApp, proxies: Proxies, at_once: int = AT_ONCE) -> None:
        self._app = app
        self._proxies = proxies
        self._at_once = at_once
        self._open: Counter[str | bytes] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        names = tuple(_names(scope, self._proxies))
        if any(self._open.get(name, 0) >= self._at_once for name in names):
            await self._refusal(scope)(scope, receive, send)
            return
        self._open.update(names)
        try:
            await self._app(scope, receive, send)
        finally:
            for name in names:
                self._open[name] -= 1
                if not self._open[name]:
                    del self._open[name]

    def _refusal(self, scope: Scope) -> ASGIApp:
        return problem_response(
            str(scope.get("stadtsinn_request_id", "")),
            429,
            "Too many requests",
            f"You have {self._at_once} requests open. Wait for one of their answers.",
            headers={"Retry-After": _RETRY_AFTER_S},
        )


def _names(scope: Scope, proxies: Proxies) -> Iterator[str | bytes]:
    """Whose request it is. Keys as digests: a key is kept nowhere."""
    host = str((scope.get("client") or ("",))[0])
    if host not in proxies:  # a request of a proxy itself, or of this machine
        yield client_of(host)
    for name, value in scope["headers"]:
        if name == b"authorization":
            yield sha256(value).digest()
