"""Which certificates say to whom an edge agent belongs."""

from __future__ import annotations

from stadtsinn.base.settings.fields import FilePath
from stadtsinn.base.settings.reading import Section


class EdgesSettings(Section):
    """`authority`: PEM file of the operator's certificate authority for edge agents."""

    authority: FilePath | None = None
