"""What device type somebody means who wrote something else."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from functools import lru_cache

_MOST = 3
_SHORTEST = 3
"""A shorter model is part of too many words."""


def near_devices(given: str, known: Collection[str]) -> list[str]:
    """Ids that `given` may mean, the likeliest first: the model alone as on a sticker (``LSE01``),
    with its vendor, with what the vendor appends for regions (``EM300-TH-868M``), or misspelt."""
    wanted = _plain(given)
    models = {device: _plain(device.partition("/")[2]) for device in known}
    exact = [device for device, model in models.items() if wanted in (model, _plain(device))]
    if exact:
        return exact[:_MOST]
    inside = [
        device for device, model in models.items() if len(model) >= _SHORTEST and model in wanted
    ]
    if inside:
        return sorted(inside, key=lambda one: (wanted.index(models[one]), -len(models[one])))[
            :_MOST
        ]
    near = difflib.get_close_matches(given.lower(), known, n=_MOST, cutoff=0.5)
    alike = difflib.get_close_matches(wanted, models.values(), n=_MOST, cutoff=0.75)
    return [*dict.fromkeys([*near, *(one for one in models if models[one] in alike)])][:_MOST]


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
