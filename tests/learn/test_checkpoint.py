"""Checkpoints: whole or not at all, and refused where they are not what they should be."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import fields, replace

import numpy as np
import pytest
import safetensors
from safetensors.numpy import save_file

from eingrad.errors import DataError
from eingrad.learn import checkpoint as checkpoints
from eingrad.learn.checkpoint import (
    NOTATION,
    Checkpoint,
    check_writable,
    load,
    notation_of,
    save,
)  # fmt: skip
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
    data=None,
    mesh=None,
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


def test_every_single_bit_is_covered(path, tmp_path):
    """Header, metadata and numbers: each flip is refused, by safetensors or by the digest."""
    whole = path.read_bytes()
    damaged = tmp_path / "damaged"
    for position in range(len(whole)):
        content = bytearray(whole)
        content[position] ^= 1 << position % 8
        damaged.write_bytes(content)
        with pytest.raises(DataError):
            load(damaged)


def test_a_digest_that_is_missing_or_of_another_file(path, tmp_path):
    """Taken out, the rest is consistent; the model is changed, and the digest is not."""
    about, tensors = read_all(path)
    for change in ({"sha256": None}, {"sha256": 7}, {"model": "L = x"}, {"format": 1}):
        other = tmp_path / "other"
        changed = {k: v for k, v in {**about, **change}.items() if v is not None or k == "mesh"}
        save_file(tensors, other, {"eingrad": json.dumps(changed)})
        with pytest.raises(DataError, match=r"checksum is missing|not those that|which has no"):
            load(other)


def test_a_model_may_hold_what_looks_like_a_digest(path):
    for text in ("0" * 64, '"sha256": "' + "0" * 64 + '"', json.loads(json.dumps("\\" * 9))):
        save(path, replace(EXAMPLE, model=text))
        assert load(path).model == text


def test_the_notation_of_a_model(path, tmp_path):
    assert (notation_of({}), notation_of({"notation": 1})) == (1, 1)
    for wrong in ("1", True, 0, 1.0):
        with pytest.raises(DataError):
            notation_of({"notation": wrong})
    save(path, replace(EXAMPLE, notation=NOTATION + 1))
    with pytest.raises(DataError, match=f"in version {NOTATION + 1} of the notation"):
        load(path)
    assert load_old(tmp_path / "old").notation == 1


def read_all(path):
    with safetensors.safe_open(path, framework="np") as file:
        about = json.loads(file.metadata()["eingrad"])
        return about, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def load_old(path, **changes):
    """Write a file of format 1 with a checksum, as the first eingrad did, and load it."""
    save(path, EXAMPLE)
    about, tensors = read_all(path)
    about = {k: v for k, v in about.items() if k not in ("sha256", "data", "mesh", "notation")}
    crc = 0
    for name in sorted(tensors):
        crc = zlib.crc32(tensors[name].tobytes(), crc)
    about |= {"format": 1, "crc32": crc, **changes}
    about = {k: v for k, v in about.items() if v is not None}
    save_file(tensors, path, {"eingrad": json.dumps(about)})
    notes = []
    found = load(path, notes.append)
    assert len(notes) == 1
    assert notes[0].startswith(f"{path} is of an older eingrad: its checksum covers ")
    assert ("nothing" if "crc32" in changes else "the numbers alone") in notes[0]
    return found


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
        ({"format": 3}, "format 3, this version reads 1 and 2"),
        ({"format": 2}, "its checksum is missing"),
        ({"mesh": None}, "which has no mesh"),
        ({"crc32": 5}, "its numbers are not those"),
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


def test_checkpoints_of_the_first_format(path):
    old = replace(EXAMPLE, notation=1)
    assert_same(load_old(path), old)
    assert_same(load_old(path, crc32=None), old)  # from before there were checksums


def test_links_that_lead_to_each_other(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for attempt in (lambda x: check_writable(x, False), lambda x: save(x, EXAMPLE), load):
        with pytest.raises(DataError, match="Too many levels of symbolic links"):
            attempt(tmp_path / "a")


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


def test_a_model_that_reads_otherwise_now_is_refused(path):
    apart = "W_ho = silu(X_bi U_ih) (X_bi V_io)"
    save(path, replace(EXAMPLE, model=apart, notation=1))
    with pytest.raises(DataError, match="version 1 of the notation, in which its model means"):
        load(path)
    save(path, replace(EXAMPLE, model=apart))
    assert load(path).model == apart
    save(path, replace(EXAMPLE, notation=1))
    assert load(path).model == EXAMPLE.model
