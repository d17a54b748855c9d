"""A function is one record: added while a program runs, it is known everywhere.

The walk is the one that CONTRIBUTING describes under "Add a function", with the records that stand
there: ``cauchy`` is given by a recipe alone, ``cbrt`` has its own spellings, of which PyTorch's is
no function of PyTorch's. Nothing else is edited for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eingrad as eg
from eingrad.core.algebra import apply
from eingrad.core.evaluate import evaluate
from eingrad.core.expr import Const, Map, Var
from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS, AxisFunction, Function
from eingrad.errors import EingradError
from eingrad.notation.latex import to_latex

GUIDE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
RECORDS = {
    record.name: record
    for text in re.findall(r"```python\n( +Function.*?)```", GUIDE, re.DOTALL)
    for record in [eval(text.strip(), {"Function": Function})]
}
CAUCHY, CBRT = RECORDS["cauchy"], RECORDS["cbrt"]


@dataclass(frozen=True)
class Added:
    """A record, its value, its first two derivatives by hand, and how LaTeX writes f(x_i)."""

    record: Function
    value: Callable[..., Any]
    first: Callable[..., Any]
    second: Callable[..., Any]
    right: str
    wrong: str
    latex: str


ADDED = {
    "cauchy": Added(
        CAUCHY, lambda x: np.log(1 + x**2), lambda x: 2 * x / (1 + x**2),
        lambda x: 2 * (1 - x**2) / (1 + x**2) ** 2,
        "dL/dx_i = 2 x_i / (1 + x_i^2)", "dL/dx_i = x_i / (1 + x_i^2)",
        r"\operatorname{cauchy}\left(x_{i}\right)",
    ),
    "cbrt": Added(
        CBRT, np.cbrt, lambda x: 1 / (3 * np.cbrt(x) ** 2), lambda x: -2 / (9 * np.cbrt(x) ** 5),
        "dL/dx_i = 1 / (3 cbrt(x_i)^2)", "dL/dx_i = 1 / (2 cbrt(x_i)^2)", r"\sqrt[3]{x_{i}}",
    ),
}  # fmt: skip
X = np.array([0.4, -1.3, 2.5, -0.7])


@pytest.fixture(params=ADDED)
def added(request: pytest.FixtureRequest) -> Iterator[Added]:
    """Add a record to the table, and take it out again."""
    case = ADDED[request.param]
    FUNCTIONS[case.record.name] = case.record
    yield case
    del FUNCTIONS[case.record.name]


def model(added: Added) -> eg.Model:
    return eg.parse(f"L = sum_i({added.record.name}(x_i))")


def arrays(backend: str, **values: np.ndarray) -> dict[str, Any]:
    make = {
        "numpy": lambda: np.asarray,
        "torch": lambda: pytest.importorskip("torch").tensor,
        "jax": lambda: pytest.importorskip("jax").numpy.asarray,
    }[backend]()
    return {name: make(x) for name, x in values.items()}


def test_it_is_derived_and_cited(added: Added) -> None:
    derivatives = model(added).grad("L", ["x"])
    assert f"{added.record.name} derivative" in [step.rule for step in derivatives.steps("x")]
    found = derivatives.compile()(x=X)
    np.testing.assert_allclose(found["L"], added.value(X).sum(), rtol=1e-12)
    np.testing.assert_allclose(found["dL/dx"], added.first(X), rtol=1e-12)


def test_claims_are_judged(added: Added) -> None:
    assert model(added).check(added.right).ok
    verdict = model(added).check(added.wrong)
    assert not verdict.ok
    assert "factor" in str(verdict.reason)


@pytest.mark.parametrize("dtype", [np.float64, np.longdouble])
def test_it_is_evaluated(added: Added, dtype: Any) -> None:
    node = Map(added.record.name, [Var("x", ("i",))])
    value = evaluate(node, [X.astype(dtype)], {"i": 4}, {}, dtype)
    assert value.dtype == dtype
    np.testing.assert_allclose(value, added.value(X.astype(dtype)), rtol=1e-15)


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_it_is_compiled(added: Added, backend: str) -> None:
    pytest.importorskip(backend)
    run = model(added).hessian("L", ["x"]).compile(backend)
    found = run(**arrays(backend, x=X))
    second = next(np.asarray(v) for k, v in found.items() if k != "L")
    np.testing.assert_allclose(np.asarray(found["L"]), added.value(X).sum(), rtol=1e-5)
    np.testing.assert_allclose(second, np.diag(added.second(X)), rtol=1e-5, atol=1e-6)
    scalar = eg.parse(f"y = {added.record.name}(x)").compile(backend=backend)
    value = scalar(**arrays(backend, x=np.array(1.7)))["y"]
    np.testing.assert_allclose(np.asarray(value), added.value(1.7), rtol=1e-6)


@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
def test_a_module_is_written_that_runs(added: Added, target: str) -> None:
    for text in (f"L = sum_i(w_i {added.record.name}(x_i w_i + 1.9))",
                 f"L = a {added.record.name}(2.5)"):  # fmt: skip
        wrt = ["x", "w"] if "x_i" in text else ["a"]
        source = eg.parse(text).grad("L", wrt).source(target)
        assert "eingrad" not in source
        names: dict[str, Any] = {"__name__": "module"}
        if target != "numpy":
            pytest.importorskip(target)
        exec(source, names)
        data = names["random_data"](1)
        given = {name: np.asarray(x) for name, x in data.items()}
        value = np.asarray(names["forward"](**data)[0])
        if "x" in given:
            wanted = (given["w"] * added.value(given["x"] * given["w"] + 1.9)).sum()
        else:
            wanted = given["a"] * added.value(2.5)
        np.testing.assert_allclose(value, wanted, rtol=1e-5)
        error = names["check_gradient"]()  # frameworks that check themselves say True
        assert error is True or error < 1e-6


def test_it_is_traced_and_runs_eagerly(added: Added) -> None:
    own = getattr(eg, added.record.name)
    np.testing.assert_allclose(own(X), added.value(X), rtol=1e-12)
    np.testing.assert_allclose(own(np.array([1, 2])), added.value(np.array([1.0, 2.0])))
    np.testing.assert_allclose(own(0.5), added.value(0.5))

    def loss(x: Any) -> Any:
        return (own(x) * 3).sum()

    np.testing.assert_allclose(eg.grad(loss)(X), 3 * added.first(X), rtol=1e-12)
    np.testing.assert_allclose(eg.function(loss)(X), 3 * added.value(X).sum(), rtol=1e-12)
    eg.check_grads(loss, (X,), order=2)


def test_it_is_printed_and_read(added: Added) -> None:
    name = added.record.name
    text = f"y_i = {name}(x_i)"
    assert str(eg.parse(text)) == text
    latex = to_latex(eg.parse(text).statements[0])
    assert latex == f"y_{{i}} = {added.latex}"
    for written in (latex, rf"y_i = \{name}(x_i)", rf"y_i = \operatorname{{{name}}} x_i",
                    rf"y_i = \mathrm{{{name}}}(x_i)"):  # fmt: skip
        found = eg.parse_latex(written).compile()(x=np.abs(X))["y"]
        np.testing.assert_allclose(found, added.value(np.abs(X)))
    for word in added.record.names:
        assert str(eg.parse(f"y_i = {word}(x_i)")) == text


def test_properties_are_used() -> None:
    x = Var("x", ("i",))
    FUNCTIONS["cauchy"] = CAUCHY
    try:
        assert apply("cauchy", Const(0)) is Const(0)
        symmetric = eg.parse("D_ij = x_i - x_j\nK_ij = cauchy(D_ij)\nL = sum_ij(K_ij)")
        assert len(str(symmetric.grad("L", ["x"])["x"])) < 60
        assert apply("cauchy", x) is Map("cauchy", [x])
    finally:
        del FUNCTIONS["cauchy"]


def test_a_word_without_a_record_is_no_function() -> None:
    with pytest.raises(EingradError, match="is not a function"):
        eg.parse("y_i = cauchy(x_i)")
    with pytest.raises(AttributeError):
        _ = eg.cauchy
    with pytest.raises(AttributeError):
        _ = eg.cbrt


HYPOT = Function(
    "hypot", (lambda y, a, _: a / y, lambda y, _, b: b / y),
    recipe=lambda a, b: (a * a + b * b)("sqrt"),
    numpy="np.hypot", torch="torch.hypot",
)  # fmt: skip
RMS = AxisFunction(
    "rms", slope=lambda y, x: x / (x.count * y), recipe=lambda x: (x * x).fold("mean")("sqrt")
)


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_functions_of_two_arguments_and_over_axes(
    monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    pytest.importorskip(backend)
    monkeypatch.setitem(FUNCTIONS, "hypot", HYPOT)
    monkeypatch.setitem(AXIS_FUNCTIONS, "rms", RMS)
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0.5, 2, (3, 4)), rng.uniform(0.5, 2, (3, 4))
    model = eg.parse("r_b = rms_i(x_bi)\nL = sum_bi(hypot(x_bi, y_bi) + hypot(x_bi, 2)) + r_b r_b")
    derivatives = model.grad("L", ["x", "y"])
    found = derivatives.compile(backend)(**arrays(backend, x=x, y=y))
    value = np.hypot(x, y).sum() + np.hypot(x, 2).sum() + (x**2).mean(1).sum()
    np.testing.assert_allclose(np.asarray(found["L"]), value, rtol=1e-6)
    by_x = x / np.hypot(x, y) + x / np.hypot(x, 2) + x / 2
    np.testing.assert_allclose(np.asarray(found["dL/dx"]), by_x, rtol=1e-5)
    np.testing.assert_allclose(np.asarray(found["dL/dy"]), y / np.hypot(x, y), rtol=1e-5)
    names: dict[str, Any] = {"__name__": "module"}
    exec(derivatives.source(backend), names)
    error = names["check_gradient"]()  # frameworks that check themselves say True
    assert error is True or error < 1e-6
    assert model.check("dL/dy_bi = y_bi / hypot(x_bi, y_bi)").ok
    assert not model.check("dL/dy_bi = x_bi / hypot(x_bi, y_bi)").ok
    assert str(eg.parse_latex(r"L = \operatorname{rms}_i(x_i)")) == "L = rms_i(x_i)"
