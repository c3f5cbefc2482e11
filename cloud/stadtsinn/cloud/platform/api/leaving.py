"""Whether a caller is still there: work for one who has left is not done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from anyio import from_thread
from fastapi import Depends, Request

HasLeft = Callable[[], bool]


def has_left(request: Request) -> HasLeft:
    """To be asked between two steps of long work, in an endpoint that runs on a thread."""
    return lambda: from_thread.run(request.is_disconnected)


HasLeftDep = Annotated[HasLeft, Depends(has_left)]
