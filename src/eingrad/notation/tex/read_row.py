r"""One row of a text in LaTeX to a statement, or to claims: its sides, notes and conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from eingrad.errors import NotationError
from eingrad.notation.grammar import shallow
from eingrad.notation.mistakes import no_bound
from eingrad.notation.places import with_places
from eingrad.notation.summation import Summation, children, labels_of, rebuilt, walk
from eingrad.notation.syntax import (
    TRANSPOSED,
    Assignment,
    Assumption,
    Call,
    Claim,
    Compare,
    Declaration,
    Dependence,
    Derivative,
    Equation,
    Formula,
    Number,
    Power,
    Product,
    SizeOf,
    Statement,
    Sum,
    Symbol,
)
from eingrad.notation.tex.arguments import are_first
from eingrad.notation.tex.conditions import beside, in_order, limited, no_conditions
from eingrad.notation.tex.declarations import declared, split_declaration
from eingrad.notation.tex.edges import left_edge
from eingrad.notation.tex.entries import about_labels, at_entry
from eingrad.notation.tex.label_numbers import with_label_numbers
from eingrad.notation.tex.latex_tokens import Lexer
from eingrad.notation.tex.names import function_name
from eingrad.notation.tex.precedence import Parser
from eingrad.notation.tex.rows import Row, sides
from eingrad.notation.tex.squares import with_squared_lengths
from eingrad.notation.tex.survey import Context
from eingrad.notation.tex.tidy import group_end
from eingrad.notation.text import to_text
from eingrad.notation.tokens import Token

_UPDATE = r"an update is no equation: give the new value a name of its own, w^{new}_{ij} = ..."
_ROUGHLY = "write = where both sides are equal; what holds roughly cannot be judged"
RELATIONS = {
    **dict.fromkeys(
        (r"\leftarrow", r"\gets", r"\rightarrow", r"\to", r"\mapsto", r"\longmapsto"), _UPDATE
    ),
    **dict.fromkeys((r"\approx", r"\simeq", r"\sim", r"\propto", r"\cong", r"\asymp"), _ROUGHLY),
}
END_OF_ROW = Token("END", "", 0, 0, 0)
STATEMENT_HINT = r"a statement is a tensor with its labels, =, and a formula: y_i = W_{ij} x_j"


def read_rows(
    found: Sequence[Row], contexts: Sequence[Context]
) -> tuple[list[Statement], list[dict[str, str]]]:
    """Read rows; return the statements, and the names of extents that each one has."""
    statements, sizes = [], []
    for row, context in zip(found, contexts, strict=True):
        context.survey.sizes = {}
        statements.append(read_statement(row, context))
        sizes.append(context.survey.sizes)
    return statements, sizes


def read_statement(whole: Row, context: Context) -> Statement:
    row, space = split_declaration(whole.tokens)
    no_conditions(whole.conditions, context)
    if space and len(sides(row or whole.tokens)) < 2:
        return declared(row, space, context)
    if is_word(row, "function"):
        name, count = declared_function(row, context.lexer)
        return Declaration(name, context.lexer.position(row[0]), count=count)
    assumes = is_word(row, "assume")
    body = row[_word_length(row) :] if assumes else row
    if assumes and len(sides(body)) < 2 and any(token.kind == "COMPARE" for token in body):
        return _bound(body, context)
    left, *others = _both_sides(body or row, context)
    context.survey.notes = {}
    before = len(context.survey.raised)
    edge = left_edge(left, context)
    first = _left_side(left, context) if edge is None else edge.target
    given = context.survey.arguments, context.survey.powers
    context.survey.raised_left.update(x for _, x, count in context.survey.raised[before:] if count)
    context.survey.kept = _kept(first)
    value, claimed, notes = _defined(left, others, context)
    if isinstance(first, Call) and first.function == "log":  # \ln L = ... defines L
        first, value = first.args[0], Call("exp", (value,), (), value.position)
        claimed = [Call("exp", (x,), (), x.position) for x in claimed]
    context.survey.arguments, context.survey.powers = given
    first = _with_argument_labels(first, value, context)
    _check_derivatives(first, value)
    position = context.lexer.position(row[0])
    states = isinstance(first, Call) and first.function == "sum" and isinstance(value, Number)
    turned = isinstance(first, Symbol) and value == Power(first, TRANSPOSED)
    if assumes or states or turned:  # \sum_k t_k = 1, S_B = S_B^T
        value = _as_extents(value) if isinstance(first, SizeOf) else value
        return with_places(Assumption(first, value, position), latex=True)
    if not isinstance(first, Symbol | Derivative):
        if value == Symbol("I") and TRANSPOSED in walk(first):
            hint = "leave it out, or write what it says of the entries"
            raise context.lexer.error(left[0], "a condition on a matrix, W^T W = I", hint)
        first, value = value, first  # A_{ij} x_j = y_i
    if not isinstance(first, Symbol | Derivative):
        raise context.lexer.error(
            left[0], "the left side of = must be one tensor with its labels", STATEMENT_HINT
        )
    value, square = with_squared_lengths(first, value, Parser(left, context))
    notes = (*notes, square) if square else notes
    value, *claimed = (with_label_numbers(x, first, context) for x in (value, *claimed))
    chained = (Assignment(first, x, position) for x in claimed)
    context.survey.chained += [with_places(x, latex=True) for x in chained]
    if space:
        context.survey.shapes.append(declared(left, space, context))
    told = (*_told(context, whole.notes), *notes)
    placed = with_places(Assignment(first, value, position, told), latex=True)
    return placed if edge is None else edge.of(placed)


def _as_extents(formula: Formula) -> Formula:
    """Return the extent of n for ``|n|``, where extents are spoken of."""
    match formula:
        case Call(function="abs", args=(Symbol(name=name, labels=()),)):
            return SizeOf(name, position=formula.position)
        case Sum() | Product():
            return rebuilt(formula, [_as_extents(part) for part in children(formula)])
    return formula


def _check_derivatives(*formulas: Formula) -> None:
    """Raise for a derivative of a formula, which a model does not take."""
    for part in (x for formula in formulas for x in walk(formula)):
        if isinstance(part, Derivative) and not isinstance(part.of, Symbol):
            raise NotationError(
                "a derivative that is still to be taken",
                position=part.position,
                hint=r"write a derivative of a tensor: \frac{\partial L}{\partial W_{ij}}",
            )


def _bound(body: Sequence[Token], context: Context) -> Assumption:
    r"""Read ``d > 0``, ``x_i \ge 0``."""
    compared, position = formula_of(body, context), context.lexer.position(body[0])
    if not isinstance(compared, Compare) or compared.op == "!=":
        raise no_bound(getattr(compared, "op", "this"), position)
    return Assumption(compared.left, compared.right, position, compared.op)


def _defined(
    left: Sequence[Token], sides: Sequence[Sequence[Token]], context: Context
) -> tuple[Formula, list[Formula], tuple[str, ...]]:
    """Return what a statement defines its left side to be: of a chain the first side that can be
    read; and the other sides, which are claims, with a note on those that cannot be."""
    values: list[Formula] = []
    failed: NotationError | None = None
    for side in sides:
        try:
            values.append(formula_of(side, context))
        except NotationError as error:
            failed = failed or error
    if failed is not None and not values:
        raise failed
    name = left[0].text
    if any(isinstance(x, Symbol) and x.name == name for v in values[1:] for x in walk(v)):
        reason = f"{name} stands on both sides of a chain of equations"
        raise context.lexer.error(left[0], reason, r"write \\ between two equations")
    judged = [v for v in values[1:] if not _has_generic(v, context)]
    notes = () if len(judged) == len(sides) - 1 else (
        f"{to_text(values[0])} is the definition; what else it is set equal to is not looked at",
    )  # fmt: skip
    return values[0], judged, notes


def _told(context: Context, more: Sequence[str] = ()) -> list[str]:
    """Return the notes of a statement that no statement before it has."""
    notes = [x for x in (*more, *context.survey.notes) if x not in context.survey.told]
    context.survey.told.update(notes)
    return notes


def _with_argument_labels(left: Formula, value: Formula, context: Context) -> Formula:
    """Return h_i for the ``h(x_i)`` of a left side, if no sum sign binds i in its definition."""
    arguments, powers = context.survey.arguments, context.survey.powers
    if (
        isinstance(left, Symbol)
        and left.labels
        and arguments
        and (len(left.labels) > 1 or context.survey.bound.isdisjoint(left.labels))
        and not any(x in Summation().free(value) for x in left.labels)
    ):
        context.survey.words.update((left.name, x) for x in left.labels)  # E_{in}(W)
    if isinstance(left, Symbol) and left.labels and arguments:
        context.survey.applied[left.name] = Dependence(arguments, (), powers=powers)
    if not isinstance(left, Symbol) or left.labels or not arguments:
        return left
    found = Summation().free(value)
    labels = tuple(dict.fromkeys(x for a in arguments for x in a.labels if x in found))
    context.survey.applied[left.name] = Dependence(arguments, labels, powers=powers)
    for label in sorted({*labels} - {k for k, _ in Summation().dangling(value, ())}):
        context.survey.notes.setdefault(
            f"{label} is kept in {left.name}, whose argument has it; write \\sum_{label} to sum it"
        )
    return replace(left, labels=labels, brackets=True)


def _kept(left: Formula) -> tuple[str, ...]:
    """Return the labels of a left side."""
    return labels_of(left) if isinstance(left, Symbol | Derivative) else ()


def defines_sigma(found: Sequence[Row]) -> bool:
    r"""Whether a text says what the entries of sigma are: ``\sigma(\mathbf{z})_i = ...``."""
    lefts = [pair[0] for row in found if len(pair := sides(row.tokens)) > 1]
    return any([t.text for t in left[:2]] == [r"\sigma", "("] and is_called(left) > 1
               for left in lefts)  # fmt: skip


def defines_delta(found: Sequence[Row], bare: bool = False) -> bool:
    r"""Whether a text says what ``\delta_{oi}`` is, which is then no Kronecker's delta.

    With ``bare``, what ``\delta`` without labels is.
    """
    return any(
        [t.text for t in row.tokens[:2]] == [r"\delta", "=" if bare else "_"]
        and len(sides(row.tokens)) > 1
        and not any(t.kind in {"SIGN", "TIMES"} for t in sides(row.tokens)[0])
        for row in found
    )  # fmt: skip


def defines_e(found: Sequence[Row]) -> bool:
    r"""Whether a text says what ``e^l`` is, which is then no power of Euler's number."""
    return any(
        row.tokens[0].text == "e" and len(sides(row.tokens)) > 1 for row in found if row.tokens
    )


