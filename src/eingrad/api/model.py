"""The symbolic side of the Python surface: a model in notation, its derivatives, their steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from eingrad.calculus.bind import bind_functions
from eingrad.calculus.optim import Optimizer, StateTensor
from eingrad.calculus.reverse import Adjoint, adjoint_name, recognise, reverse, tensor
from eingrad.calculus.rules import STABLE, apply_rules
from eingrad.calculus.simplify import simplify
from eingrad.calculus.structure import cost
from eingrad.core.algebra import substitute
from eingrad.core.expr import Expr, Var, variables
from eingrad.derivation import render
from eingrad.derivation.labels import Names, to_formula
from eingrad.derivation.matrix import matrix_text
from eingrad.derivation.steps import Deriver, Step
from eingrad.engine import Function, compile_program
from eingrad.errors import EingradError
from eingrad.notation.lower import lower
from eingrad.notation.parse import parse_statements
from eingrad.notation.syntax import Assignment, Derivative, Formula, Statement, Symbol
from eingrad.notation.system import System
from eingrad.notation.text import to_text

UNFOLD_COST = 60.0  # a result longer than this speaks of intermediate derivatives by name

Functions = Mapping[str, str | tuple[Callable[..., Any], ...]]


def parse(text: str) -> Model:
    """Read a model in index notation.

    Raises NotationError, with line, column and a hint, where the text is not one.

    >>> print(parse("z_i = W_ij x_j  # a layer"))
    z_i = W_ij x_j
    """
    statements = parse_statements(text)
    return Model(statements, lower(statements))


class Model:
    """A list of definitions in index notation; printing it gives the notation back.

    ``inputs`` are the tensors that are never assigned, ``labels`` the letters of each tensor's
    axes where it is first written.
    """

    def __init__(self, statements: Sequence[Statement], system: System) -> None:
        self.statements = tuple(statements)
        self.system = system

    def __str__(self) -> str:
        return "\n".join(to_text(s) for s in self.statements)

    def __repr__(self) -> str:
        return f"Model({str(self)!r})"

    @property
    def inputs(self) -> Mapping[str, Var]:
        """The tensors that are never assigned, in order of first use."""
        return self.system.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """The assigned tensors, each after those that it needs."""
        return tuple(self.system.definitions)

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """The labels of each tensor's axes."""
        return self.system.labels

    def grad(self, of: str, wrt: Sequence[str] | str | None = None) -> Derivatives:
        """Derive the gradient of a scalar by each of ``wrt``, in one reverse pass.

        Without ``wrt``, by every input that the scalar depends on. Raises EingradError for a name
        that the model lacks, DifferentiationError where ``of`` is no scalar.

        >>> print(parse("L = (X_bi w_i - y_b)^2 / 2").grad("L", ["w"])["w"])
        Traceback (most recent call last):
        ...
        eingrad.errors.NotationError: ...
        """
        self._check(of)
        names = list(self.inputs) if wrt is None else [wrt] if isinstance(wrt, str) else list(wrt)
        for name in names:
            self._check(name)
        if of not in self.system.definitions:
            raise EingradError(
                f"{of} is an input: it depends on nothing else",
                operand=of,
                hint=f"assigned are {', '.join(self.outputs)}",
            )
        return Derivatives(self, of, names)

    def compile(
        self,
        outputs: Sequence[str] | None = None,
        *,
        backend: str = "numpy",
        functions: Functions | None = None,
        dtype: Any = None,
    ) -> Function:
        """Compile the model's own tensors, all assigned ones if ``outputs`` is not given.

        >>> import numpy as np
        >>> f = parse("z_i = W_ij x_j").compile()
        >>> f(W=np.eye(2), x=np.array([1.0, 2.0]))["z"]
        array([1., 2.])
        """
        names = list(self.outputs) if outputs is None else list(outputs)
        for name in names:
            self._check(name)
        system = recognise(self.system, ())
        graph = whole_graph(system, {})
        wanted = {name: graph[tensor(system, name)] for name in names}
        return compile_graph(self, wanted, backend=backend, functions=functions, dtype=dtype)

    def _check(self, name: str) -> None:
        if name not in self.system.inputs and name not in self.system.definitions:
            known = ", ".join([*self.system.inputs, *self.system.definitions])
            raise EingradError(
                f"the model has no tensor {name!r}", operand=name, hint=f"it has {known}"
            )


