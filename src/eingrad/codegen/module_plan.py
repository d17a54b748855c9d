"""What a standalone module computes, target by target the same: lines forward, lines backward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from eingrad.calculus.axis_order import in_order
from eingrad.calculus.bind import bind_functions
from eingrad.calculus.condition_rules import shielded
from eingrad.calculus.naming import DirectionName
from eingrad.calculus.reverse import functions_in, needed_by, stable_functions
from eingrad.calculus.root_rules import derivatives_at_kinks, values_of_roots
from eingrad.calculus.rules import STANDALONE, apply_rules
from eingrad.calculus.run_form import form_to_run, in_pairs
from eingrad.calculus.softmax_beside_log import softmax_beside_its_log
from eingrad.calculus.structure import cost
from eingrad.codegen.usual_sizes import extents_of
from eingrad.core.algebra import is_light
from eingrad.core.arrays import Gather, Matrix, Scatter
from eingrad.core.expr import (
    Const,
    Einsum,
    Expr,
    Map,
    Reduce,
    Size,
    Var,
    check_extents,
    named_dims,
    postorder,
    variables,
)
from eingrad.core.functions import FUNCTIONS, declared_base
from eingrad.core.positions import Loop, Scan, Shift
from eingrad.core.product import shared_products
from eingrad.core.recurrences import computable, recurrent
from eingrad.core.rewrite import substitute
from eingrad.core.spans import within
from eingrad.derivation.author_letters import head_of
from eingrad.derivation.labels import to_formula
from eingrad.derivation.steps import Deriver
from eingrad.errors import EingradError
from eingrad.notation.syntax import Assignment, Formula, Symbol
from eingrad.notation.system import System
from eingrad.notation.text import to_text

MAX_OPENED = 40.0  # a definition longer than this is not looked into for a stable form


@dataclass(frozen=True, slots=True)
class Line:
    """``var = expr``; ``text`` is the formula in notation, empty for a part of the next line."""

    var: Var
    expr: Expr
    text: str


@dataclass(frozen=True, slots=True)
class ModuleResult:
    """A derivative: ``var`` is that of ``root`` by ``wrt``, or along ``direction``."""

    var: Var
    root: Var
    wrt: str
    direction: str | None = None


@dataclass(frozen=True)
class ModulePlan:
    """``forward`` computes ``roots`` from ``inputs``, ``backward`` the ``results`` from ``saved``.

    A gradient has one scalar root; ``is_gradient`` says that this is one.
    """

    of: str
    inputs: tuple[Var, ...]
    forward: tuple[Line, ...]
    backward: tuple[Line, ...]
    results: tuple[ModuleResult, ...]
    saved: tuple[Var, ...]
    is_gradient: bool
    system: System
    deriver: Deriver
    bound: Mapping[str, str] = field(default_factory=dict)

    @property
    def roots(self) -> tuple[Var, ...]:
        """The tensors that are differentiated, each once."""
        return tuple(dict.fromkeys(result.root for result in self.results))


def make_module_plan(
    of: str,
    keys: Mapping[str, str],
    system: System,
    deriver: Deriver,
    functions: Mapping[str, str] | None = None,
    fused: bool = False,
) -> ModulePlan:
    """Return what a module computes for ``keys``, which name each result's record.

    ``fused`` says that a softmax is one operation of the target.

    Raises EingradError for a generic function that is not bound, or bound to a callable.
    """
    functions = dict(functions or {})
    results = [_result(wrt, name, system, deriver) for wrt, name in keys.items()]
    results = [r for k, r in enumerate(results) if r not in results[:k]]
    first, second = prepare(system, deriver, functions, fused)
    second = needed_of(second, [r.var.name for r in results])
    saved = outside(second)
    first = needed_of(first, [*(r.root.name for r in results), *saved])
    texts = texts_of(system, deriver)
    forward = named_parts(lines_of(first, texts), second.values())
    backward = named_parts(lines_of(second, texts, forward))
    roots = {r.root for r in results}
    saved_vars = _saved(backward, system, roots)
    is_gradient = all(not r.root.ndim and r.direction is None for r in results) and len(roots) == 1
    inputs = _inputs(system, forward, saved_vars, results)
    nodes = postorder(line.expr for line in (*forward, *backward))
    check_sizes(inputs, nodes)
    return ModulePlan(
        of, inputs, tuple(forward), tuple(backward), tuple(results), saved_vars, is_gradient,
        system, deriver, functions,
    )  # fmt: skip


def prepare(
    system: System, deriver: Deriver, functions: Mapping[str, str], fused: bool
) -> tuple[dict[str, Expr], dict[str, Expr]]:
    """Return definitions and derivatives as they are computed: bound, stable, defined at kinks.

    ``fused`` says that a softmax is one operation of the target.
    """
    records = {name: r for name, r in deriver.records.items() if name not in system.definitions}
    exprs = [d.expr for d in system.definitions.values()] + [r.expr for r in records.values()]
    bound = _bound(exprs, dict(functions), system)
    first = dict(zip(system.definitions, bound, strict=False))
    second = dict(zip(records, bound[len(first) :], strict=True))
    first, second = _at_kinks(first, second, set(deriver.records))
    named: dict[Expr, Var] = {e: Var(n, e.dims) for n, e in first.items() if _has_work(e)}
    first = stable_definitions(first, named)
    second = {
        n: substitute(apply_rules([e], STANDALONE)[0], dict(named)) for n, e in second.items()
    }
    first, second = _shielded(first, second)
    return softmax_beside_its_log(first, second, fused)


@shared_products()
def lines_of(
    exprs: Mapping[str, Expr], texts: Mapping[str, str], before: Sequence[Line] = ()
) -> list[Line]:
    """Return definitions as lines, in the form to run, though their texts are the form to read.

    The parts that lines ``before`` have named go by their names.
    """
    parts: dict[Expr, Expr] = {x.expr: x.var for x in before if not x.text}
    loops = recurrent(exprs)  # which say by their conditions what comes before
    plain = {x: part for x, part in parts.items() if not x.has_places}
    exprs = with_loops(
        {n: substitute(e, plain if n in loops else parts) for n, e in exprs.items()}, parts
    )
    laid_out = in_order([*exprs.values()])
    extent = extents_of(laid_out)
    cheap = in_pairs(form_to_run(laid_out, extent), extent)
    return [Line(Var(n, e.dims), e, texts.get(n, "")) for n, e in zip(exprs, cheap, strict=True)]


def with_loops(exprs: Mapping[str, Expr], parts: Mapping[Expr, Expr]) -> dict[str, Expr]:
    """Return definitions in an order in which they can be computed, recurrences as loops.

    A loop reads tensors alone: what else it reads is defined before it, if it is none of ``parts``.
    """
    known = dict(parts)
    result: dict[str, Expr] = {}
    for var, expr in computable([(Var(n, e.dims), e) for n, e in exprs.items()], inline=False):
        loops: dict[Expr, Expr] = {}
        for scan in [x for x in postorder([expr]) if isinstance(x, Scan)]:
            for x in scan.operands:
                if not isinstance(x, Var) and x not in known:
                    known[x] = Var(f"{var.name} part of loop {len(known)}", x.dims)
                    result[f"{var.name} part of loop {len(known) - 1}"] = x
            loops[scan] = Scan([known.get(x, x) for x in scan.operands], scan.loop, scan.state)
        result[var.name] = substitute(expr, loops)
    return result


def body_of(loop: Loop) -> list[Line]:
    """Return the lines of one position of a loop: the entries of its states, and their parts."""
    return named_parts(lines_of({f"<s{k}>": body for k, body in enumerate(loop.bodies)}, {}))


def check_sizes(inputs: Iterable[Var], nodes: Iterable[Expr]) -> None:
    """Raise where some tensor has an axis whose extent no input tells."""
    nodes = list(nodes)
    told = {dim for var in inputs for dim in var.dims if isinstance(dim, str)}
    dims = {dim for node in nodes for dim in named_dims(node)}
    check_extents(nodes, told | {d for d in dims if told.issuperset(within([d]))})


def _result(wrt: str, name: str, system: System, deriver: Deriver) -> ModuleResult:
    record = deriver.records[name]
    title = record.title
    if isinstance(title, DirectionName):
        root, last = title.of, wrt
        new = [x for x in system.inputs if x not in deriver.original.inputs]
        if len(new) > 1:
            raise EingradError(
                f"a standalone module has one direction, and here are {', '.join(new)}",
                hint="write a module for each tensor, and add the results",
            )
        direction: str | None = new[0]
    else:
        last, direction = title.wrt[-1][0], None
        rest = title.wrt[:-1]
        root = str(type(title)(title.of, title.of_ndim, rest)) if rest else title.of
    check_input(system, last)
    return ModuleResult(record.var, system.definitions[root].var, last, direction)


def check_input(system: System, name: str) -> None:
    """Raise EingradError for a tensor that is assigned."""
    if name not in system.inputs:
        raise EingradError(
            f"a standalone module differentiates by inputs, and {name} is assigned",
            operand=name,
            hint=f"inputs are: {', '.join(system.inputs)}",
        )


def _bound(exprs: list[Expr], functions: dict[str, str], system: System) -> list[Expr]:
    for name, value in functions.items():
        if not isinstance(value, str):
            raise EingradError(
                f"{name} is bound to a Python function, which cannot be written into a module",
                operand=name,
                hint='bind it to a known one by name: functions={"' + name + '": "relu"}',
            )
    roots, _ = bind_functions(exprs, functions, system.functions)
    for node in postorder(roots):
        if isinstance(node, Map) and node.function not in FUNCTIONS:
            name = declared_base(node.function)
            raise EingradError(
                f"the function {name} is not bound",
                operand=name,
                hint=f'say what it stands for: functions={{"{name}": "relu"}}, or on the command '
                f"line --function {name}=relu",
            )
    return roots


def _at_kinks(
    first: dict[str, Expr], second: dict[str, Expr], derivatives: Collection[str]
) -> tuple[dict[str, Expr], dict[str, Expr]]:
    """Give derivatives a value where a norm or a determinant is 0, in both groups."""
    values = {n: e for n, e in first.items() if n not in derivatives}
    every = {**first, **second}
    rest = {n: e for n, e in every.items() if n not in values}
    loops = recurrent(every)
    named: dict[Expr, Expr] = {Var(n, e.dims): e for n, e in values.items() if n not in loops}
    dets = {var: e for var, e in named.items() if isinstance(e, Matrix) and e.function == "det"}
    safe = [substitute(e, dets) for e in rest.values()]  # whose product with an inverse is known
    safe = derivatives_at_kinks(safe, values.values(), named)
    every |= dict(zip(rest, safe, strict=True))
    every |= dict(zip(values, values_of_roots([*values.values()]), strict=True))
    return {n: every[n] for n in first}, {n: every[n] for n in second}


def _shielded(
    first: dict[str, Expr], second: dict[str, Expr]
) -> tuple[dict[str, Expr], dict[str, Expr]]:
    """Choose what conditions on labels leave out, in both groups."""
    every = {**first, **second}
    loops = recurrent(every)
    named: dict[Expr, Expr] = {Var(n, e.dims): e for n, e in every.items() if n not in loops}
    safe = dict(zip(every, shielded(list(every.values()), named), strict=True))
    return {n: safe[n] for n in first}, {n: safe[n] for n in second}


def _has_work(node: Expr) -> bool:
    return not isinstance(node, Var | Const | Size) and not is_light(node)


# --- stable forms -------------------------------------------------------------------------------


def stable_definitions(
    definitions: Mapping[str, Expr], named: Mapping[Expr, Var]
) -> dict[str, Expr]:
    """Rewrite definitions to forms that neither overflow nor cancel, also across statements.

    ``L = -mean_b(T_bo log(Z_bo))`` with Z a softmax takes the log-softmax of Z's argument.
    """
    result: dict[str, Expr] = {}
    for name, expr in definitions.items():
        own = apply_rules([expr], STANDALONE)[0]
        moved = variables(*(x for x in postorder([expr]) if isinstance(x, Shift)))
        inner: dict[Expr, Expr] = {
            v: definitions[v.name]
            for v in variables(expr)
            if v.name in definitions and v not in moved and cost(definitions[v.name]) <= MAX_OPENED
        }
        opened = substitute(expr, inner)
        folded = apply_rules([opened], STANDALONE)[0]
        new = stable_functions(folded) - functions_in(opened)
        if inner and new - functions_in(own):
            others = {e: v for e, v in named.items() if v.name != name}
            own = substitute(folded, dict(others))
        result[name] = own
    return result


# --- parts that occur twice ---------------------------------------------------------------------


@shared_products()
def named_parts(lines: Sequence[Line], later: Iterable[Expr] = ()) -> list[Line]:
    """Give names to what would be computed twice, as lines of their own before the first use.

    Also to a product in a product, which as an expression would be one product of all factors.
    ``later`` is what other lines compute, with the parts that these name.
    """
    again = {x for x in postorder(later) if isinstance(x, Reduce | Matrix)}
    roots = {line.expr for line in lines}
    counts: Counter[Expr] = Counter()
    for root in roots:
        for node in postorder([root]):
            counts.update(dict.fromkeys(node.operands, 1))
            if isinstance(node, Einsum) and not is_light(node):
                counts.update(x for x in node.operands if isinstance(x, Einsum))
    twice = {
        x for x in postorder([line.expr for line in lines])
        if (counts[x] > 1 or x in again) and _is_work(x) and x not in roots
    }  # fmt: skip
    parts: dict[Expr, Var] = {}
    result: list[Line] = []
    for line in lines:
        for x in [x for x in postorder([line.expr]) if x in twice and x not in parts]:
            known: dict[Expr, Expr] = dict(parts)
            new = Var(f"{line.var.name} part {len(parts) + 1}", x.dims)
            result.append(Line(new, substitute(x, known), ""))
            parts[x] = new
        whole: dict[Expr, Expr] = {k: v for k, v in parts.items() if k is not line.expr}
        result.append(Line(line.var, substitute(line.expr, whole), line.text))
    return result


def _is_work(node: Expr) -> bool:
    """Whether a node is worth a name: contractions, functions over axes, matrix functions."""
    if isinstance(node, Einsum):
        return bool(node.summed) and not is_light(node)
    return isinstance(node, Reduce | Matrix | Gather | Scatter)


# --- what is needed -----------------------------------------------------------------------------


def needed_of(exprs: Mapping[str, Expr], roots: Iterable[str]) -> dict[str, Expr]:
    """Return the definitions that some roots are made of, in their order."""
    wanted = needed_by(roots, exprs)
    return {name: expr for name, expr in exprs.items() if name in wanted}


def outside(exprs: Mapping[str, Expr]) -> list[str]:
    """Return the tensors that some definitions speak of and that are none of them."""
    found = (v.name for expr in exprs.values() for v in variables(expr))
    return [name for name in dict.fromkeys(found) if name not in exprs]


def _saved(backward: Sequence[Line], system: System, roots: Collection[Var]) -> tuple[Var, ...]:
    """Return what backward needs: inputs, then what was computed, the roots last.

    These are tensors that it speaks of, and those that tell a size.
    """
    own = {line.var for line in backward}
    saved = {v: None for line in backward for v in variables(line.expr) if v not in own}
    told = {dim for var in saved for dim in var.dims}
    wanted = {dim for line in backward for dim in sizes_in(line.expr)}
    for var in system.inputs.values():
        if (wanted - told) & set(var.dims) or not saved:
            saved[var] = None
            told |= set(var.dims)
    order = [*system.inputs, *system.definitions]
    rank = {name: k for k, name in enumerate(order)}
    return tuple(sorted(saved, key=lambda v: (v in roots, rank.get(v.name, len(order)))))


def sizes_in(expr: Expr) -> set[str]:
    """Return the dimensions whose extent an expression may speak of."""
    nodes = list(postorder([expr]))
    nodes += postorder([body for x in nodes if isinstance(x, Scan) for body in x.loop.bodies])
    dims = {d for node in nodes for d in node.dims if isinstance(d, str)}
    dims |= {node.dim for node in nodes if isinstance(node, Size) and isinstance(node.dim, str)}
    return dims | set(within(dims))


def _inputs(
    system: System, forward: Sequence[Line], saved: Sequence[Var], results: Sequence[ModuleResult]
) -> tuple[Var, ...]:
    used = {v.name for line in forward for v in variables(line.expr)}
    used |= {v.name for v in saved} | {r.wrt for r in results}
    used |= {r.direction for r in results if r.direction}
    told = {dim for name in used if name in system.inputs for dim in system.inputs[name].dims}
    for line in forward:
        for name, var in system.inputs.items():
            if (sizes_in(line.expr) - told) & set(var.dims):
                used.add(name)
                told |= set(var.dims)
    return tuple(var for name, var in system.inputs.items() if name in used)


# --- formulas -----------------------------------------------------------------------------------


def texts_of(system: System, deriver: Deriver) -> dict[str, str]:
    """Return the line of notation for each tensor and each derivative."""
    texts = {}
    for name, definition in system.definitions.items():
        written = None if definition.written is None else definition.written.value
        if name in deriver.records:
            texts[name] = _derivative_text(name, deriver)
            continue
        formula = written or to_formula(definition.expr, definition.labels, deriver.names)
        edges = () if definition.written is None else definition.written.edges
        texts[name] = to_text(Assignment(Symbol(name, definition.labels), formula, edges=edges))
    for name in deriver.records:
        texts[name] = _derivative_text(name, deriver)
    return texts


def _derivative_text(name: str, deriver: Deriver) -> str:
    record, labels = deriver.records[name], deriver.letters(name)
    formula = to_formula(record.expr, labels, deriver.names)
    return _assignment(head_of(record.title, labels), formula)


def _assignment(left: Formula, right: Formula) -> str:
    return to_text(Assignment(left, right))  # type: ignore[arg-type]
