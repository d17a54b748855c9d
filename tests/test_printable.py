"""What an error echoes of a text or a name can be printed, whatever it holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from typer.testing import CliRunner

import eingrad as eg
from eingrad.cli import app
from eingrad.cli.app import fail
from eingrad.errors import DataError, EingradError, Position, printable

# a new line, escapes, a bell, C1's escape, direction overrides, separators, half of a pair
ODD = "\n\r\t\x00\x07\x08\x1b\x7f\x9b\u200b\u202e\u2028\u2066\ufeff\udc9b\udcff\U000e0041"
TEXTS = ["\x1b]0;title\x07", "a\x1b[2J", "x\u202egnp.", "b\udcff\udc9b", "c\nerror: d", "\x9b31m\r"]


def shows(text: str, lines: int | None = None) -> bool:
    """Whether each line of a message is printable, apart from tabs."""
    rows = text.split("\n")
    return all(row.replace("\t", "").isprintable() for row in rows) and lines in (None, len(rows))


@given(st.text(st.sampled_from(ODD + "ab") | st.characters()))
def test_what_is_printable_stays_and_the_rest_can_be_read(text):
    result = printable(text)
    assert result.isprintable()
    assert len(result.encode("utf-8")) >= len(text)
    assert (result == text) == text.isprintable()
    assert printable(text, "\n").replace("\n", "").isprintable()
    if "\\" not in text and not any(0xD800 <= ord(c) < 0xE000 for c in text):
        assert result.encode("ascii", "backslashreplace").decode("unicode_escape") == text


@given(st.text(st.sampled_from(ODD + "abc = "), min_size=1), st.data())
def test_the_caret_is_under_what_is_meant(line, data):
    line = line.replace("\n", "")
    column = data.draw(st.integers(1, len(line) + 1))
    width = data.draw(st.integers(1, 5))
    shown, carets = Position(1, column, line, width).caret().split("\n")
    assert shows(shown + carets)
    begin, end = carets.index("^"), carets.rindex("^") + 1
    assert shown[begin:end] == printable(line[column - 1 :][:width], "\t") or column > len(line)


@given(st.text(st.sampled_from(ODD + "ab"), min_size=1))
def test_a_name_stays_on_one_line(name):
    error = DataError(f"{name} is no file", operand=name, hint=f"not {name}")
    assert shows(str(error), lines=2)
    assert error.operand == name


@given(st.text(st.sampled_from(ODD + "LxWy_ijk =(),*^[]{}\\0127'") | st.characters(), max_size=30))
@settings(max_examples=300)
def test_every_text_that_is_refused(text):
    model = eg.parse("L = sum_i(x_i W_ij y_j)")
    attempts: list[Any] = [
        lambda: eg.parse(text),
        lambda: eg.parse(f"L = x_i {text}"),
        lambda: eg.parse_latex(f"L = {text}"),
        lambda: eg.einsum(text, np.ones((2, 2))),
        lambda: model.check(text),
        lambda: model.check(f"dL/dx_i = {text}"),
        lambda: model.grad(text),
        lambda: model.grad("L", [text]),
        lambda: model.compile([text]),
        lambda: model.compile()(**{text: np.ones(2)}),
        lambda: model.grad("L").source(text),
        lambda: eg.parse("function phi\nL = phi(x)").compile(functions={text: "tanh"}),
    ]
    told = []
    for attempt in attempts:
        try:
            attempt()
        except (EingradError, eg.NotationWarning) as error:  # a warning is an error here
            told.append(str(error))
    assert [message for message in told if not shows(message)] == []


def folder_with(tmp_path: Path, name: str) -> Path | None:
    path = tmp_path / name
    try:
        path.write_text(name.encode(errors="surrogateescape").decode(errors="replace"))
    except OSError:
        return None
    return path


@pytest.mark.parametrize("name", TEXTS)
def test_the_command_line_says_it_in_printable_letters(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.ein").write_text("L = x_i x_i")
    save_file({"parameter/x": np.zeros(2)}, "old", {"eingrad": f'{{"format": "{name!r}"}}'})
    os.mkdir("data")
    assert folder_with(tmp_path, name)
    for arguments in (
        ["derive", name], ["derive", "gone" + name], ["check", "model.ein", name],
        ["check", name, "dL/dx_i = 2 x_i"], ["derive", "model.ein", "--wrt", name],
        ["derive", "model.ein", "--of", name], ["codegen", "model.ein", "-o", name],
        ["codegen", "model.ein", "-o", f"no/{name}"], ["codegen", "model.ein", "--target", name],
        ["codegen", "model.ein", "--function", name], ["plan", name, "2x3"], ["plan", "ij", name],
        ["train", name], ["train", "--optimizer", name], ["train", "mnist", "--data", name],
        ["train", "--checkpoint", name], ["train", "--checkpoint", f"no/{name}"],
        ["train", "--checkpoint", name, "--resume"], ["train", "--model", name],
        ["train", "--plots", name], ["train", "--mesh", name], ["predict", name, "x"],
        ["predict", "old", name], ["train", "--coordinator", name, "--mesh", "data=1"], [name],
        ["train", "--" + name], ["train", "--hidden", name],
    ):  # fmt: skip
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 2, arguments
        assert shows(result.stderr), (arguments, result.stderr)
        assert "error: " in result.stderr
    with pytest.raises(AssertionError):
        assert shows(name + "\x1b")


def test_errors_of_the_system(capsys):
    for error in (OSError(2, "No such file", "a\x1b\n"), MemoryError("\x1b"), DataError("\x07\r")):
        assert fail(error) == 2
        assert shows(capsys.readouterr().err)
