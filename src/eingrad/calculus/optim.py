"""Optimizers as formulas: the new value of a parameter from its gradient, all of them `Expr`.

What an optimizer remembers between steps (a momentum, a step count) is one more input tensor
with a new value of its own; so a whole training step is one program, whatever runs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from types import MappingProxyType

from eingrad.core.algebra import Infix
from eingrad.core.expr import Const, Expr, Var
from eingrad.errors import EingradError


@dataclass(frozen=True, slots=True)
class StateTensor:
    """A tensor that lives from step to step: every entry is ``initial`` before the first one."""

    var: Var
    initial: int
    new_value: Expr


@dataclass(frozen=True, slots=True)
class NewValues:
    """One step of one parameter; ``state`` maps a name (``"adam/m/W1"``) to its tensor.

    Parameters may share a state tensor (``"adam/t"``): it is then the same in each of their steps.
    """

    new_value: Expr
    state: Mapping[str, StateTensor]


@dataclass(frozen=True, slots=True)
class Optimizer:
    """A rule for new parameters, immutable; made by `sgd`, `momentum` or `adam`.

    >>> sgd(lr=0.1)
    sgd(lr=0.1)
    """

    name: str
    settings: Mapping[str, float] = field(hash=False)
    rule: Callable[[Var, Expr], NewValues] = field(compare=False)

    def step(self, param: Var, gradient: Expr) -> NewValues:
        """Return the new value of ``param``, and of the state, after a step with ``gradient``.

        >>> w = Var("w", ("i",))
        >>> sorted(adam().step(w, w).state)
        ['adam/m/w', 'adam/t', 'adam/v/w']
        """
        if param.dims != gradient.dims:
            raise EingradError(
                f"the gradient of {param.name} has the axes {gradient.dims}, "
                f"{param.name} itself {param.dims}",
                operand=param.name,
            )
        return self.rule(param, gradient)

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{self.name}({settings})"


def sgd(lr: float = 0.01) -> Optimizer:
    """Stochastic gradient descent: ``p <- p - lr g``.

    >>> str(sgd().step(Var("w", ()), Const(0)).new_value.fields()[0])
    'w'
    """
    settings = _checked("sgd", lr=lr)

    def rule(param: Var, gradient: Expr) -> NewValues:
        return NewValues((Infix(param) - lr * Infix(gradient)).expr, {})

    return Optimizer("sgd", settings, rule)


def momentum(lr: float = 0.01, beta: float = 0.9) -> Optimizer:
    """Descent with momentum: ``v <- beta v + g; p <- p - lr v``.

    As Sutskever et al. 2013, but with their factor lr taken out of v: this is
    ``torch.optim.SGD(momentum=beta)`` with no dampening.

    >>> momentum(beta=0.5)
    momentum(lr=0.01, beta=0.5)
    """
    settings = _checked("momentum", lr=lr, beta=beta)

    def rule(param: Var, gradient: Expr) -> NewValues:
        name = f"momentum/{param.name}"
        velocity = Var(name, param.dims)
        new_velocity = beta * Infix(velocity) + Infix(gradient)
        new_value = Infix(param) - lr * new_velocity
        return NewValues(new_value.expr, {name: StateTensor(velocity, 0, new_velocity.expr)})

    return Optimizer("momentum", settings, rule)


def adam(
    lr: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
) -> Optimizer:
    """Adam (Kingma and Ba 2015, algorithm 1), as ``torch.optim.Adam``.

    ``m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;
    p <- p - lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)`` in step t = 1, 2, ...

    >>> adam(lr=0.01)
    adam(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-08)
    """
    settings = _checked("adam", lr=lr, beta1=beta1, beta2=beta2, eps=eps)

    def rule(param: Var, gradient: Expr) -> NewValues:
        names = ("adam/t", f"adam/m/{param.name}", f"adam/v/{param.name}")
        count, mean, square = (
            Var(name, dims) for name, dims in zip(names, ((), param.dims, param.dims), strict=True)
        )
        g = Infix(gradient)
        t = Infix(count) + 1
        m = beta1 * Infix(mean) + (1 - beta1) * g
        v = beta2 * Infix(square) + (1 - beta2) * g * g
        step_size = lr / _bias_correction(beta1, t)
        scale = 1 / _bias_correction(beta2, t)("sqrt")
        new_value = Infix(param) - step_size * m / (scale * v("sqrt") + eps)
        state = zip(names, (count, mean, square), (t, m, v), strict=True)
        return NewValues(new_value.expr, {n: StateTensor(x, 0, new.expr) for n, x, new in state})

    return Optimizer("adam", settings, rule)


def _bias_correction(beta: float, t: Infix) -> Infix:
    """Return ``1 - beta^t``, without the cancellation that float32 has at small t."""
    if beta == 0:
        return Infix(Const(1))
    return -(t * math.log(beta))("expm1")


OPTIMIZERS: Mapping[str, Callable[..., Optimizer]] = MappingProxyType(
    {"sgd": sgd, "momentum": momentum, "adam": adam}
)


def _checked(name: str, **settings: float) -> Mapping[str, float]:
    """Check hyper-parameters: a rate is positive, an averaging factor lies in [0, 1)."""
    for key, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, Real):
            raise EingradError(f"{name}: {key} must be a number, not {value!r}", operand=key)
        good = 0 <= value < 1 if key.startswith("beta") else 0 < value < math.inf
        if not good:
            wanted = "at least 0 and below 1" if key.startswith("beta") else "positive and finite"
            raise EingradError(
                f"{name}: {key} = {value} must be {wanted}",
                operand=key,
                hint=f"the usual value is {USUAL[name][key]}",
            )
    return MappingProxyType({key: float(value) for key, value in settings.items()})


USUAL = {
    "sgd": {"lr": 0.1},
    "momentum": {"lr": 0.1, "beta": 0.9},
    "adam": {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
}
