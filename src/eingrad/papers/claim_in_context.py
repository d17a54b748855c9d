"""One equation of a document against the definitions around it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from eingrad.check import Depth, Derived, Verdict, check_each
from eingrad.check.lone_functions import with_arguments
from eingrad.core.expr import variables
from eingrad.errors import EingradError, NotationError
from eingrad.notation.lower import lower
from eingrad.notation.parse import parse_claims
from eingrad.notation.summation import names_of, walk
from eingrad.notation.syntax import (
    BY_ROW,
    ONES_NAME,
    TRANSPOSED,
    Assignment,
    Claim,
    Derivative,
    Formula,
    Offset,
    Product,
    Statement,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.system import Definition, System
from eingrad.papers.layer_names import LAYERS
from eingrad.papers.scope import Built, is_called, letters_of_name

KNOWN = frozenset({"delta", "pi", "deltas", "I", ONES_NAME, TRANSPOSED.name, BY_ROW.name})


_MATRIX = re.compile(r"[ABGHPQRSUVWXYZ]\d*")  # what nobody calls a number without saying so


class UnresolvedError(EingradError):
    """Something that a formula of a document speaks of is nowhere defined."""

    code = "unresolved"


class IndependentError(UnresolvedError):
    """A derivative is of a tensor that does not depend on its variable, as it is defined before."""

    code = "independent"
    mixed = False  # whether it depends on other variables of the same equation
    total = False  # whether it is spoken of as a number


@dataclass(frozen=True)
class Read:
    """An equation as formulas, with the model in which it is to be judged.

    ``unknown`` are its tensors of which the document says nothing, ``generic`` the losses that
    stand for any, each with its upstream gradients: the tensor that stands for ``dL/dY``, and Y.
    ``upstream`` is a tensor that is taken to be such a gradient, and which one. ``beside`` are
    tensors of which an undefined loss may be a function, too, though it is only differentiated by
    others. What is ``independent`` of a variable is 0 only as far as the text says.
    """

    text: str
    claims: tuple[Claim, ...]
    derived: Derived
    unknown: tuple[Symbol, ...] = ()
    generic: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    upstream: Mapping[str, str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    independent: str = ""

    def judged(self, depth: Depth) -> list[Verdict]:
        """Judge it; raises EingradError without a meaning."""
        return check_each(self.derived, self.text, True, depth)

    def unfounded(self) -> str | None:
        """Return an undefined loss of whose gradient a claim says what the document may know.

        Of a loss that nothing defines, only what its other derivatives say of one can be wrong;
        of two that one may be a function of the other.
        """
        if len(self.generic) > 1:
            return next(iter(self.generic))
        *through, claim = self.claims
        own = {c.target.name for c in through
               if isinstance(c, Assignment) and isinstance(c.target, Symbol)}  # fmt: skip
        side = claim.value if isinstance(claim, Assignment) else claim.right
        terms = side.terms if isinstance(side, Sum) else (side,)
        if self.generic and not all(_speaks_of(term, self.generic, own) for term in terms):
            return next(iter(self.generic))
        return None

    def variables(self) -> frozenset[str]:
        """Return by what it differentiates."""
        return frozenset(x.name for d in derivatives_in(self.claims) for x in d.wrt)

    def is_partial(self) -> bool:
        """Whether it is about a derivative of a tensor with labels, which may be a partial one."""
        claim = self.claims[-1]
        target = claim.target if isinstance(claim, Assignment) else None
        of = target.of if isinstance(target, Derivative) else None
        return isinstance(of, Symbol) and bool(of.labels)

    def shifted_matrix(self) -> str | None:
        r"""Return what a number is added to a matrix: ``D - \lambda`` may mean the identity."""
        ranks = {name: len(labels) for name, labels in self.derived.system.labels.items()}

        def rank(term: Formula) -> int:
            parts = (x for x in walk(term) if isinstance(x, Symbol) and not x.labels)
            return max((ranks.get(x.name, 0) for x in parts), default=0)

        for side in _sides(self.claims[-1:]):
            for part in walk(side):
                if isinstance(part, Sum) and max(map(rank, part.terms)) == 2:
                    alone = [x.name for x in part.terms if isinstance(x, Symbol) and not rank(x)]
                    if alone:
                        return alone[0]
        return None

    def open_matrix(self) -> str | None:
        """Return a capital that is taken for a number, though it may be a matrix."""
        spoken = {s.name for s in symbols_in(self.claims)}
        given = self.derived.system.inputs.items()
        found = (n for n, var in given if n in spoken and not var.dims and _MATRIX.fullmatch(n))
        return next(found, None)

    def readable(self, text: str) -> str:
        """Put ``dL/dY`` in the place of what stands for it."""
        for loss, upstream in self.generic.items():
            for name, of in upstream.items():
                text = re.sub(rf"\b{name}(?=_|\b)", f"d{loss}/d{of}", text)
        return text


def read_equation(text: str, built: Built) -> tuple[Claim, ...]:
    """Read an equation against a model's names."""
    system = built.system
    names = {} if system is None else {**dict.fromkeys(system.sizes, ()), **system.labels}
    if system is None:
        return parse_claims(text, names, True)
    return parse_claims(text, names, True, counting=system.counting)


