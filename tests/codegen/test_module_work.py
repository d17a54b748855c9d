"""A layer's module multiplies no more than the same formulas by hand, as PyTorch counts it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import eingrad as eg
from eingrad.codegen.usual_sizes import usual_sizes

HEADS = "P_bhqk = softmax_k(Q_bhqd K_bhkd / sqrt(size(d)))\n"
PROJECTED = "Q_bhtd = X_bte A_ehd\nK_bhtd = X_bte B_ehd\nV_bhtd = X_bte C_ehd\n" + HEADS
WEIGHTS = {**dict.fromkeys("ABC", (24, 4, 6)), "O": (4, 6, 24)}
HEADS_BY_HAND = (
    'heads = einsum("bhqk,bhkd->bhqd", torch.softmax('
    'einsum("bhqd,bhkd->bhqk", Q, K), -1), V)'
)  # fmt: skip
CASES = {
    "self-attention": (
        PROJECTED + "Y_bte = P_bhtk V_bhkd O_hde",
        {"X": (2, 16, 24), **WEIGHTS},
        'Q, K, V = (einsum("bte,ehd->bhtd", X, W) for W in (A, B, C))\n'
        + HEADS_BY_HAND + '\nY = einsum("bhtd,hde->bte", heads, O)',
    ),
    "its heads given, by other letters": (
        HEADS + "Z_bqm = P_bhqk V_bhkc W_hcm + r_m",
        {**dict.fromkeys("QKV", (2, 4, 16, 6)), "W": (4, 6, 24), "r": (24,)},
        HEADS_BY_HAND + '\nY = einsum("bhtd,hde->bte", heads, W) + r',
    ),
    "from another sequence": (
        "Q_bhtd = X_bte A_ehd\nK_bhsd = Z_bse B_ehd\nV_bhsd = Z_bse C_ehd\n"
        "P_bhts = softmax_s(Q_bhtd K_bhsd / sqrt(size(d)))\nY_bte = P_bhts V_bhsd O_hde",
        {"X": (2, 16, 24), "Z": (2, 20, 24), **WEIGHTS},
        'Q = einsum("bte,ehd->bhtd", X, A)\n'
        'K, V = (einsum("bte,ehd->bhtd", Z, W) for W in (B, C))\n'
        + HEADS_BY_HAND + '\nY = einsum("bhtd,hde->bte", heads, O)',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_products_are_those_by_hand(name: str) -> None:
    torch = pytest.importorskip("torch")
    text, shapes, by_hand = CASES[name]
    inputs = {x: torch.rand(shape, requires_grad=True) for x, shape in shapes.items()}
    out = "Z" if "Z_bqm" in text else "Y"
    module = ModuleType("layer")
    exec(eg.parse(text).vjp(out, list(shapes)).source("torch"), vars(module))
    scope = {**inputs, "torch": torch, "einsum": torch.einsum}

    def hand() -> Any:
        exec(by_hand, scope)
        return scope["Y"]

    own = flops(lambda: module.value(**inputs), list(inputs.values()))
    assert own <= flops(hand, list(inputs.values()))


def flops(function: Callable[[], Any], inputs: list[Any]) -> int:
    """Return the operations of the products in a function and its gradients."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    with FlopCounterMode(display=False) as counter:
        torch.autograd.grad(function().sum(), inputs)
    assert counter.get_total_flops() > 0
    return int(counter.get_total_flops())


def test_an_axis_beside_many_others_is_short() -> None:
    sizes = usual_sizes(tuple(x) for x in ["bte", "ehd", "bhtd", "bhtt", "hde"])
    assert sizes["e"] > 2 * sizes["d"] == 2 * sizes["t"]


@pytest.mark.parametrize("target", ["jax", "torch"])
def test_experts_are_multiplied_as_one_matrix(target: str) -> None:
    """``X W`` has the axes of X, then those of W, so that no large array is turned."""
    model = eg.parse("p_be = softmax_e(X_bi G_ie)\nY_bo = p_be X_bi W_eio")
    source = model.vjp("Y", ["X", "G", "W"]).source(target)
    assert 'einsum("bi,eio->beo", X, W)' in source
    assert "boe" not in source


def test_on_jax_the_smaller_operand_of_a_gradient_is_turned() -> None:
    """XLA copies the left operand of a product whose summed axes come first in both."""
    layer = eg.parse("Y_btf = X[b, p[t,k], c] W_kcf").vjp("Y", ["X", "W"])
    assert 'jnp.transpose(jnp.einsum("btf,btkc->fkc", dY, X[:, p]), (1, 2, 0))' in layer.source(
        "jax"
    )
    assert 'torch.einsum("btf,btkc->kcf", dY, X[:, p])' in layer.source("torch")
