"""`eingrad train` on a mesh: the single device's losses, on any mesh, in one process or in two."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eingrad.api.models.model import parse
from eingrad.errors import ShapeError
from eingrad.learn.checkpoint import load, save
from eingrad.learn.classifier import find_roles, packaged_model
from eingrad.learn.data import load_digits
from eingrad.learn.mesh import MeshOptions, MeshShare, default_shard
from eingrad.learn.settings import Settings
from eingrad.learn.train import Trainer

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from eingrad.cli import main; main()"]
QUICK = ["train", "--backend", "jax", "--hidden", "16", "--batch-size", "64"]
DEEP = """
function phi
Z1_bh = phi(X_bi W1_ih + b1_h)
Z2_bk = phi(Z1_bh W2_hk + b2_k)
P_bo = softmax_o(Z2_bk W3_ko)
L = -mean_b(T_bo log(P_bo))
"""

STACK = """
assume size(l) = 4
Z[l,b,h] = Z[l-1,b,h] + relu(Z[l-1,b,g] V[l,g,h] + d_lh) / 4
Z[l<0,b,h] = relu(X_bi W_ih + c_h)
P_bo = softmax_o(Z[-1,b,h] U_ho + e_o)
L = -mean_b(T_bo log(P_bo))
"""


def settings(**given: Any) -> Settings:
    options = {"hidden": 16, "epochs": 2, "batch_size": 64, "backend": "jax", **given}
    return Settings.choose("digits", **options)


def start(mesh: str | None, text: str | None = None, shard: str | None = None, **given: Any) -> Any:
    options = None if mesh is None else MeshOptions.read(mesh, shard)
    return Trainer.start(text or packaged_model(), settings(**given), load_digits(), options)


def losses(trainer: Trainer) -> list[float]:
    """The loss of every minibatch (22 of 64 and one of 30 an epoch) and those of the tests."""
    found: list[float] = []
    for record in trainer.run(lambda _, loss: found.append(loss)):
        found.extend([record.test_loss, record.accuracy])
    return found


@pytest.fixture(scope="module")
def one_device() -> list[float]:
    pytest.importorskip("jax")
    return losses(start(None))


@pytest.fixture(scope="module")
def one_device_in_layers() -> list[float]:
    pytest.importorskip("jax")
    return losses(start(None, STACK, epochs=1))


@pytest.mark.parametrize("mesh", ["data=8", "model=8", "data=4,model=2"])
def test_losses_are_the_single_devices(mesh: str, one_device: list[float]) -> None:
    assert len(one_device) == 2 * 25
    found = losses(start(mesh))  # 4 or 8 devices do not divide the last 30 rows
    np.testing.assert_allclose(found, one_device, rtol=1e-5, atol=1e-5)


def test_three_layers_and_letters_of_ones_own() -> None:
    expected = losses(start(None, DEEP, epochs=1))
    with pytest.raises(ShapeError, match="W3_ko has size 10"):
        losses(start("data=4,model=2", DEEP, "o=data,i=model", epochs=1))
    for shard in (None, "k=model,b=data", "i=data,o=model"):
        found = losses(start("data=4,model=2", DEEP, shard, epochs=1))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shard", [None, "b=data,l=model"])
def test_layers_that_repeat(shard: str | None, one_device_in_layers: list[float]) -> None:
    """Stacked weights are split by their units, or by the layer."""
    found = losses(start("data=2,model=2", STACK, shard, epochs=1))
    np.testing.assert_allclose(found, one_device_in_layers, rtol=1e-5, atol=1e-5)


def test_every_other_layer_is_split() -> None:
    model = parse(DEEP)
    roles = find_roles(model)
    assert roles.hidden == ("h", "k")
    sizes = {"data": 2, "model": 2}
    assert default_shard(model, "b", roles.hidden, sizes) == {"b": "data", "h": "model"}
    assert default_shard(model, "b", roles.hidden, {"data": 2}) == {"b": "data"}


def test_a_run_goes_on_on_another_mesh(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    options = {"optimizer": "adam", "lr": 0.01}
    expected = losses(start(None, epochs=2, **options))
    first = start("data=4", epochs=1, **options)
    begun = losses(first)
    save(path, first.checkpoint())
    for mesh in ("data=2,model=2", None):
        checkpoint = load(path)
        options_ = None if mesh is None else MeshOptions.read(mesh)
        trainer = Trainer.resume(
            checkpoint, checkpoint.settings.resume(epochs=2), load_digits(), options_
        )
        found = begun + losses(trainer)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
        for name, x in trainer.checkpoint().parameters.items():
            assert x.shape == trainer.classifier.shapes[name]


def test_the_rows_of_a_process() -> None:
    shares = [MeshShare(k, 2, 4) for k in range(2)]
    assert [s.rows(8) for s in shares] == [slice(0, 4), slice(4, 8)]
    assert [s.rows(6) for s in shares] == [slice(0, 6)] * 2  # four devices cannot share six
    assert all(s.largest(8) >= 7 for s in shares)
    assert MeshShare(0, 1, 1).largest(8) == 8


# --- the command line ---------------------------------------------------------------------------


def command(*args: str, devices: int = 8) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "JAX_ENABLE_COMPILATION_CACHE": "false",  # two processes would write one file
        "PYTHONPATH": str(ROOT / "src"),
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
    }
    pipe = subprocess.PIPE
    return subprocess.Popen([*COMMAND, *args], env=environment, stdout=pipe, stderr=pipe, text=True)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def epoch_lines(stdout: str) -> list[str]:
    return re.findall(r"^epoch .*?%", stdout, re.MULTILINE)


def test_two_processes_are_one(tmp_path: Path) -> None:
    """Two processes with two devices each, on loopback; what they save, one process reads."""
    path = tmp_path / "run.safetensors"
    run = [*QUICK, "--mesh", "data=2,model=2", "--checkpoint", str(path), "--epochs", "1"]
    meet = ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", "2", "--process-id"]
    both = [command(*run, *meet, str(k), devices=2) for k in range(2)]
    output = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], output
    assert output[1][0] == ""
    assert output[0][0].startswith("digits: 1,438 training")
    assert "mesh data = 2, model = 2: b over data, h over model" in output[0][0]
    reference = start(None, epochs=2)
    records = list(reference.run())
    (line,) = epoch_lines(output[0][0])
    assert f"loss {records[0].loss:.4f}  test loss {records[0].test_loss:.4f}" in line
    checkpoint = load(path)
    assert checkpoint.history[0]["loss"] == pytest.approx(records[0].loss, rel=1e-5)
    resumed = Trainer.resume(
        checkpoint, checkpoint.settings.resume(epochs=2), load_digits(), MeshOptions({"model": 4})
    )
    (record,) = resumed.run()
    assert record.loss == pytest.approx(records[1].loss, rel=1e-5)
    assert record.test_loss == pytest.approx(records[1].test_loss, rel=1e-5)


def test_each_process_reads_its_rows_alone(tmp_path: Path) -> None:
    """Both processes print, as files, which rows they gathered: halves, and all of the rest."""
    script = f"""