def in_context(
    text: str,
    built: Built,
    arguments: Mapping[str, frozenset[str]],
    whole: bool,
    upstream: bool = False,
    spoken: bool = False,
) -> Read:
    """Return an equation with the model that it needs.

    A loss that nothing defines becomes a generic function: of ``arguments``, where the document
    names them, else of what the definitions build up from what it is differentiated by. With
    ``upstream``, a tensor that nothing defines is taken to be its gradient; with ``spoken``, it is
    one of what the equation differentiates it by alone, where that is part of it. Raises
    UnresolvedError where a derivative speaks of what is not defined, and for such a loss if the
    model is not the ``whole`` of what the loss may depend on.
    """
    claims = read_equation(text, built)
    statements, system = built.statements, built.system
    if system is not None:
        claims = tuple(with_arguments(claim, system) for claim in claims)
    parts = list(derivatives_in(claims))
    independent = _check_depends(system, parts)
    losses = _losses(parts, system)
    symbols = _unknown(claims, losses, system)
    if losses and not whole:
        raise _unsaid(min(losses))
    generic: dict[str, Mapping[str, str]] = {}
    taken: dict[str, str] = {}
    beside: tuple[str, ...] = ()
    for loss in sorted(losses):
        sinks = _depends_on(loss, parts, system, arguments)
        own = _variables_of(loss, list(derivatives_in(claims[-1:])))
        named = [x for x in sinks if x in own]
        beside = tuple(x for x in sinks if named and x not in named)
        sinks = named if spoken and beside else sinks
        assert system is not None
        given = _taken(symbols, system, sinks) if upstream and len(losses) == 1 else None
        statement, generic[loss] = _generic(system, loss, sinks, given)
        statements = (*statements, statement)
        if given is not None:
            del symbols[given]
            taken[given] = f"d{loss}/d{sinks[0]}"
    unknown = tuple(symbols.values())
    extra = [all_of(claims, unknown, system.labels if system else {})] if unknown else []
    derived = derived_of((*statements, *extra) or (all_of(claims, (), {}),), built)
    return Read(text, claims, derived, unknown, generic, taken, beside, independent)


def _unsaid(name: str) -> UnresolvedError:
    return UnresolvedError(f"nothing before says what {name} is", operand=name)


def _losses(parts: Sequence[Derivative], system: System | None) -> set[str]:
    """Return the scalars that derivatives are of and nothing defines; raise for other tensors."""
    defined = {} if system is None else system.definitions
    losses = {
        d.of.name for d in parts
        if isinstance(d.of, Symbol) and not d.of.labels and d.of.name not in defined
        and [x.name for x in d.wrt] != [d.of.name]
    }  # fmt: skip
    for part in parts:
        of = part.of
        if not isinstance(of, Symbol) or of.name in defined or of.name in losses:
            continue
        if any(x.name != of.name for x in part.wrt):
            raise _unsaid(of.name)
    return losses


def _unknown(claims: Sequence[Claim], losses: set[str], system: System | None) -> dict[str, Symbol]:
    """Return the tensors of a claim that nothing before it speaks of."""
    own = {c.target.name for c in claims[:-1]
           if isinstance(c, Assignment) and isinstance(c.target, Symbol)}  # fmt: skip
    known = losses | KNOWN | own
    if system is not None:
        known = known.union(system.labels, system.sizes, system.functions)
    return {s.name: s for s in symbols_in(claims) if s.name not in known}


def _variables_of(loss: str, parts: Sequence[Derivative]) -> set[str]:
    """Return what a loss is differentiated by; raise for a second derivative."""
    own = [d for d in parts if isinstance(d.of, Symbol) and d.of.name == loss]
    if any(len(d.wrt) > 1 for d in own):
        raise _unsaid(loss)
    return {x.name for d in own for x in d.wrt}


def _depends_on(
    loss: str,
    parts: Sequence[Derivative],
    system: System | None,
    arguments: Mapping[str, frozenset[str]],
) -> list[str]:
    """Return the tensors of which a loss is a function; raise where nothing says so."""
    by = _variables_of(loss, parts)
    if missing := by - (system.labels.keys() if system else set()):
        name = min(missing)
        raise UnresolvedError(f"nothing before says how {loss} depends on {name}", operand=name)
    assert system is not None
    own = [args for name, args in arguments.items() if is_called(loss, name)]
    sinks = _sinks(system, loss, by, own[0] if own else None)
    if not sinks:
        raise _unsaid(loss)
    return sinks


