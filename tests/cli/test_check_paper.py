"""eingrad check PAPER: exit codes, formats, what is unusable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eingrad.cli import main

WRONG = "$$L = x_i x_i$$\n\n$$\\frac{\\partial L}{\\partial x_i} = x_i$$\n"


def run(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr("sys.argv", ["eingrad", "check", *args])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("a.md", WRONG, 1),
        ("a.txt", WRONG.replace("= x_i$", "= 2 x_i$"), 0),
        ("a.tex", WRONG, 1),
        ("a.md", "No mathematics: a = b.", 0),
        ("a.md", "$$\\frac{\\partial L}{\\partial x_i} = q_i$$", 0),
        ("a.ipynb", "{", 2),
        ("a.ein", "L = x_i x_i", 2),
    ],
)
def test_exit_codes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str, code: int
) -> None:
    (tmp_path / name).write_text(text)
    assert run(monkeypatch, str(tmp_path / name)) == code


def test_a_file_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "nowhere.tex") == 2
    assert "cannot read nowhere.tex" in capsys.readouterr().err


def test_formats(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "a.md"
    path.write_text(WRONG)
    begins = {"text": f"{path}:3: wrong: ", "json": "{", "html": "<!DOCTYPE", "github": "::error"}
    for format, start in begins.items():
        assert run(monkeypatch, str(path), "--format", format) == 1
        out = capsys.readouterr().out
        assert out.startswith(start)
    assert run(monkeypatch, str(path), "--format", "json") == 1
    assert json.loads(capsys.readouterr().out)["file"] == str(path)


def test_several_papers_as_pre_commit_gives_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    names = [str(tmp_path / name) for name in ("a.md", "b.md", "c.md")]
    for name in names:
        Path(name).write_text(WRONG if "b.md" in name else "text")
    assert run(monkeypatch, *names) == 1
    out = capsys.readouterr().out
    assert all(f"{name}: " in out for name in names)
