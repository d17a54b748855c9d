"""What every face shows of a derivation, built once; a face renders it and computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eingrad.calculus.facts import symmetric_matrices
from eingrad.calculus.naming import DirectionName
from eingrad.calculus.structure import is_minus
from eingrad.core.algebra import base_and_exponent
from eingrad.core.expr import Dim, Expr, Var, postorder, variables
from eingrad.core.later import has_numpy
from eingrad.core.rewrite import substitute
from eingrad.derivation.author_letters import head_of
from eingrad.derivation.labels import to_formula
from eingrad.derivation.lines import Step
from eingrad.derivation.matrix import form_text, layout_axes, matrix_form
from eingrad.derivation.matrix.form_values import vanishes_on_diagonal
from eingrad.derivation.matrix.forms import Form, has_commutation, names_in
from eingrad.derivation.numpy_line import NoNumpyLineError, identifier, numpy_line
from eingrad.derivation.opened_rules import OpenedRule, opened_rules
from eingrad.derivation.reasons import MatrixText, matrix_words
from eingrad.derivation.steps import Deriver
from eingrad.notation.latex import to_latex
from eingrad.notation.notes import notes_on
from eingrad.notation.syntax import Assignment, Derivative, Statement, Symbol
from eingrad.notation.system import System
from eingrad.notation.text import to_text

LONG_FORM = 100  # characters of a matrix form that is shown whatever the index notation's length
LONGER = 1.5  # times the index notation's length, of one that is longer


@dataclass(frozen=True, slots=True)
class Closed:
    """A result in inputs and definitions of the model alone.

    ``parts`` are what a long result gives names to, each after those that it is made of.
    """

    target: Symbol | Derivative
    labels: tuple[str, ...]
    expr: Expr
    line: Assignment
    parts: tuple[Assignment, ...]
    part_exprs: tuple[tuple[Var, Expr], ...]


@dataclass(frozen=True, slots=True)
class MatrixLine:
    """``target = value`` in matrix notation; not ``tested`` where values cannot be had.

    ``notes`` say how it is to be read where that is not plain.
    """

    target: MatrixText
    value: MatrixText
    tested: bool
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What stands beside the line."""
        return "; ".join(("in matrices", *self.notes))


@dataclass(frozen=True, slots=True)
class NumpyLines:
    """Python that computes a result with NumPy; ``imports`` are what it needs beside that."""

    imports: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The derivation of one derivative, ``head``; ``name`` is the tensor that it is shaped like."""

    name: str
    head: Symbol | Derivative
    labels: tuple[str, ...]
    steps: tuple[Step, ...]
    closed: Closed
    matrix: MatrixLine | None
    numpy: NumpyLines | None


@dataclass(frozen=True, slots=True)
class ModelText:
    """A model as it was written: its statements, each with what it was taken to mean."""

    statements: tuple[tuple[Statement, tuple[str, ...]], ...]
    shapes: tuple[Symbol, ...]


@dataclass(frozen=True, slots=True)
class Presentation:
    """A derivation: the model, a section for each derivative, the rules that they cite."""

    model: ModelText
    of: str
    sections: tuple[Section, ...]
    rules: tuple[OpenedRule, ...] = ()


def model_text(statements: Sequence[Statement], system: System) -> ModelText:
    """Return a model's statements with their notes, and the shapes of its inputs."""
    noted = tuple((x, tuple(note.text for note in notes_on(x))) for x in statements)
    return ModelText(noted, tuple(Symbol(name, system.labels[name]) for name in system.inputs))


# --- a result without derivatives in it ---------------------------------------------------------


def closed_of(deriver: Deriver, key: str) -> Closed:
    """Return a derivative in the model's own tensors; what is long has parts with names."""
    names = deriver.names_of_results
    (_, _, expr), *parts = deriver.closed(key)
    labels = deriver.letters(key)
    target = head_of(deriver.records[key].title, labels)
    written = []
    for own, var, value in parts:
        letters = deriver.letters(own)
        formula = to_formula(value, letters, names)
        written.append(Assignment(Symbol(var.name, letters), formula))
    line = Assignment(target, to_formula(expr, labels, names))
    exprs = tuple((var, value) for _, var, value in parts)
    return Closed(target, labels, expr, line, tuple(written)[::-1], exprs[::-1])


def result_rank(deriver: Deriver, key: str) -> int:
    """Return how many axes of a derivative stand before the last tensor's."""
    title = deriver.records[key].title
    if isinstance(title, DirectionName):
        return 0
    return title.of_ndim + sum(ndim for _, ndim in title.wrt[:-1])


