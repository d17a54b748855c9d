"""Stages, one after the other, each with a loop over single entries: recurrences over time, over
layers with stacked weights, and what has no recurrence; a stage may be a group of definitions."""
# ruff: noqa: ARG005, E741 (arguments are called what the labels are called)

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Choose = Callable[[Sequence[Any]], Any]
Read = Callable[[int, int, int], Any]  # of a layer, a time and a unit; 0 where there is none
T, I, L, K = 3, 2, 3, 2
SHAPES = {
    "X": (T, I), "U": (I, I), "W": (L, I, I), "V": (L, I, I), "a": (L,), "c": (L, I), "d": (L, L),
    "v": (K,), "q": (L, K), "w": (I,), "g": (T,), "y": (T, I), "s": (), "h0": (I,),
}  # fmt: skip
CONDITIONS: list[tuple[str, Callable[[int, int, int], bool]]] = [
    ("l > 0", lambda l, t, i: l > 0), ("l < size(l) - 1", lambda l, t, i: l < L - 1),
    ("i <= t", lambda l, t, i: i <= t), ("l == t", lambda l, t, i: l == t),
    ("t != 1", lambda l, t, i: t != 1), ("l + i < 3", lambda l, t, i: l + i < 3),
    ("2 l > t", lambda l, t, i: 2 * l > t),
]  # fmt: skip


@dataclass(frozen=True)
class Term:
    """A formula at layer l, time t and unit i, and what it is, given how a state is read."""

    text: str
    value: Callable[[Any, Mapping[str, Any], Read, int, int, int], Any]


@dataclass(frozen=True)
class Stage:
    """Lines that define a tensor over t and i from the one before, and its entries."""

    lines: tuple[str, ...]
    entries: Callable[[Any, Mapping[str, Any], Any], Any]


@dataclass(frozen=True)
class Stacked:
    """A model of stages; like `Drawn`, it has a text, arrays and a value."""

    stages: tuple[Stage, ...]
    loss: str

    @property
    def text(self) -> str:
        lines = [line for stage in self.stages for line in stage.lines]
        at = f"Y{len(self.stages)}"
        end = {"squares": f"L = sum_ti(w_i {at}_ti^2)", "last": f"L = sum_i({at}[-1,i] y[0,i])",
               "softmax": f"L = -sum_ti(y_ti log_softmax_i({at}_ti))",
               "middle": f"L = sum_ti({at}_ti sin(Y1_ti))"}[self.loss]  # fmt: skip
        sizes = [
            f"assume size({x}) = {n}"
            for x, n in {"l": L, "k": K}.items()
            if any(f"{x}" in line.split("=", 1)[0] or f"_{x}" in line for line in lines)
        ]
        return "\n".join([*sizes, "Y0_ti = X_ti", *lines, end])

    def arrays(self, rng: Any) -> dict[str, Any]:
        return {n: rng.normal(size=shape) / math.sqrt(2) for n, shape in SHAPES.items()}

    def value(self, torch: Any, a: Mapping[str, Any]) -> Any:
        y, first = a["X"], None
        for stage in self.stages:
            y = stage.entries(torch, a, y)
            first = y if first is None else first
        if self.loss == "squares":
            return (a["w"] * y**2).sum()
        if self.loss == "last":
            return (y[-1] * a["y"][0]).sum()
        if self.loss == "softmax":
            return -(a["y"] * torch.log_softmax(y, -1)).sum()
        return (y * torch.sin(first)).sum()


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "{}": lambda _, x: x, "tanh({})": lambda torch, x: torch.tanh(x),
    "relu({})": lambda torch, x: torch.relu(x), "sigmoid({})": lambda torch, x: torch.sigmoid(x),
    "sin({})": lambda torch, x: torch.sin(x), "({})^2 / 3": lambda _, x: x**2 / 3,
}  # fmt: skip


def _applied(choose: Choose, term: Term) -> Term:
    how = choose([*FUNCTIONS])
    f = FUNCTIONS[how]
    return Term(how.format(term.text), lambda torch, *at: f(torch, term.value(torch, *at)))


