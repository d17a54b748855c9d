"""Notes on what has two common readings, and what the notation's first version read otherwise."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import eingrad as eg
from eingrad.notation.gathers import find_integers
from eingrad.notation.notes import notes_on
from eingrad.notation.parse import parse_statements
from eingrad.notation.versions import NOTATION, reads_otherwise

ONCE = {  # one sum over all, though a factor is complete
    "g_i = -t_b X_bi sigmoid(-t_b X_bj w_j)": "b is summed once, over the whole of t_b X_bi",
    "L = a_k b_k exp(x_k t_k)": "though exp(x_k t_k) is complete in itself",
    "L = a_k b_k (c_k d_k + 1)": "though c_k d_k + 1 is complete in itself",
    "L = a_k b_k exp(x_k t_k) / (c_k d_k)": "though exp(x_k t_k) is complete",
    "L = A_ii tanh(x_i y_i)": "i is summed once",
    "L = (a_k + 1) (b_k + 2) exp(x_k t_k)": "though exp(x_k t_k) is complete in itself",
    "L = a_k (b_k + 2) / (x_k t_k)": "though x_k t_k is complete in itself",
    "L = (a_k + 1) exp(x_k t_k) / b_k": "though exp(x_k t_k) is complete in itself",
    "L = (x_i y_i) z_i": "though x_i y_i is complete in itself",
    "L = (x_i y_i)^2 z_i": "though (x_i y_i)^2 is complete in itself",
    "L = sum_b(a_bi (x_bi y_i))": "i is summed once",
}
APART = {  # complete factors, each with a sum of its own
    "J = w_i B_ij w_j / (w_i S_ij w_j)": "sum_ij(w_i B_ij w_j / (w_i S_ij w_j))",
    "p_i = exp(x_ik t_k) / (1 + exp(x_ik t_k))": "sum_k(exp(x_ik t_k) / (1 + exp(x_ik t_k)))",
    "Z_bh = (X_bi W_ih) sigmoid(X_bi V_ih)": "sum_i((X_bi W_ih) sigmoid(X_bi V_ih))",
    "L = (a_i b_i) (c_i d_i)": "sum_i((a_i b_i) (c_i d_i))",
    "L = (a_i b_i)^2 c_i d_i": "sum_i((a_i b_i)^2 c_i d_i)",
    "L = sum_b((x_bi y_i) (z_bi u_i))": "sum_i((x_bi y_i) (z_bi u_i))",
    "L = v_i w_i / (sqrt(v_i v_i) sqrt(w_i w_i))": "in v_i w_i and sqrt(v_i v_i) sqrt(w_i w_i);",
    "L = A_ii / B_ii": "sum_i(A_ii / B_ii)",
}
INTEGERS = {  # a letter alone in brackets that could have been summed
    "L = -w[t] log(p[t])": "for a sum over t write w_t log(p_t), for the integer t[]",
    "L = a[i] b[i]": "for a sum over i write a_i b_i",
    "L = w_t log(p[t])": "t is an integer at which the tensors are read",
}
DIVIDED = {
    "z_i = a_i / b_i c_i": "is divided by b_i and multiplied by c_i",
    "z = a_i / exp(b_i) c_i": "is divided by exp(b_i) and multiplied by c_i",
}
MEANT = [
    "J = w_i B_ij w_j / (w_k S_kl w_l)",
    "L = p_a log(p_a / q_a)",  # the sum is over a product with one p_a outside
    "L = w_i t_i log(p_i / q_i)",
    "L = a_i b_i (c_i d_i + e_i)",  # e_i needs the sum outside
    "L = sum_i(x_i y_i) / sum_i(z_i y_i)",
    "z_i = x_i y_i / (x_i y_i + 1)",
    "y_j = softmax_i(x_i w_i) x_i v_j",
    "L = A_ii x_i y_i",
    "L = (x_i - m_i) S_ij (x_j - m_j)",
    "L = a_k exp(x_k t_k)",
    "L = p_i / (q_i r_i)",  # the divisor is one factor, its parentheses are needed
    "L = sum_k(a_k b_k exp(x_k t_k))",
    "L = -log(p[t])",
    "L = -w[t[]] log(p[t[]])",
    "z_i = a_i / b c_i",
    "z_i = a_i c_i / b_i",
    "y = 2 log(2 pi) / size(i) + sum_i(x_i)",
]
NOTED = {**ONCE, **APART, **INTEGERS, **DIVIDED}


def noted(text: str, latex: bool = False) -> eg.Model:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = (eg.parse_latex if latex else eg.parse)(text)
    assert tuple(str(w.message) for w in caught) == model.notes
    assert {w.category for w in caught} <= {eg.NotationWarning}
    assert all(w.filename == __file__ for w in caught)
    return model


@pytest.mark.parametrize("text", NOTED)
def test_what_has_two_readings_is_noted(text: str) -> None:
    model = noted(f"# a comment\n{text}")
    (note,) = model.notes
    assert note.startswith("line 2: ")
    assert NOTED[text] in note
    comment, _ = str(model).splitlines()
    assert comment == f"# note: {note.removeprefix('line 2: ')}"
    assert str(noted(str(model))) == str(model)


@pytest.mark.parametrize("text", MEANT)
def test_what_is_meant_has_no_note(text: str) -> None:
    assert eg.parse(text).notes == ()


def test_latex_is_noted_too() -> None:
    (note,) = noted(r"J = \frac{w_i B_{ij} w_j}{w_i S_{ij} w_j}", latex=True).notes
    assert "i, j are summed apart, in w_i B_ij w_j and w_i S_ij w_j" in note
    (note,) = noted(r"J = \frac{a_k b_k}{c} \exp(x_k t_k)", latex=True).notes
    assert "k is summed once" in note
    assert eg.parse_latex(r"L = \sum_k a_k b_k \exp(x_k t_k)").notes == ()


def test_a_claim_has_the_notes_that_a_statement_would_have() -> None:
    model = eg.parse("L = mean_b(log(1 + exp(-t_b X_bi w_i)))")
    verdict = model.check("dL/dw_i = -t_b X_bi sigmoid(-t_b X_bj w_j) / size(b)")
    assert verdict.ok
    (note,) = verdict.notes
    assert note.startswith("b is summed once")
    assert f"note: {note}" in str(verdict)
    assert model.check("dL/dw_i = -mean_b(t_b X_bi sigmoid(-t_b X_bj w_j))").notes == ()
    model = eg.parse("L = -w[t[]] log(p[t[]])")
    assert model.check("dL/dp_k = -delta[t,k] w[t] / p[t]").notes == ()


# --- versions ---------------------------------------------------------------------------------

OTHERWISE = [*APART, *INTEGERS, "L = 2 pi x_i x_i"]
THE_SAME = [*MEANT[:-1], *ONCE, "pi = 3\nL = 2 pi x_i x_i", "L = pi_i x_i"]


@pytest.mark.parametrize("text", OTHERWISE)
def test_what_the_first_version_read_otherwise(text: str) -> None:
    assert NOTATION == 2
    assert reads_otherwise(text)


@pytest.mark.parametrize("text", THE_SAME)
def test_what_both_versions_read_alike(text: str) -> None:
    assert not reads_otherwise(text)


# --- how many ---------------------------------------------------------------------------------


PUBLIC = """\
p_i = exp(x_ik t_k) / (1 + exp(x_ik t_k))
q_k = exp(W_ki y_i) / sum_j(exp(W_ji y_i))
c = v_i w_i / (sqrt(v_i v_i) sqrt(w_i w_i))
d = (w_i x_i) (w_i z_i)
s = sigmoid(w_i x_i) (1 - sigmoid(w_i x_i))
f = -u[t] log(r[t])
a_i = A_ij x_j / norm_k(x_k)
g = -mean_b(T_bo log(Y_bo))
h = x_i A_ij x_j / (x_k x_k)
k = sum_i(m_i log(m_i / n_i))
l = sum_ij((A_ij - R_ik Y_kj)^2)
o_ij = softmax_j(Q_ik K_jk / sqrt(size(k)))
e_b = -log(Z[b,y[b]])
"""  # as people write them, with labels put on


@pytest.mark.parametrize(("text", "said"), [
    ("L = sum_i(y_i - t_i)^2", "write sum_i((y_i - t_i)^2)"),
    ("L = mean_b(r_b - s_b)^2 / 2", "write mean_b((r_b - s_b)^2)"),
    ("L = mean_b(r_b)^2 / 2", ""),
    ("L = (sum_i(y_i - t_i))^2", ""),
    ("d_i = x_i+1 - x_i", "x[i+1]"),
    ("d_i = (x_i+1 - x_i-1) / 2", "x[i+1]"),
    ("k = exp(-(x - m)^2 / 2 s^2)", "multiplied by s^2"),
    ("L = sum_i((y_i - t_i)^2)", ""),
    ("L = exp(c) / sum_k(exp(a_k) - b_k)^2", ""),
    ("y_i = 1/2 x_i^2 + 1", ""),
    ("L = lambda / 2 w_i w_i", ""),
    ("y_i = x_i + 1 - z_i", ""),
    ("k = exp(-(x - m)^2 / (2 s^2))", ""),
])  # fmt: skip
def test_what_looks_like_another_formula(text: str, said: str) -> None:
    notes = [str(note) for note in noted(text).notes]
    assert len(notes) == bool(said)
    assert all(said in note for note in notes)


def test_few_statements_are_noted() -> None:
    """Fewer than 5 in 100 of the gallery and of what people asked in public."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
    from gallery_models import GALLERY  # noqa: PLC0415

    texts = [*(entry.model for entry in GALLERY), PUBLIC]
    statements = [s for text in texts for s in find_integers(parse_statements(text))]
    notes = [note for s in statements for note in notes_on(s)]
    assert len(statements) > 190
    assert len(notes) == 6
    assert 100 * len(notes) < 5 * len(statements)


def test_the_command_line_prints_a_note_once(tmp_path: Path) -> None:
    path = tmp_path / "model.ein"
    path.write_text("L = a_k b_k exp(x_k t_k)\n")
    command = [sys.executable, "-m", "eingrad", "derive", str(path), "--wrt", "a"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.count("note: ") == 1
    assert "Warning" not in done.stderr
