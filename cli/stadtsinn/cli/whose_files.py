"""A command as the wrong user: what root makes, the centre's own user cannot open."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from stadtsinn.base.problems import Conflict


def refuse_as_root(database: str) -> None:
    """Raises Conflict where root would write into the SQLite database of another user, or make it
    in that one's folder. `database` is the URL."""
    from sqlalchemy import make_url

    url = make_url(database)
    if os.geteuid() != 0 or url.get_backend_name() != "sqlite" or not url.database:
        return
    file = Path(url.database)
    place = next((one for one in (file, file.parent) if one.exists()), None)
    if place is None or place.stat().st_uid == 0:
        return
    name = _name(place.stat().st_uid)
    raise Conflict(
        f"{place} belongs to '{name}', who could not open what root makes there: "
        f"'runuser -u {name} -- stadtsinn …'",
        f"{place} gehört '{name}', und was root dort anlegt, wäre für '{name}' nicht lesbar: "
        f"'runuser -u {name} -- stadtsinn …'",
    )


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
