"""What a check says: a verdict, and the place where a wrong claim fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

MISTAKES = {
    "factor": "a number or size is missing or too many",
    "sign": "a sign is wrong",
    "mean-for-sum": "a mean where a sum is meant",
    "sum-for-mean": "a sum where a mean is meant",
    "transposed": "the labels of a tensor, or of the result, are exchanged",
    "label": "a label is wrong",
    "order": "the factors of a matrix chain are in another order, or transposed",
    "axis": "a function goes over the wrong axis",
    "sum": "a sum is missing or does not belong there",
    "delta": "a Kronecker delta is missing or does not belong there",
    "term": "a term is missing or does not belong there",
    "missing-factor": "a tensor is missing in a product",
    "extra-factor": "a tensor in a product does not belong there",
    "wrong-tensor": "one tensor, or derivative, for another",
    "preactivation": "an activation for its argument, or the reverse",
    "activation-argument": "a function is taken of the activation, not of its argument",
    "activation-derivative": "the derivative of an activation is missing, twice there, or wrong",
    "function": "one function for another, or one too many or too few",
    "power": "an exponent is wrong",
    "inverse": "multiplied where one must divide, or the reverse",
    "path": "a path of the chain rule is missing",
    "jacobian": "a Jacobian is taken as its diagonal",
    "wrong-gradient": "the derivative by another tensor",
    "assumption": "right under an assumption that the model does not make",
    "shape": "the shapes do not fit",
    "unknown": "wrong, and no repair was found",
}


Outcome = Literal["right", "wrong", "right if", "not judged"]
Depth = Literal["verdict", "condition", "mistake"]  # what is looked for where a claim fails

OF_INPUTS = "an equation of inputs that holds at some points alone is a condition"


@dataclass(frozen=True)
class Verdict:
    """Whether a claim is right, and if not, what is wrong with it.

    ``outcome`` is ``"right"``, ``"wrong"`` (an ``assumption`` tells where its values agree all the
    same), ``"right if"`` under an ``assumption`` which the model does not make, or ``"not judged"``
    where the claim could not be compared; ``ok`` is whether it is right. ``reason`` says it in
    words, ``mistake`` is a key of `MISTAKES`, ``fixed`` is the claim with the mistake repaired and
    ``correct`` the right formula. ``counterexample`` holds
    small ``sizes`` and ``arrays`` for the inputs, the place (``index``, by label) where the
    difference is greatest, and the values there, ``claimed`` and ``right``. ``proof`` is
    ``"algebra"`` for a claim that was shown to equal the right formula, ``"evaluation"`` for one
    that was found equal at random points. ``notes`` say what the claim was taken to mean where it
    has two readings.

    >>> from eingrad import parse
    >>> verdict = parse("L = w_i w_i").check("dL/dw_i = w_i")
    >>> verdict.outcome, verdict.reason, verdict.correct
    ('wrong', 'factor 2 missing', 'dL/dw_i = 2 w_i')
    """

    outcome: Outcome
    claim: str
    reason: str
    correct: str
    counterexample: Mapping[str, Any] | None = field(default=None, compare=False)
    mistake: str | None = None
    fixed: str | None = None
    assumption: str | None = None
    proof: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the claim is right."""
        return self.outcome == "right"

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return f"Verdict(outcome={self.outcome!r}, reason={self.reason!r})"

    def __str__(self) -> str:
        lines = [f"{self.outcome}: {self.claim}", f"  {self.reason}"]
        if self.ok:
            return "\n".join([*lines, *self._noted()])
        if self.fixed is not None and self.fixed != self.correct:
            lines.append(f"  repaired: {self.fixed}")
        lines.append(f"  correct:  {self.correct}")
        if self.counterexample is not None:
            lines.append(f"  {self._failure(self.counterexample)}")
        return "\n".join([*lines, *self._noted()])

    def _repr_html_(self) -> str:
        colour = {"right": "#1a7f37", "wrong": "#cf222e"}.get(self.outcome, "#9a6700")
        head, *lines = str(self).splitlines()
        body = "\n".join(escape(line) for line in lines)
        return (
            f'<div class="eingrad-verdict"><b style="color: {colour}">'
            f"{escape(self.outcome)}</b>{escape(head.removeprefix(self.outcome))}"
            f'<pre style="text-align: left">{body}</pre></div>'
        )

    def _noted(self) -> list[str]:
        return [f"  note: {note}" for note in self.notes]

    @staticmethod
    def _failure(example: Mapping[str, Any]) -> str:
        sizes = ", ".join(f"size({d}) = {n}" for d, n in example["sizes"].items())
        place = ", ".join(f"{label} = {k}" for label, k in example["index"].items())
        claimed = "has no value" if example["claimed"] is None else f"is {example['claimed']:.6g}"
        where = f"at {place} " if place else ""
        given = f" for the counter-example with {sizes}" if sizes else " for the counter-example"
        return f"{where}the claim {claimed}, right is {example['right']:.6g}{given}"
