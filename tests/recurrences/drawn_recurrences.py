"""Recurrences far from what anyone writes, each with a loop over single entries: groups of states
that read each other, several lags, neighbours along another label, entries, lags by a label, all
that came before, conditions, strides, stacked weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
Choose = Callable[[Sequence[Any]], Any]
At = Mapping[str, int]
SIZES = {"t": 4, "i": 3, "k": 2, "z": 7}
INPUTS = {
    "U": "ij", "V": "tij", "c": "i", "g": "t", "x": "ti", "w": "i", "v": "k", "z": "z", "y": "ti",
    "h0": "i", "p0": "i", "q0": "i",
}  # fmt: skip
CONDITIONS: list[tuple[str, Callable[[At], bool]]] = [
    ("i == 1", lambda a: a["i"] == 1),
    ("t > 1", lambda a: a["t"] > 1),
    ("i <= t", lambda a: a["i"] <= a["t"]),
    ("t == 0", lambda a: a["t"] == 0),
    ("i < size(i) - 1", lambda a: a["i"] < 2),
    ("t < size(t) - 2", lambda a: a["t"] < 2),
    ("t != 2", lambda a: a["t"] != 2),
    ("2 i > t", lambda a: 2 * a["i"] > a["t"]),
]


@dataclass(frozen=True)
class Part:
    """A formula at ``t`` and ``i``: its text, and its value in a `Run` at one entry."""

    text: str
    value: Callable[[Run, At], Any]


@dataclass
class Run:
    """The entries of the states, computed when they are asked for."""

    drawn: Drawn
    torch: Any
    arrays: Mapping[str, Any]
    known: dict[tuple[str, int, int], Any] = field(default_factory=dict)

    def state(self, name: str, t: int, i: int) -> Any:
        """Return an entry, 0 outside or what stands before the first and after the last."""
        d, a = self.drawn, self.arrays
        if not 0 <= i < SIZES["i"]:
            return a["c"].new_zeros(())
        beyond = t >= SIZES["t"] if d.back else t < 0
        if not 0 <= t < SIZES["t"]:
            given = beyond and d.starts[name] == "before"
            return a[f"{name}0"][i] if given else a["c"].new_zeros(())
        if d.starts[name] == "entry" and t == 0:
            return a[f"{name}0"][i]
        if (name, t, i) not in self.known:
            self.known[name, t, i] = d.states[name].value(self, {"t": t, "i": i})
        return self.known[name, t, i]

    def input(self, name: str, *at: int) -> Any:
        x = self.arrays[name]
        inside = all(0 <= k < n for k, n in zip(at, x.shape, strict=True))
        return x[at] if inside else x.new_zeros(())


@dataclass(frozen=True)
class Drawn:
    """States over t and i, how they start, and a loss."""

    states: Mapping[str, Part]
    starts: Mapping[str, str]
    back: bool
    loss: Part

    @property
    def text(self) -> str:
        formulas = [part.text for part in (*self.states.values(), self.loss)]
        lines = ["assume size(k) = 2"] * any("k" in x for x in formulas)
        lines += [f"{name}[t,i] = {part.text}" for name, part in self.states.items()]
        edges = {"before": "t>=size(t)" if self.back else "t<0", "entry": "0"}
        lines += [
            f"{name}[{edges[s]},i] = {name}0_i" for name, s in self.starts.items() if s in edges
        ]
        return "\n".join([*lines, f"L = {self.loss.text}"])

    def arrays(self, rng: Any) -> dict[str, Any]:
        return inputs(rng)

    def value(self, torch: Any, arrays: Mapping[str, Any]) -> Any:
        return self.loss.value(Run(self, torch, arrays), {})


def _by(n: int) -> str:
    return f"{n:+d}" if n else ""


def _total(parts: Sequence[Any], like: Any) -> Any:
    return sum(parts, like.new_zeros(()))


class _Terms:
    """Terms of one state, which reads ``others`` as many positions back as it is told."""

    def __init__(self, choose: Choose, own: str, names: Sequence[str], done: Sequence[str],
                 back: bool) -> None:  # fmt: skip
        self.choose, self.names, self.done, self.back = choose, names, done, back
        self.own = own
        self.sign = 1 if back else -1

    def read(self) -> Part:
        """An earlier entry of a state, or one at the same position of one that is computed."""
        here = self.done and self.choose([False, False, True])
        name = self.choose(self.done) if here else self.choose(self.names)
        lag = 0 if here else self.sign * self.choose([1, 1, 2, 3])
        by = self.choose([0, 0, -1, 1])
        text = f"{name}[t{_by(lag)},i{_by(by)}]"
        return Part(text, lambda r, a: r.state(name, a["t"] + lag, a["i"] + by))

    def contracted(self) -> Part:
        name, lag = self.choose(self.names), self.sign * self.choose([1, 2])
        stacked = self.choose([False, True])
        weight = "V[t,i,j]" if stacked else "U_ij"

        def value(r: Run, a: At) -> Any:
            t, i = a["t"], a["i"]
            own = r.arrays["V"][t] if stacked else r.arrays["U"]
            return _total([own[i, j] * r.state(name, t + lag, j) for j in range(3)], own)

        return Part(f"sum_j({weight} {name}[t{_by(lag)},j])", value)

    def window(self) -> Part:
        name, by = self.choose(self.names), self.choose([-1, 0])
        step = self.choose([1, -1, 2])
        at = f"i{'-' if step < 0 else '+'}{2 if step == 2 else ''}k{_by(by)}"
        return Part(
            f"sum_k(v_k {name}[t{_by(self.sign)},{at}])",
            lambda r, a: _total(
                [r.arrays["v"][k] * r.state(name, a["t"] + self.sign, a["i"] + step * k + by)
                 for k in range(2)], r.arrays["v"],
            ),
        )  # fmt: skip

    def lags(self) -> Part:
        name, step = self.choose(self.names), self.choose([1, 2])
        s, f = ("+" if self.back else "-"), ("2" if step == 2 else "")
        by = self.choose([0, 1])
        return Part(
            f"sum_k(v_k {name}[t{s}{f}k{s}1,i{_by(by)}])",
            lambda r, a: _total(
                [r.arrays["v"][k]
                 * r.state(name, a["t"] + self.sign * (step * k + 1), a["i"] + by)
                 for k in range(2)], r.arrays["v"],
            ),
        )  # fmt: skip

    def earlier(self) -> Part:
        name, order = self.choose(self.names), "s>t" if self.back else "s<t"
        return Part(
            f"sum_{{{order}}}(g_s {name}[s,i])",
            lambda r, a: _total(
                [r.arrays["g"][s] * r.state(name, s, a["i"])
                 for s in (range(a["t"] + 1, 4) if self.back else range(a["t"]))], r.arrays["g"],
            ),
        )  # fmt: skip

    def entry(self) -> Part:
        name, at = self.choose(self.names), self.choose([0, 1, -1])
        return Part(
            f"w_i {name}[t{_by(self.sign)},{at}]",
            lambda r, a: r.arrays["w"][a["i"]] * r.state(name, a["t"] + self.sign, at % 3),
        )

    def outside(self) -> Part:
        """What reads no state."""
        n = self.choose([1, 2, 3])
        which = self.choose(["x", "z", "y", "g", "zk", "last"])
        return {
            "x": Part(f"x[t{_by(n - 2)},i]", lambda r, a: r.input("x", a["t"] + n - 2, a["i"])),
            "z": Part(f"z[2 i + {n}]", lambda r, a: r.input("z", 2 * a["i"] + n)),
            "y": Part(f"y[t,i+{n}]", lambda r, a: r.input("y", a["t"], a["i"] + n)),
            "g": Part("g_t w_i", lambda r, a: r.arrays["g"][a["t"]] * r.arrays["w"][a["i"]]),
            "zk": Part(
                "sum_k(z[i + t - k] v_k)",
                lambda r, a: _total(
                    [r.input("z", a["i"] + a["t"] - k) * r.arrays["v"][k] for k in range(2)],
                    r.arrays["v"],
                ),
            ),
            "last": Part("x[-1,i]", lambda r, a: r.input("x", 3, a["i"])),
        }[which]

    def folded(self) -> Part:
        name = self.choose(self.names)
        how = self.choose(["mean_i", "max_i", "logsumexp_i", "softmax_i", "norm_i", "cumsum_i"])
        axis = "i" if how in {"softmax_i", "cumsum_i"} else "j"
        text = how.replace("_i", f"_{axis}")

        def value(r: Run, a: At) -> Any:
            row = r.torch.stack(
                [r.state(name, a["t"] + self.sign, j) + r.arrays["c"][j] for j in range(3)]
            )
            match how:
                case "mean_i":
                    return row.mean()
                case "max_i":
                    return row.max()
                case "logsumexp_i":
                    return r.torch.logsumexp(row, 0)
                case "norm_i":
                    return r.torch.linalg.vector_norm(row)
                case "softmax_i":
                    return r.torch.softmax(row, 0)[a["i"]]
            return r.torch.cumsum(row, 0)[a["i"]]

        return Part(f"{text}({name}[t{_by(self.sign)},{axis}] + c_{axis})", value)

    def product(self) -> Part:
        one, two = self.read(), self.choose([self.read, self.outside])()
        if "sum" in two.text:
            two = self.read()
        return Part(f"{one.text} {two.text}", lambda r, a: one.value(r, a) * two.value(r, a))

    def where(self) -> Part:
        text, holds = self.choose(CONDITIONS)
        one, two = self.plain(), self.plain()
        return Part(
            f"where({text}, {one.text}, {two.text})",
            lambda r, a: one.value(r, a) if holds(a) else two.value(r, a),
        )

    def plain(self) -> Part:
        return self.choose([self.read, self.contracted, self.window, self.outside, self.entry])()

    def term(self) -> Part:
        own = self.choose([
            self.read, self.read, self.contracted, self.window, self.lags, self.earlier,
            self.entry, self.folded, self.product, self.where, self.where, self.outside,
        ])()  # fmt: skip
        how = self.choose(["{}", "{}", "tanh({})", "sin({})", "({})^2 / 4", "exp(-({})^2)"])
        return Part(how.format(own.text) if how != "{}" else own.text, _applied(how, own))

    def whole(self) -> Part:
        terms = [self.term() for _ in range(self.choose([1, 2, 2, 3]))]
        terms.append(Part("x_ti", lambda r, a: r.arrays["x"][a["t"], a["i"]]))
        own = f"{self.own}[t{_by(self.sign)},i] / 3"
        terms.append(Part(own, lambda r, a: r.state(self.own, a["t"] + self.sign, a["i"]) / 3))
        how = self.choose(["tanh({})", "sin({})", "({}) / 3"])
        inside = Part(
            " + ".join(x.text for x in terms), lambda r, a: sum(x.value(r, a) for x in terms)
        )
        return Part(how.format(inside.text), _applied(how, inside))


def _applied(how: str, of: Part) -> Callable[[Run, At], Any]:
    functions: dict[str, Callable[[Any, Any], Any]] = {
        "{}": lambda _, y: y,
        "tanh({})": lambda torch, y: torch.tanh(y),
        "sin({})": lambda torch, y: torch.sin(y),
        "({})^2 / 4": lambda _, y: y**2 / 4,
        "exp(-({})^2)": lambda torch, y: torch.exp(-(y**2)),
        "({}) / 3": lambda _, y: y / 3,
    }
    return lambda r, a: functions[how](r.torch, of.value(r, a))


def _loss(choose: Choose, names: Sequence[str]) -> Part:
    def every(r: Run, f: Callable[[int, int], Any]) -> Any:
        return _total([f(t, i) for t in range(4) for i in range(3)], r.arrays["w"])

    def one() -> Part:
        n, m = choose(names), choose(names)
        at = choose([0, 2, -1])
        text, holds = choose(CONDITIONS)
        return choose([
            Part(f"sum_ti(w_i {n}_ti^2)",
                 lambda r, _: every(r, lambda t, i: r.arrays["w"][i] * r.state(n, t, i) ** 2)),
            Part(f"sum_i({n}[{at},i] {m}[-1,i])",
                 lambda r, _: _total([r.state(n, at % 4, i) * r.state(m, 3, i) for i in range(3)],
                                     r.arrays["w"])),
            Part(f"sum_ti({n}_ti x[t-1,i+1])",
                 lambda r, _: every(r, lambda t, i: r.state(n, t, i) * r.input("x", t - 1, i + 1))),
            Part(f"sum_ti(where({text}, sin({n}_ti), {m}_ti {n}_ti))",
                 lambda r, _: every(r, lambda t, i: r.torch.sin(r.state(n, t, i))
                    if holds({"t": t, "i": i}) else r.state(m, t, i) * r.state(n, t, i))),
            Part(f"sum_i(logsumexp_t({n}_ti))",
                 lambda r, _: _total([r.torch.logsumexp(
                     r.torch.stack([r.state(n, t, i) for t in range(4)]), 0) for i in range(3)],
                     r.arrays["w"])),
            Part(f"sum_ti(cumsum_t({n}_ti) g_t)",
                 lambda r, _: every(r, lambda t, i: r.arrays["g"][t]
                                    * sum(r.state(n, s, i) for s in range(t + 1)))),
            Part(f"sum_ki({n}[2 k + 1,i] v_k)",
                 lambda r, _: _total([r.state(n, 2 * k + 1, i) * r.arrays["v"][k]
                                      for k in range(2) for i in range(3)], r.arrays["v"])),
        ])  # fmt: skip

    parts = [one() for _ in range(choose([1, 1, 2]))]
    return Part(" + ".join(x.text for x in parts), lambda r, a: sum(x.value(r, a) for x in parts))


def drawn(choose: Choose) -> Drawn:
    """Return a model; ``choose`` takes one of a sequence."""
    back = choose([False, False, True])
    names = ["h", "p", "q"][: choose([1, 1, 2, 2, 3])]
    states: dict[str, Part] = {}
    for name in names:
        states[name] = _Terms(choose, name, names, [*states], back).whole()
    starts = {name: choose(["zero", "before", "before", "entry"]) for name in names}
    return Drawn(states, starts, back, _loss(choose, names))


def inputs(rng: Any) -> dict[str, Any]:
    """Return an array for each input that there may be."""
    sizes = {**SIZES, "j": 3}
    return {
        n: rng.normal(size=[sizes[x] for x in labels]) / math.sqrt(2)
        for n, labels in INPUTS.items()
    }
