r"""The inside of a word: names, labels, Greek letters, ``W^{(1)}_{ij}``, ``dL/dW_ih``.

Greek letters are spelled out wherever they stand: ``\alpha``, ``α`` and ``alpha`` are one name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction

from eingrad.core.expr import ELLIPSIS
from eingrad.core.functions import (
    AXIS_FUNCTIONS,
    FUNCTIONS,
    MATRIX_FUNCTIONS,
    Function,
    canonical,
    keeps_axes,
)
from eingrad.errors import NotationError, Position
from eingrad.notation.syntax import (
    LeftEdge,
    MovedLabel,
    Number,
    Offset,
    Symbol,
    TensorAt,
    move_of,
    symbol_at,
)

# fmt: off
_SPELLED = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi",
    "psi", "omega",
]
# fmt: on
_LOWER = "αβγδεζηθικλμνξοπρστυφχψω"
GREEK: dict[str, str] = {
    **dict(zip(_LOWER, _SPELLED, strict=True)),
    **dict(zip(_LOWER.upper(), map(str.capitalize, _SPELLED), strict=True)),
}
GREEK_LETTERS: dict[str, str] = {name: letter for letter, name in GREEK.items()}
_COMMANDS = {**{name: name for name in GREEK.values()}, **{
    "var" + name: name for name in ("epsilon", "theta", "kappa", "pi", "rho", "sigma", "phi")
}}  # fmt: skip


_LETTER = r"[^\W\d_]"
_NAME = rf"(?:\\[A-Za-z]+(?![A-Za-z])|{_LETTER})(?:{_LETTER}|[0-9])*"
_NESTED = r"(?:[^\[\]\n]|\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\])*"  # what may stand between brackets
_PART = re.compile(
    rf"(?P<name>{_NAME})|\^\{{\((?P<power>[0-9]+)\)\}}|_\{{(?P<braces>[^{{}}]*)\}}"
    rf"|_(?P<letters>(?:{_LETTER}|[0-9]|\\[A-Za-z]+)*)|\[(?P<brackets>{_NESTED})\]|(?P<primes>'+[1-9]*)"
)
TENSOR = (
    rf"{_NAME}(?:\^\{{\([0-9]+\)\}}|_\{{[^{{}}\n]*\}}|_(?:{_LETTER}|[0-9]|\\[A-Za-z]+(?![A-Za-z]))*"
    rf"|\[{_NESTED}\])*"
)  # a name with all that hangs on it, as one word of a text
_MOVED = re.compile(rf"({_NAME})\s*([+-])\s*([0-9]{{1,6}})")  # t-1 in h[t-1,j]
_EDGE = re.compile(
    rf"({_NAME})\s*(?:(<)\s*0|(>=)\s*size\(\s*({_NAME})\s*\))|(-?[0-9]{{1,6}})"
)  # t<0, t>=size(t) or 0 on a left side
_TERM = re.compile(rf"([+-]?)\s*(?:([0-9]{{1,6}})(?![0-9])\s*\*?\s*)?({_NAME})?")
_COMBINATION = re.compile(
    rf"[+-]?\s*(?:[0-9]{{1,6}}\s*\*?\s*{_NAME}|[0-9]{{1,6}}|{_NAME})"
    rf"(?:\s*[+-]\s*(?:[0-9]{{1,6}}\s*\*?\s*{_NAME}|[0-9]{{1,6}}|{_NAME}))*"
)  # 2 i + k - 1 in x[2 i + k - 1], or a number
_LETTERS = re.compile(rf"\\[A-Za-z]+|{_LETTER}|[0-9]")
_DERIVATIVE = re.compile(r"d(2?)(.*?)/d(.*)", re.DOTALL)

SIGNS_ONLY = frozenset({"add"})  # of the table, comparisons apart: what has no word

# in a subscript they belong to the name
WORDS = frozenset({
    "pred", "true", "target", "fwd", "bwd", "rev", "forward", "backward", "total", "tot", "out",
    "input", "output", "train", "test", "val", "data", "reg", "loss", "new", "old", "real",
    "fake", "gen", "ref", "eff", "avg", "mean", "max", "min", "std", "var", "model", "init", "rec",
    "recon", "pos", "neg", "obs", "prior", "post", "cls", "aux", "hid", "hidden", "emb", "attn",
    "CE", "BCE", "MSE", "MAE", "RMSE", "KL", "NLL", "ML", "MLE", "MAP", "ELBO", "GAN", "VAE", "SVM",
    "LS", "OLS", "GLS", "WLS", "GMM", "RSS", "MMSE", "UMAP", "WD", "CTC", "RL", "DPO", "PPO",
})  # fmt: skip


def elementwise(word: str) -> Function | None:
    """Return the element-wise function of this name, if texts can write it."""
    record = FUNCTIONS.get(word)
    return None if record is None or record.sign or word in SIGNS_ONLY else record


def over_matrices(word: str) -> bool:
    """Whether a word is a function of matrices, which goes over two labels."""
    return word in MATRIX_FUNCTIONS and not MATRIX_FUNCTIONS[word].unwritten


def over_axes(word: str) -> bool:
    """Whether a word is a function over labels."""
    return word in AXIS_FUNCTIONS or over_matrices(word)


def keeps_labels(word: str) -> bool:
    """Whether the labels that a function goes over stay labels of its result."""
    return keeps_axes(word) or (over_matrices(word) and MATRIX_FUNCTIONS[word].keeps_axes)


OF_LABELS = frozenset({"size", "place"})  # its extent, and where it stands


def is_function(word: str) -> bool:
    """Whether a word is a function's name."""
    return bool(elementwise(word)) or over_axes(word) or word in OF_LABELS


