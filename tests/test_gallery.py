"""The gallery: its page is up to date, and its results are JAX's."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import eingrad as eg
from eingrad.notation.latex import to_latex
from eingrad.notation.lower import scalar_indices
from eingrad.notation.notes import notes_on
from eingrad.notation.syntax import Assignment, Derivative, Symbol

DOCS = Path(__file__).parents[1] / "docs"
sys.path.insert(0, str(DOCS))
from gallery_models import GALLERY, SECTIONS, Entry, arrays_of  # noqa: E402
from make_gallery import PAGE, derive, one_line, page  # noqa: E402


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run python docs/make_gallery.py"


def test_the_gallery_is_large() -> None:
    assert sum(len(derive(entry)) for entry in GALLERY) >= 40
    assert len({entry.title for entry in GALLERY}) == len(GALLERY)


@pytest.mark.parametrize("entry", GALLERY, ids=lambda entry: entry.title)
def test_results_are_jaxs(entry: Entry) -> None:
    jax = pytest.importorskip("jax")
    arrays, wrt = arrays_of(entry), entry.wrt.split()
    derivatives = derive(entry)
    found = derivatives.compile()(**arrays)
    model = eg.parse(entry.model)
    names = {**arrays, **model.compile()(**arrays), "np": np, **SCIPY}
    with jax.enable_x64(True):
        expected = of_jax(jax, entry, arrays, wrt)
    for name in derivatives:
        wanted = expected[name]
        key = derivatives._keys[name]
        scale = max(1.0, float(np.abs(wanted).max()))
        np.testing.assert_allclose(found[key], wanted, rtol=1e-9, atol=1e-10 * scale)
        line = one_line(derivatives[name].expr, derivatives)
        if line is None:
            assert entry in SECTIONS["Labels that move"]
            continue
        value = np.broadcast_to(eval(line, dict(names)), wanted.shape)
        np.testing.assert_allclose(value, wanted, rtol=1e-9, atol=1e-10 * scale)


SCIPY = {name: getattr(sp, name) for name in ("expit", "erf", "ndtr", "softmax", "log_softmax",
                                              "logsumexp")}  # fmt: skip


def of_jax(jax: Any, entry: Entry, arrays: dict[str, Any], wrt: list[str]) -> dict[str, Any]:
    """Return JAX's derivatives by the names that eingrad gives them."""

    def function(*values: Any) -> Any:
        named = {**arrays, **dict(zip(wrt, values, strict=True))}
        return entry.reference(jax.numpy, jax.nn, **named)

    derive_all = {"grad": jax.grad, "jacobian": jax.jacobian, "hessian": jax.hessian}[entry.kind]
    found = derive_all(function, argnums=tuple(range(len(wrt))))(*(arrays[n] for n in wrt))
    if entry.kind != "hessian":
        return dict(zip(wrt, map(np.asarray, found), strict=True))
    if len(wrt) == 1:
        return {wrt[0]: np.asarray(found[0][0])}
    return {
        f"{a} {b}": np.asarray(found[i][j]) for i, a in enumerate(wrt) for j, b in enumerate(wrt)
    }


def test_hessians_are_symmetric() -> None:
    for entry in GALLERY:
        if entry.kind == "hessian" and " " not in entry.wrt:
            key = f"d2{entry.of}/d{entry.wrt} d{entry.wrt}"
            hessian = derive(entry).compile()(**arrays_of(entry))[key]
            flat = hessian.reshape(math.isqrt(hessian.size), -1)
            np.testing.assert_allclose(flat, flat.T, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("entry", GALLERY, ids=lambda entry: entry.title)
def test_models_and_derivatives_in_latex_are_read_again(entry: Entry) -> None:
    model = eg.parse(entry.model)
    rows = " \\\\\n".join(map(to_latex, model.statements))
    again = eg.parse_latex(f"\\begin{{align}}\n{rows}\n\\end{{align}}")
    assert again.inputs == model.inputs
    assert again.outputs == model.outputs
    for name, definition in model.system.definitions.items():
        assert again.system.definitions[name].expr is definition.expr
    assert len(again.system.facts) == len(model.system.facts)
    derivatives = getattr(model, entry.kind)(entry.of, entry.wrt.split())
    for derivative in derivatives.values():
        verdict = again.check(to_latex(derivative.formula), latex=True)
        assert verdict.ok, str(verdict)


@pytest.mark.parametrize("entry", GALLERY, ids=lambda entry: entry.title)
def test_nothing_that_is_printed_has_two_readings(entry: Entry) -> None:
    derivatives = derive(entry)
    integers = scalar_indices(derivatives.system)
    for name in derivatives:
        formula = derivatives[name].formula
        target = formula.target
        lines = [(s.left, s.right) for s in derivatives.steps(name)]
        for left, right in [*lines, (target, formula.value)]:
            target = left or target  # a line without a left side goes on
            assert isinstance(target, Symbol | Derivative)
            assert right is not None
            assert [str(n) for n in notes_on(Assignment(target, right), integers)] == []
