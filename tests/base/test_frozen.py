"""A changed copy is what `dataclasses.replace` makes."""

from __future__ import annotations

import dataclasses

from stadtsinn.base.frozen import replace
from stadtsinn.base.instant import Instant
from stadtsinn.rules.state import Phase, RuleState


def test_a_copy_differs_in_what_was_changed_and_leaves_the_first_alone() -> None:
    state = RuleState(phase=Phase.PENDING, since=Instant(5), notes={"a": 1})
    changed = replace(state, phase=Phase.FIRING, since=None)
    assert changed == dataclasses.replace(state, phase=Phase.FIRING, since=None)
    assert changed.notes is state.notes
    assert state.phase is Phase.PENDING
    assert type(changed) is RuleState
    assert dataclasses.replace(changed) == changed
