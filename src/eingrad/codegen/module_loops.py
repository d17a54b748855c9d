"""The loops of a standalone module: a ``for`` over one body, or a function for ``lax.scan``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from eingrad.codegen.code import (
    WIDTH,
    Code,
    atom,
    bracketed,
    comment,
    indexed,
    statement,
    tuple_text,
    unpacked,
)
from eingrad.codegen.expressions import ExpressionWriter
from eingrad.codegen.module_plan import body_of
from eingrad.core.expr import Dim, Expr, Var, postorder, variables
from eingrad.core.positions import Bound, Past, Scan

Shape = tuple[Dim, ...]
INDENT = "    "
ROOM = 32  # of a tuple that needs no name


def loops_in(expr: Expr) -> list[Scan]:
    """Return what loops store in an expression."""
    return [x for x in postorder([expr]) if isinstance(x, Scan)] if expr.has_loop else []


@dataclass(frozen=True)
class Stored:
    """A state of a loop: the tensor that it is, the array with the loop's label first, its formula,
    the shape of an entry, and whether something reads it when the loop is done."""

    tensor: str
    array: str
    text: str
    dims: Shape
    is_read: bool


class LoopText:
    """Writes one loop. ``new`` gives names that nothing else has, ``local`` those that only loops
    have, the same ones in each."""

    def __init__(
        self, writer: ExpressionWriter, names: dict[str, str], scan: Scan,
        stored: Sequence[Stored], letter: str, new: Callable[[str], str],
        local: Callable[[str], str],
    ) -> None:  # fmt: skip
        self.writer, self.loop, self.stored, self.new = writer, scan.loop, stored, new
        self.names, self.every = names, dict[int, str]()
        self.operands = [names[x.name] for x in scan.operands if isinstance(x, Var)]
        self.at, self.local, self.count = local(letter), local, str(writer.size(scan.loop.dim))
        self.lines = body_of(scan.loop)
        used = {v.name for line in self.lines for v in variables(line.expr)}
        self.reads = {k: v for k, v in self.loop.reads.items() if v.name in used}
        self.entries = {n: v for n, v in self.loop.entries.items() if v.name in used}
        self.pasts = {k: v for k, v in self.loop.pasts.items() if v.name in used}
        for n, var in self.loop.whole.items():
            names[var.name] = self.operands[n]

    @property
    def seen(self) -> list[int]:
        """The states of which all entries so far are read."""
        return list(dict.fromkeys(past.state for past in self.pasts if past.kind != "lags"))

    @property
    def lagged(self) -> list[int]:
        """The states of which the last entries are read, as many as labels say."""
        return list(dict.fromkeys(past.state for past in self.pasts if past.kind == "lags"))

    def text(self) -> list[str]:
        """Return the lines of the loop."""
        return self._scanned() if self.writer.target.name == "jax" else self._repeated()

    # --- a loop over positions ---

    def _repeated(self) -> list[str]:
        numpy = self.writer.target.name == "numpy"
        many = {past.state for past in self.pasts}
        kept = {k: s for k, s in enumerate(self.stored)
                if s.is_read or self.loop.reach(k) or k in many}  # fmt: skip
        names = {k: s.array if numpy else self.new(f"{s.tensor}_at") for k, s in kept.items()}
        here = {k: f"{name}[{self.at}]" for k, name in names.items()}
        here |= {k: self.new(f"{s.tensor}_{self.at}")
                 for k, s in enumerate(self.stored) if k not in kept}  # fmt: skip
        entries = {v.name: indexed(atom(self.operands[n]), self.at)
                   for n, v in self.entries.items()}  # fmt: skip
        entries |= {self._own(k).name: indexed(atom(x), self.at) for k, x in names.items()}
        made, starts = self._starts({k for k, _ in self.reads})
        absent = {}
        for k in self.lagged if numpy else {past.state: None for past in self.pasts}:
            absent[k], zeros = self._zeros(k, "absent")
            made += zeros
        for k, s in kept.items():
            if numpy:
                given = [self._shape((self.loop.dim, *s.dims)), self._dtype()]
                how = "zeros" if k in self.seen else "empty"
                made += bracketed(f"{names[k]} = np.{how}(", given, ")", INDENT)
            else:
                made.append(f"{INDENT}{names[k]}: dict[int, Tensor] = {{}}")
        read = [x for k, d in self.reads for x in self._read(k, d, names[k], starts[k])]
        for k in () if numpy else self.seen:
            read += self._stacked(k, names[k], absent[k])
        for past in self.pasts:
            read += self._past(past, names[past.state], absent.get(past.state, ""))
        body = self._body(entries, here)
        order = f"range({self.count})"
        order_of_run = f"reversed({order})" if self.loop.back else order
        lines = [*made, f"{INDENT}for {self.at} in {order_of_run}:", *read, *body]
        if not numpy:
            for k, s in [(k, s) for k, s in kept.items() if s.is_read]:
                inside = f"[{names[k]}[{self.at}] for {self.at} in {order}]"
                lines += bracketed(f"{s.array} = torch.stack(", [inside], ")", INDENT)
        return lines

    def _read(self, k: int, d: int, name: str, start: str) -> list[str]:
        """Write what a state was so many positions before, or is after."""
        there = f"{self.at} {'+' if self.loop.back else '-'} {d}"
        own = self.names[self.reads[k, d].name] = self._earlier(k, d)
        if self.writer.target.name == "torch":
            return bracketed(f"{own} = {name}.get(", [there, start], ")", 2 * INDENT)
        inside = f"{there} < {self.count}" if self.loop.back else f"{self.at} >= {d}"
        parts = [f"{name}[{there}]", f"if {inside}", f"else {start}"]
        flat = f"{2 * INDENT}{own} = {' '.join(parts)}"
        if len(flat) <= WIDTH:
            return [flat]
        whole = f"{3 * INDENT}{' '.join(parts)}"
        inner = [whole] if len(whole) <= WIDTH else [f"{3 * INDENT}{x}" for x in parts]
        return [f"{2 * INDENT}{own} = (", *inner, f"{2 * INDENT})"]

    def _stacked(self, k: int, name: str, absent: str) -> list[str]:
        """Write all entries of a state that are there, with zeros in the place of the others."""
        index = self.local("place")
        own = self.every[k] = self.new(f"{self.stored[k].tensor}_so_far")
        each = f"for {index} in range({self.count})"
        return self._listed(own, f"{name}.get({index}, {absent})", each)

    def _past(self, past: Past, name: str, absent: str) -> list[str]:
        """Write many entries of a state, which the position reads."""
        var, tensor = self.pasts[past], self.stored[past.state].tensor
        if past.kind == "all":
            self.names[var.name] = self.every.get(past.state, name)
            return []
        if past.kind == "column":
            whole = self.every.get(past.state, name)
            own = self.names[var.name] = self.new(f"{tensor}_to_{self.at}")
            return [f"{2 * INDENT}{own} = {self._column(past, whole)}"]
        own, lag = self.new(f"{tensor}_lags"), self.local("lag")
        self.names[var.name] = own
        turn = "+" if self.loop.back else "-"
        there = f"{self.at} {turn} 1 {turn} {lag}"
        inside = f"{there} < {self.count}" if self.loop.back else f"{self.at} > {lag}"
        entry = f"{name}[{there}] if {inside} else {absent}"
        if self.writer.target.name == "torch":
            entry = f"{name}.get({there}, {absent})"
        return self._listed(own, entry, f"for {lag} in range({self.writer.size(var.dims[0])})")

    def _listed(self, name: str, entry: str, each: str) -> list[str]:
        """Write a stack of what a comprehension gives."""
        head = f"{name} = {self.writer.target.module}.stack(["
        flat = f"{2 * INDENT}{head}{entry} {each}])"
        if len(flat) <= WIDTH:
            return [flat]
        return [2 * INDENT + head, 3 * INDENT + entry, 3 * INDENT + each, 2 * INDENT + "])"]

    def _column(self, past: Past, whole: str) -> str:
        assert isinstance(past.what, int)
        return f"{whole}[{':, ' * (1 + past.what)}{self.at}]"

    # --- a function of what is carried on ---

    def _scanned(self) -> list[str]:
        step = self.new(f"{self.stored[0].tensor}_step")
        before, here = self.local("before"), self.local("here")
        carried = {
            (k, d): self._earlier(k, d)
            for k in range(len(self.stored))
            for d in range(1, self.loop.reach(k) + 1)
        }
        own = [self.new(f"{s.tensor}_{self.at}") for s in self.stored]
        entries = {n: self.new(f"{self.operands[n]}_{self.at}") for n in self.entries}
        names = self.names
        names |= {v.name: carried[key] for key, v in self.reads.items()}
        names |= {self.entries[n].name: x for n, x in entries.items()}
        made, starts = self._starts({k for k, _ in carried})
        first = [starts[k] for k, _ in carried]
        for k in self.seen:
            self.every[k] = self.new(f"{self.stored[k].tensor}_so_far")
            zeros, lines = self._zeros(k, "zeros", self.loop.dim)
            made, first = [*made, *lines], [*first, zeros]
        lags = [past for past in self.pasts if past.kind == "lags"]
        columns: list[str] = []
        for past, var in self.pasts.items():
            if past.kind == "lags":
                self.names[var.name] = self.new(f"{self.stored[past.state].tensor}_lags")
                shape = self._shape(var.dims)
                first.append(f"jnp.zeros({shape}, {self._dtype()})")
            else:
                columns += self._past(past, "", "")
        given = [f"{before}: Saved", f"{here}: Saved"]
        lines = [*made, "", *bracketed(f"def {step}(", given, ") -> tuple[Saved, Saved]:", INDENT)]
        many = [*self.every.values(), *(self.names[self.pasts[past].name] for past in lags)]
        at = [self.at] if self.every else []
        lines += unpacked([*carried.values(), *many], before, 2 * INDENT)
        lines += unpacked([*entries.values(), *at], here, 2 * INDENT)
        lines += [*columns, *self._body({}, dict(enumerate(own)))]
        after = [own[k] if d == 1 else carried[k, d - 1] for k, d in carried]
        after += [f"{every}.at[{self.at}].set({own[k]})" for k, every in self.every.items()]
        after += [f"jnp.concatenate([{own[p.state]}[None], {self.names[self.pasts[p].name]}[:-1]])"
                  for p in lags]  # fmt: skip
        kept = {own[k]: s.array for k, s in enumerate(self.stored) if s.is_read}
        results = [self._packed(x, name, lines, 2 * INDENT)
                   for x, name in ((after, before), ([*kept], here))]  # fmt: skip
        lines += [f"{2 * INDENT}return {', '.join(results)}", ""]
        read = [*(self.operands[n] for n in entries), *(f"jnp.arange({self.count})" for _ in at)]
        given = [self._packed(x, name, lines, INDENT)
                 for x, name in ((first, before), (read, here))]  # fmt: skip
        options = [f"length={self.count}", *["reverse=True"] * self.loop.back]
        arrays = _tuple([*kept.values()])
        fits = len(arrays) <= ROOM
        head = f"_, {arrays if fits else here} = jax.lax.scan("
        lines += bracketed(head, [step, *given, *options], ")", INDENT)
        return lines if fits else [*lines, *unpacked([*kept.values()], here, INDENT)]

    def _packed(self, items: Sequence[str], name: str, lines: list[str], indent: str) -> str:
        """Return a tuple, by its name where it is long: then ``lines`` get its definition."""
        if len(text := _tuple(items)) <= ROOM:
            return text
        lines += bracketed(f"{name} = (", items, ",)" if len(items) == 1 else ")", indent, True)
        return name

    # --- both ---

    def _own(self, k: int) -> Var:
        """Return the entry of a state at the position."""
        return Bound("s", k, self.stored[k].dims)

    def _earlier(self, k: int, d: int) -> str:
        word = "after" if self.loop.back else "before"
        return self.new(f"{self.stored[k].tensor}_{word}{d if d > 1 else ''}")

    def _starts(self, states: set[int]) -> tuple[list[str], dict[int, str]]:
        """Return lines that make zeros, and what stands before the first entry of each state."""
        lines, names = [], {}
        for k in sorted(states):
            number = self.loop.starts.get(k)
            if number is not None:
                names[k] = self.operands[number]
                continue
            names[k], own = self._zeros(k, "start")
            lines += own
        return lines, names

    def _zeros(self, k: int, word: str, *count: Dim) -> tuple[str, list[str]]:
        """Return the name of an entry of zeros, or of so many, and the lines that make it."""
        name = self.new(f"{self.stored[k].tensor}_{word}")
        shape, module = self._shape((*count, *self.stored[k].dims)), self.writer.target.module
        given, head = [shape, self._dtype()], f"{module}.zeros("
        if module == "torch":
            given, head = [shape], f"{self.writer.like}.new_zeros("
        return name, bracketed(f"{name} = {head}", given, ")", INDENT)

    def _shape(self, dims: Shape) -> str:
        return tuple_text([str(self.writer.size(d)) for d in dims]) if dims else "()"

    def _dtype(self) -> str:
        return f"{self.writer.like}.dtype"

    def _body(self, entries: Mapping[str, Code], targets: Mapping[int, str]) -> list[str]:
        """Write what is computed at one position, the entry of each state to its target."""
        writer, states = self.writer, {self._own(k).name: k for k in targets}
        self.names |= {self._own(k).name: x for k, x in targets.items()}
        writer.entries, matmul = {**entries}, writer.matmul
        writer.matmul = True  # einsum takes longer to begin
        lines: list[str] = []
        for line in self.lines:
            name = line.var.name
            wanted = f"{self.stored[states[name.split(' ')[0]]].tensor}_part"
            if name not in states:
                self.names[name] = self.new(wanted)
            else:
                for row in self.stored[states[name]].text.splitlines():
                    lines += comment(row, 2 * INDENT)

            def fresh(wanted: str = wanted) -> str:
                return self.new(wanted)

            value = writer.definition(line.expr)
            lines += statement(self.names[name], value, fresh, 2 * INDENT)
        writer.entries, writer.matmul = {}, matmul
        return lines


def _tuple(items: Sequence[str]) -> str:
    return tuple_text(items) if items else "()"
