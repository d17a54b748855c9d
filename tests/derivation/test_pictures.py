"""Pictures: well-formed SVG with every tensor, label and derivative, and no box on another."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

import eingrad as eg
from eingrad.derivation.pictures.picture import Picture
from eingrad.derivation.pictures.product_networks import product_networks

SVG = "{http://www.w3.org/2000/svg}"
MODELS = {
    "layers": "A_bh = X_bi W_ih + c_h\nZ_bh = tanh(A_bh)\n"
    "L = mean_b(T_bo log(softmax_o(Z_bh V_ho)))",
    "one": "L = x_i x_i",
    "attention": "Q_qd = X_qe A_ed\nK_kd = X_ke B_ed\nV_kd = X_ke C_ed\nS_qk = Q_qd K_kd / 8\n"
    "P_qk = softmax_k(S_qk)\nO_qd = P_qk V_kd\nL = sum_qd(O_qd^2)",
    "markup": "L = where(a < b, a, b) + c_i c_i",
}


def texts(picture: Picture) -> list[str]:
    root = ElementTree.fromstring(picture.svg)
    return [node.text or "" for node in root.iter(f"{SVG}text")]


def boxes(picture: Picture) -> list[tuple[float, ...]]:
    root = ElementTree.fromstring(picture.svg)
    keys = ("x", "y", "width", "height")
    return [tuple(float(node.get(k, 0)) for k in keys) for node in root.iter(f"{SVG}rect")]


@pytest.mark.parametrize("text", MODELS.values(), ids=MODELS)
def test_every_tensor_and_adjoint_has_its_box(text: str) -> None:
    model = eg.parse(text)
    found = model.grad("L")
    picture = found.picture()
    shown = texts(picture)
    for name in model.inputs:
        assert any(re.match(rf"{name}(_|$| )", line) for line in shown), name
        assert any(line.startswith(f"dL/d{name}") for line in shown), name
    placed = boxes(picture)
    assert len(placed) == len(model.inputs) + len(model.outputs)
    for k, (x, y, w, h) in enumerate(placed):
        assert x >= 0
        assert y >= 0
        for x2, y2, w2, h2 in placed[:k]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_the_way_back_goes_where_a_derivative_is() -> None:
    model = eg.parse("z_b = X_bi w_i\nL = sum_b((z_b - y_b)^2)")
    picture = model.grad("L", ["w"]).picture({"b": 10, "i": 3})
    assert picture.svg.count('class="backward"') == 2  # to z and to w, not to X and y
    shown = texts(picture)
    assert "shape 10 x 3" in shown
    assert "30 FLOPs" in shown
    assert "dL/dX_bi" not in shown
    assert not model.picture("L").svg.count('class="backward"')


def test_a_network_has_a_line_a_label() -> None:
    plan = eg.contract_path("ab,bcd,dce,ef->af", (2, 3), (3, 4, 5), (5, 4, 6), (6, 7))
    picture = plan.picture()
    shown = texts(picture)
    for words in ("b = 3", "c = 4", "d = 5", "e = 6", "a = 2", "f = 7", "A", "B", "C", "D"):
        assert words in shown
    assert f"{plan.flops:,} FLOPs" in " ".join(shown)
    assert len(boxes(picture)) == 4
    centres = [(x + w / 2, y + h / 2) for x, y, w, h in boxes(picture)]
    assert all((x - p) ** 2 + (y - q) ** 2 > 60**2 for k, (x, y) in enumerate(centres)
               for p, q in centres[:k])  # fmt: skip


def test_a_label_of_three_tensors_is_a_dot() -> None:
    svg = eg.contract_path("bi,bj,bk->b", (2, 3), (2, 4), (2, 5)).picture(["X", "Y", "Z"]).svg
    assert svg.count("<circle") == 1
    assert "b = 2 kept" in svg
    assert "i = 3 (summed)" in svg


@pytest.mark.parametrize("spec", ["i->", "ii->i", "->", "ij->ji", "...i,...i->..."])
def test_odd_products_are_drawn(spec: str) -> None:
    shapes = {"i->": [(3,)], "ii->i": [(3, 3)], "->": [()], "ij->ji": [(2, 3)]}
    picture = eg.contract_path(spec, *shapes.get(spec, [(2, 3), (2, 3)])).picture()
    assert ElementTree.fromstring(picture.svg).tag.endswith("svg")


def test_products_of_a_model_are_networks() -> None:
    model = eg.parse("Q_qd = X_qe A_ed\nL = sum_qk(exp(Q_qd K_kd)) + V_i B_ij V_j")
    found = product_networks(model.system, "L")
    shown = [sorted(x for x in texts(p) if len(x) == 1) for p in found.values()]
    assert sorted(shown) == [list("AXdeq"), list("BVVij"), list("KQdkq")]
    assert list(product_networks(model.system, "Q")) == [t for t in found if t.startswith("Q: ")]


def test_circles_that_nothing_joins_stand_apart() -> None:
    placed = boxes(eg.contract_path("i,j,k->ijk", (2,), (3,), (4,)).picture())
    assert len({(round(x), round(y)) for x, y, _, _ in placed}) == 3


def test_a_chain_of_many_tensors_is_drawn_long() -> None:
    labels = [f"{chr(97 + k)}{chr(98 + k)}" for k in range(20)]
    picture = eg.contract_path(f"{','.join(labels)}->au", *[(2, 2)] * 20).picture()
    placed = sorted(boxes(picture))
    assert placed[-1][0] - placed[0][0] > 10 * 60
