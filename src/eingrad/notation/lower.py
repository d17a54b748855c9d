"""Formulas to a `System`: what names, labels and statements mean together.

Each statement is resolved on its own (`resolve`), which says which axes must have the same
extent; then the dimensions are named and the expressions built.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import cast

from eingrad.core import algebra
from eingrad.core.arrays import Gather, Scatter
from eingrad.core.expr import ELLIPSIS, Const, Dim, Einsum, Expr, Size, Var, is_finite, postorder
from eingrad.core.functions import canonical
from eingrad.core.masks import chosen_numbers
from eingrad.core.positions import Shift
from eingrad.core.recurrences import RecurrenceError, components, recurrences
from eingrad.core.spans import within
from eingrad.errors import EingradError, NotationError
from eingrad.notation import mistakes, syntax
from eingrad.notation.dimensions import Dimensions
from eingrad.notation.gathers import find_integers, with_integers
from eingrad.notation.lexeme import is_function
from eingrad.notation.moves import apart, with_offsets
from eingrad.notation.ranges import with_ranges
from eingrad.notation.resolve import Resolver
from eingrad.notation.slips import check_slips
from eingrad.notation.summation import kept_by, labels_of, names_of, walk
from eingrad.notation.syntax import (
    Assignment,
    Assumption,
    Declaration,
    Derivative,
    Edge,
    Formula,
    Number,
    SizeOf,
    Statement,
    Symbol,
)
from eingrad.notation.system import Definition, Fact, System
from eingrad.notation.tensors import RESERVED, Tensors
from eingrad.notation.text import derivative_name
from eingrad.notation.thunks import (
    Extents,
    Indexed,
    Thunk,
    always,
    cases,
    elementwise,
    number,
    place_of,
)


def lower(
    statements: Sequence[Statement], alike: Iterable[Sequence[tuple[str, int]]] = ()
) -> System:
    """Return the model that statements describe, in whatever order they stand.

    ``alike`` are axes, (name, place), of which the text says that they are as long.

    >>> from eingrad.notation.parse import parse_statements
    >>> system = lower(parse_statements("y_i = W_ij x_j"))
    >>> system.inputs["W"].dims, system.definitions["y"].expr.dims, system.letters["j"]
    (('i', 'j'), ('i',), ('j',))
    """
    statements = find_integers(statements)
    assignments = _assignments(statements)
    check_slips(statements, assignments)
    dims = Dimensions()
    tensors = Tensors(dims, {a.target.name: a.target for a in assignments.values()
                             if isinstance(a.target, Symbol)}, _declared(statements))  # fmt: skip
    loops = _loops(assignments)
    begun = {e.name for a in assignments.values() for e in a.edges if e.sign != "=="}
    shifted: dict[str, set[str]] = {}
    for name, a in assignments.items():
        recurrent = {n for own in loops if name in own for n in own} | begun
        shifted[name] = recurrent
        assignments[name] = with_offsets(a, recurrent)
    thunks = {name: _resolve(a, tensors, shifted[name]) for name, a in assignments.items()}
    for a in assignments.values():
        _resolve_edges(a, tensors)
    assumed = [s for s in statements if isinstance(s, Assumption)]
    stated = [s for s in assumed if _states_extent(s)]
    tensors.stated = frozenset(cast(SizeOf, s.left).label for s in stated)
    for first, *others in alike:
        for other in others:
            tensors.unite(first, other)
    tensors.complete()
    inputs = tensors.inputs
    facts = [(s, _resolve_fact(s, tensors, inputs)) for s in assumed if s not in stated]
    _fix_extents(stated, dims, inputs)
    extents, used = with_ranges(tensors, Extents(dims.names(), dims.letters()), stated)
    stated = [s for s in stated if s not in used]
    exprs = {name: _build(thunk, extents, assignments[name]) for name, thunk in thunks.items()}
    definitions = {
        name: Definition(name, labels_of(a.target), exprs[name], a, a.position)
        for name, a in ((name, assignments[name]) for name in _sorted(assignments, loops))
    }
    _check_loops(definitions)
    return System(
        inputs={
            name: Var(name, extents.of(tensors.use(symbol)), name in tensors.integers)
            for name, symbol in inputs.items()
        },
        definitions=definitions,
        letters=extents.letters,
        labels={name: symbol.labels for name, symbol in tensors.symbols.items()},
        facts=(
            *(_fact(_build(left, extents, s), _build(right, extents, s), s)
              for s, (left, right) in facts),
            *(fact for s in stated for fact in _extents(s, extents.letters, tensors.symbols)),
        ),
        functions=tensors.functions,
        once=frozenset(s.name for s in statements if isinstance(s, Declaration) and s.once),
        sizes={
            s.right.name: _called(s.left, extents.letters)[0]
            for s in stated if isinstance(s.right, Symbol) and s.right.name not in tensors.symbols
        },
        edges={
            name: {place: _build(thunk, extents, assignments[name]) for place, thunk in own.items()}
            for name, own in tensors.edges.items()
        },
    )  # fmt: skip


def _fix_extents(
    stated: Iterable[Assumption], dims: Dimensions, inputs: Mapping[str, Symbol]
) -> None:
    """Take from what is stated what no input tells, such as how many steps a recurrence has."""
    sized = [dims.axis(name, k) for name, s in inputs.items() for k in range(len(s.labels))]
    for s in stated:
        if isinstance(s.right, Number) and isinstance(s.right.value, int):
            dims.fix(cast(SizeOf, s.left).label, s.right.value, sized)


def lower_claim(claim: Assignment, system: System, recurrent: Sequence[Symbol] = ()) -> Definition:
    """Return a claim about a model as a definition over the model's tensors.

    ``recurrent`` are further tensors, of which claims define each at another position of some.

    A derivative is a tensor with a name of its own, such as ``Var("dL/dW1", ...)``, whose axes
    are those of both its tensors. A target that the model lacks is a new tensor.

    >>> from eingrad.notation.parse import parse_claim, parse_statements
    >>> system = lower(parse_statements("L = x_i x_i"))
    >>> claim = lower_claim(parse_claim("dL/dx_i = 2 x_i"), system)
    >>> claim.name, claim.expr.dims
    ('dL/dx', ('i',))
    """
    thunk, extents = _resolve_in(system, claim, recurrent)
    target = claim.target
    name = target.name if isinstance(target, Symbol) else derivative_name(target)
    expr = _build(thunk, extents, claim)
    _check_dims(expr, system, extents, claim)
    return Definition(name, labels_of(target), expr, claim, claim.position)


def _check_dims(expr: Expr, system: System, extents: Extents, claim: Assignment) -> None:
    """Raise where a claim's label is an axis of no tensor, so that nothing says how long it is."""
    tensors = [*system.inputs.values(), *(d.var for d in system.definitions.values())]
    known = {*(dim for tensor in tensors for dim in tensor.dims), *system.letters}
    for node in postorder([expr]):
        own = node.extents if isinstance(node, Einsum) else node.dims
        for dim in (node.dim,) if isinstance(node, Size) else own:
            if dim not in known and not known.issuperset(within([dim])):
                raise mistakes.no_dimension(extents.letters[dim][0], claim.position)


