r"""Formulas to LaTeX for amsmath: ``W1_ih`` is ``W^{(1)}_{ih}``, ``a / b`` is ``\frac{a}{b}``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from eingrad.core.expr import ELLIPSIS
from eingrad.core.functions import (
    AXIS_FUNCTIONS,
    COMPARISONS,
    FUNCTIONS,
    MATRIX_FUNCTIONS,
    declared_base,
)
from eingrad.notation.lexeme import GREEK_LETTERS, WORDS, over_matrices
from eingrad.notation.places import shifted
from eingrad.notation.summation import Summation, letters_compared
from eingrad.notation.syntax import (
    Assignment,
    Assumption,
    Call,
    Compare,
    Declaration,
    Derivative,
    Edge,
    Formula,
    Number,
    Offset,
    Ordinal,
    Power,
    Product,
    Shaped,
    SizeOf,
    Statement,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.text import (
    compared,
    number_text,
    offset_text,
    parts_at,
    placeholders,
    unnamed,
)

_LAYER_TO_A_POWER = re.compile(
    r"\\left\((?:\\mathrm\{\w+\}|\w)\^\{\(\d+\)\}(?:_\{.*?\})?\\right\)\^"
)
_CAPITAL = re.compile(
    r"(?<![A-Za-z\\])(?:[A-Z]|\\(?:Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega))"
    r"(?:\^\{\(\d+\)\}(?!_)|\^(?!\{\()|(?![\^A-Za-z_]))"
)  # a capital without labels
COMPARISON, SUM, BIG, PRODUCT, POWER, ATOM = range(6)  # how tightly the outermost sign binds
# BIG is a sum sign, which reaches as far to the right as a product goes

SIGNS = {row.sign: row.latex_of(("", "")).strip() for row in COMPARISONS.values()}
LOOK_LATIN = frozenset({  # Greek letters that LaTeX has no command for
    "Alpha", "Beta", "Epsilon", "Zeta", "Eta", "Iota", "Kappa", "Mu", "Nu", "Omicron", "Rho", "Tau",
    "Chi", "omicron",
})  # fmt: skip


def to_latex(item: Formula | Statement) -> str:
    r"""Write a formula or a statement as LaTeX, without the dollars around it.

    >>> from eingrad.notation.parse import parse_formula
    >>> print(to_latex(parse_formula("-T_bo / (size(b) Z2_bo)")))
    -\frac{T_{bo}}{|b| Z^{(2)}_{bo}}
    """
    match item:
        case Assignment(target=target, value=value, edges=edges):
            line = f"{to_latex(target)} = {_within(value, SUM)}"
            own = target.labels if isinstance(target, Symbol) else ()
            return " \\\\ ".join([line, *(_edge(edge, own) for edge in edges)])
        case Assumption(left=left, right=right, sign=sign):
            sign = SIGNS.get(sign, sign)
            return rf"\text{{assume }} {_within(left, SUM)} {sign} {_within(right, SUM)}"
        case Declaration(name=name, count=count):
            return rf"\text{{function }} {function_latex(name)}{placeholders(count)}"
        case Shaped(names=names, extents=extents):
            inner = r" \times ".join(map(str, extents))
            space = f"^{{{inner}}}" if extents else ""
            return rf"{', '.join(to_latex(Symbol(x)) for x in names)} \in \mathbb{{R}}{space}"
    return _write(item)[0]


def _edge(edge: Edge, labels: Sequence[str]) -> str:
    r"""Write what stands outside a recurrence: ``h_{t < 1, i} = g_{i}``, as LaTeX counts from 1."""
    label = label_latex(labels[edge.axis])
    where = {"<": f"{label} < 1", ">=": f"{label} > |{label}|"}
    own = where.get(edge.sign, f"{label} = {edge.number + 1}")
    entries = [own if k == edge.axis else label_latex(x) for k, x in enumerate(edge.labels)]
    return f"{_symbol(edge.name, ())}_{{{', '.join(entries)}}} = {_within(edge.value, SUM)}"


# --- names ------------------------------------------------------------------------------------


def _word(name: str) -> str:
    """Write letters without digits around them."""
    if name in GREEK_LETTERS and name not in LOOK_LATIN:
        return rf"\{name}"
    if not name.isascii():
        return rf"\text{{{name}}}"
    return name if len(name) == 1 else rf"\mathrm{{{name}}}"


def label_latex(label: str) -> str:
    """Write one label."""
    if label == ELLIPSIS:
        return r"\ldots"
    letters = label.rstrip("0123456789")
    digits = label[len(letters) :]
    return f"{_word(letters)}_{{{digits}}}" if digits and len(letters) == 1 else _word(label)


def _labels(labels: Sequence[str]) -> str:
    """Write labels side by side, with commas where one is long or all together spell a word."""
    long = any(len(GREEK_LETTERS.get(label, label)) > 1 for label in labels)
    long = long or "".join(labels) in WORDS
    written = map(label_latex, labels)
    return ",".join(written) if long else juxtaposed(written, "")


def juxtaposed(parts: Iterable[str], between: str = " ") -> str:
    r"""Join parts; a command needs a space before a letter: ``\mu i``."""
    text = ""
    for part in parts:
        space = between
        if not space and re.search(r"\\[A-Za-z]+$", text) and part[:1].isalpha():
            space = " "
        text = f"{text}{space}{part}" if text else part
    return text


def _symbol(name: str, labels: Sequence[str], moves: Sequence[int] = ()) -> str:
    letters = name.rstrip("0123456789")
    number = name[len(letters) :]
    text = f"{_word(letters)}^{{({number})}}" if number else _word(name)
    if any(moves):
        written = [f"{label_latex(x)}{by:+}" if by else label_latex(x)
                   for x, by in zip(labels, moves, strict=True)]  # fmt: skip
        return f"{text}_{{{', '.join(written)}}}"
    return f"{text}_{{{_labels(labels)}}}" if labels else text


def function_latex(function: str) -> str:
    r"""Write the name of a function, with its primes: ``\phi'``, ``\partial_{13} f``."""
    name = declared_base(function)
    primes = function[len(name) :]
    if primes[1:].isdigit():
        return rf"\partial_{{{primes[1:]}}} {function_latex(name)}"
    if len(name) == 1 or name in GREEK_LETTERS:
        return _word(name) + primes
    return rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}{primes}"


