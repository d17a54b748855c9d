"""eingrad check: exit codes and what is printed."""

from __future__ import annotations

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
