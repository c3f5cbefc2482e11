"""Whatever stands in old rows, no JSON answer holds a character that steers a terminal or turns
text around: it is escaped, which is the same document. Pages and tables have escapes of their own.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stadtsinn.base.foreign_text import visible_json_bytes


class VisibleAnswers:
    """The innermost middleware: it sees what endpoints answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(send)
        await self._app(scope, receive, answer.send if scope["type"] == "http" else send)


class _Answer:
    """One answer, whose start waits for the body: its length may change."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_json(message):
            self._start = message
            return
        if self._start is not None:
            message = await self._begin(self._start, message)
            self._start = None
        await self._send(message)

    async def _begin(self, start: Message, message: Message) -> Message:
        """Send the start. JSON is sent in one piece: the whole is known here."""
        body = message.get("body", b"")
        shown = visible_json_bytes(body)
        if shown is not body:
            MutableHeaders(scope=start)["content-length"] = str(len(shown))
            message = {**message, "body": shown}
        await self._send(start)
        return message


def _is_json(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return kind.partition(";")[0].endswith(("/json", "+json"))
