"""A model in index notation as a classifier: which tensor is what, its sizes, its functions.

The conventions, which `find_roles` checks:

* ``X_bi`` is the data: minibatch by pixels, in [0, 1]; its letters are the author's own.
* ``T_bo`` is the target: minibatch by classes, one-hot.
* ``L`` is the loss, a scalar; a mean over the minibatch, for the epoch's mean to be exact.
* The prediction is the last tensor that has the axes of ``T`` and does not depend on ``T``:
  class probabilities, their logarithms, or logits. The class is its largest entry.
* Every other input is a parameter. A matrix starts Glorot-uniform (Glorot and Bengio 2010):
  U(-a, a), a = sqrt(6 / (m + n)) for m x n; a tensor of higher order counts as (all but the last
  axis) x (the last axis), one with an entry for each step of a recurrence as these entries. Vectors
  and scalars start at 0.
* An axis that is neither pixels, classes nor minibatch has the size ``hidden``, or the one that the
  model states: ``assume size(l) = 4``.
* Every ``function`` that the model declares is the activation.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eingrad.api.models.model import Model, read_model
from eingrad.core.expr import Const, Dim, Size, Var, variables
from eingrad.core.recurrences import recurrences
from eingrad.engine import Function
from eingrad.engine.library import Library, load_library, to_numpy
from eingrad.errors import DataError, ShapeError
from eingrad.learn.mesh import MeshOptions, Pair, TrainingMesh
from eingrad.learn.settings import Settings

DATA, TARGET, LOSS = "X", "T", "L"
CONVENTIONS = "see the conventions of a trainable model: eingrad train --help"

Array = NDArray[Any]
NOTHING: Mapping[Dim, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Roles:
    """Which tensors of a model are the data, the target, the parameters and the prediction."""

    data: Var
    target: Var
    prediction: str
    parameters: tuple[Var, ...]

    @property
    def batch(self) -> Dim:
        """The axis along which examples are stacked."""
        return self.data.dims[0]

    @property
    def hidden(self) -> tuple[Dim, ...]:
        """The axes of parameters that are neither pixels nor classes."""
        given = {*self.data.dims, *self.target.dims}
        return tuple(dict.fromkeys(d for v in self.parameters for d in v.dims if d not in given))


def packaged_model(name: str = "mlp") -> str:
    """Return the text of the model that is trained when no other is named.

    ``mlp`` is a classifier, ``regression`` predicts numbers.

    >>> "softmax_o(A2_bo)" in packaged_model()
    True
    """
    return (resources.files("eingrad.learn") / "models" / f"{name}.ein").read_text("utf-8")


def find_roles(model: Model) -> Roles:
    """Return what each tensor of a model is to training. Raises `DataError` with what lacks.

    >>> find_roles(read_model(packaged_model())).prediction
    'Z2'
    """
    data = _input(model, DATA, "the data, minibatch by pixels: X_bi")
    target = _input(model, TARGET, "the one-hot targets, minibatch by classes: T_bo")
    if data.dims[0] != target.dims[0]:
        raise DataError(
            f"the first axes of {DATA} and {TARGET} are not the same minibatch",
            operand=TARGET,
            hint="give them one letter in one statement, as in X_bi and T_bo",
        )
    loss = model.system.definitions.get(LOSS)
    if loss is None or loss.expr.ndim:
        lacks = "no tensor L" if loss is None else f"{_name(model, LOSS)}, which is no scalar"
        raise DataError(f"the model has {lacks}", operand=LOSS, hint="the loss is the scalar L")
    parameters = tuple(v for name, v in model.inputs.items() if name not in (DATA, TARGET))
    if not parameters:
        raise DataError("the model has no parameters", hint="every input but X and T is one")
    for parameter in parameters:
        if data.dims[0] in parameter.dims:
            raise DataError(
                f"the parameter {_name(model, parameter.name)} has the axis of the minibatch",
                operand=parameter.name,
                hint="its size would change with the batch; every input but X and T is a parameter",
            )
    return Roles(data, target, _prediction(model, target), parameters)


def _input(model: Model, name: str, meaning: str) -> Var:
    hint = f"{name} must be {meaning}"
    if name in model.system.definitions:
        raise DataError(f"the model assigns {name}", operand=name, hint=hint)
    if name not in model.inputs:
        raise DataError(f"the model has no input {name}", operand=name, hint=hint)
    var = model.inputs[name]
    if var.ndim != 2 or var.dims[0] == var.dims[1]:
        raise DataError(
            f"the model's {_name(model, name)} has not two different axes", operand=name, hint=hint
        )
    return var


def _prediction(model: Model, target: Var) -> str:
    tainted, prediction = {target.name}, None
    for name, definition in model.system.definitions.items():
        if any(v.name in tainted for v in variables(definition.expr)):
            tainted.add(name)
        elif definition.expr.dims == target.dims:
            prediction = name
    if LOSS not in tainted:
        raise DataError(f"the loss does not depend on {TARGET}", operand=LOSS)
    if prediction is None:
        raise DataError(
            f"the model has no prediction: no tensor has the axes of {_name(model, TARGET)} "
            f"without depending on {TARGET}",
            operand=TARGET,
            hint="give the prediction a name of its own, as in Z2_bo = softmax_o(A2_bo)",
        )
    return prediction


def _name(model: Model, name: str) -> str:
    labels = model.labels.get(name, ())
    if not labels:
        return name
    if all(len(label) == 1 for label in labels):
        return f"{name}_{''.join(labels)}"
    return f"{name}[{','.join(labels)}]"


def parameter_shapes(
    roles: Roles, features: int, classes: int, hidden: int, assumed: Mapping[Dim, int] = NOTHING
) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter; ``assumed`` are the extents that the model states.

    Raises `ShapeError` where one axis has two sizes.
    """
    sizes: dict[Dim, int] = dict(assumed)
    for dim, size, what in (
        (roles.data.dims[1], features, "pixels"), (roles.target.dims[1], classes, "classes"),
    ):  # fmt: skip
        if sizes.setdefault(dim, size) != size or (isinstance(dim, int) and dim != size):
            raise ShapeError(
                f"the axis {dim!r} stands for {sizes[dim]} pixels and for {size} {what}",
                label=str(dim),
            )
    return {
        v.name: tuple(sizes.get(d, d if isinstance(d, int) else hidden) for d in v.dims)
        for v in roles.parameters
    }