import sys
from eingrad.engine.backends import jax_mesh
jax_mesh.join(sys.argv[1], 2, int(sys.argv[2]))
from eingrad.learn.batches import Batches
from eingrad.learn.data import load_digits
from eingrad.learn.mesh import MeshOptions
from eingrad.learn.classifier import packaged_model
from eingrad.learn.settings import Settings
from eingrad.learn.train import Trainer
gather, counts = Batches.gather, []
def counted(self, split, indices):
    pixels, targets = gather(self, split, indices)
    counts.append((len(indices), len(pixels)))
    return pixels, targets
Batches.gather = counted
settings = Settings.choose("digits", hidden=8, epochs=1, batch_size=256, backend="jax")
trainer = Trainer.start(packaged_model(), settings, load_digits(), MeshOptions({{"data": 4}}))
trainer._train_epoch(lambda *_: None)
open({str(tmp_path)!r} + "/" + sys.argv[2], "w").write(repr(counts))
"""
    environment = {
        **os.environ,
        "JAX_ENABLE_COMPILATION_CACHE": "false",  # two processes would write one file
        "PYTHONPATH": str(ROOT / "src"),
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    }
    address = f"127.0.0.1:{free_port()}"
    both = [
        subprocess.Popen([sys.executable, "-c", script, address, str(k)], env=environment)
        for k in range(2)
    ]
    assert [process.wait(timeout=300) for process in both] == [0, 0]
    expected = [(256, 128)] * 5 + [(158, 158)]  # 1438 = 5 * 256 + 158, which 4 does not divide
    assert [(tmp_path / str(k)).read_text() for k in range(2)] == [repr(expected)] * 2


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ("--mesh data", "'data' is no name=value"),
        ("--mesh data=2,data=4", "data stands there twice"),
        ("--mesh data=zero", "'zero'"),
        ("--mesh nothing=2", "--shard LABEL=nothing"),
        ("--mesh data=3", "--batch-size 64 cannot be split evenly over 3"),
        ("--mesh data=64", "XLA_FLAGS=--xla_force_host_platform_device_count=64"),
        ("--mesh data=2 --shard z=data", "the model has no label z"),
        ("--mesh data=2 --backend numpy", "--mesh needs --backend jax"),
        ("--mesh model=3", "label h: W1_ih has size 16"),
        ("--shard b=data", "--shard needs --mesh"),
        ("--coordinator 127.0.0.1:1", "--coordinator needs --mesh"),
        ("--mesh data=2 --coordinator 127.0.0.1", "no HOST:PORT"),
        ("--mesh data=2 --processes 2", "--processes needs --coordinator"),
        ("--mesh data=2 --coordinator 127.0.0.1:1", "--coordinator needs --processes"),
        ("--mesh data=2 --coordinator h:1 --processes 2", "--coordinator needs --process-id"),
        ("--mesh data=2 --coordinator h:1 --processes 2 --process-id 2", "ids are 0 to 1"),
    ],
)
def test_mistakes_of_the_command_line(
    args: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from eingrad.cli.app import app  # noqa: PLC0415  # it reads sys.argv where none is given

    with pytest.raises(SystemExit) as stop:
        app([*QUICK, *args.split()])
    captured = capsys.readouterr()
    assert stop.value.code == 2
    assert words in captured.err
    assert "Traceback" not in captured.err
