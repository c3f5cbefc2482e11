"""The kinds of rules that there are. A new one is a file beside this one and a line here."""

from __future__ import annotations

from stadtsinn.rules.kind import RuleKind
from stadtsinn.rules.kinds.band import Band
from stadtsinn.rules.kinds.both import Both
from stadtsinn.rules.kinds.change import Change
from stadtsinn.rules.kinds.count import Count
from stadtsinn.rules.kinds.difference import Difference
from stadtsinn.rules.kinds.increase import Increase
from stadtsinn.rules.kinds.levels import Levels
from stadtsinn.rules.kinds.low_battery import LowBattery
from stadtsinn.rules.kinds.no_data import NoData
from stadtsinn.rules.kinds.overstay import Overstay
from stadtsinn.rules.kinds.permit import Permit
from stadtsinn.rules.kinds.share import Share
from stadtsinn.rules.kinds.stuck import Stuck
from stadtsinn.rules.kinds.sum import Sum
from stadtsinn.rules.kinds.threshold import Threshold

KINDS: dict[str, type[RuleKind]] = {
    kind.kind_name: kind
    for kind in (
        Threshold,
        Permit,
        Band,
        Change,
        Sum,
        Increase,
        Stuck,
        NoData,
        LowBattery,
        Difference,
        Both,
        Count,
        Share,
        Levels,
        Overstay,
    )
}