def known_functions() -> list[str]:
    """Return the names of all functions."""
    names = {*FUNCTIONS, *AXIS_FUNCTIONS, *MATRIX_FUNCTIONS, *OF_LABELS}
    return sorted(filter(is_function, names))


Entry = str | Symbol | TensorAt | Offset
Part = tuple[str, str, int]  # its kind (a group of _PART), its text, where it begins


class TextPlace:
    """A token's place in the text, and the places of its parts."""

    def __init__(self, line: int, column: int, line_text: str, width: int) -> None:
        self.line, self.column, self.line_text, self.width = line, column, line_text, width

    def at(self, offset: int = 0, width: int | None = None) -> Position:
        """Return the position ``offset`` characters into the token."""
        if width is None:
            width = max(1, self.width - offset)
        return Position(self.line, self.column + offset, self.line_text, width)

    def within(self, offset: int, width: int) -> TextPlace:
        """Return the place of a part."""
        return TextPlace(self.line, self.column + offset, self.line_text, width)


def is_greek(command: str) -> bool:
    r"""Whether a command such as ``\alpha`` is a Greek letter."""
    return command[1:] in _COMMANDS


def unknown_command(command: str, position: Position) -> NotationError:
    """Return the error about a command that is no Greek letter."""
    return NotationError(
        f"unknown command {command}",
        operand=command,
        position=position,
        hint="a backslash is for Greek letters, as in \\alpha",
    )


def spell(name: str, place: TextPlace) -> str:
    r"""Return a name with its Greek letters spelled out: ``\alpha1`` and ``α1`` are ``alpha1``."""
    result = []
    for match in _LETTERS.finditer(name):
        piece = match[0]
        if piece[0] == "\\":
            if not is_greek(piece):
                raise unknown_command(piece, place.at(match.start(), len(piece)))
            result.append(_COMMANDS[piece[1:]])
        else:
            plain = unicodedata.normalize("NFKC", piece)
            letter = plain if len(plain) == 1 and plain.isalnum() else piece
            result.append("sigma" if letter == "ς" else GREEK.get(letter, letter))
    return "".join(result)


def _parts(text: str) -> Iterator[Part]:
    for match in _PART.finditer(text):
        kind = str(match.lastgroup)
        yield kind, match[kind], match.start(kind)


def read_symbol(text: str, place: TextPlace) -> Symbol:
    """Read ``W_ih``, ``W_{ih}``, ``W[out,in]`` or ``W^{(1)}_{ij}``."""
    tensor = read_tensor(text, place)
    if isinstance(tensor, Symbol):
        return tensor
    raise not_whole(tensor, text, place.at())