def uses(system: System) -> Mapping[Dim, list[tuple[str, int, str]]]:
    """Return, for each dimension, the (tensor, axis, label) that have it.

    >>> from eingrad.notation.parse import parse_statements
    >>> uses(lower(parse_statements("y_i = W_ij x_j")))["j"]
    [('W', 1, 'j'), ('x', 0, 'j')]
    """
    result: dict[Dim, list[tuple[str, int, str]]] = {}
    tensors = [*system.inputs.values(), *(d.var for d in system.definitions.values())]
    for tensor in tensors:
        labels = system.labels[tensor.name]
        for axis, (dim, label) in enumerate(zip(tensor.dims, labels, strict=True)):
            result.setdefault(dim, []).append((tensor.name, axis, label))
    return result


def named_sizes(uses: Iterable[tuple[str, str, Statement]], system: System) -> dict[str, Dim]:
    """Return the dimensions whose extents have names, from (name, label, statement).

    Raises NotationError where a name would be the extent of two dimensions.
    """
    result: dict[str, Dim] = {}
    for name, label, statement in uses:
        dim = _dimension_of(label, statement, system)
        if dim is not None and result.setdefault(name, dim) != dim:
            raise NotationError(
                f"{name} is the extent of {label} here, which is another axis than elsewhere",
                operand=name,
                position=statement.position,
                hint="give one of the two axes another letter",
            )
    return result


