"""People's own files as data sets: what is read, encoded, and refused with line and column."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from own_files import write_csv, write_pictures
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from eingrad.errors import DataError
from eingrad.learn.data import Split
from eingrad.learn.own_data import Asked, load_own
from eingrad.learn.rows_split import Rows
from eingrad.learn.table import Preparation, read_csv

MIXED = """age;city;pay
30;Rome;1.5
41;Oslo;2.5
25;Rome;2.0
37;Bern;3.5
52;Oslo;1.25
"""


def written(folder: Path, text: str, name: str = "own.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def table_of(path: Path, target: str, **asked: object) -> tuple[Rows, Rows, Preparation]:
    dataset = load_own(Asked(str(path), target, **asked))  # type: ignore[arg-type]
    assert isinstance(dataset.train, Rows)
    assert isinstance(dataset.test, Rows)
    assert dataset.preparation is not None
    return dataset.train, dataset.test, dataset.preparation


def test_columns_are_encoded_as_scikit_learn_does(tmp_path):
    path = written(tmp_path, MIXED)
    train, test, preparation = table_of(path, "pay")
    table = read_csv(path)
    ages = np.array(table.columns["age"], float)
    cities = OneHotEncoder(sparse_output=False).fit_transform(table.columns["city"][:, None])
    (column,) = (c for c in preparation.columns if c.name == "age")
    features, problems = preparation.features(table)
    assert not problems
    np.testing.assert_allclose(features[:, 0], (ages - column.mean) / column.scale)
    np.testing.assert_array_equal(features[:, 1:], cities)
    own = np.concatenate([train.features, test.features])[:, 0]
    assert sorted(own) == pytest.approx(sorted(features[:, 0]))
    trained = train.features[:, 0] * column.scale + column.mean
    expected = StandardScaler().fit_transform(trained[:, None])[:, 0]
    np.testing.assert_allclose(train.features[:, 0], expected)


def test_a_preparation_survives_json(tmp_path):
    *_, preparation = table_of(written(tmp_path, MIXED), "pay")
    again = Preparation.read(json.loads(json.dumps(preparation.json())))
    assert again == preparation
    with pytest.raises(DataError, match="damaged"):
        Preparation.read({"columns": [{}]})


@pytest.mark.parametrize(
    ("name", "classes"), [("wine", 3), ("iris", 3), ("breast_cancer", 2), ("diabetes", 0)]
)
def test_the_target_says_what_is_learned(name, classes, tmp_path):
    dataset = load_own(Asked(str(write_csv(name, tmp_path / "x.csv")), "goal"))
    assert len(dataset.class_names) == classes
    assert dataset.is_regression == (classes == 0)
    share = len(dataset.test) / (len(dataset.test) + len(dataset.train))
    assert abs(share - 0.2) < 0.02


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n3\n5,6\n", ["line 3: 1 entries, expected 2"]),
        ("a,b\n1,2\n,4\nx,6\n7,8\n9,9\n", ["line 3, column a: missing",
                                            "line 4, column a: 'x' is no number"]),
        ("a,b\n1,2\n3,\n", ["line 3, column b: missing"]),
        ("a,b\n\n1,2.5\ninf,4.5\n3,5.5\n", ["line 4, column a: 'inf' is no number"]),
        ('a,b\n"1\n2",3\n4\n', ["line 4: 1 entries, expected 2"]),
        ("a,a\n1,2\n", ["two columns 'a'"]),
        ("a,c\n1,2\n", ["no column 'b'"]),
        ("a,b\n", ["no rows below"]),
        ("", ["has no rows"]),
        ("a,b\n,1\n,2\n", ["the column a is empty"]),
        ("a,b\n1,x\n2,x\n", ["one class only, 'x'"]),
        ("b\n1\n2\n3\n4\n", ["no column beside 'b'"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_line_and_column(text, told, tmp_path):
    with pytest.raises(DataError) as caught:
        load_own(Asked(str(written(tmp_path, text)), "b"))
    for part in told:
        assert part in str(caught.value)


def test_what_is_missing_is_filled_on_demand(tmp_path):
    path = written(tmp_path, "a,c,b\n1,x,1.5\n,y,2.5\n3,,3.5\n5,x,4.5\n5,y,5.25\n")
    train, test, preparation = table_of(path, "b", fill=True)
    features, problems = preparation.features(read_csv(path))
    assert not problems
    assert features[1, 0] == 0  # the mean
    assert features[2, 1:].tolist() == [0, 0]  # no category
    assert len(train) + len(test) == 5


def test_unknown_categories_are_named_and_the_other_rows_stay(tmp_path):
    *_, preparation = table_of(written(tmp_path, MIXED), "pay")
    table = read_csv(written(tmp_path, "age;city\n30;Rome\n31;Paris\n?;Oslo\n", "new.csv"))
    features, problems = preparation.features(table)
    assert [table.told(p) for p in problems] == [
        "line 3, column city: the category 'Paris' is unknown; known are Bern, Oslo, Rome",
        "line 4, column age: missing",
    ]
    assert features.shape == (3, preparation.width)
    with pytest.raises(DataError, match="no column city; the model learned from age, city"):
        preparation.features(read_csv(written(tmp_path, "age;pay\n30;1\n", "less.csv")))


def test_arrays(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)), rng.integers(3, size=60)
    np.savez(tmp_path / "a.npz", x=x, y=y)
    np.savez(tmp_path / "b.npz", X_train=x[:50], y_train=y[:50], X_test=x[50:], y_test=y[50:])
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y.astype(str))
    first = load_own(Asked(str(tmp_path / "a.npz")))
    parted = load_own(Asked(str(tmp_path / "b.npz")))
    pair = load_own(Asked(str(tmp_path / "x.npy"), str(tmp_path / "y.npy")))
    assert [len(d.test) for d in (first, parted, pair)] == [12, 10, 12]
    assert first.class_names == parted.class_names == pair.class_names == ("0", "1", "2")
    np.testing.assert_array_equal(parted.test.labels, y[50:])
    expected = StandardScaler().fit(x[:50]).transform(x[50:])
    np.testing.assert_allclose(parted.test.features, expected)
    np.savez(tmp_path / "c.npz", a=x, b=y, c=y)
    with pytest.raises(DataError, match="holds a, b, c: which are the data"):
        load_own(Asked(str(tmp_path / "c.npz")))


def test_images_in_arrays_stay_images(tmp_path):
    images = np.random.default_rng(0).integers(256, size=(40, 5, 6), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(40) % 4)
    dataset = load_own(Asked(str(tmp_path / "a.npz")))
    assert isinstance(dataset.train, Split)
    assert dataset.image_shape == (5, 6)
    assert dataset.classes == 4


def test_a_folder_of_pictures(tmp_path):
    folder = write_pictures(tmp_path / "pictures", 100)
    (folder / "digit_0" / "notes.txt").write_text("mine")
    told: list[str] = []
    dataset = load_own(Asked(str(folder)), told.append)
    assert dataset.class_names == tuple(f"digit_{k}" for k in range(10))
    assert dataset.image_shape == (8, 8)
    assert len(dataset.train) + len(dataset.test) == 100
    assert "1 files are no pictures, such as notes.txt" in told[0]
    (folder / "digit_1" / "bad.png").write_text("no picture")
    with pytest.raises(DataError, match=r"bad\.png is not a picture"):
        load_own(Asked(str(folder)))


def test_a_resumed_run_keeps_the_classes_that_it_learned(tmp_path):
    text = "a,b\n" + "".join(f"{k},{'bc'[k % 2]}\n" for k in range(20))
    known = load_own(Asked(str(written(tmp_path, text)), "b")).preparation
    other = "a,b\n" + "".join(f"{k},{'cb'[k % 2]}\n" for k in range(20))
    again = load_own(Asked(str(written(tmp_path, other, "other.csv")), "b", known=known))
    labels = np.concatenate([again.train.labels, again.test.labels])
    assert sorted(np.bincount(labels)) == [10, 10]
    assert again.class_names == ("b", "c")
    strange = "a,b\n" + "".join(f"{k},{'ab'[k % 2]}\n" for k in range(20))
    with pytest.raises(DataError, match="line 2, column b: 'a' is no class that was learned"):
        load_own(Asked(str(written(tmp_path, strange, "strange.csv")), "b", known=known))


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x_train": (10, 3), "y_train": 10, "x_test": (5, 2), "y_test": 5}, "test data of shape"),
        ({"x_train": (10, 3), "y_train": 10, "x_test": (5, 4), "y_test": 5}, "test data of shape"),
        ({"x": (10, 3), "y": (8, 1)}, "targets of shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays, told, tmp_path):
    np.savez(tmp_path / "a.npz", **{name: np.arange(np.prod(shape)).reshape(shape) % 2
                                    for name, shape in arrays.items()})  # fmt: skip
    with pytest.raises(DataError, match=told):
        load_own(Asked(str(tmp_path / "a.npz"), task="classification"))


def test_large_whole_numbers_are_classes_of_their_own(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(30.0)[:, None], y=1_000_001 + np.arange(30) % 3)
    found = load_own(Asked(str(tmp_path / "a.npz"), task="classification"))
    assert found.class_names == ("1000001", "1000002", "1000003")


def test_only_line_ends_end_lines(tmp_path):
    text = "a,t,y\n" + "".join(f"{k},p\x85q\u2028r,{'uv'[k % 2]}\n" for k in range(10))
    (tmp_path / "own.csv").write_text(text, encoding="utf-8")
    assert list(read_csv(tmp_path / "own.csv").columns["t"]) == ["p\x85q\u2028r"] * 10


def test_names_that_are_numbers_are_names_where_one_is_asked_for(tmp_path):
    text = "2019,2020,y\n" + "".join(f"{k},{2 * k},{'uv'[k % 2]}\n" for k in range(20))
    dataset = load_own(Asked(str(written(tmp_path, text)), "y"))
    assert dataset.class_names == ("u", "v")
    assert dataset.train.features.shape[1] == 2


def test_a_decimal_comma_is_no_category(tmp_path):
    text = "a;b\n" + "".join(f"{k},5;{'uv'[k % 2]}\n" for k in range(20))
    with pytest.raises(DataError, match="has a decimal comma"):
        load_own(Asked(str(written(tmp_path, text)), "b"))
    text = "a;b\n9,5;u\n7;v\n1,0;u\n3,5;v\n4,5;u\n"  # the entry that is named is that of its line
    with pytest.raises(DataError, match="line 2, column a: '9,5' has a decimal comma"):
        load_own(Asked(str(written(tmp_path, text)), "b"))
