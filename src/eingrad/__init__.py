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

from difflib import get_close_matches
from importlib import import_module
from typing import Any

import lazy_loader

from eingrad.surface import ELEMENTWISE, SURFACE

__version__ = "0.2.0"

_listed: Any
__dir__: Any
__all__: list[str]
_listed, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={module: names.split() for module, names in SURFACE.items()}
)


def __getattr__(name: str) -> Any:
    """Return what the surface lists, or a function that was added to the table."""
    if name in __all__:
        return _listed(name)
    added = None if name.startswith("_") else import_module(f"{__name__}.{ELEMENTWISE}")
    if not hasattr(added, name):
        spelled = {known.lower(): known for known in __all__}
        near = get_close_matches(name.lower(), spelled, 1, 0.7) or [
            known for known in spelled if len(known) > 3 and name.lower().startswith(known)
        ]
        hint = f"; did you mean {spelled[near[0]]}?" if near and not name.startswith("_") else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}", name=name)
    return getattr(added, name)


def load_ipython_extension(shell: Any) -> None:
    """Give a notebook the cell magic ``%%ein``: ``%load_ext eingrad``."""
    import_module(f"{__name__}.api.models.notebook").register(shell)
