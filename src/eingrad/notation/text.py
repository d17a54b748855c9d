"""Formulas to the notation, with no parentheses but those that the parser needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from string import ascii_lowercase

from eingrad.notation.lexeme import GREEK_LETTERS, keeps_labels
from eingrad.notation.summation import children, derivative_parts, rebuilt, tensor_parts, walk
from eingrad.notation.syntax import (
    BY_ROW,
    ODOT,
    ONES_NAME,
    OSLASH,
    OTIMES,
    SLICE,
    TRANSPOSED,
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

COMPARISON, SUM, PRODUCT, POWER, ATOM = range(5)  # how tightly a formula's outermost sign binds


def to_text(item: Formula | Statement) -> str:
    """Write a formula or a statement; parsing it gives the same formula.

    >>> from eingrad.notation.parse import parse_formula
    >>> to_text(parse_formula("-T_bo/(size(b)*Z_{bo})"))
    '-T_bo / (size(b) Z_bo)'
    """
    match item:
        case Assignment(target=target, value=value):
            line = f"{to_text(target)} = {_within(value, SUM)}"
            return "\n".join([line, *map(_edge, item.edges)])
        case Assumption(left=left, right=right, sign=sign):
            return f"assume {_within(left, SUM)} {sign} {_within(right, SUM)}"
        case Declaration(name=name, count=count):
            return f"function {name}{placeholders(count)}"
        case Shaped(names=names, extents=extents):
            space = f"^{{{' x '.join(map(str, extents))}}}" if extents else ""
            return f"{', '.join(names)} in R{space}"
    return _write(item)[0]


def label_text(label: str) -> str:
    """Write one label: a Greek one as its letter."""
    return GREEK_LETTERS.get(label, label)


def _edge(edge: Edge) -> str:
    """Write ``h[t<0,i] = h0_i``."""
    written = [label_text(x) for x in edge.labels]
    label = written[edge.axis]
    written[edge.axis] = {
        "<": f"{label}<0", ">=": f"{label}>=size({label})", "==": str(edge.number)
    }[edge.sign]  # fmt: skip
    return f"{edge.name}[{','.join(written)}] = {_within(edge.value, SUM)}"


def symbol_text(name: str, labels: tuple[str, ...], moves: tuple[int, ...] = ()) -> str:
    """Write a tensor: ``W_ih``, or ``W[out,in]`` if a label is long, ``h[t-1,i]`` if one moves."""
    written = _moved_text(labels, moves)
    if any(moves):
        return f"{name}[{','.join(written)}]"
    name = "1" if name == ONES_NAME else name
    if all(len(label) == 1 for label in written) and SLICE not in written:
        return f"{name}_{''.join(written)}" if written else name
    return f"{name}[{','.join(written)}]"


def _moved_text(labels: Sequence[str], moves: Sequence[int]) -> list[str]:
    """Write labels, ``t-1`` where one moves."""
    return [
        f"{label_text(x)}{by:+}" if by else label_text(x)
        for x, by in zip(labels, moves or [0] * len(labels), strict=True)
    ]


def offset_text(offset: Offset, spelled: Callable[[str], str] = label_text) -> str:
    """Write ``2 i+k-1``.

    >>> offset_text(Offset(((2, "i"), (-1, "k")), -1))
    '2 i-k-1'
    """
    signed = [(n, f"{abs(n)} {spelled(x)}" if abs(n) > 1 else spelled(x)) for n, x in offset.terms]
    if offset.constant or not offset.terms:
        signed.append((offset.constant, str(abs(offset.constant))))
    text = "".join(f"{'-' if n < 0 else '+'}{x}" for n, x in signed)
    return text.removeprefix("+")


def gather_text(gather: TensorAt) -> str:
    """Write ``Z[b,y[b]]``; an integer without labels is ``y``, or ``row[]`` if it is long.

    ``y[]`` is one, too, if its author wrote so.
    """
    if "/d" in gather.name:
        of, *wrt = map(to_text, parts_at(gather))
        return derivative_text(of, wrt)
    written = []
    for entry in gather.entries:
        if isinstance(entry, str):
            written.append(label_text(entry))
        elif isinstance(entry, Offset):
            written.append(offset_text(entry))
        elif isinstance(entry, TensorAt):
            written.append(gather_text(entry))
        else:
            labels = ",".join(_moved_text(entry.labels, entry.moves))
            short = not (labels or entry.brackets) and len(label_text(entry.name)) == 1
            written.append(label_text(entry.name) if short else f"{entry.name}[{labels}]")
    return f"{gather.name}[{','.join(written)}]"


def parts_at(gather: TensorAt) -> Iterator[Symbol | TensorAt]:
    """Yield the tensors of a derivative at entries, y and x of ``dy[1]/dx[i+1]``.

    What has no ``counts`` is that of a number, by tensors with as many axes.
    """
    names, start = derivative_parts(gather.name), 0
    each = len(gather.entries) // (len(names) - 1)
    for name, count in zip(names, gather.counts or (0, *[each] * (len(names) - 1)), strict=True):
        entries = gather.entries[start : (start := start + count)]
        labels = tuple(x for x in entries if isinstance(x, str))
        plain = len(labels) == len(entries)
        yield Symbol(name, labels) if plain else TensorAt(name, entries)


def call_head(function: str, axes: tuple[str, ...]) -> str:
    """Write a function with its axes: ``sum_b``, or ``sum_{row}`` if an axis is long."""
    written = [label_text(axis) for axis in axes]
    if all(len(axis) == 1 for axis in written):
        return f"{function}_{''.join(written)}" if written else function
    return f"{function}_{{{','.join(written)}}}"


def _conditional_head(call: Call) -> str:
    """Write ``sum_{i != j}``: the labels of the conditions need not be named."""
    below = [*(label_text(x) for x in unnamed(call)), *map(to_text, call.conditions)]
    return f"{call.function}_{{{', '.join(below)}}}"


def unnamed(call: Call) -> list[str]:
    """Return the axes of a call that must be named: those that no condition compares, and those
    that are no label in its argument."""
    named = {x.label for c in call.conditions for x in walk(c) if isinstance(x, Ordinal)}
    held = {x for part in walk(call.args[0]) for x in getattr(part, "labels", ())}
    implied = set() if keeps_labels(call.function) else named & held
    return [axis for axis in call.axes if axis not in implied]


def derivative_text(of: str, wrt: list[str]) -> str:
    """Write a derivative: ``dL/dW_ih``, ``d2L/dw_i dw_j``."""
    order = "" if len(wrt) == 1 else str(len(wrt))
    return f"d{order}{of}/{' '.join('d' + x for x in wrt)}"


def derivative_name(derivative: Derivative) -> str:
    """Return the name that a derivative has as a tensor: ``dL/dW1``, ``d2L/dw dw``."""
    of, *wrt = tensor_parts(derivative)
    return derivative_text(of.name, [symbol.name for symbol in wrt])


def number_text(value: int | float | Fraction) -> str:
    """Write a number exactly: 0.5, 1e-5, and 1/3 where there is no decimal.

    >>> [number_text(Fraction(x)) for x in ("0.5", "0.001", "0.00001", "1.5e-8", "1e20", "1/3")]
    ['0.5', '0.001', '1e-5', '1.5e-8', '1e20', '1/3']
    """
    if isinstance(value, float):
        return str(value)
    if isinstance(value, int):
        return ("-" if value < 0 else "") + _decimal(str(abs(value)), 0)
    rest, power = value.denominator, 0  # the denominator must divide 10**power
    for divisor in (10, 2, 5):
        while rest % divisor == 0:
            rest, power = rest // divisor, power + 1
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**power // value.denominator)
    return ("-" if value < 0 else "") + _decimal(digits, power)


def _decimal(digits: str, power: int) -> str:
    """Write ``digits / 10**power``, which does not end in a 0 behind the point."""
    if power == 0 and (len(digits) <= 7 or not digits.endswith("00000")):
        return digits
    if 0 < power <= min(6, len(digits) + 2):  # at most two zeros behind the point
        digits = digits.rjust(power + 1, "0")
        return f"{digits[:-power]}.{digits[-power:]}"
    exponent = len(digits) - 1 - power
    digits = digits.rstrip("0")
    return f"{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{exponent}"


def _write(formula: Formula) -> tuple[str, int]:
    match formula:
        case Number(value=value):
            text = number_text(value)
            tight = SUM if text.startswith("-") else PRODUCT if "/" in text else ATOM
            return text, tight
        case Symbol(name=name, stacked=True):
            return f"vec({name})", ATOM
        case Symbol(name=name, labels=labels, moves=moves):
            return symbol_text(name, labels, moves), ATOM
        case TensorAt():
            return gather_text(formula), ATOM
        case SizeOf(label=label, of=None):
            return f"size({label_text(label)})", ATOM
        case SizeOf(label=label, of=Symbol() as of):
            return f"{call_head('size', (label,))}({to_text(of)})", ATOM
        case Derivative(of=of, wrt=wrt):
            plain = isinstance(of, Symbol) or (isinstance(of, TensorAt) and not of.indices)
            above = to_text(of) if plain else f"[{to_text(of)}]"
            return derivative_text(above, [to_text(x) for x in wrt]), POWER
        case Call(function="entry", args=(inner,), axes=axes):
            return f"[{to_text(inner)}]_{''.join(map(label_text, axes))}", ATOM
        case Call(function="norm", args=(inner,), axes=()):
            return f"||{to_text(inner)}||", ATOM
        case Call(function="inner", args=(left, right)):
            return f"<{to_text(left)}, {to_text(right)}>", ATOM
        case Ordinal(label=label):
            return f"place({label_text(label)})", ATOM
        case Call(function=function, args=args, axes=axes):
            head = _conditional_head(formula) if formula.conditions else call_head(function, axes)
            return f"{head}({', '.join(map(to_text, args))})", ATOM
        case Power(base=base, exponent=exponent):
            return f"{_within(base, ATOM)}^{_exponent(exponent)}", POWER
        case Product():
            return _product(formula)
        case Sum():
            return _sum(formula)
        case Compare(op=op, left=left, right=right):
            left, right = compared(left), compared(right)
            return f"{_within(left, SUM)} {op} {_within(right, SUM)}", COMPARISON
    raise TypeError(f"{type(formula).__name__} is no formula")


def compared(side: Formula) -> Formula:
    """Return a side of a comparison, where labels stand for their places, as it is written."""
    if isinstance(side, Ordinal):
        return Symbol(side.label, (), side.position)
    return rebuilt(side, [compared(x) for x in children(side)]) if children(side) else side


def placeholders(count: int) -> str:
    """Write the arguments of a declared function, which one of one number lacks.

    >>> placeholders(1), placeholders(3)
    ('', '(a, b, c)')
    """
    return f"({', '.join(ascii_lowercase[:count])})" if count > 1 else ""


def _within(formula: Formula, tight: int) -> str:
    """Write a formula where its outermost sign must bind as tightly as ``tight``."""
    text, binds = _write(formula)
    return text if binds >= tight else f"({text})"


def _exponent(formula: Formula) -> str:
    match formula:
        case Sum(terms=(Number() | Symbol() as only,), negative=(True,)):
            return "-" + _exponent(only)
        case Derivative():
            return f"({to_text(formula)})"
        case _ if formula in (TRANSPOSED, BY_ROW):
            return "T"
    return _within(formula, POWER)


def _product(product: Product) -> tuple[str, int]:
    text = ""
    count = len(product.factors)
    signs = product.signs if len(product.signs) == count else ("",) * count
    before: Formula | None = None
    for factor, divides, sign in zip(product.factors, product.divides, signs, strict=True):
        if _is_capital(factor) and _is_capital(before) and not divides:
            sign = sign or "*"  # scalars: without a sign they may be matrices
        if divides:
            text = f"{text or '1'} / {_within(factor, POWER)}"
        else:
            between = f" {sign} " if sign in {ODOT, OSLASH, OTIMES, "*"} else " "
            text = f"{text}{between}{_within(factor, POWER)}" if text else _within(factor, POWER)
        before = factor
    return text or "1", PRODUCT if len(product.factors) > 1 or any(product.divides) else POWER


def _is_capital(formula: Formula | None) -> bool:
    """Whether a factor is a capital without labels."""
    if not isinstance(formula, Symbol) or formula.labels:
        return False
    return formula.name.rstrip("0123456789").isupper()


def _sum(total: Sum) -> tuple[str, int]:
    text = ""
    for term, negative in zip(total.terms, total.negative, strict=True):
        written = _within(term, PRODUCT)
        if text:
            text += f" - {written}" if negative else f" + {written}"
        else:
            text = f"-{written}" if negative else written
    return text or "0", SUM
