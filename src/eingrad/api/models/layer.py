"""A layer: tensors of a model, and the pull-back of their cotangents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eingrad.api.models.compile_graph import compile_graph
from eingrad.api.models.model_derivatives import Derivatives
from eingrad.calculus.facts import tensors_assumed
from eingrad.core.expr import Expr, Var, variables
from eingrad.core.later import Later
from eingrad.core.recurrences import in_loops, inlined
from eingrad.core.rewrite import substitute
from eingrad.errors import EingradError
from eingrad.notation.system import System

if TYPE_CHECKING:
    from eingrad.codegen import layer_module, layer_plan
    from eingrad.codegen.layer_plan import LayerPlan, Save
    from eingrad.codegen.module_plan import Line
    from eingrad.codegen.targets import TargetName
    from eingrad.engine.library import BackendName
else:
    layer_module = Later("eingrad.codegen.layer_module")
    layer_plan = Later("eingrad.codegen.layer_plan")


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
        return layer_module.layer_source(
            system, self.outputs, self.wrt, target, matmul=matmul, functions=functions, save=save
        )

    def compile(  # type: ignore[override]  # it is called the same
        self, backend: BackendName = "numpy", *, save: Save = None, **options: Any
    ) -> LayerFunction | Any:
        """Compile the layer; ``save`` is that of `source`, the options are `Derivatives.compile`'s.

        ``f.forward(*inputs)`` returns the outputs and what ``f.backward(saved, dY)`` needs for the
        gradients; ``f.value(*inputs)`` the outputs alone. Inputs are in the order of ``f.inputs``,
        or by name. ``f(**arrays)`` takes the cotangents by name and returns a dict.

        >>> import numpy as np
        >>> from eingrad import parse
        >>> f = parse("y_i = A_ij x_j").vjp("y", ["x"]).compile()
        >>> y, saved = f.forward(np.eye(2), np.array([1.0, 2.0]))
        >>> y, f.backward(saved, np.array([3.0, 4.0]))
        (array([1., 2.]), (array([3., 4.]),))
        """
        pulled = super().compile(backend, **options)
        if options.get("update") is not None:
            return pulled
        functions = options.get("functions") or {}
        system = self.model
        if backend != "numpy":
            system = replace(system, facts=())
        plan = layer_plan.make_layer_plan(system, self.outputs, self.wrt, functions, save)
        return LayerFunction(pulled, plan, backend, options)


class LayerFunction:
    """A compiled layer: `forward`, `backward` and `value`; called by name, its pull-back."""

    def __init__(
        self, pulled: Any, plan: LayerPlan, backend: str, options: Mapping[str, Any]
    ) -> None:
        self._pulled, self._plan = pulled, plan
        self.inputs = tuple(v.name for v in plan.inputs)
        self.outputs = tuple(v.name for v in plan.outputs)
        self.wrt = tuple(result.wrt for result in plan.results)
        given = {v.name for v in plan.inputs}
        self.computed = tuple(v.name for v in plan.saved if v.name not in given)
        graph = _graph(plan.forward)
        wanted = dict.fromkeys((*self.outputs, *self.computed))
        self._forward = _compiled(plan, plan.inputs, graph, wanted, backend, options)
        known = (*plan.saved, *plan.cotangents)
        results = {r.var.name: None for r in plan.results}
        self._backward = _compiled(plan, known, _graph(plan.backward), results, backend, options)

    def __call__(self, /, **arrays: Any) -> Any:
        return self._pulled(**arrays)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._pulled, name)

    def forward(self, *inputs: Any, **named: Any) -> tuple[Any, tuple[Any, ...]]:
        """Return the outputs, one or a tuple, and what `backward` needs."""
        if len(inputs) > len(self.inputs):
            raise EingradError(f"{len(inputs)} inputs are given; they are {', '.join(self.inputs)}")
        given = {**dict(zip(self.inputs, inputs, strict=False)), **named}
        found = self._forward(**given)
        own = tuple(found[name] for name in self.outputs)
        saved = tuple({**given, **found}[v.name] for v in self._plan.saved)
        return own[0] if len(own) == 1 else own, saved

    def backward(self, saved: tuple[Any, ...], *cotangents: Any) -> tuple[Any, ...]:
        """Return the gradients by ``wrt``, in this order, from a cotangent for each output."""
        names = [v.name for v in (*self._plan.saved, *self._plan.cotangents)]
        arrays = (*saved, *cotangents)
        if len(arrays) != len(names):
            raise EingradError(
                f"{len(cotangents)} cotangents are given; the outputs are {', '.join(self.outputs)}"
            )
        found = self._backward(**dict(zip(names, arrays, strict=True)))
        return tuple(found[result.var.name] for result in self._plan.results)

    def value(self, *inputs: Any, **named: Any) -> Any:
        """Return the outputs."""
        return self.forward(*inputs, **named)[0]


def _graph(lines: Sequence[Line]) -> dict[str, Expr]:
    """Return each line over what no line before it computes."""
    graph: dict[Expr, Expr] = {}
    for line in lines:
        inner: dict[Expr, Expr] = {v: graph[v] for v in variables(line.expr) if v in graph}
        graph[line.var] = substitute(line.expr, inner)
    whole = in_loops([*graph.values()], inlined)
    return {v.name: x for v, x in zip(graph, whole, strict=True) if isinstance(v, Var)}


def _compiled(
    plan: LayerPlan, inputs: Sequence[Var], graph: Mapping[str, Expr], wanted: Iterable[str],
    backend: str, options: Mapping[str, Any],
) -> Any:  # fmt: skip
    system = replace(plan.system, inputs={v.name: v for v in inputs})
    chosen = {k: options[k] for k in ("dtype", "memory_limit") if k in options}
    return compile_graph(
        system, {name: graph[name] for name in wanted}, wrt=[v.name for v in inputs],
        backend=backend, **chosen,
    )  # fmt: skip
