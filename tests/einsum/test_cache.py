"""Programs are kept, within bounds, and shared by threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from counting import calls

from eingrad.api.einsum import einsum as module
from eingrad.api.einsum.einsum import einsum
from eingrad.engine.cache import Cache


def test_a_second_call_runs_the_same_program() -> None:
    x = np.ones((3, 17))
    einsum("ab,cb->ac", x, x)
    count = len(module._programs)
    einsum("ab,cb->ac", x, x)
    einsum("ab,cb->ac", x.tolist(), x)
    assert len(module._programs) == count


def test_the_number_of_programs_is_bounded() -> None:
    for n in range(module.MAX_PROGRAMS + 40):
        einsum("i->", np.ones(n))
    assert len(module._programs) <= module.MAX_PROGRAMS


def _key(n: int) -> object:
    return ("ij,jk,kl->il", *[(np.ndarray, (n, n), np.dtype(float))] * 3)


def test_the_memory_of_programs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_programs", Cache(module.MAX_PROGRAMS, 10**5))
    sizes = range(100, 140)
    for n in sizes:
        x = np.ones((n, n))
        einsum("ij,jk,kl->il", x, x, x)
    kept = [call for n in sizes if (call := module._programs.get(_key(n)))]
    assert 0 < len(kept) < len(sizes)
    assert sum(call.kept for call in kept) == module._programs.cost <= 10**5


def test_eight_threads_get_the_serial_results() -> None:
    rng = np.random.default_rng(0)
    jobs = []
    for n in range(2, 12):
        a, b, c = (rng.normal(size=(n, n)) for _ in range(3))
        jobs += [("ij,jk,kl->il", a, b, c), ("ij,ij->i", a, b), ("ii,ij->j", a, c), ("ij->", b)]
    serial = [einsum(*job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            for got, expected in zip(pool.map(lambda job: einsum(*job), jobs), serial, strict=True):
                np.testing.assert_array_equal(got, expected)


def test_threads_may_meet_a_full_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_programs", Cache(4))

    def work(seed: int) -> bool:
        rng = np.random.default_rng(seed)
        sizes = [int(n) for n in rng.integers(1, 30, 60)]
        return all(einsum("i,i->", np.ones(n), np.ones(n)) == n for n in sizes)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(16)))


def test_a_known_call_costs_little() -> None:
    x = np.ones((4, 4))
    einsum("ij,jk->ik", x, x)
    assert calls(lambda: einsum("ij,jk->ik", x, x)) <= 20  # 7 microseconds


def test_what_was_used_longest_ago_is_dropped() -> None:
    cache: Cache[int, str] = Cache(8, limit=100)
    for n in range(8):
        cache.put(n, str(n), cost=10)
    assert [cache.get(n) for n in (0, 1)] == ["0", "1"]
    assert cache.put(0, "another") == "0"
    cache.put(8, "8", cost=90)  # too many, and together too dear
    assert [n for n in range(9) if cache.get(n)] == [1, 8]
    assert (len(cache), cache.cost) == (2, 100)
    assert cache.put(9, "9", cost=101) == "9"
    assert (len(cache), cache.cost) == (2, 100)