def is_threshold(found: Sequence[Row]) -> bool:
    r"""Whether ``\delta`` has no labels, but somewhere a power, as that of ``|x| \leq \delta``."""
    rows = ([*row.tokens, END_OF_ROW, END_OF_ROW] for row in found)
    behind = [row[k + 1 : k + 3] for row in rows for k, t in enumerate(row) if t.text == r"\delta"]
    powers = [after for after in behind if [t.kind for t in after] == ["SUP", "NUMBER"]]
    plain = [after for after in behind if after not in powers]
    return bool(plain) and {"SUB", "SUP"}.isdisjoint(after[0].kind for after in plain)


def _has_generic(value: Formula, context: Context) -> bool:
    """Whether a formula has a function that stands for any."""
    return any(isinstance(x, Call) and x.function in context.functions for x in walk(value))


def claims_of(whole: Row, context: Context) -> list[Claim]:
    """Read a chain of equations: each right side is claimed to be the first left side.

    ``i = j`` behind it restricts it to its diagonal, ``i \\neq j`` to the rest.
    """
    row = split_declaration(whole.tokens)[0] or whole.tokens
    left, *right = _both_sides(row, context)
    if [t.text for t in left] == ["0"] and len(right) > 1:  # 0 = dL/dw = X^T r
        left, *right = [*right, left]
    context.survey.notes = {}
    at: list[tuple[str, Symbol]] = []
    context.survey.at = at
    target = _left_side(left, context)
    context.survey.kept, context.survey.at = _kept(target), None
    position = context.lexer.position(row[0])
    claims: list[Claim] = []
    for part in right:
        context.survey.products = []
        value = with_label_numbers(formula_of(part, context), target, context)
        if isinstance(value, Compare):
            hint = r"write a condition behind a space and a word: \quad \text{if } x > 0"
            raise context.lexer.error(part[0], "a comparison where a formula stands", hint)
        if isinstance(target, Symbol | Derivative):
            told = (*whole.notes, *context.survey.notes)
            claim = Assignment(target, value, position, told)
            claims.append(in_order(claim, context.survey.products))
        else:
            claims.append(Equation(target, value, position))
    read = partial(formula_of, context=context, comparison=True)
    placed = [with_places(_labelled(beside(claim, at), context), latex=True) for claim in claims]
    entries = [at_entry(about_labels(claim, context.tensors), whole.entry) for claim in placed]
    return [limited(claim, whole.conditions, context, read) for claim in entries]