def _dimension_of(label: str, statement: Statement, system: System) -> Dim | None:
    """Return the dimension of a label, None if no tensor in the statement has it."""
    tensors = {**system.inputs, **{name: d.var for name, d in system.definitions.items()}}
    parts: list[Formula] = list(walk(statement.value)) if isinstance(statement, Assignment) else []
    for part in parts:
        if isinstance(part, syntax.TensorAt):
            parts += part.indices
        entries = getattr(part, "entries", getattr(part, "labels", ()))
        name = next(names_of(part), "")
        if name in tensors and label in entries:
            return tensors[name].dims[entries.index(label)]
    return None


# --- statements -------------------------------------------------------------------------------


def _assignments(statements: Iterable[Statement]) -> dict[str, Assignment]:
    result: dict[str, Assignment] = {}
    for statement in statements:
        if isinstance(statement, Assignment):
            if isinstance(statement.target, Derivative):
                raise mistakes.derivative_in_model(statement.target)
            name = statement.target.name
            if name in result:
                raise mistakes.assigned_twice(statement, result[name])
            result[name] = statement
    if not result:
        raise NotationError(
            "the model has no statement",
            code="no-statement",
            hint="write for instance: y_i = W_ij x_j + b_i",
        )
    return result


def _declared(statements: Iterable[Statement]) -> dict[str, int]:
    """Return the declared functions, with how many arguments they have."""
    result: dict[str, int] = {}
    for statement in statements:
        if isinstance(statement, Declaration):
            known = is_function(statement.name) or canonical(statement.name) is not None
            if known or statement.name in result:
                raise NotationError(
                    f"{statement.name} is a function {'already' if known else 'declared twice'}",
                    operand=statement.name,
                    position=statement.position,
                    hint="leave this line out, or choose another name",
                )
            result[statement.name] = statement.count
    return result


def _check_left(target: Symbol | Derivative) -> None:
    labels = labels_of(target)
    parts = [target] if isinstance(target, Symbol) else [target.of, *target.wrt]
    for part in parts:
        if isinstance(part, Symbol) and part.moved:
            raise mistakes.moved_on_left(part, target)
    for k, label in enumerate(labels):
        if label in labels[:k]:
            raise mistakes.repeated_on_left(label, target)


def _resolve(assignment: Assignment, tensors: Tensors, shifted: Collection[str]) -> Thunk:
    target = assignment.target
    assert isinstance(target, Symbol)
    tensors.check_target(target)
    _check_left(target)
    resolver = Resolver(tensors, shifted)
    scope = resolver.open(target.labels)
    value = resolver.value(assignment.value, scope)
    resolver.resolve(target, scope)
    for edge in assignment.edges:
        if edge.sign == "==":
            value = _with_entry(value, edge, tensors, scope)
    return value