def not_whole(tensor: TensorAt, text: str, position: Position | None) -> NotationError:
    """Return the error about ``Z[b,y[b]]`` or ``y[n-k]`` where a whole tensor must stand."""
    name = tensor.name
    offsets = [x for x in tensor.entries if isinstance(x, Offset)]
    whole = f"{name}_{'ijmnpq'[: len(tensor.entries)]}"
    if any(isinstance(x, Symbol | TensorAt) for x in tensor.entries):
        why, hint = "an integer tensor", f"write labels alone, as in {name}_ij"
    elif any(x.labels for x in offsets):
        why = "an offset"
        hint = f"write labels of their own here, {whole}, and offsets where tensors are read"
    else:
        why, hint = "a number", f"write what holds of every entry: {whole} = ..."
    return NotationError(
        f"{text} is not a whole tensor: {name} is read at {why}",
        operand=name,
        position=position,
        hint=hint,
    )


def read_tensor(text: str, place: TextPlace) -> Symbol | TensorAt:
    """Read a tensor with its labels, or its entries at integer tensors: ``Z[b,y[b]]``.

    In ``size(...)`` the label stands alone.
    """
    if text == ELLIPSIS:
        return Symbol(text, (), place.at())
    name, subscripts, brackets = "", 0, False
    entries: tuple[Entry, ...] = ()
    for kind, inner, start in _parts(text):
        if kind == "primes":
            raise NotationError(
                "a prime belongs to a function, as in phi'(a)",
                position=place.at(start, len(inner)),
                hint="give the tensor another name, for instance with a digit",
            )
        if kind in {"name", "power"}:
            name = _name(name, kind, inner, place.within(start, len(inner)))
            continue
        subscripts += 1
        if subscripts > 1:
            raise NotationError(
                f"{text} has two subscripts",
                operand=name,
                position=place.at(),
                hint="a name has no underscore: after it stand labels, one letter each; "
                "long labels go in brackets, as in W[out,in]",
            )
        brackets = kind == "brackets" or (kind == "braces" and "," in inner)
        entries = _entries(name, kind, inner, place.within(start, len(inner)))
    labels = tuple(entry for entry in entries if isinstance(entry, str))
    if len(labels) == len(entries):
        return symbol_at(name, labels, place.at(), brackets)
    plain = tuple(
        Offset(((1, str.__str__(x)),), move_of(x)) if isinstance(x, MovedLabel) else x
        for x in entries
    )
    return TensorAt(name, plain, place.at())


def read_edge(text: str, place: TextPlace) -> LeftEdge | None:
    """Read the left side of ``h[t<0,i] = h0_i``, None of any other."""
    match = re.fullmatch(rf"({_NAME})\[({_NESTED})\]", text)
    if match is None or not re.search(r"[<>0-9]", match[2]):
        return None
    labels: list[str] = []
    found: tuple[int, str, int] | None = None
    for written, where in _split(match[1], match[2], place.within(match.start(2), len(match[2]))):
        edge = _EDGE.fullmatch(written)
        if edge is None:
            if not re.fullmatch(_NAME, written):
                return None
            labels.append(spell(written, where))
            continue
        label = spell(edge[1] or "", where)
        if found is not None or (edge[4] and spell(edge[4], where) != label):
            return None
        if edge[5] and int(edge[5]) < 0:
            raise NotationError(
                f"{text}: on a left side entries are not counted from the end",
                operand=match[1],
                position=where.at(),
                hint=f"what stands before the first entry is {match[1]}[t<0]",
            )
        found = len(labels), "==" if edge[5] else edge[2] or edge[3], int(edge[5] or 0)
        labels.append(label)
    if found is None:
        return None
    return LeftEdge(spell(match[1], place), tuple(labels), *found, place.at())


def _name(name: str, kind: str, inner: str, place: TextPlace) -> str:
    if kind == "name":
        return spell(inner, place)
    if name[-1:].isdigit():
        raise NotationError(
            f"the name {name} ends in a digit already",
            operand=name,
            position=place.at(),
            hint=f"W^{{(1)}} is another way to write W1; write one number after {name}",
        )
    return name + inner


def _entries(name: str, kind: str, inner: str, place: TextPlace) -> tuple[Entry, ...]:
    if kind == "brackets" or (kind == "braces" and re.search("[,+-]", inner)):
        found = tuple(_entry(name, text, where) for text, where in _split(name, inner, place))
        if found.count(ELLIPSIS) > 1:
            raise NotationError(
                f"{name} has ... twice",
                label=ELLIPSIS,
                operand=name,
                position=place.at(),
                hint="it stands for the same leading axes wherever it is written",
            )
        return found
    return _labels(name, inner, place)


