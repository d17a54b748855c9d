r"""A text in LaTeX to statements, in two readings: what it says as a whole is found first."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field, replace

from eingrad.errors import NotationError
from eingrad.notation import tries
from eingrad.notation.gathers import with_integers
from eingrad.notation.lexeme import GREEK_LETTERS
from eingrad.notation.matrix.statements import elaborated, labels_inside, shows_matrices
from eingrad.notation.moves import with_edges, with_first_entries
from eingrad.notation.slips import check_zeroth
from eingrad.notation.summation import Summation, labels_of, walk
from eingrad.notation.syntax import (
    AT_POINT,
    EVALUATED,
    NO_COUNTING,
    Assignment,
    Call,
    Claim,
    Counting,
    Dependence,
    Derivative,
    Formula,
    Ordinal,
    Shaped,
    Statement,
    Symbol,
    TensorAt,
)
from eingrad.notation.tex.any_functions import check_bold, with_any_functions
from eingrad.notation.tex.calls import check_rows
from eingrad.notation.tex.calls_in_arguments import with_plain_arguments, with_plain_lists
from eingrad.notation.tex.claimed_sums import with_sums_from_first
from eingrad.notation.tex.declarations import between_vectors, matrices_in, vectors_in
from eingrad.notation.tex.defined_functions import (
    DefinedHead,
    declared_in_calls,
    defined_function,
    function_rows,
    head_of,
    statement_in_place,
    with_formulas,
    with_plain_calls,
)
from eingrad.notation.tex.differentials import with_differentials
from eingrad.notation.tex.functions_at import with_functions_at
from eingrad.notation.tex.functions_of_books import IS_NORMAL, functions_of_books, with_close_calls
from eingrad.notation.tex.gradient_names import with_gradient_names
from eingrad.notation.tex.latex_tokens import Lexer
from eingrad.notation.tex.names import CLASSES, ERRORS, EXTENTS, OWN, VARIANTS, greek
from eingrad.notation.tex.names_by_letter import parts_by_letter
from eingrad.notation.tex.primes import with_transposes
from eingrad.notation.tex.read_row import (
    STATEMENT_HINT,
    claims_of,
    declared_function,
    defines_delta,
    defines_e,
    defines_sigma,
    formula_of,
    is_called,
    is_threshold,
    is_word,
    read_rows,
)
from eingrad.notation.tex.rows import Row, rows, sides
from eingrad.notation.tex.schemes import solved
from eingrad.notation.tex.sets import with_sets
from eingrad.notation.tex.steps_ahead import with_steps_back
from eingrad.notation.tex.superscripts import MovingLabels, claims_with_labels, with_labels
from eingrad.notation.tex.survey import (
    Context,
    Subscript,
    Survey,
    letters_of,
    name_at,
    squares_in,
    twin_names,
    upper_labels,
)
from eingrad.notation.tex.taken_at import with_points
from eingrad.notation.tex.tidy import group_end, spelled_word, tidied, with_words, words_on_the_left
from eingrad.notation.tex.totals import parts_of_totals, with_parts
from eingrad.notation.text import to_text
from eingrad.notation.tokens import Token

_COMMAND = re.compile(rf"\\(?!(?:var)?(?:{'|'.join(GREEK_LETTERS)})\b)[A-Za-z]")
END_OF_SIDE = Token("END", "", 0, 0, 0)


@dataclass(frozen=True)
class Reading:
    r"""What a text says: its statements, and which names of extents they use for which labels.

    (m, b, L = ...) is in ``sizes`` where L has the sum ``\sum_{b=1}^{m}``. ``claims`` are the
    further sides of chains, ``y = a = b``; ``shorthands`` name derivatives of the model,
    ``applied`` are the arguments with which tensors are written, ``alike`` axes that are declared
    to be as long.
    """

    statements: tuple[Statement, ...]
    sizes: tuple[tuple[str, str, Statement], ...]
    claims: tuple[Assignment, ...] = ()
    shorthands: tuple[Assignment, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    stacks: Mapping[str, str] = field(default_factory=dict)
    applied: Mapping[str, Dependence] = field(default_factory=dict)
    counting: Counting = field(default_factory=Counting)
    alike: tuple[tuple[tuple[str, int], ...], ...] = ()


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
    tokens, sets = with_sets(with_transposes(tidied(lexer)))
    found = _with_words(rows(tokens), lexer)
    parts = parts_of_totals(found)
    found, steps = with_steps_back(solved(with_parts(found, parts)))
    moving = MovingLabels.of(found, steps)
    found, inner = with_plain_arguments(with_labels(found, moving, lexer))
    declared = [
        declared_function(row.tokens, lexer)[0] for row in found if is_word(row.tokens, "function")
    ]
    books = functions_of_books(found)
    found = [with_close_calls(row, [*books]) for row in found]
    pairs = [pair for row in found if len(pair := sides(row.tokens)) > 1]
    heads = {head.name for left, *rest in pairs if (head := head_of(left, rest)) is not None}
    found = [with_functions_at(row, heads) for row in found]
    places = function_rows(found)
    found = [with_plain_calls(row, [*places.values()]) for row in found]
    tokens = [token for row in found for token in row.tokens]
    letters, labels = letters_of(tokens)
    upper = upper_labels(tokens)
    functions = [(head, sides(found[k].tokens)[-1]) for k, head in places.items()]
    every, found = found, [row for k, row in enumerate(found) if k not in places]
    between = between_vectors([row.tokens for row in found])
    first = Context(
        lexer, [*declared, *books, *(head.name for head, _ in functions)], labels=labels | upper,
        letters=letters, upper=upper, moving=frozenset(moving.labels),
        own_delta=defines_delta(found),
        own_e=defines_e(found),
        bare_delta=defines_delta(found, bare=True) or is_threshold(every),
        twins=twin_names(tokens),
        survey=Survey(words={(name, x) for name, below in between for x in below}),
        matrices=matrices_in(row.tokens for row in found)
        | {name + "".join(below) for name, below in between if name[:1].isupper()},
        vectors=vectors_in(row.tokens for row in found),
        applied={"sigma": Dependence((), ())} if defines_sigma(found) else {},
    )  # fmt: skip
    read = _read_twice(found, first)
    read.context = replace(read.context, applied={**inner, **read.context.applied})
    _learn_functions(read, [value for _, value in functions], first)
    defined = books | {
        head.name: defined_function(head, formula_of(value, read.context), read.statements)
        for head, value in functions
    }
    read.statements = [_of_books(statement_in_place(s, defined), s, books) for s in read.statements]
    _check_points(read.statements)
    for s in read.statements:
        if isinstance(s, Assignment):
            check_zeroth([s.value], books=True)
    for statement in read.statements:
        if isinstance(statement, Assignment):
            check_rows(statement.value)
    arguments = {x.name for own in defined.values() for x in own.arguments}
    if arguments:
        _declare_in_calls(read, arguments)
    return _elaborated(
        read, declared, defined, moving, replace(NO_COUNTING, parts=parts, sets=sets)
    )


def _check_points(statements: Sequence[Statement]) -> None:
    """Raise for the ``g'(2)`` of a model; claims may speak of points."""
    for part in (x for s in statements if isinstance(s, Assignment) for x in walk(s.value)):
        if isinstance(part, Call) and part.function == EVALUATED:
            hint = "write its formula there"
            reason = "the derivative of a function at a point"
            raise NotationError(reason, hint=hint, position=part.position)


