"""What random tests draw: the same in every run, and something new with ``--seed N``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, seed, settings

STRIDE = 1_000_003  # so that no test that counts its seeds meets those of another N
start = 0  # N: `conftest` sets it before any test is read
share = 1.0  # of the examples that a test asks for: a tenth while one works, ten times at night


def seeded(number: int) -> int:
    """Return the seed that stands for 0, 1, 2, ... in this run."""
    return number + STRIDE * start


def examples(count: int, **options: Any) -> settings:
    """Draw ``count`` examples in CI, a tenth of them elsewhere and ten times as many at night."""
    return settings(max_examples=max(min(count, 20), round(count * share)), **options)


def in_batches(count: int, batches: int, *strategies: Any) -> Callable[[Callable[..., None]], Any]:
    """Turn a check of drawn values into tests with a seed each, which workers share."""

    def decorate(check: Callable[..., None]) -> Any:
        @pytest.mark.parametrize("batch", range(batches))
        def test(batch: int) -> None:
            drawn = examples(count // batches)(given(*strategies)(check))
            seed(seeded(batch))(drawn)()

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        test.__module__, test.__qualname__ = check.__module__, check.__qualname__
        return test

    return decorate
