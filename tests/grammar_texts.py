"""Random texts of the notation, by its grammar: what one may write, not only what one would.

A text has up to 1,000 characters. Most mean something, and some are refused; some are long chains,
long products, deep nests or tensors of many labels, which is where work grows.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random

MOST = 1000  # characters
LABELS = "ijkl"
# fmt: off
POINTWISE = (
    "exp", "log", "log1p", "expm1", "sqrt", "square", "abs", "sign", "sin", "cos", "tan", "asin",
    "acos", "atan", "sinh", "cosh", "tanh", "sigmoid", "softplus", "relu", "leaky_relu", "elu",
    "gelu", "silu", "erf", "lgamma", "digamma", "floor",
)
# fmt: on
PAIRS = ("maximum", "minimum", "logaddexp", "pow")
FOLDS = ("sum", "mean", "max", "min", "prod", "var", "std", "logsumexp", "norm")
KEEPS = ("softmax", "log_softmax", "cumsum")
NUMBERS = ("2", "3", "1/2", "0.1", "1e-3", "10", "7")
OPERATORS = ("<", "<=", ">", ">=", "==", "!=")


class Writer:
    """Writes one text; a name has the same labels wherever it stands."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.labels: dict[str, str] = {}  # of each tensor
        self.defined: list[str] = []

    def one(self, options: object) -> str:
        return str(self.rng.choice(list(options)))  # type: ignore[call-overload]

    def chance(self, percent: int) -> bool:
        return self.rng.random() * 100 < percent

    # --- texts ---

    def text(self) -> str:
        lines = self.one(["any"] * 6 + ["chain", "product", "nest", "tower", "wide", "sum"])
        text = "\n".join(getattr(self, f"_{lines}")())
        return text if len(text) <= MOST else text[:MOST].rpartition("\n")[0] or text[:MOST]

    def _any(self) -> list[str]:
        lines = [self.statement(f"y{n}") for n in range(self.rng.randint(1, 4))]
        if self.chance(10):
            lines.insert(0, "function phi")
            inside = [self.leaf("i", "i") for _ in range(2)]
            lines.append(f"z = sum_i(phi({inside[0]}) phi'({inside[1]}))")
        lines.append(self.loss())
        return [*lines, *self.facts()]

    def _chain(self) -> list[str]:
        """One statement by the next, each with an element-wise function and a product."""
        lines = [f"h0_i = {self.leaf('i')}"]
        for n in range(self.rng.randint(4, 20)):
            self.labels[f"h{n}"] = "i"
            inner = f"W{self.rng.randint(0, 3)}_ij h{n}_j" if self.chance(60) else f"h{n}_i"
            outer = self.one([*POINTWISE[:20], *(f"{f}_i" for f in KEEPS)])
            more = self.one(["", f" + h{n}_i", f" h{max(n - 2, 0)}_i", f" + {self.leaf('i')}"])
            lines.append(f"h{n + 1}_i = {outer}({inner}){more}")
        self.labels[f"h{n + 1}"] = "i"
        self.defined = [f"h{n + 1}"]
        return [*lines, self.loss()]

    def _product(self) -> list[str]:
        """A product of many sums or functions, of one tensor or of many."""
        count, shared = self.rng.randint(5, 30), self.chance(50)
        name = self.one("xz")
        factors = [
            self.one([
                f"({name} + {k + 1} y)", f"(b{k} + {name})", f"sin({name} + {k})",
                f"({name}^{k + 2} - a)", f"exp(-c{k if not shared else ''} {name})",
            ])
            for k in range(count)
        ]  # fmt: skip
        return [f"L = {' '.join(factors)}"]

    def _nest(self) -> list[str]:
        """Functions of functions."""
        text = self.leaf("i")
        for _ in range(self.rng.randint(3, 12)):
            function = self.one([*POINTWISE, *(f"{f}_i" for f in KEEPS)])
            text = f"{function}({text}{self.one(['', '', ' + v_i', ' w_i', ' / 2'])})"
        return [f"y_i = {text}", "L = sum_i(y_i^2)" if self.chance(50) else "L = y_i w_i"]

    def _tower(self) -> list[str]:
        """Powers of powers, quotients of quotients."""
        text = "x"
        for k in range(self.rng.randint(3, 25)):
            text = self.one(
                [f"x^({text})", f"(y + {text})^2", f"x / (1 + {text})", f"a{k} / ({text})"]
            )
        return [f"L = {text}"]

    def _wide(self) -> list[str]:
        """One product of tensors with many labels: a chain, a ring, all pairs, outer products."""
        count = self.rng.randint(4, 13)
        letters = "abcdefghijklmnop"[:count]
        names = self.one(["A", "ABC", "ABCDEFGHKMNP"])
        pairs = {
            "chain": list(pairwise(letters)),
            "ring": list(zip(letters, letters[1:] + letters[0], strict=True)),
            "pairs": [(p, q) for n, p in enumerate(letters[:7]) for q in letters[n + 1 : 7]],
        }[kind := self.one(["chain", "ring", "pairs"])]
        text = " ".join(f"{names[n % len(names)]}_{p}{q}" for n, (p, q) in enumerate(pairs))
        if kind == "chain":
            text = f"u_{letters[0]} {text} v_{letters[-1]}"
        if self.chance(20):
            outer = " ".join(f"x{n}_{p}" for n, p in enumerate(letters))
            return [f"T_{letters} = {outer}", f"L = T_{letters} S_{letters}"]
        return [f"L = {text}"] if self.chance(70) else [f"y = {text}", "L = y^2"]

    def _sum(self) -> list[str]:
        """Many terms, brackets within brackets."""
        self.labels.update(u="i", v="i", A="ij", a="", b="")
        terms = [self.formula("i", 2) for _ in range(self.rng.randint(4, 15))]
        while len(" + ".join(terms)) > MOST - 60:
            terms.pop()
        signs = [self.one([" + ", " - "]) for _ in terms]
        body = "".join(s + t for s, t in zip(signs, terms, strict=True)).removeprefix(" + ")
        return [f"y_i = {body}", self.one(["L = sum_i(y_i^2)", "L = y_i w_i", "L = prod_i(y_i)"])]

    # --- statements ---

    def statement(self, name: str) -> str:
        free = "".join(self.rng.sample(LABELS, self.rng.choice([0, 1, 1, 2])))
        value = self.formula(free, self.rng.randint(1, 4))
        self.labels[name] = free
        self.defined.append(name)
        if free and self.chance(6):
            label = free[0]
            others = f",{','.join(free[1:])}" if free[1:] else ""
            before = f"{self.one(['tanh', 'sin', '0.5 '])}({name}[{label}-1{others}])"
            return f"{name}[{label}{others}] = {before} + {value}"
        return f"{self.tensor(name, free)} = {value}"

    def loss(self) -> str:
        name = self.one(self.defined)
        labels = self.labels[name]
        written = self.tensor(name, labels)
        if not labels:
            return f"L = {written} + {self.formula('', 2)}"
        fold = self.one(["sum", "mean", "logsumexp", "norm"])
        weights = self.one(["", "^2", f" {self.leaf(labels)}"])
        return f"L = {fold}_{labels}({written}{weights})"

    def facts(self) -> list[str]:
        inputs = [n for n in self.labels if n not in self.defined]
        if not inputs or not self.chance(20):
            return []
        name = self.one(inputs)
        labels = self.labels[name]
        written = self.tensor(name, labels)
        kinds = [f"assume {written} > 0", f"assume {written} >= 0"]
        kinds += [f"assume sum_{labels[-1]}({written}) = 1"] if labels else []
        kinds += [f"assume {name}_ij = {name}_ji"] if len(labels) == 2 else []
        return [self.one(kinds)]

    # --- formulas ---

    def tensor(self, name: str, labels: str) -> str:
        if not labels:
            return name
        return f"{name}[{','.join(labels)}]" if self.chance(5) else f"{name}_{labels}"

    def leaf(self, free: str, must: str = "") -> str:
        known = [
            n for n, own in self.labels.items()
            if set(must) <= set(own) <= set(free) and len(own) == len(set(own))
        ]  # fmt: skip
        if known and self.chance(70):
            name = self.one(known)
            return self.tensor(name, self.labels[name])
        own = must + "".join(
            x for x in self.rng.sample(free, min(len(free), self.rng.randint(0, 2)))
            if x not in must
        )  # fmt: skip
        name = self.one("abcABCDGHMPQSUVWXuvwxz")
        if name in self.labels and self.labels[name] != own:
            name = f"{name}{len(self.labels)}"
        self.labels.setdefault(name, own)
        return self.tensor(name, own)

    def formula(self, free: str, depth: int) -> str:
        """A formula whose labels are among those that are free."""
        if depth <= 0:
            return self.leaf(free) if self.chance(85) else self.one(NUMBERS)
        forms = [
            self._terms, self._terms, self._factors, self._factors, self._contraction,
            self._contraction, self._function, self._function, self._fold, self._keep,
            self._power, self._quotient, self._cases, self._odd,
        ]  # fmt: skip
        return str(self.rng.choice(forms)(free, depth - 1))

    def _terms(self, free: str, depth: int) -> str:
        parts = [self.formula(free, depth) for _ in range(self.rng.randint(2, 3))]
        return "(" + self.one([" + ", " - "]).join(parts) + ")"

    def _factors(self, free: str, depth: int) -> str:
        return " ".join(self._tight(self.formula(free, depth)) for _ in range(2))

    def _tight(self, text: str) -> str:
        return text if text[0].isalpha() or text[0] == "(" else f"({text})"

    def _contraction(self, free: str, depth: int) -> str:
        new = [x for x in LABELS if x not in free]
        if not new:
            return self._factors(free, depth)
        label = self.one(new)
        factors = [self.leaf(free + label, label) for _ in range(2)]
        if self.chance(40):
            factors[1] = f"{self.one(POINTWISE)}({factors[1]})"
        if self.chance(40):
            factors.append(self._tight(self.formula(free, depth)))
        return f"sum_{label}({' '.join(factors)})"

    def _function(self, free: str, depth: int) -> str:
        if self.chance(15):
            return f"{self.one(PAIRS)}({self.formula(free, depth)}, {self.formula(free, depth)})"
        return f"{self.one(POINTWISE)}({self.formula(free, depth)})"

    def _fold(self, free: str, depth: int) -> str:
        label = self.one([x for x in LABELS if x not in free] or LABELS)
        inner = f"{self.leaf(free + label, label)} {self._tight(self.formula(free + label, depth))}"
        if free and self.chance(15):
            condition = f"{{{label} {self.one(['<=', '!=', '<'])} {free[0]}}}"
            return f"{self.one(['sum', 'mean', 'max', 'prod', 'logsumexp'])}_{condition}({inner})"
        return f"{self.one(FOLDS)}_{label}({inner})"

    def _keep(self, free: str, depth: int) -> str:
        if not free:
            return self._function(free, depth)
        label = self.one(free)
        return f"{self.one(KEEPS)}_{label}({self.leaf(free, label)} + {self.formula(free, depth)})"

    def _power(self, free: str, depth: int) -> str:
        exponent = self.one(["2", "3", "(1/2)", "(-1)", "(-3/2)", "a", "1.5"])
        if exponent == "a":
            self.labels.setdefault("a", "")
            exponent = "2" if self.labels["a"] else "a"
        return f"({self.formula(free, depth)})^{exponent}"

    def _quotient(self, free: str, depth: int) -> str:
        below = self.one([f"(1 + ({self.formula(free, depth)})^2)", self._tight(self.leaf(free))])
        return f"({self.formula(free, depth)}) / {below}"

    def _cases(self, free: str, depth: int) -> str:
        left, right = self.leaf(free), self.one([self.leaf(free), "0", "1"])
        if len(free) > 1 and self.chance(40):
            left, right = free[0], self.one([free[1], "1"])
        condition = f"{left} {self.one(OPERATORS)} {right}"
        return f"where({condition}, {self.formula(free, depth)}, {self.formula(free, depth)})"

    def _odd(self, free: str, _: int) -> str:
        """Traces, deltas, sizes, matrix functions, gathers, offsets, entries at numbers."""
        options = ["A1_kk", "det_kl(M1_kl)", "logdet_kl(M1_kl)", "trace_kl(M1_kl)", "x9[2]"]
        if "k" in free or "l" in free:
            options = ["x9[2]"]
        if free:
            p = free[0]
            options += [f"size({p}) {self.leaf(free, p)}", f"x8[{p}+1]", f"x8[2 {p}]"]
            options += [f"e1[{p},t{p}_{p}]"]
        if len(free) > 1:
            p, q = free[0], free[1]
            options += [
                f"delta_{p}{q} {self.leaf(free, p)} {self.leaf(free, q)}",
                f"inv_{p}{q}(M2_{p}{q})",
            ]
            options += [f"x8[{p}-{q}]", f"Z9[{p},t_{p}]", f"transpose_{p}{q}(M2_{p}{q})"]
        return self.one(options)


def text_of(number: int) -> str:
    """Return the text with a number."""
    return Writer(Random(number)).text()
