"""A changed copy of a frozen data class, as `dataclasses.replace`, in a tenth of its time.

That one goes through all fields and sets each anew; here the copy gets the same attributes, then
the changed ones. For classes without `__slots__`, `__post_init__` and fields that are no arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 its arguments are checked so
else:

    def replace(one: Any, /, **changes: Any) -> Any:
        """The same with other values of these fields."""
        copy = object.__new__(type(one))
        copy.__dict__.update(one.__dict__)
        copy.__dict__.update(changes)
        return copy
