"""What every face shows: closed results that compute the derivative, typeset reasons, a schema."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.special as sp
from counting import calls

import eingrad as eg
from eingrad.derivation.formats.as_text import broken

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
from gallery_models import GALLERY, Entry, arrays_of  # noqa: E402

RESIDUAL = "H0_bi = X_bi\n" + "".join(
    f"H{k}_bj = H{k - 1}_bj + tanh(H{k - 1}_bi W{k}_ij)\n" for k in range(1, 9)
)
LONG = {
    "residual": (RESIDUAL + "L = sum_bi(H8_bi^2)", "grad", "L", "W1"),
    "focal": (
        "z_b = X_bi w_i\np_b = sigmoid(z_b)\n"
        "L = -sum_b(t_b (1 - p_b)^2 log(p_b) + (1 - t_b) p_b^2 log(1 - p_b))",
        "hessian", "L", "w",
    ),
    "layer norm": (
        "m_b = mean_i(x_bi)\nv_b = mean_i((x_bi - m_b)^2)\n"
        "y_bi = g_i (x_bi - m_b) / sqrt(v_b + 1e-5) + c_i\nL = sum_bi(tanh(y_bi) r_bi)",
        "hessian", "L", "x",
    ),
}  # fmt: skip
TENSOR = re.compile(r"\bd\d?[A-Za-z]\w*(?:\[\S+\])?/d")
SCIPY = {name: getattr(sp, name) for name in ("expit", "erf", "ndtr", "softmax", "log_softmax",
                                              "logsumexp", "digamma", "gammaln")}  # fmt: skip


def derive(model: str, kind: str, of: str, wrt: str) -> eg.Derivatives:
    found: eg.Derivatives = getattr(eg.parse(model), kind)(of, wrt.split())
    return found


def drawn(model: eg.Model) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    sizes = {label: 2 + k for k, label in enumerate(sorted(set(sum(model.labels.values(), ()))))}
    sizes = dict.fromkeys(sizes, 3) if "W1" in model.inputs else sizes
    return {
        name: rng.uniform(0.2, 0.8, [sizes[x] for x in model.labels[name]]) for name in model.inputs
    }


def computed_by_lines(found: eg.Derivatives, name: str, arrays: dict[str, np.ndarray]) -> object:
    """Run the lines of NumPy that a presentation shows, after the model itself."""
    (section,) = found.presentation(name).sections
    assert section.numpy is not None
    values = eg.Model(found._statements, found.system).compile()(**arrays)
    names = {**arrays, **values, "np": np}
    exec("\n".join((*section.numpy.imports, *section.numpy.lines)), names)
    return names[section.numpy.lines[-1].split(" = ")[0]]


@pytest.mark.parametrize("case", LONG.values(), ids=LONG)
def test_a_long_result_is_closed_and_right(case: tuple[str, str, str, str]) -> None:
    found = derive(*case)
    arrays = drawn(eg.parse(case[0]))
    for name in found:
        closed = found.closed(name)
        assert not TENSOR.search(" ".join(str(closed).replace("\n", " ").split(" = ")[1:]))
        expected = found.compile()(**arrays)[found._keys[name]]
        np.testing.assert_allclose(computed_by_lines(found, name, arrays), expected, rtol=1e-8)


@pytest.mark.parametrize("entry", GALLERY, ids=lambda entry: entry.title)
def test_the_gallerys_results_are_closed_and_right(entry: Entry) -> None:
    found = derive(entry.model, entry.kind, entry.of, entry.wrt)
    values = found.compile()(**arrays_of(entry))
    for name in found:
        (section,) = found.presentation(name).sections
        assert not TENSOR.search(str(found.closed(name)).split(" = ", 1)[1])
        if section.numpy is not None:
            expected = values[found._keys[name]]
            shown = computed_by_lines(found, name, arrays_of(entry))
            shown = np.broadcast_to(shown, expected.shape)
            np.testing.assert_allclose(shown, expected, rtol=1e-8, atol=1e-10)


def test_the_parts_of_a_result_take_linear_time_and_read_back() -> None:
    text = RESIDUAL + "L = sum_bi(H8_bi^2)"
    closed = derive(text, "grad", "L", "W1").closed("W1")
    assert 1 <= len(closed.parts) <= 8
    lines = str(closed).splitlines()
    model = eg.parse(text + "\n" + "\n".join(lines[1:]))
    assert model.check(lines[0]).ok


def test_print_defines_the_derivatives_it_speaks_of() -> None:
    for text in (LONG["residual"][0], LONG["focal"][0]):
        found = eg.parse(text).grad("L")
        shown = str(found)
        spoken = set(re.findall(r"dL/d(\w+?)_", shown.replace("with ", "")))
        defined = {line.split("dL/d")[1].split("_")[0] for line in shown.splitlines()}
        assert spoken == defined


@pytest.mark.parametrize("entry", GALLERY, ids=lambda entry: entry.title)
def test_json_is_as_its_schema_says(entry: Entry) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs" / "derivation.schema.json").read_text())
    found = derive(entry.model, entry.kind, entry.of, entry.wrt)
    jsonschema.validate(json.loads(found.json(explain=True)), schema)
    wrong = json.loads(found.json())
    del wrong[0]["result"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


GATES = "".join(
    f"{g}_tk = {f}(x_tj W{g}_jk + h[t-1,j] U{g}_jk + b{g}_k)\n"
    for g, f in zip("ifog", ["sigmoid"] * 3 + ["tanh"], strict=True)
)
RECURRENT = {
    "RNN": ("h_ti = tanh(U_ij h[t-1,j] + V_ij x_tj + b_i)\nh[t<0,i] = h0_i\n"
            "L = sum_ti((h_ti - y_ti)^2) / 2", "U V b h0", 48),
    "LSTM": (GATES + "c_tk = f_tk c[t-1,k] + i_tk g_tk\nh_tk = o_tk tanh(c_tk)\n"
             "L = sum_tk((h_tk - y_tk)^2)", "Wi Uf bo", 100),
    "layers": ("Z_lbh = Z[l-1,b,h] + relu(Z[l-1,b,g] W_lgh)\nZ[l<0,b,h] = X_bh\n"
               "L = sum_bh(Z[-1,b,h]^2)", "W X", 80),
}  # fmt: skip


@pytest.mark.parametrize("name", RECURRENT)
def test_a_derivation_fits_100_columns_and_reads_back(name: str) -> None:
    text, wrt, width = RECURRENT[name]
    model = eg.parse(text)
    found = model.grad("L", wrt.split())
    assert max(map(len, found.text().splitlines())) <= 100
    folded = ["\n    ".join(broken(line, width)) for line in str(found).splitlines()]
    assert any("\n" in line for line in folded)
    assert {model.check(line).outcome for line in folded if line.startswith("dL")} == {"right"}
    assert str(eg.parse("\n".join("\n  ".join(broken(x, 40)) for x in text.splitlines()))) == str(
        model
    )


@pytest.mark.parametrize("width", [60, 80, 100])
def test_text_is_folded(width: int) -> None:
    for case in LONG.values():
        found = derive(*case)
        lines = found.text(width=width).splitlines()
        steps = [x for x in lines if "in NumPy" not in x]
        assert max(map(len, steps)) <= width, max(steps, key=len)
        assert "".join(found.text().split()).count("definition") == "".join(lines).count(
            "definition"
        )


def test_terms_are_kept_together() -> None:
    assert broken("f(a + b) + c", 9) == ["f(a + b)", "+ c"]


def test_a_page_stands_alone() -> None:
    page = derive(*LONG["focal"]).html()
    assert page.startswith("<!doctype html>")
    assert '<meta charset="utf-8">' in page
    assert "prefers-color-scheme: dark" in page
    assert 'display="block"' in page
    assert not re.search(r"(?:src|href)=", page)


def test_github_allows_what_markdown_says() -> None:
    text = derive("L = sum_i(softplus(x_i) gelu(x_i))", "grad", "L", "x").markdown()
    assert r"\operatorname" not in text
    assert r"\mathrm{softplus}" in text


def test_the_derivation_of_a_deep_network_is_linear_in_its_depth() -> None:
    """100 layers took two minutes when each result was opened down to the inputs."""

    def work(layers: int) -> int:
        lines = ["Z0_bi = X_bi"]
        for k in range(1, layers + 1):
            i, j = "ij" if k % 2 else "ji"
            lines.append(f"Z{k}_b{j} = tanh(Z{k - 1}_b{i} W{k}_{i}{j} + c{k}_{j})")
        model = eg.parse("\n".join([*lines, f"L = sum_b{j}(Z{layers}_b{j}^2)"]))
        found = model.grad("L", [f"{x}{k}" for k in range(1, layers + 1) for x in "Wc"])
        return calls(found.text)

    assert work(80) < 2.5 * work(40)


def test_a_layer_with_all_steps_takes_so_much_work() -> None:
    """By the weights alone, whose adjoints share the layer's: 46,000 calls a layer, 65,000 once,
    and fewer where what was built just before is still at hand."""

    def work(layers: int) -> int:
        lines = [f"Z{k}_bh = tanh(Z{k - 1}_bg W{k}_gh + b{k}_h)" for k in range(1, layers + 1)]
        model = eg.parse("\n".join([*lines, f"L = sum_bh((Z{layers}_bh - Y_bh)^2)"]))
        return calls(lambda: model.grad("L", [f"W{k}" for k in range(1, layers + 1)]).text())

    work(2)  # what is loaded once
    assert work(80) - work(40) < 40 * 52_000
