r"""Claims about rates, ``\dot{x} = l \cos\theta \, \dot\theta``, of a model that has no time."""

from __future__ import annotations

import re

from eingrad.notation.system import System

_NAME = r"(?:\\[A-Za-z]+|[A-Za-z]|\{[^{}]*\})"
_SCRIPT = r"(?:_(?:\{[^{}]*\}|[A-Za-z0-9]))?"
_DOT = re.compile(rf"\\dot\s*({_NAME})")
_TIMES = {"t": "t", r"\tau": "tau"}
_BY_TIME = re.compile(
    rf"\\[dt]?frac\s*\{{\s*(?:d|\\mathrm\{{d\}})\s*({_NAME}{_SCRIPT})\s*\}}"
    rf"\{{\s*(?:d|\\mathrm\{{d\}})\s*({'|'.join(map(re.escape, _TIMES))})\s*\}}"
)
_LEFT = re.compile(rf"\s*(?:{_DOT.pattern}|{_BY_TIME.pattern})")


def rates_as_differentials(system: System, claim: str) -> str:
    r"""Return a claim with dx for ``\dot x`` and ``\frac{dx}{dt}``, as it is where t is known.

    What holds between the differentials along any direction holds between rates.
    """
    if not _LEFT.match(claim) or r"\ddot" in claim or any(n.endswith("dot") for n in system.labels):
        return claim
    if any(_TIMES[found[2]] in system.labels for found in _BY_TIME.finditer(claim)):
        return claim
    return _DOT.sub(_differential, _BY_TIME.sub(_differential, claim))


def _differential(rate: re.Match[str]) -> str:
    name = rate[1].strip()
    name = name[1:-1] if name[:1] == "{" and name[-1:] == "}" else name
    return rf" d\mathrm{{{name}}} " if name.isalpha() and len(name) > 1 else f" d{name} "
