"""eingrad check: exit codes and what is printed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from eingrad.cli import main

MODEL = "L = x_i A_ij x_j"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "model.ein"
    path.write_text(MODEL)
    return str(path)


def run(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr("sys.argv", ["eingrad", "check", *args])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ("dL/dx_i = A_ij x_j + A_ji x_j", 0),
        ("dL/dx_i = A_ij x_j", 1),
        ("dL/dx_i = B_ij x_j", 2),
        ("dL/dx_i", 2),
    ],
)
def test_exit_codes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    file: str,
    claim: str,
    code: int,
) -> None:  # fmt: skip
    assert run(monkeypatch, file, claim) == code
    captured = capsys.readouterr()
    assert ("right: " in captured.out, "wrong: " in captured.out, "error: " in captured.err) == (
        code == 0, code == 1, code == 2
    )  # fmt: skip


def test_a_wrong_claim_is_shown_with_a_counterexample(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    run(monkeypatch, file, "dL/dx_i = A_ij x_j")
    out = capsys.readouterr().out
    assert "correct:  dL/dx_i = x_j (A_ij + A_ji)" in out
    assert "  A = [[" in out


def test_a_claim_that_cannot_be_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "model.ein"
    path.write_text("s = sum_i(log(-exp(x_i)))\nr = x_i x_i\n")
    assert run(monkeypatch, str(path), "ds/dx_i = 1") == 2
    assert "not judged: ds/dx_i = 1" in capsys.readouterr().out
    assert run(monkeypatch, str(path), "dr/dx_i = 2 exp(log(x_i))") == 1
    assert "right if: " in capsys.readouterr().out


TEX_MODEL = r"""\begin{align}
  p_o &= \frac{e^{a_o}}{\sum_{k} e^{a_k}} \\
  L &= -\sum_o t_o \log p_o
\end{align}
\text{assume } \sum_o t_o = 1
"""


@pytest.mark.parametrize("flag", [["--latex"], []])
@pytest.mark.parametrize(
    ("claim", "code"),
    [
        (r"\frac{\partial L}{\partial a_o} = p_o - t_o", 0),
        (r"\frac{\partial L}{\partial a_o} = p_o - t_o = t_o - p_o", 1),
        (r"\frac{\partial p_o}{\partial a_k} = p_o (\delta_{ok} - p_k)", 0),
        (r"\partial L / \partial a_o = p_{o} + t_o", 1),
        (r"\frac{\partial L}{\partial b_o} = p_o - t_o", 2),
        (r"\frac{\partial L}{a_o} = p_o - t_o", 2),
        (r"\frac{\partial L}{\partial a_o} = ", 2),
        (r"\begin{", 2),
    ],
)
def test_latex(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    flag: list[str],
    claim: str,
    code: int,
) -> None:
    path = tmp_path / "model.tex"
    path.write_text(TEX_MODEL)
    assert run(monkeypatch, str(path), claim, *flag) == code
    captured = capsys.readouterr()
    assert ("wrong: " in captured.out) == (code == 1)
    assert "Traceback" not in captured.err
    assert bool(captured.err) == (code == 2)


@pytest.mark.parametrize(
    ("claims", "code", "shown"),
    [
        ("dL/dx_i = A_ij x_j + A_ji x_j\nL = x_i x_j A_ij  # the same\n", 0, ["right", "right"]),
        ("dL/dx_i = 2 A_ij x_j\n\ndL/dA_ij = x_i x_j\n", 1, ["right if", "right"]),
        ("dL/dx_i = A_ij x_j\n\ndL/dA_ij = x_i x_j\n", 1, ["wrong", "right"]),
        ("dL/dA_ij = x_i x_j", 0, ["right"]),
        (r"\frac{\partial L}{\partial A_{ij}} = x_i x_j \\ L = x_i A_{ij} x_j", 0, ["right"] * 2),
        ("dL/dA_ij = x_i x_j\nno claim", 2, []),
    ],
)
def test_several_claims(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    file: str,
    claims: str,
    code: int,
    shown: list[str],
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(claims.encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    assert run(monkeypatch, file, "-") == code
    lines = capsys.readouterr().out.splitlines()
    heads = ("right", "wrong", "right if")
    assert [x.partition(": ")[0] for x in lines if x.partition(": ")[0] in heads] == shown


def test_model_and_claim_cannot_both_be_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "-", "-") == 2
    assert "standard input" in capsys.readouterr().err


@pytest.mark.parametrize(("fold", "code"), [("sum", 0), ("mean", 1)])
def test_python_code_is_judged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    fold: str, code: int,
) -> None:  # fmt: skip
    (tmp_path / "model.ein").write_text("Y_bo = X_bi W_io + b_o")
    (tmp_path / "layer.py").write_text(f"def backward(dY):\n    db = dY.{fold}(0)\n    return db\n")
    names = [str(tmp_path / "model.ein"), "--code", f"{tmp_path / 'layer.py'}:backward"]
    assert run(monkeypatch, *names) == code
    out = capsys.readouterr().out
    assert ("factor 1/size(b) too many" in out) == bool(code)
    assert run(monkeypatch, *names, "dL/db_o = 1") == 2


def test_the_help_says_that_the_file_is_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--help") == 0
    assert "FILE IS RUN" in " ".join(capsys.readouterr().out.split())
