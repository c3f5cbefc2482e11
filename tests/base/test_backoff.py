"""The waits between attempts: stamina's numbers, one formula, no hand-written tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import stamina
from stamina.instrumentation import RetryDetails, get_on_retry_hooks, set_on_retry_hooks

from stadtsinn.base.backoff import Backoff, Retries, wait_until

ROOT = Path(__file__).parents[2]


def test_the_waits_are_those_that_stamina_makes() -> None:
    """Measured by stamina's own hook, with waits of a hundred-thousandth of a second."""
    backoff = Backoff(first=0.00001, longest=0.00025, factor=3)
    waits: list[float] = []

    def note(details: RetryDetails) -> None:
        waits.append(details.wait_for)

    before = get_on_retry_hooks()
    set_on_retry_hooks([note])
    try:
        for attempt in stamina.retry_context(
            on=ValueError,
            attempts=7,
            wait_initial=backoff.first,
            wait_max=backoff.longest,
            wait_exp_base=backoff.factor,
            wait_jitter=backoff.jitter,
        ):
            with attempt:
                if attempt.num < 7:
                    raise ValueError
    finally:
        set_on_retry_hooks(before)
    assert waits == pytest.approx([backoff.seconds(failures) for failures in range(1, 7)])


def test_waits_grow_to_the_longest_and_stay_there() -> None:
    backoff = Backoff(first=0.1, longest=10)
    assert [backoff.seconds(n) for n in (1, 2, 3, 4, 7, 8)] == [0.1, 0.2, 0.4, 0.8, 6.4, 10]
    assert backoff.seconds(1_000_000) == 10, "years of failures are no error"


def test_jitter_is_added_but_never_exceeds_the_longest() -> None:
    backoff = Backoff(first=1, longest=4, jitter=0.5)
    assert all(1 <= backoff.seconds(1) <= 1.5 for _ in range(100))
    assert all(backoff.seconds(9) == 4 for _ in range(100))


def test_success_begins_anew() -> None:
    retries = Retries(Backoff(first=1, longest=8))
    assert [retries.failed() for _ in range(5)] == [1, 2, 4, 8, 8]
    retries.worked()
    assert retries.failed() == 1


def test_attempts_end_with_success_or_with_the_last_error() -> None:
    backoff = Backoff(first=0.001, longest=0.002)
    tried = 0
    for attempt in backoff.attempts(OSError, timeout=60):
        with attempt:
            tried += 1
            if tried < 4:
                raise OSError("not there yet")
    assert tried == 4

    def failing() -> None:
        for attempt in backoff.attempts(OSError, timeout=0.02):
            with attempt:
                raise OSError("never there")

    with pytest.raises(OSError, match="never there"):
        failing()


def test_another_error_is_not_tried_again() -> None:
    tried = 0

    def faulty() -> None:
        nonlocal tried
        for attempt in Backoff(first=0.001, longest=0.002).attempts(OSError, timeout=60):
            with attempt:
                tried += 1
                raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        faulty()
    assert tried == 1


def test_waiting_for_a_condition() -> None:
    answers = iter([False, False, True])
    assert wait_until(lambda: next(answers), timeout=60)
    assert not wait_until(lambda: False, timeout=0.01)


def test_no_other_module_has_waits_of_its_own() -> None:
    """Tables of seconds, doubled pauses and sleeps in a loop: base/backoff.py has them all."""
    table_or_doubling = re.compile(r"BACKOFF_S|_pause \* 2|time\.sleep\(0?\.\d+\)|RETRY_SECONDS")
    parts = (
        *("base", "decoders", "rules", "edge", "cloud", "simulator"),
        *("gateway-firmware-tools", "cli"),
    )
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for part in parts
        for path in (ROOT / part).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if table_or_doubling.search(line)
    ]
    assert found == []
