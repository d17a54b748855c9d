"""Models as trees that say explicitly what the notation leaves to its rules.

The tree knows which product sums which label; `text_of` writes it in the notation, and
`torch_oracle` evaluates it in PyTorch. Neither knows anything of eingrad.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from seeds import seeded

SIZES = {"a": 2, "b": 3, "c": 4}
LETTERS = {"a": "ipuf", "b": "jqvg", "c": "krwh"}
DIM = {letter: dim for dim, letters in LETTERS.items() for letter in letters}
AXIS = {letter: axis for axis, letter in enumerate(DIM)}

ANY, BOUNDED, POSITIVE = "any", "bounded", "positive"
FOLDS = ("sum", "mean", "logsumexp", "max", "min", "prod", "norm")


# --- the tree ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leaf:
    """A tensor with labels, one of them perhaps twice; ``traced`` is a label that sums here."""

    name: str
    labels: str
    traced: str = ""


@dataclass(frozen=True)
class Number:
    """A positive constant."""

    value: Fraction


@dataclass(frozen=True)
class Size:
    """The extent of a label."""

    label: str


@dataclass(frozen=True)
class Apply:
    """An element-wise function."""

    function: str
    args: tuple[Node, ...]


@dataclass(frozen=True)
class Where:
    """``where(left < right, above, below)``."""

    operator: str
    args: tuple[Node, ...]


@dataclass(frozen=True)
class Condition:
    """``i < u``: a comparison of the places of two labels, or of one with a number."""

    operator: str
    left: str
    right: str

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True)
class ByPlace:
    """``where(i < u, above, below)``."""

    condition: Condition
    args: tuple[Node, ...]


@dataclass(frozen=True)
class Over:
    """A function over axes; ``softmax`` and ``log_softmax`` keep them. With a condition it is one
    over the entries for which that holds."""

    function: str
    labels: str
    arg: Node
    condition: Condition | None = None


@dataclass(frozen=True)
class Product:
    """Factors, some of which divide, summed over ``summed``."""

    factors: tuple[Node, ...]
    divides: tuple[bool, ...]
    summed: str = ""


@dataclass(frozen=True)
class Sum:
    """Terms, some of which are subtracted."""

    terms: tuple[Node, ...]
    negative: tuple[bool, ...]


@dataclass(frozen=True)
class Power:
    """A base to a constant exponent."""

    base: Node
    exponent: Fraction


Node = Leaf | Number | Size | Apply | Where | ByPlace | Over | Product | Sum | Power


@dataclass(frozen=True)
class Statement:
    """``name_labels = value``."""

    name: str
    labels: str
    value: Node


def parts(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below."""
    match node:
        case Apply(args=inner) | Where(args=inner) | ByPlace(args=inner):
            return inner
        case Product(factors=inner) | Sum(terms=inner):
            return inner
        case Over(arg=arg):
            return (arg,)
        case Power(base=base):
            return (base,)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    yield node
    for part in parts(node):
        yield from walk(part)


def free(node: Node) -> set[str]:
    """Return the labels that occur in a node and that nothing in it sums."""
    if isinstance(node, Leaf):
        return set(node.labels) - {node.traced}
    labels = {label for part in parts(node) for label in free(part)}
    if isinstance(node, Product):
        return labels - set(node.summed)
    if isinstance(node, Over) and node.function in FOLDS:
        return labels - set(node.labels)
    return labels


# --- as notation ------------------------------------------------------------------------------


def text_of(node: Node) -> str:
    """Write a node in the notation."""
    match node:
        case Leaf(name, labels):
            return f"{name}_{labels}" if labels else name
        case Number(value):
            return str(value) if value.denominator == 1 else str(float(value))
        case Size(label):
            return f"size({label})"
        case Apply(function, args):
            return f"{function}({', '.join(map(text_of, args))})"
        case Where(operator, (left, right, above, below)):
            condition = f"{text_of(left)} {operator} {text_of(right)}"
            return f"where({condition}, {text_of(above)}, {text_of(below)})"
        case ByPlace(condition, (above, below)):
            return f"where({condition}, {text_of(above)}, {text_of(below)})"
        case Over(function, labels, arg, condition):
            below = f"{{{', '.join(labels)}, {condition}}}" if condition else labels
            return f"{function}_{below}({text_of(arg)})"
        case Power(base, exponent):
            return f"{_tight(base)}^{text_of(Number(exponent)) if exponent > 0 else exponent}"
        case Product():
            text = _product(node)
            return f"sum_{node.summed}({text})" if _could_be_misread(node) else text
        case Sum(terms, negative):
            text = ""
            for term, minus in zip(terms, negative, strict=True):
                sign = "- " if minus else "+ " if text else ""
                text += f" {sign}{f'({text_of(term)})' if isinstance(term, Sum) else text_of(term)}"
            return text.strip()
    raise TypeError(node)


