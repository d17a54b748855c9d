"""A layer: tensors of a model, and the pull-back of their cotangents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from eingrad.api.models.model_derivatives import Derivatives
from eingrad.calculus.facts import tensors_assumed
from eingrad.codegen.layer_module import layer_source
from eingrad.codegen.layer_plan import Save
from eingrad.codegen.targets import TargetName
from eingrad.errors import EingradError
from eingrad.notation.system import System


class Layer(Derivatives):
    """What `Model.vjp` returns: the gradients of outputs times cotangents, and the layer itself.

    ``outputs`` are the tensors that its forward pass gives.
    """

    def __init__(self, pulled: Derivatives, model: System, outputs: Sequence[str]) -> None:
        self.__dict__.update(pulled.__dict__)
        self.model, self.outputs = model, tuple(outputs)

    def source(
        self,
        target: TargetName,
        *,
        matmul: bool = True,
        optimizer: Any = None,
        functions: Mapping[str, str] | None = None,
        save: Save = None,
    ) -> str:
        """Return a standalone module of the layer for ``"numpy"``, ``"torch"`` or ``"jax"``.

        ``forward(*inputs)`` returns the outputs and what ``backward(saved, dY)`` needs for the
        gradients; ``value(*inputs)`` the outputs alone (an ``autograd.Function`` for PyTorch, a
        ``custom_vjp`` for JAX); ``jvp(inputs, tangents)`` the outputs and how they move, with None
        for an input that stays. Products are named one by one, so that none is computed twice.
        ``save`` says what `backward` takes from `forward`: all that it names, ``"inputs"`` for
        nothing but those, or a list of names; the rest is computed again, and the docstring has
        the bytes. Raises EingradError as `Derivatives.source` does.

        >>> from eingrad import parse
        >>> text = parse("Y_bo = tanh(X_bi W_io)").vjp("Y", ["X", "W"]).source("torch")
        >>> print(text.split("def backward")[1].split("# ")[1].split("\\n")[0])
        dL/du1_bo = dY_bo (1 - Y_bo^2)
        """
        if optimizer is not None:
            raise EingradError(
                "a layer has no training step: its loss is the caller's",
                hint="leave out the optimizer, or write a module for a scalar",
            )
        system = self.model
        if target != "numpy" and not tensors_assumed(system).isdisjoint(self.wrt):
            system = replace(system, facts=())
        return layer_source(
            system, self.outputs, self.wrt, target, matmul=matmul, functions=functions, save=save
        )