def derived_of(statements: tuple[Statement, ...], built: Built) -> Derived:
    """Return the model of statements with what can be derived of it, once for each."""
    derived = built.derived.get(statements)
    if derived is None:
        new, system = lower(statements), built.system
        if system is not None:
            new = replace(
                new, sizes={**new.sizes, **system.sizes}, kinds=system.kinds, stacks=system.stacks,
                counting=system.counting,
            )  # fmt: skip
        derived = built.derived[statements] = Derived(new)
    return derived


def _speaks_of(term: Formula, losses: Container[str], own: Container[str]) -> bool:
    """Whether a term has a derivative of a loss, or what a claim defines to be one."""
    return any(
        (isinstance(x, Derivative) and isinstance(x.of, Symbol) and x.of.name in losses)
        or (isinstance(x, Symbol) and x.name in own)
        for x in walk(term)
    )


def derivatives_in(claims: Sequence[Claim]) -> Iterator[Derivative]:
    for side in _sides(claims):
        for part in walk(side):
            if isinstance(part, Derivative):
                yield part


def names_in(claims: Sequence[Claim]) -> frozenset[str]:
    """Return the tensors that equations speak of."""
    return frozenset(s.name for s in symbols_in(claims))


def losses_in(claims: Sequence[Claim]) -> frozenset[str]:
    """Return the scalars that derivatives are of."""
    of = (d.of for d in derivatives_in(claims))
    return frozenset(x.name for x in of if isinstance(x, Symbol) and not x.labels)


def defined_in(claims: Sequence[Claim]) -> frozenset[str]:
    """Return the tensors that stand alone on the left sides of equations."""
    targets = (c.target for c in claims if isinstance(c, Assignment))
    return frozenset(x.name for x in targets if isinstance(x, Symbol))


def _sides(claims: Sequence[Claim]) -> Iterator[Formula]:
    for claim in claims:
        if isinstance(claim, Assignment):
            yield from (claim.target, claim.value)
        else:
            yield from (claim.left, claim.right)


def symbols_in(claims: Sequence[Claim]) -> Iterator[Symbol]:
    """Yield the tensors of claims, also those that are read at integers."""
    for side in _sides(claims):
        for part in walk(side):
            if isinstance(part, Symbol):
                yield part
            elif isinstance(part, TensorAt):
                for name in names_of(part):
                    labels = tuple(x if isinstance(x, str) else "" for x in part.entries)
                    yield Symbol(name, labels if name == part.name else ())


def _check_depends(system: System | None, parts: Sequence[Derivative]) -> str:
    """Raise where a derivative is 0 because what it is of does not depend on its variable.

    One of a formula may be 0 beside another by the same variable, ``d[b x]/da`` beside ``dL/da``:
    what is to be thought of it, if the equation does not hold, is returned.
    """
    defined = () if system is None else system.definitions
    reached: dict[str, list[bool]] = {}
    none: IndependentError | None = None
    for part in parts:
        names = {x.name for x in walk(part.of) if isinstance(x, Symbol | TensorAt)}
        if isinstance(part.of, Symbol) and part.of.name not in defined:
            continue
        for name in (x.name for x in part.wrt):
            depends = bool(names & depends_on(system, name)) or not names
            reached.setdefault(name, []).append(depends)
            if depends:
                continue
            error = _independent(system, parts, part, name)
            if isinstance(part.of, Symbol):
                raise error
            none = none or error
    if none is not None and not all(map(any, reached.values())):
        raise none
    return "" if none is None else none.reason


def _independent(
    system: System | None, parts: Sequence[Derivative], part: Derivative, name: str
) -> IndependentError:
    of = part.of.name if isinstance(part.of, Symbol) else "it"
    reason = f"{of} does not depend on {name}, as far as the text says"
    error = IndependentError(reason, operand=of)
    error.total = isinstance(part.of, Symbol) and not part.of.labels
    error.mixed = any(of in depends_on(system, x.name) for d in parts for x in d.wrt
                      if x.name != of)  # fmt: skip
    return error


def depends_on(system: System | None, name: str) -> set[str]:
    """Return the definitions that use a tensor, directly or through others, and itself."""
    found = {name}
    for definition in (
        system.definitions.values() if system is not None else ()
    ):  # each stands after those that it needs
        if any(v.name in found for v in variables(definition.expr)):
            found.add(definition.name)
    return found