def _with_entry(value: Thunk, edge: Edge, tensors: Tensors, scope: Mapping[str, int]) -> Thunk:
    """Put the line for one entry, ``h[0,i] = g_i``, in the place of the recurrence there."""
    places = tuple(scope.values())
    own, entry = _edge_value(edge, tensors)
    at = place_of(places[edge.axis])
    rest = tuple(p for k, p in enumerate(places) if k != edge.axis)
    for a, b in zip(own, rest, strict=True):
        tensors.dims.unite(a, b)
    here = elementwise("eq", [at, Indexed((), number(edge.number))])
    chosen = cases(here, Indexed(rest, entry), Indexed(places, value))
    return lambda extents: chosen.over(places, extents)


def _edge_value(edge: Edge, tensors: Tensors) -> tuple[tuple[int, ...], Thunk]:
    """Resolve the value of an edge, over the tensor's other labels; return these labels' places."""
    _check_left(Symbol(edge.name, edge.labels, edge.position))
    axes = tensors.use(Symbol(edge.name, edge.labels, edge.position))
    resolver = Resolver(tensors)
    scope = resolver.open(edge.kept)
    rest = [axis for k, axis in enumerate(axes) if k != edge.axis]
    for place, axis in zip(scope.values(), rest, strict=True):
        tensors.dims.unite(place, axis)
    return tuple(scope.values()), resolver.value(edge.value, scope)


def _resolve_edges(assignment: Assignment, tensors: Tensors) -> None:
    """Resolve what stands before the first entry of a tensor, or behind the last one."""
    for edge in assignment.edges:
        if edge.sign != "==":
            own = tensors.edges.setdefault(edge.name, {})
            if (edge.axis, edge.sign) in own:
                raise mistakes.two_edges(edge.name, edge.position)
            own[edge.axis, edge.sign] = _edge_value(edge, tensors)[1]


def _loops(assignments: Mapping[str, Assignment]) -> list[list[str]]:
    """Return the groups of names whose definitions refer to each other."""
    needs = {
        name: [n for n in dict.fromkeys(_all_needs(a)) if n in assignments]
        for name, a in assignments.items()
    }
    return [own for own in components(needs) if len(own) > 1 or own[0] in needs[own[0]]]


def _check_loops(definitions: Mapping[str, Definition]) -> None:
    """Raise unless every group of definitions that refer to each other is a recurrence."""
    try:
        found = recurrences({name: d.expr for name, d in definitions.items()})
    except RecurrenceError as error:
        name = str(error.operand or "")
        position = definitions[name].position if name in definitions else None
        raise NotationError(
            error.reason, code="recurrence", operand=name, position=position, hint=error.hint
        ) from None
    for own in found:
        for name in own.axes:
            if ELLIPSIS in definitions[name].expr.dims:
                raise mistakes.ellipsis_in_recurrence(name, definitions[name].position)


def _resolve_fact(
    fact: Assumption, tensors: Tensors, known: Mapping[str, Symbol]
) -> tuple[Thunk, Thunk]:
    """Resolve both sides over the labels that one of them does not sum."""
    sides = fact.left, fact.right
    for part in (s for side in sides for s in walk(side)):
        for name in names_of(part):
            if name in known or name in tensors.assigned or name == RESERVED:
                continue
            symbol = part if isinstance(part, Symbol) else Symbol(name, (), part.position)
            if not tensors.is_number(symbol):
                raise mistakes.unknown_tensor(symbol, {**known, **tensors.symbols})
    resolver = Resolver(tensors)
    scope = resolver.open(kept_by(fact))
    return resolver.value(fact.left, scope), resolver.value(fact.right, scope)


def _fact(left: Expr, right: Expr, written: Assumption) -> Fact:
    """Return a fact; of a bound the tensor is its left side: ``0 < d`` is ``d > 0``."""
    if written.sign == "=":
        return Fact(left, right, written)
    if isinstance(right, Var):
        sign = written.sign.translate(str.maketrans("<>", "><"))
        written = replace(written, left=written.right, right=written.left, sign=sign)
        left, right = right, left
    bound = algebra.constant_value(right)
    if not isinstance(left, Var) or left.integer or not isinstance(bound, int | float | Fraction):
        raise mistakes.no_bound("this", written.position)
    return Fact(left, right, written, sign=written.sign)


