"""Checkpoints: whole or not at all, and refused where they are not what they should be."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import fields, replace

import numpy as np
import pytest
import safetensors
from safetensors.numpy import save_file

from eingrad.errors import DataError
from eingrad.learn import checkpoint as checkpoints
from eingrad.learn.checkpoint import Checkpoint, check_writable, load, save
from eingrad.learn.settings import Settings

RNG = np.random.Generator(np.random.PCG64(5))
EXAMPLE = Checkpoint(
    model="L = ...\n# ünïcode",
    settings=Settings.choose("digits", hidden=3),
    image_shape=(8, 8),
    classes=10,
    epoch=2,
    rng=RNG.bit_generator.state,
    history=({"epoch": 1, "loss": 0.1 + 0.2, "test_loss": 1e-300, "accuracy": 2 / 3},),
    parameters={"W1": RNG.normal(size=(4, 3)).astype(np.float32), "b": np.zeros(0)},
    state={"adam/t": np.array(7.0), "momentum/W1": RNG.normal(size=(3, 4)).T},
)


def assert_same(a: Checkpoint, b: Checkpoint) -> None:
    for field in fields(Checkpoint):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if field.name in ("parameters", "state"):
            assert x.keys() == y.keys()
            for name in x:
                assert x[name].dtype == y[name].dtype
                np.testing.assert_array_equal(x[name], y[name], strict=True)
        else:
            assert x == y


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "run.safetensors"
    save(path, EXAMPLE)
    return path


def test_what_is_saved_is_loaded(path):
    assert_same(load(path), EXAMPLE)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_link_stays_a_link(path):
    link = path.with_name("link")
    link.symlink_to(path.name)
    save(link, replace(EXAMPLE, epoch=9))
    assert link.is_symlink()
    assert load(path).epoch == 9


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file(path, monkeypatch, failure):
    def fail(_):
        raise failure

    monkeypatch.setattr(checkpoints.os, "fsync", fail)
    kind = DataError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(kind) as caught:
        save(path, replace(EXAMPLE, epoch=3))
    if kind is DataError:
        assert "cannot be written (No space left on device)" in str(caught.value)
    assert_same(load(path), EXAMPLE)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_every_cut_is_noticed(path, tmp_path):
    whole = path.read_bytes()
    cut = tmp_path / "cut"
    for length in range(0, len(whole), 7):
        cut.write_bytes(whole[:length])
        with pytest.raises(DataError, match="not a checkpoint, or a damaged one"):
            load(cut)


def test_damage_is_an_error_of_ours_or_harmless(path, tmp_path):
    whole = path.read_bytes()
    damaged = tmp_path / "damaged"
    rng = np.random.default_rng(0)
    for _ in range(300):
        content = bytearray(whole)
        content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        damaged.write_bytes(content)
        with contextlib.suppress(DataError):
            load(damaged)


def with_metadata(path, **changes):
    about = {
        "format": 1, "model": "m", "settings": EXAMPLE.settings.json(), "image_shape": [8, 8],
        "classes": 10, "epoch": 1, "rng": {}, "history": [],
    }  # fmt: skip
    about |= changes
    save_file({"parameter/W": np.zeros(2)}, path, {"eingrad": json.dumps(about)})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"format": 2}, "format 2, this version reads 1"),
        ({"settings": {}}, "the settings are not those of this version"),
        ({"model": None}, "no model"),
        ({"epoch": "3"}, "no epoch"),
        ({"epoch": -3}, "sizes out of range"),
        ({"classes": 0}, "sizes out of range"),
        ({"image_shape": [8]}, "is damaged, or of another version"),
        ({"image_shape": ["a", "b"]}, "is damaged, or of another version"),
    ],
)
def test_metadata_that_does_not_fit(tmp_path, changes, text):
    path = tmp_path / "other"
    with_metadata(path, **changes)
    with pytest.raises(DataError) as caught:
        load(path)
    assert text in str(caught.value)


def test_foreign_files(tmp_path):
    foreign = tmp_path / "foreign.safetensors"
    save_file({"W": np.zeros(2)}, foreign)
    with pytest.raises(DataError, match="but not a checkpoint of eingrad"):
        load(foreign)
    save_file({"W": np.zeros(2)}, foreign, {"eingrad": "[" * 100_000})
    with pytest.raises(DataError, match="is damaged"):
        load(foreign)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(DataError, match="is not a checkpoint"):
        load(tmp_path / "text")
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "nothing")
    with pytest.raises(DataError):
        load(tmp_path)


def test_a_checkpoint_is_not_overwritten_unasked(path, tmp_path):
    with pytest.raises(DataError, match="exists already") as caught:
        check_writable(path, may_replace=False)
    assert "--resume" in caught.value.hint
    assert "--overwrite" in caught.value.hint
    check_writable(path, may_replace=True)
    check_writable(tmp_path / "new", may_replace=False)


@pytest.mark.parametrize(
    ("name", "text"), [("", "is a folder"), ("no/such/folder", "its folder does not exist")]
)
def test_where_no_checkpoint_can_be(tmp_path, name, text):
    with pytest.raises(DataError, match=text):
        check_writable(tmp_path / name, may_replace=True)


def test_every_number_is_checked(path):
    """safetensors has no checksum: a flipped bit of a weight would be a weight."""
    content = path.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")  # of the numbers, after the header
    for position in range(begin, len(content), 7):
        damaged = bytearray(content)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="not those that were written"):
            load(path)


def test_a_checkpoint_from_before_there_were_checksums(path):
    with safetensors.safe_open(path, framework="np") as file:
        about = json.loads(file.metadata()["eingrad"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del about["crc32"]
    save_file(tensors, path, {"eingrad": json.dumps(about)})
    assert_same(load(path), EXAMPLE)


def test_a_device_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match="a device or a pipe"):
        check_writable(pipe, may_replace=True)
    with pytest.raises(DataError, match="a device or a pipe"):
        save(pipe, EXAMPLE)
    assert pipe.is_fifo()
    with pytest.raises(DataError, match="is not a file"):
        load(pipe)
