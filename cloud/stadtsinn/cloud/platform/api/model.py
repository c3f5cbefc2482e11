"""The base of the models that API, town file and repositories share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Base of the models: frozen, and a misspelt key is an error.

    A thing has two models: the `…Body`, which replaces it, and the thing itself with its name.
    """

    # Errors do not quote the input: it may hold what no log may hold.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
