"""What all models share that the API, the town file and the repositories have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """One thing as everybody has it: frozen, and a misspelt key is an error, not a default.

    A thing has two models: the `…Body`, which replaces it, and the thing itself with its name.
    """

    # Errors do not quote the input: it may hold what no log may hold.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