def _of_books(new: Statement, written: Statement, books: Collection[str]) -> Statement:
    """Return a statement with a note on the functions that are put in place, if there is one."""
    if "Phi" not in books or not isinstance(new, Assignment) or new == written:
        return new
    return replace(new, notes=(*new.notes, IS_NORMAL))


def _learn_functions(read: _Read, values: Sequence[Sequence[Token]], first: Context) -> None:
    r"""Learn of the functions that stand in the formulas of others alone: ``g(x) = x \Phi(x)``."""
    own = replace(first, survey=Survey())
    for value in values:
        with suppress(NotationError):
            formula_of(value, own)
    context = read.context
    new = {*own.learned().functions} - {*context.functions, *context.tensors} - context.bare
    if new:
        read.context = replace(context, functions=(*context.functions, *sorted(new)))


def _declare_in_calls(read: _Read, arguments: Collection[str]) -> None:
    """Give what is declared, and taken by functions, the labels with which these take it."""
    shapes = read.context.survey.shapes
    shapes[:] = [x for own in shapes for x in declared_in_calls(own, read.statements, arguments)]
    for k in range(len(read.statements) - 1, -1, -1):
        own = read.statements[k]
        if isinstance(own, Shaped):
            new = [*declared_in_calls(own, read.statements, arguments)]
            read.statements[k : k + 1] = new
            read.used[k : k + 1] = [{} for _ in new]


