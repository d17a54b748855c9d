r"""Chain rules of any functions: ``dL/dw = dL/dz dz/dw``, whatever L, z and w are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from eingrad.papers.scan import group_behind, pieces

_SKIPPED = re.compile(
    r"(?:\s|~|\*|\\(?:cdot|times|quad|qquad|limits|nolimits|displaystyle|textstyle|color\s*\{\w+\})"
    r"(?![A-Za-z])|\\[,;:!. ])+"
)
_FRACTION = re.compile(r"\\[dtc]?frac\s*(?=\{)")
_BOXED = re.compile(r"\\(?:boxed|underbrace|overbrace|mathbf|boldsymbol)\s*(?=\{)")
_SUM = re.compile(r"\\sum(?![A-Za-z])(?:\s*\\(?:no)?limits)?")
_SCRIPT = re.compile(r"\s*([_^])\s*(?=\{)|\s*([_^])\s*(\\[A-Za-z]+|\w)")
_BOUND = re.compile(r"([a-z](?:,[a-z])*)(?:=[01])?")
_OPENS = re.compile(r"(?:\\left|\\[bB]igg?l?)?\s*[(\[]")
_SIGN = re.compile(
    r"\\partial(?![A-Za-z])|\\(?:mathrm|text)\s*\{\s*d\s*\}|\\delta(?![A-Za-z])|d(?!\s*\Z)"
)
_OPERATOR = re.compile(r"\s*(?:\\partial|d|\\(?:mathrm|text)\s*\{\s*d\s*\})\s*")
_NAME = re.compile(
    r"\s*((?:\\[A-Za-z]+\s*\{\s*\w\s*\}|\\?[A-Za-z](?![A-Za-z])|\\[A-Za-z]+)"
    r"(?:\s*[_^]\s*(?:\{[^{}]*\}|\w))*\s*(?:(?:\\left)?\([^()]*\))?)\s*"
)  # f(x), all that stands behind an operator
_OTHER_SIGN = re.compile(r"\\(?:partial|nabla|delta)|\\[dtc]?frac")
_SCRIPTS = re.compile(r"[_^](?:\{([^{}]*)\}|(\w))")
_TIDY = re.compile(r"\s+|\\(?:left|right|[bB]igg?[lrm]?)(?![A-Za-z])|\\[,;:!]")
_ARGUMENTS = re.compile(r"(\\?[A-Za-z]+(?:\{\w\})?(?:[_^](?:\{[^{}]*\}|\w))*)(\(.*\))")
_DOTS = re.compile(r"\\[lc]?dots(?![A-Za-z])|\.\.\.")
_MAX_PATHS = 64

Link = tuple[str, str]  # what is differentiated, and by what
_AND_SO_ON = (r"\dots", r"\dots")


@dataclass(frozen=True)
class Path:
    """A product of derivatives, and the labels over which it is summed."""

    links: tuple[Link, ...] = ()
    summed: tuple[str, ...] = ()

    def times(self, other: Path) -> Path:
        """Return the product with another one."""
        return Path(self.links + other.links, self.summed + other.summed)

    def through(self, link: Link) -> tuple[str, ...] | None:
        """Return what stands between the ends of a derivative, the first function of its variable
        first; None where this does not go from one to the other."""
        for links in (self.links, self.links[::-1]):
            ends = [link[0], *(by for _, by in links)]
            goes_on = all(_goes_on(ends[: k + 1], of) for k, (of, _) in enumerate(links))
            if ends[-1] == link[1] and goes_on:
                return tuple(ends[-2:0:-1])
        return None


@dataclass(frozen=True)
class Chain:
    """A chain rule that holds if nothing depends on anything in other ways than it says."""

    read: str
    condition: str


class _NoChainError(Exception):
    """A formula is no sum of products of derivatives."""


def chain_rule(left: str, side: str) -> Chain | None:
    r"""Return a chain rule that two sides are for any functions, with its condition.

    >>> chain = chain_rule(r"\frac{dL}{dw}", r"\frac{dL}{dz} \frac{dz}{dw}")
    >>> chain.condition
    'right if L depends on w through z alone'
    >>> chain_rule(r"\frac{dL}{dw}", r"\frac{dL}{dz} \frac{dw}{dz}") is None
    True
    """
    try:
        [whole], paths = list(_terms(left)), list(_terms(side))
    except (_NoChainError, ValueError):
        return None
    if len(whole.links) != 1 or whole.summed or len(paths) > _MAX_PATHS:
        return None
    whole, paths = _one_name_each([whole, *paths])
    [link] = whole.links
    dotted = [path for path in paths if path.links == (_AND_SO_ON,)]
    paths = [path for path in paths if path not in dotted]
    if dotted and (len(paths) < 2 or len({tuple(map(_stem, sum(p.links, ()))) for p in paths}) > 1):
        return None
    ways = [path.through(link) for path in paths]
    if any(not way for way in ways) or not _is_all(link, paths):
        return None
    known = _labels(link[0]) | _labels(link[1])
    for path in paths:
        inner = {x for of, _ in path.links if of != link[0] for x in _labels(of)}
        if len({*path.summed}) < len(path.summed) or not {*path.summed} <= inner - known:
            return None
    said = " and ".join(f"through {', then '.join(way)}" for way in ways if way)
    said += " and so on" if dotted else ""
    read = f"{_shown(whole)} = {' + '.join(map(_shown, [*paths, *dotted]))}"
    return Chain(read, f"right if {link[0]} depends on {link[1]} {said} alone")


def _goes_on(ends: Sequence[str], of: str) -> bool:
    """Whether a derivative of something may stand behind others; behind dots, what has a letter
    that stands before them with another number."""
    if of == _AND_SO_ON[0]:
        return len(ends) > 1
    if ends[-1] == _AND_SO_ON[1]:
        return _stem(of) in map(_stem, ends[1:]) and of not in ends
    return ends[-1] == of


def _stem(end: str) -> str:
    return _SCRIPTS.sub("", end)


def derivative_ends(text: str) -> Link | None:
    r"""Return what a text differentiates, and by what; None where it is no derivative.

    >>> derivative_ends(r"\frac{\partial L}{\partial w_{1}}")
    ('L', 'w_1')
    """
    try:
        [path] = _terms(text)
    except (_NoChainError, ValueError):
        return None
    own = len(path.links) == 1 and not path.summed and path.links != (_AND_SO_ON,)
    return path.links[0] if own else None


def _shown(path: Path) -> str:
    inner = " ".join("..." if x == _AND_SO_ON else f"d{x[0]}/d{x[1]}" for x in path.links)
    return f"sum_{''.join(path.summed)}({inner})" if path.summed else inner


def _is_all(link: Link, paths: Sequence[Path]) -> bool:
    """Whether paths are all ways from a variable to what depends on it, each once, where no
    derivative is one of several ways between its own ends."""
    edges = {edge for path in paths for edge in path.links}
    if _AND_SO_ON in edges:
        return len(paths) == 1
    if any(of == link[1] or by == link[0] or of == by for of, by in edges):
        return False
    routes = {edge: sum(1 for _ in _routes(edge, edges)) for edge in edges | {link}}
    distinct = {frozenset(path.links) for path in paths}
    if len(distinct) < len(paths) or routes.pop(link) != len(paths):
        return False
    return all(count == 1 for count in routes.values())


def _routes(link: Link, edges: set[Link], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the ways from what is differentiated down to the variable."""
    of, to = link
    for start, by in sorted(edges):
        if start == of and by not in above:
            if by == to:
                yield (*above, of)
            else:
                yield from _routes((by, to), edges, (*above, of))