def _number(value: int | float | Fraction) -> tuple[str, int]:
    text = number_text(value)
    above, slash, below = text.partition("/")
    if slash:
        sign = "-" if above.startswith("-") else ""
        return rf"{sign}\frac{{{above.removeprefix('-')}}}{{{below}}}", SUM if sign else POWER
    digits, e, exponent = text.partition("e")
    if not e:
        return text, SUM if text.startswith("-") else ATOM
    power = f"10^{{{int(exponent)}}}"
    if digits in {"1", "1.0"}:
        return power, POWER
    return rf"{digits} \times {power}", SUM if digits.startswith("-") else PRODUCT


# --- formulas ---------------------------------------------------------------------------------


def _entry(entry: str | Symbol | TensorAt | Offset) -> str:
    if isinstance(entry, Offset) and not entry.terms and entry.constant >= 0:
        return str(entry.constant + 1)  # LaTeX counts from 1
    if isinstance(entry, Offset):
        return offset_text(entry, label_latex)
    return label_latex(entry) if isinstance(entry, str) else to_latex(entry)


def _write(formula: Formula) -> tuple[str, int]:
    match formula:
        case Number(value=value):
            return _number(value)
        case Symbol(name=name, labels=labels, moves=moves):
            return _symbol(name, labels, moves), POWER if name[-1].isdigit() else ATOM
        case TensorAt(name=name, entries=entries):
            if "/d" in name:
                of, *wrt = map(to_latex, parts_at(formula))
                power = f"^{len(wrt)}" if len(wrt) > 1 else ""
                below = " ".join(rf"\partial {x}" for x in wrt)
                return rf"\frac{{\partial{power} {of}}}{{{below}}}", POWER
            inner = ", ".join(map(_entry, entries))
            return f"{_symbol(name, ())}_{{{inner}}}", POWER if name[-1].isdigit() else ATOM
        case SizeOf(label=label, of=None):
            return f"|{label_latex(label)}|", ATOM
        case SizeOf(label=label, of=Symbol() as of):
            head = rf"\operatorname{{size}}_{{{label_latex(label)}}}"
            return f"{head}{_parenthesized(to_latex(of))}", POWER
        case Derivative(of=of, wrt=wrt):
            return _derivative(of, wrt), POWER
        case Ordinal(label=label):
            return rf"\operatorname{{place}}\left({label_latex(label)}\right)", POWER
        case Call():
            return _call(formula)
        case Power(base=base, exponent=exponent):
            return f"{_base(base)}^{{{_exponent(exponent)}}}", POWER
        case Product(factors=factors, divides=divides):
            return _product(factors, divides)
        case Sum(terms=terms, negative=negative):
            return _sum(terms, negative), SUM
        case Compare():
            op, left, right = _from_1(formula)
            left, right = compared(left), compared(right)
            return f"{_within(left, SUM)} {SIGNS[op]} {_within(right, SUM)}", COMPARISON
    raise TypeError(f"{type(formula).__name__} is no formula")


