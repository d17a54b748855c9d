"""Python expressions as trees, and statements laid out as ruff formats them.

A line that would be too long is shortened by giving parts of it names, as a person would; so what
is laid out stays within the few forms that `statement` and `bracketed` know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

WIDTH = 88
COMPARE, ADD, MULTIPLY, POWER, ATOM = range(5)  # how tightly an expression's outermost sign binds
TIGHTNESS = {
    "+": ADD,
    "-": ADD,
    "*": MULTIPLY,
    "/": MULTIPLY,
    "//": MULTIPLY,
    "@": MULTIPLY,
    "**": POWER,
}


@dataclass(frozen=True, slots=True)
class Code:
    """A Python expression: ``kind`` is atom, call, index, entries, tuple, attribute, unary, binary
    or keyword.

    ``head`` is the name, the sign or what stands in the brackets, ``parts`` are the operands.

    >>> x = atom("x")
    >>> str(binary("*", binary("-", atom("1"), x), binary("**", x, atom("2"))))
    '(1 - x) * x**2'
    """

    kind: str
    head: str
    parts: tuple[Code, ...] = ()

    def __str__(self) -> str:
        parts = self.parts
        match self.kind:
            case "call":
                return f"{self.head}({', '.join(map(str, parts))})"
            case "index":
                return f"{_within(parts[0], ATOM)}[{self.head}]"
            case "entries":
                return f"{_within(parts[0], ATOM)}[{', '.join(map(str, parts[1:]))}]"
            case "tuple":
                return tuple_text([*map(str, parts)])
            case "attribute":
                return f"{_within(parts[0], ATOM)}.{self.head}"
            case "unary":
                return f"{self.head}{_within(parts[0], MULTIPLY)}"
            case "keyword":
                return f"{self.head}={parts[0]}"
            case "binary":
                return self._binary()
        return self.head

    def _binary(self) -> str:
        left, right = self.parts
        own = TIGHTNESS.get(self.head, COMPARE)
        if own == POWER:
            space = "" if _is_simple(left) and _is_simple(right) else " "
            return f"{_within(left, ATOM)}{space}**{space}{_within(right, ATOM)}"
        return f"{_within(left, own + (own == COMPARE))} {self.head} {_within(right, own + 1)}"

    @property
    def tightness(self) -> int:
        """How tightly the outermost sign binds."""
        if self.kind == "binary":
            return TIGHTNESS.get(self.head, COMPARE)
        return MULTIPLY if self.kind == "unary" else ATOM


def _within(code: Code, tight: int) -> str:
    return str(code) if code.tightness >= tight else f"({code})"


def _is_simple(code: Code) -> bool:
    """Whether ruff writes no spaces around ``**`` next to it."""
    return code.kind == "atom" or (code.kind == "attribute" and _is_simple(code.parts[0]))


def atom(text: str) -> Code:
    """A name or a literal."""
    return Code("atom", text)


def call(head: str, *parts: Code, **keywords: Code) -> Code:
    """A call of a function by its dotted name."""
    return Code("call", head, (*parts, *(Code("keyword", k, (x,)) for k, x in keywords.items())))


def binary(sign: str, left: Code, right: Code) -> Code:
    """An operator between two operands."""
    return Code("binary", sign, (left, right))


def negative(code: Code) -> Code:
    """The negative of an expression."""
    return Code("unary", "-", (code,))


def indexed(code: Code, inside: str) -> Code:
    """An element or a view: ``x[inside]``."""
    return Code("index", inside, (code,))


def gathered(code: Code, places: Sequence[Code]) -> Code:
    """The entries at arrays of places, one for each axis: ``x[i, j]``."""
    return Code("entries", "", (code, *places))


def attribute(code: Code, name: str) -> Code:
    """An attribute: ``x.T``."""
    return Code("attribute", name, (code,))


def tuple_code(*parts: Code) -> Code:
    """A tuple."""
    return Code("tuple", "", parts)


def tuple_text(items: Sequence[str]) -> str:
    """Write a tuple: ``()``, ``(a,)``, ``(a, b)``."""
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


# --- statements ---------------------------------------------------------------------------------


def bracketed(
    head: str, items: Sequence[str], tail: str, indent: str, one_per_line: bool = False
) -> list[str]:
    """Lay out ``head item, item tail`` where head ends in a bracket and tail begins with one.

    >>> bracketed("f(", ["a", "b"], ")", "    ")
    ['    f(a, b)']
    >>> print(*bracketed("return (", ["a" * 40, "b" * 40], ")", "", True), sep="\\n")
    return (
        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,
        bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,
    )
    """
    flat = f"{indent}{head}{', '.join(items)}{tail}"
    if len(flat) <= WIDTH or not items:
        return [flat]
    inner = f"{indent}    {', '.join(items)}"
    if len(inner) <= WIDTH and not one_per_line:
        return [indent + head, inner, indent + tail]
    return [indent + head, *(f"{indent}    {item}," for item in items), indent + tail]


def unpacked(names: Sequence[str], value: str, indent: str = "    ") -> list[str]:
    """Lay out ``a, b = value``; nothing for no names.

    >>> unpacked(["a"], "saved")
    ['    (a,) = saved']
    """
    flat = f"{indent}{', '.join(names)} = {value}"
    if not names:
        return []
    if len(names) == 1:
        return [f"{indent}({names[0]},) = {value}"]
    return [flat] if len(flat) <= WIDTH else bracketed("(", names, f") = {value}", indent, True)


def statement(
    target: str, value: Code, fresh: Callable[[], str], indent: str = "    "
) -> list[str]:
    """Lay out ``target = value``; parts get names from ``fresh`` where the line is too long."""
    flat = f"{indent}{target} = {value}"
    if len(flat) <= WIDTH:
        return [flat]
    part = _longest_part(value, WIDTH - len(indent) - 24)
    if part is None:
        if value.kind == "call":
            return bracketed(f"{target} = {value.head}(", [*map(str, value.parts)], ")", indent)
        if value.kind == "entries":
            array, *places = map(str, value.parts)
            return bracketed(f"{target} = {array}[", places, "]", indent)
        return [flat]
    name = fresh()
    first = statement(name, part, fresh, indent)
    return first + statement(target, _replaced(value, part, atom(name)), fresh, indent)


def _longest_part(value: Code, room: int) -> Code | None:
    """Return the longest part that fits into a line of its own, a longer one if none does."""
    shortest = {
        "call": 9,
        "binary": 9,
        "entries": 9,
        "index": 30,
    }  # x[:, None] is no part to be named
    parts = [x for x in _parts(value) if x is not value and x.kind in shortest]
    parts = [x for x in parts if len(str(x)) >= shortest[x.kind]]
    fitting = [x for x in parts if len(str(x)) <= room]
    return max(fitting or parts, key=lambda x: len(str(x)), default=None)


def _parts(value: Code) -> Iterator[Code]:
    yield value
    for part in value.parts:
        yield from _parts(part)


def _replaced(value: Code, old: Code, new: Code) -> Code:
    if value == old:
        return new
    return replace(value, parts=tuple(_replaced(x, old, new) for x in value.parts))


def comment(text: str, indent: str = "    ") -> list[str]:
    """Write a comment, wrapped at spaces, without any control character.

    >>> comment("a = b")
    ['    # a = b']
    """
    words = "".join(c if c.isprintable() else " " for c in text).split(" ")
    lines, line = [], f"{indent}#"
    for word in words:
        if len(line) + 1 + len(word) > WIDTH and line.strip() not in {"#", "#  "}:
            lines.append(line)
            line = f"{indent}#  "
        line += f" {word}"
    return [*lines, line.rstrip()]
