r"""A text in LaTeX to statements, in two readings: what it says as a whole is found first."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from eingrad.errors import NotationError
from eingrad.notation import tries
from eingrad.notation.gathers import with_integers
from eingrad.notation.grammar import shallow
from eingrad.notation.lexeme import GREEK_LETTERS
from eingrad.notation.matrix.statements import elaborated, labels_inside, shows_matrices
from eingrad.notation.mistakes import no_bound
from eingrad.notation.moves import with_edges, with_first_entries
from eingrad.notation.places import with_places
from eingrad.notation.summation import Summation, children, labels_of, rebuilt, walk
from eingrad.notation.syntax import (
    ANY_FUNCTION,
    Assignment,
    Assumption,
    Call,
    Claim,
    Compare,
    Counting,
    Declaration,
    Dependence,
    Derivative,
    Equation,
    Formula,
    Number,
    Power,
    Product,
    Shaped,
    SizeOf,
    Statement,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.tex.conditions import beside, limited, no_conditions
from eingrad.notation.tex.declarations import declared, split_declaration
from eingrad.notation.tex.defined_functions import function_rows, statement_in_place
from eingrad.notation.tex.edges import left_edge
from eingrad.notation.tex.entries import about_labels, at_entry
from eingrad.notation.tex.latex_tokens import Lexer
from eingrad.notation.tex.names import (
    ACCENTS,
    ERRORS,
    EXTENTS,
    FONTS,
    OWN,
    big,
    function_command,
    function_name,
)
from eingrad.notation.tex.precedence import Parser
from eingrad.notation.tex.rows import Row, rows, sides
from eingrad.notation.tex.superscripts import MovingLabels, claims_with_labels, with_labels
from eingrad.notation.tex.survey import (
    Context,
    Subscript,
    Survey,
    letters_of,
    squares_in,
    upper_labels,
)
from eingrad.notation.tex.tidy import (
    group_end,
    spelled_word,
    tidied,
    with_words,
    words_on_the_left,
)
from eingrad.notation.text import to_text
from eingrad.notation.tokens import Token

_LATEX = re.compile(
    r"\\(?:[dtc]?frac|left|right|begin|partial|nabla|sqrt|cdot|times|odot|otimes|le|ge|ne|leq|geq|neq"
    r"|quad|qquad|boxed|mathop|mathbb|ell|top|in|[,;!|]"
    rf"|{'|'.join(name[1:] for name in sorted({*FONTS, *ACCENTS}))})"
    r"(?![A-Za-z])"
    r"|\^\{(?!\([0-9]+\)\})|_\{[^{}\n<>=!]*[{_]|(?<!\|)\|[^|\n]+\|(?!\|)|\$|&|\\\\"
)
_UPDATE = r"an update is no equation: give the new value a name of its own, w^{new}_{ij} = ..."
_ROUGHLY = "write = where both sides are equal; what holds roughly cannot be judged"
RELATIONS = {
    **dict.fromkeys(
        (r"\leftarrow", r"\gets", r"\rightarrow", r"\to", r"\mapsto", r"\longmapsto"), _UPDATE
    ),
    **dict.fromkeys((r"\approx", r"\simeq", r"\sim", r"\propto", r"\cong", r"\asymp"), _ROUGHLY),
}
_COMMAND = re.compile(rf"\\(?!(?:var)?(?:{'|'.join(GREEK_LETTERS)})\b)[A-Za-z]")
NO_COUNTING = Counting()
STATEMENT_HINT = r"a statement is a tensor with its labels, =, and a formula: y_i = W_{ij} x_j"


def is_latex(text: str) -> bool:
    r"""Whether a text has what the plain notation lacks: ``\frac``, ``\log``, ``x^{2}``, ``|b|``.

    >>> is_latex(r"L = \frac{1}{2} x_i x_i"), is_latex(r"y_i = \alpha x_{ij} W^{(1)}_{j}")
    (True, False)
    """
    if not isinstance(text, str):
        return False
    bare = re.sub(r"#[^\n]*|\bin[ \t]+R\^\{[^{}\n]*\}", "", text)
    commands = re.findall(r"\\[A-Za-z]+", bare)
    return bool(_LATEX.search(bare)) or any(big(x) or function_command(x) for x in commands)


@dataclass(frozen=True)
class Reading:
    r"""What a text says: its statements, and which names of extents they use for which labels.

    (m, b, L = ...) is in ``sizes`` where L has the sum ``\sum_{b=1}^{m}``. ``claims`` are the
    further sides of chains, ``y = a = b``; ``shorthands`` name derivatives of the model,
    ``applied`` are the arguments with which tensors are written.
    """

    statements: tuple[Statement, ...]
    sizes: tuple[tuple[str, str, Statement], ...]
    claims: tuple[Assignment, ...] = ()
    shorthands: tuple[Assignment, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    stacks: Mapping[str, str] = field(default_factory=dict)
    applied: Mapping[str, Dependence] = field(default_factory=dict)
    counting: Counting = field(default_factory=Counting)


def read_statements(text: str) -> tuple[Statement, ...]:
    r"""Read a model in LaTeX.

    >>> from eingrad.notation.text import to_text
    >>> [to_text(s) for s in read_statements(r"L = \frac{1}{m} \sum_{b=1}^{m} \log(p_b)")]
    ['L = mean_b(log(p_b))']
    """
    return read_model(text).statements


def read_model(text: str) -> Reading:
    """Read a model in LaTeX, and what it calls its extents."""
    try:
        return _read_model(Lexer(text))
    except NotationError as error:
        line = error.position.line_text if error.position else ""
        known = _COMMAND.search(line) or error.code == "open-shape"
        raise (error if known else tries.better(error)) from None


@dataclass
class _Read:
    """The statements of a text, the names of extents in each, and what the text says as a whole."""

    statements: list[Statement]
    used: list[dict[str, str]]
    context: Context
    assigned: set[str]


def _read_model(lexer: Lexer) -> Reading:
    tokens = tidied(lexer)
    found = _with_words(rows(tokens), lexer)
    moving = MovingLabels.of(found)
    found = with_labels(found, moving, lexer)
    tokens = [token for row in found for token in row.tokens]
    declared = [
        str(_declared(row.tokens, lexer)) for row in found if _is_word(row.tokens, "function")
    ]
    letters, labels = letters_of(tokens)
    upper = upper_labels(tokens)
    places = function_rows(found)
    functions = [(name, x, found[k]) for k, (name, x) in places.items()]
    rest = [row for k, row in enumerate(found) if k not in places]
    found = rest or found
    first = Context(
        lexer, [*declared, *(name for name, *_ in functions)], labels=labels | upper,
        letters=letters, upper=upper, moving=frozenset(moving.labels),
        own_delta=_defines_delta(found), bare_delta=_defines_delta(found, bare=True),
        applied={"sigma": Dependence((), ())} if _defines_sigma(found) else {},
    )  # fmt: skip
    read = _read_twice(found, first)
    defined = {
        name: Dependence((Symbol(x),), (), _formula(sides(row.tokens)[1], read.context))
        for name, x, row in functions
    }
    read.statements = [statement_in_place(s, defined) for s in read.statements]
    return _elaborated(read, declared, defined, moving)


def _read_twice(found: Sequence[Row], first: Context) -> _Read:
    read, sizes = _statements(found, [first] * len(found))
    assigned = {s.target.name for s in read
                if isinstance(s, Assignment) and isinstance(s.target, Symbol)}  # fmt: skip
    context = first.learned(assigned)
    own = [{n: x for n, x in names.items() if n not in assigned} for names in sizes]
    sizes_of = {name: label for names in reversed(own) for name, label in names.items()}
    statements, used = _statements(found, [replace(context, sizes=sizes_of | x) for x in own])
    parts = _parts_of_names(statements, context.survey.subscripts, context.survey.bound)
    parts |= _parts_of_bold(statements, context.survey)
    if parts := parts | _parts_of_weights(statements, context):
        context = replace(context, joined=context.joined | parts, survey=Survey())
        statements, used = _statements(found, [replace(context, sizes=sizes_of | x) for x in own])
    return _Read(statements, used, context, assigned)


def _elaborated(
    read: _Read, declared: Sequence[str], defined: Mapping[str, Dependence], moving: MovingLabels
) -> Reading:
    context, assigned = read.context, read.assigned
    known = {*declared, *defined}
    generic = [Declaration(name) for name in context.functions if name not in known]
    losses = {x for s in read.statements if isinstance(s, Assignment) for x in _losses(s.value)}
    statements = [_labelled_loss(s, assigned) for s in read.statements]
    called = {x.function for s in statements if isinstance(s, Assignment) for x in walk(s.value)
              if isinstance(x, Call)}  # fmt: skip
    generic += [Declaration(name, once=True) for name in sorted(losses & called)]
    plain = elaborated(
        [*generic, *statements, *context.survey.shapes], context.survey.bold, latex=True,
        moving=moving.labels, first=moving.first_names,
    )  # fmt: skip
    integers = _integers(plain.statements)
    every = tuple(
        with_integers(s, integers) if isinstance(s, Assignment) else s for s in plain.statements
    )
    named = [
        (name, label, statement)
        for statement, names in zip(statements, read.used, strict=True)
        for name, label in names.items() if name not in assigned
    ]  # fmt: skip
    every = with_first_entries(with_edges(every), moving.firsts, moving.stacked)
    shorthands = _shorthands(every)
    rest = tuple(s for s in every if s not in shorthands)
    chained = tuple(statement_in_place(x, defined) for x in context.survey.chained)
    return Reading(
        rest, (*named, *plain.sizes), chained, shorthands, plain.kinds, plain.stacks,
        {**context.applied, **defined},
        Counting(moving.labels, moving.carriers, context.starts, context.first),
    )  # fmt: skip


def read_claims(
    text: str,
    names: Collection[str] = (),
    applied: Mapping[str, Dependence] | None = None,
    counting: Counting = NO_COUNTING,
) -> tuple[Claim, ...]:
    r"""Read ``\frac{\partial L}{\partial W_{ij}} = ...``; a chain of equations is several claims.

    ``names`` are the model's tensors, with their labels where it is a mapping, ``counting``
    says how it counts.
    """
    lexer = Lexer(text)
    found = _with_words(rows(tidied(lexer, names)), lexer, names)
    found = claims_with_labels(found, counting, lexer, names)
    tokens = [token for row in found for token in row.tokens]
    letters, labels = letters_of(tokens)
    upper = upper_labels(tokens)
    known = {x for own in names.values() for x in own} if isinstance(names, Mapping) else set()
    names_delta = isinstance(names, Mapping) and len(names.get(ERRORS, ())) > 1
    defined = {name: x for name, x in (applied or {}).items() if x.value is not None}
    first = Context(
        lexer, tuple(defined), names, closed=bool(names), labels=labels | known | upper,
        upper=upper,
        letters=letters | known, squared=squares_in(names),
        own_delta=names_delta or _defines_delta(found),
        bare_delta=ERRORS in names or _defines_delta(found, bare=True),
        applied={name: x for name, x in (applied or {}).items() if x.value is None},
        starts=counting.starts, first=counting.first, moving=frozenset(counting.labels),
    )  # fmt: skip
    for row in found:
        _claims(row, first)
    context = first.learned()
    claims = tuple(claim for row in found for claim in _claims(row, context))
    claims = tuple(statement_in_place(x, defined) for x in claims)
    if not claims:
        raise NotationError("a claim is an equation", hint=STATEMENT_HINT)
    return claims


def read_formula(
    text: str, functions: Collection[str] = (), names: Collection[str] = ()
) -> Formula:
    r"""Read one formula.

    >>> from eingrad.notation.text import to_text
    >>> to_text(read_formula(r"\sigma\left(a_{i}\right)^{2}"))
    'sigmoid(a_i)^2'
    """
    lexer = Lexer(text)
    tokens = [token for row in rows(tidied(lexer)) for token in row.tokens]
    context = Context(lexer, functions, names, letters=letters_of(tokens)[0])
    return _formula(tokens, context, comparison=True)


def _with_words(found: Sequence[Row], lexer: Lexer, names: Collection[str] = ()) -> list[Row]:
    """Return rows in which letters that are a name together, ``MSE = ...``, are one.

    Raises NotationError for letters that spell a word which no name is.
    """
    pairs = [sides(row.tokens) for row in found]
    words = {words_on_the_left(pair) for pair in pairs if len(pair) > 1} - {""}
    words |= {name for name in names if len(name) > 1 and name.isalpha() and name.isascii()}
    rows_read = [replace(row, tokens=with_words(row.tokens, words)) for row in found]
    for row in rows_read:
        if (spelled := spelled_word(row.tokens)) is not None:
            token, word = spelled
            reason = f"{word} would be a product of {len(word)} letters"
            apart = " ".join(word)
            hint = rf"write \text{{{word}}} for a name, {apart} for a product"
            raise lexer.error(token, reason, hint)
    return rows_read


# --- statements -------------------------------------------------------------------------------


def _statements(
    found: Sequence[Row], contexts: Sequence[Context]
) -> tuple[list[Statement], list[dict[str, str]]]:
    """Read rows; return the statements, and the names of extents that each one has."""
    statements, sizes = [], []
    for row, context in zip(found, contexts, strict=True):
        context.survey.sizes = {}
        statements.append(_statement(row, context))
        sizes.append(context.survey.sizes)
    return statements, sizes


def _statement(whole: Row, context: Context) -> Statement:
    row, space = split_declaration(whole.tokens)
    no_conditions(whole.conditions, context)
    if space and len(sides(row or whole.tokens)) < 2:
        return declared(row, space, context)
    if _is_word(row, "function"):
        return Declaration(_declared(row, context.lexer), context.lexer.position(row[0]))
    assumes = _is_word(row, "assume")
    body = row[_word_length(row) :] if assumes else row
    if assumes and len(sides(body)) < 2 and any(token.kind == "COMPARE" for token in body):
        return _bound(body, context)
    left, *others = _both_sides(body or row, context)
    context.survey.notes = {}
    before = len(context.survey.raised)
    edge = left_edge(left, context)
    first = _left_side(left, context) if edge is None else edge.target
    context.survey.raised_left.update(x for _, x, count in context.survey.raised[before:] if count)
    context.survey.kept = _kept(first)
    value, claimed, notes = _defined(left, others, context)
    if isinstance(first, Call) and first.function == "log":  # \ln L = ... defines L
        first, value = first.args[0], Call("exp", (value,), (), value.position)
        claimed = [Call("exp", (x,), (), x.position) for x in claimed]
    first = _with_argument_labels(first, value, context)
    _check_derivatives(first, value)
    position = context.lexer.position(row[0])
    if assumes:
        value = _as_extents(value) if isinstance(first, SizeOf) else value
        return with_places(Assumption(first, value, position), latex=True)
    if not isinstance(first, Symbol | Derivative):
        first, value = value, first  # A_{ij} x_j = y_i
    if not isinstance(first, Symbol | Derivative):
        raise context.lexer.error(
            left[0], "the left side of = must be one tensor with its labels", STATEMENT_HINT
        )
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
    compared, position = _formula(body, context), context.lexer.position(body[0])
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
            values.append(_formula(side, context))
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
    arguments = context.survey.arguments
    if (
        isinstance(left, Symbol)
        and len(left.labels) > 1
        and arguments
        and not any(x in Summation().free(value) for x in left.labels)
    ):
        context.survey.words.update((left.name, x) for x in left.labels)  # E_{in}(W)
    if isinstance(left, Symbol) and left.labels and arguments:
        context.survey.applied[left.name] = Dependence(arguments, ())
    if not isinstance(left, Symbol) or left.labels or not arguments:
        return left
    found = Summation().free(value)
    labels = tuple(dict.fromkeys(x for a in arguments for x in a.labels if x in found))
    context.survey.applied[left.name] = Dependence(arguments, labels)
    for label in sorted({*labels} - {k for k, _ in Summation().dangling(value, ())}):
        context.survey.notes.setdefault(
            f"{label} is kept in {left.name}, whose argument has it; write \\sum_{label} to sum it"
        )
    return replace(left, labels=labels, brackets=True)


def _kept(left: Formula) -> tuple[str, ...]:
    """Return the labels of a left side."""
    return labels_of(left) if isinstance(left, Symbol | Derivative) else ()


def _defines_sigma(found: Sequence[Row]) -> bool:
    r"""Whether a text says what the entries of sigma are: ``\sigma(\mathbf{z})_i = ...``."""
    lefts = [pair[0] for row in found if len(pair := sides(row.tokens)) > 1]
    return any([t.text for t in left[:2]] == [r"\sigma", "("] and _is_called(left) > 1
               for left in lefts)  # fmt: skip


def _defines_delta(found: Sequence[Row], bare: bool = False) -> bool:
    r"""Whether a text says what ``\delta_{oi}`` is, which is then no Kronecker's delta.

    With ``bare``, what ``\delta`` without labels is.
    """
    return any(
        [t.text for t in row.tokens[:2]] == [r"\delta", "=" if bare else "_"]
        and len(sides(row.tokens)) > 1
        and not any(t.kind in {"SIGN", "TIMES"} for t in sides(row.tokens)[0])
        for row in found
    )  # fmt: skip


def _has_generic(value: Formula, context: Context) -> bool:
    """Whether a formula has a function that stands for any."""
    return any(isinstance(x, Call) and x.function in context.functions for x in walk(value))


def _claims(whole: Row, context: Context) -> list[Claim]:
    """Read a chain of equations: each right side is claimed to be the first left side.

    ``i = j`` behind it restricts it to its diagonal, ``i \\neq j`` to the rest.
    """
    row = split_declaration(whole.tokens)[0] or whole.tokens
    left, *right = _both_sides(row, context)
    context.survey.notes = {}
    at: list[tuple[str, Symbol]] = []
    context.survey.at = at
    target = _left_side(left, context)
    context.survey.kept, context.survey.at = _kept(target), None
    position = context.lexer.position(row[0])
    claims: list[Claim] = []
    for part in right:
        value = _formula(part, context)
        if isinstance(target, Symbol | Derivative):
            told = (*whole.notes, *context.survey.notes)
            claims.append(Assignment(target, value, position, told))
        else:
            claims.append(Equation(target, value, position))
    read = partial(_formula, context=context, comparison=True)
    claims = [about_labels(with_places(beside(claim, at), latex=True)) for claim in claims]
    placed = (at_entry(claim, whole.entry) for claim in claims)
    return [limited(claim, whole.conditions, context, read) for claim in placed]


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
    called = _is_called(tokens)
    if called:
        tokens = [replace(t, spaced=t.spaced and t.kind != "OPEN") for t in tokens]
    parser = Parser(tokens, context)
    context.survey.arguments = ()
    if parser.begins_name(parser.peek()) and (called > 1 or not _begins_call(parser)):
        tensor = parser.defined() if called else None
        if tensor is not None and parser.peek().kind == "END":
            return tensor
    formula = _formula(tokens, context)
    match formula:
        case Power(base=Symbol() as base, exponent=Number(value=2)) if not context.closed:
            if context.final and base.name not in context.squared:
                hint = "give the square a name of its own"
                reason = f"the square of {to_text(base)} on a left side"
                raise NotationError(reason, hint=hint, position=formula.position)
            context.survey.squared.add((base.name, base.labels))
            return base
    return formula


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


def _is_called(tokens: Sequence[Token]) -> int:
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
    """Whether a known or declared function comes first."""
    start = parser.k
    name = parser.word(label=True)
    parser.k = start
    return name == "sigma" or bool(function_name(name)) or parser.context.is_function(name)


def _formula(tokens: Sequence[Token], context: Context, comparison: bool = False) -> Formula:
    parser = Parser(tokens, context)
    parser.nested += comparison
    return shallow(parser.whole())


def _is_word(row: Sequence[Token], word: str) -> bool:
    r"""Whether a row begins with ``\text{word}`` or the word itself."""
    return "".join(t.text for t in row[: _word_length(row)] if t.kind == "LETTER") == word


def _word_length(row: Sequence[Token]) -> int:
    if row and row[0].text in {r"\text", r"\mathrm", r"\textbf"}:
        return next((k + 1 for k, t in enumerate(row) if t.kind == "RBRACE"), 0)
    return next((k for k, t in enumerate(row) if t.kind != "LETTER" or (k and t.spaced)), 0)


def _declared(row: Sequence[Token], lexer: Lexer) -> str:
    tokens = row[_word_length(row) :]
    formula = _formula(tokens, Context(lexer)) if tokens else None
    if isinstance(formula, Symbol) and not formula.labels:
        return formula.name
    raise lexer.error(
        row[0], "a declared function has a plain name", r"write \text{function } \phi"
    )


def _shorthands(statements: Sequence[Statement]) -> tuple[Assignment, ...]:
    r"""Return the statements that name derivatives, ``\delta_o = \frac{\partial L}{\partial z_o}``.

    What defines the model does not speak of their names.
    """
    named = {
        s.target.name: s for s in statements
        if isinstance(s, Assignment) and isinstance(s.target, Symbol)
        and any(isinstance(x, Derivative) for x in walk(s.value))
    }  # fmt: skip
    rest = {
        s.target.name: s for s in statements if isinstance(s, Assignment)
        and isinstance(s.target, Symbol) and s.target.name not in named
    }  # fmt: skip
    if any(s.target.name in named for s in statements
           if isinstance(s, Assignment) and isinstance(s.target, Symbol)
           and s not in named.values()):  # fmt: skip
        return ()
    while more := {
        name: s
        for name, s in rest.items()
        if any(isinstance(x, Symbol | TensorAt) and x.name in named for x in walk(s.value))
    }:  # \delta^{(1)} = W^\top \delta^{(2)} \odot ...
        named |= more
        rest = {name: s for name, s in rest.items() if name not in more}
    wanted = {x.name for s in named.values() for part in walk(s.value)
              if isinstance(part, Derivative) for x in (part.of, *part.wrt)
              if isinstance(x, Symbol)}  # fmt: skip
    if not wanted.isdisjoint(named):
        return ()
    return tuple(s for s in statements if isinstance(s, Assignment) and s in named.values())


def _parts_of_names(
    statements: Sequence[Statement], subscripts: Sequence[Subscript], bound: Collection[str]
) -> frozenset[tuple[str, str]]:
    r"""Return the (name, letter) that are one name: the o of ``z_o = w_o h + b_o``, ``y = f(z_o)``.

    Such a letter is o, h or the like, always alone below a name; nothing binds it, no product sums
    it, and somewhere nothing keeps the only one. The letters i, j, k are labels that lack a sum.
    """
    integers = _integers(statements)
    open_labels: set[str] = set()
    summed: set[str] = set()
    letters_of_names = {*OWN}
    shaped = any(isinstance(s, Shaped) for s in statements)  # h_a = W x + b
    bases = {x: {s.base for s in subscripts if x in s.entries} for s in subscripts
             for x in s.entries}  # fmt: skip
    alone = {
        x
        for s in statements
        if isinstance(s, Assignment) and not _labelled(s.value)
        for x in labels_of(s.target)
        if shaped or (shows_matrices(s.value) and len(bases.get(x, ())) == 1)
    }
    if alone:
        letters_of_names |= alone
        open_labels |= alone
    for s in statements:
        if isinstance(s, Assignment):
            where = [k for k, _ in Summation().dangling(s.value, labels_of(s.target))]
            open_labels |= {*where}
            summed |= Summation().free(s.value).keys() - {*labels_of(s.target), *where}
            summed |= {k for k in where if where.count(k) > 1}  # (y_o - t_o)^2 lacks a sum
    shared = {x for script in subscripts if len(script.entries) != 1 for x in script.entries}
    letters_of_names |= {x for x, own in bases.items() if own <= EXTENTS}  # d_k
    letters = (open_labels & letters_of_names) - integers - summed - shared - {*bound}
    return frozenset((s.base, x) for s in subscripts for x in s.entries if x in letters)


def _parts_of_bold(statements: Sequence[Statement], survey: Survey) -> frozenset[tuple[str, str]]:
    r"""Return the (name, letter) that are one name in matrix notation: ``\mathbf{S}_b \mathbf{w}``.

    Nothing binds or keeps such a letter, which stands alone below names in bold type.
    """
    assigned = [s for s in statements if isinstance(s, Assignment)]
    kept = {x for s in assigned for x in labels_of(s.target)} | survey.bound
    many = {x for script in survey.subscripts if len(script.entries) > 1 for x in script.entries}
    carriers = [
        x for s in assigned if shows_matrices(s.value, survey.bold) for x in walk(s.value)
        if isinstance(x, Symbol) and len(x.labels) == 1 and x.labels[0] not in kept | many
    ]  # fmt: skip
    plain = {x.labels[0] for x in carriers if (x.name, 1) not in survey.bold}
    return frozenset((x.name, x.labels[0]) for x in carriers if x.labels[0] not in plain)


def _parts_of_weights(
    statements: Sequence[Statement], context: Context
) -> frozenset[tuple[str, str]]:
    r"""Return the (name, letter) of weights between two tensors: ``W_{xh}``, ``\mathbf{W}_{hh}``.

    Nothing binds or keeps such a letter, and no name with one label has it but biases. It is
    the name of a tensor, or all weights with it have one name.
    """
    survey = context.survey
    assigned = [s for s in statements if isinstance(s, Assignment)]
    taken = {x for s in assigned for x in labels_of(s.target)} | survey.bound
    biases = [x for x in survey.subscripts if x.base in {"b", "c"} and len(x.entries) == 1]
    taken |= {
        x for script in survey.subscripts if len(script.entries) != 2 and script not in biases
        for x in script.entries
    }  # fmt: skip
    names = {script.base for script in survey.subscripts}
    owners: dict[str, set[str]] = {}
    for script in survey.subscripts:
        for x in script.entries:
            owners.setdefault(x, set()).add(script.base)
    found: set[tuple[str, str]] = set()
    for script in survey.subscripts:
        letters = {*script.entries}
        weight = script.base[:1].isupper() and len(script.entries) == 2 and not letters & taken
        typed = context.moving or (script.base, 2) in survey.bold
        if weight and typed and (letters <= names or all(len(owners[x]) == 1 for x in letters)):
            found |= {(script.base, x) for x in letters}
    own = {x for _, x in found}
    return frozenset(found | {(b.base, x) for b in biases for x in b.entries if x in own})


def _labelled(formula: Formula) -> bool:
    """Whether a formula names a label."""
    return next(labels_inside(formula), None) is not None


# --- losses that stand for any ----------------------------------------------------------------


def _losses(value: Formula) -> set[str]:
    """Return the functions of several tensors that nothing defines: l of ``l(z_i, y_i)``."""
    calls = (x for x in walk(value) if isinstance(x, Call) and x.function == ANY_FUNCTION)
    return {x.name for call in calls for x in call.args[:1] if isinstance(x, Symbol)}


def _labelled_loss(statement: Statement, assigned: Collection[str]) -> Statement:
    """Return ``L = sum_i(l(z_i))`` for ``L = l(z_i, y_i)``: its gradient by z may be any.

    It depends on what the text defines; the labels of the left side stay.
    """
    match statement:
        case Assignment(value=Call(function=function, args=(Symbol(name=name), *args)) as call) \
                if function == ANY_FUNCTION:  # fmt: skip
            pass
        case _:
            return statement
    tensors = [x for x in args if isinstance(x, Symbol)]
    if len(tensors) < len(args) or not any(x.labels for x in tensors):
        return statement
    kept = labels_of(statement.target)
    terms: list[Formula] = []
    for x in [x for x in tensors if x.name in assigned] or tensors:
        over = tuple(label for label in dict.fromkeys(x.labels) if label not in kept)
        own = Call(name, (x,), (), call.position)
        terms.append(Call("sum", (own,), over, call.position) if over else own)
    value = terms[0] if len(terms) == 1 else Sum(tuple(terms), (False,) * len(terms), call.position)
    note = f"{name} stands for any loss: a function of each entry, for first derivatives"
    return replace(statement, value=value, notes=(*statement.notes, note))


# --- integers ---------------------------------------------------------------------------------


def _integers(statements: Sequence[Statement]) -> set[str]:
    r"""Return the letters that are integers: y in ``p_o = ...``, ``L = -\log p_y``.

    Such a letter stands on an assigned tensor, nothing keeps or sums it, and no other tensor has
    it as a label.
    """
    assigned = {s.target.name: s for s in statements
                if isinstance(s, Assignment) and isinstance(s.target, Symbol)}  # fmt: skip
    owners: dict[str, set[str]] = {}
    for statement in statements:
        if isinstance(statement, Assignment):
            for part in (statement.target, *walk(statement.value)):
                if isinstance(part, Symbol):
                    for label in part.labels:
                        owners.setdefault(label, set()).add(part.name)
    found: set[str] = set()
    for statement in assigned.values():
        target = statement.target
        kept = target.labels if isinstance(target, Symbol) else ()
        for label, where in Summation().dangling(statement.value, kept):
            if isinstance(where, Symbol) and where.name in assigned:
                own = assigned[where.name].target
                if owners[label] == {where.name} and label not in getattr(own, "labels", ()):
                    found.add(label)
    return found