def _from_1(compare: Compare) -> tuple[str, Formula, Formula]:
    """Return a comparison where places count from 1, as LaTeX counts."""
    found = shifted(compare, 1)
    return found.op, found.left, found.right


def _within(formula: Formula, tight: int) -> str:
    """Write a formula where its outermost sign must bind as tightly as ``tight``."""
    text, binds = _write(formula)
    return text if binds >= tight else _parenthesized(text)


def _base(base: Formula) -> str:
    """Write what a power is taken of; e and 10 in parentheses, for they have a meaning without."""
    text = _within(base, ATOM)
    return _parenthesized(text) if text in {"e", "10"} else text


def _exponent(exponent: Formula) -> str:
    """Write an exponent; a layer's letter, or a word, in braces of its own, for without them it may
    be no exponent."""
    text = to_latex(exponent)
    return (
        f"{{{text}}}" if text == "T" or re.match(r"(?:(?:l|L|\\ell)\b|\\mathrm\{)", text) else text
    )


def _parenthesized(text: str) -> str:
    return rf"\left({text}\right)"


def _derivative(of: Formula, wrt: Sequence[Symbol]) -> str:
    order = f"^{{{len(wrt)}}}" if len(wrt) > 1 else ""
    below = " ".join(rf"\partial {to_latex(symbol)}" for symbol in wrt)
    if isinstance(of, Symbol):
        return rf"\frac{{\partial{order} {to_latex(of)}}}{{{below}}}"
    return rf"\frac{{\partial{order}}}{{{below}}} \left[{to_latex(of)}\right]"


def _sum(terms: Sequence[Formula], negative: Sequence[bool]) -> str:
    text = ""
    for k, (term, minus) in enumerate(zip(terms, negative, strict=True)):
        written = _within(term, ATOM if _would_go_on(term, terms[k + 1 :]) else BIG)
        if text:
            text += f" - {written}" if minus else f" + {written}"
        else:
            text = f"-{written}" if minus else written
    return text or "0"


def _would_go_on(term: Formula, others: Sequence[Formula]) -> bool:
    """Whether a sum sign at the end of a term would be read to reach over others, too."""
    last = term.factors[-1] if isinstance(term, Product) else term
    if not isinstance(last, Call) or not last.axes:
        return False
    return any(not Summation().free(x).keys().isdisjoint(last.axes) for x in others)


def _product(factors: Sequence[Formula], divides: Sequence[bool]) -> tuple[str, int]:
    r"""Write ``a b / c d`` as ``\frac{a b}{c} d``: a bar for each run of divisors."""
    chunks: list[Chunk] = [([], [])]
    for factor, below in zip(factors, divides, strict=True):
        if below:
            chunks = _apart(chunks, factor)
            chunks[-1][1].append(factor)
        elif chunks[-1][1]:
            chunks.append(([factor], []))
        else:
            chunks[-1][0].append(factor)
    alone = len(chunks) == 1
    parts = [
        rf"\frac{{{_whole(above, alone)}}}{{{_whole(below)}}}" if below else _factors(above)
        for above, below in chunks
    ]
    return _times(parts), PRODUCT


Chunk = tuple[list[Formula], list[Formula]]


def _apart(chunks: list[Chunk], divisor: Formula) -> list[Chunk]:
    """Begin another fraction where a divisor shares a label with one before.

    Below one bar the label would be summed there: 1 / (a_i b_i) is not 1 / a_i / b_i.
    """
    labels = Summation().free(divisor)
    shared = any(not labels.keys().isdisjoint(Summation().free(x)) for x in chunks[-1][1])
    return [*chunks, ([], [])] if shared else chunks


def _whole(factors: Sequence[Formula], alone: bool = True) -> str:
    """Write what stands above or below a fraction bar; beside other factors a group stays one."""
    if len(factors) != 1:
        return _factors(factors)
    group = isinstance(factors[0], Product) and not alone
    return _parenthesized(to_latex(factors[0])) if group else to_latex(factors[0])


def _factors(factors: Sequence[Formula]) -> str:
    """Write factors side by side; a sum sign may stand bare in the last place."""
    if not factors:
        return "1"
    *others, last = factors
    tight = POWER if others and _has_sum(last) else BIG
    return _times([*(_within(x, POWER) for x in others), _within(last, tight)])


def _has_sum(formula: Formula) -> bool:
    """Whether a product in parentheses may sum a label apart from the factors beside it."""
    summation = Summation()
    return isinstance(formula, Product) and any(
        summation.is_complete(formula, label) for label in summation.free(formula)
    )