def _layer_terms(choose: Choose, z: str) -> Term:
    """Return a term of the layer l, which reads the ones before."""
    back = choose([1, 1, 1, 2])
    s = f"l-{back}"
    one = choose([-1, 0, 0, 1])
    by = f"{one:+d}" if one else ""
    where, holds = choose(CONDITIONS)
    terms = {
        "dense": Term(f"sum_j({z}[{s},t,j] W_lji)",
            lambda _t, a, r, l, t, i: sum(r(l - back, t, j) * a["W"][l, j, i] for j in range(I))),
        "skip": Term(f"a_l {z}[{s},t{by},i]",
            lambda _t, a, r, l, t, i: a["a"][l] * r(l - back, t + one, i)),
        "bias": Term(f"c[l{by},i] g_t",
            lambda _t, a, r, l, t, i: (a["c"][l + one, i] if 0 <= l + one < L else 0) * a["g"][t]),
        "tied": Term(f"sum_j({z}[{s},t,j] V[-1,i,j])",
            lambda _t, a, r, l, t, i: sum(r(l - back, t, j) * a["V"][-1, i, j] for j in range(I))),
        "window": Term(f"sum_k(q_lk {z}[{s},t-k,i])",
            lambda _t, a, r, l, t, i: sum(a["q"][l, k] * r(l - back, t - k, i) for k in range(K))),
        "norm": Term(f"{z}[{s},t,i] / sqrt(mean_j({z}[{s},t,j]^2) + 1)",
            lambda torch, a, r, l, t, i: r(l - back, t, i) / torch.sqrt(
                sum(r(l - back, t, j) ** 2 for j in range(I)) / I + 1 + 0 * a["s"])),
        "attention": Term(
            f"sum_u(softmax_u(where(u <= t, sum_j({z}[{s},t,j] {z}[{s},u,j]), -1e9)) "
            f"{z}[{s},u,i])", _attended(back)),
        "all before": Term(f"sum_{{m < l}}(d_lm {z}[m,t,i])",
            lambda _t, a, r, l, t, i: sum((a["d"][l, m] * r(m, t, i) for m in range(l)),
                                          0 * a["s"])),
        "case": Term(f"where({where}, {z}[{s},t,i], c_li)",
            lambda _t, a, r, l, t, i: r(l - back, t, i) if holds(l, t, i) else a["c"][l, i]),
        "sign": Term(f"where({z}[{s},t,i] > 0, {z}[{s},t,i] s, g_t)",
            lambda _t, a, r, l, t, i: r(l - back, t, i) * a["s"] if r(l - back, t, i) > 0
            else a["g"][t]),
        "entry": Term(f"{z}[{s},0,i] {z}[{s},t,-1]",
            lambda _t, a, r, l, t, i: r(l - back, 0, i) * r(l - back, t, I - 1)),
        "count": Term(f"{z}[{s},t,i] s / sqrt(size(l))",
            lambda _t, a, r, l, t, i: r(l - back, t, i) * a["s"] / math.sqrt(L)),
    }  # fmt: skip
    return terms[choose([*terms])]


def _attended(back: int) -> Callable[..., Any]:
    def value(torch: Any, a: Any, r: Read, l: int, t: int, i: int) -> Any:
        scores = [sum(r(l - back, t, j) * r(l - back, u, j) for j in range(I)) + 0 * a["s"]
                  for u in range(t + 1)]  # fmt: skip
        weights = torch.softmax(torch.stack(scores), 0)
        return sum(weights[u] * r(l - back, u, i) for u in range(t + 1))

    return value


def _time_terms(choose: Choose, h: str, x: str) -> Term:
    """Return a term of the state at t, which reads the ones before and the stage before, ``x``."""
    back, one = choose([1, 1, 2]), choose([-1, 0, 0, 1])
    by = f"{one:+d}" if one else ""
    terms = {
        "dense": Term(f"sum_j(U_ij {h}[t-{back},j])",
            lambda _t, a, r, _l, t, i: sum(a["U"][i, j] * r(0, t - back, j) for j in range(I))),
        "own": Term(f"g_t {h}[t-{back},i{by}]",
            lambda _t, a, r, _l, t, i: a["g"][t] * r(0, t - back, i + one)),
        "input": Term(f"{x}[t{by},i] w_i",
            lambda _t, a, r, _l, t, i: r(1, t + one, i) * a["w"][i]),
        "product": Term(f"{x}_ti {h}[t-1,i]",
            lambda _t, a, r, _l, t, i: r(1, t, i) * r(0, t - 1, i)),
        "case": Term(f"where(t > 1, {h}[t-1,i], {x}[-1,i])",
            lambda _t, a, r, _l, t, i: r(0, t - 1, i) if t > 1 else r(1, T - 1, i)),
        "lags": Term(f"sum_k(v_k {h}[t-k-1,i])",
            lambda _t, a, r, _l, t, i: sum(a["v"][k] * r(0, t - k - 1, i) for k in range(K))),
    }  # fmt: skip
    return terms[choose([*terms])]


def _sum(terms: Sequence[Term]) -> Term:
    return Term(" + ".join(x.text for x in terms), lambda *at: sum(x.value(*at) for x in terms))


def _stacked(torch: Any, entry: Callable[[int, int], Any]) -> Any:
    return torch.stack([torch.stack([entry(t, i) + 0.0 for i in range(I)]) for t in range(T)])


def _inside(y: Any, t: int, i: int) -> Any:
    inside = 0 <= t < T and 0 <= i < I
    return y[t, i] if inside else y.new_zeros(())