class Gradient:
    """One derivative as a formula; ``str()`` of it is a line of notation."""

    def __init__(self, formula: Assignment, expr: Expr) -> None:
        self.formula, self.expr = formula, expr

    def __str__(self) -> str:
        return to_text(self.formula)

    def __repr__(self) -> str:
        return f"Gradient({str(self)!r})"

    @property
    def labels(self) -> tuple[str, ...]:
        """The letters of its axes."""
        target = self.formula.target
        assert isinstance(target, Derivative)
        return target.wrt[0].labels


class Derivatives(Mapping[str, Gradient]):
    """The gradients of one scalar: a mapping from each tensor's name to its derivative."""

    def __init__(self, model: Model, of: str, wrt: Sequence[str]) -> None:
        self.model, self.of, self.wrt = model, of, tuple(wrt)
        self.system = recognise(model.system, {of, *wrt})
        self.adjoints: dict[str, Adjoint] = reverse(self.system, of, self.wrt)
        self._gradients: dict[str, Gradient] = {}
        self._deriver = Deriver(self.system, model.system, self.adjoints)

    def __getitem__(self, name: str) -> Gradient:
        if name not in self.wrt:
            raise KeyError(name)
        if name not in self._gradients:
            expr = self._unfolded(name)
            target, value = self._formula(name, expr)
            self._gradients[name] = Gradient(Assignment(target, value), expr)
        return self._gradients[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.wrt)

    def __len__(self) -> int:
        return len(self.wrt)

    def __str__(self) -> str:
        return "\n".join(str(self[name]) for name in self.wrt)

    def __repr__(self) -> str:
        return f"Derivatives({self.of!r}, wrt={list(self.wrt)!r})"

    def _unfolded(self, name: str) -> Expr:
        """Put the formulas of other adjoints in, as long as the result can be read."""
        whole = self.adjoints[name].expr
        formula = {a.var: a.expr for a in self.adjoints.values()}
        while names := [v for v in variables(whole) if v in formula]:
            opened = substitute(whole, {v: formula[v] for v in names})
            if cost(opened) > UNFOLD_COST:
                break
            whole = opened
        return simplify(whole, self.system.facts)

    def _formula(self, name: str, expr: Expr) -> tuple[Derivative, Formula]:
        labels = self._deriver.letters(name)
        target = Derivative(Symbol(self.of), (Symbol(name, labels),))
        return target, to_formula(expr, labels, self._names)

    @property
    def _names(self) -> Names:
        return self._deriver.names

    # --- the derivation ---

    def steps(self, name: str) -> list[Step]:
        """Return the steps from the definitions to the derivative by ``name``."""
        self[name]
        return self._deriver.steps(name, set())

    def _sections(self, name: str | None) -> list[render.Section]:
        known: set[str] = set()
        sections = []
        for wrt in self.wrt if name is None else [name]:
            adjoint = self.adjoints[wrt]
            head, result = self._formula(wrt, adjoint.expr)
            steps = tuple(self._deriver.steps(wrt, known))
            sections.append(render.Section(wrt, head, self._deriver.letters(wrt), steps, result))
        return sections

    def text(self, name: str | None = None) -> str:
        """Render the derivation as plain text, of one derivative or of all."""
        return render.text(self._sections(name))

    def latex(self, name: str | None = None) -> str:
        """Render the derivation as LaTeX ``align*`` environments (needs amsmath)."""
        return render.latex(self._sections(name))

    def markdown(self, name: str | None = None) -> str:
        """Render the derivation as Markdown with mathematics."""
        return render.markdown(self._sections(name))

    def html(self, name: str | None = None) -> str:
        """Render the derivation as HTML tables with MathML."""
        return render.html(self._sections(name))

    def json(self, name: str | None = None) -> str:
        """Render the derivation as JSON."""
        return render.json(self._sections(name))

    def _repr_latex_(self) -> str:
        return "\n\n".join(
            part.replace("align*", "aligned").join(("$$", "$$"))
            for part in self.latex().split("\n\n")
        )

    def _repr_html_(self) -> str:
        return self.html()

    def matrix_form(self, name: str) -> str | None:
        """Return the derivative in matrix notation, None where it has none."""
        return matrix_text(self[name].expr)

    # --- running it ---

    def compile(
        self,
        backend: str = "numpy",
        *,
        functions: Functions | None = None,
        dtype: Any = None,
        update: Optimizer | None = None,
    ) -> Function:
        """Compile value and gradients to one function of arrays by name.

        ``f(**arrays)`` returns ``{"L": ..., "dL/dW1": ...}``. With ``update`` it is a whole
        training step: it changes the ``wrt`` arrays in place and returns the value alone.

        >>> import numpy as np
        >>> f = parse("L = sum_i(x_i^2)").grad("L", ["x"]).compile()
        >>> f(x=np.array([1.0, 2.0]))["dL/dx"]
        array([2., 4.])
        """
        graph = whole_graph(self.system, self.adjoints)
        wanted = {self.of: graph[tensor(self.system, self.of)]}
        gradients = {name: graph[self.adjoints[name].var] for name in self.wrt}
        if update is None:
            wanted |= {adjoint_name(self.of, name): g for name, g in gradients.items()}
            gradients = {}
        else:
            self._check_parameters()
        return compile_graph(
            self.model, wanted, gradients, update, wrt=self.wrt, backend=backend,
            functions=functions, dtype=dtype,
        )  # fmt: skip

    def _check_parameters(self) -> None:
        for name in self.wrt:
            if name not in self.model.inputs:
                raise EingradError(
                    f"{name} is computed by the model: a training step cannot update it",
                    operand=name,
                    hint=f"parameters are inputs: {', '.join(self.model.inputs)}",
                )


