"""Recurrences in a program: one step that runs a loop over a program of its own.

What the loop stores, all entries of all its states, is one register; the states are views of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from eingrad.core.expr import Var
from eingrad.core.positions import Loop, Past
from eingrad.engine.memory import Memory, plan_memory, without_buffers
from eingrad.engine.passes import prune, specialize_large
from eingrad.engine.program import FLOAT, Argument, Builder, Program, Register, Shape
from eingrad.engine.spelling import Spelling


class Writer(Protocol):
    """What a loop asks of the emitter around it, and of the one for its body."""

    spelling: Spelling
    dtype: str
    item_size: int
    device: str
    names: dict[Register, str]

    def fresh(self) -> str:
        """Return a name that nothing has."""

    def inside(self, program: Program, memory: Memory) -> Writer:
        """Return the writer of a loop's body."""

    def lines(self) -> list[str]:
        """Return the lines of the steps that were not written before."""

    def result(self, value: Argument) -> str:
        """Return a result of a loop's body."""

    def is_fresh(self, register: Register) -> bool:
        """Whether a result is an array of its own, that a step fills."""

    def name_of(self, register: Register) -> str:
        """Return the name of a register, a view's too."""

    def kept_array(self, text: str) -> str:
        """Return the name of an array that is made once."""


@dataclass(eq=False, slots=True)
class LoopProgram:
    """A loop's `count` positions, and the program of one, whose results are numbered.

    ``stores`` are the registers that hold all entries of each state.
    """

    loop: Loop
    count: int
    program: Program
    stores: list[Register]

    def __repr__(self) -> str:
        return f"{self.loop!r} at {id(self)}"


def add_loop(
    b: Builder, loop: Loop, count: int, program: Program, arguments: list[Argument],
    shapes: list[Shape],
) -> list[Register]:  # fmt: skip
    """Append the step of a loop, whose entries have ``shapes``; return a register a state."""
    program = prune(program)
    whole = [(count, *shape) for shape in shapes]
    sizes = [math.prod(shape) for shape in whole]
    inner = LoopProgram(loop, count, program, [])
    out = b.step(
        "scan", arguments, (sum(sizes),), parameters=(inner,), flops=count * program.flops,
        equation=f"{count} positions",
    )  # fmt: skip
    start = 0
    for k, (shape, size) in enumerate(zip(whole, sizes, strict=True)):
        view = b.view(out, "state", (k, start, start + size, shape), shape)
        inner.stores.append(view)
        start += size
    return inner.stores


# --- as source ------------------------------------------------------------------------------------


def loop_lines(emitter: Writer, inner: LoopProgram, arguments: list[str], out: str) -> list[str]:
    """Write the loop of a step, whose result is called ``out``."""
    writer = _LoopWriter(emitter, inner, arguments, out)
    if emitter.spelling.loop == "scan":
        return writer.as_scan()
    return writer.in_place() if emitter.spelling.in_place else writer.as_list()


