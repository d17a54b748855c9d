"""Derivatives of a model: formulas, their steps in five formats, and compiled functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from eingrad.api.models.compile_graph import Functions, compile_graph, whole_graph
from eingrad.api.models.mesh_layout import MeshLayout, Shard
from eingrad.api.models.structured import StructuredFunction, StructuredResult
from eingrad.calculus.facts import tensors_assumed
from eingrad.calculus.naming import DirectionName
from eingrad.calculus.optim import Optimizer
from eingrad.calculus.terms import split_terms
from eingrad.core.algebra import add
from eingrad.core.expr import Expr, variables
from eingrad.core.later import Later
from eingrad.core.rewrite import substitute
from eingrad.derivation.author_letters import head_of
from eingrad.derivation.labels import to_formula
from eingrad.derivation.matrix import LAYOUTS
from eingrad.derivation.presentation import (
    Presentation,
    closed_of,
    matrix_of,
    model_text,
    present,
    result_rank,
)
from eingrad.derivation.reasons import MatrixText, matrix_words
from eingrad.derivation.steps import Deriver, Record, Step
from eingrad.errors import EingradError, UnknownNameError
from eingrad.notation.latex import to_latex
from eingrad.notation.syntax import Assignment, Statement, Symbol
from eingrad.notation.system import System
from eingrad.notation.text import to_text

if TYPE_CHECKING:
    from eingrad.codegen import module
    from eingrad.codegen.targets import TargetName
    from eingrad.derivation.formats import as_html, as_json, as_latex, as_markdown, as_text
    from eingrad.derivation.pictures import compute_graph
    from eingrad.derivation.pictures.picture import Picture
    from eingrad.engine import Function
    from eingrad.engine.library import BackendName
else:  # what a gradient that is only run does without
    module, compute_graph = (
        Later("eingrad.codegen.module"), Later("eingrad.derivation.pictures.compute_graph")
    )  # fmt: skip
    as_html, as_json, as_latex, as_markdown, as_text = (
        Later(f"eingrad.derivation.formats.{x}")
        for x in ("as_html", "as_json", "as_latex", "as_markdown", "as_text")
    )

Layout = Literal["numerator", "denominator"]


MOST_UNFOLDED = 500  # derivatives; of more, those that results speak of are not unfolded


class Gradient:
    """One derivative as a formula; ``str()`` of it is a line of notation.

    ``labels`` are the letters of its axes, ``formula`` is the line as a tree and ``expr`` its right
    side as an expression. A result that is long may have ``parts``, lines of their own.

    >>> from eingrad import parse
    >>> parse("L = w_i x_i").grad("L", "w")["w"]
    Gradient('dL/dw_i = x_i')
    """

    def __init__(
        self,
        formula: Assignment,
        expr: Expr,
        labels: tuple[str, ...],
        parts: tuple[Assignment, ...] = (),
    ) -> None:
        self.formula, self.expr, self.labels, self.parts = formula, expr, labels, parts

    def __str__(self) -> str:
        return "\n".join(map(to_text, (self.formula, *self.parts)))

    def __repr__(self) -> str:
        return f"Gradient({str(self)!r})"

    def latex(self) -> str:
        """Return the formula as LaTeX, one line a part, without the dollars around it."""
        return " \\\\\n".join(map(to_latex, (self.formula, *self.parts)))

    def _repr_latex_(self) -> str:
        lines = [to_latex(x).replace(" = ", " &= ", 1) for x in (self.formula, *self.parts)]
        rows = " \\\\\n".join(lines)
        return f"$$\\begin{{aligned}}\n{rows}\n\\end{{aligned}}$$"

    def _repr_html_(self) -> str:
        lines = (self.formula, *self.parts)
        shown = (as_html.mathml(to_latex(line), text=to_text(line)) for line in lines)
        return as_html.within("\n".join(f"<p>{line}</p>" for line in shown))


class Derivatives(Mapping[str, Gradient]):
    """The derivatives of one tensor: a mapping from each name in ``wrt`` to its formula.

    ``records`` are these derivatives and those that they are made of, by name; ``keys`` says
    which of them belongs to which name in ``wrt``. ``unassumed`` derives the same where nothing is
    assumed: what PyTorch and JAX may differentiate further has to hold around the point.

    >>> from eingrad import parse
    >>> gradients = parse("L = (w_i x_i - y)^2 / 2").grad("L", ["w"])
    >>> print(gradients)
    dL/dw_i = (w_j x_j - y) x_i
    >>> [step.rule for step in gradients.steps("w")]
    ['definition', 'einsum rule on w_i x_i']
    """

    def __init__(
        self,
        of: str,
        keys: Mapping[str, str],
        system: System,
        original: System,
        records: Mapping[str, Record],
        unassumed: Callable[[], Derivatives],
        statements: Sequence[Statement] = (),
    ) -> None:
        self.of, self._keys = of, dict(keys)
        self._unassumed, self._statements = unassumed, statements
        self.system, self.records = system, records
        self._deriver = Deriver(system, original, records)
        self._original = original.definitions.keys()
        self._gradients: dict[str, Gradient] = {}

    @property
    def wrt(self) -> tuple[str, ...]:
        """The tensors by which the derivatives are taken."""
        return tuple(self._keys)

    def __getitem__(self, name: str) -> Gradient:
        if name not in self._gradients:
            self._gradients[name] = self._gradient(self._key(name))
        return self._gradients[name]

    def _gradient(self, key: str, as_derived: bool = False) -> Gradient:
        expr = self.records[key].expr if as_derived else self._deriver.unfolded(key)
        labels = self._deriver.letters(key)
        formula = to_formula(expr, labels, self._deriver.names_of_results)
        target = head_of(self.records[key].title, labels)
        return Gradient(Assignment(target, formula), expr, labels)

    def _key(self, name: str) -> str:
        """Return the record's key for a name in ``wrt``, or for that key itself."""
        if name in self._keys:
            return self._keys[name]
        if name in self._keys.values():
            return name
        raise UnknownNameError(
            f"there is no derivative {name!r}", operand=name, hint=f"there are {', '.join(self)}"
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __str__(self) -> str:
        return "\n".join([*(str(self[name]) for name in self), *self._parts_named()])

    def _derivatives_named(self) -> list[Gradient]:
        """Return the derivatives that results speak of, in the order in which they are met.

        Those of a large model are written as they were derived, each by the next one.
        """
        shown = {self._keys[name]: self[name] for name in self}
        large = len(self.records) > MOST_UNFOLDED
        for gradient in (queue := list(shown.values())):
            for var in variables(gradient.expr):
                if var.name in self.records and var.name not in shown:
                    shown[var.name] = self._gradient(var.name, as_derived=large)
                    queue.append(shown[var.name])
        return list(shown.values())[len(self._keys) :]

    def _parts_named(self) -> Iterator[str]:
        """Yield what the names mean that results have for derivatives and parts of statements."""
        named = self._derivatives_named()
        yield from (f"with {gradient}" for gradient in named)
        used = variables(*(self[name].expr for name in self), *(x.expr for x in named))
        own = {n: d for n, d in self.system.definitions.items() if n not in self._original}
        needed = {v.name for v in used}
        for name, definition in reversed(own.items()):
            if name in needed and "/" not in name:
                needed.update(v.name for v in variables(definition.expr))
        for name, definition in own.items():
            if name in needed and "/" not in name:
                value = to_formula(definition.expr, definition.labels, self._deriver.names)
                target = Symbol(name, definition.labels)
                yield f"with {to_text(Assignment(target, value))}"

    def __repr__(self) -> str:
        return f"Derivatives({self.of!r}, wrt={list(self)!r})"

    # --- the derivation ---

    def steps(self, name: str | None = None) -> list[Step]:
        """Return the steps from the definitions to the derivative by ``name``, or to all."""
        known: set[str] = set()
        keys = self._keys.values() if name is None else [self._key(name)]
        return [step for key in keys for step in self._deriver.steps(key, known)]

    def closed(self, name: str) -> Gradient:
        """Return the derivative by ``name`` in inputs and definitions, with no derivative in it.

        What a long result gives names to are the lines of its ``parts``.

        >>> from eingrad import parse
        >>> model = parse("a_i = W_ij x_j\\nz_i = tanh(a_i)\\nL = sum_i((z_i - t_i)^2)")
        >>> print(model.grad("L", "W").closed("W"))
        dL/dW_ij = 2 x_j (1 - z_i^2) (z_i - t_i)
        """
        found = closed_of(self._deriver, self._key(name))
        return Gradient(found.line, found.expr, found.labels, found.parts)

    def presentation(self, name: str | None = None) -> Presentation:
        """Return what every format shows of the derivation, of one derivative or of all."""
        wrt = {x: self._key(x) for x in (self if name is None else [name])}
        return present(self._deriver, self.of, wrt, model_text(self._statements, self.system))

    def text(
        self, name: str | None = None, *, width: int | None = 100, explain: bool = False
    ) -> str:
        """Render the derivation as plain text, of one derivative or of all.

        Lines are folded to ``width`` columns, if that is not None; ``explain`` opens the rules that
        are cited.
        """
        return as_text.text(self.presentation(name), width, explain)

    def latex(self, name: str | None = None, *, explain: bool = False) -> str:
        """Render the derivation as LaTeX ``align*`` environments (needs amsmath)."""
        return as_latex.latex(self.presentation(name), explain)

    def markdown(self, name: str | None = None, *, explain: bool = False) -> str:
        """Render the derivation as Markdown with mathematics, as GitHub shows it."""
        return as_markdown.markdown(self.presentation(name), explain)

    def html(self, name: str | None = None, *, explain: bool = True) -> str:
        """Render the derivation as a page of HTML with MathML that needs nothing else."""
        return as_html.html(self.presentation(name), explain)

    def json(self, name: str | None = None, *, explain: bool = False) -> str:
        """Render the derivation as JSON; `docs/derivation.schema.json` describes it."""
        return as_json.json(self.presentation(name), explain)

    def _repr_latex_(self) -> str:
        return "\n\n".join(
            part.replace("align*", "aligned").join(("$$", "$$"))
            for part in self.latex().split("\n\n")
        )

    def _repr_html_(self) -> str:
        return as_html.fragment(self.presentation())

    def picture(self, sizes: Mapping[str, int] | None = None) -> Picture:
        """Draw the model with the way back of the gradient, as SVG; ``sizes`` are by label."""
        return compute_graph.compute_graph(self.system, self.of, self.records, sizes)

    def matrix_form(self, name: str, layout: Layout | None = None) -> str | None:
        """Return the derivative in matrix notation, None where it has none.

        Without a layout a gradient is shaped like its tensor and a Jacobian has a row for each
        entry of what was differentiated. In the "numerator" layout the rows always are the
        latter's, so that a gradient is a row; in the "denominator" layout the columns are. What
        has more than two axes is laid out by vec: columns stacked, so that ``d(A X B)/dX`` is
        ``B^T ⊗ A``. ``1`` is a column of ones, ``K`` the commutation matrix.

        >>> from eingrad import parse
        >>> parse("p_i = softmax_i(a_i)").jacobian("p", "a").matrix_form("a")
        'diag(p) - p p^T'
        >>> parse("L = sum_b(X_bi w_i)").grad("L", "w").matrix_form("w", "numerator")
        '1^T X'
        """
        form = self._matrix_words(name, layout)
        return None if form is None else form.text

    def matrix_latex(self, name: str, layout: Layout | None = None) -> str | None:
        """Return `matrix_form` as LaTeX, without the dollars around it."""
        form = self._matrix_words(name, layout)
        return None if form is None else form.latex

    def _matrix_words(self, name: str, layout: Layout | None) -> MatrixText | None:
        if layout not in (None, *LAYOUTS):
            raise EingradError(
                f"no layout is called {layout!r}", hint=f"there are {' and '.join(LAYOUTS)}"
            )
        form = matrix_of(self._deriver, self._key(name), self[name].expr, layout)
        return None if form is None else matrix_words(form, self._deriver.names)

    # --- running it ---

    def compile(
        self,
        backend: BackendName = "numpy",
        *,
        functions: Functions | None = None,
        dtype: Any = None,
        update: Optimizer | None = None,
        memory_limit: int | None = None,
        mesh: Any = None,
        shard: Shard | None = None,
        keep_every: int | Mapping[str, int] | None = None,
    ) -> Function | StructuredFunction:
        """Compile value and derivatives to one function of arrays by name.

        ``f(**arrays)`` returns ``{"L": ..., "dL/dW1": ...}``. With ``update`` it is a whole
        training step: it changes the ``wrt`` arrays in place and returns the value alone (JAX: it
        returns the new arrays with the value). Of a
        Jacobian or Hessian, ``f(..., structured=True)`` returns the factors without ever building
        the dense tensor. A call that would need more than ``memory_limit`` bytes beside its
        arguments raises `MemoryLimitError` before it allocates anything.

        On JAX, ``shard`` maps labels to axes of a device mesh: ``mesh={"data": 4, "model": 2},
        shard={"b": "data", "h": "model"}`` splits every tensor by the labels of its axes (``mesh``
        may be a ``jax.sharding.Mesh``), XLA inserts the collectives, and ``f.plan`` lists them.
        What ``update`` replaces is then donated: pass on the arrays that a call returns.

        ``keep_every=16`` keeps every 16th state of a recurrence and computes the others again;
        ``{"t": 16}`` says of which label where there are several.

        >>> import numpy as np
        >>> from eingrad import parse
        >>> f = parse("L = sum_i(x_i^2)").grad("L", ["x"]).compile()
        >>> f(x=np.array([1.0, 2.0]))["dL/dx"]
        array([2., 4.])
        """
        if self.system.facts and backend != "numpy" and update is None:
            return self._unassumed().compile(
                backend, functions=functions, dtype=dtype, memory_limit=memory_limit, mesh=mesh,
                shard=shard, keep_every=keep_every,
            )  # fmt: skip
        graph = whole_graph(self.system, [(r.var, r.expr) for r in self.records.values()])
        value = {self.of: graph[self.system.definitions[self.of].var]}
        results = {name: graph[self.records[key].var] for name, key in self._keys.items()}
        letters = {key: self._deriver.letters(key) for key in self.records}
        named = {name: graph[d.var] for name, d in self.system.definitions.items()}
        named |= {key: graph[record.var] for key, record in self.records.items()}
        options: dict[str, Any] = {
            "wrt": self.wrt, "backend": backend, "functions": functions, "dtype": dtype,
            "memory_limit": memory_limit, "keep_every": keep_every,
            "devices": MeshLayout.choose(mesh, shard, self.system, backend, letters, named),
        }  # fmt: skip
        if update is not None:
            self._check_parameters()
            return compile_graph(self.system, value, results, update, **options)
        named = {self._keys[name]: result for name, result in results.items()}
        dense = compile_graph(self.system, value | named, **options)
        if all(self._is_gradient(key) for key in named):
            return dense
        structure = {key: self._structured(name) for name, key in self._keys.items()}
        parts = dict(value)
        for key, result in structure.items():
            for part, expr in result.outputs(key).items():
                inner: dict[Expr, Expr] = {v: graph[v] for v in variables(expr) if v in graph}
                parts[part] = substitute(expr, inner)
        return StructuredFunction(dense, compile_graph(self.system, parts, **options), structure)

    def source(
        self,
        target: TargetName,
        *,
        matmul: bool = False,
        optimizer: Optimizer | None = None,
        functions: Mapping[str, str] | None = None,
    ) -> str:
        """Return a standalone Python module for ``"numpy"``, ``"torch"`` or ``"jax"``.

        It has ``forward`` and ``backward`` (for PyTorch also an ``autograd.Function`` and its
        ``nn.Module``, for JAX a ``custom_vjp``), checks shapes, and when it is run compares its
        derivatives with central differences on random data. ``matmul`` writes ``X.T @ G`` where a
        contraction is a matrix product. An ``optimizer`` adds a ``train_step``. ``functions``
        names what generic functions stand for. Raises EingradError for another target, and where
        the derivatives are not by inputs.

        >>> from eingrad import parse
        >>> text = parse("L = x_i A_ij x_j").grad("L", "A").source("numpy")
        >>> print([line for line in text.splitlines() if "dL_dA =" in line][0])
            dL_dA = x[:, None] * x
        """
        wrt = {name for key in self.wrt for name in key.split()}
        if target != "numpy" and not tensors_assumed(self.system).isdisjoint(wrt):
            return self._unassumed().source(
                target, matmul=matmul, optimizer=optimizer, functions=functions
            )
        return module.module_source(
            self.of, self._keys, self.system, self._deriver, target,
            matmul=matmul, optimizer=optimizer, functions=functions,
        )  # fmt: skip

    def _structured(self, name: str) -> StructuredResult:
        """Return a derivative multiplied out, as the sum of terms that it is."""
        gradient = self[name]
        dims, terms = gradient.expr.dims, tuple(split_terms(gradient.expr))
        total = add(*(term.product(dims) for term in terms)) if terms else gradient.expr
        formula = to_formula(total, gradient.labels, self._deriver.names_of_results)
        text = to_text(Assignment(gradient.formula.target, formula))
        return StructuredResult(dims, result_rank(self._deriver, self._key(name)), terms, text)

    def _is_gradient(self, key: str) -> bool:
        title = self.records[key].title
        return isinstance(title, DirectionName) or (title.of_ndim == 0 and len(title.wrt) == 1)

    def _check_parameters(self) -> None:
        for name in self:
            if name not in self.system.inputs or self._keys[name] != f"d{self.of}/d{name}":
                raise EingradError(
                    f"a training step needs the gradient by an input, and {name} is none",
                    operand=name,
                    hint=f"inputs are: {', '.join(self.system.inputs)}",
                )