def _layers(choose: Choose, n: int) -> Stage:
    """A recurrence over layers, perhaps with a gate of its own, begun by the stage before."""
    z, x, y = f"Z{n}", f"Y{n - 1}", f"Y{n}"
    body = _applied(choose, _sum([
        _applied(choose, _layer_terms(choose, z)) for _ in range(choose([1, 2]))]))  # fmt: skip
    gate = _layer_terms(choose, z) if choose([False, True]) else None
    out = choose(["last", "mean", "weighted"])
    lines = [f"{z}[l,t,i] = {z}[l-1,t,i] / 2 + {body.text}"]
    if gate is not None:
        lines = [f"G{n}_lti = sigmoid({gate.text})",
                 f"{z}[l,t,i] = G{n}_lti ({body.text}) + (1 - G{n}_lti) {z}[l-1,t,i]"]  # fmt: skip
    lines.append(f"{z}[l<0,t,i] = {x}_ti")
    ends = {"last": f"{z}[-1,t,i]", "mean": f"mean_l({z}_lti)", "weighted": f"sum_l(a_l {z}_lti)"}
    lines.append(f"{y}_ti = {ends[out]}")

    def entries(torch: Any, a: Mapping[str, Any], before: Any) -> Any:
        found: list[Any] = []

        def read(l: int, t: int, i: int) -> Any:
            return _inside(before if l < 0 else found[l], t, i)

        def entry(l: int, t: int, i: int) -> Any:
            new = body.value(torch, a, read, l, t, i)
            if gate is None:
                return read(l - 1, t, i) / 2 + new
            share = torch.sigmoid(gate.value(torch, a, read, l, t, i) + 0 * a["s"])
            return share * new + (1 - share) * read(l - 1, t, i)

        for l in range(L):
            found.append(_stacked(torch, lambda t, i, l=l: entry(l, t, i)))
        if out == "last":
            return found[-1]
        return sum(z * (1 / L if out == "mean" else a["a"][l]) for l, z in enumerate(found))

    return Stage(tuple(lines), entries)


def _times(choose: Choose, n: int) -> Stage:
    """A recurrence over time, perhaps with a cell beside the state."""
    h, x, y, c = f"H{n}", f"Y{n - 1}", f"Y{n}", f"C{n}"
    body = _applied(choose, _sum([
        _applied(choose, _time_terms(choose, h, x)) for _ in range(choose([1, 2, 2]))
    ]))  # fmt: skip
    cell, begun = choose([False, True]), choose([False, True])
    lines = [f"{h}[t,i] = ({body.text} + {x}_ti + {h}[t-1,i]) / 3"]
    if cell:
        lines = [f"{c}[t,i] = ({body.text} + {x}_ti + {c}[t-1,i]) / 3",
                 f"{h}[t,i] = tanh({c}_ti) sigmoid({h}[t-1,i])"]  # fmt: skip
    lines += [f"{h}[t<0,i] = h0_i"] * begun + [f"{y}_ti = {h}_ti"]

    def entries(torch: Any, a: Mapping[str, Any], before: Any) -> Any:
        states: dict[tuple[int, int], Any] = {}
        cells: dict[tuple[int, int], Any] = {}
        zero = a["s"] * 0

        def read(which: int, t: int, i: int) -> Any:
            if which:
                return _inside(before, t, i)
            if t < 0 and begun and 0 <= i < I:
                return a["h0"][i]
            return states.get((t, i), zero)

        for t in range(T):
            for i in range(I):
                total = body.value(torch, a, read, 0, t, i) + before[t, i]
                if cell:
                    cells[t, i] = (total + cells.get((t - 1, i), zero)) / 3
                    states[t, i] = torch.tanh(cells[t, i]) * torch.sigmoid(read(0, t - 1, i))
                else:
                    states[t, i] = (total + read(0, t - 1, i)) / 3
        return _stacked(torch, lambda t, i: states[t, i])

    return Stage(tuple(lines), entries)


def _plain(choose: Choose, n: int) -> Stage:
    """What has no recurrence: a window, a condition, a softmax."""
    x, y = f"Y{n - 1}", f"Y{n}"

    def window(torch: Any, a: Any, b: Any) -> Any:
        return _stacked(torch, lambda t, i: sum(
            (a["v"][k] * _inside(b, t + k - 1, i) for k in range(K)), b[t, i] / 2))  # fmt: skip

    def case(torch: Any, a: Any, b: Any) -> Any:
        return _stacked(torch, lambda t, i: torch.sin(b[t, i]) if i <= t else b[t, i] * a["s"])

    line, entries = choose([
        (f"{y}_ti = {x}_ti / 2 + sum_k(v_k {x}[t+k-1,i])", window),
        (f"{y}_ti = where(i <= t, sin({x}_ti), {x}_ti s)", case),
        (f"{y}_ti = softmax_i({x}_ti)", lambda torch, _a, b: torch.softmax(b, -1)),
    ])  # fmt: skip
    return Stage((line,), entries)


def stacked(choose: Choose) -> Stacked:
    """Return a model; ``choose`` takes one of a sequence."""
    kinds = choose([(_layers,), (_layers, _times), (_times, _layers), (_layers, _layers),
                    (_plain, _layers), (_times, _layers, _times), (_times, _times)])  # fmt: skip
    stages = tuple(kind(choose, n) for n, kind in enumerate(kinds, 1))
    return Stacked(stages, choose(["squares", "last", "softmax", "middle"]))
