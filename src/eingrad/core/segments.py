"""A graph with recurrences over one label, cut into segments of positions that run one by one.

Of what a recurrence stores, only what stands next to a segment's ends is kept; inside, it is
computed again. The label is swept from one end to the other and back, as often as there are
recurrences that need each other: the states forwards, their adjoints backwards. A *sweep* is
formulas over one segment; a dimension keeps its name in them and is only shorter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eingrad.core.algebra import einsum, zeros
from eingrad.core.arrays import Gather, Matrix, Scatter
from eingrad.core.bands import Window
from eingrad.core.expr import Const, Einsum, Expr, Map, Reduce, Var, postorder
from eingrad.core.positions import Bound, Loop, Scan, Shift
from eingrad.core.product import shared_products
from eingrad.core.rewrite import rebuild, substitute
from eingrad.errors import EingradError


@dataclass(frozen=True, slots=True)
class Border:
    """Entries next to a segment that it reads: of ``of`` along ``axis``, before it or ``after`` it.

    ``var`` is the ``place``-th of them from the segment on; beyond the label's own end it is what
    is called ``outside``.
    """

    var: Var
    of: Expr
    axis: int
    after: bool
    place: int
    outside: str


@dataclass
class Sweep:
    """What one pass over the segments computes: ``pieces`` along the label, by name with their
    axis, ``sums`` over the segments, and the ``kept`` borders."""

    back: bool
    pieces: dict[str, tuple[Expr, int]] = field(default_factory=dict)
    sums: dict[str, Expr] = field(default_factory=dict)
    kept: list[Border] = field(default_factory=list)


class Segments:
    """The sweeps over ``dim`` that compute ``outputs``; raises EingradError where none do.

    ``wholes[k]`` are tensors without the label that are computed before sweep k, the last ones
    after all, ``full`` are those along the label, with their axis, that no segment alone tells.
    """

    def __init__(self, outputs: Mapping[str, Expr], dim: str) -> None:
        self.dim, self.outputs = dim, outputs
        self.levels: dict[Expr, int] = {}
        loops = [x.loop for x in postorder(outputs.values()) if isinstance(x, Scan)]
        self.first_back = next((loop.back for loop in loops if loop.dim == dim), False)
        for node in postorder(outputs.values()):
            self.levels[node] = self._level(node)
        count = max([1, *self.levels.values()])
        self.sweeps = [Sweep(self.back(k)) for k in range(1, count + 1)]
        self.wholes: list[dict[str, Expr]] = [{} for _ in range(count + 1)]
        self.full: dict[str, tuple[Expr, int]] = {}
        self.named: dict[Expr, Var] = {}  # what has not the label
        self.sums: dict[Expr, Var] = {}
        self.borders: dict[tuple[Expr, int, bool, int, Expr | None], Border] = {}
        self.cuts: dict[Expr, Expr] = {}
        self.loops: dict[tuple[Loop, tuple[Expr, ...]], dict[int, Scan]] = {}
        for name, node in outputs.items():
            self._output(name, node)
        self._spread()

    def back(self, level: int) -> bool:
        """Whether a sweep runs from the last segment to the first."""
        return self.first_back == (level % 2 == 1)

    def axes(self, node: Expr) -> list[int]:
        """Return the axes along the label."""
        return [k for k, d in enumerate(node.dims) if d == self.dim]

    # --- which sweep computes a node ---

    def _level(self, node: Expr) -> int:
        """Return the sweep that computes a node along the label, or after which it is known."""
        along = bool(self.axes(node))
        level = 0
        for x in node.operands:
            own = self.levels[x]
            level = max(level, own + (along and own > 0 and not self.axes(x)))
        if isinstance(node, Scan) and node.loop.dim == self.dim:
            return self._turned(max(level, 1), node.loop.back)
        if isinstance(node, Shift) and node.dims[node.axis] == self.dim and level:
            return self._turned(level, node.by > 0)
        return level

    def _turned(self, level: int, back: bool) -> int:
        return level + (self.back(level) != back)

    # --- tensors without the label ---

    def whole(self, node: Expr) -> Expr:
        """Return a tensor without the label, by its name where it is computed once for all."""
        if isinstance(node, Var | Const):
            return node
        if self._is_sum(node):
            return self._sum(node)
        if node not in self.named:
            self.named[node] = Var(f"<whole {len(self.named)}>", node.dims)
            self.wholes[self.levels[node]][self.named[node].name] = self._with_sums(node)
        return self.named[node]

    def _with_sums(self, node: Expr) -> Expr:
        """Return a tensor over sums along the label, which sweeps compute."""
        sums: dict[Expr, Expr] = {x: self._sum(x) for x in postorder([node]) if self._is_sum(x)}
        return substitute(node, sums)

    def _is_sum(self, node: Expr) -> bool:
        over = not self.axes(node) and any(map(self.axes, node.operands))
        return over and bool(self.levels[node])

    def _sum(self, node: Expr) -> Var:
        if node not in self.sums:
            if not isinstance(node, Einsum | Scatter):
                raise self._refused(node)
            own = self.sums[node] = Var(f"<sum {len(self.sums)}>", node.dims)
            self.sweeps[self.levels[node] - 1].sums[own.name] = self._local(node)
        return self.sums[node]

    # --- formulas of one segment ---

    def cut(self, node: Expr) -> Expr:
        """Return what a node along the label is over one segment."""
        if node not in self.cuts:
            self.cuts[node] = self._cut(node)
        return self.cuts[node]

    def _cut(self, node: Expr) -> Expr:
        if isinstance(node, Var):
            return node
        if not self.levels[node]:
            try:
                return self._local(node)
            except EingradError:
                return self._whole_length(node)
        if isinstance(node, Shift) and node.dims[node.axis] == self.dim:
            return self._shifted(node)
        if isinstance(node, Scan) and node.loop.dim == self.dim:
            return self._scanned(node)
        return self._local(node)

    def _whole_length(self, node: Expr) -> Expr:
        name = f"<full {len(self.full)}>"
        self.full[name] = (node, self.axes(node)[0])
        return Var(name, node.dims)

    def _local(self, node: Expr) -> Expr:
        """Return a node over cut operands, if an entry needs what stands at its position alone."""
        if len(self.axes(node)) > 1 or not node.operands or not self._is_local(node):
            raise self._refused(node)
        return rebuild(node, [self.cut(x) if self.axes(x) else self.whole(x)
                              for x in node.operands])  # fmt: skip

    def _is_local(self, node: Expr) -> bool:
        if any(len(self.axes(x)) > 1 for x in node.operands):
            return False
        if isinstance(node, Einsum):
            own = {ls[k] for x, ls in zip(node.operands, node.inputs, strict=True)
                   for k in self.axes(x)}  # fmt: skip
            own |= {k for k, d in zip(node.output, node.dims, strict=True) if d == self.dim}
            return len(own) == 1 and list(node.extents).count(self.dim) == 1
        if isinstance(node, Reduce):
            return set(self.axes(node.operands[0])).isdisjoint(node.axes)
        if isinstance(node, Matrix):
            return all(k < node.operands[0].ndim - 2 for k in self.axes(node.operands[0]))
        if isinstance(node, Gather | Scatter):
            dims = node.operands[0].dims if isinstance(node, Gather) else node.dims
            return all(isinstance(s, int) for s, d in zip(node.sources, dims, strict=True)
                       if d == self.dim)  # fmt: skip
        if isinstance(node, Window):
            read = {r.axis for r in node.reaches} | {d for r in node.reaches for d in r.dims}
            return read.isdisjoint([self.dim, *self.axes(node.operands[0])])
        return isinstance(node, Map) or (
            isinstance(node, Shift) and node.dims[node.axis] != self.dim
        )

    def _refused(self, node: Expr) -> EingradError:
        what = getattr(node, "function", type(node).__name__.lower())
        return EingradError(
            f"{what} reads several positions at once, which segments do not know",
            hint="leave out keep_every: then all states are kept",
        )

    def _border(self, of: Expr, axis: int, after: bool, place: int, outside: Expr | None) -> Var:
        key = of, axis, after, place, outside
        if key not in self.borders:
            own = tuple(d for k, d in enumerate(of.dims) if k != axis)
            name = f"<outside {len(self.borders)}>"
            level = 0 if outside is None else self.levels[outside]
            value = zeros(own) if outside is None else self._with_sums(outside)
            self.wholes[level][name] = value
            var = Var(f"<border {len(self.borders)}>", own)
            self.borders[key] = Border(var, of, axis, after, place, name)
        return self.borders[key].var

    def _shifted(self, node: Shift) -> Expr:
        """Move position by position, each time with the next entry behind the segment's end."""
        x, after = node.operands[0], node.by > 0
        moved = self.cut(x)
        for place in range(1, abs(node.by) + 1):
            border = self._border(x, node.axis, after, place, node.outside)
            moved = Shift(moved, node.axis, 1 if after else -1, border)
        return moved

    def _scanned(self, node: Scan) -> Expr:
        key = node.loop, node.operands
        if key not in self.loops:
            self.loops[key] = {}
            self._scans(node, self.loops[key])
        return self.loops[key][node.state]

    def _scans(self, node: Scan, found: dict[int, Scan]) -> None:
        """Write the loop over one segment: what stands before the first entry is a border."""
        loop = node.loop
        if loop.pasts:
            raise EingradError(
                "a state that reads many earlier ones needs all of them, not those of a segment",
                hint="leave out keep_every: then all states are kept",
            )
        if any(self.axes(x) for k, x in enumerate(node.operands) if k in loop.whole):
            raise self._refused(node)
        operands = [self.cut(x) if k in loop.entries else self.whole(x)
                    for k, x in enumerate(node.operands)]  # fmt: skip
        starts = {}
        for k in range(len(loop.bodies)):
            if loop.reach(k):
                outside = loop.starts.get(k)
                own = Scan(node.operands, loop, k)
                self.levels.setdefault(own, self.levels[node])
                given = None if outside is None else node.operands[outside]
                starts[k] = len(operands)
                operands.append(self._border(own, 0, loop.back, 1, given))
        new = Loop(loop.dim, loop.back, loop.bodies, loop.reads, loop.entries, loop.whole, starts)
        for k in range(len(loop.bodies)):
            found[k] = Scan(operands, new, k)

    # --- what each sweep does ---

    def _output(self, name: str, node: Expr) -> None:
        axes = self.axes(node)
        if not axes or not self.levels[node]:
            self.wholes[self.levels[node]][name] = self._with_sums(node)
        else:
            self.sweeps[self.levels[node] - 1].pieces[name] = (self.cut(node), axes[0])

    def _spread(self) -> None:
        """Say which sweep finds each border, and which read it."""
        pending = True
        while pending:  # cutting what is kept may need further borders
            known = len(self.borders)
            for border in [*self.borders.values()]:
                self.cut(border.of)
            pending = len(self.borders) > known
        for border in self.borders.values():
            self.sweeps[self.levels[border.of] - 1].kept.append(border)


