"""Data sets: digits, folders of MNIST files, and the download from a server."""

from __future__ import annotations

import gzip
import hashlib
import os
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from real_mnist import MNIST, needs_mnist
from test_idx import idx

from eingrad.errors import DataError
from eingrad.learn import data
from eingrad.learn.batches import Batches

STEMS = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


def contents(seed: int = 0) -> dict[str, bytes]:
    rng = np.random.default_rng(seed)
    sets = {}
    for kind, count in (("train", 30), ("t10k", 10)):
        images = rng.integers(0, 256, (count, 5, 4), dtype=np.uint8)
        labels = (np.arange(count) % 3).astype(np.uint8)
        sets |= {f"{kind}-images-idx3": idx(images), f"{kind}-labels-idx1": idx(labels)}
    return sets


def write(folder: Path, files: dict[str, bytes], name: str = "{stem}-ubyte") -> Path:
    folder.mkdir(exist_ok=True)
    for stem, content in files.items():
        full = name.format(stem=stem)
        packed = gzip.compress(content, mtime=0) if full.endswith(".gz") else content
        (folder / full).write_bytes(packed)
    return folder


# --- digits -----------------------------------------------------------------------------------


def test_digits_are_split_the_same_way_every_time():
    first, second = data.load_digits(), data.load_digits()
    np.testing.assert_array_equal(first.test.images, second.test.images)
    assert len(first.train) + len(first.test) == 1797
    assert first.train.images.max() == first.train.peak == 16
    shares = np.bincount(first.test.labels) / np.bincount(
        np.concatenate([first.train.labels, first.test.labels])
    )
    np.testing.assert_allclose(shares, 0.2, atol=0.005)  # every class gives a fifth


def test_digits_are_scikit_learns() -> None:
    sklearn = pytest.importorskip("sklearn.datasets")
    known = sklearn.load_digits()
    with np.load(data.DIGITS) as own:
        np.testing.assert_array_equal(own["images"], known.images)
        np.testing.assert_array_equal(own["labels"], known.target)
    assert "CC BY 4.0" in data.DIGITS.with_suffix(".txt").read_text()


def test_digits_take_no_folder():
    with pytest.raises(DataError, match="takes no folder"):
        data.load("digits", "somewhere")


def test_an_unknown_data_set():
    with pytest.raises(DataError, match="no data set 'cifar'"):
        data.load("cifar")


# --- a folder of IDX files --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["{stem}-ubyte", "{stem}-ubyte.gz"])
def test_a_folder_of_mnist_files(tmp_path, name):
    found = data.load("mnist", write(tmp_path / "mnist", contents(), name))
    assert (
        str(found) == "data in MNIST's format: 30 training and 10 test images of 5 x 4, 3 classes"
    )
    assert found.image_shape == (5, 4)
    pixels, _ = Batches(2, found, np.float32).gather(found.train, np.array([7, 0]))
    expected = np.frombuffer(contents()["train-images-idx3"][16:], np.uint8).reshape(30, 20)
    np.testing.assert_allclose(pixels, expected[[7, 0]] / 255, rtol=1e-6)


def test_the_other_usual_names(tmp_path):
    files = contents()
    names = ("train-images.idx3-ubyte", "train-labels.idx1-ubyte.gz", "t10k-images", "t10k-labels")
    for stem, name in zip(STEMS, names, strict=True):
        write(tmp_path, {stem: files[stem]}, name)
    assert len(data.load_mnist(tmp_path).train) == 30


def npy_folder(folder: Path, **changed: np.ndarray) -> Path:
    folder.mkdir()
    for stem, content in contents().items():
        name, ndim = stem.rsplit("-idx", 1)
        data = np.frombuffer(content[4 + 4 * int(ndim) :], np.uint8)
        data = data.reshape(-1, 5, 4) if ndim == "3" else data.astype(np.int64)
        np.save(folder / f"{name}.npy", changed.get(name.replace("-", "_"), data))
    return folder