def _labelled(claim: Claim, context: Context) -> Claim:
    """Return J_i for the J of a claim where J is defined as ``J(x_i)``, if it speaks of i."""
    own = {n: x.labels for n, x in context.applied.items()
           if x.labels and context.rank(n) == len(x.labels)}  # fmt: skip
    if not own:
        return claim
    left, right = (claim.target, claim.value) if isinstance(claim, Assignment) else (
        claim.left, claim.right)  # fmt: skip
    parts = [x for side in (left, right) for x in walk(side)]
    wrt = (x for part in parts if isinstance(part, Derivative) for x in part.wrt)
    spoken = {label for x in (*parts, *wrt) if isinstance(x, Symbol) for label in x.labels}

    def labelled(part: Formula) -> Formula:
        if isinstance(part, Derivative):
            return replace(part, of=labelled(part.of))
        if isinstance(part, Symbol):
            known = own.get(part.name, ())
            return replace(part, labels=known) if not part.labels and spoken >= {*known} else part
        inside = [labelled(x) for x in children(part)]
        return rebuilt(part, inside) if inside else part

    left, right = labelled(left), labelled(right)
    if isinstance(claim, Equation):
        return replace(claim, left=left, right=right)
    assert isinstance(left, Symbol | Derivative)
    return replace(claim, target=left, value=right)


