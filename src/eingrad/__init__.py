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

from typing import Any

import lazy_loader

from eingrad.surface import SURFACE

__version__ = "0.1.0"

__getattr__: Any
__dir__: Any
__all__: list[str]
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={module: names.split() for module, names in SURFACE.items()}
)
