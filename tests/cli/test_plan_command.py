"""`eingrad plan`: its numbers, its three ways to print them, and its errors."""

from __future__ import annotations

import json
import re

import pytest

from eingrad.cli import main
from eingrad.cli.planning import run_plan
from eingrad.errors import ShapeError


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command; return its exit code, stdout and stderr."""

    def run(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["eingrad", *args])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return stopped.value.code or 0, captured.out, captured.err

    return run


CHAIN = ("ij,jk,kl->il", "10x20", "20x30", "30x5")


def test_a_chain_of_matrices(run):
    """B C first costs 20*30*5, then A (B C) 10*20*5; each product has two gradients."""
    code, out, err = run("plan", *CHAIN)
    assert (code, err) == (0, "")
    assert out.startswith("ij,jk,kl->il: result of shape (10, 5)\n")
    assert "FLOPs: forward 4,000; all gradients 8,000 (2.00 times forward)" in out
    steps = re.findall(r"^ +\d+  (\S+) +([\d,]+) +([\d,]+)$", out, re.MULTILINE)
    assert [(flops, size) for _, flops, size in steps] == [
        ("3,000", "100"), ("1,000", "50"),
        ("1,000", "200"), ("1,000", "100"), ("3,000", "600"), ("3,000", "150"),
    ]  # fmt: skip


def test_json(run):
    _, out, _ = run("plan", *CHAIN, "--json")
    found = json.loads(out)
    assert found["shape"] == [10, 5]
    assert (found["flops"], found["gradient_flops"]) == (4000, 8000)
    assert (found["largest_intermediate"], found["largest_gradient_intermediate"]) == (100, 600)
    assert [step["flops"] for step in found["steps"]] == [3000, 1000]
    assert sum(step["flops"] for step in found["gradient_steps"]) == 8000
    assert sum(step["entries"] for step in found["steps"]) == 150


def test_a_terminal_gets_a_table(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    run_plan(CHAIN[0], CHAIN[1:], as_json=False)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "┃" in shown
    assert "entries of the result" in shown
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines()]
    rows = [row for row in rows if row]
    assert [row[3] for row in rows] == [
        "3,000", "1,000", "4,000", "1,000", "1,000", "3,000", "3,000", "8,000",
    ]  # fmt: skip
    assert "2.00 times the FLOPs of the forward pass" in shown


def test_long_tables_are_cut(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    letters = "".join(chr(0x4E00 + k) for k in range(61))
    pairs = [letters[k : k + 2] for k in range(60)]
    run_plan(f"{','.join(pairs)}->{letters[0]}{letters[-1]}", ["2x2"] * 60, as_json=False)
    assert "and 19 more" in capsys.readouterr().out  # of 59 products


@pytest.mark.parametrize(
    ("args", "shape"),
    [
        (("i,->i", "3", "()"), [3]),
        (("i,->i", "3", ""), [3]),
        (("->", "()"), []),
        (("ij", "2X3"), [2, 3]),
        (("ij->ji", "2×3"), [3, 2]),
        (("...i->...", "4x5x6"), [4, 5]),
        (("ij,jk", "0x3", "3x2"), [0, 2]),
    ],
    ids=str,
)
def test_shapes(run, args, shape):
    code, out, err = run("plan", *args, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["shape"] == shape


def test_numbers_of_any_length(run):
    letters = "".join(chr(0x4E00 + k) for k in range(300))
    terms = ",".join(letters)
    code, out, err = run("plan", f"{terms}->{letters}", *["9" * 18] * 300, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["largest_intermediate"] == "1.000e+5400"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("ij->i", "10xx20"), "operand 0: '10xx20' is not a shape"),
        (("ij->i", "-3"), "operand 0: '-3' is not a shape"),
        (("ij,jk->ik", "3x4", "4x-1"), "operand 1: '4x-1' is not a shape"),
        (("i->i", "a"), "operand 0: 'a' is not a shape"),
        (("i->i", "x"), "operand 0: 'x' is not a shape"),
        (("i->i", "٣"), "is not a shape"),
        (("i->i", "1e3"), "is not a shape"),
        (("i->i", "9" * 5000), "is not a shape"),
        (("i->i", "--nonsense"), "'--nonsense' is not a shape"),
        (("ij,jk->ik", "2x3"), "the equation has 2 operands, 1 was given"),
        (("ij,jk->ik",), "the equation has 2 operands, 0 were given"),
        (("ij,jk->ik", "2x3", "4x5"), "label j has size 3 in operand 0"),
        (("ij->ik", "2x3"), "the output label k is in no operand"),
        (("ij->i->j", "2x3"), "->"),
        (("i1->i", "2x3"), "is not a label"),
        (("ij->i", "2x3x4"), "(2, 3, 4)"),
        ((), "EQUATION"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_errors_are_for_people(run, args, text):
    code, out, err = run("plan", *args)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert text in err
    assert "Traceback" not in err


def test_debug_lets_the_error_through(monkeypatch):
    monkeypatch.setattr("sys.argv", ["eingrad", "plan", "ij->i", "10xx20", "--debug"])
    with pytest.raises(ShapeError) as caught:
        main()
    assert caught.value.operand == 0
    assert "10x20" in caught.value.hint