def _both_sides(row: Sequence[Token], context: Context) -> list[Sequence[Token]]:
    found = sides(row)
    for token in row:
        if token.kind == "BREAK":
            hint = r"the end of a line means nothing between $$ and $$: write \\ between equations"
            raise context.lexer.error(token, "two equations without a sign between them", hint)
    if len(found) < 2:
        raise _no_equation(row, context)
    if not found[0]:
        raise context.lexer.error(row[0], "nothing stands before =", STATEMENT_HINT)
    if not all(found):
        raise context.lexer.error(row[-1], "nothing stands after =", STATEMENT_HINT)
    return found


def _no_equation(row: Sequence[Token], context: Context) -> NotationError:
    """Return the error about a row without an equals sign."""
    for token in row:
        if (hint := RELATIONS.get(token.text)) is not None:
            return context.lexer.error(token, f"{token.text} makes no equation", hint)
    first = row[0] if row else None
    return context.lexer.error(first, "this is no statement: it has no =", STATEMENT_HINT)


def _left_side(tokens: Sequence[Token], context: Context) -> Formula:
    r"""Read a left side: a tensor, also with arguments or squared, or a formula.

    ``\mathcal{L}(y, t) = ...`` defines L, ``\sigma^2 = ...`` the square.
    """
    inner = _inside_log(tokens)
    if inner and not context.closed:
        return Call("log", (_left_side(inner, context),))
    called = is_called(tokens)
    if called:
        tokens = [replace(t, spaced=t.spaced and t.kind != "OPEN") for t in tokens]
    parser = Parser(tokens, context)
    context.survey.arguments = ()
    if parser.begins_name(parser.peek()) and (called > 1 or not _begins_call(parser)):
        tensor = parser.defined() if called else None
        if tensor is not None and parser.peek().kind == "END" and not _elsewhere(tensor, context):
            return tensor
    formula = formula_of(tokens, context)
    match formula:
        case Power(base=Symbol() as base, exponent=Number(value=2)) if not context.closed:
            if context.final and base.name not in context.squared:
                hint = "give the square a name of its own"
                reason = f"the square of {to_text(base)} on a left side"
                raise NotationError(reason, hint=hint, position=formula.position)
            context.survey.squared.add((base.name, base.labels))
            return base
    return formula


