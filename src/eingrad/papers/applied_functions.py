r"""Functions that a document defines by a formula and takes of other arguments, ``g(w^T x)``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from eingrad.calculus.simplify import simplify
from eingrad.check import Derived
from eingrad.derivation.labels import to_formula
from eingrad.errors import EingradError
from eingrad.notation.latex import to_latex
from eingrad.notation.lower import lower
from eingrad.notation.tex.read import read_model
from eingrad.papers.applied_names import ARGUMENT, NameWithArguments, bare, calls, name_pattern
from eingrad.papers.heads import is_derivative, letters_in

_PRIMES = re.compile(r"\s*(?:\^\s*\{?\s*((?:\\prime\s*|')+)\}?|('+))\s*(?=(?:\\left\s*)?\()")
_BY = re.compile(
    r"(?:\\nabla|\\partial|(?<![A-Za-z\\])d)\s*(?:_\s*(?:\{[^{}]*\}|\\?[A-Za-z]+))?\s*\Z"
)
_BELOW = re.compile(r"_\s*(?:\{[^{}]*\}|\\[A-Za-z]+|\w)")
_BOUND = re.compile(r"\\(?:sum|prod|int|max|min)(?![A-Za-z])\s*(?:\\limits\s*)?_")
_SIMPLE = re.compile(r"\\?[A-Za-z]+(?:_(?:[A-Za-z0-9]|\{[^{}]*\}))?")
_MOST = 60  # functions in one formula
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class DefinedFunction:
    """A function: its name, its parameters, its formula, and in which rows it is meant; of the
    first one it is the side ``place``."""

    base: str
    parameters: tuple[str, ...]
    formula: str
    first: int
    last: int
    place: int

    def of(self, arguments: Sequence[str], primes: int) -> str | None:
        """Return its value at arguments, or that of a derivative; None where it has none."""
        if primes and len(self.parameters) == 1 and bare(arguments[0]) == bare(self.parameters[0]):
            order = f"^{primes}" if primes > 1 else ""
            return rf"\frac{{d{order} {self.base}}}{{d {self.parameters[0]}{order}}}"
        formula = self.formula if not primes else self._derivative(primes)
        if formula is None:
            return None
        values = dict(zip(self.parameters, arguments, strict=True))
        return with_values(formula, values)

    def _derivative(self, primes: int) -> str | None:
        """Return its derivative by its one parameter as a formula."""
        if len(self.parameters) != 1:
            return None
        [own] = self.parameters
        free = next(x for x in "tsrqvu" if x not in letters_in(self.formula))
        found = derivative_by(with_values(self.formula, {own: free}), free, primes)
        return None if found is None else with_values(found, {free: own})


def derivative_by(formula: str, name: str, order: int = 1) -> str | None:
    r"""Return the derivative of a formula by a number in it, None where it cannot be derived.

    >>> derivative_by(r"e^{-z}", "z")
    '-\\exp\\left(-z\\right)'
    """
    try:
        derived = Derived(lower(read_model(rf"\check{{F}} = {formula}").statements))
        by = derived.derivative("Fcheck", [name] * order)
        expr = simplify(derived.whole(derived.exprs[by]))
        return to_latex(to_formula(expr, (), derived.names))
    except EingradError:
        return None


def with_functions(rows: Rows) -> list[list[str]]:
    r"""Return rows of sides with formulas in the place of functions that they define.

    >>> with_functions([["g(z)", "e^{-z}"], ["a", "g(w x + b)"], ["b", "g'(u_i)"]])[1:]
    [['a', 'e^{-{(w x + b)}}'], ['b', '-\\exp\\left(-u_i  \\right)']]
    """
    found = [f for f in _defined(rows) if _is_function(f, rows)]
    result = []
    for k, row in enumerate(rows):
        own = {bare(f.base): f for f in found if f.first <= k < f.last}
        begins = max((f.place for f in own.values() if f.first == k), default=-1)
        result.append([side if n <= begins else _expanded(side, own) for n, side in enumerate(row)])
    return result


def _defined(rows: Rows) -> Iterator[DefinedFunction]:
    """Yield what is defined with arguments, each up to where it is defined anew."""
    places: dict[str, list[tuple[int, int, NameWithArguments]]] = {}
    for k, row in enumerate(rows):
        for n, side in enumerate(row[: min(2, len(row) - 1)]):  # f(x) = ..., y = f(x) = ...
            own = next(iter(calls(side)), None)
            if own and own.start == 0 and own.end == len(side.rstrip()) and not own.given:
                places.setdefault(bare(own.base + own.subscript), []).append((k, n, own))
                break
    for base, found in places.items():
        anew = [k for k, row in enumerate(rows) if len(row) > 1 and _is_named(row[0], base)]
        for k, n, own in found:
            end = next((x for x in anew if x > k), len(rows))
            matches = [ARGUMENT.match(x) for x in own.arguments]
            named = all(m is not None and not m[2] for m in matches)
            formula = next((x for x in rows[k][n + 1 :] if _is_formula(x, own)), None)
            if named and formula is not None and not own.subscript:
                yield DefinedFunction(own.base, own.arguments, formula, k, end, n)


def _is_named(left: str, base: str) -> bool:
    r"""Whether a left side defines a name, as a function or by its entries: ``\phi_k``."""
    whole = re.match(name_pattern(base), bare(left))
    rest = "" if whole is None else bare(left)[whole.end() :]
    return whole is not None and re.fullmatch(r"(?:_\w*)?(?:\(.*\))?", rest) is not None


def _is_formula(side: str, own: NameWithArguments) -> bool:
    """Whether a side says what a function is: in its parameters, each of them without labels."""
    if is_derivative(side) or r"\begin" in side or not side or _BOUND.search(side):
        return False
    if re.search(name_pattern(own.base), side):
        return False
    for parameter in own.arguments:
        places = list(re.finditer(name_pattern(parameter), side))
        alone = all(
            not side[m.end() :].lstrip().startswith(("_", "'", "("))
            and not side[: m.start()].rstrip("{ ").endswith("_")
            for m in places
        )
        if not places or not alone:
            return False
    return True


def _is_function(own: DefinedFunction, rows: Rows) -> bool:
    """Whether a name is taken of other arguments, or has a prime, and never stands alone."""
    sides = [x for row in rows[own.first : own.last] for x in row]
    pattern = name_pattern(own.base)
    other = False
    for side in sides:
        applied = {c.start: c for c in calls(side) if bare(c.base) == bare(own.base)}
        for m in re.finditer(pattern, side):
            call = applied.get(m.start())
            if call is not None:
                if call.subscript or call.given or len(call.arguments) != len(own.parameters):
                    return False
                other |= not _is_same(call, own)
            elif _PRIMES.match(side, m.end()):
                other = True
            elif not _BY.search(side[: m.start()]) and not _is_below(side, m.start()):
                return False
    return other


def _is_same(call: NameWithArguments, own: DefinedFunction) -> bool:
    """Whether a function is taken of its parameters, or of those of an example."""
    return call.bases == tuple(map(bare, own.parameters))


def _is_below(side: str, place: int) -> bool:
    return any(m.start() < place < m.end() for m in _BELOW.finditer(side))


def _expanded(side: str, own: Mapping[str, DefinedFunction]) -> str:
    """Return a side with the values of functions in their place."""
    for _ in range(_MOST if own else 0):
        done = _once(side, own)
        if done == side:
            return side
        side = done
    return side


def _once(side: str, own: Mapping[str, DefinedFunction]) -> str:
    """Replace the last application of a function."""
    for base, function in own.items():
        for m in reversed(list(re.finditer(name_pattern(function.base), side))):
            mark = _PRIMES.match(side, m.end())
            text = side[m.end() if mark is None else mark.end() :]
            call = next((c for c in calls(f"{function.base}{text}") if not c.start), None)
            if call is None or bare(call.base) != base or _is_by(side[: m.start()]):
                continue
            primes = 0 if mark is None else len(re.findall(r"\\prime|'", mark[1] or mark[2]))
            value = function.of(call.arguments, primes)
            if value is None:
                continue
            before, behind = side[: m.start()], text[call.end - len(function.base) :]
            whole = not before.strip() and not behind.strip()
            inside = value if whole else rf"{{\left( {value} \right)}}"
            return f"{before}{inside}{behind}"
    return side


def _is_by(before: str) -> bool:
    r"""Whether what follows is differentiated without a sign for what: ``\nabla f(x + h)``."""
    return re.search(r"\\nabla\s*(?:_\s*(?:\{[^{}]*\}|\\?\w+))?\s*\Z", before) is not None


def with_values(formula: str, values: Mapping[str, str]) -> str:
    """Put values in the place of parameters, all at once."""
    names = "|".join(f"(?:{name_pattern(x)})" for x in values)

    def value(m: re.Match[str]) -> str:
        given = next(v for k, v in values.items() if re.fullmatch(name_pattern(k), m[0]))
        above = formula[: m.start()].rstrip().endswith("^")
        if _SIMPLE.fullmatch(given) or (
            ARGUMENT.match(given) and not formula[m.end() :].lstrip().startswith("^")
        ):
            return f"{{{given}}}" if above else f"{given} " if given[-1].isalpha() else given
        return f"{{({given})}}"

    return re.sub(names, value, formula)
