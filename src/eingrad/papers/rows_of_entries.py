r"""Gradients and Hessians that a document writes out, ``\nabla f = (2x, 4y)``: their entries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from eingrad.check.written_out import entry_claims
from eingrad.errors import EingradError
from eingrad.notation.system import System
from eingrad.papers.judged_formula import JudgedFormula
from eingrad.papers.steps_between import terms_of

_UNIT = re.compile(
    r"(?:\\(?:mathbf|hat|vec|boldsymbol|bm|widehat)\s*\{?\s*){1,2}\\?(?P<way>[ijk])(?:math)?"
    r"\s*\}*\s*[.,]?\s*\Z"
)
_NUMBER = r"\s*-?\d+(?:\.\d+|/\d+)?\s*"
_POINT = re.compile(
    rf"\s*(?P<of>\\nabla\s*\w)\s*(?:\\left\s*)?\((?P<at>{_NUMBER}(?:,{_NUMBER})+)(?:\\right\s*)?\)\s*"
)
_AT = re.compile(
    rf"\s*(?P<of>\\frac\s*\{{\s*(?:\\partial|d)\s*(?P<f>\w)\s*\}}\s*\{{[^{{}}]*\}})\s*(?:\\left\s*)?"
    rf"\((?P<at>{_NUMBER}(?:,{_NUMBER})*)(?:\\right\s*)?\)\s*"
)
_BY = re.compile(r"\\frac\{\\partial (\w)\}\{\\partial (\\?\w+(?:_\{\d+\})?)\}")
_SIZES = re.compile(r"\\(?:left|right|[bB]igg?[lr]?)(?![A-Za-z])\s*(?=[(\[)\]]|\\[lr]angle)")
_ORDER = ("right", "right if", "not judged", "wrong")


@dataclass(frozen=True)
class WrittenOut:
    """The two sides of the claim about each entry, and the ``point`` at which they hold."""

    claims: tuple[tuple[str, str], ...]
    point: tuple[tuple[str, str], ...] = ()


def written_out(
    left: str,
    side: str,
    system: System | None,
    applied: Mapping[str, str],
    arguments: Callable[[int], Sequence[str]],
) -> WrittenOut | None:
    """Return the entries of a gradient or a Hessian that is written out, None for all else.

    ``applied`` are the functions that a document defines with their arguments, ``arguments`` says
    what those of so many were last taken of.
    """
    if system is None:
        return None
    if (own := _AT.fullmatch(left)) is not None:
        at = _list(own["at"])
        by = _list(_inside(applied.get(own["f"], ""))) or arguments(len(at))
        known = {*map(_plain, by)} <= {_plain(x) for x in system.inputs}
        return _at(((own["of"], side),), by, at) if known else None
    if r"\nabla" not in left:
        return None
    place = _POINT.fullmatch(left)
    left = left if place is None else place["of"]
    try:
        text = _SIZES.sub("", f"{left.strip()} = {_listed(side).strip()}")
        claims = entry_claims(text, system) or ()
    except EingradError:
        return None
    halves = (claim.partition(" = ") for claim in claims)
    pairs = tuple((one, other) for one, _, other in halves)
    ways = [found for one, _ in pairs if (found := _BY.fullmatch(one))]
    by = [way[2] for way in ways]
    told = _list(_inside(applied.get(ways[0][1], ""))) if ways else []
    order, last = [*map(_plain, by)], [*map(_plain, arguments(len(by)))]
    turned = order != last and sorted(order) == sorted(last)
    if not pairs or turned or (told and order and [*map(_plain, told)] != order):
        return None
    return WrittenOut(pairs) if place is None else _at(pairs, by, _list(place["at"]))


def _at(
    claims: tuple[tuple[str, str], ...], by: Sequence[str], at: Sequence[str]
) -> WrittenOut | None:
    """Return claims where variables have numbers, None where those are more or fewer."""
    return WrittenOut(claims, tuple(zip(by, at, strict=True))) if len(at) == len(by) else None


def _inside(written: str) -> str:
    return written.partition("(")[2].removesuffix(")")


def _list(text: str) -> list[str]:
    return [x.strip() for x in text.split(",")] if text else []


def _plain(name: str) -> str:
    """Return ``x1`` of ``x_{1}``."""
    return re.sub(r"[{}\s_]", "", name)


def _listed(side: str) -> str:
    r"""Return ``(a, b)`` for ``a \mathbf{i} + b \mathbf{j}``, and another side as it is."""
    found = {}
    for term in terms_of(side):
        unit = _UNIT.search(term)
        if unit is None or unit["way"] in found:
            return side
        own = term[: unit.start()].strip().removeprefix("+").strip()
        found[unit["way"]] = own + "1" if own in {"", "-"} else own
    ways = "ijk"[: max(2, len(found))]
    right = len(found) > 1 and set(found) <= set(ways)
    return f"({', '.join(found[way] for way in ways)})" if right else side


def joined(each: Sequence[JudgedFormula]) -> JudgedFormula:
    """Return the verdict on an array: that on its worst entry, and right if all are."""
    worst = max(each, key=lambda found: _ORDER.index(found.outcome))
    if worst.outcome in {"wrong", "not judged"}:
        return worst
    reasons = dict.fromkeys(f.reason for f in each if f.outcome == worst.outcome)
    more = (reason.removeprefix("right if ") for reason in [*reasons][1:])
    reason = ", and ".join([next(iter(reasons)), *more])
    return replace(worst, read="; ".join(f.read for f in each), reason=reason)