def test_a_folder_of_numpy_files(tmp_path):
    first = data.load("mnist", write(tmp_path / "idx", contents()))
    second = data.load("mnist", npy_folder(tmp_path / "npy"))
    assert str(first) == str(second)
    for one, other in ((first.train, second.train), (first.test, second.test)):
        np.testing.assert_array_equal(one.images[:], other.images[:])
        np.testing.assert_array_equal(one.labels, other.labels)
    (tmp_path / "npy" / "t10k-images.npy").rename(tmp_path / "npy" / "test-images.npy")
    np.testing.assert_array_equal(
        data.load("mnist", tmp_path / "npy").test.images[:], first.test.images[:]
    )


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"train_images": np.zeros((30, 5, 4), np.int32)}, "entries of type int32; expected uns"),
        ({"train_labels": np.full(30, -1)}, "the labels run from -1 to -1; expected whole numbers"),
        ({"train_labels": np.full(30, 10**9)}, "the labels run from 1000000000"),
        ({"t10k_labels": np.zeros((10, 1), int)}, "an array of 10 x 1; expected 1 axes"),
    ],
)
def test_numpy_files_that_are_no_images_or_labels(tmp_path, changed, text):
    with pytest.raises(DataError) as caught:
        data.load_mnist(npy_folder(tmp_path / "npy", **changed))
    assert text in str(caught.value)


def bad_folder(tmp_path: Path, case: str) -> Path:
    files = contents()
    if case == "missing folder":
        return tmp_path / "nowhere"
    if case == "a file":
        (tmp_path / "file").write_bytes(b"")
        return tmp_path / "file"
    if case == "missing file":
        del files["t10k-labels-idx1"]
    elif case == "counts":
        files["train-labels-idx1"] = idx(np.arange(29, dtype=np.uint8) % 3)
    elif case == "new class":
        files["t10k-labels-idx1"] = idx(np.full(10, 7, np.uint8))
    elif case == "sizes":
        files["t10k-images-idx3"] = idx(np.zeros((10, 4, 5), np.uint8))
    elif case == "swapped":
        files["train-labels-idx1"] = files["train-images-idx3"]
    return write(tmp_path / "mnist", files)


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("missing folder", "does not exist"),
        ("a file", "is not a folder"),
        ("missing file", "has no t10k-labels-idx1-ubyte (nor t10k-labels-idx1-ubyte.gz)"),
        ("counts", "30 train images, but 29 labels"),
        ("new class", "a t10k label is 7, but the training labels end at 2"),
        ("sizes", "the training images are 5 x 4, the test images 4 x 5"),
        ("swapped", "the file has 3 axes; expected 1 (labels)"),
    ],
)
def test_a_bad_folder_is_explained(tmp_path, case, text):
    with pytest.raises(DataError) as caught:
        data.load_mnist(bad_folder(tmp_path, case))
    assert text in str(caught.value)
    assert caught.value.operand


