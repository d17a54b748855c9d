"""What the page is answered: JSON for whatever is asked, right or not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eingrad.web.answers import ACTIONS, MAX_TEXT, answer

PAGE = Path(__file__).parents[2] / "src" / "eingrad" / "web" / "page"
EXAMPLES = json.loads((PAGE / "examples.json").read_text())
MODEL = "z_b = X_bi w_i\nL = mean_b((z_b - y_b)^2) / 2"


def ask(**request: Any) -> dict[str, Any]:
    found = answer(request)
    json.dumps(found)  # whatever it is, it can be sent
    return found


def test_a_model_is_looked_at() -> None:
    found = ask(ask="look", text=MODEL)
    assert found["tensors"][0] == {"name": "X", "labels": ["b", "i"]}
    assert [x["name"] for x in found["outputs"]] == ["z", "L"]


def test_an_error_has_its_place_and_its_hint() -> None:
    error = ask(ask="look", text="y_i = x_i\nL = y_i + b_k")["error"]
    assert (error["line"], error["code"]) == (2, "not-summed")
    assert error["caret"].splitlines()[1].endswith("^^^")
    assert error["hint"]


def test_a_derivation_ends_with_the_result() -> None:
    found = ask(ask="derive", text=MODEL, of="L", wrt=["w"])
    (result,) = found["results"]
    assert result["index"] == "dL/dw_i = X_bi (z_b - y_b) / size(b)"
    assert "X^T (z - y)" in result["matrix"]
    assert result["tested"]
    assert any("<math" in part for part in found["html"])
    assert [x["asked"] for x in result["steps"]].count(True) >= 2


def test_of_a_tensor_it_is_the_jacobian_and_second_order_the_hessian() -> None:
    jacobian = ask(ask="derive", text="p_i = softmax_i(a_i)", of="p", wrt=["a"])
    assert jacobian["results"][0]["index"] == "dp_i/da_j = p_i (delta_ij - p_j)"
    hessian = ask(ask="derive", text="L = x_i A_ij x_j", of="L", wrt=["x"], order=2)
    assert hessian["results"][0]["index"] == "d2L/dx_i dx_j = A_ij + A_ji"


@pytest.mark.parametrize("target", ["numpy", "torch", "jax", "latex"])
def test_code_is_written(target: str) -> None:
    text = ask(ask="code", text=MODEL, of="L", wrt=["w"], target=target)["text"]
    assert (r"\begin{align*}" if target == "latex" else "def backward") in text


def test_a_picture_has_the_graph_and_the_products() -> None:
    found = ask(ask="picture", text=MODEL, of="L", wrt=["w"])
    assert found["graph"].count('class="backward"') == 2  # to z and to w
    assert "dL/dw_i" in found["graph"]
    assert len(found["networks"]) == 1
    (title,) = found["networks"]
    assert title.startswith("z: ")
    assert "style" not in found["graph"] + found["networks"][title]  # the page allows none


def test_numpy_code_runs_alone(tmp_path: Path) -> None:
    text = ask(ask="code", text=MODEL, of="L", wrt=["w"], target="numpy")["text"]
    (tmp_path / "module.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-I", "module.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_formulas_are_judged() -> None:
    claims = "dL/dw_i = X_bi (z_b - y_b)\ndL/dw_i = X_bi (z_b - y_b) / size(b)"
    wrong, right = ask(ask="judge", text=MODEL, claim=claims)["verdicts"]
    assert (wrong["outcome"], right["outcome"]) == ("wrong", "right")
    assert wrong["fixed"].endswith("/ size(b)")
    assert wrong["counterexample"]["sizes"]


def test_a_paper_is_judged() -> None:
    text = r"Let $L = x_i x_i$. Then $$\frac{\partial L}{\partial x_i} = x_i.$$"
    found = ask(ask="document", name="a.md", text=text)["formulas"]
    assert [x["outcome"] for x in found if x["kind"] == "claim"] == ["wrong"]


@pytest.mark.parametrize("example", EXAMPLES, ids=[x["title"] for x in EXAMPLES])
def test_examples_have_a_derivation(example: dict[str, Any]) -> None:
    assert "results" in ask(ask="derive", **{k: v for k, v in example.items() if k != "claim"})
    if "claim" in example:
        assert ask(ask="judge", text=example["text"], claim=example["claim"])["verdicts"]


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"ask": "no such"},
        {"ask": 3},
        {"ask": "look"},
        {"ask": "look", "text": ["y"]},
        {"ask": "look", "text": "x" * (MAX_TEXT + 1)},
        {"ask": "derive", "text": "L = x", "wrt": "x"},
        {"ask": "derive", "text": "L = x", "wrt": [3]},
        {"ask": "derive", "text": "L = x", "of": "M"},
        {"ask": "derive", "text": "L = x", "of": 1},
        {"ask": "derive", "text": ""},
        {"ask": "code", "text": "L = x", "target": "fortran"},
        {"ask": "judge", "text": "L = x", "claim": ""},
        {"ask": "document", "text": 1},
        {"ask": "document", "text": "x", "name": "../../etc/passwd"},
        {"ask": "document", "text": "{", "name": "a.ipynb"},
    ],
    ids=str,
)
def test_what_is_no_question_is_an_error_or_an_answer(request_: dict[str, Any]) -> None:
    found = answer(request_)
    json.dumps(found)
    assert "error" in found or request_["ask"] == "document"


def test_every_action_is_tested() -> None:
    assert set(ACTIONS) == {"look", "derive", "code", "picture", "judge", "document"}
