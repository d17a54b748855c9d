"""What the page asks, and what it is answered: JSON in, JSON out, the same on both engines.

An answer never raises for what a person wrote: it is ``{"error": ...}`` with the place, the words
and the hint. Whoever calls bounds its time and its memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from eingrad.api.models.model import Model, read_model
from eingrad.api.models.model_derivatives import Derivatives
from eingrad.check import Verdict
from eingrad.codegen.targets import TargetName
from eingrad.derivation.formats.as_html import STYLE as OF_FORMULAS
from eingrad.derivation.formats.as_html import blocks
from eingrad.derivation.pictures.picture import STYLE as OF_PICTURES
from eingrad.derivation.pictures.product_networks import product_networks
from eingrad.errors import EingradError
from eingrad.notation.syntax import Derivative
from eingrad.notation.text import to_text
from eingrad.papers.check_document import check_document

MAX_TEXT = 20_000  # characters of a model, and of a claim
MAX_DOCUMENT = 1_000_000
TARGETS: tuple[TargetName, ...] = get_args(TargetName)
STYLE = OF_FORMULAS + OF_PICTURES
"""What a page needs to show an answer."""

Request = Mapping[str, Any]
Answer = dict[str, Any]


def answer(request: Request) -> Answer:
    """Answer one question of the page; what is no question, or is wrong in one, is an error.

    >>> answer({"ask": "look", "text": "y_i = A_ij x_j"})["tensors"]
    [{'name': 'A', 'labels': ['i', 'j']}, {'name': 'x', 'labels': ['j']}]
    >>> answer({"ask": "look", "text": "y_i = A_ij +"})["error"]["line"]
    1
    """
    try:
        act = ACTIONS.get(_word(request, "ask"))
        if act is None:
            raise EingradError("this is no question of the page", hint=", ".join(ACTIONS))
        return act(request)
    except EingradError as error:
        return {"error": error_fields(error)}


def error_fields(error: EingradError) -> Answer:
    """Return what a page shows of an error: its words, its place and what to do."""
    place = error.position
    message = str(error).splitlines()[0] if str(error) else ""
    found: Answer = {"message": message, "code": error.code, "hint": error.hint}
    if place is not None:
        found |= {"line": place.line, "column": place.column, "width": place.width}
        found["caret"] = place.caret()
    return found


# --- what a request holds -------------------------------------------------------------------------


def _word(request: Request, name: str, default: str | None = None, limit: int = MAX_TEXT) -> str:
    value = request.get(name, default)
    if not isinstance(value, str):
        raise EingradError(f"{name} must be a text")
    if len(value) > limit:
        raise EingradError(f"the page reads at most {limit:,} characters of {name}")
    return value


def _names(request: Request, name: str) -> list[str] | None:
    value = request.get(name)
    if value is not None and not (
        isinstance(value, list) and all(isinstance(x, str) and len(x) < 200 for x in value)
    ):
        raise EingradError(f"{name} must be a list of names")
    return value or None


def _model(request: Request) -> Model:
    return read_model(_word(request, "text"))


def derivatives_of(model: Model, request: Request) -> Derivatives:
    """Return what is asked for: gradients, Jacobians where ``of`` is no scalar, Hessians."""
    of = _word(request, "of", model.outputs[-1])
    wrt = _names(request, "wrt")
    if request.get("order", 1) == 2:
        return model.hessian(of, wrt)
    definition = model.system.definitions.get(of)
    if definition is not None and definition.var.ndim:
        return model.jacobian(of, wrt)
    return model.grad(of, wrt)


# --- the questions --------------------------------------------------------------------------------


def look(request: Request) -> Answer:
    """Return what a model was read as: its inputs, its definitions and its notes."""
    model = _model(request)
    outputs = model.system.definitions
    return {
        "statements": [to_text(x) for x in model.statements],
        "tensors": [{"name": x, "labels": list(model.labels[x])} for x in model.inputs],
        "outputs": [{"name": x, "labels": list(outputs[x].labels)} for x in model.outputs],
        "notes": list(model.notes),
    }


def derive(request: Request) -> Answer:
    """Return a derivation as HTML, and each result in index and in matrix notation."""
    derivatives = derivatives_of(_model(request), request)
    shown = derivatives.presentation()
    return {
        "html": list(blocks(shown, explain=True)),
        "results": [
            {
                "name": name,
                "head": to_text(section.head),
                "index": str(derivatives.closed(name)),
                "matrix": section.matrix and section.matrix.value.text,
                "tested": section.matrix is not None and section.matrix.tested,
                "numpy": section.numpy
                and "\n".join([*section.numpy.imports, *section.numpy.lines]),
                "steps": [
                    {
                        "left": None if step.left is None else to_text(step.left),
                        "after": step.after,
                        "asked": isinstance(step.left or section.head, Derivative),
                    }
                    for step in section.steps
                ],
            }
            for name, section in zip(derivatives, shown.sections, strict=True)
        ],
    }


def code(request: Request) -> Answer:
    """Return a standalone module, or the derivation in LaTeX."""
    derivatives = derivatives_of(_model(request), request)
    target = _word(request, "target")
    if target == "latex":
        return {"text": derivatives.latex()}
    for known in TARGETS:
        if target == known:
            return {"text": derivatives.source(known)}
    raise EingradError(f"there is no target {target}", hint=", ".join((*TARGETS, "latex")))


def picture(request: Request) -> Answer:
    """Return the graph of the model with the way back, and its products as tensor networks."""
    derivatives = derivatives_of(_model(request), request)
    networks = product_networks(derivatives.system, derivatives.of)
    return {
        "graph": derivatives.picture().unstyled,
        "networks": {title: found.unstyled for title, found in networks.items()},
    }


def judge(request: Request) -> Answer:
    """Judge a claimed formula."""
    claims = _word(request, "claim")
    model = _model(request)
    return {"verdicts": [_verdict(v) for v in model.check_each(claims)]}


def _verdict(verdict: Verdict) -> Answer:
    found: Answer = {
        name: getattr(verdict, name)
        for name in ("outcome", "claim", "reason", "correct", "fixed", "assumption")
    }
    at = verdict.counterexample or {}
    if at:
        found["counterexample"] = {
            "sizes": dict(at["sizes"]),
            "index": dict(at["index"]),
            "claimed": f"{at['claimed']:.6g}",
            "right": f"{at['right']:.6g}",
        }
    return {**found, "notes": list(verdict.notes)}


def document(request: Request) -> Answer:
    """Judge every formula of a paper, which is given as text."""
    text = _word(request, "text", limit=MAX_DOCUMENT)
    name = Path(_word(request, "name", "paper.md", limit=200)).name
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"paper{Path(name).suffix or '.md'}"
        path.write_text(text, encoding="utf-8")
        report = check_document(path)
    formulas = [
        {x: getattr(f, x) for x in ("line", "formula", "kind", "outcome", "reason", "repaired")}
        for f in report.formulas
    ]
    return {"file": name, "formulas": formulas}


ACTIONS: Mapping[str, Callable[[Request], Answer]] = {
    "look": look,
    "derive": derive,
    "code": code,
    "picture": picture,
    "judge": judge,
    "document": document,
}

__all__ = ["ACTIONS", "STYLE", "answer", "derivatives_of", "error_fields"]