def _read_twice(found: Sequence[Row], first: Context) -> _Read:
    read, sizes = read_rows(found, [first] * len(found))
    assigned = {s.target.name for s in read
                if isinstance(s, Assignment) and isinstance(s.target, Symbol)}  # fmt: skip
    shapes = [*first.survey.shapes, *(s for s in read if isinstance(s, Shaped))]
    context = first.learned(assigned, {name for s in shapes for name in s.names})
    own = [{n: x for n, x in names.items() if n not in assigned} for names in sizes]
    sizes_of = {name: label for names in reversed(own) for name, label in names.items()}
    statements, used = read_rows(found, [replace(context, sizes=sizes_of | x) for x in own])
    parts = _parts_of_names(statements, context.survey.subscripts, context.survey.bound)
    parts |= parts_by_letter(statements, context.survey.subscripts, context.survey.bound)
    parts |= _parts_of_bold(statements, context)
    if parts := parts | _parts_of_weights(statements, context):
        squared = {base + letter for base, letter in parts if base in context.squared}
        context = replace(
            context, joined=context.joined | parts, squared=context.squared | squared,
            survey=Survey(),
        )  # fmt: skip
        statements, used = read_rows(found, [replace(context, sizes=sizes_of | x) for x in own])
    _check_first_entries(context)
    _check_glued(context)
    return _Read(statements, used, context, assigned)


def _check_glued(context: Context) -> None:
    r"""Raise where a name with a letter below would be a Greek one: x_i beside ``\xi``."""
    glued = {base + x: (base, x) for base, x in context.joined if base + x in GREEK_LETTERS}
    for token in context.lexer.tokens() if glued else ():
        name = greek(token.text) or ""
        if name in glued:
            base, x = glued[name]
            hint = "give one of the two another letter"
            raise context.lexer.error(token, f"{base}_{x} and {token.text} would be one name", hint)


def _check_first_entries(context: Context) -> None:
    """Raise where one tensor would count from 0 and from 1."""
    survey = context.survey
    for name, token in survey.from_zero.items():
        if name in survey.at_labels:
            hint = "let the sums begin at 0, or give what begins at the entry 0 a name of its own"
            reason = (
                f"{name} is read at the entry 0 here, and at a label that begins at 1 elsewhere"
            )
            raise context.lexer.error(token, reason, hint)


