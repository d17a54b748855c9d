"""The same loss written in several ways: how often its gradient is printed the same."""

from __future__ import annotations

from random import Random

from drawn_products import SEED, count

from eingrad import parse
from eingrad.calculus.simplify import simplify
from eingrad.calculus.structure import cost
from eingrad.core.expr import Expr
from eingrad.derivation.author_letters import Names
from eingrad.derivation.labels import to_formula
from eingrad.notation.text import to_text

NAMES = ("a", "b", "c", "x")
FUNCTIONS = ("exp", "tanh", "sin", "sigmoid")
Tree = tuple[str, list["Tree"]] | str


def drawn(rng: Random, depth: int = 3) -> Tree:
    """Return an element-wise expression: sums and products of names, numbers and functions."""
    if depth == 0 or rng.random() < 0.2:
        return rng.choice((*NAMES, *NAMES, "2", "3"))
    kind = rng.choice(("+", "*", "*", "f", "/"))
    if kind == "f":
        return rng.choice(FUNCTIONS), [drawn(rng, depth - 1)]
    if kind == "/":
        return "*", [drawn(rng, depth - 1), ("1/", [rng.choice(NAMES)])]
    return kind, [drawn(rng, depth - 1) for _ in range(rng.randint(2, 3))]


def shuffled(rng: Random, tree: Tree) -> Tree:
    """Change the order of terms and factors, and their brackets."""
    if isinstance(tree, str):
        return tree
    head, parts = tree
    parts = [shuffled(rng, x) for x in parts]
    if head in "+*":
        rng.shuffle(parts)
        if len(parts) > 2 and rng.random() < 0.5:
            parts = [(head, parts[:2]), *parts[2:]]
    return head, parts


def distributed(rng: Random, tree: Tree) -> Tree:
    """Multiply some products of sums out."""
    if isinstance(tree, str):
        return tree
    head, parts = tree
    parts = [distributed(rng, x) for x in parts]
    for k, x in enumerate(parts):
        if head == "*" and not isinstance(x, str) and x[0] == "+" and rng.random() < 0.7:
            rest = [*parts[:k], *parts[k + 1 :]]
            return "+", [("*", [*rest, term]) for term in x[1]]
    return head, parts


def text(tree: Tree) -> str:
    if isinstance(tree, str):
        return tree if tree.isdigit() else f"{tree}_i"
    head, parts = tree
    inner = [text(x) for x in parts]
    if head == "+":
        return f"({' + '.join(inner)})"
    if head == "*":
        return f"({' '.join(inner)})"
    return f"(1 / {inner[0]})" if head == "1/" else f"{head}({inner[0]})"


def forms(rng: Random) -> tuple[Tree, Tree, Tree]:
    tree = drawn(rng)
    return tree, shuffled(rng, tree), shuffled(rng, distributed(rng, tree))


def gradient(tree: Tree) -> Expr:
    return parse(f"L = sum_i(x_i {text(tree)})").grad("L", ["x"])["x"].expr


def printed(node: Expr) -> str:
    """Return a gradient as text that knows nothing of its author's order."""
    rank = {name: k for k, name in enumerate(NAMES)}
    return to_text(to_formula(node, ("i",), Names({"i": ("i",)}, rank)))


def loss(tree: Tree) -> Expr:
    return parse(f"y_i = x_i {text(tree)}").system.definitions["y"].expr


def test_the_gradient_of_one_loss_is_printed_alike() -> None:
    """In docs/architecture.md stands how often, of 500; a shuffled loss is the same node."""
    rng = Random(f"confluence {SEED}")
    n = count("EXPRESSIONS", 60)
    same = 0
    for k in range(n):
        written = forms(rng)
        plain, mixed, opened = map(gradient, written)
        assert plain is mixed, f"EINGRAD_SEED={SEED}, {k}: {text(written[0])}, {text(written[1])}"
        same += printed(plain) == printed(opened)
    print(f"{same} of {n} gradients are printed alike")
    assert same >= 0.8 * n


def test_simplify_is_idempotent_and_never_longer_and_does_not_see_the_order() -> None:
    rng = Random(f"simplify {SEED}")
    for k in range(count("EXPRESSIONS", 60)):
        plain, mixed, _ = forms(rng)
        node, again = loss(plain), loss(mixed)
        at = f"EINGRAD_SEED={SEED}, {k}: {text(plain)}"
        assert node is again, at
        short = simplify(node)
        assert simplify(short) is short, at
        assert cost(short) <= cost(node), at
