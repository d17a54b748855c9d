r"""Matrices with a label, one for each: the ``\Sigma_k`` of ``x^\top \Sigma_k^{-1} x``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from eingrad.notation.matrix.typed import MINUS_ONE, TRANSPOSES
from eingrad.notation.summation import children, rebuilt, walk
from eingrad.notation.syntax import (
    Assignment,
    Call,
    Formula,
    Power,
    Product,
    Shaped,
    Statement,
    Sum,
    Symbol,
)
from eingrad.notation.tensors import is_number

MATRICES = frozenset({"Sigma", "Lambda", "Omega"})  # within bars below a logarithm
Bold = Collection[tuple[str, int]]  # names in bold type, with how many labels they carry


def with_carried(statements: Sequence[Statement], moving: Collection[str]) -> list[Statement]:
    r"""Return statements in which ``A_k \in \mathbb{R}^{m \times n}`` declares one matrix for each
    k, where the formulas have k as a label of A.
    """
    values = [x for s in statements if isinstance(s, Assignment) for x in (s.target, s.value)]
    every = [x for value in values for x in walk(value) if isinstance(x, Symbol)]
    whole = {x.name for x in every if not x.labels}
    own = {x.name + x.labels[0]: x for x in every
           if len(x.labels) == 1 and {*x.labels}.isdisjoint(moving)}  # fmt: skip
    found: list[Statement] = []
    for s in statements:
        if not isinstance(s, Shaped) or s.carried or len(s.extents) != 2:
            found.append(s)
            continue
        each = [own[n] for n in s.names if n in own and n not in whole]
        rest = tuple(n for n in s.names if n not in own or n in whole)
        found += [replace(s, names=rest)] if rest else []
        found += [replace(s, names=(x.name,), carried=x.labels) for x in each]
    return found


def matrices_with_labels(
    statements: Sequence[Statement], bold: Bold, moving: Collection[str]
) -> set[str]:
    r"""Return the names with one label that are a matrix for each: declared as such, or capitals
    between a row and a column, ``(x_i - \mu_k)^\top \Sigma_k^{-1} (x_i - \mu_k)``.
    """
    shaped = [s for s in statements if isinstance(s, Shaped) and len(s.extents) == 2]
    found = {n for s in shaped if len(s.carried) == 1 and {*s.carried}.isdisjoint(moving)
             for n in s.names}  # fmt: skip
    values = [s.value for s in statements if isinstance(s, Assignment)]
    found |= {x.name for value in values for log in walk(value) for x in _in_bars(log)
              if x.name in MATRICES}  # fmt: skip
    for product in (x for value in values for x in walk(value) if isinstance(x, Product)):
        row: Formula | None = None
        chain: list[str] = []
        for factor, below in zip(product.factors, product.divides, strict=True):
            name = _capital(factor, moving)
            if row is not None and name and not below:
                chain.append(name)
                continue
            if row is not None and not below and _is_column(factor, row, bold):
                found |= {*chain}
            row, chain = (None if below else _transposed(factor)), []
    return found


def with_determinants(statement: Statement, matrices: Collection[str]) -> Statement:
    r"""Return a statement in which bars around a matrix with a label are its determinant."""
    if not matrices or not isinstance(statement, Assignment):
        return statement
    return replace(statement, value=_determinants(statement.value, matrices))


def _determinants(formula: Formula, matrices: Collection[str]) -> Formula:
    def known(symbol: Symbol) -> bool:
        return len(symbol.labels) == 1 and symbol.name in matrices

    parts = [_determinants(x, matrices) for x in children(formula)]
    match rebuilt(formula, parts):
        case Call(function="abs", args=(inner,)) as bars if is_matrix(inner, known):
            return replace(bars, function="det")
        case Call(function="log", args=(Call(function="det", axes=()) as inner,)):
            return replace(inner, function="logdet")
        case whole:
            return whole


def is_matrix(formula: Formula, known: Callable[[Symbol], bool]) -> bool:
    """Whether a formula is a matrix for sure: of names that are ``known`` as such."""
    match formula:
        case Symbol():
            return known(formula)
        case Power(exponent=exponent) if exponent in {*TRANSPOSES, MINUS_ONE}:
            return is_matrix(formula.base, known)
        case Product() if not any(formula.divides):
            rest = [x for x in formula.factors if not is_number(x)]
            return bool(rest) and all(is_matrix(x, known) for x in rest)
        case Sum():
            return any(is_matrix(x, known) for x in formula.terms)
    return False


def names_one(formula: Formula, matrices: Collection[str]) -> bool:
    """Whether a formula has a matrix with its one label alone, and so is in matrix notation."""
    return any(
        isinstance(x, Symbol) and len(x.labels) == 1 and x.name in matrices for x in walk(formula)
    )


def _in_bars(formula: Formula) -> Sequence[Symbol]:
    r"""Return the name with a label of ``\log |\Sigma_k|``."""
    match formula:
        case Call(function="log", args=(Call(function="abs", args=(Symbol(labels=(_,)) as x,)),)):
            return (x,)
    return ()


def _capital(factor: Formula, moving: Collection[str]) -> str:
    """Return the capital with one label that a factor is, or its inverse or transpose."""
    if isinstance(factor, Power) and factor.exponent in {*TRANSPOSES, MINUS_ONE}:
        factor = factor.base
    if not isinstance(factor, Symbol) or len(factor.labels) != 1:
        return ""
    capital = factor.name[:1].isupper() and {*factor.labels}.isdisjoint(moving)
    return factor.name if capital else ""


def _transposed(factor: Formula) -> Formula | None:
    """Return what a factor is the transpose of."""
    turned = isinstance(factor, Power) and factor.exponent in TRANSPOSES
    return factor.base if turned and isinstance(factor, Power) else None


def _is_column(factor: Formula, row: Formula, bold: Bold) -> bool:
    """Whether a factor is the column of a quadratic form, or a small letter in bold type."""
    if factor == row:
        return True
    name = factor.name if isinstance(factor, Symbol) else ""
    return name[:1].islower() and any(name == x for x, _ in bold)
