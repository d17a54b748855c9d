"""Random offset products against a loop over their labels, and central differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from seeds import in_batches

import eingrad as eg

jax, _ = pytest.importorskip("jax"), pytest.importorskip("torch")
Array = Any
FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "{}^2": np.square, "sin({})": np.sin, "exp({} / 8)": lambda y: np.exp(y / 8), "{}": lambda y: y,
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where an axis is read: at whole multiples of labels and a constant, from the end below 0."""

    terms: tuple[tuple[int, str], ...]
    constant: int

    @property
    def is_plain(self) -> bool:
        return self.constant == 0 and [n for n, _ in self.terms] == [1]

    @property
    def is_step(self) -> bool:
        """Whether one label moves by a number: the axis goes as far as the label."""
        return [n for n, _ in self.terms] == [1]

    def __str__(self) -> str:
        parts = [f"{'-+'[n > 0]} {abs(n) if abs(n) > 1 else ''} {x}" for n, x in self.terms]
        parts += [f"{self.constant:+d}"] if self.constant or not parts else []
        return " ".join(parts).removeprefix("+").strip()

    def at(self, values: Mapping[str, int], size: int) -> int:
        place = self.constant + sum(n * values[label] for n, label in self.terms)
        return place + size if not self.terms and place < 0 else place


@dataclass(frozen=True)
class OffsetProduct:
    """``y = product of factors``, summed over what is not in ``output``, and L the sum of f(y)."""

    factors: tuple[tuple[str, tuple[Place, ...]], ...]
    shapes: Mapping[str, tuple[int, ...]]
    labels: Mapping[str, int]
    output: str
    function: str
    only: tuple[str, str, int] | None = None  # where one label is at most another and a number

    @property
    def text(self) -> str:
        plain = {p.terms[0][1] for _, places in self.factors for p in places if p.is_plain}
        facts = [f"assume size({x}) = {n}" for x, n in self.labels.items() if x not in plain]
        right = " ".join(f"{name}[{','.join(map(str, ps))}]" for name, ps in self.factors)
        if self.only is not None:
            one, other, more = self.only
            right = f"where({one} <= {other} {more:+d}, {right}, 0)"
        if summed := "".join(x for x in self.labels if x not in self.output):
            right = f"sum_{summed}({right})"
        left = f"y_{self.output}" if self.output else "y"
        over = f"sum_{self.output}" if self.output else ""
        return "\n".join([*facts, f"{left} = {right}", f"L = {over}({self.function.format(left)})"])

    def value(self) -> Callable[..., float]:
        """Return L as a function of arrays, from a loop over all labels."""
        rows = []
        for values in product(*map(range, self.labels.values())):
            at = dict(zip(self.labels, values, strict=True))
            places = [
                tuple(p.at(at, n) for p, n in zip(ps, self.shapes[name], strict=True))
                for name, ps in self.factors
            ]
            inside = all(
                0 <= k < n
                for (name, _), own in zip(self.factors, places, strict=True)
                for k, n in zip(own, self.shapes[name], strict=True)
            )
            if self.only is not None:
                one, other, more = self.only
                inside = inside and at[one] <= at[other] + more
            if inside:
                rows.append((tuple(at[x] for x in self.output), places))

        def value(**arrays: Array) -> float:
            y = np.zeros([self.labels[x] for x in self.output])
            for out, places in rows:
                own = zip(self.factors, places, strict=True)
                y[out] += np.prod([arrays[name][k] for (name, _), k in own])
            return float(np.sum(FUNCTIONS[self.function](y)))

        return value


@st.composite
def offset_products(draw: st.DrawFn) -> OffsetProduct:
    labels = {x: draw(st.integers(1, 4)) for x in draw(st.sampled_from(["ik", "ijk", "ijkl"]))}
    small = st.sampled_from([-2, -1, 1, 2, 3])
    used: dict[str, None] = {}

    def place() -> Place:
        count = draw(st.sampled_from([0, 1, 1, 1, 2, 2, 2, 3][: 4 + 2 * len(labels) - 3]))
        own = draw(st.permutations(list(labels)))[:count]
        constant = draw(st.integers(-2, 2))
        if count == 1 and draw(st.booleans()):
            terms, constant = ((1, own[0]),), 0
        else:
            terms = tuple((draw(small), x) for x in own)
        used.update(dict.fromkeys(own))
        return Place(terms, constant)

    factors, shapes = [], {}
    for name in draw(st.sampled_from(["x", "xw", "xw", "xx", "xwv"])):
        count = len(shapes[name]) if name in shapes else draw(st.integers(1, 2))
        places = tuple(place() for _ in range(count))
        wanted = tuple(
            labels[p.terms[0][1]] if p.is_step else draw(st.integers(2, 6)) for p in places
        )
        if name in shapes:  # read a second time: as long as it is
            places = tuple(
                Place(((2, p.terms[0][1]),), p.constant) if p.is_step and n != m else p
                for p, n, m in zip(places, wanted, shapes[name], strict=True)
            )
        shapes.setdefault(name, wanted)
        factors.append((name, places))
    only = None
    if len(used) > 1 and draw(st.integers(0, 2)) == 0:
        only = (*draw(st.permutations([*used]))[:2], draw(st.integers(-1, 2)))
    return OffsetProduct(
        tuple(factors), shapes, {x: n for x, n in labels.items() if x in used},
        "".join(x for x in "ij" if x in used), draw(st.sampled_from(list(FUNCTIONS))), only,
    )  # fmt: skip


def differences(f: Callable[..., float], arrays: Mapping[str, Array], name: str) -> Array:
    """Return the gradient by one of the arrays, from values on both sides."""
    result = np.zeros(arrays[name].shape)
    for index in np.ndindex(result.shape):
        step = np.zeros(result.shape)
        step[index] = 1e-6
        ends = [f(**{**arrays, name: arrays[name] + sign * step}) for sign in (1, -1)]
        result[index] = (ends[0] - ends[1]) / 2e-6
    return result


@in_batches(150, 3, offset_products())
def test_random_offsets(drawn: OffsetProduct) -> None:
    rng = np.random.default_rng(len(drawn.text))
    arrays = {name: rng.normal(size=shape) for name, shape in drawn.shapes.items()}
    value = drawn.value()
    model = eg.parse(drawn.text)
    found = model.grad("L", list(arrays))
    backend = ("numpy", "torch", "numpy", "torch", "numpy", "torch", "numpy", "jax")[
        len(drawn.text) % 8
    ]
    with jax.enable_x64(True):
        results = found.compile(backend, dtype="float64")(**arrays)
    note = f"{backend}\n{drawn.text}\n{drawn.shapes}"
    wanted = value(**arrays)
    np.testing.assert_allclose(float(results["L"]), wanted, 1e-10, 1e-12, err_msg=note)
    for name in arrays:
        gradient = differences(value, arrays, name)
        scale = max(1.0, np.abs(gradient).max())
        np.testing.assert_allclose(
            results[f"dL/d{name}"], gradient, 1e-5, 1e-7 * scale, err_msg=note
        )
    # What is printed says the same; of a label that only conditions have it does not say how far.
    if len(drawn.text) % 3 == 0 and drawn.only is None:
        for name in arrays:
            assert model.check(str(found[name])).outcome == "right", f"{found[name]}\n{note}"