def _entry(name: str, written: str, where: TextPlace) -> Entry:
    """Read what stands between two commas: a label, or an integer tensor with its labels."""
    if written == ELLIPSIS or re.fullmatch(_NAME, written):
        return written if written == ELLIPSIS else spell(written, where)
    scalar = re.fullmatch(rf"({_NAME})\[\s*\]", written)
    if scalar:  # y[] is a scalar for sure; y alone may be a label
        return Symbol(spell(scalar[1], where), (), where.at(), brackets=True)
    if re.fullmatch(TENSOR, written):
        return read_tensor(written, where)
    if moved := _MOVED.fullmatch(written):
        return MovedLabel.of(spell(moved[1], where), int(moved[2] + moved[3]))
    if (offset := _offset(written, where)) is not None:
        return offset
    _check_label(name, written, where)
    return spell(written, where)


def _offset(written: str, where: TextPlace) -> Offset | None:
    """Read ``2 i + k - 1``, or a number; None of anything else.

    >>> _offset("2 i + k - 1", TextPlace(1, 1, "", 11))
    Offset(terms=((2, 'i'), (1, 'k')), constant=-1)
    """
    if not _COMBINATION.fullmatch(written):
        return None
    terms: dict[str, int] = {}
    constant = 0
    for match in _TERM.finditer(written):
        sign, number, label = match[1], match[2], match[3]
        value = int(number or 1) * (-1 if sign == "-" else 1)
        if not (number or label):
            continue  # between two terms
        if label:
            name = spell(label, where.within(match.start(3), len(label)))
            terms[name] = terms.get(name, 0) + value
        else:
            constant += value
    kept = tuple((n, label) for label, n in terms.items() if n)
    if len(kept) < len(terms):
        raise NotationError(
            f"{written}: a label cancels",
            position=where.at(),
            hint="write what is left of it",
        )
    return Offset(kept, constant)


def _labels(name: str, inner: str, place: TextPlace) -> tuple[str, ...]:
    result = []
    for match in re.finditer(rf"\s+|{_LETTERS.pattern}|.", inner, re.DOTALL):
        piece = match[0]
        if not piece.isspace():
            _check_label(name, piece, place.within(match.start(), len(piece)))
            result.append(spell(piece, place.within(match.start(), len(piece))))
    if not result:
        raise _no_label(name, place)
    return tuple(result)


def _no_label(name: str, place: TextPlace) -> NotationError:
    return NotationError(
        f"{name} has a subscript without a label",
        operand=name,
        position=place.at(0, 1),
        hint=f"write {name}_i for one axis, {name} alone for a scalar",
    )


def _check_label(name: str, piece: str, place: TextPlace) -> None:
    if piece[0] == "\\" or piece.isalpha():
        return
    raise NotationError(
        f"{piece!r} is not a label: a label is a letter",
        label=piece,
        operand=name,
        position=place.at(),
        hint=f"a number belongs to the name: {name}{piece}" if piece.isdigit() else
        f"write {name}_ij, {name}_{{ij}} or {name}[row,col]"
        if {*"/%*("}.isdisjoint(piece) else
        f"an entry is read at a sum of labels and whole numbers, {name}[2 i + k - 1], or at an "
        f"integer input, {name}[at[i]]; else say which entries count, for i // 2 "
        f"sum_{{j, 2 j <= i, i < 2 j + 2}}({name}_j)",
    )  # fmt: skip


def _split(name: str, inner: str, place: TextPlace) -> Iterator[tuple[str, TextPlace]]:
    """Yield what stands between commas, those inside inner brackets left alone."""
    start = 0
    for item in _outer_parts(inner):
        written = item.strip()
        where = place.within(start + len(item) - len(item.lstrip()), max(1, len(written)))
        if not written:
            raise _no_label(name, where)
        yield written, where
        start += len(item) + 1


def _outer_parts(inner: str) -> list[str]:
    """Split at the commas that no bracket encloses.

    >>> _outer_parts("b,w[s,t],i")
    ['b', 'w[s,t]', 'i']
    """
    depth, parts = 0, [""]
    for c in inner:
        depth += (c in "[{") - (c in "]}")
        if c == "," and not depth:
            parts.append("")
        else:
            parts[-1] += c
    return parts


