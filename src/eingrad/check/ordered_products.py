r"""Products of matrices along a label: ``\prod_{i=k+1}^{t} \partial h_i / \partial h_{i-1}``.

Such a product is what it is one step before, times its last factor; and the derivative of h_k by
itself is the identity. So a claim that it is ``\partial h_t / \partial h_k`` says as much as that
this is the last factor times ``\partial h_{t-1} / \partial h_k``, for every t behind k.
"""

from __future__ import annotations

from dataclasses import replace

from eingrad.notation.syntax import (
    Assignment,
    Call,
    Claim,
    Compare,
    Derivative,
    Ordinal,
    Product,
    Symbol,
)
from eingrad.notation.tex.conditions import with_label
from eingrad.notation.tex.entries import moved

TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def by_steps(claim: Claim) -> list[Assignment]:
    """Return the last step of what a claim says of a product of matrices, the last factor first,
    and last; none for other claims."""
    match claim:
        case Assignment(
            target=Derivative(
                of=Symbol(labels=(last,)) as of, wrt=(Symbol(labels=(first,)) as by,)
            ),
            value=Call(function="where", args=(Compare(), Call(function="prod") as product, _)),
        ) if of.name == by.name and not (of.moved or by.moved):
            pass
        case _:
            return []
    if len(product.axes) != 1 or not _goes(product, first, last):
        return []
    assert isinstance(claim.target, Derivative)
    factor = with_label(product.args[0], product.axes[0], last)
    before = replace(claim.target, of=moved(of, last, -1))
    later = Compare("<", Ordinal(first), Ordinal(last))
    return [
        replace(claim, value=Call("where", (later, Product(own, (False, False)), claim.target)))
        for own in ((factor, before), (before, factor))
    ]


def _goes(product: Call, first: str, last: str) -> bool:
    """Whether a product goes from behind the first label to the last one."""
    label, begin, end = Ordinal(product.axes[0]), Ordinal(first), Ordinal(last)
    own = [{(c.op, c.left, c.right), (TURNED.get(c.op), c.right, c.left)}
           for c in product.conditions]  # fmt: skip
    lower = any((">", label, begin) in x for x in own)
    return len(own) == 2 and lower and any(("<=", label, end) in x for x in own)


__all__ = ["by_steps"]
