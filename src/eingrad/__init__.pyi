"""The public surface. `__init__.py` loads each name from where this file says, when it is used."""

from .api.derivatives import Derivatives, Gradient
from .api.model import Model, parse
from .calculus.optim import Optimizer, adam, momentum, sgd
from .check import Verdict
from .derivation.steps import Step
from .engine import Function
from .errors import (
    BackendError,
    DataError,
    DifferentiationError,
    EingradError,
    MemoryLimitError,
    NotationError,
    Position,
    ShapeError,
)

__version__: str

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