def _one_name_each(paths: Sequence[Path]) -> tuple[Path, list[Path]]:
    """Leave out arguments that a name has wherever it has any: ``f(x)`` beside ``f``."""
    arguments: dict[str, set[str]] = {}
    for path in paths:
        for end in (x for link in path.links for x in link):
            if (found := _ARGUMENTS.fullmatch(end)) is not None:
                arguments.setdefault(found[1], set()).add(found[2])

    def named(end: str) -> str:
        found = _ARGUMENTS.fullmatch(end)
        return found[1] if found is not None and len(arguments[found[1]]) == 1 else end

    first, *others = (
        Path(tuple((named(of), named(by)) for of, by in path.links), path.summed) for path in paths
    )
    return first, others


def _labels(end: str) -> set[str]:
    scripts = (a or b for a, b in _SCRIPTS.findall(end))
    return {
        x for script in scripts for x in re.findall(r"(?<![A-Za-z\\])[a-z](?![a-z])|[a-z]", script)
    }


def _terms(text: str) -> Iterator[Path]:
    """Yield the products of a sum; raise where it is something else."""
    start = 0
    for piece in pieces(text):
        if piece.depth == 0 and piece.text == "+":
            yield from _factors(text[start : piece.place])
            start = piece.end
    yield from _factors(text[start:])


