"""Random data on which a model is finite and all that it assumes holds, as source text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eingrad.check.derived import Derived
from eingrad.check.points import WITHIN, Point, Points
from eingrad.codegen.code import tuple_text
from eingrad.codegen.module_plan import ModulePlan
from eingrad.core.arrays import Gather, Matrix
from eingrad.core.expr import Const, Dim, Einsum, Expr, Map, Var, postorder, variables
from eingrad.core.functions import FUNCTIONS
from eingrad.core.later import has_numpy, letting_overflow, np
from eingrad.errors import BackendError
from eingrad.notation.system import Fact

LONGEST = 12  # entries of an axis on which a model is tried, so that 1000 steps are no more work


@dataclass(frozen=True, slots=True)
class Draw:
    """How a tensor is drawn: a maker's name, or ``literal`` numbers; ``axis`` is the summed one."""

    maker: str
    axes: tuple[int, ...] = ()
    literal: tuple[float, ...] = ()
    below: Dim | None = None


def draws(program: ModulePlan) -> tuple[dict[Dim, int], dict[str, Draw]]:
    """Return a size for each dimension, and how each input is drawn.

    Raises EingradError where no values are found at which the model is finite. Where NumPy is
    absent no values are tried: simple models get numbers at which most functions have a value.
    """
    return _tried(program) if has_numpy() else _untried(program)


@letting_overflow
def _tried(program: ModulePlan) -> tuple[dict[Dim, int], dict[str, Draw]]:
    derived = Derived(program.system)
    needed = _formulas(program)
    needed = [x for x in needed if all(_known(v, derived) for v in variables(x))]
    points = Points(derived, needed, longest=LONGEST)
    sizes = points.apart(0)
    general = "signed" if any(map(_is_narrow, _formulas(program))) else "normal"
    result: dict[str, Draw] = {}
    point: Point | None = None
    facts = _facts_by_tensor(program.system.facts)
    for var in program.inputs:
        kind = points.kinds.get(var.name, "real")
        own = facts.get(var.name, [])
        draw = Draw(general if kind == "real" else kind)
        if len(own) == 1 and own[0].is_bound and own[0].left is var:
            interval = points.intervals[var]
            draw = Draw(WITHIN.get((interval.low, interval.high), draw.maker))
            own = [] if draw.maker in ("positive", "unit") else own
        if len(own) == 1 and (found := _usual(var, own[0], kind)) is not None:
            draw = found
        elif own:
            point = points.point(sizes, 0) if point is None else point
            array = np.asarray(point.arrays[var.name])
            draw = Draw("literal", (), tuple(array.ravel().tolist()))
        if var.name in points.ranges:
            draw = Draw("places", below=points.ranges[var.name])
        result[var.name] = draw
    return sizes, result


def _formulas(program: ModulePlan) -> list[Expr]:
    """Return what a forward pass computes; what a loop does is seen in its definition."""
    known = program.system.exprs
    return [
        known[line.var.name] if line.expr.has_loop else line.expr
        for line in program.forward if line.text
    ]  # fmt: skip


def _untried(program: ModulePlan) -> tuple[dict[Dim, int], dict[str, Draw]]:
    nodes = postorder([line.expr for line in program.forward])
    if any(isinstance(node, Gather | Matrix) for node in nodes):
        raise BackendError(
            "a model with integers or matrix functions needs NumPy for its module",
            hint="eingrad codegen, where NumPy is installed",
        )
    narrow = any(map(_is_narrow, _formulas(program)))
    plain = Draw("unit" if narrow else "normal")
    facts = _facts_by_tensor(program.system.facts)
    result = {}
    for var in program.inputs:
        usual = [_usual(var, fact, "real") for fact in facts.get(var.name, ())]
        result[var.name] = next(filter(None, usual), plain)
    dims = dict.fromkeys(dim for var in program.inputs for dim in var.dims)
    return {dim: k for k, dim in enumerate(dims, 2)}, result


def _known(var: Var, derived: Derived) -> bool:
    return var.name in derived.exprs or var.name in derived.system.inputs


def _is_narrow(expr: Expr) -> bool:
    """Whether an expression has a value, or a moderate one, only in a part of the real numbers."""
    maps = (x for x in postorder([expr]) if isinstance(x, Map))
    return any(FUNCTIONS[x.function].domain and variables(x) for x in maps)


