"""A function of arrays that keeps every k-th state of its recurrences, and computes the others
again: a Python loop over segments of positions, each of which runs a compiled function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from eingrad.core.expr import Expr, Var
from eingrad.core.segments import Border, Segments, Sweep, ready
from eingrad.engine.function import CompiledFunction, find_inputs
from eingrad.engine.library import Library
from eingrad.engine.plan import Plan
from eingrad.engine.signature import check_names
from eingrad.errors import EingradError

Array = Any
Compile = Callable[[Mapping[str, Expr]], CompiledFunction]


class SegmentedFunction:
    """``f(**arrays)`` returns a dict of arrays, computed over ``length`` positions of ``dim`` at a
    time; ``stored`` is how many entries of states and the like the last call kept. A ``step`` takes
    what it needs of the results, and changes parameters."""

    def __init__(
        self, outputs: Mapping[str, Expr], dim: str, length: int, library: Library,
        compiled: Compile, inputs: Mapping[str, Var], step: CompiledFunction | None = None,
    ) -> None:  # fmt: skip
        roots = ready([*outputs.values()], dim)
        self.dim, self.length, self.library, self.stored = dim, length, library, 0
        self._names, self._step = tuple(outputs), step
        self._inputs = [v for v in find_inputs(outputs, {}) if v.name in inputs]
        self._ignored = {*inputs} - {v.name for v in self._inputs}
        self._segments = own = Segments(dict(zip(outputs, roots, strict=True)), dim)
        self._wholes = [compiled(x) if x else None for x in own.wholes]
        self._sweeps = [compiled(self._results(sweep)) for sweep in own.sweeps]
        read = {v.name for f in self._sweeps for v in f.inputs}
        full = {name: x for name, (x, _) in own.full.items() if name in read}
        self._full = compiled(full) if full else None
        self._along = {v.name: v.dims.index(dim) for v in self._inputs if dim in v.dims}
        self._along |= {name: own.full[name][1] for name in full}
        if not self._along:
            raise EingradError(
                f"no array tells the extent of {dim}, whose states are to be computed again",
                hint="leave out keep_every",
            )
        lags = [border.place for border in own.borders.values()]
        self._least = max(lags, default=1)

    def _results(self, sweep: Sweep) -> dict[str, Expr]:
        """Return what a sweep computes over one segment."""
        kept = {f"<kept {b.var.name}>": self._segments.cut(b.of) for b in sweep.kept}
        return {name: x for name, (x, _) in sweep.pieces.items()} | sweep.sums | kept

    def __call__(self, /, **arrays: Any) -> dict[str, Array]:
        check_names(self._inputs, {n: x for n, x in arrays.items() if n not in self._ignored})
        others = [*arrays.values()]
        known = {name: self.library.as_array(name, x, others) for name, x in arrays.items()}
        for f in (self._full, self._wholes[0]):
            known |= _call(f, known) if f is not None else {}
        ends = self._ends(known)
        borders: dict[tuple[str, int], Array] = {}
        found: dict[str, Array] = {}
        for k, (sweep, f) in enumerate(zip(self._segments.sweeps, self._sweeps, strict=True)):
            found |= self._run(sweep, f, known, ends, borders)
            after = self._wholes[k + 1]
            known |= {name: found[name] for name in sweep.sums}
            known |= _call(after, known) if after is not None else {}
        self.stored = sum(x.size if isinstance(x.size, int) else x.numel()
                          for x in borders.values())  # fmt: skip
        results = {name: found[name] if name in found else known[name] for name in self._names}
        if self._step is None:
            return results
        given = {v.name: results.pop(v.name) if v.name in results else arrays[v.name]
                 for v in self._step.inputs}  # fmt: skip
        return results | self._step(**given)

    @property
    def state(self) -> dict[str, Array]:
        """What an optimizer keeps."""
        return {} if self._step is None else self._step.state

    def _ends(self, known: Mapping[str, Array]) -> list[tuple[int, int]]:
        """Return where each segment begins and ends: as long as one another, but for one."""
        name, axis = next(iter(self._along.items()))
        total = known[name].shape[axis]
        count = max(1, min(-(-total // self.length), total // self._least))
        edges = [total * k // count for k in range(count + 1)]
        return [*pairwise(edges)]

    def _run(
        self, sweep: Sweep, f: CompiledFunction, known: Mapping[str, Array],
        ends: list[tuple[int, int]], borders: dict[tuple[str, int], Array],
    ) -> dict[str, Array]:  # fmt: skip
        """Run one sweep; ``borders`` are those that were found, by the segment that reads them."""
        own = self._segments.borders.values()
        pieces: dict[str, list[Array]] = {name: [] for name in sweep.pieces}
        sums: dict[str, Array] = {}
        order = range(len(ends))
        for k in reversed(order) if sweep.back else order:
            here = {n: _part(known[n], axis, *ends[k]) for n, axis in self._along.items()}
            for border in own:
                outside = k == (len(ends) - 1 if border.after else 0)
                value = known.get(border.outside) if outside else borders.get((border.var.name, k))
                here[border.var.name] = value
            result = _call(f, {**known, **here})
            for border in sweep.kept:
                there = k - 1 if border.after else k + 1
                if 0 <= there < len(ends):
                    borders[border.var.name, there] = self._entry(border, result, *ends[k])
            for name, own_pieces in pieces.items():
                own_pieces.append(result[name])
            for name in sweep.sums:
                sums[name] = sums[name] + result[name] if name in sums else result[name]
        turn = -1 if sweep.back else 1
        joined = {name: self.library.joined(x[::turn], sweep.pieces[name][1])
                  for name, x in pieces.items()}  # fmt: skip
        return joined | sums

    def _entry(self, border: Border, result: Mapping[str, Array], start: int, stop: int) -> Array:
        """Return a copy of an entry at a segment's end."""
        place = border.place - 1 if border.after else stop - start - border.place
        x = result[f"<kept {border.var.name}>"]
        own = self.library.joined([_part(x, border.axis, place, place + 1)], border.axis)
        return own[(slice(None),) * border.axis + (0,)]

    @property
    def plan(self) -> tuple[Plan, ...]:
        """The table of each function that runs."""
        return tuple(f.plan for f in self._every)

    @property
    def source(self) -> str:
        """The Python source of all functions that run, sweep by sweep."""
        return "\n\n".join(f.source for f in self._every)

    @property
    def _every(self) -> list[CompiledFunction]:
        every = [self._full, self._wholes[0]]
        for f, after in zip(self._sweeps, self._wholes[1:], strict=True):
            every += [f, after]
        return [f for f in (*every, self._step) if f is not None]

    def __repr__(self) -> str:
        given = ", ".join(v.name for v in self._inputs)
        return f"<eingrad function of {given} -> {', '.join(self._names)}, in segments>"


def _call(f: CompiledFunction, known: Mapping[str, Array]) -> dict[str, Array]:
    return f(**{v.name: known[v.name] for v in f.inputs})


def _part(x: Array, axis: int, start: int, stop: int) -> Array:
    return x[(slice(None),) * axis + (slice(start, stop),)]


__all__ = ["SegmentedFunction"]
