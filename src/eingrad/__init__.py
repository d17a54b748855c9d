"""eingrad: calculus on einsum.

Write a model in index notation; eingrad derives its gradients step by step, runs them and trains
with them.

>>> import eingrad as eg
>>> model = eg.parse('''
... z_b = X_bi w_i
... L = mean_b((z_b - y_b)^2) / 2
... ''')
>>> print(model.grad("L", ["w"])["w"])
dL/dw_i = X_bi (z_b - y_b) / size(b)
"""

from eingrad.api.derivatives import Derivatives, Gradient
from eingrad.api.model import Model, parse
from eingrad.calculus.optim import Optimizer, adam, momentum, sgd
from eingrad.check import Verdict
from eingrad.derivation.steps import Step
from eingrad.engine import Function
from eingrad.errors import (
    BackendError,
    DataError,
    DifferentiationError,
    EingradError,
    MemoryLimitError,
    NotationError,
    Position,
    ShapeError,
)

__version__ = "0.1.0"

__all__ = [
    "BackendError",
    "DataError",
    "Derivatives",
    "DifferentiationError",
    "EingradError",
    "Function",
    "Gradient",
    "MemoryLimitError",
    "Model",
    "NotationError",
    "Optimizer",
    "Position",
    "ShapeError",
    "Step",
    "Verdict",
    "adam",
    "momentum",
    "parse",
    "sgd",
]