def assumed_extents(model: Model) -> dict[Dim, int]:
    """Return the extents that a model states: ``assume size(l) = 4``."""
    facts = ((f.left, f.right) for f in model.system.facts)
    return {
        left.dim: right.value for left, right in facts
        if isinstance(left, Size) and isinstance(right, Const) and isinstance(right.value, int)
    }  # fmt: skip


def stacked_parameters(model: Model) -> frozenset[str]:
    """Return the inputs that have an entry for each step of a recurrence, as their first axis."""
    definitions = model.system.definitions
    steps = {
        definitions[name].expr.dims[axis]
        for found in recurrences(model.system.exprs) for name, axis in found.axes.items()
    }  # fmt: skip
    return frozenset(n for n, var in model.inputs.items() if var.dims and var.dims[0] in steps)


def initial_values(
    shapes: Mapping[str, tuple[int, ...]],
    rng: np.random.Generator,
    dtype: Any,
    stacked: Collection[str] = (),
) -> dict[str, Array]:
    """Draw the parameters that a run starts from; ``stacked`` ones are drawn layer by layer.

    >>> w = initial_values({"W": (2, 4)}, np.random.default_rng(0), np.float32)["W"]
    >>> w.shape, bool(abs(w).max() < 1)
    ((2, 4), True)
    """
    values = {}
    for name, shape in shapes.items():
        values[name] = np.zeros(shape, dtype)
        own = shape[1:] if name in stacked else shape
        if len(own) > 1:
            bound = math.sqrt(6 / (math.prod(own[:-1]) + own[-1]))
            values[name][...] = rng.uniform(-bound, bound, shape)
    return values


