"""What is timed, in eingrad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eingrad.api.einsum.subscripts import fit, parse_equation
from eingrad.api.models.model import parse
from eingrad.bench.problems import MODEL, PARAMETERS, RATE, Array, Run, step_arrays
from eingrad.calculus.differentiate import pull_back
from eingrad.calculus.optim import sgd
from eingrad.core.expr import Var
from eingrad.core.product import shared_products
from eingrad.engine import compile_program
from eingrad.engine.contract import pairwise


def make_step(batch: int) -> Run:
    """Return the training step that eingrad derives and compiles; it returns the loss."""
    step: Any = parse(MODEL).grad("L", list(PARAMETERS)).compile(update=sgd(lr=RATE))
    values = step_arrays(batch)
    return lambda: [step(**values)["L"]]


def make_einsum(spec: str, arrays: Sequence[Array], bar: Array) -> Run:
    """Return the compiled value and gradients of an einsum."""
    shapes = [x.shape for x in arrays]
    operands = [Var(f"x{k}", shape) for k, shape in enumerate(shapes)]
    (root,) = pairwise([fit(parse_equation(spec), shapes).of(operands)])
    with shared_products():  # as eager kernels have them
        gradients = pull_back(root, operands, Var("bar", bar.shape), 0)
    named = {"value": root} | {f"d{k}": x for k, x in enumerate(gradients)}
    function = compile_program(named)
    values = {f"x{k}": x for k, x in enumerate(arrays)} | {"bar": bar}
    given = {var.name: values[var.name] for var in function.inputs}
    return lambda: list(function(**given).values())
