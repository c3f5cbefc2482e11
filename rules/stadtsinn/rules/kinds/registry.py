"""The kinds of rules that there are. A new one is a file beside this one and a line here."""

from __future__ import annotations

from stadtsinn.rules.kind import RuleKind
from stadtsinn.rules.kinds.permit import Permit
from stadtsinn.rules.kinds.threshold import Threshold

KINDS: dict[str, type[RuleKind]] = {kind.kind_name: kind for kind in (Threshold, Permit)}
