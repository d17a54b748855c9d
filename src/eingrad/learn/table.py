"""Tables of people's own: CSV files and arrays, whose columns are numbers or categories.

What was learned of a column (its mean and deviation, its categories) is a `Preparation`, which a
checkpoint keeps: it makes the same numbers of a table when something is predicted.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from eingrad.errors import DataError

DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
MISSING = frozenset({"", "?", "na", "n/a", "nan", "null"})
SHOWN = 5  # problems that a message names
MAX_CATEGORIES = 100  # of a column in which most texts differ
CLASSES_OF_NUMBERS = 20  # whole numbers that are taken for classes, if there are no more of them
Task = Literal["classification", "regression"]
Floats = NDArray[np.float64]
Texts = NDArray[Any]
"""An array of str: the texts of a CSV file's column."""


class BadEntry(NamedTuple):
    """What is wrong with an entry: ``row`` counts from 0, ``column`` is empty for a whole row."""

    row: int
    column: str
    reason: str


@dataclass(frozen=True)
class DataTable:
    """Columns by name, of numbers or of texts, and where each row stands in the file."""

    path: str
    columns: Mapping[str, NDArray[Any]]
    lines: NDArray[np.int64]
    word: str = "line"
    has_names: bool = True

    def __len__(self) -> int:
        return len(self.lines)

    def told(self, problem: BadEntry) -> str:
        """Say where a problem is: ``line 7, column age: ...``."""
        where = f"{self.word} {self.lines[problem.row]}"
        return f"{where}{problem.column and f', column {problem.column}'}: {problem.reason}"

    def check(
        self, problems: Sequence[BadEntry], hint: str | None = None, most: int = SHOWN
    ) -> None:
        """Raise `DataError` that names the first problems, and counts the others."""
        if problems:
            ordered = sorted(problems)
            more = f"\n... and {len(ordered) - most:,} more" if len(ordered) > most else ""
            told = "\n".join(self.told(p) for p in ordered[:most])
            raise DataError(f"{self.path}: {told}{more}", operand=self.path, hint=hint)


# --- reading ----------------------------------------------------------------------------------


def read_csv(path: str | os.PathLike[str], named: Collection[str] = ()) -> DataTable:
    """Read a CSV file; commas, semicolons or tabs part its columns, and a first line names them.

    A first line with a number in it is a row, unless a name that is asked for is there, one of
    ``named``. Without names the columns are 1, 2, ... Raises `DataError` that names bad rows by
    their lines.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise _bad(path, f"cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _bad(path, f"line {line} is not text in UTF-8", "save it as UTF-8") from error
    rows, lines = _rows(path, text)
    if not rows:
        raise _bad(path, "has no rows")
    heads = [cell.strip() for cell in rows[0]]
    asked = any(name in heads and not _is_number(name) for name in named)
    has_names = any(heads) and (asked or not any(map(_is_number, heads)))
    names = heads if has_names else []
    names = names or [str(k) for k in range(1, len(rows[0]) + 1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "" in names:
        what = f"two columns {twice[0]!r}" if twice and twice[0] else "a column without a name"
        raise _bad(path, f"has {what}", "the first line names the columns")
    rows, lines = rows[has_names:], lines[has_names:]
    wrong = [k for k, row in enumerate(rows) if len(row) != len(names)]
    reasons = [BadEntry(k, "", f"{len(rows[k])} entries, expected {len(names)}") for k in wrong]
    numbers = np.array(lines, np.int64)
    DataTable(str(path), {}, numbers).check(reasons, "an entry with a comma in it goes in quotes")
    if not rows:
        raise _bad(path, "has no rows below the names of its columns")
    columns = {
        name: np.array([row[k].strip() for row in rows], object) for k, name in enumerate(names)
    }
    return DataTable(str(path), columns, numbers, has_names=has_names)


def _rows(path: Path, text: str) -> tuple[list[list[str]], list[int]]:
    """Return the rows that are not empty, and the line on which each begins."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, lines, begins = [], [], 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise _bad(path, f"line {reader.line_num}: {error}") from error
    return rows, lines


