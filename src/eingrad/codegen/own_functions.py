"""Functions that a target lacks: by a text, by a spelling that is no call, or by a recipe."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import count

from eingrad.codegen.code import WIDTH, atom, statement
from eingrad.codegen.expressions import ExpressionWriter
from eingrad.codegen.targets import TARGETS
from eingrad.codegen.templates import HELPERS
from eingrad.core.algebra import is_light
from eingrad.core.expr import Const, Expr, Map, Var, postorder
from eingrad.core.functions import FUNCTIONS
from eingrad.core.partials import recipe_of
from eingrad.core.rewrite import substitute
from eingrad.errors import EingradError


def own_functions(target: str, used: Mapping[str, str], imports: dict[str, None]) -> list[str]:
    """Return the functions that a module needs, each after those that it calls.

    ``used`` says what each is called; what they import themselves is added to ``imports``.

    >>> [text.split("(")[0] for text in own_functions("numpy", {"gelu": "gelu_of"}, {})]
    ['def erf', 'def ndtr', 'def gelu_of']
    """
    texts: dict[str, str] = {}
    order = [*FUNCTIONS, *HELPERS[target]]
    stack = sorted(used, key=order.index, reverse=True)
    while stack:
        name = stack[-1]
        text, needed = _own_function(target, name, imports)
        missing = sorted((x for x in needed if x not in texts), key=order.index, reverse=True)
        if missing:
            stack += missing
            continue
        texts.setdefault(stack.pop(), text)
    return [_called(text, used) for text in texts.values()]


def _called(text: str, names: Mapping[str, str]) -> str:
    for name, own in names.items():
        if own != name:
            text = re.sub(rf"(?<![\w.]){name}\(", f"{own}(", text)
    return text


def _own_function(target: str, name: str, imports: dict[str, None]) -> tuple[str, Iterable[str]]:
    """Return the text of one function, and the others that it calls."""
    if name in HELPERS[target]:
        text = HELPERS[target][name].strip("\n")
        others = (x for x in HELPERS[target] if x != name)
        return text, [x for x in others if re.search(rf"(?<![\w.]){x}\(", text)]
    array = "Tensor" if target == "torch" else "Array"
    returns = FUNCTIONS[name].returns.replace("``", "") or f"{name} of every entry"
    spelled, lines = TARGETS[target].spelling(name, 1)
    if spelled:
        imports |= dict.fromkeys(lines)
        body, needed = [f"return {spelled.format('x')}"], set[str]()
    else:
        body, needed = _by_recipe(target, name, imports)
    head = [f"def {name}(x: {array}) -> {array}:"]
    head.append(f'    """Return {returns}."""')
    return "\n".join([*head, *(f"    {line}" for line in body)]), needed


def _by_recipe(target: str, name: str, imports: dict[str, None]) -> tuple[list[str], set[str]]:
    """Return the lines of a function of x that a recipe gives; what it needs twice has a name."""
    recipe = recipe_of(Map(name, [Var("x", ("i",))]))
    if recipe is None:
        raise EingradError(f"there is no way to write {name} for {target}", operand=name)
    emitter = ExpressionWriter(TARGETS[target], {"x": "x", "part": "part"}, {}, {})
    emitter.like = "x"
    names = (f"part_{k}" for k in count(2))
    lines: list[str] = []
    for node in _used_twice(recipe):
        lines += statement("part", emitter.definition(node), lambda: next(names), "")
        recipe = substitute(recipe, {node: Var("part", node.dims)})
    value = emitter.definition(recipe)
    if len(f"    return {value}") > WIDTH:
        lines += statement("y", value, lambda: next(names), "")
        value = atom("y")
    imports |= emitter.imports
    return [*lines, f"return {value}"], set(emitter.helpers)


def _used_twice(recipe: Expr) -> list[Expr]:
    """Return the largest part that a recipe uses more than once."""
    counts = Counter(x for node in postorder([recipe]) for x in node.operands)
    found = [
        x for x in postorder([recipe])
        if counts[x] > 1 and not isinstance(x, Var | Const) and not is_light(x)
    ]  # fmt: skip
    return found[-1:]
