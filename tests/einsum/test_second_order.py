"""Second derivatives of products against PyTorch's, over one tree and over the whole product."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from seeds import seeded

from eingrad.api.einsum.subscripts import fit, parse_equation
from eingrad.calculus.differentiate import pull_back
from eingrad.core.algebra import ONE, add
from eingrad.core.expr import Expr, Var
from eingrad.engine import compile_program
from eingrad.engine.contract import pairwise

Array = np.ndarray[Any, Any]
Shapes = list[tuple[int, ...]]

# fmt: off
TABLE: list[tuple[str, Shapes]] = [
    ("ij,jk->ik",         [(2, 3), (3, 4)]),
    ("ij,jk,kl->il",      [(2, 3), (3, 4), (4, 2)]),
    ("i,i,i->",           [(3,)] * 3),
    ("ii,i->i",           [(3, 3), (3,)]),
    ("iij,jk->k",         [(2, 2, 3), (3, 2)]),
    ("ij,kl->ik",         [(2, 3), (4, 2)]),
    ("...i,ij->...j",     [(2, 1, 3), (3, 2)]),
    ("ij,jk->ik",         [(2, 1), (3, 4)]),
    ("ijk,ilm,njm,nlk->", [(2, 3, 2), (2, 2, 3), (2, 3, 3), (2, 2, 2)]),
    ("i,ij,j->",          [(3,), (3, 3), (3,)]),
]
# fmt: on


def inner(a: Expr, b: Expr) -> Expr:
    """Return the sum of the entries of a times those of b."""
    return fit(parse_equation("...,...->"), [a.dims, b.dims]).of([a, b])


def second(root: Expr, variables: list[Var], directions: list[Var], bar: Var) -> list[Expr]:
    """Return the gradient of ``sum_k(direction_k . gradient_k)``: a Hessian times a vector."""
    first = pull_back(root, variables, bar, 0)
    along = add(*(inner(d, g) for d, g in zip(directions, first, strict=True)))
    return pull_back(along, variables, ONE, 0)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize(("text", "shapes"), TABLE)
def test_a_hessian_times_a_vector(text: str, shapes: Shapes, split: bool) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seeded(0))
    names = [f"x{k}" for k in range(len(shapes))]
    variables = [Var(n, s) for n, s in zip(names, shapes, strict=True)]
    directions = [Var(f"v{n}", s) for n, s in zip(names, shapes, strict=True)]
    root = fit(parse_equation(text), shapes).of(variables)
    if split:
        (root,) = pairwise([root])
    bar = Var("bar", root.dims)
    found = second(root, variables, directions, bar)
    arrays = {v.name: np.asarray(rng.normal(size=v.dims)) for v in [*variables, *directions, bar]}
    function = compile_program(dict(zip(names, found, strict=True)))
    got = function(**{v.name: arrays[v.name] for v in function.inputs})

    leaves = [torch.tensor(arrays[n], requires_grad=True) for n in names]
    value = torch.einsum(text, *leaves)
    first = torch.autograd.grad(value, leaves, torch.tensor(arrays["bar"]), create_graph=True)
    along = sum(
        (g * torch.tensor(arrays[f"v{n}"])).sum() for g, n in zip(first, names, strict=True)
    )
    expected = torch.autograd.grad(along, leaves)
    for name, x in zip(names, expected, strict=True):
        np.testing.assert_allclose(got[name], x.numpy(), rtol=1e-10, atol=1e-12)
