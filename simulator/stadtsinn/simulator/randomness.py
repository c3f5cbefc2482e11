"""Reproducible random numbers: one stream per purpose, all from one seed."""

from __future__ import annotations

import random


def stream(seed: int, purpose: str) -> random.Random:
    """A generator of its own for `purpose`, so that a new purpose changes no other one."""
    return random.Random(f"{seed}/{purpose}")  # noqa: S311 - a simulation, not a secret