def _product(product: Product) -> str:
    """Write factors; a quotient in parentheses before what shares a label with its divisor."""
    text, below = "1" if product.divides[0] else "", set[str]()
    for factor, divides in zip(product.factors, product.divides, strict=True):
        if not divides and below & free(factor):
            text, below = f"({text.strip()})", set()
        scalar = isinstance(factor, Leaf) and not factor.labels and text  # A * B, no matrices
        text += f"{' /' if divides else ' *' if scalar else ''} {_factor(factor)}"
        below |= free(factor) if divides else set()
    return text.strip()


def _could_be_misread(product: Product) -> bool:
    """Whether a factor might sum a label by itself, which this product sums."""
    return any(_occurrences(x, label) > 1 for x in product.factors for label in product.summed)


def _occurrences(node: Node, label: str) -> int:
    if isinstance(node, Leaf):
        return node.labels.count(label)
    return sum(_occurrences(part, label) for part in parts(node) if label in free(part))


def _factor(node: Node) -> str:
    return f"({text_of(node)})" if isinstance(node, Product | Sum) else text_of(node)


def _tight(node: Node) -> str:
    return f"({text_of(node)})" if isinstance(node, Product | Sum | Power) else text_of(node)


@dataclass(frozen=True, repr=False)
class RandomModel:
    """Statements, of which the last one defines the scalar ``L``; inputs by name."""

    statements: tuple[Statement, ...]
    inputs: dict[str, tuple[str, str]] = field(hash=False)
    """The dimensions and the kind of each input."""

    def __repr__(self) -> str:
        return f"\n{self.text}\n{self.inputs}"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))  # for hypothesis, which would print the whole tree

    @property
    def text(self) -> str:
        """The model in the notation."""
        lines = (f"{text_of(Leaf(s.name, s.labels))} = {text_of(s.value)}" for s in self.statements)
        return "\n".join(lines)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an input."""
        return tuple(SIZES[dim] for dim in self.inputs[name][0])

    def arrays(self, seed: int = 0) -> dict[str, np.ndarray]:
        """Random values: between 1/2 and 2 for what must be positive, else between -1 and 1."""
        rng = np.random.default_rng(seeded(seed))
        return {
            name: rng.uniform(*((0.5, 2.0) if kind == POSITIVE else (-1.0, 1.0)), self.shape(name))
            for name, (_, kind) in self.inputs.items()
        }

    def kinds(self) -> Counter[str]:
        """Count what the model is made of: node types, functions, and the notation's subtleties."""
        count: Counter[str] = Counter(statements=len(self.statements))
        seen: Counter[str] = Counter()
        for statement in self.statements:
            count["repeated along a label"] += bool(set(statement.labels) - free(statement.value))
            for node in walk(statement.value):
                count[type(node).__name__] += 1
                count[getattr(node, "function", "")] += 1
                if isinstance(node, Leaf):
                    seen[node.name] += 1
                    count["trace"] += bool(node.traced)
                    count["delta"] += node.name == "delta"
                    count["diagonal"] += len(set(node.labels)) + bool(node.traced) < len(
                        node.labels
                    )
                if isinstance(node, Product):
                    count["summed product"] += bool(node.summed)
                    count["division"] += any(node.divides)
                if isinstance(node, Sum):
                    count["broadcast sum"] += len({frozenset(free(x)) for x in node.terms}) > 1
                if isinstance(node, Over):
                    count["over some"] += node.condition is not None
                    above = set(statement.labels) & set(node.labels)
                    count["shadowed label"] += bool(above) and node.function in FOLDS
        count["shared input"] = sum(seen[name] > 1 for name in self.inputs)
        count["reused statement"] = sum(seen[s.name] > 1 for s in self.statements)
        return +count
