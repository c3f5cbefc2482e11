"""What reading JSON or MessagePack from outside may raise, whatever somebody sent."""

from __future__ import annotations

import msgspec

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""No document, or another than was expected; text that is no UTF-8; one nested without end. A
message that its reader raises for is never acknowledged: it would come for ever, and a few of them
stop all that come after it."""