def _elsewhere(tensor: Formula, context: Context) -> bool:
    """Whether a claim is about a tensor at other arguments than those that define it: ``f(a)``."""
    known = context.applied.get(tensor.name) if isinstance(tensor, Symbol) else None
    if known is None or not context.closed or known.labels or known.value is not None:
        return False
    given, survey = [x.name for x in context.survey.arguments], context.survey
    return bool(given and known.arguments) and not are_first(given, survey.powers, known)


def _inside_log(tokens: Sequence[Token]) -> Sequence[Token]:
    r"""Return the name whose logarithm a left side is, ``\log p(x \mid \mu)``; () for any other."""
    length = 1 if tokens[0].text in {r"\log", r"\ln"} else group_end(tokens, 1) + 1
    word = "".join(t.text for t in tokens[2 : length - 1])
    if length > 1 and (tokens[0].text != r"\operatorname" or function_name(word) != "log"):
        return ()
    inner = tokens[length:]
    if inner and inner[0].kind == "LBRACE" and group_end(inner, 0) == len(inner) - 1:
        inner = inner[1:-1]
    return () if not inner or inner[0].kind == "OPEN" else inner


def is_called(tokens: Sequence[Token]) -> int:
    r"""Whether a side is a name with arguments alone, no power: ``L(y, t)``.

    2 if labels follow: ``\sigma(\mathbf{z})_i``.
    """
    depth, end = 0, len(tokens)
    ends = [k for k, t in enumerate(tokens) if t.kind == "OPEN"]
    below = [k for k, t in enumerate(tokens) if t.kind == "SUB" and tokens[k - 1].kind == "CLOSE"]
    if below and group_end(tokens, below[0] + 1) == end - 1:
        end = below[0]
    if not ends or not end or tokens[end - 1].kind != "CLOSE" or tokens[ends[0]].text != "(":
        return 0
    for token in tokens[ends[0] : end - 1]:
        depth += (token.kind == "OPEN") - (token.kind == "CLOSE")
        if depth == 0:
            return 0
    plain = all(t.kind not in {"SUP", "SIGN", "TIMES", "PRIME"} for t in tokens[: ends[0]])
    return (1 + (end < len(tokens))) * plain


def _begins_call(parser: Parser) -> bool:
    """Whether a known or declared function comes first, or a derivative, ``f_x(x, y)``."""
    if parser.begins_slope():
        return True
    start = parser.k
    name = parser.word(label=True)
    parser.k = start
    return name == "sigma" or bool(function_name(name)) or parser.context.is_function(name)


def formula_of(tokens: Sequence[Token], context: Context, comparison: bool = False) -> Formula:
    parser = Parser(tokens, context)
    parser.nested += comparison
    return shallow(parser.whole())


def is_word(row: Sequence[Token], word: str) -> bool:
    r"""Whether a row begins with ``\text{word}`` or the word itself."""
    return "".join(t.text for t in row[: _word_length(row)] if t.kind == "LETTER") == word


def _word_length(row: Sequence[Token]) -> int:
    if row and row[0].text in {r"\text", r"\mathrm", r"\textbf"}:
        return next((k + 1 for k, t in enumerate(row) if t.kind == "RBRACE"), 0)
    return next((k for k, t in enumerate(row) if t.kind != "LETTER" or (k and t.spaced)), 0)


def declared_function(row: Sequence[Token], lexer: Lexer) -> tuple[str, int]:
    r"""Return the name and the number of arguments that ``\text{function } f(x, y)`` declares."""
    tokens = row[_word_length(row) :]
    opened = next((k for k, t in enumerate(tokens) if t.text == "("), len(tokens))
    tokens, arguments = tokens[:opened], tokens[opened:]
    formula = formula_of(tokens, Context(lexer)) if tokens else None
    if isinstance(formula, Symbol) and not formula.labels:
        return formula.name, 1 + sum(t.kind == "COMMA" for t in arguments)
    raise lexer.error(
        row[0], "a declared function has a plain name", r"write \text{function } \phi"
    )
