"""`eingrad train` and `eingrad predict` as a person runs them, in a process and in a pipe."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import io
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from real_mnist import MNIST, needs_mnist

import eingrad
from eingrad.cli import outputs, training
from eingrad.cli.app import app
from eingrad.errors import EingradError
from eingrad.learn.checkpoint import load, save
from eingrad.learn.data import load_digits

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from eingrad.cli import main; main()"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "default"}
QUICK = ("--hidden", "30", "--epochs", "2")
LAST_LINE = re.compile(r"test accuracy (\d+\.\d) %")

OWN_MODEL = """
Y_nc = softmax_c(X_np W_pc + b_c)
L = -mean_n(T_nc log(Y_nc))
"""


class Result:
    """What a command came to; ``accuracy`` reads the last line of stdout."""

    def __init__(self, code: int, stdout: str, stderr: str) -> None:
        self.code, self.stdout, self.stderr = code, stdout, stderr

    @property
    def accuracy(self) -> float:
        match = LAST_LINE.fullmatch(self.stdout.splitlines()[-1])
        assert match, self.stdout
        return float(match[1])


def run(*args: object) -> Result:
    """Run a command in this process, the way `eingrad.cli.main` does."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
        pytest.raises(SystemExit) as caught,
    ):
        app([str(x) for x in args], prog_name="eingrad")
    return Result(caught.value.code, stdout.getvalue(), stderr.getvalue())


def refused(*args: object) -> str:
    """Run a command that must fail; return its error."""
    result = run(*args)
    assert result.code == 2
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr + result.stdout
    return result.stderr


@pytest.fixture(autouse=True)
def without_matplotlib(monkeypatch):
    """Plots take seconds; the test of plots undoes this."""
    monkeypatch.setattr(outputs, "find_spec", lambda _: None)


# --- training ---------------------------------------------------------------------------------


def test_train_in_a_pipe():
    done = subprocess.run(
        [*COMMAND, "train", *QUICK], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("digits: 1,438 training and 359 test images of 8 x 8, 10 classes")
    epochs = [line for line in lines if line.startswith("epoch")]
    assert len(epochs) == 2
    assert re.fullmatch(
        r"epoch 2/2  loss \d\.\d{4}  test loss \d\.\d{4}  test accuracy \d+\.\d %  "
        r"[\d,]+ examples/s",
        epochs[-1],
    )
    assert LAST_LINE.fullmatch(lines[-1])
    assert done.stderr == ""


def test_train_on_a_terminal_shows_a_bar():
    """Progress with loss, accuracy and speed; the last line is the same as in a pipe."""
    shown = run_on_terminal("train", "--epochs", "3", "--hidden", "300")
    assert "epoch 3/3" in shown
    assert re.search(r"loss \d\.\d+ +accuracy \d+\.\d %", shown)
    assert re.search(r"\d,?\d+ examples/s", shown)
    assert LAST_LINE.fullmatch(shown.splitlines()[-1])


def run_on_terminal(*args: str) -> str:
    controller, terminal = pty.openpty()
    environment = {**ENVIRONMENT, "COLUMNS": "110", "TERM": "xterm"}
    with subprocess.Popen([*COMMAND, *args], env=environment, stdout=terminal) as process:
        os.close(terminal)
        shown = bytearray()
        while True:
            try:
                ready, _, _ = select.select([controller], [], [], 60)
                chunk = os.read(controller, 1 << 16) if ready else b""
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            shown += chunk
    os.close(controller)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    return text.replace("\r\n", "\n").replace("\r", "\n")


def test_the_default_run_is_accurate():
    """At least 97 % on digits, with the seed that nobody chose and with another."""
    for seed in (0, 1):
        begun = time.process_time()
        assert run("train", "--seed", seed).accuracy >= 97
        assert time.process_time() - begun < 60  # 4 s


def test_the_seed_settles_the_output():
    def epochs(seed: int) -> list[str]:
        lines = run("train", *QUICK, "--seed", seed).stdout.splitlines()
        return [re.sub(r"[\d,]+ examples/s", "", line) for line in lines]

    assert epochs(5) == epochs(5)
    assert epochs(5) != epochs(6)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_optimizers(optimizer):
    assert run("train", *QUICK, "--optimizer", optimizer, "--activation", "tanh").accuracy > 50


def test_a_model_of_one_s_own(tmp_path):
    path = tmp_path / "own.ein"
    path.write_text(OWN_MODEL)
    result = run("train", "--model", path, "--epochs", 3)
    assert "650 parameters" in result.stdout
    assert result.accuracy > 80


@needs_mnist
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_real_images(tmp_path, suffix):
    for stem, count in (("train", 6000), ("t10k", 1000)):
        for kind, ndim, size in (("images", 3, 784), ("labels", 1, 1)):
            name = f"{stem}-{kind}-idx{ndim}-ubyte"
            content = gzip.decompress((MNIST / f"{name}.gz").read_bytes())
            start = 4 + 4 * ndim
            part = content[:4] + count.to_bytes(4, "big") + content[8 : start + count * size]
            (tmp_path / f"{name}{suffix}").write_bytes(gzip.compress(part, 1) if suffix else part)
    result = run("train", "mnist", "--data", tmp_path, "--hidden", 100, "--epochs", 2)
    assert result.stdout.startswith(
        "data in MNIST's format: 6,000 training and 1,000 test images of 28 x 28"
    )
    assert result.accuracy > 88


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["cifar"], "dataset is 'cifar'"),
        (["--hidden", "0"], "--hidden is 0"),
        (["--hidden", "many"], "--hidden many: a whole number is wanted"),
        (["--lr", "-1"], "lr = -1.0 must be positive"),
        (["--optimizer", "sdg"], "hint: one of sgd, momentum, adam"),
        (["--activation", "swish"], "hint: one of abs, acos"),
        (["--backend", "cupy"], "hint: one of numpy, torch, jax"),
        (["--data", "x"], "takes no folder"),
        (["mnist", "--data", "nowhere"], "nowhere does not exist"),
        (["--resume"], "--resume needs a --checkpoint"),
        (["--resume", "--checkpoint", "nothing"], "nothing does not exist"),
        (["--checkpoint", "no/folder/x"], "its folder does not exist"),
        (["--model", "nothing.ein"], "cannot read nothing.ein"),
        (["--plots", __file__], "is not a folder"),
        (["--lr", "1e30", *QUICK], "the loss is"),
        (["--nonsense"], "--nonsense"),
        (["digits", "mnist"], "mnist"),
    ],
    ids=str,
)
def test_errors_are_one_line_and_a_hint(args, text):
    assert text in refused("train", *args)