# --- extents that are assumed -------------------------------------------------------------------


def _states_extent(fact: Assumption) -> bool:
    """Whether this is ``assume size(i) = ...``."""
    return isinstance(fact.left, SizeOf) and fact.left.of is None and fact.sign == "="


def _extents(
    fact: Assumption, letters: Mapping[Dim, tuple[str, ...]], known: Mapping[str, Symbol]
) -> Iterator[Fact]:
    """Yield a fact for every axis that is called so in the text."""
    right: Expr
    match fact.right:
        case Number(value=int() as value) if value > 0:
            right = Const(value)
        case Symbol(name=name, labels=()) if name not in known or not known[name].labels:
            if name not in known:  # a name for claims alone
                return
            right = Var(name, ())
        case SizeOf(of=None):
            right = algebra.size(_called(fact.right, letters)[0])
        case _:
            raise NotationError(
                "an extent is a whole number above 0, a name or another extent",
                position=fact.position,
                hint="write for instance: assume size(i) = 3, or assume size(b) = m",
            )
    for dim in _called(fact.left, letters):
        if isinstance(dim, str) and algebra.size(dim) is not right:
            yield Fact(algebra.size(dim), right, fact)


def _called(size: Formula, letters: Mapping[Dim, tuple[str, ...]]) -> list[Dim]:
    """Return the dimensions that a letter means somewhere in the text."""
    assert isinstance(size, SizeOf)
    found = [dim for dim, own in letters.items() if size.label in own]
    if not found:
        raise mistakes.no_size(size.label, [], size.position)
    return found


def _resolve_in(
    system: System, claim: Assignment, recurrent: Sequence[Symbol] = ()
) -> tuple[Thunk, Extents]:
    """Resolve a claim where the dimensions of all tensors but the ``recurrent`` are known."""
    dims = Dimensions()
    tensors: dict[str, Var] = {
        **system.inputs, **{name: d.var for name, d in system.definitions.items()}
    }  # fmt: skip
    seen: set[Dim] = set()
    spoken = {*_needs(claim.value), *names_of(claim.target), *_needs(claim.target)}
    spoken |= {x.name for x in walk(claim.value) if isinstance(x, Symbol)}  # a dL/dx, too
    for var in tensors.values():  # of a tensor that the claim does not name, new dimensions alone
        for axis, dim in enumerate(var.dims):
            if var.name in spoken or dim not in seen:
                dims.known(dim, var.name, axis)
        seen.update(var.dims)
    symbols = {name: Symbol(name, system.labels[name]) for name in tensors}
    symbols |= {x.name: x for x in recurrent}
    integers = {name for name, var in system.inputs.items() if var.integer}
    claim = with_integers(claim, scalar_indices(system))
    check_slips([claim], {*symbols, *system.sizes})
    tensors_known = Tensors(
        dims, symbols, system.functions, closed=True, integers=integers, sizes=system.sizes
    )
    tensors_known.edges = {
        name: {place: always(x) for place, x in own.items()} for name, own in system.edges.items()
    }
    exprs = [d.expr for d in system.definitions.values() if d.expr.has_shift]
    placed = any(d.expr.has_places for d in system.definitions.values())
    tensors_known.moving = placed or bool(exprs)
    moving = any(isinstance(x, Shift) for x in postorder(exprs))
    claim = apart(claim, {name: x.dims for name, x in tensors.items() if name not in system.edges})
    claim = with_offsets(claim, system.edges, labels_of(claim.target) if moving else ())
    resolver = Resolver(tensors_known, system.edges)
    _check_left(claim.target)
    scope = resolver.open(labels_of(claim.target))
    if not isinstance(claim.target, Symbol) or claim.target.name in symbols:
        resolver.resolve(claim.target, scope)
    thunk = resolver.value(claim.value, scope)
    own = [place for places in resolver.places_of.values() for place in places]
    tensors_known.counted += [(place, None) for place in own]  # of no tensor: as their letters say
    resolver.tensors.settle(system.letters)
    extents = Extents(dims.names(), {**dims.letters(), **system.letters})
    return thunk, with_ranges(tensors_known, extents, (), system.letters)[0]


