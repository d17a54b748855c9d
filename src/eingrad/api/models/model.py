"""A model in notation: parse it, differentiate it, compile it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from eingrad.api.models.compile_graph import Functions, compile_graph, whole_graph
from eingrad.api.models.layer import Layer
from eingrad.api.models.mesh_layout import MeshLayout, Shard
from eingrad.api.models.model_derivatives import Derivatives
from eingrad.calculus.forward import forward, with_adjoints
from eingrad.calculus.naming import listed
from eingrad.calculus.nested import fresh_names
from eingrad.calculus.reverse import Adjoint, recognise, reverse, tensor, with_cotangents
from eingrad.core.expr import ELLIPSIS, Var
from eingrad.core.forks import once
from eingrad.core.later import Later
from eingrad.core.spans import span_of, spoken
from eingrad.derivation.presentation import model_text
from eingrad.derivation.steps import Record
from eingrad.errors import (
    DifferentiationError,
    EingradError,
    NotationError,
    NotationWarning,
    UnknownNameError,
)
from eingrad.notation.borders import border_notes
from eingrad.notation.gathers import find_integers
from eingrad.notation.latex import to_latex
from eingrad.notation.lower import lower, named_sizes
from eingrad.notation.matrix.statements import elaborated
from eingrad.notation.notes import notes_on
from eingrad.notation.parse import parse_statements
from eingrad.notation.syntax import (
    Assignment,
    Claim,
    Declaration,
    Formula,
    Statement,
    Symbol,
)
from eingrad.notation.system import System
from eingrad.notation.tex.names import is_latex
from eingrad.notation.text import to_text

if TYPE_CHECKING:
    from eingrad import check as judge
    from eingrad.check import Derived, Verdict
    from eingrad.derivation.formats import as_html, as_latex
    from eingrad.derivation.pictures import compute_graph
    from eingrad.derivation.pictures.picture import Picture
    from eingrad.engine import Function
    from eingrad.engine.library import BackendName
    from eingrad.notation.tex import read as latex_text
else:  # what a gradient that is only run does without
    latex_text = Later("eingrad.notation.tex.read")
    judge, compute_graph = (
        Later("eingrad.check"), Later("eingrad.derivation.pictures.compute_graph")
    )  # fmt: skip
    as_html, as_latex = (
        Later("eingrad.derivation.formats.as_html"), Later("eingrad.derivation.formats.as_latex")
    )  # fmt: skip

Directions = str | Mapping[str, str] | None
"""The name of the one direction, or of the direction for each tensor; None for ``wdot`` of w."""

MOST_PAIRED = 12  # tensors of which all second derivatives are derived without being named


def parse(text: str) -> Model:
    """Read a model in index notation; a text with LaTeX commands goes to `parse_latex`.

    Raises NotationError, with line, column and a hint, where the text is not one. What has two
    common readings is noted in `Model.notes`, and once in a `NotationWarning`.

    >>> print(parse("z_i = W_ij x_j  # a layer"))
    z_i = W_ij x_j
    """
    return _warned(read_model(text))


def read_model(text: str, latex: bool | None = None) -> Model:
    """Read a model as `parse` does, without a warning; ``latex`` None asks its commands."""
    if is_latex(text) if latex is None else latex:
        reading = latex_text.read_model(text)
        if not any(isinstance(s, Assignment) for s in reading.statements):
            generic = {s.name: s.count for s in reading.statements if isinstance(s, Declaration)}
            nothing = System(
                {}, {}, {}, {}, functions=generic, applied=reading.applied, opening=text
            )
            return Model(reading.statements, nothing)
        system = lower(reading.statements, reading.alike)
        sizes = {**system.sizes, **named_sizes(reading.sizes, system)}
        system = replace(
            system, sizes=sizes, shorthands=reading.shorthands, kinds=reading.kinds,
            stacks=reading.stacks, applied=reading.applied, counting=reading.counting,
        )  # fmt: skip
        model = Model(reading.statements, system)
        _check_chains(model, reading.claims)
        return model
    plain = elaborated(parse_statements(text))
    statements = find_integers(plain.statements)
    system = lower(statements, plain.alike)
    sizes = {**system.sizes, **named_sizes(plain.sizes, system)}
    return Model(statements, replace(system, sizes=sizes, kinds=plain.kinds, stacks=plain.stacks))


def _check_chains(model: Model, claims: Sequence[Assignment]) -> None:
    """Raise NotationError where the sides of a chain ``y = a = b`` are not equal."""
    for claim in claims:
        verdict = model.check(claim)
        if not verdict.ok:
            raise NotationError(
                f"the sides of a chain of equations are not equal: {verdict.claim}",
                position=claim.position,
                hint=f"{verdict.reason}; write one of them, or give the others a line of their own",
            )


def _warned(model: Model) -> Model:
    """Issue a model's notes as warnings, where `parse` or `parse_latex` was called."""
    for note in model.notes:
        warnings.warn(note, NotationWarning, stacklevel=3)
    return model


