r"""Claims along a direction, ``Df(X)[H] = tr(A H)``, and differentials of formulas, ``d(A X B)``:
as claims in differentials of the model's tensors."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from eingrad.check.derived import Derived
from eingrad.check.inline import defined
from eingrad.check.verdict import Verdict
from eingrad.errors import EingradError
from eingrad.notation.matrix.claims import ClaimElaboration
from eingrad.notation.matrix.kinds import C
from eingrad.notation.parse import parse_claims
from eingrad.notation.syntax import DIFFERENTIAL, Assignment
from eingrad.notation.system import System

_NAME = r"(?:\\(?:mathbf|boldsymbol|bm|vec|mathrm)\s*\{\s*\\?[A-Za-z]+\s*\}|\\[A-Za-z]+|[A-Za-z])"
_D = r"(?:[Dd]|\\(?:mathrm|text|operatorname)\s*\{\s*[Dd]\s*\})\s*(?:\\[,;!]\s*)?"
_AT = rf"(?P<f>{_NAME})" + r"\s*\(\s*" + rf"(?P<x>{_NAME})\s*"
_ALONG = [
    re.compile(rf"\s*{_D}{_AT}\)\s*(?:\[\s*(?P<h>{_NAME})\s*\]|\(\s*(?P<g>{_NAME})\s*\))\s*\Z"),
    re.compile(rf"\s*(?P<f>{_NAME})\s*'\s*\(\s*(?P<x>{_NAME})\s*(?:[;,]\s*|\)\s*\[\s*)"
               rf"(?P<h>{_NAME})\s*[\])]\s*\Z"),  # f'(x; h), f'(x)[h]
    re.compile(rf"\s*(?:D|\\nabla|\\partial)\s*_\s*(?:\{{\s*(?P<h>{_NAME})\s*\}}|(?P<g>{_NAME}))\s*"
               rf"{_AT}\)\s*\Z"),
]  # fmt: skip
_OF = re.compile(
    rf"\s*{_D}(?:(?:\\left\s*)?\((?P<inside>.*)\)|(?P<plain>\\(?:log|ln|det|exp|operatorname|mathrm"
    rf"|text|left\s*\|)(?![A-Za-z]).*|\|.*\||{_NAME}\s*\^.*))\s*\Z",
    re.DOTALL,
)
FORMULA = "Fcheck"  # the name of what is differentiated, \check{F}


@dataclass(frozen=True)
class Rewritten:
    """A claim about differentials; of a ``formula``, if it is given, or along a direction."""

    derived: Derived
    claim: str
    formula: str = ""
    along: bool = False

    def told(self, verdict: Verdict) -> Verdict:
        """Return a verdict with the formula in the place of its name."""
        if not self.formula:
            return verdict
        name, shown = f"{DIFFERENTIAL}{FORMULA}", f"d({self.formula})"
        claim, correct = (x.replace(name, shown) for x in (verdict.claim, verdict.correct))
        return replace(verdict, claim=claim, correct=correct)


def in_differentials(derived: Derived, claim: str) -> Rewritten:
    """Return a claim in LaTeX in differentials; as it is, if it is none along a direction."""
    system = derived.system
    left, equals, right = claim.partition("=")
    if not equals or DIFFERENTIAL in system.labels or "/" in left:
        return Rewritten(derived, claim)
    for pattern in _ALONG:
        found = pattern.match(left)
        if found is not None and (own := _along(found, right, system)) is not None:
            return Rewritten(derived, own, along=True)
    found = _OF.match(left)
    inside = found and (found["inside"] or found["plain"])
    if found is None or not inside or not _is_balanced(inside):
        return Rewritten(derived, claim)
    extended = _with_formula(derived, inside)
    if extended is None:
        return Rewritten(derived, claim)
    return Rewritten(extended, rf"\mathrm{{d}}\check{{F}} = {right}", inside.strip())


def _along(found: re.Match[str], right: str, system: System) -> str | None:
    """Return ``df = ...`` with dX for the direction, None where this is no new name."""
    groups = found.groupdict()
    f, x, h = found["f"], found["x"], groups["h"] or groups.get("g") or ""
    known = {_plain(f), _plain(x)} <= system.labels.keys()
    if not known or not h or _plain(h) in {*system.labels, *system.sizes, _plain(x)}:
        return None
    direction = re.compile(rf"(?<![A-Za-z\\]){re.escape(h)}(?![A-Za-z])")
    if not direction.search(right):
        return None
    along = rf"\mathrm{{d}}{x}"
    return rf"\mathrm{{d}}{f} = " + direction.sub(lambda _: along, right)


def _plain(name: str) -> str:
    """Return the name of a letter in LaTeX, also in bold type."""
    return re.sub(r"\\(?:mathbf|boldsymbol|bm|vec|mathrm)\s*|[{}\s\\]", "", name)


def _is_balanced(inside: str) -> bool:
    depth = 0
    for char in inside:
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return False
    return not depth


def _with_formula(derived: Derived, formula: str) -> Derived | None:
    """Return the model with a name for a formula; None where this cannot be read."""
    system = derived.system
    names = {**dict.fromkeys(system.sizes, ()), **system.labels}
    text = rf"\check{{F}} = {formula}"
    try:
        (claim,) = parse_claims(text, names, True, system.applied, system.counts)
        reader = ClaimElaboration(system)
        plain = reader.define(claim) if reader.is_matrix(claim) else reader.learn(claim)
        if not isinstance(plain, Assignment):
            return None
        extended = defined(derived, plain)
    except EingradError:
        return None
    kind = next((x for (name, _), x in reader.facts.carried.items() if name == FORMULA), None)
    kinds = {} if kind is None else {FORMULA: "column" if kind == C else "row"}
    whole = replace(extended.system, kinds={**extended.system.kinds, **kinds})
    return Derived(whole)