def whole_graph(system: System, adjoints: Mapping[str, Adjoint]) -> dict[Expr, Expr]:
    """Join definitions and adjoints into one graph over the inputs: a tensor's `Var` to it."""
    graph: dict[Expr, Expr] = {var: var for var in system.inputs.values()}
    parts = [(d.var, d.expr) for d in system.definitions.values()]
    parts += [(a.var, a.expr) for a in adjoints.values()]
    for var, expr in parts:
        graph[var] = substitute(expr, {v: graph[v] for v in variables(expr)})
    return graph


def compile_graph(
    model: Model,
    outputs: Mapping[str, Expr],
    gradients: Mapping[str, Expr] | None = None,
    update: Optimizer | None = None,
    *,
    wrt: Sequence[str] = (),
    backend: str,
    functions: Functions | None,
    dtype: Any,
) -> Function:
    """Bind generic functions, bring everything into its stable form, and hand it to the engine."""
    gradients = gradients or {}
    roots = [*outputs.values(), *gradients.values()]
    roots, callables = bind_functions(roots, functions or {}, model.system.functions)
    roots = apply_rules(roots, STABLE)
    values = dict(zip(outputs, roots, strict=False))
    stable = dict(zip(gradients, roots[len(values) :], strict=True))
    updates: dict[str, Expr] = {}
    state: dict[str, StateTensor] = {}
    if update is not None:
        for name, gradient in stable.items():
            step = update.step(model.inputs[name], gradient)
            updates[name] = step.new_value
            state.update(step.state)
    shaped = [model.inputs[name] for name in wrt if name in model.inputs]
    return compile_program(
        values, backend=backend, dtype=dtype, functions=callables, updates=updates, state=state,
        labels=model.labels, inputs=shaped, optional=model.inputs,
    )  # fmt: skip