def of_array(path: str, array: NDArray[Any]) -> DataTable:
    """Return the table of an array (n, ...) of numbers, whose columns are 0, 1, ..."""
    if array.dtype.kind not in "buif" or array.ndim < 2 or not array.size:
        raise DataError(
            f"{path} holds an array of {array.dtype} with shape {array.shape}; expected numbers "
            "with a row for each example",
            operand=path,
        )
    flat = np.asarray(array.reshape(len(array), -1), np.float64)
    columns = {str(k): flat[:, k] for k in range(flat.shape[1])}
    return DataTable(path, columns, np.arange(len(flat)), "row", has_names=False)


def _bad(path: Path, found: str, hint: str | None = None) -> DataError:
    return DataError(f"{path} {found}", operand=str(path), hint=hint)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip().lower() not in MISSING and "_" not in text


def _numbers(column: NDArray[Any]) -> Floats:
    """Return a column's numbers: nan where an entry is missing or is no number."""
    if column.dtype != object:
        return np.asarray(column, np.float64)
    return np.array([float(x) if _is_number(x) else np.nan for x in column], np.float64)


def is_missing(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which entries of a column are missing."""
    if column.dtype != object:
        return np.asarray(np.isnan(column), np.bool_)
    return np.array([x.lower() in MISSING for x in column], dtype=np.bool_)


# --- columns ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """What was learned of a column: ``mean`` and ``scale`` of a number, or the categories.

    A number becomes ``(x - mean) / scale``, a category one column for each, 1 in its own.
    """

    name: str
    mean: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many columns it becomes."""
        return len(self.categories) or 1

    def encode(self, values: NDArray[Any], fill: bool, problems: list[BadEntry]) -> Floats:
        """Return the columns that it becomes; entries that cannot be are 0 and a problem.

        With ``fill`` what is missing is the mean, or no category at all.
        """
        missing = is_missing(values)
        if not fill:
            problems += [BadEntry(int(k), self.name, "missing") for k in np.flatnonzero(missing)]
        if not self.categories:
            numbers = _numbers(values)
            wrong = ~np.isfinite(numbers) & ~missing
            problems += [
                BadEntry(int(k), self.name, f"{values[k]!r} is no number")
                for k in np.flatnonzero(wrong)
            ]
            numbers = np.where(missing | wrong, self.mean, numbers)
            return ((numbers - self.mean) / self.scale)[:, None]
        place = {name: k for k, name in enumerate(self.categories)}
        result = np.zeros((len(values), len(place)))
        for row in np.flatnonzero(~missing):
            found = place.get(_as_text(values[row]))
            if found is None:
                problems.append(BadEntry(int(row), self.name, self._unknown(values[row])))
            else:
                result[row, found] = 1
        return result

    def _unknown(self, value: Any) -> str:
        known = ", ".join(self.categories[:SHOWN]) + (", ..." if self.width > SHOWN else "")
        return f"the category {str(value)!r} is unknown; known are {known}"


def _as_text(value: Any) -> str:
    """Write an entry as a category: whole numbers without a point, however large."""
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def learn_column(
    table: DataTable, name: str, train: NDArray[np.int64], problems: list[BadEntry]
) -> Column:
    """Return what a column of a table is, by its training rows; categories by all rows.

    A column of which most entries are numbers is one of numbers: what is none is a problem.
    """
    values = table.columns[name]
    numbers, present = _numbers(values), ~is_missing(values)
    count = int(np.isfinite(numbers).sum())
    if not present.any():
        raise DataError(
            f"{table.path}: the column {name} is empty",
            operand=table.path,
            hint=f"leave it out: --ignore {name}",
        )
    if 2 * count >= present.sum():
        known = numbers[train][np.isfinite(numbers[train])]
        mean = float(known.mean()) if len(known) else 0.0
        deviation = float(known.std()) if len(known) else 0.0
        return Column(name, mean, deviation if deviation > 0 else 1.0)
    categories = sorted({str(x) for x in values[present]})
    if sum(bool(DECIMAL_COMMA.fullmatch(x)) for x in categories) * 2 > len(categories):
        places = map(int, np.flatnonzero(present))
        row = next(k for k in places if DECIMAL_COMMA.fullmatch(str(values[k])))
        reason = f"{str(values[row])!r} has a decimal comma: write a point"
        problems.append(BadEntry(row, name, reason))
    if len(categories) > MAX_CATEGORIES and 2 * len(categories) > present.sum():
        row = int(np.flatnonzero(present)[0])
        reason = f"{len(categories):,} different texts are no categories: leave it out (--ignore)"
        problems.append(BadEntry(row, name, reason))
    return Column(name, categories=tuple(categories))


# --- the target -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """What is learned: ``classes`` in a classification, ``mean`` and ``scale`` of a number."""

    name: str
    classes: tuple[str, ...] = ()
    mean: float = 0.0
    scale: float = 1.0

    @property
    def task(self) -> Task:
        """Whether classes or numbers are learned."""
        return "classification" if self.classes else "regression"


def learn_target(
    table: DataTable, name: str, values: NDArray[Any], task: Task | None,
    classes: tuple[str, ...] = (),
) -> tuple[TargetColumn, NDArray[Any]]:  # fmt: skip
    """Return the target of a table, and its labels or its numbers (n,), row by row.

    Texts are classes, and so are whole numbers if there are few; ``task`` says otherwise. Where
    ``classes`` were learned before, the labels are theirs, and another class is an error.
    """
    missing = is_missing(values)
    problems = [BadEntry(int(k), name, "missing") for k in np.flatnonzero(missing)]
    table.check(problems, "every example needs its target; leave such rows out of the file")
    numbers = _numbers(values)
    if task is None:
        whole = np.isfinite(numbers).all() and (numbers == np.round(numbers)).all()
        few = len(np.unique(numbers)) <= min(CLASSES_OF_NUMBERS, max(2, len(numbers) // 4))
        are_texts = 2 * np.isfinite(numbers).sum() < len(numbers)
        task = "classification" if are_texts or (whole and few) else "regression"
    if task == "regression":
        wrong = np.flatnonzero(~np.isfinite(numbers))
        table.check(
            [BadEntry(int(k), name, f"{values[k]!r} is no number") for k in wrong],
            "for classes: --task classification",
        )
        return TargetColumn(name), numbers
    texts = [_as_text(x) for x in values]
    known = list(classes) or sorted(
        set(texts), key=lambda x: (not _is_number(x), _is_number(x) and float(x), x)
    )
    if len(known) < 2:
        raise DataError(
            f"{table.path}: the column {name} has one class only, {known[0]!r}",
            operand=table.path,
        )
    place = {text: k for k, text in enumerate(known)}
    strange = [k for k, text in enumerate(texts) if text not in place]
    told = f"is no class that was learned: these are {', '.join(known[:SHOWN])}"
    table.check([BadEntry(k, name, f"{texts[k]!r} {told}") for k in strange])
    return TargetColumn(name, tuple(known)), np.array([place[x] for x in texts], np.int64)


# --- all of it --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preparation:
    """How a table becomes numbers: its columns in order, its target; ``fill`` what is missing.

    ``has_names`` says whether columns are found by name or by their place.
    """

    columns: tuple[Column, ...]
    target: TargetColumn
    fill: bool = False
    has_names: bool = True

    @property
    def width(self) -> int:
        """How many numbers an example becomes."""
        return sum(column.width for column in self.columns)

    def features(self, table: DataTable) -> tuple[Floats, list[BadEntry]]:
        """Return the numbers (n, width) of a table, and what is wrong with its entries."""
        problems: list[BadEntry] = []
        names = self._found(table)
        parts = [
            column.encode(table.columns[name], self.fill, problems)
            for column, name in zip(self.columns, names, strict=True)
        ]
        return np.concatenate(parts, axis=1), sorted(problems)

    def _found(self, table: DataTable) -> list[str]:
        """Return the table's names of the columns. Raises `DataError` where one is missing."""
        own = [column.name for column in self.columns]
        absent = [name for name in own if name not in table.columns]
        if not absent and (table.has_names == self.has_names):
            return own
        given = list(table.columns)
        if not (table.has_names and self.has_names) and len(given) == len(own):
            return given
        what = f"no column {absent[0]}" if absent else f"{len(given)} columns"
        raise DataError(
            f"{table.path} has {what}; the model learned from {', '.join(own[:20])}",
            operand=table.path,
        )

    def json(self) -> dict[str, Any]:
        """Return what `read` takes."""
        return asdict(self)

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Return a preparation that `json` wrote. Raises `DataError` where it is none."""
        try:
            columns = tuple(
                Column(**{**x, "categories": tuple(x["categories"])}) for x in values["columns"]
            )
            target = values["target"]
            goal = TargetColumn(**{**target, "classes": tuple(target["classes"])})
            return cls(columns, goal, bool(values["fill"]), bool(values["has_names"]))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError("the checkpoint's record of the columns is damaged") from error