def _factors(text: str) -> Iterator[Path]:
    """Yield the products of a product of sums."""
    factors: list[list[Path]] = []
    place = 0
    while place < len(text):
        if (found := _SKIPPED.match(text, place)) is not None:
            place = found.end()
        elif (found := _FRACTION.match(text, place)) is not None:
            above, middle = group_behind(text, found.end())
            below, place = group_behind(text, middle)
            if _OPERATOR.fullmatch(above) and (behind := _NAME.fullmatch(text, place)) is not None:
                above, place = f"{above} {behind[1]}", len(text)
            factors.append([Path((_link(above, below),))])
        elif (found := _DOTS.match(text, place)) is not None:
            place = found.end()
            factors.append([Path((_AND_SO_ON,))])
        elif (found := _SUM.match(text, place)) is not None:
            labels, place = _bound(text, found.end())
            factors.append([Path((), labels)])
        elif (found := _BOXED.match(text, place)) is not None:
            inside, place = group_behind(text, found.end())
            factors.append(list(_terms(inside)))
            place = _behind_scripts(text, place)
        elif text[place] == "{" or _OPENS.match(text, place) is not None:
            inside, place = _bracketed(text, place)
            factors.append(list(_terms(inside)))
        else:
            raise _NoChainError
    if not factors:
        raise _NoChainError
    for chosen in product(*factors):
        path = Path()
        for factor in chosen:
            path = path.times(factor)
        yield path


def _bracketed(text: str, place: int) -> tuple[str, int]:
    """Return what stands in the brackets at a place, and where they end."""
    inner = list(pieces(text[place:]))
    end = next((p for p in inner[1:] if p.depth == 0), None)
    if end is None:
        raise _NoChainError
    return text[place + inner[0].end : place + end.place], place + end.end


def _link(above: str, below: str) -> Link:
    """Return the ends of a derivative; raise for another fraction, and for an operator."""
    parts = [_SIGN.match(part.strip()) for part in (above, below)]
    signs = [sign for sign in parts if sign is not None]
    ends = [_bare(_tidied(sign.string[sign.end() :])) for sign in signs]
    if len(signs) < 2 or signs[0][0] != signs[1][0]:
        raise _NoChainError
    if any(not end or end.startswith("^") or _OTHER_SIGN.search(end) for end in ends):
        raise _NoChainError
    return ends[0], ends[1]


def _tidied(end: str) -> str:
    """Return an end without spaces, but for those between letters."""
    return re.sub(r"(?<![A-Za-z]) +| +(?![A-Za-z])", "", _TIDY.sub(" ", end).strip())


def _bare(end: str) -> str:
    """Return an end without braces that nothing needs."""
    end = re.sub(r"([_^])\{(\w)\}", r"\1\2", end)
    while end.startswith("{") and end.endswith("}") and group_behind(end, 0)[1] == len(end):
        end = end[1:-1]
    return end


def _bound(text: str, place: int) -> tuple[tuple[str, ...], int]:
    """Return the labels below a sum sign, and where what belongs to the sign ends."""
    found = _SCRIPT.match(text, place)
    if found is None or "_" not in (found[1], found[2]):
        raise _NoChainError
    inside, end = group_behind(text, found.end()) if found[1] else (found[3], found.end())
    below = _BOUND.fullmatch(_TIDY.sub("", inside))
    if below is None:
        raise _NoChainError
    return tuple(below[1].split(",")), _behind_scripts(text, end)


def _behind_scripts(text: str, place: int) -> int:
    while (found := _SCRIPT.match(text, place)) is not None:
        place = group_behind(text, found.end())[1] if found[1] else found.end()
    return place
