"""A hypothesis strategy that draws einsum specifications with all that the equation may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

LABELS = "ijkaZαж"
MAX_ENTRIES = 1500  # of the index space, so that a loop over it is quick


@dataclass(frozen=True)
class Case:
    """Terms as the oracle reads them, and the same as einsum's arguments."""

    terms: tuple[tuple[str, ...], ...]
    output: tuple[str, ...] | None
    shapes: tuple[tuple[int, ...], ...]
    text: str
    seed: int

    def arrays(self) -> list[np.ndarray[Any, Any]]:
        """Draw the operands, some of them turned, reversed or read-only."""
        rng = np.random.default_rng(self.seed)
        result = []
        for shape in self.shapes:
            x = np.asarray(rng.normal(size=shape))
            kind = rng.integers(4)
            if kind == 1 and x.ndim:
                x = np.asfortranarray(x)
            elif kind == 2:
                x = x[(..., *[slice(None, None, -1)] * x.ndim)]
            elif kind == 3 and x.ndim:
                x = np.repeat(x, 2, axis=-1)[..., ::2]
            x.flags.writeable = False
            result.append(x)
        return result

    def cotangent(self, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        return np.random.default_rng(self.seed + 1).normal(size=shape)

    def lists(self, arrays: list[Any]) -> list[Any]:
        """Return the arguments of the form with lists; labels get numbers in sorted order."""
        number = {c: k for k, c in enumerate(sorted({c for t in self.terms for c in t} - {"..."}))}
        number["..."] = Ellipsis
        arguments = []
        for x, term in zip(arrays, self.terms, strict=True):
            arguments += [x, [number[c] for c in term]]
        if self.output is not None:
            arguments.append([number[c] for c in self.output])
        return arguments

    @property
    def ascii(self) -> str:
        """The equation with labels that torch and JAX accept, in the same order."""
        labels = sorted({c for t in self.terms for c in t} - {"..."})
        table = dict(zip(map(ord, labels), "ABCDEFGHIJ", strict=False))
        return self.text.replace(" ", "").translate(table)


@st.composite
def cases(draw: st.DrawFn, max_operands: int = 4) -> Case:
    """Draw ellipses of different ranks, repeats, broadcasts, zero sizes, and any output."""
    sizes = {c: draw(st.sampled_from([2, 3, 2, 3, 2, 1, 0])) for c in LABELS}
    lead = [draw(st.sampled_from([2, 3, 2, 1])) for _ in range(draw(st.sampled_from([0, 0, 1, 2])))]
    terms, shapes, space, used = [], [], 1, set()
    for _ in range(draw(st.integers(1, max_operands))):
        term: list[str] = []
        for _ in range(draw(st.sampled_from([2, 1, 3, 2, 0]))):
            c = draw(st.sampled_from(LABELS))
            if c in used or space * max(1, sizes[c]) <= MAX_ENTRIES:
                space *= 1 if c in used else max(1, sizes[c])
                used.add(c)
                term.append(c)
        narrow = {c for c in term if draw(st.integers(0, 6)) == 0}
        shape = [1 if c in narrow else sizes[c] for c in term]
        if draw(st.integers(0, 3)) == 0:
            at = draw(st.integers(0, len(term)))
            own = lead[draw(st.integers(0, len(lead))) :]
            shape[at:at] = [1 if draw(st.integers(0, 4)) == 0 else n for n in own]
            term.insert(at, "...")
        terms.append(tuple(term))
        shapes.append(tuple(shape))
    output = draw(outputs(terms))
    text = draw(texts(terms, output))
    return Case(tuple(terms), output, tuple(shapes), text, draw(st.integers(0, 2**20)))


@st.composite
def outputs(draw: st.DrawFn, terms: list[tuple[str, ...]]) -> tuple[str, ...] | None:
    """Draw none (implicit), or labels in any order, sometimes repeated, with or without '...'."""
    if draw(st.integers(0, 3)) == 0:
        return None
    labels = sorted({c for t in terms for c in t} - {"..."})
    output: list[str] = []
    for c in draw(st.permutations(labels)):
        if draw(st.booleans()) and len(output) < 4:
            output.append(c)
    if output and draw(st.integers(0, 7)) == 0:
        output.append(draw(st.sampled_from(output)))
    if any("..." in t for t in terms) and draw(st.integers(0, 4)):
        output.insert(draw(st.integers(0, len(output))), "...")
    return tuple(output)


@st.composite
def texts(draw: st.DrawFn, terms: list[tuple[str, ...]], output: tuple[str, ...] | None) -> str:
    """Write an equation with spaces anywhere but in an ellipsis and an arrow."""
    text = ",".join("".join(t) for t in terms)
    if output is not None:
        text += "->" + "".join(output)
    if draw(st.integers(0, 5)):
        return text
    return "".join(" " + c if c not in ".>" else c for c in text) + " "
