r"""Macros of a document: ``\newcommand``, ``\def``, ``\DeclareMathOperator``, put in place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_LETTERS = 20_000  # of one formula: macros that would write more are left as they stand
MAX_DEPTH = 30
_DEFINES = re.compile(
    r"\\(?P<command>(?:re)?newcommand|providecommand|def|gdef|DeclareMathOperator|"
    r"DeclareRobustCommand|let)(?P<star>\*?)\s*"
    r"(?:\{\s*(?P<braced>\\(?:[A-Za-z@]+|.))\s*\}|(?P<bare>\\(?:[A-Za-z@]+|.)))\s*"
)
_COMMAND = re.compile(r"\\(?:[A-Za-z@]+|.)", re.DOTALL)


@dataclass(frozen=True)
class Macro:
    """What a command stands for; ``default`` is its first argument where that is optional."""

    body: str
    arguments: int = 0
    default: str | None = None


def group(text: str, place: int, opens: str = "{", closes: str = "}") -> int:
    """Return the place behind the group that opens at ``place``; -1 where it is not closed."""
    depth = k = 0
    for k in range(place, len(text)):
        if text[k] in (opens, closes) and text[k - 1 : k] != "\\":
            depth += 1 if text[k] == opens else -1
            if depth == 0:
                return k + 1
    return -1


def split_macros(text: str) -> tuple[str, dict[str, Macro]]:
    """Return a text without the definitions of macros, its lines kept, and the macros."""
    found: dict[str, Macro] = {}
    kept: list[str] = []
    start = 0
    for match in _DEFINES.finditer(text):
        if match.start() < start:
            continue
        end, macro = _definition(text, match)
        if macro is None:
            continue
        found[match["braced"] or match["bare"]] = macro
        kept += [text[start : match.start()], "\n" * text.count("\n", match.start(), end)]
        start = end
    return "".join([*kept, text[start:]]), found


def _definition(text: str, match: re.Match[str]) -> tuple[int, Macro | None]:
    place, arguments, default = match.end(), 0, None
    command = match["command"]
    if command == "let":
        target = re.compile(r"=?\s*(\\(?:[A-Za-z@]+|.))").match(text, place)
        return (target.end(), Macro(target[1])) if target else (place, None)
    if command in {"def", "gdef"}:
        parameters = re.compile(r"((?:#\d)*)\s*").match(text, place)
        assert parameters is not None
        arguments, place = parameters[1].count("#"), parameters.end()
    else:
        optional: list[str] = []
        while text[place : place + 1] == "[" and len(optional) < 2:
            end = group(text, place, "[", "]")
            if end < 0:
                return place, None
            optional.append(text[place + 1 : end - 1].strip())
            place = end + len(text[end:]) - len(text[end:].lstrip())
        if optional and optional[0].isdigit():
            arguments = int(optional[0])
            default = optional[1] if len(optional) > 1 else None
    end = group(text, place) if text[place : place + 1] == "{" else -1
    if end < 0:
        return place, None
    body = text[place + 1 : end - 1]
    if command == "DeclareMathOperator":
        body = rf"\operatorname{match['star']}{{{body}}}"
    return end, Macro(body, arguments, default)


def expand(text: str, macros: Mapping[str, Macro]) -> str:
    r"""Put macros in place; the line breaks of a text stay where they are.

    >>> expand(r"\pd{L}{\x}", {r"\pd": Macro(r"\frac{\partial #1}{\partial #2}", 2),
    ...                        r"\x": Macro(r"\mathbf{x}")})
    '\\frac{\\partial L}{\\partial \\mathbf{x}}'
    """
    for _ in range(MAX_DEPTH if macros else 0):
        longer = _once(text, macros)
        if longer == text or len(longer) > MAX_LETTERS:
            break
        text = longer
    return text


def _once(text: str, macros: Mapping[str, Macro]) -> str:
    result: list[str] = []
    place = 0
    while (match := _COMMAND.search(text, place)) is not None:
        result.append(text[place : match.start()])
        place = match.end()
        macro = macros.get(match[0])
        if macro is None:
            result.append(match[0])
            continue
        arguments, end = _arguments(text, place, macro)
        if arguments is None:
            result.append(match[0])
            continue
        body = _filled(macro.body, arguments)
        body = " ".join(body.split("\n"))
        follows = text[end : end + 1].isalpha() and re.search(r"\\[A-Za-z]+\Z", body)
        result += [body, " " if follows else ""]
        place = end
    return "".join([*result, text[place:]])


def _filled(body: str, arguments: Sequence[str]) -> str:
    """Put arguments in the place of ``#1``, ``#2``."""

    def argument(found: re.Match[str]) -> str:
        k = int(found[1])
        return arguments[k - 1] if 0 < k <= len(arguments) else ""

    return re.sub(r"#(\d)", argument, body)


def _arguments(text: str, place: int, macro: Macro) -> tuple[list[str] | None, int]:
    """Return the arguments that stand behind a command, and where they end."""
    found: list[str] = []
    if macro.default is not None:
        end = group(text, place, "[", "]") if text[place : place + 1] == "[" else -1
        found.append(text[place + 1 : end - 1] if end > 0 else macro.default)
        place = max(place, end)
    while len(found) < macro.arguments:
        place += len(text[place:]) - len(text[place:].lstrip())
        if text[place : place + 1] == "{":
            end = group(text, place)
            if end < 0:
                return None, place
            found.append(text[place + 1 : end - 1])
        else:
            token = _COMMAND.match(text, place)
            end = token.end() if token else place + 1
            if end > len(text):
                return None, place
            found.append(text[place:end])
        place = end
    return found, place