def _sinks(system: System, loss: str, by: set[str], arguments: frozenset[str] | None) -> list[str]:
    """Return what an undefined loss is taken to be a function of."""
    above = depends_on(system, loss) if loss in system.inputs else {loss}
    reached = {name for x in by for name in depends_on(system, x)} - above
    if arguments is not None:
        return [n for n in system.labels if n in reached and letters_of_name(n[:1]) <= arguments]
    used = {x for n, d in system.definitions.items() if n not in above for x in _read_by(d, system)}
    return [name for name in system.labels if name in reached and name not in used]


def _read_by(definition: Definition, system: System) -> set[str]:
    """Return the tensors that a definition uses, but for those of the layer before alone."""
    names = {v.name for v in variables(definition.expr)}
    before: dict[str, bool] = {}
    for part in walk(definition.written.value) if definition.written is not None else ():
        axis = layer_axis(part.name, system) if isinstance(part, Symbol) else None
        if isinstance(part, Symbol) and axis is not None:
            earlier = bool(part.moves) and part.moves[axis] < 0
            before[part.name] = earlier and before.get(part.name, True)
    return names - {name for name, earlier in before.items() if earlier}


def layer_axis(name: str, system: System) -> int | None:
    """Return which axis of a recurrence through layers is theirs, None where there is none."""
    letter, _ = system.counting.carriers.get(name, ("", ""))
    labels = system.labels.get(name, ())
    known = name in system.definitions and letter in LAYERS and letter in labels
    return labels.index(letter) if known else None


def _taken(symbols: Mapping[str, Symbol], system: System, sinks: Sequence[str]) -> str | None:
    """Return the one tensor that nothing defines, where it may be the gradient by the one sink."""
    if len(symbols) != 1 or len(sinks) != 1:
        return None
    [(name, symbol)] = symbols.items()
    fits = len(symbol.labels) in {0, len(system.labels[sinks[0]])}
    return name if fits else None


def _generic(
    system: System, loss: str, sinks: Sequence[str], given: str | None
) -> tuple[Statement, Mapping[str, str]]:
    """Return a loss with a free gradient by each of some tensors, and the gradients' names.

    ``given`` is the name of the gradient, where there is one. Of layers it is a function of the
    last.
    """
    gradients: dict[str, str] = {}
    terms: list[Formula] = []
    for name in sinks:
        new = (f"G{name}", f"up{name}", f"upstream{name}")
        own = given or next(n for n in new if n not in system.labels)
        if given is None:
            gradients[own] = name
        labels, axis = system.labels[name], layer_axis(name, system)
        value: Formula = Symbol(name, labels)
        if axis is not None:
            value = TensorAt(name, (*labels[:axis], Offset((), -1), *labels[axis + 1 :]))
            labels = (*labels[:axis], *labels[axis + 1 :])
        terms.append(Product((Symbol(own, labels), value), (False, False)))
    whole = terms[0] if len(terms) == 1 else Sum(tuple(terms), (False,) * len(terms))
    return Assignment(Symbol(loss), whole), gradients


def all_of(
    claims: Sequence[Claim], unknown: Sequence[Symbol], known: Mapping[str, tuple[str, ...]]
) -> Statement:
    """Return a statement that makes tensors of symbols that nothing defines.

    All symbols of the claims stand in one product, so that axes with one letter are one.
    """
    parts: dict[str, Symbol] = {}
    alike: dict[str, str] = {}  # a letter -> the letter of the same axis
    for symbol in symbols_in(claims):
        own = symbol.name in known or any(symbol.name == u.name for u in unknown) or not known
        if own and symbol.name not in KNOWN and len({*symbol.labels}) == len(symbol.labels):
            first = parts.setdefault(symbol.name, symbol)
            if len(first.labels) == len(symbol.labels):
                alike |= _same_axes(alike, zip(first.labels, symbol.labels, strict=True))
    parts = {name: _with_letters(symbol, alike) for name, symbol in parts.items()}
    labels = tuple(dict.fromkeys(x for own in parts.values() for x in own.labels))
    if not parts:
        raise NotationError("it speaks of no tensor")
    value = Product(tuple(parts.values()), (False,) * len(parts))
    return Assignment(Symbol("unusedhere", labels), value)


def _same_axes(alike: Mapping[str, str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return for letters that stand at one axis the letter that is taken for all of them."""
    found = dict(alike)
    for first, other in pairs:
        kept, left = found.get(first, first), found.get(other, other)
        if kept != left:
            found = {x: kept if to == left else to for x, to in found.items()} | {left: kept}
    return found


def _with_letters(symbol: Symbol, alike: Mapping[str, str]) -> Symbol:
    """Return a tensor with one letter an axis, as it was where two axes would get the same."""
    labels = tuple(alike.get(x, x) for x in symbol.labels)
    return Symbol(symbol.name, labels if len({*labels}) == len(labels) else symbol.labels)