class Learner:
    """A model with its parameters, compiled for one kind of image.

    ``parameters`` are there once they are drawn or loaded; they are arrays of the backend's.
    """

    def __init__(
        self, text: str, settings: Settings, image_shape: tuple[int, int], classes: int,
        mesh: MeshOptions | None = None, device: str | None = None,
    ) -> None:  # fmt: skip
        self.text, self.settings = text, settings
        self.image_shape, self.classes = image_shape, classes
        self.dtype = np.dtype(settings.dtype)
        self.model = read_model(text)
        self.roles = find_roles(self.model)
        features = math.prod(image_shape)
        self.shapes = parameter_shapes(
            self.roles, features, classes, settings.hidden, assumed_extents(self.model)
        )
        self.library: Library = load_library(settings.backend)
        self.device = device
        if device is not None:
            self.library.check_device(device)
        self.parameters: dict[str, Any] = {}
        self._options: dict[str, Any] = {
            "backend": settings.backend,
            "dtype": self.dtype,
            "functions": dict.fromkeys(self.model.system.functions, settings.activation),
        }
        self.mesh = None
        if mesh is not None:
            roles, backend = self.roles, settings.backend
            self.mesh = TrainingMesh(mesh, self.model, roles.batch, roles.hidden, backend)
            self.mesh.check_batch_size(settings.batch_size)
        self._predict = self.model.compile([self.roles.prediction], **self._options)

    @property
    def parameter_count(self) -> int:
        """How many numbers are learned."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def draw_parameters(self, rng: np.random.Generator) -> None:
        """Start afresh."""
        stacked = stacked_parameters(self.model)
        self._begin_with(initial_values(self.shapes, rng, self.dtype, stacked))

    def load_parameters(self, values: Mapping[str, Array]) -> None:
        """Take over the parameters of a checkpoint. Raises `DataError` where they do not fit."""
        found = {name: x.shape for name, x in values.items()}
        if found != self.shapes:
            raise DataError(
                f"the checkpoint's parameters are {_list(found)}; the model's are "
                f"{_list(self.shapes)}"
            )
        self._begin_with({name: np.array(x, self.dtype) for name, x in values.items()})

    def _begin_with(self, values: Mapping[str, Array]) -> None:
        if self.mesh:  # the first step places it there
            self.parameters = {name: np.array(x) for name, x in values.items()}
            return
        own = self.library.own_copy
        self.parameters = {name: own(x, self.device) for name, x in values.items()}

    def compile_training(self) -> tuple[Function | Pair, Function | Pair]:
        """Return the training step, which updates the parameters in place, and the evaluation.

        Both take data, targets and parameters; the first returns the loss, the second the loss
        and the prediction.
        """
        gradients = self.model.grad(LOSS, wrt=[v.name for v in self.roles.parameters])
        update, wanted = self.settings.make_optimizer(), [self.roles.prediction, LOSS]
        step = partial(gradients.compile, update=update, **self._options)
        evaluate = partial(self.model.compile, wanted, **self._options)
        if self.mesh is not None:
            pair = self.mesh.compile(step)
            for name, shape in self.shapes.items():
                pair.split.check_shape(name, shape)
            return pair, self.mesh.compile(evaluate)
        function = step()
        assert isinstance(function, Function)
        return function, evaluate()

    def scores(self, pixels: Array) -> Array:
        """Return the prediction (b, o) for pixels (b, i)."""
        outputs = self.call(self._predict, {DATA: pixels}, len(pixels))
        return outputs[self.roles.prediction]

    def call(
        self, function: Function | Pair, arrays: Mapping[str, Array], size: int
    ) -> dict[str, Array]:
        """Call a compiled function with what it takes of ``arrays`` and the parameters.

        ``arrays`` are this process's rows of a minibatch of ``size``. Parameters that the function
        returns anew (JAX) replace the old ones.
        """
        if isinstance(function, Pair):
            run: Function
            run, moved = function.for_batch(size, arrays)
        else:
            run, learned = function, list(self.parameters.values())
            moved = {name: self.library.as_array(name, x, learned) for name, x in arrays.items()}
        given = {**moved, **self.parameters}
        with np.errstate(all="ignore"):  # what is not finite is told by what comes out
            results = run(**{var.name: given[var.name] for var in run.inputs})
        new = {name: x for name, x in results.items() if name in self.parameters}
        self.parameters.update(new)
        return {name: to_numpy(x) for name, x in results.items() if name not in new}

    def probabilities(self, pixels: Array) -> Array:
        """Return the probabilities of the classes (b, o), in float64, for pixels (b, i).

        A prediction that is none yet goes through a softmax, which is right for logits and for
        the logarithms of probabilities.
        """
        weights: Array = self.scores(pixels).astype(np.float64)
        with np.errstate(all="ignore"):  # damaged parameters may give what is not a number
            sums = weights.sum(axis=1, keepdims=True)
            if (weights < 0).any() or not np.allclose(sums, 1, atol=1e-3):
                weights = np.exp(weights - weights.max(axis=1, keepdims=True))
                sums = weights.sum(axis=1, keepdims=True)
            probabilities: Array = weights / sums
        return probabilities


def _list(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {' x '.join(map(str, s)) or 'scalar'}" for name, s in shapes.items())
