r"""``y = X\beta + \epsilon`` says how data come about: a loss of y takes y, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest

import eingrad as eg

DOCUMENTS = {
    "regression": r"""
The model is $y_i = \beta_0 + \beta_1 x_i + \varepsilon_i$.
$$S = \sum_{i=1}^n (y_i - \beta_0 - \beta_1 x_i)^2$$
$$\frac{\partial S}{\partial\beta_0} = %s 2\sum_{i=1}^n (y_i - \beta_0 - \beta_1x_i)$$
""",
    "in matrices": r"""
The model is $y = X\beta + \epsilon$, with $X \in \mathbb{R}^{n \times p}$.
$$S(\beta) = (y - X\beta)^T(y - X\beta)$$
$$\frac{\partial S}{\partial\beta} = %s 2X^T(y - X\beta)$$
""",
    "a time series": r"""
A time series $y_t = \phi y_{t-1} + \varepsilon_t$. Least squares minimises
$$S(\phi) = \sum_t (y_t - \phi y_{t-1})^2$$
$$\frac{dS}{d\phi} = %s 2\sum_t (y_t - \phi y_{t-1})y_{t-1}$$
""",
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize(("sign", "outcome"), [("-", "right"), ("", "wrong")])
def test_claims_about_a_loss_of_data(name: str, sign: str, outcome: str, tmp_path: Path) -> None:
    file = tmp_path / "text.md"
    file.write_text(DOCUMENTS[name] % sign)
    report = eg.check_document(file)
    assert [f.outcome for f in report.formulas if f.kind == "claim"] == [outcome]
    (data,) = [f for f in report.formulas if "epsilon" in f.formula]
    assert "with its noise" in data.reason


def test_a_name_that_is_read_as_entries_of_no_tensor_ends_no_document(tmp_path: Path) -> None:
    file = tmp_path / "text.md"
    file.write_text(r"""Utility $U(x, y) = x^\alpha y^{1-\alpha}$:
$$MU_x = \frac{\partial U}{\partial x} = \alpha x^{\alpha-1}y^{1-\alpha}, \quad MU_y = \frac{\partial U}{\partial y} = (1-\alpha)x^\alpha y^{-\alpha}$$
""")  # noqa: E501
    assert all(f.outcome in {"right", "not judged"} for f in eg.check_document(file).formulas)