def scalar_indices(system: System) -> set[str]:
    """Return the scalars that are integers, and those that the model defines to read a tensor."""
    nodes = postorder([d.expr for d in system.definitions.values()])
    indices = (x for node in nodes if isinstance(node, Gather | Scatter) for x in node.operands[1:])
    found = {x.name for x in indices if isinstance(x, Var) and not x.dims}
    return found | {name for name, x in system.inputs.items() if x.integer and not x.dims}


def _build(thunk: Thunk, extents: Extents, statement: Statement) -> Expr:
    try:
        expr = thunk(extents)
        nodes = list(postorder([expr]))
        left_out = {number for x in nodes for number in chosen_numbers(x)}
        finite = all(
            is_finite(x.value) for x in nodes if isinstance(x, Const) and x not in left_out
        )
    except EingradError:
        raise
    except (ValueError, ArithmeticError):
        finite = False
    if not finite:
        raise NotationError(
            "the numbers of this statement multiply to one that does not fit a float",
            code="number-too-large",
            position=statement.position,
            hint="numbers lie between 1e-308 and 1e308",
        )
    return expr


# --- order ------------------------------------------------------------------------------------


def _needs(formula: Formula, moved: bool = True) -> list[str]:
    """Return the names in a formula; without ``moved`` those that are read at their own labels."""
    return [
        name for part in walk(formula) for name in names_of(part)
        if moved or not (isinstance(part, Symbol) and part.moves)
    ]  # fmt: skip


def _all_needs(assignment: Assignment) -> list[str]:
    """Return the names in a statement, those in its edges too."""
    edges = (name for edge in assignment.edges for name in _needs(edge.value))
    return [*_needs(assignment.value), *edges]


def _reads_elsewhere(formula: Formula) -> bool:
    """Whether a formula reads at combinations of labels, or under conditions on them."""
    return any(
        isinstance(part, syntax.Compare) or (isinstance(part, syntax.TensorAt) and part.offsets)
        for part in walk(formula)
    )


def _is_ordered(needs: Mapping[str, set[str]]) -> bool:
    """Whether names can stand so that each comes after those that it needs."""
    groups = components({name: [*own] for name, own in needs.items()})
    return all(len(own) == 1 and own[0] not in needs[own[0]] for own in groups)


def _sorted(assignments: Mapping[str, Assignment], loops: Sequence[Sequence[str]]) -> list[str]:
    """Return the names so that each comes after those that it needs, else as they stand."""
    needs = {
        name: [n for n in dict.fromkeys(_all_needs(a)) if n in assignments]
        for name, a in assignments.items()
    }
    for own in loops:  # what is read at another position is there before
        now = {n: {*_needs(assignments[n].value, moved=False)}.intersection(own) for n in own}
        if any(map(_reads_elsewhere, (assignments[n].value for n in own))) and not _is_ordered(now):
            now = {n: set() for n in own}  # what conditions say is judged when it is built
        for name in own:
            needs[name] = [n for n in needs[name] if n not in own or n in now[name]]
    result: list[str] = []
    done: set[str] = set()
    for root in assignments:
        path: dict[str, int] = {}  # the names being visited, each with how many needs are done
        if root not in done:
            path[root] = 0
        while path:
            name, k = next(reversed(path.items()))
            if k == len(needs[name]):
                del path[name]
                done.add(name)
                result.append(name)
                continue
            path[name] = k + 1
            needed = needs[name][k]
            if needed in path:
                names = list(path)
                names = [*names[names.index(needed) :], needed]
                raise mistakes.cycle(names, assignments[needed].position)
            if needed not in done:
                path[needed] = 0
    return result
