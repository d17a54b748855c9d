"""Identifiers for tensors: close to the model's own names, and never one that Python or the
module needs."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Container

MAX_LENGTH = 24

RESERVED = frozenset(keyword.kwlist) | {
    # what the lines of a function with tensors may call, or be called by
    "np", "jnp", "jax", "torch", "math", "einsum", "check_shapes", "filled", "joined", "parted",
    "forward", "backward", "abs", "max", "min", "pow", "round", "tuple", "self", "nn",
}  # fmt: skip
OF_NN_MODULES = {
    "training", "apply", "eval", "parameters", "modules", "children", "buffers", "compile",
    "share_memory", "zero_grad", "state_dict", "load_state_dict", "extra_repr", "requires_grad_",
    "type", "half", "double", "bfloat16", "cpu", "cuda", "ipu", "xpu", "mtia", "to", "to_empty",
    "add_module", "register_buffer", "register_parameter", "get_parameter", "get_buffer",
    "named_parameters", "named_modules", "named_children", "named_buffers", "dump_patches",
    "call_super_init", "get_submodule", "set_submodule", "register_module", "get_extra_state",
    "set_extra_state", "T_destination", "float", "train",
}  # fmt: skip
"""Attributes of torch.nn.Module, which parameters must not hide."""


def identifier(text: str) -> str:
    """Return an identifier that reads like ``text``.

    >>> [identifier(x) for x in ("W1", "dL/dW1", "d2L/dw dw", "W^{(1)}", "lambda", "1x", "é")]
    ['W1', 'dL_dW1', 'd2L_dw_dw', 'W_1', 'lambda_', 'x1x', 'e']
    """
    plain = unicodedata.normalize("NFKD", text).replace("'", "_prime")
    greek = "".join(_spelled(c) for c in plain if not unicodedata.combining(c))
    name = re.sub(r"[^0-9A-Za-z]+", "_", greek).strip("_")[:MAX_LENGTH].rstrip("_")
    if not name or name[0].isdigit():
        name = f"x{name}"
    return f"{name}_" if name in RESERVED else name


def _spelled(c: str) -> str:
    if c.isascii():
        return c
    words = unicodedata.name(c, "").split()
    if words[:1] == ["GREEK"]:
        word = words[-1]
        return word.capitalize() if "CAPITAL" in words else word.lower()
    return "_"


class Namespace:
    """Hands out identifiers, each once.

    >>> names = Namespace()
    >>> names.new("x"), names.new("x"), names.new("np")
    ('x', 'x_2', 'np_')
    """

    def __init__(self, reserved: Container[str] = ()) -> None:
        self._reserved = reserved
        self._taken: set[str] = set()

    def __contains__(self, name: object) -> bool:
        return name in self._taken

    def new(self, wanted: str) -> str:
        """Return an identifier like ``wanted`` that nothing else has."""
        first = identifier(wanted)
        name, count = f"{first}_" if first in self._reserved else first, 1
        while name in self._taken or name in self._reserved:
            count += 1
            name = f"{first}{'' if first.endswith('_') else '_'}{count}"
        self._taken.add(name)
        return name