def _facts_by_tensor(facts: Sequence[Fact]) -> Mapping[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        for var in dict.fromkeys([*variables(fact.left), *variables(fact.right)]):
            found.setdefault(var.name, []).append(fact)
    return found


def _usual(var: Var, fact: Fact, kind: str) -> Draw | None:
    """Read a fact that has a maker: entries that sum to 1, a symmetric matrix."""
    left, right = fact.left, fact.right
    if isinstance(left, Einsum) and left.operands == (var,) and _is_one(right):
        labels = left.inputs[0]
        axes = tuple(k for k, label in enumerate(labels) if label in left.summed)
        if len(axes) == 1 and len(set(labels)) == len(labels):
            return Draw("one_hot" if kind == "real" else "simplex", axes)
    if left is var and isinstance(right, Einsum) and right.operands == (var,):
        maker = {"real": "symmetric", "definite": "definite"}.get(kind)
        if right.inputs[0] == (1, 0) and maker is not None:
            return Draw(maker)
    return None


def _is_one(node: Expr) -> bool:
    if isinstance(node, Einsum) and len(node.operands) == 1:
        node = node.operands[0]
    return isinstance(node, Const) and node.value == 1


# --- spelling -----------------------------------------------------------------------------------

_NUMPY = {
    "normal": "rng.normal(size={shape})",
    "positive": "rng.uniform(0.3, 1.7, size={shape})",
    "unit": "rng.uniform(0.1, 0.9, size={shape})",
    "large": "rng.uniform(1.2, 2.5, size={shape})",
}
_TORCH = {"normal": "torch.randn({shape}, generator=rng, dtype=torch.float64)"} | {
    name: f"uniform(rng, {low}, {high}, {{shape}})"
    for name, low, high in [("positive", 0.3, 1.7), ("unit", 0.1, 0.9), ("large", 1.2, 2.5)]
}


def draw_text(target: str, draw: Draw, shape: Sequence[str]) -> tuple[str, str]:
    """Return the code that draws a tensor, and the maker's name if the module must define it."""
    if draw.maker == "literal":
        return "", ""
    inside = tuple_text(shape)
    if target == "torch":
        text = _TORCH.get(draw.maker)
        if text is not None:
            return text.format(shape=inside), "uniform" if "uniform" in text else ""
    elif (text := _NUMPY.get(draw.maker)) is not None:
        return text.format(shape=inside), ""
    axis = f", axis={draw.axes[0]}" if draw.axes else ""
    return f"{draw.maker}(rng, {inside}{axis})", draw.maker


NUMPY_MAKERS = {
    "signed": '''
def signed(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw numbers of both signs, none near 0."""
    return rng.uniform(0.2, 1.5, size=shape) * rng.choice([-1.0, 1.0], size=shape)
''',
    "one_hot": '''
def one_hot(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """Draw zeros with one 1 along ``axis``."""
    scores = rng.normal(size=shape)
    return (scores == np.max(scores, axis=axis, keepdims=True)).astype(float)
''',
    "simplex": '''
def simplex(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """Draw positive numbers that sum to 1 along ``axis``."""
    x = rng.uniform(0.3, 1.7, size=shape)
    return x / np.sum(x, axis=axis, keepdims=True)
''',
    "symmetric": '''
def symmetric(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw a symmetric matrix."""
    x = rng.normal(size=shape)
    return (x + x.T) / 2
''',
    "definite": '''
def definite(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw symmetric positive definite matrices."""
    x = rng.normal(size=shape)
    return x @ np.swapaxes(x, -1, -2) + 0.5 * np.eye(shape[-1])
''',
}
_UNIFORM = '''
def uniform(
    rng: torch.Generator, low: float, high: float, shape: tuple[int, ...]
) -> Tensor:
    """Draw numbers between two bounds."""
    unit = torch.rand(shape, generator=rng, dtype=torch.float64)
    return low + (high - low) * unit
'''
TORCH_MAKERS = {
    "uniform": _UNIFORM,
    "signed": '''
def signed(rng: torch.Generator, shape: tuple[int, ...]) -> Tensor:
    """Draw numbers of both signs, none near 0."""
    x = torch.randn(shape, generator=rng, dtype=torch.float64)
    return torch.sign(x) * (0.2 + torch.clamp(torch.abs(x), max=1.3))
''',
    "one_hot": '''
def one_hot(rng: torch.Generator, shape: tuple[int, ...], axis: int) -> Tensor:
    """Draw zeros with one 1 along ``axis``."""
    scores = torch.randn(shape, generator=rng, dtype=torch.float64)
    return (scores == torch.amax(scores, dim=axis, keepdim=True)).to(scores.dtype)
''',
    "simplex": '''
def simplex(rng: torch.Generator, shape: tuple[int, ...], axis: int) -> Tensor:
    """Draw positive numbers that sum to 1 along ``axis``."""
    x = 0.3 + torch.rand(shape, generator=rng, dtype=torch.float64)
    return x / torch.sum(x, dim=axis, keepdim=True)
''',
    "symmetric": '''
def symmetric(rng: torch.Generator, shape: tuple[int, ...]) -> Tensor:
    """Draw a symmetric matrix."""
    x = torch.randn(shape, generator=rng, dtype=torch.float64)
    return (x + x.T) / 2
''',
    "definite": '''
def definite(rng: torch.Generator, shape: tuple[int, ...]) -> Tensor:
    """Draw symmetric positive definite matrices."""
    x = torch.randn(shape, generator=rng, dtype=torch.float64)
    return x @ x.mT + 0.5 * torch.eye(shape[-1], dtype=torch.float64)
''',
}
MAKERS = {"numpy": NUMPY_MAKERS, "torch": TORCH_MAKERS, "jax": NUMPY_MAKERS}
