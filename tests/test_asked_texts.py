"""What is asked of random texts ends: at night of 10,000, in 5 s of processor time and 500 MB."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import seeds
from ask_texts import ask
from counting import calls
from grammar_texts import MOST, text_of

import eingrad as eg

ROOT = Path(__file__).parents[1]
BATCHES, BATCH = (100, 100) if seeds.share > 1 else (1, 2)
MOST_CALLS = 40_000_000


@pytest.mark.parametrize("number", range(3))
def test_a_text_of_the_grammar_is_derived_printed_and_checked(number: int) -> None:
    text = text_of(seeds.seeded(number))
    assert len(text) <= MOST
    assert calls(lambda: ask(text, Counter())) < MOST_CALLS


@pytest.mark.parametrize("batch", range(BATCHES))
def test_many_texts_are_answered_in_time(batch: int) -> None:
    run = subprocess.run(
        [sys.executable, "tests/ask_texts.py", str(seeds.seeded(BATCH * batch)), str(BATCH)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr


def test_most_texts_of_the_grammar_mean_something() -> None:
    def means_something(text: str) -> bool:
        try:
            return bool(eg.parse(text))
        except eg.EingradError:
            return False

    texts = [text_of(seeds.seeded(number)) for number in range(20)]
    assert sum(map(means_something, texts)) >= 15


def test_all_second_derivatives_by_many_tensors_are_asked_for_by_name() -> None:
    names = [f"x{k}" for k in range(13)]
    model = eg.parse(f"L = sin({' + '.join(names)})")
    with pytest.raises(eg.EingradError, match="13 tensors have 169 second derivatives") as caught:
        model.hessian("L")
    assert caught.value.code == "too-large"
    assert len(model.hessian("L", names)) == 169
    assert str(model.hessian("L", "x3")["x3"]) == "d2L/dx3 dx3 = -L"