def matrix_of(deriver: Deriver, key: str, expr: Expr, layout: str | None = None) -> Form | None:
    """Return a derivative in matrix notation, None where it has none that is good to read.

    None is good that is much longer than the index notation, nor one that divides by a matrix of
    distances: these are 0 on the diagonal, where the index notation means 0.
    """
    rows, cols = layout_axes(expr.ndim, result_rank(deriver, key), layout)
    symmetric = symmetric_matrices(deriver.symmetries)
    form = matrix_form(expr, rows, cols, deriver.names.rank, symmetric)
    if form is None or _divides_by_distances(expr, deriver.system):
        return None
    length = len(form_text(form))
    if length <= LONG_FORM:
        return form
    written = to_formula(expr, deriver.letters(key), deriver.names_of_results)
    return form if length <= LONGER * len(to_text(written)) else None


def _divides_by_distances(expr: Expr, system: System) -> bool:
    """Whether a square matrix that is 0 on its diagonal stands below a fraction bar."""
    for node in postorder([expr]):
        base, exponent = base_and_exponent(node)
        if is_minus(exponent) and base.ndim == 2 and base.dims[0] == base.dims[1]:
            whole, known = base, system.definitions
            while names := [v for v in variables(whole) if v.name in known]:
                whole = substitute(whole, {v: known[v.name].expr for v in names})
            if vanishes_on_diagonal(whole):
                return True
    return False


def _matrix_line(deriver: Deriver, key: str, closed: Closed) -> MatrixLine | None:
    form = None if closed.parts else matrix_of(deriver, key, closed.expr)
    if form is None:
        return None
    target = head_of(deriver.records[key].title, ())
    named = MatrixText(key, to_latex(target))
    notes = ["columns stacked by vec"] if closed.expr.ndim > 2 else []
    if has_commutation(form):
        notes.append(f"{'Comm' if 'K' in names_in(form) else 'K'} is the commutation matrix")
    tested = has_numpy()
    notes += [] if tested else ["not tested without NumPy"]
    return MatrixLine(named, matrix_words(form, deriver.names), tested, tuple(notes))


# --- NumPy --------------------------------------------------------------------------------------


def extents_of(system: System) -> Mapping[Dim, str]:
    """Say where to read the extent of each dimension: at the first tensor that has it."""
    places: dict[Dim, str] = {}
    for var in [*system.inputs.values(), *(d.var for d in system.definitions.values())]:
        for axis, dim in enumerate(var.dims):
            places.setdefault(dim, f"{identifier(var.name)}.shape[{axis}]")
    return places


def _numpy_lines(deriver: Deriver, key: str, closed: Closed) -> NumpyLines | None:
    """Return lines for the parts and the result, named ``dL_dW1``; None where there are none."""
    target = "".join(c if c.isalnum() else "_" for c in key)
    imports: dict[str, None] = {}
    extents = extents_of(deriver.system)
    named = [*((var.name, expr) for var, expr in closed.part_exprs), (target, closed.expr)]
    try:
        lines = [f"{name} = {numpy_line(expr, extents, imports)}" for name, expr in named]
    except (NoNumpyLineError, KeyError):
        return None
    return NumpyLines(tuple(imports), tuple(lines))


# --- the whole ----------------------------------------------------------------------------------


MOST_CLOSED = 2000  # results times derivatives that they may be made of


def _as_derived(deriver: Deriver, key: str) -> Closed:
    """Return a result of a large derivation, over the derivatives that its other lines define."""
    record, labels = deriver.records[key], deriver.letters(key)
    target = head_of(record.title, labels)
    line = Assignment(target, to_formula(record.expr, labels, deriver.names_of_results))
    return Closed(target, labels, record.expr, line, (), ())


def present(deriver: Deriver, of: str, wrt: Mapping[str, str], model: ModelText) -> Presentation:
    """Return the presentation of derivatives; ``wrt`` maps each name to its record's key.

    Results of a large derivation stay in its derivatives, so that its length is linear.
    """
    known: set[str] = set()
    sections = []
    whole = len(wrt) * len(deriver.records) <= MOST_CLOSED
    for name, key in wrt.items():
        labels = deriver.letters(key)
        closed = closed_of(deriver, key) if whole else _as_derived(deriver, key)
        shown = name if labels == deriver.system.labels.get(name) else ""
        head = head_of(deriver.records[key].title, labels)
        sections.append(
            Section(
                shown, head, labels, tuple(deriver.steps(key, known)), closed,
                _matrix_line(deriver, key, closed),
                _numpy_lines(deriver, key, closed) if whole else None,
            )
        )  # fmt: skip
    steps = [step for section in sections for step in section.steps]
    return Presentation(model, of, tuple(sections), opened_rules(deriver, steps))
