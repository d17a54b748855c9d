"""Texts that later stages cannot bear are refused, early and with their measure."""

from __future__ import annotations

import string
import tracemalloc

import pytest
from counting import calls

import eingrad as eg
from eingrad.notation.tokens import MAX_IN_STATEMENT, MAX_LINE, MAX_STATEMENTS, MAX_WORD

LABELS = ",".join(f"l{k}" for k in range(50_000))
LARGE = {
    "a word": ("a" * 1_000_000, f"1,000,000 characters, more than {MAX_LINE:,}"),
    "a name": ("L = " + "a" * (MAX_WORD + 1), f"1,001 characters, more than {MAX_WORD:,}"),
    "one letter": ("a " * 49_000, f"characters, more than {MAX_LINE:,}"),
    "on many lines": ("L = " + "a *\n" * 49_000 + "a", f"more than {MAX_IN_STATEMENT:,} words"),
    "a product": ("L = " + " ".join(["a"] * 9_000), f"more than {MAX_IN_STATEMENT:,} words"),
    "statements": ("\n".join(f"a{k} = b" for k in range(16_000)), f"{MAX_STATEMENTS:,} statements"),
    "labels": (f"L = A[{LABELS}] B[{LABELS}]", f"characters, more than {MAX_LINE:,}"),
    "some labels": (f"L = A[{LABELS[:2000]}]", f"characters, more than {MAX_WORD:,}"),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_text_is_refused_with_its_measure(name: str) -> None:
    text, measure = LARGE[name]

    def read() -> None:
        with pytest.raises(eg.NotationError) as caught:
            eg.parse(text)
        assert caught.value.code == "too-large"
        assert measure in caught.value.reason
        assert len(str(caught.value)) < 1000

    eg.parse("L = x")  # the grammar is loaded
    assert calls(read) < 30 * 70_000
    tracemalloc.start()
    try:
        read()
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("reader", [eg.parse, eg.parse_latex])
def test_a_long_comment_and_a_chain_of_10_000_statements_are_read(reader) -> None:  # type: ignore[no-untyped-def]
    assert reader("L = x " + ("#" if reader is eg.parse else "%") + " a" * 5_000)
    if reader is eg.parse:
        assert reader("L = x #" + " a" * 50_000)
        lines = [f"z{k}_i = tanh(z{k - 1}_i)" for k in range(1, 10_000)]
        assert len(reader("\n".join(lines)).outputs) == 9_999


def test_a_claim_is_bounded_too() -> None:
    model = eg.parse("L = x")
    with pytest.raises(eg.NotationError, match="more than"):
        model.check("dL/dx = " + " + ".join(string.ascii_lowercase * 100))
