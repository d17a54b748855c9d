"""What is wrong with a command line, in our words; Typer's are those of the libraries below it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

KINDS = {"integer": "a whole number", "number": "a number", "boolean": "yes or no"}


def examples(*lines: str) -> str:
    r"""Return command lines for the end of a ``--help``, which are not wrapped.

    >>> print(examples("eingrad plan ij,jk->ik 2x3 3x4").replace("\b", "").strip())
    Examples:
      eingrad plan ij,jk->ik 2x3 3x4
    """
    return "\n\n\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def explained(error: Any, args: Sequence[str]) -> str:
    """Say what is wrong with a command line, and what to do; ``args`` is the whole of it."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "eingrad"
    reason, hint = _reason(error, context, args)
    return f"{reason}\nhint: {hint or f'see {command} --help'}"


def _reason(error: Any, context: Any, args: Sequence[str]) -> tuple[str, str]:
    parameter, message = getattr(error, "param", None), str(getattr(error, "message", ""))
    match type(error).__name__:
        case "MissingParameter":
            return f"{_shown(parameter)} is missing", ""
        case "BadParameter" if parameter is not None:
            return _bad_value(parameter, message, args)
        case "NoSuchOption":
            return _no_option(error.option_name, context)
        case "BadOptionUsage":
            name = error.option_name
            return f"{name} has no value", f"write it as {name} VALUE"
    if found := re.search(r"No such command '(.*?)'", message):
        return _no_command(found[1], context)
    if found := re.search(r"extra arguments?(?:\(s\))? \((.*)\)", message):
        return f"{found[1]} is too much: this command takes no more arguments", ""
    return message, ""


def _shown(parameter: Any) -> str:
    """Return how a person writes an option or an argument."""
    options = [name for name in parameter.opts if name.startswith("-")]
    return str(options[0] if options else parameter.metavar or parameter.name)


def _bad_value(parameter: Any, message: str, args: Sequence[str]) -> tuple[str, str]:
    name, given = _shown(parameter), _given(parameter.opts, args)
    quoted = re.findall(r"'([^']*)'", message)
    if "is not one of" in message and quoted:
        given, *choices = quoted
        near = get_close_matches(given.lower(), choices, 1)
        words = f"did you mean {near[0]}? " if near else ""
        return f"{name} {given}: there is no such choice", f"{words}choose {_listed(choices)}"
    kind = next((words for key, words in KINDS.items() if f"valid {key}" in message), "")
    if kind:
        return f"{name} {given}".rstrip() + f": {kind} is wanted", ""
    if bound := re.search(r"Input should be (.*)", message):
        return f"{name} {given}".rstrip() + f": it should be {bound[1]}", ""
    return f"{name}: {message.removeprefix('Value error, ')}", ""


def _given(names: Sequence[str], args: Sequence[str]) -> str:
    for k, argument in enumerate(args):
        if argument in names:
            return " ".join(args[k + 1 : k + 2])
        if any(argument.startswith(f"{name}=") for name in names):
            return argument.partition("=")[2]
    return ""


def _listed(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _no_option(name: str, context: Any) -> tuple[str, str]:
    command = context.command if context else None
    known = [x for p in getattr(command, "params", ()) for x in p.opts if x.startswith("--")]
    near = get_close_matches(name, known, 1, 0.7)
    words = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}" if known else ""
    path = context.command_path if context else "eingrad"
    return f"{path} has no option {name}", words


def _no_command(name: str, context: Any) -> tuple[str, str]:
    known = list(getattr(getattr(context, "command", None), "commands", ()))
    near = get_close_matches(name, known, 1)
    words = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"there is no command {name}", words