class _LoopWriter:
    def __init__(self, emitter: Writer, inner: LoopProgram, arguments: list[str], out: str) -> None:
        self.outer, self.loop, self.count, self.out = emitter, inner.loop, inner.count, out
        self.arguments, self.stores = arguments, inner.stores
        self.sources = dict(enumerate(arguments))  # of entries at a position
        program = inner.program
        if emitter.spelling.in_place:
            program = specialize_large(program, emitter.dtype)
            memory = plan_memory(program, emitter.item_size)
        else:
            memory = without_buffers(program, emitter.item_size)
        self.program = program
        self.own = emitter.inside(program, memory)
        self.dtype = emitter.spelling.dtype(FLOAT, emitter.dtype)

    def name(self, var: Var) -> str:
        """Return the name of a tensor of the body, a new one."""
        name = self.outer.fresh()
        self.named(var, name)
        return name

    def named(self, var: Var, name: str) -> None:
        register = self.program.inputs.get(var.name)
        if register is not None:
            self.own.names[register] = name

    def is_used(self, var: Var) -> bool:
        return var.name in self.program.inputs

    def shape(self, var: Var) -> Shape:
        return self.program.inputs[var.name].shape

    def zeros(self, shape: Shape) -> str:
        if not shape and self.outer.spelling.in_place:
            return f"{self.dtype}(0)"
        text = self.outer.spelling.expression("fill")
        if self.outer.spelling.in_place:
            return self.outer.kept_array(f"np.zeros({shape}, {self.dtype})")
        return text.format(0.0, shape=shape, dtype=self.dtype, device=self.outer.device)

    def start(self, state: int, shape: Shape) -> str:
        number = self.loop.starts.get(state)
        return self.zeros(shape) if number is None else self.arguments[number]

    def results(self) -> list[str]:
        """Return the entries of the states at the position, computed by the lines so far."""
        return [self.own.result(self.program.outputs[str(k)]) for k in range(len(self.stores))]

    def entries(self, at: str) -> list[str]:
        """Write the entries of what the loop reads at a position."""
        for n, var in self.loop.whole.items():
            self.named(var, self.arguments[n])
        return [f"{self.name(var)} = {self.sources[n]}[{at}]"
                for n, var in self.loop.entries.items() if self.is_used(var)]  # fmt: skip

    def reads(self, at: str, stores: Callable[[int], str]) -> list[str]:
        """Write what the states were at positions before."""
        lines = []
        for (k, d), var in self.loop.reads.items():
            if not self.is_used(var):
                continue
            there = f"{at} + {d}" if self.loop.back else f"{at} - {d}"
            inside = f"{at} < {self.count - d}" if self.loop.back else f"{at} >= {d}"
            start = self.start(k, self.shape(var))
            lines.append(f"{self.name(var)} = {stores(k)}[{there}] if {inside} else {start}")
        return lines

    @property
    def pasts(self) -> dict[Past, Var]:
        """What the formulas read many entries of."""
        return {past: var for past, var in self.loop.pasts.items() if self.is_used(var)}

    def seen(self) -> list[int]:
        """Return the states of which all entries so far are read."""
        return list(dict.fromkeys(past.state for past in self.pasts if past.kind != "lags"))

    def positions(self) -> str:
        return f"range({self.count - 1}, -1, -1)" if self.loop.back else f"range({self.count})"

    def in_place(self) -> list[str]:
        """Write a loop that fills arrays."""
        at, stores = self.outer.fresh(), [self.outer.name_of(x) for x in self.stores]
        lines = [*self.entries(at), *self.reads(at, stores.__getitem__)]
        made, after = [f"{stores[k]}[...] = 0" for k in self.seen()], list[str]()
        for past, var in self.pasts.items():
            if past.kind == "all":
                self.named(var, stores[past.state])
            elif past.kind == "column":
                lines.append(f"{self.name(var)} = {_column(stores[past.state], past, at)}")
            else:
                own = f"np.empty({self.shape(var)}, {self.dtype})  # lags of {stores[past.state]}"
                lags = self.outer.kept_array(own)
                self.named(var, lags)
                made.append(f"{lags}[...] = 0")
                after.append(f"{lags}[1:] = {lags}[:-1]")
                after.append(f"{lags}[:1] = {stores[past.state]}[{at}]")
        waiting: dict[int, str] = {}
        for k, store in enumerate(stores):
            register = self.program.outputs[str(k)]
            if isinstance(register, Register) and self.own.is_fresh(register):
                target = self.own.names[register] = self.outer.fresh()
                lines.append(f"{target} = {store}[{at}]")
            else:
                waiting[k] = store
        lines += self.own.lines()
        for k, store in waiting.items():
            value = self.own.result(self.program.outputs[str(k)])
            lines += [*self.own.lines(), f"{store}[{at}] = {value}"]
        return [*made, f"for {at} in {self.positions()}:", *_indented([*lines, *after])]

    def as_list(self) -> list[str]:
        """Write a loop over lists, which a library's own differentiation can follow."""
        at, stores = self.outer.fresh(), [self.outer.fresh() for _ in self.stores]
        made = [f"{store} = [None] * {self.count}" for store in stores]
        for n, var in self.loop.entries.items():
            if self.is_used(var):  # at once: 200 indices take longer than the list of them
                made.append(f"{self.outer.fresh()} = {self.arguments[n]}.unbind()")
                self.sources[n] = made[-1].partition(" ")[0]
        lines = [*self.entries(at), *self.reads(at, stores.__getitem__)]
        lines += [f"{self.name(var)} = {self._listed(past, var, stores[past.state], at)}"
                  for past, var in self.pasts.items()]  # fmt: skip
        lines += self.own.lines()
        lines += [f"{s}[{at}] = {v}" for s, v in zip(stores, self.results(), strict=True)]
        stacked = ", ".join(
            f"torch.stack({store})" if self.count else self.zeros(entries.shape)
            for store, entries in zip(stores, self.stores, strict=True)
        )
        return [
            *made, f"for {at} in {self.positions()}:", *_indented(lines),
            f"{self.out} = ({stacked},)",
        ]  # fmt: skip

    def _listed(self, past: Past, var: Var, store: str, at: str) -> str:
        """Return many entries of a list as one tensor."""
        shape = self.shape(var)[1:]
        if past.kind == "lags":
            back, lag, count = self.loop.back, "_d", self.shape(var)[0]
            there = f"{at} + 1 + {lag}" if back else f"{at} - 1 - {lag}"
            inside = f"{at} + {lag} < {self.count - 1}" if back else f"{at} > {lag}"
            if not count:
                return self.zeros(self.shape(var))
            return (f"torch.stack([{store}[{there}] if {inside} else {self.zeros(shape)} "
                    f"for {lag} in range({count})])")  # fmt: skip
        entry = "_x" if past.kind == "all" else f"_x.select({past.what}, {at})"
        zeros = self.zeros(shape)
        return f"torch.stack([{zeros} if _x is None else {entry} for _x in {store}])"

    def as_scan(self) -> list[str]:
        """Write a function of what is carried on and of the entries at one position."""
        step, carry, xs = (self.outer.fresh() for _ in range(3))
        read = [n for n, var in self.loop.entries.items() if self.is_used(var)]
        for n, var in self.loop.whole.items():
            self.named(var, self.arguments[n])
        entries = [self.name(self.loop.entries[n]) for n in read]
        carried, starts, names = self._carried()
        every = {k: self.outer.fresh() for k in self.seen()}
        lags = {past: self.name(var) for past, var in self.pasts.items() if past.kind == "lags"}
        carried += [*every.values(), *lags.values()]
        starts += [self.zeros(self.stores[k].shape) for k in every]
        starts += [self.zeros(self.shape(self.pasts[past])) for past in lags]
        at = self.outer.fresh() if every else ""
        lines = [f"{_tuple(carried)} = {carry}"] if carried else []
        given = [*entries, at] if at else entries
        lines += [f"{_tuple(given)} = {xs}"] if given else []
        for past, var in self.pasts.items():
            if past.kind == "all":
                self.named(var, every[past.state])
            elif past.kind == "column":
                lines.append(f"{self.name(var)} = {_column(every[past.state], past, at)}")
        lines += self.own.lines()
        results = [f"jnp.asarray({x}, {self.dtype})" for x in self.results()]
        values = [self.outer.fresh() for _ in results]
        lines += [f"{v} = {x}" for v, x in zip(values, results, strict=True)]
        after = [values[k] if d == 1 else names[k, d - 1] for k, d in names]
        after += [f"{store}.at[{at}].set({values[k]})" for k, store in every.items()]
        after += [f"jnp.concatenate([{values[past.state]}[None], {name}[:-1]])"
                  for past, name in lags.items()]  # fmt: skip
        lines.append(f"return {_tuple(after)}, {_tuple(values)}")
        counted = [f"jnp.arange({self.count})"] if at else []
        read_from = _tuple([*(self.arguments[n] for n in read), *counted])
        back = ", reverse=True" * self.loop.back
        return [
            f"def {step}({carry}, {xs}):", *_indented(lines),
            f"{self.out} = jax.lax.scan({step}, {_tuple(starts)}, {read_from}, "
            f"length={self.count}{back})[1]",
        ]  # fmt: skip

    def _carried(self) -> tuple[list[str], list[str], dict[tuple[int, int], str]]:
        """Return the names of what is carried on, and what stands before the first position."""
        names: dict[tuple[int, int], str] = {}
        starts = []
        for k, store in enumerate(self.stores):
            for d in range(1, self.loop.reach(k) + 1):
                var = self.loop.reads.get((k, d))
                names[k, d] = self.outer.fresh() if var is None else self.name(var)
                starts.append(f"jnp.asarray({self.start(k, store.shape[1:])}, {self.dtype})")
        return list(names.values()), starts, names


def _column(store: str, past: Past, at: str) -> str:
    """Return the entries of a state at a position along one of its own axes."""
    assert isinstance(past.what, int)
    return f"{store}[{':, ' * (1 + past.what)}{at}]"


def _tuple(items: Iterable[str]) -> str:
    items = list(items)
    return f"({', '.join(items)}{',' * (len(items) == 1)})"


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


__all__ = ["LoopProgram", "add_loop", "loop_lines"]