def parse_latex(text: str) -> Model:
    r"""Read a model in index notation as papers write it, in LaTeX.

    An ``align`` environment or lines with an equals sign each; the scope of a sum sign is the
    product that follows; ``\sum_{b=1}^{m}`` says that m is the extent of b. Of a chain of
    equations the first right side is the definition, and the others must equal it. Raises
    NotationError as `parse` does.

    >>> print(parse_latex(r"L = \frac{1}{m} \sum_{b=1}^{m} \left(W_{i} X_{bi} - t_b\right)^2"))
    L = mean_b((W_i X_bi - t_b)^2)
    """
    return _warned(read_model(text, latex=True))


@dataclass(frozen=True, slots=True)
class ModelTensor:
    """A tensor of a model: ``symbol`` has its labels; ``value`` is None for an input."""

    symbol: Symbol
    value: Formula | None

    @property
    def labels(self) -> tuple[str, ...]:
        """The letters of its axes."""
        return self.symbol.labels

    def __str__(self) -> str:
        if self.value is None:
            return f"{to_text(self.symbol)}, an input"
        return to_text(Assignment(self.symbol, self.value))

    def _repr_latex_(self) -> str:
        shown = self.symbol if self.value is None else Assignment(self.symbol, self.value)
        return f"$$\\displaystyle {to_latex(shown)}$$"


