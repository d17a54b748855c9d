"""The meaning of one statement: its labels become places, its formula a thunk for an `Expr`.

Labels are resolved at once; the expression is built when every statement has said which axes
agree.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from eingrad.core import algebra
from eingrad.core.expr import Delta, Expr, Var
from eingrad.core.functions import AXIS_FUNCTIONS, COMPARED, declared_base, is_derivative_of
from eingrad.core.positions import shift
from eingrad.errors import NotationError
from eingrad.notation import mistakes
from eingrad.notation.dimensions import ConflictError
from eingrad.notation.lexeme import elementwise as elementwise_function
from eingrad.notation.lexeme import keeps_labels, over_axes, over_matrices
from eingrad.notation.places import bounds_of, indicated_by
from eingrad.notation.summation import Summation, derivative_parts, tensor_parts, walk
from eingrad.notation.syntax import (
    Call,
    Compare,
    Derivative,
    Formula,
    Number,
    Offset,
    Ordinal,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.tensors import RESERVED, Tensors
from eingrad.notation.text import derivative_name
from eingrad.notation.thunks import (
    Extents,
    Indexed,
    Most,
    OffsetRead,
    Places,
    Thunk,
    aligned,
    at_offsets,
    cases,
    elementwise,
    gathered,
    indicated,
    matrix,
    number,
    place_of,
    plus,
    quotient,
    reduced,
    signed,
    slope,
    summed,
    times_place,
    union,
    view,
)

FILLED = {
    "max": -math.inf, "ismax": -math.inf, "min": math.inf, "ismin": math.inf, "prod": 1,
    "logsumexp": -math.inf, "softmax": -math.inf,
}  # fmt: skip
"""What functions over axes do not see, in the place of entries that conditions leave out."""

Scope = Mapping[str, int]  # the labels that are not summed here, each with its place


class Resolver:
    """Resolves the formulas of one statement."""

    def __init__(self, tensors: Tensors, shifted: Collection[str] = ()) -> None:
        self.tensors = tensors
        self.shifted = shifted  # tensors that are read at other positions of their own labels
        self.summation = Summation()
        self.places_of: dict[str, list[int]] = {}
        self.moving: set[str] = set()  # the labels of offsets
        self.left: tuple[str, ...] = ()  # the labels of the left side, and
        self.whole: Formula | None = None  # the right side: what the errors speak of

    def open(self, labels: Sequence[str]) -> dict[str, int]:
        """Give labels places of their own."""
        scope = {label: self.tensors.dims.label(label) for label in labels}
        for label, place in scope.items():
            self.places_of.setdefault(label, []).append(place)
        return scope

    def value(self, formula: Formula, scope: Scope) -> Thunk:
        """Return the thunk for a formula over all the labels in scope, in their order."""
        self.left, self.whole = tuple(scope), formula
        reads = [x for x in walk(formula) if isinstance(x, TensorAt)]
        self.moving |= {label for x in reads for entry in x.offsets for label in entry.labels}
        value = self.resolve(formula, scope)
        own = [p for label in self.moving for p in self.places_of.get(label, ())]
        self.tensors.lone |= {*self.tensors.dims.without_axis(own)}
        places = tuple(scope.values())
        return lambda extents: value.over(places, extents)

    def _not_summed(self, label: str, where: Formula) -> NotationError:
        return mistakes.not_summed(label, where, self.whole or where, self.left)

    def resolve(self, formula: Formula, scope: Scope) -> Indexed:
        """Resolve a formula whose labels are all in scope, summed inside, or bound inside."""
        match formula:
            case Number(value=value):
                return Indexed((), number(value))
            case Symbol():
                return self._symbol(formula, scope)
            case TensorAt():
                return self._gather(formula, scope)
            case SizeOf():
                return self._size(formula, scope)
            case Derivative():
                return self._derivative(formula, scope)
            case Product():
                return self._product(formula, scope)
            case Sum():
                return self._sum(formula, scope)
            case Power(base=base, exponent=exponent):
                return elementwise("pow", self._all((base, exponent), scope))
            case Ordinal():
                return place_of(self._place(formula, scope))
            case Compare():
                one, zero = (Indexed((), number(v)) for v in (1, 0))
                return self._cases(formula, one, zero, scope)
            case Call():
                return self._call(formula, scope)

    # --- tensors ---

    def _symbol(self, symbol: Symbol, scope: Scope) -> Indexed:
        """Read a tensor. A label that is not in scope is repeated, and summed: a trace."""
        if symbol.name == RESERVED:
            return self._delta(symbol, scope)
        if not symbol.labels and symbol.name in self.tensors.sizes:
            dim = self.tensors.sizes[symbol.name]
            return Indexed((), lambda _: algebra.size(dim))
        if self.tensors.is_number(symbol):
            return Indexed((), number(math.pi if symbol.name == "pi" else math.inf))
        axes = self.tensors.use(symbol)
        inner = self._with_traces(symbol, symbol.labels, scope)
        if (read := self._read_elsewhere(symbol, axes, inner)) is not None:
            return self._at_offsets(read, inner)
        places = self._unite_axes(symbol, axes, inner)
        kept = tuple(scope[label] for label in dict.fromkeys(symbol.labels) if label in scope)
        return view(self._moved(self._var(symbol.name, axes), symbol), places, kept)

    def _read_elsewhere(self, symbol: Symbol, axes: Places, scope: Scope) -> TensorAt | None:
        """Return ``y[n]`` where n goes further than y, or less far: read as ``y[n+0]`` is."""
        entries: list[str | Offset] = list(symbol.labels)
        for k, (label, axis) in enumerate(zip(symbol.labels, axes, strict=True)):
            if self.tensors.apart(scope[label], axis):
                entries[k] = Offset(((1, label),))
        elsewhere = entries != [*symbol.labels] and not symbol.moves
        return TensorAt(symbol.name, tuple(entries), symbol.position) if elsewhere else None

    def _moved(self, tensor: Thunk, symbol: Symbol) -> Thunk:
        """Read a tensor at other positions of its labels."""
        if not symbol.moves:
            return tensor

        def build(extents: Extents) -> Expr:
            expr, edges = tensor(extents), self.tensors.edges.get(symbol.name, {})
            moves = [(axis, by, edges.get((axis, "<" if by < 0 else ">=")))
                     for axis, by in enumerate(symbol.moves) if by]  # fmt: skip
            for axis, by, side in sorted(moves, key=lambda move: move[2] is None):
                expr = shift(expr, axis, by, None if side is None else side(extents))
            return expr  # what stands outside moves along the other labels, too

        return build

    def _var(self, name: str, axes: Places) -> Thunk:
        integers = self.tensors.integers  # complete when the thunk is run
        return lambda extents: Var(name, extents.of(axes), name in integers)

    def _delta(self, symbol: Symbol, scope: Scope) -> Indexed:
        if len(symbol.labels) != 2:
            raise mistakes.delta_labels(symbol)
        inner = self._with_traces(symbol, symbol.labels, scope)
        places = tuple(inner[label] for label in symbol.labels)
        if self.tensors.apart(*places):
            left, right = map(Ordinal, symbol.labels)
            chosen = Compare("==", left, right), Number(1), Number(0)
            return self.resolve(Call("where", chosen), inner)
        self._unite(symbol, symbol.labels[1], *places)
        kept = tuple(scope[label] for label in dict.fromkeys(symbol.labels) if label in scope)
        delta = self._moved_part(lambda extents: Delta(extents.dims[places[0]]), symbol, 0)
        return view(delta, places, kept)

    def _gather(self, gather: TensorAt, scope: Scope) -> Indexed:
        """Read the entries of a tensor at integer tensors."""
        for label in gather.labels:
            if label not in scope:
                raise self._not_summed(label, gather)
        if gather.offsets:
            return self._at_offsets(gather, scope)
        labels = tuple(x if isinstance(x, str) else "" for x in gather.entries)
        symbol = Symbol(gather.name, labels, gather.position)
        if gather.name == RESERVED:
            return self._indicator(symbol, gather, scope)
        axes = self.tensors.use(symbol)
        sources: list[int | Indexed] = []
        for entry, axis in zip(gather.entries, axes, strict=True):
            if isinstance(entry, str):
                self._unite(symbol, entry, scope[entry], axis)
                sources.append(scope[entry])
            elif not isinstance(entry, Offset):
                sources.append(self._index(entry, scope))
        return self._inside(gathered(self._var(gather.name, axes), sources), gather, scope)

    def _inside(self, value: Indexed, gather: TensorAt, scope: Scope) -> Indexed:
        """Put 0 where an integer is read outside of its tensor, as of c in ``p[t,c[t+1]]``."""
        for index in gather.indices:
            own = index.entries if isinstance(index, TensorAt) else index.labels
            moves = index.moves if isinstance(index, Symbol) else ()
            labels = tuple(x if isinstance(x, str) else "" for x in own)
            axes = self.tensors.use(Symbol(index.name, labels))
            for k, (entry, axis) in enumerate(zip(own, axes, strict=True)):
                if isinstance(entry, Offset) and entry.terms:
                    terms = [(n, scope[label]) for n, label in entry.terms]
                    value = self._within(value, terms, entry.constant, axis)
                elif isinstance(entry, str) and moves and moves[k]:
                    value = self._within(value, [(1, scope[entry])], moves[k], axis)
        return value

    def _within(
        self, value: Indexed, terms: Sequence[tuple[int, int]], constant: int, axis: int
    ) -> Indexed:
        """Put 0 where an axis has no entry at a combination of places."""
        at = plus([*(times_place(n, p) for n, p in terms), Indexed((), number(constant))])
        zero = Indexed((), number(0))
        end = Indexed((), lambda extents: algebra.size(extents.dims[axis]))
        inside = value
        if constant < 0 or any(n < 0 for n, _ in terms):
            inside = cases(elementwise("ge", [at, zero]), inside, zero)
        if constant >= 0 or len(terms) > 1 or terms[0][0] > 1:
            inside = cases(elementwise("lt", [at, end]), inside, zero)

        def build(extents: Extents) -> Expr:
            whole = any(self.tensors.goes_as_far_as_read(p, extents) for _, p in terms)
            return value.over(inside.places, extents) if whole else inside.build(extents)

        return Indexed(inside.places, build)

    def _at_offsets(self, gather: TensorAt, scope: Scope) -> Indexed:
        """Read a tensor at integer combinations of labels."""
        if gather.name == RESERVED:
            return self._moved_delta(gather, scope)
        labels = tuple(x if isinstance(x, str) else "" for x in gather.entries)
        if "/d" in gather.name and not self.tensors.closed:
            raise mistakes.derivative_in_model(gather)
        axes = self._axes_of(gather.name, labels, gather)
        symbol = Symbol(gather.name, labels, gather.position)
        reads: list[OffsetRead] = []
        sources: list[int | Indexed] = []
        moves = [0] * len(axes)
        for k, (entry, axis) in enumerate(zip(gather.entries, axes, strict=True)):
            if isinstance(entry, Offset) and gather.name in self.shifted and entry.is_move:
                ((_, label),) = entry.terms
                self._unite(symbol, label, scope[label], axis)
                sources.append(scope[label])
                moves[k] = entry.constant
            elif isinstance(entry, Offset):
                if axis in sources:  # of dx/dx and d2L/dx dx both axes are that of x
                    axis = self.tensors.dims.twin(axis)
                terms = tuple((n, scope[label]) for n, label in entry.terms)
                reads.append(OffsetRead(axis, terms, entry.constant, gather))
                sources.append(axis)
            elif isinstance(entry, str):
                self._unite(symbol, entry, scope[entry], axis)
                sources.append(scope[entry])
            else:
                sources.append(self._index(entry, scope))
        self.tensors.offsets += reads
        shifts = tuple(moves) if any(moves) else ()
        tensor = self._moved(self._var(gather.name, axes), replace(symbol, moves=shifts))

        def edges() -> dict[tuple[int, str], Thunk]:
            own = self.tensors.edges.get(gather.name, {})
            if own and gather.indices:
                raise mistakes.edge_and_integers(gather)
            return {(axes[k], sign): _beside(value, moves, k) for (k, sign), value in own.items()}

        if gather.indices:
            return self._inside(at_offsets(gathered(tensor, sources), reads, edges), gather, scope)
        places = tuple(x for x in sources if isinstance(x, int))
        return at_offsets(view(tensor, places, tuple(dict.fromkeys(places))), reads, edges)

    def _moved_delta(self, gather: TensorAt, scope: Scope) -> Indexed:
        """Read ``delta[i,j+1]``: 1 where i = j + 1."""
        if len(gather.entries) != 2 or gather.indices:
            raise mistakes.no_offset(gather)
        left, right = (_place_of_entry(x) for x in gather.entries)
        chosen = (Compare("==", left, right), Number(1), Number(0))
        return self.resolve(Call("where", chosen), scope)

    def _axes_of(self, name: str, labels: Sequence[str], gather: TensorAt) -> Places:
        """Return the axes of a tensor, or those of both tensors of a derivative, ``dy/dx``."""
        if "/d" not in name:
            return self.tensors.use(Symbol(name, tuple(labels), gather.position))
        parts, found = derivative_parts(name), list[int]()
        for k, part in enumerate(parts):
            known = self.tensors.symbols.get(part)
            ends = k + 1 == len(parts) == 2 or (known is None and k > 0)
            own = labels[len(found) :] if ends else labels[len(found) :][: _rank(known)]
            found += self.tensors.use(Symbol(part, tuple(own), gather.position))
        return tuple(found)

    def _index(self, index: Symbol | TensorAt, scope: Scope) -> Indexed:
        """Read an integer tensor; an input becomes one wherever it stands."""
        if index.name == RESERVED:
            raise mistakes.delta_as_index(index)
        self.tensors.use_as_integer(index.name)
        return self.resolve(index, scope)

    def _indicator(self, symbol: Symbol, gather: TensorAt, scope: Scope) -> Indexed:
        """Read ``delta[y[b],o]``: 1 where o is y[b]."""
        if len(gather.entries) != 2:
            raise mistakes.delta_labels(symbol)
        at = [self._index(index, scope) for index in gather.indices]
        if len(at) == 2:
            one, zero = (Indexed((), number(v)) for v in (1, 0))
            return elementwise("where", [elementwise("eq", at), one, zero])
        label = next(entry for entry in gather.entries if isinstance(entry, str))
        return indicated(at[0], scope[label])

    def _with_traces(
        self, tensor: Symbol | Derivative, labels: Sequence[str], scope: Scope
    ) -> dict[str, int]:
        """Open a scope for the labels that the tensor repeats and nothing else keeps."""
        traced = [label for label in dict.fromkeys(labels) if label not in scope]
        for label in traced:
            if labels.count(label) == 1:
                raise self._not_summed(label, tensor)
        return {**scope, **self.open(traced)}

    def _unite_axes(self, symbol: Symbol, axes: Places, scope: Scope) -> Places:
        """State that a tensor's axes have the extents of its labels; return these' places."""
        places = tuple(scope[label] for label in symbol.labels)
        for axis, place, label in zip(axes, places, symbol.labels, strict=True):
            self._unite(symbol, label, place, axis)
        return places

    def _unite(self, symbol: Symbol, label: str, a: int, b: int) -> None:
        try:
            self.tensors.dims.unite(a, b)
        except ConflictError as conflict:
            raise mistakes.two_extents(label, conflict.first, conflict.second, symbol) from None

    def _derivative(self, derivative: Derivative, scope: Scope) -> Indexed:
        """Read a derivative as a tensor with the axes of both."""
        if not self.tensors.closed:
            raise mistakes.derivative_in_model(derivative)
        parts = [(symbol, self.tensors.use(symbol)) for symbol in tensor_parts(derivative)]
        labels = [label for symbol, _ in parts for label in symbol.labels]
        inner = self._with_traces(derivative, labels, scope)
        places = tuple(p for symbol, axes in parts for p in self._unite_axes(symbol, axes, inner))
        kept = tuple(scope[label] for label in dict.fromkeys(labels) if label in scope)
        name, axes = derivative_name(derivative), tuple(k for _, axes in parts for k in axes)

        tensor: Thunk = lambda extents: Var(name, extents.of(axes))  # noqa: E731
        first = 0
        for symbol, own in parts:
            tensor = self._moved_part(tensor, symbol, first)
            first += len(own)
        return view(tensor, places, kept)

    def _moved_part(self, tensor: Thunk, symbol: Symbol, first: int) -> Thunk:
        """Read a derivative at other positions of one tensor's labels; outside it is 0."""
        if not symbol.moves:
            return tensor

        def build(extents: Extents) -> Expr:
            expr = tensor(extents)
            for axis, by in enumerate(symbol.moves):
                expr = shift(expr, first + axis, by)
            return expr

        return build

    def _size(self, size: SizeOf, scope: Scope) -> Indexed:
        """Read ``size(b)``: of b in scope, else in this statement, else in the whole model.

        In ``size_b(X_bi)`` the tensor says which b, and its labels are its own.
        """
        label = size.label
        if size.of is not None:
            scope = {k: self.tensors.dims.label(k) for k in dict.fromkeys(size.of.labels)}
            self._unite_axes(size.of, self.tensors.use(size.of), scope)

        def build(extents: Extents) -> Expr:
            places = [scope[label]] if label in scope else self.places_of.get(label, [])
            dims = dict.fromkeys(extents.dims[place] for place in places)
            if not dims:
                dims = dict.fromkeys(d for d, ls in extents.letters.items() if label in ls)
            if not dims and label in extents.letters:
                dims = {label: None}
            if len(dims) != 1:
                raise mistakes.no_size(label, list(dims), size.position)
            return algebra.size(next(iter(dims)))

        return Indexed((), build)

    # --- products and sums ---

    def _product(self, product: Product, scope: Scope) -> Indexed:
        found = self.summation.summed(product, scope)
        summed = self.open(found.labels)
        inner = {**scope, **{label: summed[label] for label in found.whole}}
        factors = []
        for k, factor in enumerate(product.factors):
            own = {label: summed[label] for label in found.bare.get(k, ())}
            factors.append(self.resolve(factor, {**inner, **own} if own else inner))
        dropped = set(summed.values())
        kept = tuple(p for p in union(factors) if p not in dropped)

        def build(extents: Extents) -> Expr:
            operands = [
                (algebra.power(factor.build(extents), -1 if divides else 1), factor.places)
                for factor, divides in zip(factors, product.divides, strict=True)
            ]
            return algebra.einsum(operands, kept)

        return Indexed(kept, build)

    def _sum(self, total: Sum, scope: Scope) -> Indexed:
        terms = self._all(total.terms, scope)
        places = union(terms)

        def build(extents: Extents) -> Expr:
            parts = [
                signed(aligned(term, places, extents), negative)
                for term, negative in zip(terms, total.negative, strict=True)
            ]
            return algebra.broadcast_scalar(algebra.add(*parts), extents.of(places))

        return Indexed(places, build)

    # --- functions ---

    def _call(self, call: Call, scope: Scope) -> Indexed:
        name, least, most = call.function, 1, 1
        record = elementwise_function(name)
        declared = self.tensors.functions.get(declared_base(name))
        if declared is not None:
            least = most = declared
            if not is_derivative_of(name, declared):
                raise mistakes.wrong_partial(call, declared)
        elif name.endswith("'"):
            return self._slope(call, scope)
        elif (call.axes or call.conditions) and over_axes(name):
            return self._over_axes(call, scope)
        elif record is not None:
            least, most = record.arity - record.optional, record.arity
        elif over_axes(name):
            free = [label for arg in call.args for label in self.summation.free(arg)]
            raise mistakes.missing_axes(call, free)
        else:
            raise mistakes.unknown_function(call, self.tensors.functions, self.tensors.symbols)
        if call.axes:
            raise mistakes.needless_axes(call)
        if not least <= len(call.args) <= most:
            raise mistakes.wrong_arguments(call, least, most)
        if name == "where":
            condition, yes, no = call.args
            return self._cases(condition, self.resolve(yes, scope), self.resolve(no, scope), scope)
        return elementwise(name, self._all(call.args, scope))

    def _slope(self, call: Call, scope: Scope) -> Indexed:
        """Resolve ``tanh'(a)``, the derivative of a known function of one argument."""
        record = elementwise_function(call.function[:-1])
        if record is None or record.arity > 1 or call.axes:
            raise mistakes.undeclared_prime(call)
        if len(call.args) != 1:
            raise mistakes.wrong_arguments(call, 1, 1)
        return slope(record, self.resolve(call.args[0], scope))

    def _all(self, formulas: Sequence[Formula], scope: Scope) -> list[Indexed]:
        return [self.resolve(formula, scope) for formula in formulas]

    def _cases(self, condition: Formula, yes: Indexed, no: Indexed, scope: Scope) -> Indexed:
        """Resolve a case distinction."""
        if isinstance(condition, Compare) and (at := indicated_by(condition)) is not None:
            index, label = at
            here = indicated(self._index(index, scope), self._place(label, scope))
            others = self._condition(replace(condition, op="!="), scope)
            zero = Indexed((), number(0))
            parts = (yes, no) if condition.op == "==" else (no, yes)
            return plus([summed([here, parts[0]], ()), cases(others, parts[1], zero)])
        return cases(self._condition(condition, scope), yes, no)

    def _place(self, ordinal: Ordinal, scope: Scope) -> int:
        if ordinal.label not in scope:
            raise mistakes.no_label_here(ordinal)
        if ordinal.label in self.tensors.assigned:
            raise mistakes.label_or_tensor(ordinal)
        return scope[ordinal.label]

    def _condition(self, formula: Formula, scope: Scope) -> Indexed:
        """Resolve what ``where`` tests: a comparison, or a number that is not 0."""
        if isinstance(formula, Compare):
            self._compare_places(formula, scope)
            sides = self._all((formula.left, formula.right), scope)
            return elementwise(COMPARED[formula.op], sides)
        return elementwise("ne", [self.resolve(formula, scope), Indexed((), number(0))])

    def _compare_places(self, compare: Compare, scope: Scope, below: bool = False) -> None:
        """State what a comparison of two labels says of their extents.

        ``i != j`` are of one axis, and so are i and j ``below`` a function. Of ``i < j`` in a case
        distinction one takes the other's extent if it has none: queries may be fewer than keys.
        So it is in all that a claim compares, whose tensors are as long as the model says.
        """
        if not isinstance(compare.left, Ordinal) or not isinstance(compare.right, Ordinal):
            return
        a, b = (self._place(x, scope) for x in (compare.left, compare.right))
        tied = below and not self.tensors.closed
        tied = tied and self.moving.isdisjoint((compare.left.label, compare.right.label))
        if tied and any(x.place in {a, b} and x.like not in {a, b} for x in self.tensors.bounds):
            self.tensors.tied.append((a, b))
        elif (compare.op in {"==", "!="} and not self.tensors.closed) or tied:
            self._unite(Symbol("delta", position=compare.position), compare.right.label, a, b)
        else:
            self.tensors.compared.append((a, b))

    def _over_some(self, call: Call, scope: Scope) -> Indexed:
        """Resolve a function over the entries for which conditions hold."""
        name = call.function
        if name not in (*mistakes.SOME, *FILLED) or not call.axes:
            raise mistakes.no_conditions(call)
        if len(call.args) != 1:
            raise mistakes.wrong_arguments(call, 1, 1)
        keeps = keeps_labels(name)
        if keeps and (absent := [axis for axis in call.axes if axis not in scope]):
            raise self._not_summed(absent[0], call)
        bound = {axis: scope[axis] for axis in call.axes} if keeps else self.open(call.axes)
        self.tensors.counted += [(place, None) for place in bound.values()]
        inner = {**scope, **bound}
        one, zero, least = (Indexed((), number(v)) for v in (1, 0, FILLED.get(name, 0)))
        for condition in call.conditions:
            for label, place in bound.items():
                self.tensors.bounds += [
                    Most(place, tuple((n, x if isinstance(x, SizeOf) else self._place(x, inner))
                                      for n, x in terms), more)
                    for terms, more in bounds_of(condition, label)
                ]  # fmt: skip
        for condition in call.conditions:
            self._compare_places(condition, inner, below=True)
        masks = [self._cases(c, one, zero, inner) for c in call.conditions]
        arg = self.resolve(call.args[0], inner)
        missing = [x for x in call.axes if bound[x] not in union([arg, *masks])]
        if missing:
            raise mistakes.absent_axis(call, missing[0], list(self.summation.free(call.args[0])))
        places = tuple(bound.values())
        if name in {"sum", "mean"}:
            total = summed([*masks, arg], places)
            return total if name == "sum" else quotient(total, summed(masks, places))
        for condition in call.conditions:
            arg = cases(self._condition(condition, inner), arg, least)
        return reduced(name, arg, places, keeps)

    def _over_axes(self, call: Call, scope: Scope) -> Indexed:
        """Resolve a function over axes, which binds them in its argument."""
        if call.conditions:
            return self._over_some(call, scope)
        axes = self._axes(call)
        keeps = keeps_labels(call.function)
        if keeps and (missing := [axis for axis in axes if axis not in scope]):
            raise self._not_summed(missing[0], call)
        bound = {axis: scope[axis] for axis in axes} if keeps else self.open(axes)
        for axis in set(axes) - {*self.summation.free(call.args[0])}:  # conditions alone name it
            absent = mistakes.absent_axis(call, axis, [])
            self.tensors.counted.append((bound[axis], absent))
        if over_matrices(call.function):
            self._unite_square(call, *bound.values())
        arg = self.resolve(call.args[0], {**scope, **bound})
        if over_matrices(call.function):
            return matrix(call.function, arg, *bound.values())
        if gone := [axis for axis, place in bound.items() if place not in arg.places]:
            raise mistakes.absent_axis(call, gone[0], [])
        return reduced(call.function, arg, tuple(bound.values()), keeps)

    def _axes(self, call: Call) -> tuple[str, ...]:
        """Return the axes of a function over axes; raise where it cannot go over them."""
        if len(call.args) != 1:
            raise mistakes.wrong_arguments(call, 1, 1)
        axes = self.summation.axes(call)
        free = self.summation.free(call.args[0])
        placed = {x.label for x in walk(call.args[0]) if isinstance(x, Ordinal)}
        for axis in axes:
            if axis not in free and axis not in placed:
                raise mistakes.absent_axis(call, axis, list(free))
        if len(set(axes)) < len(axes):
            raise mistakes.axes_count(call, "an axis stands twice")
        record = AXIS_FUNCTIONS.get(call.function)
        if record is not None and record.one_axis and len(axes) > 1:
            raise mistakes.axes_count(call, f"{call.function} goes over one axis")
        if over_matrices(call.function) and len(axes) != 2:
            raise mistakes.axes_count(call, f"{call.function} goes over two axes, row and column")
        return axes

    def _unite_square(self, call: Call, row: int, column: int) -> None:
        """State that a matrix function's two axes have the same extent."""
        try:
            self.tensors.dims.unite(row, column)
        except ConflictError as conflict:
            raise mistakes.not_square(call, conflict.first, conflict.second) from None


def _rank(symbol: Symbol | None) -> int:
    return 0 if symbol is None else len(symbol.labels)


def _beside(value: Thunk, moves: Sequence[int], along: int) -> Thunk:
    """Read what stands outside a tensor ``along`` one axis at other positions of the others."""

    def build(extents: Extents) -> Expr:
        expr = value(extents)
        for axis, by in enumerate(moves):
            expr = expr if axis == along else shift(expr, axis - (axis > along), by)
        return expr

    return build


def _place_of_entry(entry: str | Symbol | TensorAt | Offset) -> Formula:
    """Write where an entry is, ``j + 1``, as a place on an axis."""
    if not isinstance(entry, Offset):
        assert isinstance(entry, str)
        return Ordinal(entry)
    places = [Product((Number(abs(n)), Ordinal(x)), (False, False)) for n, x in entry.terms]
    negative = [n < 0 for n, _ in entry.terms]
    constant = entry.constant
    return Sum((*places, Number(abs(constant))), (*negative, constant < 0))
