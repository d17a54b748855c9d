"""`eingrad derive`, what every `--help` shows, and what is said of a wrong command line."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import eingrad as eg

ROOT = Path(__file__).parents[2]
MLP = "examples/mlp.ein"
COMMANDS = [
    "derive",
    "check",
    "codegen",
    "plan",
    "bench",
    "train",
    "predict",
    "serve",
    "page",
]


def run(*arguments: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment}
    return subprocess.run(
        [sys.executable, "-m", "eingrad", *arguments], input=text, cwd=ROOT, env=variables,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_tensor_has_its_jacobian_and_order_2_is_the_hessian() -> None:
    text = "p_i = softmax_i(a_i)"
    assert run("derive", "-", "--of", "p", text=text).stdout.rstrip() == str(
        eg.parse(text).jacobian("p", "a").text()
    )
    shown = run("derive", "--wrt", "x", "--order", "2", text="L = x_i A_ij x_j").stdout
    assert "d2L/dx_i dx_j = A_ij + A_ji" in shown
    assert "in matrices: A + A^T" in shown


@pytest.mark.parametrize(
    ("name", "begins"),
    [("a.tex", r"\begin{align*}"), ("a.md", "```"), ("a.html", "<!doctype html>"),
     ("a.json", "["), ("a.txt", "dL/dW1_ih, shape (i, h) like W1")],
)  # fmt: skip
def test_a_file_has_the_format_of_its_ending(name: str, begins: str, tmp_path: Path) -> None:
    out = tmp_path / name
    assert run("derive", MLP, "--wrt", "W1", "-o", str(out)).stdout == ""
    text = out.read_text()
    assert text.startswith(begins)
    assert ("Z1_bh W2_ho (1 - Z1_bh)" in text) or (r"W^{(2)}_{ho} \left(1 - Z" in text)
    again = run("derive", MLP, "--wrt", "W1", "-o", str(out))
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert run("derive", MLP, "--wrt", "W1", "-o", str(out), "--overwrite").returncode == 0
    if name.endswith("json"):
        assert json.loads(text)[0]["derivative"] == "dL/dW1_ih"


def test_names_stand_between_commas_or_spaces() -> None:
    assert run("derive", MLP, "--wrt", "W1 b1").stdout == run("derive", MLP, "--wrt=W1,b1").stdout


def test_a_terminal_has_colours_and_its_width() -> None:
    master, slave = pty.openpty()
    variables = {
        **os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "70", "TERM": "xterm-256color",
    }  # fmt: skip
    variables.pop("NO_COLOR", None)
    with subprocess.Popen(
        [sys.executable, "-m", "eingrad", "derive", MLP, "--wrt", "b1"], stdout=slave, cwd=ROOT,
        env=variables,
    ) as process:  # fmt: skip
        os.close(slave)
        shown = b""
        try:
            while piece := os.read(master, 4096):
                shown += piece
        except OSError:  # Linux: the other side has closed
            pass
    os.close(master)
    assert process.returncode == 0
    assert b"\x1b[" in shown
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", shown).decode().splitlines()
    steps = [line for line in plain if "in NumPy" not in line]
    assert max(map(len, steps)) <= 70
    assert not re.search("\x1b", run("derive", MLP, "--wrt", "b1").stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_examples(command: str) -> None:
    shown = run(command, "--help").stdout
    _, _, found = shown.partition("Examples:\n")
    lines = [line.strip() for line in found.splitlines() if line.strip().startswith("eingrad ")]
    assert lines
    assert all(line.startswith(f"eingrad {command}") for line in lines)


@pytest.mark.parametrize("command", ["derive", "check", "codegen", "plan"])
def test_examples_of_help_run(command: str, tmp_path: Path) -> None:
    found = run(command, "--help").stdout.partition("Examples:\n")[2]
    for line in filter(None, map(str.strip, found.splitlines())):
        text, _, rest = line.rpartition(" | ")
        words = shlex.split(rest.partition(" > ")[0])[1:]
        if any(word.startswith(("paper", "notes", "layer")) for word in words):
            continue
        words = [str(tmp_path / w) if w.endswith((".html", ".py")) else w for w in words]
        done = run(*words, text=text.removeprefix("echo ").strip("'"))
        assert done.returncode in ({0, 1} if command == "check" else {0}), done.stderr
        assert done.stdout or any((tmp_path / w).exists() for w in words)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("derive examples/mlp.ein --format pdf", "--format pdf: there is no such choice\nhint: "
         "choose text, latex, markdown, html or json"),
        ("derive examples/mlp.ein --format latx", "did you mean latex?"),
        ("derive examples/mlp.ein --order x", "--order x: a whole number is wanted"),
        ("derive examples/mlp.ein --order 3", "--order 3: derivatives are of order 1 or 2"),
        ("derive examples/mlp.ein --order", "--order has no value"),
        ("derive examples/mlp.ein --warp 1", "eingrad derive has no option --warp\nhint: did you "
         "mean --wrt?"),
        ("derive a b", "b is too much"),
        ("derivex", "there is no command derivex\nhint: did you mean derive?"),
        ("codegen examples/mlp.ein --lr=abc", "--lr abc: a number is wanted"),
        ("plan", "EQUATION is missing\nhint: see eingrad plan --help"),
        ("train --epochs 1.5", "--epochs 1.5: a whole number is wanted"),
    ],
)  # fmt: skip
def test_our_words_for_a_wrong_command_line(line: str, says: str) -> None:
    done = run(*shlex.split(line))
    assert done.returncode == 2
    assert says in done.stderr
    for word in ("Value error", "Input should", "Invalid value", "unexpected extra", "Traceback"):
        assert word not in done.stderr


def test_shells_complete_commands_and_options() -> None:
    words = {"_EINGRAD_COMPLETE": "complete_bash", "COMP_CWORD": "1", "COMP_WORDS": "eingrad der"}
    assert run(**words).stdout.split() == ["derive"]
    words |= {"COMP_CWORD": "2", "COMP_WORDS": "eingrad derive --ord"}
    assert run(**words).stdout.split() == ["--order"]