@needs_mnist
def test_the_real_files_are_the_published_ones():
    found = data.load_mnist(MNIST)
    assert (len(found.train), len(found.test), found.classes) == (60000, 10000, 10)
    assert str(found).startswith("mnist: 60,000 training")
    published = {  # of the contents, whoever packed them
        "train-images-idx3": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "t10k-images-idx3": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "train-labels-idx1": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-labels-idx1": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
    for stem, checksum in published.items():
        content = gzip.decompress((MNIST / f"{stem}-ubyte.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == checksum


@needs_mnist
@pytest.mark.parametrize("changed", ["train-labels-idx1", "t10k-images-idx3", None])
def test_what_only_looks_like_mnist_is_not_called_so(tmp_path, changed):
    for path in MNIST.iterdir():
        (tmp_path / path.name).symlink_to(path)
    if changed:
        path = tmp_path / f"{changed}-ubyte.gz"
        content = bytearray(gzip.decompress(path.read_bytes()))
        content[1000], content[1001] = 5 ^ content[1000] & 1, content[1000]
        path.unlink()
        path.write_bytes(gzip.compress(content, 1))
    told: list[str] = []
    found = data.load_mnist(tmp_path, told.append)
    assert found.name == ("mnist" if changed is None else "data in MNIST's format")
    what = {"train-labels-idx1": "training labels", "t10k-images-idx3": "test images", None: ""}
    assert len(told) == (changed is not None)
    assert all(f"but the {what[changed]} are not" in line for line in told)


def labelled(tmp_path: Path, train: np.ndarray, test: np.ndarray | None = None) -> list[str]:
    """Load blank images with these labels; return the notes."""
    rng, told = np.random.default_rng(0), []
    for kind, labels in (("train", train), ("t10k", train if test is None else test)):
        labels = np.asarray(labels, np.uint8)
        images = rng.integers(0, 256, (len(labels), 2, 2), dtype=np.uint8)
        write(tmp_path, {f"{kind}-images-idx3": idx(images), f"{kind}-labels-idx1": idx(labels)})
    data.load_mnist(tmp_path, told.append)
    return [line.removeprefix(f"note: {tmp_path}: ") for line in told]


TEN = np.arange(2000) % 10


def test_a_label_that_cannot_be(tmp_path):
    labels = TEN.copy()
    labels[1234] = 137
    with pytest.raises(DataError, match="the labels are 0 to 9 and 137, so that of 138") as caught:
        labelled(tmp_path, labels, TEN)
    assert "127 have no image" in str(caught.value)
    assert "137 is the label of image 1,234" in caught.value.hint


def test_classes_that_are_rare_or_missing(tmp_path):
    labels = TEN.copy()
    labels[77] = 10
    assert labelled(tmp_path, labels) == [
        "1 of 2,000 training images has the label 10 (image 77, the first is 0)"
    ]
    assert labelled(tmp_path, TEN[TEN != 4]) == ["no training image has the label 4"]
    assert labelled(tmp_path, 1 + np.arange(26)) == ["no training image has the label 0"]
    assert labelled(tmp_path, TEN, TEN[TEN < 7]) == [
        "no test image has the label 7 to 9, which training images have"
    ]
    assert labelled(tmp_path, TEN) == labelled(tmp_path, np.arange(2) % 2) == []


# --- the download -----------------------------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """A mirror on loopback: its address, and the checksums of its files."""
    folder = write(tmp_path / "www", contents(), "{stem}-ubyte.gz")
    checksums = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.iterdir()}
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/", checksums
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture
def closed_address():
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


def files_below(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def test_download_checks_and_keeps_the_files(tmp_path, server):
    url, checksums = server
    told: list[str] = []
    cache = tmp_path / "cache"
    folder = data.download_mnist(cache, (url,), checksums, told.append)
    assert len(data.load_mnist(folder).train) == 30
    assert told == [f"downloading {url}{name}" for name in checksums]
    data.download_mnist(cache, ("http://127.0.0.1:9/",), checksums, told.append)  # nothing to do
    assert len(told) == 4


def test_a_second_mirror_is_tried(tmp_path, server, closed_address):
    url, checksums = server
    folder = data.download_mnist(tmp_path / "cache", (closed_address, url), checksums)
    assert files_below(folder) == sorted(checksums)


def test_a_wrong_checksum_leaves_nothing_behind(tmp_path, server):
    url, checksums = server
    wrong = dict.fromkeys(checksums, "0" * 64)
    with pytest.raises(DataError, match="cannot be downloaded") as caught:
        data.download_mnist(tmp_path / "cache", (url,), wrong)
    assert "does not match" in str(caught.value)
    assert "--data" in caught.value.hint
    assert files_below(tmp_path / "cache") == []


def test_a_damaged_cache_is_fetched_again(tmp_path, server):
    url, checksums = server
    folder = data.download_mnist(tmp_path / "cache", (url,), checksums)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"damaged")
    data.download_mnist(tmp_path / "cache", (url,), checksums)
    assert len(data.load_mnist(folder).test) == 10


@pytest.mark.parametrize("what", ["nothing listens", "no such file"])
def test_no_answer(tmp_path, server, closed_address, what):
    url, checksums = server
    url = closed_address if what == "nothing listens" else url + "else/"
    with pytest.raises(DataError, match="cannot be downloaded") as caught:
        data.download_mnist(tmp_path / "cache", (url,), checksums)
    assert url in str(caught.value)
    assert files_below(tmp_path / "cache") == []


def test_mirror_and_cache_by_environment(tmp_path, server, monkeypatch):
    url, checksums = server
    monkeypatch.setenv("EINGRAD_MNIST_URL", url)
    monkeypatch.setenv("EINGRAD_CACHE", str(tmp_path / "mine"))
    monkeypatch.setattr(data, "MNIST_SHA256", checksums)
    found = data.download_mnist(checksums=checksums)
    assert found == tmp_path / "mine" / "mnist"
    assert os.listdir(found)


def test_the_checksums_are_of_the_four_files():
    assert list(data.MNIST_SHA256) == [f"{stem}-ubyte.gz" for stem in STEMS]
    assert all(len(bytes.fromhex(checksum)) == 32 for checksum in data.MNIST_SHA256.values())
