"""Identifiers for tensors: close to the model's own names, and never one that Python or the
module needs."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata

from eingrad.core.functions import canonical

MAX_LENGTH = 24

RESERVED = frozenset(keyword.kwlist) | frozenset(keyword.softkwlist) | frozenset(dir(builtins)) | {
    # modules and what the modules define
    "np", "jnp", "jax", "torch", "F", "nn", "math", "sys", "partial", "annotations", "Any",
    "Array", "Tensor", "Saved", "AXES", "WRT", "STEP", "TOLERANCE", "einsum", "check_shapes",
    "random_data", "forward", "backward", "value", "check_gradient", "check_double_backward",
    "train_step", "initial_state", "train", "central_differences", "Model", "Function", "main",
    "defvjp", "pull_back", "derivatives",
    # local names in them
    "ctx", "self", "cls", "saved", "state", "seed", "data", "rng", "g", "gradients", "inputs",
    # helpers, beside the functions of the tables
    "scatter", "uniform", "signed", "one_hot", "simplex", "symmetric", "definite",
    # attributes of torch.nn.Module, which parameters must not hide
    "training", "apply", "eval", "parameters", "modules", "children", "buffers", "compile",
    "share_memory", "zero_grad", "state_dict", "load_state_dict", "extra_repr", "requires_grad_",
    "type", "half", "double", "bfloat16", "cpu", "cuda", "ipu", "xpu", "mtia", "to", "to_empty",
    "add_module", "register_buffer", "register_parameter", "get_parameter", "get_buffer",
    "named_parameters", "named_modules", "named_children", "named_buffers", "dump_patches",
    "call_super_init", "get_submodule", "set_submodule", "register_module", "get_extra_state",
    "set_extra_state", "T_destination",
}  # fmt: skip


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
    return f"{name}_" if is_reserved(name) else name


def is_reserved(name: str) -> bool:
    """Whether Python or a module needs a name: functions of the notation are among them."""
    return name in RESERVED or canonical(name) is not None


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

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def new(self, wanted: str) -> str:
        """Return an identifier like ``wanted`` that nothing else has."""
        first = identifier(wanted)
        name, count = first, 1
        while name in self._taken or is_reserved(name):
            count += 1
            name = f"{first}{'' if first.endswith('_') else '_'}{count}"
        self._taken.add(name)
        return name