class Model:
    """A list of definitions in index notation; printing it gives the notation back.

    What has two common readings is noted above its statement, in a comment; extents that follow
    from others stand below.

    ``constants`` are the values of inputs that were numbers in a traced function: pass them where
    the model is run, ``model.compile()(x=x, **model.constants)``.

    >>> model = parse("y_i = A_ij x_j\\nL = y_i y_i / 2")
    >>> list(model.inputs), model.outputs, model.labels["A"]
    (['A', 'x'], ('y', 'L'), ('i', 'j'))
    >>> print(model.grad("L"))
    dL/dA_ij = x_j y_i
    dL/dx_j = A_ij y_i
    """

    def __init__(
        self,
        statements: Sequence[Statement],
        system: System,
        constants: Mapping[str, Any] | None = None,
    ) -> None:
        self.statements = tuple(statements)
        self.system = system
        self.constants = dict(constants or {})

    def __str__(self) -> str:
        lines = []
        for statement in self.statements:
            lines += [f"# note: {note.text}" for note in notes_on(statement)]
            lines.append(to_text(statement))
        lines += dict.fromkeys(self._ranges())
        lines += [f"# in claims: {to_text(short)}" for short in self.system.shorthands]
        return "\n".join(lines)

    def _ranges(self) -> Iterator[str]:
        """Yield the extents of labels that follow from others, as ``x[i+k]`` makes them."""
        labels = self.labels
        for name, definition in self.system.definitions.items():
            for label, dim in zip(labels[name], definition.expr.dims, strict=True):
                if span_of(dim) is not None:
                    yield f"# size({label}) = {spoken(dim)}"

    def __repr__(self) -> str:
        return f"Model({str(self)!r})"

    def latex(self) -> str:
        r"""Return the model as LaTeX, an ``align*`` environment (needs amsmath).

        >>> print(parse("z_i = W_ij x_j").latex())
        \begin{align*}
          z_{i} &= W_{ij} x_{j}
        \end{align*}
        """
        rows = " \\\\\n".join(f"  {row}" for row in as_latex.statement_rows(self.statements))
        return f"\\begin{{align*}}\n{rows}\n\\end{{align*}}"

    def picture(self, of: str | None = None, sizes: Mapping[str, int] | None = None) -> Picture:
        """Draw the model, or what ``of`` needs of it, as SVG: a box a tensor.

        ``sizes`` are extents by label; with them boxes have shapes and FLOPs in numbers.

        >>> parse("A_bh = X_bi W_ih\\nL = sum_bh(A_bh^2)").picture("L").svg[:4]
        '<svg'
        """
        if of is not None:
            self._check(of)
        return compute_graph.compute_graph(self.system, of, None, sizes)

    def _repr_latex_(self) -> str:
        return "$$" + self.latex().replace("align*", "aligned") + "$$"

    def _repr_html_(self) -> str:
        return as_html.within(as_html.model_html(model_text(self.statements, self.system)))

    def __getitem__(self, name: str) -> ModelTensor:
        """Return a tensor of the model: its labels, and its definition unless it is an input.

        >>> model = parse("z_i = tanh(W_ij x_j)")
        >>> print(model["z"], model["W"], sep="\\n")
        z_i = tanh(W_ij x_j)
        W_ij, an input
        """
        self._check(name)
        definition = self.system.definitions.get(name)
        written = definition.written if definition is not None else None
        symbol = Symbol(name, self.system.labels[name])
        return ModelTensor(symbol, None if written is None else written.value)

    def __iter__(self) -> Iterator[str]:
        return iter([*self.inputs, *self.outputs])

    def __contains__(self, name: object) -> bool:
        return name in self.system.inputs or name in self.system.definitions

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

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
        """The labels of each tensor's axes, where it is first written."""
        return self.system.labels

    @property
    def notes(self) -> tuple[str, ...]:
        """What each statement was taken to mean where two readings are common.

        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     model = parse("J = a_k b_k exp(x_k t_k)")
        >>> for note in model.notes:
        ...     print(note.partition(", though ")[0])
        line 1: k is summed once, over the whole of a_k b_k exp(x_k t_k)
        """
        notes = (note for statement in self.statements for note in notes_on(statement))
        return tuple(str(note) for note in chain(notes, border_notes(self.system)))

    def grad(self, of: str, wrt: Sequence[str] | str | None = None) -> Derivatives:
        """Derive the gradient of a scalar by each of ``wrt``, in one reverse pass.

        Without ``wrt``, by every input. Raises EingradError for a name that the model lacks,
        DifferentiationError where ``of`` is no scalar.

        >>> print(parse("L = x_i A_ij x_j").grad("L", ["A"])["A"])
        dL/dA_ij = x_i x_j
        """
        names = self._names(of, wrt)
        system = recognise(self.system, {of, *names})
        adjoints = reverse(system, of, names)
        records = {str(a.title): a for name, a in adjoints.items() if name != of or of in names}
        keys = {name: str(adjoints[name].title) for name in names}
        return self._derivatives(of, keys, system, records, lambda x: x.grad(of, names))

    def jacobian(self, of: str, wrt: Sequence[str] | str | None = None) -> Derivatives:
        """Derive the derivative of a tensor by each of ``wrt``, in forward mode.

        The axes of ``dy/da`` are those of y, then those of a.

        >>> print(parse("p_i = softmax_i(a_i)").jacobian("p", "a")["a"])
        dp_i/da_j = p_i (delta_ij - p_j)
        """
        names = self._names(of, wrt)
        for name in names:
            self._check_leading([of, name])
        system = recognise(self.system, {of, *names})
        records: dict[str, Record] = {}
        keys = {}
        for name in names:
            tangents = forward(system, of, name, {})
            records |= {str(t.title): t for t in tangents.values()}
            keys[name] = str(tangents[of].title)
        return self._derivatives(of, keys, system, records, lambda x: x.jacobian(of, names))

    def hessian(self, of: str, wrt: Sequence[str] | str | None = None) -> Derivatives:
        """Derive the second derivatives of a scalar: the Jacobian of its gradient.

        The key of ``d2L/dw dw`` is ``"w"`` for one tensor, ``"w v"`` for each pair of several.
        Raises EingradError where ``wrt`` does not say of which of more than 12 tensors: n of them
        have n^2 second derivatives.

        >>> print(parse("L = x_i A_ij x_j").hessian("L", "x")["x"])
        d2L/dx_i dx_j = A_ij + A_ji
        """
        names = self._names(of, wrt)
        if wrt is None and len(names) > MOST_PAIRED:
            raise EingradError(
                f"{len(names)} tensors have {len(names) ** 2} second derivatives; those of at most "
                f"{MOST_PAIRED} are derived unasked",
                code="too-large",
                hint=f"say of which, for instance {', '.join(names[:2])}; all if all are named",
            )
        self._check_leading([*names, *names])
        system, adjoints = self._with_gradient(of, names)
        records: dict[str, Record] = {str(a.title): a for n, a in adjoints.items() if n != of}
        titles = {str(a.title): a.title for a in adjoints.values()}
        roots = {name: str(adjoints[name].title) for name in names}
        tangents = {name: forward(system, [*roots.values()], name, titles) for name in names}
        for found in tangents.values():
            records |= {str(t.title): t for t in found.values()}
        keys = {
            first if len(names) == 1 else f"{first} {second}": str(
                tangents[second][roots[first]].title
            )
            for first in names
            for second in names
        }
        return self._derivatives(of, keys, system, records, lambda x: x.hessian(of, names))

    def jvp(
        self, of: str, wrt: Sequence[str] | str | None = None, direction: Directions = None
    ) -> Derivatives:
        """Derive the derivative of a tensor along a direction, or along several at once.

        A direction is an input, a tensor like the one in ``wrt``; it is called ``direction``, by
        default ``wdot`` for w. The result's key is ``"w"`` for one tensor, ``"w v"`` for several.

        >>> model = parse("y_i = A_ij sin(x_j)")
        >>> print(model.jvp("y", "x")["x"])
        ydot_i = A_ij xdot_j cos(x_j)
        >>> print(model.jvp("y", ["A", "x"])["A x"])
        ydot_i = Adot_ij sin(x_j) + A_ij xdot_j cos(x_j)
        """
        names = self._names(of, wrt)
        along = _directions(names, direction)
        system = self._with_inputs(recognise(self.system, {of, *names}), along)
        tangents = forward(system, of, along, {})
        records = {str(t.title): t for t in tangents.values()}
        keys = {" ".join(names): str(tangents[of].title)}
        return self._derivatives(of, keys, system, records, lambda x: x.jvp(of, names, along))

    def vjp(
        self,
        of: str | Sequence[str],
        wrt: Sequence[str] | str | None = None,
        cotangent: Directions = None,
    ) -> Layer:
        """Derive the pull-back of a cotangent, a tensor like ``of``: the gradient of their product.

        The cotangent is an input named ``cotangent``, by default ``ybar`` for y; the product is
        the scalar ``s``, or another letter that is free. ``of`` may be several tensors, with a
        cotangent each. The result's `Layer.source` is a module whose forward pass gives y.

        >>> print(parse("y_i = A_ij x_j").vjp("y", "x")["x"])
        ds/dx_j = A_ij ybar_i
        """
        outputs = list(dict.fromkeys(listed(of)))
        names = self._names(outputs[0] if outputs else "", wrt)
        for name in outputs[1:]:
            self._names(name, names)
        bars = _directions(outputs, cotangent, "bar")
        system = self._with_inputs(self.system, bars)
        scalar = next(x for x in chain("sL", fresh_names(())) if x not in system.labels)
        whole = Model(self.statements, with_cotangents(system, scalar, bars)[0])
        return Layer(whole.grad(scalar, names), self.system, outputs)

    def hvp(
        self, of: str, wrt: Sequence[str] | str | None = None, direction: Directions = None
    ) -> Derivatives:
        """Derive the product of a scalar's Hessian with directions, one for each of ``wrt``.

        The Hessian is that by all of ``wrt`` together; each of them has its part of the product.

        >>> print(parse("L = x_i A_ij x_j").hvp("L", "x")["x"])
        dLdxdot_i = xdot_j (A_ij + A_ji)
        """
        names = self._names(of, wrt)
        along = _directions(names, direction)
        system, adjoints = self._with_gradient(of, names)
        system = self._with_inputs(system, along)
        records: dict[str, Record] = {str(a.title): a for n, a in adjoints.items() if n != of}
        keys = {}
        for name in names:
            root = str(adjoints[name].title)
            tangents = forward(system, root, along, {})
            records |= {str(t.title): t for t in tangents.values()}
            keys[name] = str(tangents[root].title)
        return self._derivatives(of, keys, system, records, lambda x: x.hvp(of, names, along))

    def compile(
        self,
        outputs: Sequence[str] | None = None,
        *,
        backend: BackendName = "numpy",
        functions: Functions | None = None,
        dtype: Any = None,
        memory_limit: int | None = None,
        mesh: Any = None,
        shard: Shard | None = None,
    ) -> Function:
        """Compile the model's own tensors, all assigned ones if ``outputs`` is not given.

        A call that would need more than ``memory_limit`` bytes beside its arguments raises
        `MemoryLimitError` before it allocates anything. ``mesh`` and ``shard`` split tensors over
        JAX's devices as in `Derivatives.compile`.

        >>> import numpy as np
        >>> f = parse("z_i = W_ij x_j").compile()
        >>> f(W=np.eye(2), x=np.array([1.0, 2.0]))["z"]
        array([1., 2.])
        """
        names = list(self.outputs) if outputs is None else listed(outputs)
        for name in names:
            self._check(name)
        system = recognise(self.system, ())
        graph = whole_graph(system)
        wanted = {name: graph[tensor(system, name)] for name in names}
        named = {name: graph[definition.var] for name, definition in system.definitions.items()}
        return compile_graph(
            system, wanted, backend=backend, functions=functions, dtype=dtype,
            memory_limit=memory_limit,
            devices=MeshLayout.choose(mesh, shard, system, backend, {}, named),
        )  # fmt: skip

    def check(
        self,
        claim: str | Claim | Callable[..., Any],
        of: str | None = None,
        wrt: str | Sequence[str] | None = None,
        *,
        latex: bool | None = None,
    ) -> Verdict:
        r"""Say whether a claimed formula is right; if not, what is wrong with it.

        The claim is an equation, in the notation or in LaTeX (``latex`` says which; None leaves
        that to its commands): of a derivative, or one of the model's tensors; its letters are
        free, and its right side may use all tensors and derivatives of the model. A chain
        ``a = b = c`` is right if every right side is; further equations define what the model
        lacks. Or the claim is a function of arrays that computes ``of``, or the derivative of
        ``of`` by ``wrt``. Raises EingradError for a claim that has no meaning in this model; one
        that cannot be compared is ``"not judged"``.

        >>> verdict = parse("L = x_i A_ij x_j").check("dL/dx_i = A_ij x_j + A_ji x_j")
        >>> verdict.outcome, verdict.reason
        ('right', 'equal by algebra')
        >>> parse("L = x_i x_i").check(r"\frac{\partial L}{\partial x_i} = x_i").reason
        'factor 2 missing'
        """
        return judge.check(self._derived, claim, of, wrt, latex)

    def check_each(
        self, claims: str | Sequence[str], *, latex: bool | None = None
    ) -> list[Verdict]:
        r"""Say of each of several equations whether it is right, as `check` does.

        One text may hold several, one a line, of which one may define what another uses.

        >>> found = parse("L = x_i x_i").check_each("dL/dx_i = 2 x_i\nL = 2 x_i x_i")
        >>> [verdict.outcome for verdict in found]
        ['right', 'wrong']
        """
        return judge.check_each(self._derived, claims, latex)

    @once
    def _derived(self) -> Derived:
        """What claims are compared with; the next claim finds it derived."""
        return judge.Derived(self.system)

    # --- checks ---

    def _names(self, of: str, wrt: Sequence[str] | str | None) -> list[str]:
        """Check what to differentiate by what; no ``wrt`` means every input that is no integer."""
        self._check(of)
        real = [name for name, var in self.inputs.items() if not var.integer]
        names = real if wrt is None else list(dict.fromkeys(listed(wrt)))
        for name in names:
            self._check(name)
            if name in self.inputs and self.inputs[name].integer:
                raise DifferentiationError(
                    f"{name} holds integers: nothing has a derivative by it",
                    operand=name,
                    hint=f"differentiate by {', '.join(real)}" if real else None,
                )
        if of not in self.system.definitions:
            raise EingradError(
                f"{of} is an input: it depends on nothing else",
                operand=of,
                hint=f"assigned are {', '.join(self.outputs)}",
            )
        return names

    def _check(self, name: str) -> None:
        if name not in self.system.inputs and name not in self.system.definitions:
            known = ", ".join([*self.system.inputs, *self.system.definitions])
            raise UnknownNameError(
                f"the model has no tensor {name!r}", operand=name, hint=f"it has {known}"
            )

    def _check_leading(self, names: Sequence[str]) -> None:
        """Raise where a derivative would have leading axes twice: no label stands for these."""
        leading = [name for name in names if ELLIPSIS in self.labels.get(name, ())]
        if len(leading) > 1:
            raise DifferentiationError(
                f"{leading[0]} and {leading[1]} both have leading axes, and their derivative would "
                "have them twice",
                operand=leading[1],
                hint="write the axes out, with a letter each",
            )

    def _derivatives(
        self,
        of: str,
        keys: Mapping[str, str],
        system: System,
        records: Mapping[str, Record],
        again: Callable[[Model], Derivatives],
    ) -> Derivatives:
        """Return derivatives; ``again`` derives them of this model without what it assumes."""
        bare = Model(self.statements, replace(self.system, facts=()))
        return Derivatives(
            of, keys, system, self.system, records, lambda: again(bare), self.statements
        )

    def _with_gradient(self, of: str, names: Sequence[str]) -> tuple[System, dict[str, Adjoint]]:
        """Return the adjoints as they are around the point, and the model with them defined."""
        if of in names:
            raise EingradError(
                f"{of} by itself is 1, which has no derivatives but 0",
                operand=of,
                hint=f"leave {of} out",
            )
        self.system.check_twice(of)
        system = recognise(self.system, {of, *names})
        adjoints = reverse(system, of, names, moved=names)
        return with_adjoints(system, adjoints), adjoints

    def _with_inputs(self, system: System, new: Mapping[str, str]) -> System:
        """Return the system with further inputs: ``new`` names one for a tensor of its shape."""
        for name in new.values():
            if name in system.labels:
                raise EingradError(
                    f"the model has a tensor {name} of its own",
                    operand=name,
                    hint="give another name",
                )
        more = {name: Var(name, tensor(system, like).dims) for like, name in new.items()}
        inputs = {**system.inputs, **more}
        labels = {**system.labels, **{name: system.labels[like] for like, name in new.items()}}
        return replace(system, inputs=inputs, labels=labels)


def _directions(names: Sequence[str], given: Directions, ending: str = "dot") -> dict[str, str]:
    """Return the name of the direction, or of the cotangent, for each tensor."""
    if not names:
        raise EingradError("no tensor to move", hint="say by which tensors to differentiate")
    if isinstance(given, str):
        if len(names) > 1:
            raise EingradError(
                f"{len(names)} tensors need a direction each, and one is named",
                operand=given,
                hint=f'pass {{"{names[0]}": "{given}", ...}}',
            )
        given = {names[0]: given}
    chosen = {name: (given or {}).get(name, name + ending) for name in names}
    if unknown := set(given or {}) - set(names):
        name = min(unknown)
        raise EingradError(
            f"a direction for {name}, which is not differentiated by",
            operand=name,
            hint=f"differentiated is by {', '.join(names)}",
        )
    return chosen