def _times(parts: Sequence[str]) -> str:
    r"""Join factors, with a dot where two numbers meet: ``2 \cdot 3``."""
    text = ""
    for part in parts:
        dot = re.search(r"(\d|10\^\{-?\d+\})$", text) and re.match(r"\d|\\frac\{\d", part)
        called = text.endswith(r"\sigma") and part.startswith(r"\left(")  # no sigmoid
        layer = _LAYER_TO_A_POWER.match(part)  # no function of W^{(1)}
        capitals = _CAPITAL.search(text) and _CAPITAL.search(part)  # no matrices
        dotted = dot or called or layer or capitals
        text = (rf"{text} \cdot {part}" if dotted else f"{text} {part}") if text else part
    return text


# --- functions --------------------------------------------------------------------------------


def _call(call: Call) -> tuple[str, int]:
    name, args = call.function, call.args
    if name == "square" and len(args) == 1:
        return _write(Power(args[0], Number(2)))
    if name == "pow" and len(args) == 2:
        return _write(Power(args[0], args[1]))
    if call.axes and len(args) == 1:
        return _over_axes(name, args[0], call.axes, call)
    written = [to_latex(arg) for arg in args]
    if name == "where" and len(args) == 3:
        condition, yes, no = written
        cases = rf"{yes} & \text{{if }} {condition} \\ {no} & \text{{otherwise}}"
        return rf"\begin{{cases}} {cases} \end{{cases}}", SUM
    row = FUNCTIONS.get(name)
    if row is not None and row.latex and row.arity == len(args) and not call.axes:
        return row.latex_of(written), POWER
    subscript = f"_{{{_labels(call.axes)}}}" if call.axes else ""
    return f"{function_latex(name)}{subscript}{_parenthesized(', '.join(written))}", POWER


def _over_axes(name: str, arg: Formula, axes: Sequence[str], call: Call) -> tuple[str, int]:
    labels = _below(call) if call.conditions else _labels(axes)
    if name == "mean" and not call.conditions:
        count = " ".join(f"|{label_latex(axis)}|" for axis in axes)
        return rf"\frac{{1}}{{{count}}} \sum_{{{labels}}} {_within(arg, BIG)}", BIG
    record = AXIS_FUNCTIONS.get(name)
    if record is not None and record.big:
        tight = ATOM if name == "prod" and _ends_apart(call) else BIG
        return f"{record.latex}_{{{labels}}} {_within(arg, tight)}", BIG
    if over_matrices(name):
        return _matrix_function(name, arg, axes)
    if name == "norm":
        return rf"\left\lVert {to_latex(arg)} \right\rVert_{{{labels}}}", POWER
    head = (record and record.latex) or function_latex(name)
    return f"{head}_{{{labels}}}{_parenthesized(to_latex(arg))}", POWER


def _ends_apart(call: Call) -> bool:
    r"""Whether a product's last factor has none of its labels: ``\prod_i x_i y`` may end before."""
    last = call.args[0].factors[-1] if isinstance(call.args[0], Product) else call.args[0]
    labels = {*call.axes, *letters_compared(call.conditions)}
    return labels.isdisjoint(Summation().free(last))


def _below(call: Call) -> str:
    r"""Write what stands below a sum sign: ``j \le i, j \ne k``, or ``i, k, j \ne i``.

    ``j = 1`` is where a sum begins, so that one entry is ``j \le 1, j \ge 1``.
    """
    parts = [*map(label_latex, unnamed(call))]
    for condition in call.conditions:
        signs = ("<=", ">=") if condition.op == "==" else (condition.op,)
        parts += [to_latex(replace(condition, op=sign)) for sign in signs]
    return ", ".join(parts)


def _matrix_function(name: str, arg: Formula, axes: Sequence[str]) -> tuple[str, int]:
    r"""Write ``\left(A^{-1}\right)_{ij}``, ``\det A``, ``\det_{ij}\left(A B\right)``."""
    labels = _labels(axes)
    bare = None
    if isinstance(arg, Symbol) and arg.labels[-2:] == tuple(axes):
        bare = _symbol(arg.name, arg.labels[:-2])
    if name in {"inv", "transpose"}:
        power = "-1" if name == "inv" else r"\top"
        if isinstance(arg, Symbol) and bare and not arg.name[-1].isdigit():
            return rf"\left({bare}^{{{power}}}\right)_{{{labels}}}", POWER
        return rf"\left[{to_latex(arg)}\right]^{{{power}}}_{{{labels}}}", POWER
    head = MATRIX_FUNCTIONS[name].latex
    if bare:
        return f"{head} {bare}", POWER
    return f"{head}_{{{labels}}}{_parenthesized(to_latex(arg))}", POWER