def test_a_model_that_cannot_be_trained(tmp_path):
    path = tmp_path / "own.ein"
    path.write_text("L = mean_b(X_bi w_i")
    assert "line 1" in refused("train", "--model", path)
    path.write_text("L = mean_b(sum_i(X_bi w_i))")
    assert "the model has no input T" in refused("train", "--model", path)
    path.write_text(OWN_MODEL)
    error = refused("train", "--model", path, "--activation", "tanh")
    assert "the model declares no function" in error


def test_debug_lets_the_error_through():
    for args in (["--debug", "train", "cifar"], ["train", "cifar", "--debug"]):
        with pytest.raises(EingradError, match="dataset is 'cifar'"):
            run(*args)


# --- checkpoints ------------------------------------------------------------------------------


def tensors(path: Path) -> dict[str, bytes]:
    checkpoint = load(path)
    return {k: x.tobytes() for k, x in {**checkpoint.parameters, **checkpoint.state}.items()}


def test_resume_goes_on_bit_for_bit(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected = run("train", "--hidden", 30, "--epochs", 4, "--checkpoint", whole)
    run("train", *QUICK, "--checkpoint", parts)
    result = run("train", "--epochs", 4, "--checkpoint", parts, "--resume")
    assert "going on after epoch 2 of 4" in result.stdout
    assert tensors(whole) == tensors(parts)
    assert load(whole).history == load(parts).history
    assert result.accuracy == expected.accuracy
    again = run("train", "--checkpoint", parts, "--resume")  # nothing left to do
    assert again.accuracy == expected.accuracy
    assert tensors(whole) == tensors(parts)


def test_resume_says_all_that_differs(tmp_path):
    path = tmp_path / "run"
    run("train", *QUICK, "--checkpoint", path)
    options = ("--epochs", 3, "--batch-size", 32, "--lr", 0.1, "--checkpoint", path, "--resume")
    shown = run("train", *options).stdout
    assert (
        "not as the run was saved: --epochs 2 -> 3; --batch-size 16 -> 32; --lr 0.05 -> 0.1\n"
    ) in shown
    again = run("train", "--checkpoint", path, "--resume").stdout
    assert "not as the run was saved" not in again
    assert load(path).settings.batch_size == 32


def test_resume_refuses_other_images(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "run"
    for k, count in enumerate((200, 200, 90)):
        (tmp_path / str(k)).mkdir()
        for kind, size in (("train", count), ("t10k", 50)):
            images = rng.integers(0, 256, (size, 5, 4), dtype=np.uint8)
            np.save(tmp_path / str(k) / f"{kind}-images.npy", images)
            np.save(tmp_path / str(k) / f"{kind}-labels.npy", np.arange(size) % 10)
    command = ("train", "mnist", "--checkpoint", path, "--hidden", 5, "--epochs")
    assert run(*command, 1, "--data", tmp_path / "0").code == 0
    before = path.read_bytes()
    error = refused(*command, 2, "--resume", "--data", tmp_path / "1")
    assert "its training images are others; its test images are others" in error
    error = refused(*command, 2, "--resume", "--data", tmp_path / "2")
    assert "it has 90 training images, the run had 200" in error
    assert path.read_bytes() == before
    on = run(*command, 2, "--resume", "--data", tmp_path / "2", "--other-data")
    assert "it has 90 training images, the run had 200" in on.stdout
    assert run(*command, 3, "--resume", "--data", tmp_path / "2").code == 0
    assert "needs a run to --resume" in refused("train", "--other-data")


def test_an_existing_checkpoint_is_kept(tmp_path):
    path = tmp_path / "run"
    run("train", *QUICK, "--checkpoint", path)
    before = path.read_bytes()
    assert "--overwrite" in refused("train", *QUICK, "--checkpoint", path)
    error = refused("train", "--hidden", 31, "--checkpoint", path, "--resume")
    assert "--hidden is 31, but the checkpoint was made with 30" in error
    own = tmp_path / "own.ein"
    own.write_text(OWN_MODEL)
    assert "is not the model" in refused("train", "--model", own, "--checkpoint", path, "--resume")
    assert path.read_bytes() == before
    assert run("train", *QUICK, "--seed", 9, "--checkpoint", path, "--overwrite").code == 0
    assert load(path).settings.seed == 9


def test_a_damaged_checkpoint(tmp_path):
    path = tmp_path / "run"
    path.write_bytes(b"not a checkpoint")
    assert "is not a checkpoint" in refused("train", "--checkpoint", path, "--resume")
    assert "is not a checkpoint" in refused("predict", path, "x.png")
    assert path.read_bytes() == b"not a checkpoint"


def begin(path: Path) -> subprocess.Popen[str]:
    """Start a long run, and wait for its first epoch."""
    listens = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [*COMMAND[:-1], listens + COMMAND[-1], "train", "--epochs", "100000"]
    process = subprocess.Popen(
        [*command, "--hidden", "30", "--checkpoint", path], env=ENVIRONMENT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines = iter(process.stdout.readline, "")
    assert any(line.startswith("epoch") for line in lines)
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_control_c_and_sigterm_keep_the_last_checkpoint(tmp_path, number, code):
    path = tmp_path / "run"
    with begin(path) as process:
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert re.search(r"interrupted in epoch \d+; .*holds epoch \d+: go on with --resume", errors)
    assert "Traceback" not in errors
    epoch = load(path).epoch
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    result = run("train", "--checkpoint", path, "--resume", "--epochs", epoch + 1)
    assert result.code == 0
    assert load(path).epoch == epoch + 1


BACKENDS = {
    "numpy": ("--backend", "numpy"),
    "torch": ("--backend", "torch"),
    "jax": ("--backend", "jax"),
    "mesh": ("--backend", "jax", "--mesh", "data=2,model=2"),
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_blown_up_epoch_never_replaces_a_good_one(tmp_path, backend):
    """With one step an epoch, only what comes after the last update tells."""
    if backend != "numpy":
        pytest.importorskip("torch" if backend == "torch" else "jax")
    path = tmp_path / "run"
    whole = ("--hidden", 16, "--batch-size", 1440, *BACKENDS[backend])
    assert run("train", *whole, "--epochs", 3, "--checkpoint", path).code == 0
    good = path.read_bytes()
    for lr in (1e30, 1e37):
        options = ("--lr", lr, "--epochs", 6, "--resume", *BACKENDS[backend])
        error = refused("train", *options, "--checkpoint", path)
        assert re.search(r"loss is (nan|inf) in epoch 4, after ", error)
        assert f"{path} holds epoch 3\nhint: go on from it with --resume" in error
        assert path.read_bytes() == good
    on = run("train", "--epochs", 4, "--resume", "--checkpoint", path, *BACKENDS[backend])
    assert on.code == 0


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_a_run_that_blows_up_at_once_does_not_end_well(tmp_path, backend, optimizer):
    if backend != "numpy":
        pytest.importorskip("torch" if backend == "torch" else "jax")
    path = tmp_path / "run"
    error = refused(
        "train", "--epochs", 1, "--hidden", 16, "--batch-size", 1440, "--lr", 1e38, "--optimizer",
        optimizer, "--checkpoint", path, *BACKENDS[backend],
    )  # fmt: skip
    assert "nothing was saved yet" in error
    assert not path.exists()


def test_predictions_with_numbers_too_large_are_one_error(tmp_path):
    """All parameters are finite, their products are not; no warning of NumPy's reaches a person."""
    path = tmp_path / "run"
    run("train", *QUICK, "--checkpoint", path)
    good = load(path)
    huge = {name: np.full_like(x, 1e38) for name, x in good.parameters.items()}
    save(path, dataclasses.replace(good, parameters=huge))
    np.save(tmp_path / "one.npy", load_digits().test.images[0] / 16)
    done = subprocess.run(
        [*COMMAND, "predict", path, tmp_path / "one.npy"], env=ENVIRONMENT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"error: {tmp_path / 'one.npy'}: the model's prediction is not a number"
    ]


def test_a_reader_that_goes_away():
    with subprocess.Popen(
        [*COMMAND, "train", "--hidden", "30"], env=ENVIRONMENT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 141  # 128 + SIGPIPE: not the 1 of a wrong claim
    assert errors == ""


def test_two_runs_do_not_write_one_checkpoint(tmp_path):
    """The second is refused while the first lives; what a killed one leaves is in nobody's way."""
    path = tmp_path / "run"
    with begin(path) as process:
        for options in (("--overwrite",), ("--resume",), ()):
            error = refused("train", *QUICK, "--checkpoint", path, *options)
            assert f"process {process.pid} is writing it" in error
        (tmp_path / f".run.{process.pid + 1}.tmp").write_text("of a run that was killed")
        process.kill()
        process.communicate()
    assert (tmp_path / ".run.lock").exists()
    epoch = load(path).epoch
    assert run("train", "--resume", "--epochs", epoch + 1, "--checkpoint", path).code == 0
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_checkpoint_that_something_else_wrote_meanwhile_is_not_replaced(tmp_path, monkeypatch):
    """As where a disk has no locks."""
    path, real, count = tmp_path / "run", outputs.save, 0

    def save_and_lose(target, checkpoint):
        nonlocal count
        count += 1
        real(target, checkpoint)
        if count == 2:
            (tmp_path / "new").write_bytes(b"of another run")

    def after_two(*_):
        if count == 2:
            os.replace(tmp_path / "new", path)

    monkeypatch.setattr(outputs, "save", save_and_lose)
    monkeypatch.setattr(training.EpochLines, "epoch", after_two)
    error = refused("train", "--hidden", 5, "--epochs", 4, "--checkpoint", path)
    assert "was written by something else while this run trained; its epoch 3 is not saved" in error
    assert path.read_bytes() == b"of another run"


def test_plots_need_matplotlib(tmp_path):
    error = refused("train", *QUICK, "--plots", tmp_path / "plots")
    assert "--plots needs matplotlib" in error
    assert "pip install 'eingrad[plot]'" in error
    assert run("train", *QUICK, "--checkpoint", tmp_path / "run").code == 0
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_plots_lie_beside_the_checkpoint_or_in_a_folder(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(outputs, "find_spec", find_spec)
    result = run("train", *QUICK, "--checkpoint", tmp_path / "run.safetensors")
    assert "wrote" in result.stdout
    run("train", *QUICK, "--plots", tmp_path / "plots")
    names = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.png"))
    assert names == [
        "plots/digits-curves.png", "plots/digits-mistakes.png", "run-curves.png",
        "run-mistakes.png",
    ]  # fmt: skip


def test_pictures_replace_those_of_the_same_run_alone(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(outputs, "find_spec", find_spec)
    path, curves = tmp_path / "ok.ck", tmp_path / "ok-curves.png"
    command = ("train", "--hidden", 5, "--checkpoint", path)
    curves.write_bytes(b"mine")
    error = refused(*command, "--epochs", 1)
    assert f"{curves} exists already, and is not a picture of this run" in error
    assert not path.exists()
    assert run(*command, "--epochs", 1, "--overwrite").code == 0
    first = curves.read_bytes()
    assert run(*command, "--epochs", 2, "--resume").code == 0  # its own pictures
    assert curves.read_bytes() != first
    shutil.copy(path, tmp_path / "other.ck")
    shutil.copy(curves, tmp_path / "other-curves.png")
    error = refused("train", "--epochs", 3, "--checkpoint", tmp_path / "other.ck", "--resume")
    assert "is not a picture of this run" in error
    plots = ("train", *QUICK, "--plots", tmp_path / "plots")
    assert [run(*plots).code, run(*plots).code, run(*plots, "--overwrite").code] == [0, 2, 0]


def test_a_full_disk_at_the_pictures_does_not_lose_the_accuracy(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    from eingrad.learn import plots  # noqa: PLC0415

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, "find_spec", find_spec)
    monkeypatch.setattr(plots.Figure, "savefig", full)
    result = run("train", *QUICK, "--checkpoint", tmp_path / "run")
    assert result.code == 2
    assert result.accuracy > 10
    assert "run-curves.png cannot be written (No space left on device)" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_long_names_fail_before_the_work(tmp_path, monkeypatch):
    """Or not at all: what is written beside a checkpoint has no longer name than it has."""
    quick = ("train", "--hidden", 5, "--epochs", 1, "--checkpoint")
    for length in (245, 250, 255):
        assert run(*quick, tmp_path / ("n" * length)).code == 0
    error = refused(*quick, tmp_path / ("n" * 256))
    assert "cannot be written (File name too long)" in error
    assert "File name too long" in refused("predict", tmp_path / ("n" * 256), "x.png")
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(outputs, "find_spec", find_spec)
    before = len(list(tmp_path.iterdir()))
    error = refused(*quick, tmp_path / ("m" * 250))
    assert "-curves.png cannot be written (File name too long)" in error
    assert len(list(tmp_path.iterdir())) == before


# --- prediction -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "run"
    run("train", "--epochs", 10, "--hidden", 60, "--checkpoint", path)
    return path


def test_predict_reads_pictures(checkpoint, tmp_path):
    test = load_digits().test
    paths, right = [], 0
    for k in range(20):
        paths.append(tmp_path / f"digit{k}.png")
        drawn = 255 - (test.images[k] * 15.9375).astype(np.uint8)  # dark on light
        Image.fromarray(drawn).resize((64, 64), Image.Resampling.NEAREST).save(paths[-1])
    lines = run("predict", checkpoint, *paths).stdout.splitlines()
    assert len(lines) == 20
    for k, line in enumerate(lines):
        name, digit, probability = line.split("\t")
        assert name == str(paths[k])
        assert 0.1 <= float(probability) <= 1
        right += int(digit) == test.labels[k]
    assert right >= 17


def test_predict_reads_arrays_and_goes_on_after_a_bad_file(checkpoint, tmp_path):
    np.save(tmp_path / "two.npy", load_digits().test.images[:2] / 16)
    (tmp_path / "bad.png").write_text("no")
    files = (tmp_path / "bad.png", tmp_path / "two.npy", tmp_path / "gone.png")
    result = run("predict", checkpoint, *files)
    assert result.code == 2
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == [
        f"{tmp_path}/two.npy[0]", f"{tmp_path}/two.npy[1]",
    ]  # fmt: skip
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 2
    assert "bad.png is not a picture" in errors[0]


def test_predict_on_a_terminal_prints_a_table(checkpoint, tmp_path):
    np.save(tmp_path / "[red]x.npy", load_digits().test.images[0] / 16)
    shown = run_on_terminal("predict", str(checkpoint), str(tmp_path / "[red]x.npy"))
    assert "probability" in shown
    assert "[red]x" in shown.replace("\n", "")


# --- the frame --------------------------------------------------------------------------------


def test_version_and_help():
    assert run("--version").stdout.strip() == f"eingrad {eingrad.__version__}"
    text = run("--help").stdout
    assert "train" in text
    assert "predict" in text
    assert run().stdout == text
    assert "X_bi" in run("train", "--help").stdout


def test_an_unknown_command():
    assert "trian" in refused("trian")


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom eingrad.cli import main\ntry: main()\nexcept SystemExit: pass\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], env=ENVIRONMENT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"sklearn", "matplotlib", "torch", "jax", "pooch", "PIL", "rich.progress"}
