r"""Letters below names that tell names apart, as ``w_a`` and ``w_b`` of two assets: no sums."""

from __future__ import annotations

import pytest

import eingrad as eg

# a model, a right derivative (by hand), and a wrong one
CLAIMS = {
    "two assets": (
        r"v = w_a^2\sigma_a^2 + w_b^2\sigma_b^2 + 2w_aw_b\rho\sigma_a\sigma_b",
        r"\frac{\partial v}{\partial w_a} = 2w_a\sigma_a^2 + 2w_b\rho\sigma_a\sigma_b",
        r"\frac{\partial v}{\partial w_a} = 4w_a\sigma_a^2 + 2w_b\rho\sigma_a\sigma_b",
    ),
    "their covariance": (
        r"v = w_a^2\sigma_a^2 + w_b^2\sigma_b^2 + 2w_aw_b\sigma_{ab}",
        r"\frac{\partial v}{\partial\sigma_{ab}} = 2w_aw_b",
        r"\frac{\partial v}{\partial\sigma_{ab}} = w_aw_b",
    ),
    "resistances": (
        r"P = \frac{V_s^2 R_L}{(R_s + R_L)^2}",
        r"\frac{dP}{dR_L} = V_s^2\frac{R_s - R_L}{(R_s + R_L)^3}",
        r"\frac{dP}{dR_L} = V_s^2\frac{R_s + R_L}{(R_s + R_L)^3}",
    ),
    "components": (
        "s = A_xB_x + A_yB_y + A_zB_z",
        r"\frac{\partial s}{\partial A_x} = B_x",
        r"\frac{\partial s}{\partial A_x} = 3 B_x",
    ),
    "quotients": (
        r"a = \frac{F_a}{m_a} + \frac{F_b}{m_b}",
        r"\frac{\partial a}{\partial m_b} = -\frac{F_b}{m_b^2}",
        r"\frac{\partial a}{\partial m_b} = -\frac{F_a}{m_b^2}",
    ),
    "across a bar": (
        r"v = \frac{V_m S}{K_m + S}",
        r"\frac{dv}{dS} = \frac{V_m K_m}{(K_m + S)^2}",
        r"\frac{dv}{dS} = \frac{V_m S}{(K_m + S)^2}",
    ),
    "two charges": (
        r"U = \frac{k q_a q_b}{r_{ab}}",
        r"\frac{\partial U}{\partial q_a} = \frac{k q_b}{r_{ab}}",
        r"\frac{\partial U}{\partial q_a} = \frac{2 k q_b}{r_{ab}}",
    ),
}
# labels that stay labels: nothing differs in a letter alone, or something binds, keeps or joins it
SUMS = {
    "a quadratic form": (r"E = x_i A_{ij} x_j + b_i x_i", "E = x_i A_ij x_j + b_i x_i"),
    "pairs": (r"L = w_{ij} (x_i - x_j)^2", "L = w_ij (x_i - x_j)^2"),
    "written twice": (
        r"L = \sum_i x_i y_i + \sum_j x_j y_j", "L = sum_i(x_i y_i) + sum_j(x_j y_j)"
    ),
    "the true class": (
        r"L = \sum_{j\neq y} \max(0, s_j - s_y)", "L = sum_{j != y}(maximum(0, s_j - s[y]))"
    ),
    "of kept labels": (r"d_{ij} = x_i - x_j", "d_ij = x_i - x_j"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
@pytest.mark.parametrize("name", CLAIMS)
def test_derivatives_by_named_tensors(name: str) -> None:
    text, right, wrong = CLAIMS[name]
    model = eg.parse_latex(text)
    assert all(not var.ndim for var in model.system.inputs.values())
    assert [v.outcome for v in model.check_each([right, wrong], latex=True)] == ["right", "wrong"]


@pytest.mark.parametrize("name", SUMS)
def test_labels_stay_labels(name: str) -> None:
    latex, text = SUMS[name]
    model = eg.parse_latex(latex)
    assert str(model).splitlines()[-1] == text
    assert any(var.ndim for var in model.system.inputs.values())


MODEL = r"E = \sum_k (t_k - o_k)^2 \\ o_k = \sum_j w_{kj} h_j"


@pytest.mark.parametrize(
    ("model", "claim", "said"),
    [
        (MODEL, r"\frac{\partial E}{\partial h_j} = -2 (t_k - o_k) w_{kj}", True),
        (MODEL, r"\frac{\partial E}{\partial h_j} = -2 \sum_k (t_k - o_k) w_{kj}", False),
        (MODEL, r"\frac{\partial E}{\partial w_{kj}} = -2 (t_k - o_k) h_j", False),
        ("E = x_i A_{ij} x_j", r"\frac{\partial E}{\partial x_i} = (A_{ij} + A_{ji}) x_j", False),
    ],
)
def test_a_sum_without_a_sign_is_noted_where_the_model_writes_all(
    model: str, claim: str, said: bool
) -> None:
    (verdict,) = eg.parse_latex(model).check_each(claim, latex=True)
    assert verdict.ok
    assert bool(verdict.notes) is said
    assert not said or "k is summed, though without a sign of a sum" in verdict.notes


NORMALISED = r"""\mu_B = \frac1m\sum_{i=1}^m x_i
\sigma_B^2 = \frac1m\sum_{i=1}^m (x_i - \mu_B)^2
\hat x_i = \frac{x_i - \mu_B}{\sqrt{\sigma_B^2 + \epsilon}}
\ell = \sum_i g_i \hat x_i"""


def test_a_capital_from_nowhere_is_part_of_names() -> None:
    """The mini-batch B of batch normalisation: no label, over which quotients would be summed."""
    model = eg.parse_latex(NORMALISED)
    assert str(model).splitlines()[2] == "xhat_i = (x_i - muB) / sqrt(sigmaBsq + epsilon)"
    through = (
        r"\frac{\partial \ell}{\partial x_i} = \frac{g_i}{\sqrt{\sigma_B^2 + \epsilon}}"
        r" + \frac{\partial \ell}{\partial \sigma_B^2} \cdot \frac{2(x_i - \mu_B)}{m}"
    )
    mean = r" - \frac{1}{m} \sum_j \frac{g_j}{\sqrt{\sigma_B^2 + \epsilon}}"
    found = model.check_each([through + mean, through], latex=True)
    assert [v.outcome for v in found] == ["right", "wrong"]
