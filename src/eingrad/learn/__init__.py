"""Training: data sets, an ``.ein`` model that learns, the loop, checkpoints, plots.

`Classifier` and `Regressor` are scikit-learn's estimators, which is imported when one is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eingrad.learn.estimators import Classifier, Regressor

__all__ = ["Classifier", "Regressor"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("eingrad.learn.estimators"), name)
