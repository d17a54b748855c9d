r"""Functions that a text defines: ``h_\theta(x) = \theta^\top x``, taken of other things than x."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from eingrad.errors import NotationError
from eingrad.notation.summation import children, rebuilt, walk
from eingrad.notation.syntax import (
    AT_POINT,
    EVALUATED,
    Assignment,
    Assumption,
    Call,
    Declaration,
    Dependence,
    Derivative,
    Equation,
    Formula,
    Ordinal,
    Product,
    Shaped,
    SizeOf,
    Statement,
    Symbol,
    TensorAt,
)
from eingrad.notation.tex import names
from eingrad.notation.tex.conditions import with_label
from eingrad.notation.tex.precedence import divided_last
from eingrad.notation.tex.rows import CLOSES, OPENS, Row, sides
from eingrad.notation.tex.tidy import group_end, partner
from eingrad.notation.tokens import Token

SEPARATORS = frozenset({"COMMA", "DOT", "MID", "BAR"})  # between arguments
DEEPEST = 8  # definitions that speak of each other


def _name(token: Token) -> str:
    """Return the name that a letter is, Latin or Greek; nothing for another token."""
    if token.kind in {"LETTER", "FUNCTION"}:
        return names.letter(token.text)
    return names.greek(token.text) or ""


def _with_short_head(tokens: Sequence[Token]) -> Sequence[Token]:
    r"""Return a left side with one token for the known function that it defines:
    ``\text{ReLU}(x)``, ``\tanh(x)``."""
    if not tokens:
        return tokens
    end = group_end(tokens, 1) + 1 if len(tokens) > 1 and tokens[0].text in names.UPRIGHT else 1
    word = "".join(t.text for t in tokens[2 : end - 1]) if end > 1 else ""
    name = names.function_name(word) if word else names.function_command(tokens[0].text)
    if name is None or not tokens or tokens[0].kind != "COMMAND":
        return tokens
    return [replace(tokens[0], kind="FUNCTION", text=name), *tokens[end:]]


@dataclass(frozen=True)
class DefinedHead:
    r"""A function as a text defines it: its name, its arguments, and what stands below its name,
    the tokens of ``_\theta`` in ``h_\theta(x)``."""

    name: str
    arguments: tuple[str, ...]
    below: tuple[str, ...] = ()


def function_rows(found: Sequence[Row]) -> dict[int, DefinedHead]:
    """Return the places of the rows that define functions.

    Such a name stands before parentheses alone, and somewhere with something else in them.
    """
    heads: dict[int, DefinedHead] = {}
    for k, row in enumerate(found):
        pair = sides(row.tokens)
        if len(pair) > 1 and (head := head_of(_with_short_head(pair[0]), pair[1:])) is not None:
            heads[k] = head
    names_of = [head.name for head in heads.values()]
    heads = {k: head for k, head in heads.items() if names_of.count(head.name) == 1}
    bodies = {k: [t for side in sides(found[k].tokens)[1:] for t in side] for k in heads}
    result: dict[int, DefinedHead] = {}
    for k, head in heads.items():
        others = [t for j, other in enumerate(found) for t in (
            other.tokens if j != k else bodies[k])]  # fmt: skip
        known = _with_short_head(sides(found[k].tokens)[0])[0].kind == "FUNCTION"
        if known or _is_applied(head, others):
            result[k] = head
    while more := [
        k
        for k in heads.keys() - result.keys()
        if any(
            head.arguments == heads[k].arguments and heads[k].name in map(_name, bodies[j])
            for j, head in result.items()
        )
    ]:  # f in p(x) = \sigma(f(x)), which is taken of x_i
        result |= {k: heads[k] for k in more}
    return result


def head_of(left: Sequence[Token], rest: Sequence[Sequence[Token]]) -> DefinedHead | None:
    r"""Return the function that a left side is, ``h_\theta(x)``, ``k(x, y)``, if it is one."""
    name = _name(left[0]) if left else ""
    opened = next((k for k, t in enumerate(left) if t.text == "("), 0)
    if not name or not opened or partner(left, opened) != len(left) - 1:
        return None
    arguments = tuple(map(_argument, _arguments(left[opened + 1 : -1])))
    below = tuple(t.text for t in left[1:opened])
    letters = {_name(t) for t in left[1:opened]} - {""}
    if not all(arguments) or (below and (not letters or below[0] != "_")):
        return None
    return (
        DefinedHead(name, arguments, below) if letters <= _levels(rest) | names.PARAMETERS else None
    )


def _levels(found: Sequence[Sequence[Token]]) -> set[str]:
    """Return the names in some sides of equations that stand below no other one."""
    level: set[str] = set()
    lowered: set[str] = set()
    for tokens in found:
        inside = 0
        for k, token in enumerate(tokens):
            begins = k > 0 and tokens[k - 1].kind == "SUB"
            if begins:
                inside = max(inside, group_end(tokens, k) + 1)
            (lowered if k < inside else level).add(_name(token))
    return level - lowered


def _arguments(inner: Sequence[Token]) -> list[list[Token]]:
    """Split what stands in parentheses at commas, semicolons and bars."""
    result: list[list[Token]] = [[]]
    depth = 0
    for token in inner:
        depth += (token.kind in OPENS) - (token.kind in CLOSES)
        if token.kind in SEPARATORS and not depth:
            result.append([])
        else:
            result[-1].append(token)
    return result


def _argument(piece: Sequence[Token]) -> str:
    """Return the name that an argument is, also bold or with a hat; nothing for a formula."""
    head = piece[0].text if piece else ""
    if len(piece) == 1:
        return _name(piece[0])
    if head not in names.BOLD | names.ACCENTS.keys() or group_end(piece, 1) != len(piece) - 1:
        return ""
    inner = piece[2:-1] if piece[1].kind == "LBRACE" else piece[1:]
    name = _name(inner[0]) if len(inner) == 1 else ""
    return name and name + names.ACCENTS.get(head, "")


def _is_applied(head: DefinedHead, tokens: Sequence[Token]) -> bool:
    """Whether a name stands before parentheses alone, and not always with the same arguments."""
    other = head.name == "sigma"
    for k, token in enumerate(tokens):
        if _name(token) != head.name or (k and tokens[k - 1].kind in {"SUB", "SUP"}):
            continue
        opened = _behind(tokens, k, head.below)
        if opened == len(tokens) or (tokens[opened].kind, tokens[opened].text) != ("OPEN", "("):
            return False
        end = partner(tokens, opened)
        if end < 0:
            return False
        given = _arguments(tokens[opened + 1 : end])
        other = other or tuple(map(_argument, given)) != head.arguments[: len(given)]
    return other


def _behind(tokens: Sequence[Token], k: int, below: Sequence[str]) -> int:
    """Return where what stands below the name at k has ended."""
    end = k + 1 + len(below)
    return end if tuple(t.text for t in tokens[k + 1 : end]) == (*below,) else k + 1


def with_plain_calls(row: Row, heads: Sequence[DefinedHead]) -> Row:
    r"""Return a row with ``h(x_i, w)`` for each call ``h_\theta(x_i; w)`` of some functions."""
    known = {head.name: head for head in heads}
    tokens = list(row.tokens)
    for k in range(len(tokens) - 1, -1, -1):
        head = known.get(_name(tokens[k]))
        if head is None or (k and tokens[k - 1].kind in {"SUB", "SUP"}):
            continue
        opened = _behind(tokens, k, head.below)
        del tokens[k + 1 : opened]
        if [t.text for t in tokens[k + 1 : k + 2]] == ["("]:
            pieces = _arguments(tokens[k + 2 : (end := partner(tokens, k + 1))])
            if end > 0 and len(pieces) > 1 and all(map(_begins_with_name, pieces)):
                comma = replace(tokens[k + 1], kind="COMMA", text=",")
                tokens[k + 2 : end] = [t for x in pieces for t in (comma, *x)][1:]
    return replace(row, tokens=tokens)


def _begins_with_name(piece: Sequence[Token]) -> bool:
    r"""Whether an argument begins with a name: ``x_i``, ``\mathbf{x}^{(i)}``; bars part some."""
    known = names.FONTS | names.ACCENTS.keys()
    return bool(piece) and (bool(_name(piece[0])) or piece[0].text in known)


def defined_function(
    head: DefinedHead, value: Formula, statements: Sequence[Statement]
) -> Dependence:
    """Return a function with its formula, and the tensors in that which depend on what it is of."""
    defined = {s.target.name: s.value for s in statements
               if isinstance(s, Assignment) and isinstance(s.target, Symbol)}  # fmt: skip
    reached, through = {*head.arguments}, set[str]()
    while more := {name for name, own in defined.items()
                   if name not in reached and not reached.isdisjoint(_names(own))}:  # fmt: skip
        reached |= more
        through |= more
    inside = sorted(through & {*_names(value)})
    arguments = tuple(map(Symbol, head.arguments))
    return Dependence(arguments, (), value, head.below, tuple(inside))


def with_formulas(
    applied: Mapping[str, Dependence], statements: Sequence[Statement]
) -> dict[str, Dependence]:
    """Return tensors that are written with arguments, with the formulas that define them."""
    result: dict[str, Dependence] = {}
    for name, known in applied.items():
        own = [s for s in statements if isinstance(s, Assignment) and isinstance(s.target, Symbol)
               and (s.target.name, s.target.labels) == (name, ())]  # fmt: skip
        if known.value is None and known.arguments and len(own) == 1:
            head = DefinedHead(name, tuple(x.name for x in known.arguments))
            told = defined_function(head, own[0].value, statements)
            known = replace(known, written=told.value, through=told.through)
        result[name] = known
    return result


def declared_in_calls(
    shape: Shaped, statements: Sequence[Statement], arguments: Collection[str]
) -> Iterator[Shaped]:
    r"""Yield the shapes that a declaration gives: with ``x, z \in \mathbb{R}^d`` and k(x, z) in the
    text, the x_i of ``k(x_i, z)`` is a vector for each i."""
    for name in shape.names:
        found = {
            x.labels for s in statements if isinstance(s, Assignment) for x in walk(s.value)
            if isinstance(x, Symbol) and x.name == name
        }  # fmt: skip
        rows = {labels for labels in found if len(labels) == 1}
        if name not in arguments or shape.carried or len(shape.extents) != 1 or not rows:
            yield replace(shape, names=(name,))
        elif found == rows:
            yield replace(shape, names=(name,), carried=min(rows))
        else:
            hint = f"call one of the two something else than {name}"
            reason = f"{name} is one vector here, and one for each {min(rows)[0]} elsewhere"
            raise NotationError(reason, hint=hint, position=shape.position, operand=name)


def _names(formula: Formula) -> Iterator[str]:
    return (x.name for x in walk(formula) if isinstance(x, Symbol | TensorAt))


Defined = Mapping[str, Dependence]


def put_in_place(formula: Formula, functions: Defined, depth: int = 0) -> Formula:
    """Return a formula with the formulas of functions for their calls.

    Raises NotationError for a derivative of one, and for definitions that go in a circle.
    """
    if not functions or not any(isinstance(x, Call | Derivative) for x in walk(formula)):
        return formula
    if isinstance(formula, Derivative):
        return replace(formula, of=put_in_place(_applied(formula, functions), functions, depth))
    parts = [put_in_place(x, functions, depth) for x in children(formula)]
    formula = rebuilt(formula, parts) if parts else formula
    if not isinstance(formula, Call):
        return formula
    name = formula.function
    known = functions.get(name.rstrip("'"))
    formula = replace(formula, function=name.removesuffix(AT_POINT))
    if known is None or known.value is None:
        if name.endswith(AT_POINT):
            hint = "write its formula with what it is taken of"
            reason = f"{formula.function} of something else than where it is defined"
            raise NotationError(reason, hint=hint, position=formula.position, operand=name)
        return formula
    of_one = len(formula.args) == 1 == len(known.arguments) and not formula.axes
    if name.endswith("'") and of_one and _is_number(formula.args[0]):
        primes = len(name) - len(name.rstrip("'"))
        value = put_in_place(replace(formula, function=name[:-primes]), functions, depth)
        assert isinstance(formula.args[0], Symbol)
        return Derivative(value, (formula.args[0],) * primes, formula.position)  # g'(z)
    if name.endswith("'") and of_one and depth <= DEEPEST:
        own, primes = known.arguments[0], len(name) - len(name.rstrip("'"))
        slope = Derivative(put_in_place(known.value, functions, depth + 1), (own,) * primes,
                           formula.position)  # fmt: skip
        return Call(EVALUATED, (slope, own, formula.args[0]), (), formula.position)  # g'(2)
    if name.endswith("'") or formula.axes or depth > DEEPEST:
        hint = "write its formula, or call it something else where it is defined"
        raise NotationError(f"{name} of a function that the text defines", hint=hint,
                            position=formula.position, operand=name)  # fmt: skip
    return _in_place(formula, known, put_in_place(known.value, functions, depth + 1))


def _in_place(call: Call, known: Dependence, value: Formula) -> Formula:
    """Return the formula of a function for a call of it.

    Arguments that are left out are those of the definition, further ones are names in it.
    """
    given = dict(zip((x.name for x in known.arguments), call.args, strict=False))
    given = {name: x for name, x in given.items() if x != Symbol(name)}
    more = call.args[len(known.arguments) :]
    inside = {x.name for x in walk(value) if isinstance(x, Symbol)}
    if any(not isinstance(x, Symbol) or x.labels or x.name not in inside for x in more):
        hint = f"it is defined with {len(known.arguments)}"
        raise NotationError(f"{call.function} with {len(call.args)} arguments", hint=hint,
                            position=call.position, operand=call.function)  # fmt: skip
    if given and known.through:
        first = known.through[0]
        raise NotationError(
            f"{call.function} of something else, and {first} in its formula depends on what "
            "it is taken of",
            hint=f"put the formula of {first} into that of {call.function}",
            position=call.position, operand=call.function,
        )  # fmt: skip
    taken = {x for argument in given.values() for x in _letters(argument)}
    own = _letters(value)
    fresh = names.fresh_labels(taken | own, len(taken & own))
    for old, new in zip(sorted(taken & own), fresh, strict=True):
        value = with_label(value, old, new, bound=True)
    return _with(value, given, call)


def _letters(formula: Formula) -> set[str]:
    """Return all letters that are labels somewhere in a formula."""
    found: set[str] = set()
    for part in walk(formula):
        if isinstance(part, Symbol | TensorAt):
            found.update(part.labels)
        elif isinstance(part, Call):
            found.update(part.axes)
        elif isinstance(part, SizeOf | Ordinal):
            found.add(part.label)
    return found


def _applied(derivative: Derivative, functions: Defined) -> Formula:
    r"""Return what is differentiated: the g of ``\frac{dg}{dz}`` is g(z) where a text says so."""
    of = derivative.of
    if not isinstance(of, Symbol) or of.labels:
        return of
    known = functions.get(of.name)
    if known is None or known.value is None:
        return of
    return Call(of.name, known.arguments, (), of.position)


def _is_number(formula: Formula) -> bool:
    """Whether a formula is a name without labels, by which one may differentiate."""
    return isinstance(formula, Symbol) and not formula.labels


def _with(formula: Formula, given: Mapping[str, Formula], call: Call) -> Formula:
    """Return a formula with others for some names: x_ij for x_j where x_i is given for x."""
    if isinstance(formula, Symbol | TensorAt) and formula.name in given:
        value = given[formula.name]
        if isinstance(formula, Symbol) and not formula.labels:
            return value
        if isinstance(formula, Symbol) and isinstance(value, Symbol) and not formula.moves:
            return replace(value, labels=(*value.labels, *formula.labels), brackets=True)
        raise NotationError(
            f"{call.function} takes a number where it is defined, and entries of "
            f"{formula.name}, too",
            hint=f"define its entries, {call.function}_i = ..., by what it is taken of",
            position=call.position, operand=call.function,
        )  # fmt: skip
    if isinstance(formula, Derivative):
        if given.keys().isdisjoint(x.name for x in walk(formula) if isinstance(x, Symbol)):
            return formula
        hint = "write out the derivative where the function is defined"
        raise NotationError(f"{call.function} of something else, with a derivative in its formula",
                            hint=hint, position=call.position, operand=call.function)  # fmt: skip
    parts = [_with(x, given, call) for x in children(formula)]
    whole = rebuilt(formula, parts) if parts else formula
    return divided_last(whole) if isinstance(whole, Product) and whole != formula else whole


S = TypeVar("S", bound=Assignment | Assumption | Declaration | Shaped | Equation)


def statement_in_place(statement: S, functions: Defined) -> S:
    """Return a statement or claim in which no such function is called."""
    if isinstance(statement, Assignment):
        target = put_in_place(statement.target, functions)
        assert isinstance(target, Symbol | Derivative)
        return replace(statement, target=target, value=put_in_place(statement.value, functions))
    if isinstance(statement, Equation | Assumption):
        left, right = (put_in_place(x, functions) for x in (statement.left, statement.right))
        return replace(statement, left=left, right=right)
    return statement
