"""The command line with odd streams: closed, full, of another encoding, or without a reader."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eingrad.learn import checkpoint as checkpoints
from eingrad.learn.classifier import packaged_model
from eingrad.learn.data import load_digits
from eingrad.learn.settings import Settings
from eingrad.learn.train import Trainer

SOURCE = Path(__file__).parents[2] / "src"
COMMAND = f"{sys.executable} -m eingrad"
MODEL = "L = sum_i(exp(x_i))"


def shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in a folder that has ``model.ein``; no Python may leave a traceback."""
    (folder / "model.ein").write_text(MODEL)
    done = subprocess.run(
        ["bash", "-c", f"eingrad() {{ {COMMAND} \"$@\"; }}; {line}"], cwd=folder, text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE), **environment}, capture_output=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory) -> Path:
    """A folder with a small checkpoint, `run`, and a picture, `7.png`."""
    folder = tmp_path_factory.mktemp("streams")
    digits = load_digits()
    trainer = Trainer.start(packaged_model(), Settings.choose("digits", hidden=3), digits)
    checkpoints.save(folder / "run", trainer.checkpoint())
    Image.fromarray(np.asarray(digits.test.images[0]) * 15).save(folder / "7.png")
    return folder


@pytest.mark.parametrize("arguments", ["derive model.ein", "--help", "train --help"])
def test_a_reader_that_is_gone(tmp_path, arguments):
    done = shell(f"eingrad {arguments} | true; echo ${{PIPESTATUS[0]}}", tmp_path)
    assert (done.stdout, done.stderr) == ("141\n", "")


@pytest.mark.parametrize("arguments", ["derive model.ein", "codegen model.ein", "--help"])
def test_closed_and_full_output(tmp_path, arguments):
    assert shell(f"eingrad {arguments} >&-", tmp_path).returncode == 0
    assert shell(f"eingrad {arguments} 2>&-", tmp_path).returncode == 0
    done = shell(f"eingrad {arguments} >/dev/full", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: standard output: No space left on device\n"


def test_letters_that_the_terminal_lacks(run_folder):
    (run_folder / "φ.png").write_bytes((run_folder / "7.png").read_bytes())
    done = shell("eingrad predict run φ.png", run_folder, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.startswith("\\u03c6.png\t")


def test_a_name_that_would_break_a_line(run_folder):
    name = "a\tb\n\x1b[31m.png"
    (run_folder / name).write_bytes((run_folder / "7.png").read_bytes())
    done = shell("eingrad predict run a*.png", run_folder)
    assert done.stdout.split("\t")[0] == r"a\tb\n\x1b[31m.png"
    assert len(done.stdout.splitlines()) == 1


def test_images_from_a_pipe(run_folder):
    expected = shell("eingrad predict run 7.png", run_folder).stdout.split("\t")[1:]
    for line in (
        "cat 7.png | eingrad predict run -",
        "eingrad predict run <(cat 7.png)",
        "mkfifo pipe; cat 7.png > pipe & eingrad predict run pipe",
    ):
        done = shell(line, run_folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split("\t")[1:] == expected
    assert "standard input is not a picture" in shell("eingrad predict run -", run_folder).stderr


def test_control_c_while_it_loads(tmp_path):
    """The first import of the command line is interrupted."""
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    done = shell("eingrad --help", tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}{SOURCE}")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_control_c_while_an_epoch_is_saved(tmp_path):
    """The message names the epoch that the file holds, which is the one before."""
    code = """
import os, signal
from eingrad.cli import outputs
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has it ignored
real, count = outputs.save, 0
def save(path, checkpoint):
    global count
    count += 1
    if count == 3:
        os.kill(os.getpid(), signal.SIGINT)
    real(path, checkpoint)
outputs.save = save
from eingrad.cli import main
main()
"""
    path = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "-c", code, "train", "--hidden", "5", "--checkpoint", str(path)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert checkpoints.load(path).epoch == 2
    assert "holds epoch 2: go on with --resume" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_exit_codes_are_in_the_help(tmp_path):
    text = shell("eingrad --help", tmp_path).stdout
    assert all(f" {code} " in text for code in (0, 1, 2, 130, 141, 143))