def _elaborated(
    read: _Read, declared: Sequence[str], defined: Mapping[str, Dependence], moving: MovingLabels,
    counting: Counting,
) -> Reading:  # fmt: skip
    context, assigned = read.context, read.assigned
    known = {*declared, *defined}
    called = [name for name in context.functions if name not in known]
    check_bold(read.statements, context.survey.bold_functions.intersection(called))
    generic, statements = with_any_functions(
        read.statements, called, assigned,
        context.survey.shapes, context.survey.bold, moving.labels, moving.first_names,
    )  # fmt: skip
    plain = elaborated(
        [*generic, *statements, *context.survey.shapes], context.survey.bold, latex=True,
        moving=moving.labels, first=moving.first_names,
        counts={x: int(name) for x, own in context.survey.lengths.items() if len(own) == 1
                for name, more in own if name.isdigit() and int(name) > 1},
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
    every = _without_open(every)
    every = with_first_entries(with_edges(every), moving.firsts, moving.stacked)
    _check_before_first(every, moving)
    shorthands = _shorthands(every)
    rest = tuple(s for s in every if s not in shorthands)
    chained = tuple(statement_in_place(x, defined) for x in context.survey.chained)
    return Reading(
        rest, (*named, *plain.sizes), chained, shorthands, plain.kinds, plain.stacks,
        with_formulas({**context.survey.applied, **context.applied, **defined}, every),
        replace(
            counting, labels=moving.labels, carriers=moving.carriers, starts=context.starts,
            first=context.first, lengths=context.lengths,
            from_zero=frozenset({*moving.steps.from_zero, *context.survey.from_zero}),
            variants=frozenset({*context.functions, *declared} & VARIANTS.keys()),
        ),
        (*plain.alike, *moving.alike),
    )  # fmt: skip


def _check_before_first(statements: Sequence[Statement], moving: MovingLabels) -> None:
    """Raise for the V_0 of ``V_t = r_t + c V_{t+1}``, whose labels begin at 1."""
    assigned = {s.target.name: s.value for s in statements
                if isinstance(s, Assignment) and isinstance(s.target, Symbol)}  # fmt: skip
    later = {n for n, value in assigned.items() for x in walk(value)
             if isinstance(x, Symbol) and x.name == n and max(x.moves, default=0) > 0}  # fmt: skip
    before = {name: base for name, base in moving.first_names.items() if base in later}
    for part in (x for value in assigned.values() for x in walk(value)):
        name = part.name if isinstance(part, Symbol) else ""
        if name in before.keys() - moving.firsts.keys() - assigned.keys():
            label = moving.carriers[before[name]][0]
            hint = f"read {before[name]}_1, the first, or give what {name} is a name of its own"
            reason = f"{name} stands before the first {label}, where nothing of {before[name]} is"
            raise NotationError(reason, hint=hint, position=part.position, operand=name)


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
    return _read_claims(text, names, applied or {}, counting)[0]


def _read_claims(
    text: str, names: Collection[str], applied: Mapping[str, Dependence], counting: Counting,
    matrices: frozenset[str] = frozenset(),
) -> tuple[tuple[Claim, ...], Context]:  # fmt: skip
    """Read claims twice; return them, and what their text says as a whole."""
    found, first = _claim_rows(text, names, applied, counting)
    first = replace(first, matrices=matrices)
    for row in found:
        claims_of(row, first)
    context = first.learned()
    claims = tuple(claim for row in found for claim in claims_of(row, context))
    defined = {name: x for name, x in applied.items() if x.value is not None}
    defined |= {name + AT_POINT: replace(x, value=x.written) for name, x in applied.items()}
    claims = tuple(statement_in_place(x, defined) for x in claims)
    if not claims:
        raise NotationError("a claim is an equation", hint=STATEMENT_HINT)
    return claims, context


def _claim_rows(
    text: str, names: Collection[str], applied: Mapping[str, Dependence], counting: Counting
) -> tuple[list[Row], Context]:
    """Return the rows of claims, and the context of their first reading."""
    lexer = Lexer(text)
    own = with_differentials(with_points(tidied(lexer, {*names, *counting.variants})), names)
    own = with_transposes(own, names) if isinstance(names, Mapping) else own
    tidy, _ = with_sets(own, counting.sets)
    found = _with_words(rows(tidy), lexer, [*names, *applied])
    found = with_parts(found, counting.parts)
    found = [with_sums_from_first(row, counting, names) for row in found]
    found = claims_with_labels(found, counting, lexer, names)
    found = [with_functions_at(row, applied) for row in found]
    heads = [DefinedHead(name, (), x.below) for name, x in applied.items() if x.value is not None]
    found = [with_plain_calls(with_plain_lists(row, applied), heads) for row in found]
    tokens = [token for row in found for token in row.tokens]
    letters, labels = letters_of(tokens)
    upper = upper_labels(tokens)
    names = _with_new_names(names, found, applied)
    known = {x for own in names.values() for x in own} if isinstance(names, Mapping) else set()
    names_delta = isinstance(names, Mapping) and len(names.get(ERRORS, ())) > 1
    defined = [name for name, x in applied.items() if x.value is not None]
    first = Context(
        lexer, defined, names, closed=bool(names), labels=labels | known | upper,
        upper=upper,
        letters=letters | known, squared=squares_in(names),
        own_delta=names_delta or defines_delta(found),
        own_e=not {"el", "eL", "eell"}.isdisjoint(names) or defines_e(found),
        bare_delta=ERRORS in names or defines_delta(found, bare=True),
        twins=twin_names(tokens),
        applied={name: x for name, x in applied.items() if x.value is None},
        starts=counting.starts, lengths=counting.lengths, first=counting.first,
        moving=frozenset(counting.labels),
    )  # fmt: skip
    return found, first


def read_claims_apart(
    text: str, opening: str, applied: Mapping[str, Dependence]
) -> tuple[tuple[Claim, ...], Collection[tuple[str, int]]]:
    """Read claims about a text without statements; return them, and what they write in bold."""
    lexer = Lexer(opening)
    matrices = matrices_in(row.tokens for row in rows(tidied(lexer)))
    claims, context = _read_claims(text, (), applied, NO_COUNTING, matrices)
    return claims, context.survey.bold


def read_opening(text: str) -> list[Statement]:
    """Read a text that has no statement, but declares shapes and says what holds."""
    lexer = Lexer(text)
    every = rows(tidied(lexer))
    functions = function_rows(every)
    found = [row for k, row in enumerate(every) if k not in functions]
    letters, labels = letters_of([token for row in found for token in row.tokens])
    read = _read_twice(found, Context(lexer, labels=labels, letters=letters))
    return [*read.statements, *read.context.survey.shapes]


def _with_new_names(
    names: Collection[str], found: Sequence[Row], applied: Mapping[str, Dependence]
) -> Collection[str]:
    r"""Return names, and those that chains define: ``F(x) = -\frac{dU}{dx} = ...``, ``MP_K``."""
    if not isinstance(names, Mapping):
        return names
    new: set[str] = set()
    for row in found:
        left, *rest = sides(row.tokens)
        if len(rest) > 1 and left:
            name, end = name_at(left, 0)
            called = left[end:] and left[end].kind == "OPEN" and is_called(left) == 1
            below = left[end + 1 :] if left[end:] and left[end].kind == "SUB" else []
            inner = [greek(t.text) or t.text for t in below if t.kind not in {"LBRACE", "RBRACE"}]
            whole = below and group_end(left, end + 1) == len(left) - 1
            lowered = letters_of([t for side in rest for t in (END_OF_SIDE, *side)])[1]
            if name and whole and all(x.isalpha() for x in inner) and lowered.isdisjoint(inner):
                new.add(name + "".join(inner))
            elif called:
                new.add(name)
    return {**dict.fromkeys(new - applied.keys(), ()), **names}


def read_formula(
    text: str, functions: Collection[str] = (), names: Collection[str] = ()
) -> Formula:
    r"""Read one formula.

    >>> from eingrad.notation.text import to_text
    >>> to_text(read_formula(r"\sigma\left(a_{i}\right)^{2}"))
    'sigmoid(a_i)^2'
    """
    lexer = Lexer(text)
    tokens = [token for row in rows(with_sets(tidied(lexer))[0]) for token in row.tokens]
    context = Context(lexer, functions, names, letters=letters_of(tokens)[0])
    return formula_of(tokens, context, comparison=True)


def _with_words(found: Sequence[Row], lexer: Lexer, names: Collection[str] = ()) -> list[Row]:
    """Return rows in which letters that are a name together, ``MSE = ...``, are one.

    Raises NotationError for letters that spell a word which no name is.
    """
    pairs = [sides(row.tokens) for row in found]
    words = {words_on_the_left(pair) for pair in pairs if len(pair) > 1} - {""}
    words |= {name for name in names if len(name) > 1 and name.isalpha() and name.isascii()}
    rows_read = with_gradient_names(found, names)
    rows_read = [replace(row, tokens=with_words(row.tokens, words)) for row in rows_read]
    for row in rows_read:
        if (spelled := spelled_word(row.tokens)) is not None:
            token, word = spelled
            reason = f"{word} would be a product of {len(word)} letters"
            apart = " ".join(word)
            hint = rf"write \text{{{word}}} for a name, {apart} for a product"
            raise lexer.error(token, reason, hint)
    return rows_read


def _without_open(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    r"""Leave out ``v = \frac{dx}{dt}``, where the text defines neither x nor t, with a note.

    Raises NotationError where nothing else is left.
    """
    named = [s for s in statements if isinstance(s, Assignment)]
    known = {s.target.name for s in named if isinstance(s.target, Symbol)}
    dropped = [
        s for s in named
        if isinstance(s.value, Derivative) and known.isdisjoint(_tensors_of(s.value))
    ]  # fmt: skip
    rest = [s for s in named if s not in dropped]
    if not dropped:
        return statements
    texts = [to_text(s) for s in dropped]
    if not rest:
        hint = "write what the tensor is that is differentiated, before it"
        reason = f"{texts[0]} is the derivative of what nothing defines"
        raise NotationError(reason, hint=hint, position=dropped[0].position)
    notes = (f"{x} is left out: nothing defines what is differentiated" for x in texts)
    first = replace(rest[0], notes=(*rest[0].notes, *notes))
    return tuple(first if s is rest[0] else s for s in statements if s not in dropped)


def _tensors_of(derivative: Derivative) -> set[str]:
    parts = (part for x in (derivative.of, *derivative.wrt) for part in walk(x))
    return {x.name for x in parts if isinstance(x, Symbol | TensorAt)}


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
    statements: Sequence[Statement], subscripts: Sequence[Subscript], bound: AbstractSet[str]
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
            moves = any(isinstance(x, Symbol) and any(x.moves) for x in walk(s.value))
            name = s.target.name if isinstance(s.target, Symbol) and moves else ""
            gate = {k for k in where if name.startswith(k)}
            letters_of_names |= gate  # of f_t = \sigma(w_f x_t + u_f h_{t-1})
            lacking = {k for k in where if where.count(k) > 1}  # (y_o - t_o)^2 lacks a sum
            summed |= lacking - gate
    shared = {x for script in subscripts if len(script.entries) != 1 for x in script.entries}
    letters_of_names |= {x for x, own in bases.items() if own <= EXTENTS}  # d_k
    letters = (open_labels & letters_of_names) - integers - summed - shared - {*bound}
    arrays = {x.base for x in subscripts if not bound.isdisjoint(x.entries)}  # s_j, and s_y of it
    return frozenset((s.base, x) for s in subscripts for x in s.entries
                     if x in letters and not (x in CLASSES and s.base in arrays))  # fmt: skip


def _parts_of_bold(statements: Sequence[Statement], context: Context) -> frozenset[tuple[str, str]]:
    r"""Return the (name, letter) that are one name in matrix notation: ``\mathbf{S}_b \mathbf{w}``.

    Nothing binds or keeps such a letter, which stands alone below names in bold type.
    """
    assigned = [s for s in statements if isinstance(s, Assignment)]
    survey = context.survey
    kept = {x for s in assigned for x in labels_of(s.target) if x in labels_inside(s.value)}
    kept |= survey.bound  # \mathbf{K}_y = \mathbf{K} + \sigma^2 I keeps no y
    many = {x for script in survey.subscripts if len(script.entries) > 1 for x in script.entries}
    carriers = [
        x for s in assigned if shows_matrices(s.value, survey.bold, context.moving)
        for x in walk(s.value)
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


# --- integers ---------------------------------------------------------------------------------


def _integers(statements: Sequence[Statement]) -> set[str]:
    r"""Return the letters that are integers: y in ``p_o = ...``, ``L = -\log p_y``.

    Such a letter stands on an assigned tensor, nothing keeps or sums it, and no other tensor has
    it as a label. So is the y of ``\sum_{j \ne y}``, if it is no label elsewhere.
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
    arrays: dict[str, set[str]] = {}
    for statement in assigned.values():
        for part in walk(statement.value):
            if isinstance(part, Symbol) and len(part.labels) == 1:
                arrays.setdefault(part.name, set()).update(part.labels)
    found = _classes(statements)
    for statement in assigned.values():
        target = statement.target
        kept = target.labels if isinstance(target, Symbol) else ()
        for label, where in Summation().dangling(statement.value, kept):
            if isinstance(where, Symbol) and where.name not in assigned:
                others = arrays.get(where.name, set()) - {label}
                if label in CLASSES and owners[label] == {where.name} and others:
                    found.add(label)  # s_y beside the s_j of a sum over j
            if isinstance(where, Symbol) and where.name in assigned:
                own = assigned[where.name].target
                labels = getattr(own, "labels", ())
                if owners[label] == {where.name} and labels and label not in labels:
                    found.add(label)
    return found


def _classes(statements: Sequence[Statement]) -> set[str]:
    r"""Return the y of ``\sum_{j \ne y}``, which counts no entries where no sum sign names it."""
    found: set[str] = set()
    taken: set[str] = set()
    for statement in statements:
        if isinstance(statement, Assignment):
            calls = [x for x in walk(statement.value) if isinstance(x, Call)]
            taken |= {*labels_of(statement.target)}.union(
                *(x.axes for x in calls if not x.conditions)
            )
            sides = (one.right for call in calls for one in call.conditions if one.op == "!=")
            found |= {x.label for x in sides if isinstance(x, Ordinal)}
    return (found & CLASSES) - taken
