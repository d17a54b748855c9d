"""Every error has a code, and each code is in the table."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import eingrad as eg
from eingrad import errors

SOURCES = sorted(Path(errors.__file__).parent.rglob("*.py"))


def _codes_in(tree: ast.AST) -> set[object]:
    """Return what is written as ``code=...`` in the call of an error, or in its class."""
    found = set[object]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Error"):
            found |= {ast.literal_eval(k.value) for k in node.keywords if k.arg == "code"}
        elif isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
            for part in node.body:
                if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "code":
                    found.add(ast.literal_eval(part.value))
    return found


def test_the_table_lists_the_codes_that_are_raised_and_no_others() -> None:
    found = set[object]()
    for path in SOURCES:
        found |= _codes_in(ast.parse(path.read_text(encoding="utf-8")))
    assert found == set(errors.CODES)


def _subclasses(kind: type[eg.EingradError]) -> list[type[eg.EingradError]]:
    own = kind.__subclasses__()
    return [kind, *(x for sub in own for x in _subclasses(sub))]


def test_each_class_has_a_code_of_its_own() -> None:
    kinds = [x for x in _subclasses(eg.EingradError) if x.__module__.startswith("eingrad")]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind("reason").code == kind.code in errors.CODES for kind in kinds)


MODEL = eg.parse("y_i = W_ij x_j\nL = y_i y_i")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: eg.parse(None), "wrong-type"),
        (lambda: eg.parse_latex(3), "wrong-type"),
        (lambda: eg.parse("y_i = x_i + b_k"), "not-summed"),
        (lambda: eg.parse("L = (x"), "open-parenthesis"),
        (lambda: eg.parse("L = x)"), "closing-parenthesis"),
        (lambda: eg.parse("L = x ? y"), "unexpected-character"),
        (lambda: eg.parse("L = = x"), "unexpected-word"),
        (lambda: eg.parse("L = sofmax_i(x_i)"), "unknown-function"),
        (lambda: MODEL.grad("L", 3), "wrong-type"),
        (lambda: MODEL.hessian("L", 3), "wrong-type"),
        (lambda: MODEL.jacobian("y", 3), "wrong-type"),
        (lambda: MODEL.grad("Q"), "unknown-name"),
        (lambda: MODEL.grad("L").source(None), "error"),
        (lambda: MODEL.grad("L").source(3), "error"),
        (lambda: MODEL.compile(3), "wrong-type"),
        (lambda: MODEL.compile(functions=3), "wrong-type"),
        (lambda: MODEL.check(3), "wrong-type"),
        (lambda: MODEL.check(None), "wrong-type"),
        (lambda: MODEL.check_each(3), "wrong-type"),
        (lambda: MODEL.check(lambda W: W, of="L", wrt=3), "wrong-type"),
        (lambda: MODEL.compile()(W=None, x=None), "shape"),
    ],
)
def test_what_is_no_argument_is_named(call, code):  # type: ignore[no-untyped-def]
    with pytest.raises(eg.EingradError) as caught:
        call()
    assert caught.value.code == code