@shared_products()
def ready(roots: Sequence[Expr], dim: str) -> list[Expr]:
    """Return graphs in which loops over ``dim`` read states one position back alone, and sums over
    it stand apart.

    ``h[t-2]`` is a further state, of which the entry at t is ``h[t-1]``.
    """
    new: dict[Expr, Expr] = {}
    for node in postorder(roots):
        built = rebuild(node, [new[x] for x in node.operands]) if node.operands else node
        if isinstance(built, Scan) and built.loop.dim == dim:
            built = Scan(built.operands, _one_step(built.loop), built.state)
        new[node] = _apart(built, dim) if isinstance(built, Einsum) else built
    return [new[root] for root in roots]


def _apart(node: Einsum, dim: str) -> Expr:
    """Return a product in which a sum over ``dim`` is a factor of its own, if the others do not
    know its label, ``B_t sum_s(C_s G_si)``, or it depends on no recurrence."""
    along = {k for k, d in enumerate(node.extents) if d == dim}
    factors = [*zip(node.operands, node.inputs, strict=True)]
    extents, changed = dict(enumerate(node.extents)), False
    for label in sorted(along & {*node.summed}):
        inside = [f for f in factors if label in f[1]]
        outside = [f for f in factors if label not in f[1]]
        held = {k for _, labels in inside for k in labels}
        alone = held & along == {label} or not any(x.has_loop for x, _ in inside)
        known = any(x.has_loop for x, _ in outside)  # at the end of a sweep, so not inside it
        if outside and (len(along) > 1 or known) and alone:
            used = {*node.output, *(k for _, labels in outside for k in labels)}
            kept = tuple(sorted(held & used))
            factors = [*outside, (einsum(inside, kept, extents), kept)]
            along.remove(label)
            changed = True
    return einsum(factors, node.output, extents) if changed else node


def _one_step(loop: Loop) -> Loop:
    if all(loop.reach(k) < 2 for k in range(len(loop.bodies))):
        return loop
    bodies, starts = [*loop.bodies], dict(loop.starts)
    reads: dict[tuple[int, int], Var] = {}
    known: dict[Expr, Expr] = {}
    for k in range(len(loop.bodies)):
        before = k
        for d in range(1, loop.reach(k) + 1):
            own = Bound("s", before, loop.bodies[k].dims, 1)
            if (k, d) in loop.reads:
                known[loop.reads[k, d]] = own
            reads[before, 1] = own
            if d < loop.reach(k):
                bodies.append(own)
                before = len(bodies) - 1
                if k in loop.starts:
                    starts[before] = loop.starts[k]
    bodies = [substitute(body, known) for body in bodies]
    return Loop(loop.dim, loop.back, bodies, reads, loop.entries, loop.whole, starts)


__all__ = ["Border", "Segments", "Sweep", "ready"]