def read_call(text: str, place: TextPlace) -> tuple[str, tuple[str, ...]]:
    """Read what stands before a call's parenthesis: the function and its axes.

    Letters in braces stay together, ``sum_{row}`` is ("sum", ("row",)): only the argument tells
    whether they are one long label or three short ones.
    """
    parts = list(_parts(text))
    primes = "".join(inner for kind, inner, _ in parts if kind == "primes")
    name, subscripts = "", []
    for kind, inner, start in parts:
        if kind in {"name", "power"}:
            name = _name(name, kind, inner, place.within(start, len(inner)))
        elif kind != "primes":
            subscripts.append((kind, inner, start))
    for kind, inner, start in subscripts[:-1]:
        if kind != "letters" or not inner:
            raise NotationError(
                f"{text} has two subscripts",
                operand=name,
                position=place.at(start, max(1, len(inner))),
                hint="write the axes together: sum_bo(...) or sum_{row,col}(...)",
            )
        name += "_" + spell(inner, place.within(start, len(inner)))
    if not subscripts:
        return (canonical(name) or name) + primes, ()
    kind, inner, start = subscripts[-1]
    if kind == "letters" and (known := canonical(f"{name}_{inner}")):
        return known + primes, ()
    axes = _axes(name, kind, inner, place.within(start, len(inner)))
    return (canonical(name) or name) + primes, axes


def _axes(name: str, kind: str, inner: str, place: TextPlace) -> tuple[str, ...]:
    if kind == "letters" or not inner.strip():
        return _labels(name, inner, place)
    result: list[str] = []
    spread = ",".join(inner.split()) if "," not in inner else inner
    for written, where in _split(name, spread, place):
        if written == ELLIPSIS:
            result.append(written)
            continue
        if not re.fullmatch(_NAME, written):
            _check_label(name, written, where)
        label = spell(written, where)
        if kind == "braces" and label != written and len(_LETTERS.findall(written)) > 1:
            result += (spell(piece, place) for piece in _LETTERS.findall(written))
        else:
            result.append(label)
    return tuple(result)


def read_differentials(
    text: str, place: TextPlace
) -> tuple[Symbol | TensorAt, tuple[Symbol | TensorAt, ...]]:
    """Read what is differentiated and by what: ``dL/dW_ih``, ``d2L/dw_i dw_j``, ``dL/dy[n-k]``."""
    match = _DERIVATIVE.fullmatch(text)
    assert match is not None
    of = read_tensor(match[2], place.within(match.start(2), len(match[2])))
    by, start = list[Symbol | TensorAt](), match.start(3)
    for part in re.split(r"[ \t]+d", match[3]) if match[1] else [match[3]]:
        start = text.index(part, start)
        by.append(read_tensor(part, place.within(start, len(part))))
        start += len(part)
    return of, tuple(by)


MAX_DIGITS, MAX_EXPONENT = 1000, 400


def read_number(text: str, place: TextPlace) -> Number:
    """Read a number exactly: ``0.5`` is 1/2, ``1e-8`` is 1/100000000."""
    digits, _, exponent = text.lower().partition("e")
    small_enough = len(digits) <= MAX_DIGITS and len(exponent) <= 8
    if small_enough and abs(int(exponent or 0)) <= MAX_EXPONENT:
        value = Fraction(text)
        try:
            usable = bool(float(value)) or not value
        except OverflowError:
            usable = False
        if usable:
            return Number(int(value) if value.denominator == 1 else value, place.at())
    raise NotationError(
        "this number does not fit a float",
        position=place.at(),
        hint="numbers lie between 1e-308 and 1e308, with at most 1000 digits",
    )


def plain_name(text: str, place: TextPlace) -> str:
    """Read a name without labels, as ``function phi`` declares it."""
    symbol = read_symbol(text, place)
    if symbol.labels:
        raise NotationError(
            "a declared function has a plain name",
            operand=symbol.name,
            position=place.at(),
            hint=f"write: function {symbol.name}",
        )
    return symbol.name


def name_of(word: str) -> str:
    """Return the name in a word without reading the rest; wrong words have some name, too."""
    match = re.match(_NAME, word)
    try:
        return read_symbol(word, TextPlace(1, 1, "", 1)).name
    except NotationError:
        return match[0] if match else word
