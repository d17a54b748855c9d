"""Sums that a claim leaves to repeated letters, where its model writes every sum."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from eingrad.check.verdict import Verdict
from eingrad.notation.summation import Summation, children, labels_of, walk
from eingrad.notation.syntax import Assignment, Call, Formula, Product, Symbol
from eingrad.notation.system import System
from eingrad.notation.text import label_text


def with_sums_said(verdict: Verdict, claim: Assignment, system: System) -> Verdict:
    r"""Return a verdict with a note on the letters that are summed although no sign says so.

    A text that writes ``\sum_k`` wherever it sums may have forgotten it in ``\delta_k w_{kj}``.
    """
    letters = dict.fromkeys(_unsaid(claim.value, labels_of(claim.target), Summation()))
    if not verdict.ok or not letters or not _writes_sums(system):
        return verdict
    shown = " and ".join(map(label_text, letters))
    text = f"{shown} {'is' if len(letters) == 1 else 'are'} summed, though without a sign of a sum"
    return replace(verdict, notes=(*verdict.notes, text))


def _writes_sums(system: System) -> bool:
    """Whether a model's text has sums, and every one with a sign of its own."""
    written = [d.written for d in system.definitions.values() if d.written is not None]
    said = any(isinstance(x, Call) and x.function in {"sum", "mean"} and x.axes
               for s in written for x in walk(s.value))  # fmt: skip
    summation = Summation()
    return said and not any(
        True for s in written for _ in _unsaid(s.value, labels_of(s.target), summation)
    )


def _unsaid(formula: Formula, kept: Collection[str], summation: Summation) -> Iterator[str]:
    """Yield the labels that products sum, or a tensor that repeats them."""
    inner = [kept] * len(children(formula))
    if isinstance(formula, Symbol):
        yield from (x for x in formula.labels if formula.labels.count(x) > 1 and x not in kept)
    elif isinstance(formula, Product):
        yield from summation.summed(formula, kept).labels
        inner = [*summation.scopes(formula, kept)]
    elif isinstance(formula, Call):
        inner = [{*kept, *summation.axes(formula)}] * len(inner)
    for part, own in zip(children(formula), inner, strict=True):
        yield from _unsaid(part, own, summation)
