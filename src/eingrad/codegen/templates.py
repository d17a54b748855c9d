"""Texts of a standalone module: functions that a target lacks, and what each model has alike."""

from __future__ import annotations

from eingrad.codegen import convolution_templates, window_templates

NUMPY = {
    "adjugate": '''
def adjugate(x: Array) -> Array:
    """Return det(x) inv(x), of a singular matrix too."""
    u, s, v = np.linalg.svd(x)
    own = np.eye(x.shape[-1], dtype=bool)
    others = np.prod(np.where(own, 1, s[..., None, :]), axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(v)
    inner = np.swapaxes(u, -1, -2) * others[..., :, None]
    return sign[..., None, None] * (np.swapaxes(v, -1, -2) @ inner)
''',
    "erf": '''
def erf(x: Array) -> Array:
    """Return the error function; `scipy.special.erf` is faster."""
    return np.vectorize(math.erf, otypes=[float])(x).astype(np.asarray(x).dtype)
''',
    "logsumexp": '''
def logsumexp(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Return log(sum(exp(x))); no exponential overflows."""
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isinf(top), 0, top)
    total = np.sum(np.exp(x - top), axis=axis)
    return np.log(total) + np.squeeze(top, axis=axis)
''',
    "log_softmax": '''
def log_softmax(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Return log(exp(x) / sum(exp(x))); no exponential overflows."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
''',
    "softmax": '''
def softmax(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Return exp(x) / sum(exp(x)); no exponential overflows."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)
''',
    "norm": '''
def norm(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Return the Euclidean norm; no square overflows or vanishes."""
    top = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    top = np.where((top == 0) | np.isinf(top), 1, top)
    return np.sqrt(np.sum((x / top) ** 2, axis=axis)) * np.squeeze(top, axis=axis)
''',
    "ismax": '''
def ismax(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Return 1 where the maximum is attained, 1 / n at each of n ties, 0 elsewhere."""
    attained = (x == np.max(x, axis=axis, keepdims=True)).astype(x.dtype)
    return attained / np.sum(attained, axis=axis, keepdims=True)
''',
    "ismin": '''
def ismin(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Return 1 where the minimum is attained, 1 / n at each of n ties, 0 elsewhere."""
    attained = (x == np.min(x, axis=axis, keepdims=True)).astype(x.dtype)
    return attained / np.sum(attained, axis=axis, keepdims=True)
''',
    "prod_others": '''
def prod_others(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Return, for each entry, the product of all others along ``axis``."""
    axes = (axis,) if isinstance(axis, int) else axis
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(x, axes, last)
    flat = moved.reshape(*moved.shape[: x.ndim - len(axes)], -1)
    own = np.eye(flat.shape[-1], dtype=bool)
    others = np.prod(np.where(own, 1, flat[..., None, :]), axis=-1)
    return np.moveaxis(others.reshape(moved.shape), last, axes)
''',
    "cumsum": '''
def cumsum(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Return the sums of all entries up to each, along one axis after the other."""
    for k in (axis,) if isinstance(axis, int) else axis:
        x = np.cumsum(x, axis=k)
    return x
''',
    "reverse_cumsum": '''
def reverse_cumsum(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Return the sums of all entries from each on."""
    return np.flip(cumsum(np.flip(x, axis), axis), axis)
''',
    "scatter": '''
def scatter(
    shape: tuple[int, ...], places: tuple[Array | slice, ...], x: Array
) -> Array:
    """Return zeros to which the entries of ``x`` are added at ``places``."""
    result = np.zeros(shape, x.dtype)
    np.add.at(result, places, x)
    return result
''',
    "add_at": '''
def add_at(x: Array, places: tuple[Array | slice, ...], entries: Array) -> Array:
    """Return ``x`` to which ``entries`` are added at ``places``."""
    result = x.copy()
    np.add.at(result, places, entries)
    return result
''',
    "add_onto": '''
def add_onto(x: Array, places: tuple[Array | slice, ...], entries: Array) -> Array:
    """Add ``entries`` at ``places`` of ``x``, which nobody else reads, and return it."""
    np.add.at(x, places, entries)
    return x
''',
    "shifted": '''
def shifted(x: Array, by: int, axis: int, outside: Array | None = None) -> Array:
    """Return the entries ``by`` positions on; ``outside``, or 0, where there are none."""
    x = np.moveaxis(x, axis, 0)
    count = min(abs(by), len(x))
    edge = np.broadcast_to(0 if outside is None else outside, x[:count].shape)
    parts = (x[count:], edge) if by > 0 else (edge, x[: len(x) - count])
    return np.moveaxis(np.concatenate(parts, dtype=x.dtype), 0, axis)
''',
}

TORCH = {
    "logsumexp_beside": '''
def logsumexp_beside(x: Tensor, p: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Return logsumexp of ``x``, whose softmax is ``p``."""
    if torch.is_grad_enabled() or x.dtype.itemsize < 4:
        return torch.logsumexp(x, dim)  # what is rounded has other maxima, and derivatives
    return torch.amax(x, dim) - torch.log(torch.amax(p, dim))
''',
    "adjugate": '''
def adjugate(x: Tensor) -> Tensor:
    """Return det(x) inv(x), of a singular matrix too."""
    u, s, v = torch.linalg.svd(x)
    own = torch.eye(x.shape[-1], dtype=torch.bool, device=x.device)
    others = torch.prod(torch.where(own, 1, s[..., None, :]), dim=-1)
    sign = torch.linalg.det(u) * torch.linalg.det(v)
    inner = u.mT * others[..., :, None]
    return sign[..., None, None] * (v.mT @ inner)
''',
    "norm": '''
def norm(x: Tensor, axis: int | tuple[int, ...]) -> Tensor:
    """Return the Euclidean norm; no square overflows or vanishes."""
    top = torch.amax(torch.abs(x), dim=axis, keepdim=True).detach()
    top = torch.where((top == 0) | torch.isinf(top), 1, top)
    return torch.linalg.vector_norm(x / top, dim=axis) * torch.squeeze(top, dim=axis)
''',
    "log_softmax": '''
def log_softmax(x: Tensor, axis: tuple[int, ...]) -> Tensor:
    """Return log(exp(x) / sum(exp(x))) over several axes."""
    return x - torch.logsumexp(x, dim=axis, keepdim=True)
''',
    "softmax": '''
def softmax(x: Tensor, axis: tuple[int, ...]) -> Tensor:
    """Return exp(x) / sum(exp(x)) over several axes."""
    return torch.exp(x - torch.logsumexp(x, dim=axis, keepdim=True))
''',
    "prod": '''
def prod(x: Tensor, axis: tuple[int, ...]) -> Tensor:
    """Return the product over several axes."""
    for k in sorted(axis, reverse=True):
        x = torch.prod(x, dim=k)
    return x
''',
    "ismax": '''
def ismax(x: Tensor, axis: int | tuple[int, ...]) -> Tensor:
    """Return 1 where the maximum is attained, 1 / n at each of n ties, 0 elsewhere."""
    attained = (x == torch.amax(x, dim=axis, keepdim=True)).to(x.dtype)
    return attained / torch.sum(attained, dim=axis, keepdim=True)
''',
    "ismin": '''
def ismin(x: Tensor, axis: int | tuple[int, ...]) -> Tensor:
    """Return 1 where the minimum is attained, 1 / n at each of n ties, 0 elsewhere."""
    attained = (x == torch.amin(x, dim=axis, keepdim=True)).to(x.dtype)
    return attained / torch.sum(attained, dim=axis, keepdim=True)
''',
    "prod_others": '''
def prod_others(x: Tensor, axis: int | tuple[int, ...]) -> Tensor:
    """Return, for each entry, the product of all others along ``axis``."""
    axes = (axis,) if isinstance(axis, int) else axis
    last = tuple(range(-len(axes), 0))
    moved = torch.movedim(x, axes, last)
    flat = moved.reshape(*moved.shape[: x.ndim - len(axes)], -1)
    own = torch.eye(flat.shape[-1], dtype=torch.bool, device=x.device)
    others = torch.prod(torch.where(own, 1, flat[..., None, :]), dim=-1)
    return torch.movedim(others.reshape(moved.shape), last, axes)
''',
    "cumsum": '''
def cumsum(x: Tensor, axis: int | tuple[int, ...]) -> Tensor:
    """Return the sums of all entries up to each, along one axis after the other."""
    for k in (axis,) if isinstance(axis, int) else axis:
        x = torch.cumsum(x, dim=k)
    return x
''',
    "reverse_cumsum": '''
def reverse_cumsum(x: Tensor, axis: int | tuple[int, ...]) -> Tensor:
    """Return the sums of all entries from each on."""
    axes = (axis,) if isinstance(axis, int) else axis
    return torch.flip(cumsum(torch.flip(x, axes), axes), axes)
''',
    "scatter": '''
def scatter(
    shape: tuple[int, ...], places: tuple[Tensor | None, ...], x: Tensor
) -> Tensor:
    """Return zeros to which the entries of ``x`` are added at ``places``."""
    return torch.ops.aten.index_put(x.new_zeros(shape), places, x, True)
''',
    "add_at": '''
def add_at(x: Tensor, places: tuple[Tensor | None, ...], entries: Tensor) -> Tensor:
    """Return ``x`` to which ``entries`` are added at ``places``."""
    return torch.ops.aten.index_put(x, places, entries.to(x.dtype), True)
''',
    "add_onto": '''
def add_onto(x: Tensor, places: tuple[Tensor | None, ...], entries: Tensor) -> Tensor:
    """Add ``entries`` at ``places`` of ``x``, which nobody else reads, and return it."""
    entries = entries.to(x.dtype)
    try:
        return torch.ops.aten.index_put_(x, places, entries, True)
    except RuntimeError:  # under vmap, where x is not a batch and the places are
        return torch.ops.aten.index_put(x, places, entries, True)
''',
    "shifted": '''
def shifted(x: Tensor, by: int, axis: int, outside: Tensor | None = None) -> Tensor:
    """Return the entries ``by`` positions on; ``outside``, or 0, where there are none."""
    x = torch.movedim(x, axis, 0)
    count = min(abs(by), len(x))
    edge = torch.zeros_like(x[0]) if outside is None else outside
    edge = edge.expand(x[:count].shape)
    parts = (x[count:], edge) if by > 0 else (edge, x[: len(x) - count])
    return torch.movedim(torch.cat(parts), 0, axis)
''',
}

_FROM_NUMPY = ("adjugate", "norm", "ismax", "ismin", "prod_others", "cumsum", "reverse_cumsum")
JAX = {name: NUMPY[name].replace("np.", "jnp.") for name in _FROM_NUMPY}
JAX["scatter"] = '''
def scatter(
    shape: tuple[int, ...], places: tuple[Array | slice, ...], x: Array
) -> Array:
    """Return zeros to which the entries of ``x`` are added at ``places``."""
    return jnp.zeros(shape, x.dtype).at[places].add(x)
'''
JAX["shifted"] = (
    NUMPY["shifted"].replace("np.", "jnp.").replace("concatenate(parts, dtype=x.dtype)",
                                                    "concatenate(parts)")
)  # fmt: skip
JAX["add_at"] = '''
def add_at(x: Array, places: tuple[Array | slice, ...], entries: Array) -> Array:
    """Return ``x`` to which ``entries`` are added at ``places``."""
    return x.at[places].add(entries)
'''
TORCH["hypotenuse"] = '''
def hypotenuse(x: Tensor, y: Tensor) -> Tensor:
    """Return sqrt(x^2 + y^2); no square overflows or vanishes."""
    is_zero = (x == 0) & (y == 0)  # where the derivative is 0
    return torch.where(is_zero, 0, torch.hypot(x, torch.where(is_zero, 1, y)))
'''
JAX["hypotenuse"] = '''
def hypotenuse(x: Array, y: Array) -> Array:
    """Return sqrt(x^2 + y^2); no square overflows or vanishes."""
    is_zero = (x == 0) & (y == 0)  # where the derivative is 0
    return jnp.where(is_zero, 0, jnp.hypot(x, jnp.where(is_zero, 1, y)))
'''
HELPERS = {
    "numpy": NUMPY | window_templates.NUMPY,
    "torch": TORCH | window_templates.TORCH | convolution_templates.TORCH,
    "jax": JAX | window_templates.JAX | convolution_templates.JAX,
}
"""The texts of helpers that a target needs; they may call each other."""


# --- what is the same for every model, in each target's words ---

IMPORTS = {
    "numpy": "import numpy as np",
    "torch": "import torch",
    "jax": "import jax\nimport jax.numpy as jnp\nimport numpy as np",
}
ARRAY = {
    "numpy": "Array = np.ndarray",
    "torch": "Tensor = torch.Tensor",
    "jax": "Array = jax.Array",
}

CHECK_SHAPES = '''
def check_shapes(*tensors: Array) -> None:
    """Raise ValueError unless the inputs have the axes of AXES, one size for each letter."""
    sizes: dict[str, int] = {}
    for (name, axes), tensor in zip(AXES.items(), tensors, strict=True):
        shape = tuple(tensor.shape)
        if len(shape) != len(axes):
            raise ValueError(f"{name} has shape {shape}, but its axes are {axes}")
        for axis, size in zip(axes, shape, strict=True):
            known = sizes.setdefault(axis, size)
            if known != size:
                raise ValueError(f"axis {axis} has size {known}, but {size} in {name}")
'''

PULL_BACK = '''
def pull_back(saved: Saved, g: Array) -> tuple[Array | None, ...]:
    """Return the cotangents of the inputs, None for those that are not in WRT."""
    gradients = dict(zip(WRT, backward(saved), strict=True))
    return tuple(g * gradients[x] if x in gradients else None for x in AXES)


value.defvjp(forward, pull_back)
'''

_MOVED = {
    "numpy": "moved = np.array(data[name])\n            moved[index] += step",
    "torch": "moved = data[name].clone()\n            moved[index] += step",
    "jax": "moved = np.array(data[name])\n            moved[index] += step",
}
_INDICES = {
    "numpy": "np.ndindex(data[name].shape)",
    "torch": "itertools.product(*map(range, data[name].shape))",
    "jax": "np.ndindex(data[name].shape)",
}
_DIFFERENCES = '''
{decorator}def central_differences(data: dict[str, Array], name: str{more}) -> {kind}:
    """Return {what} by one input, from its values on both sides."""
{run}    columns = []
    for index in {indices}:
        ends = []
        for step in (STEP, -STEP):
            {moved}
            ends.append({before}(**{{**data, name: moved}})[0]{root}{after})
        columns.append((ends[0] - ends[1]) / (2 * STEP))
    stacked = {module}.stack(columns, -1)
    return stacked.reshape(stacked.shape[:-1] + data[name].shape)
'''
_ALONG = '''
def central_difference(data: dict[str, Array], name: str, along: str) -> Array:
    """Return the derivative along a direction, from the values on both sides."""
    ends = []
    for step in (STEP, -STEP):
        moved = data[name] + step * data[along]
        ends.append(forward(**{**data, name: moved})[0])
    return (ends[0] - ends[1]) / (2 * STEP)
'''
_CHECK = '''
def check_gradient(seed: int = 0) -> float:
    """Return the largest relative error of {what}, against central differences."""
{x64}    data = random_data(seed)
    _, saved = forward(**data)
    found = {backward}(saved)
    errors = []
    for {names}, result in zip({constant}, found, strict=True):
        expected = {expected}
        if result.shape != expected.shape:
            raise ValueError(f"the derivative by {{name}} has shape {{result.shape}}")
        scale = max(float({module}.abs(expected).max()), 1e-3)
        errors.append(float({module}.abs(result - expected).max()) / scale)
    return float({module}.{largest}(errors){end})
'''
X64 = '    jax.config.update("jax_enable_x64", True)  # differences need 64 bits\n'
FRAMEWORK_CHECK = {
    "torch": '''
def check_gradient(seed: int = 0) -> bool:
    """Whether first and second derivatives are right; raises where not."""
    data = random_data(seed)
    wanted = [data[name].requires_grad_() for name in WRT]

    def function(*tensors: Tensor) -> Any:
        return value(**{**data, **dict(zip(WRT, tensors, strict=True))})

    good = torch.autograd.gradcheck(function, wanted, fast_mode=True)
    return good and torch.autograd.gradgradcheck(function, wanted, fast_mode=True)
''',
    "jax": '''
def check_gradient(seed: int = 0) -> bool:
    """Whether the gradients are right; raises where not."""
    jax.config.update("jax_enable_x64", True)  # differences need 64 bits
    data = random_data(seed)

    @jax.jit
    def function(*arrays: Array) -> Any:
        return value(**{**data, **dict(zip(WRT, arrays, strict=True))})

    check_grads(function, [data[name] for name in WRT], order=1, modes=["rev"])
    return True
''',
}
SAYS_GOOD = "the derivatives agree with differences of values"
CHECK_COTANGENT = '''
def check_cotangent(cotangent: Array, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless a cotangent has the shape of its output."""
    own = tuple(cotangent.shape)
    if own != shape:
        raise ValueError(f"the output has shape {shape}, its cotangent {own}")
'''
_FILLED = '''
def filled(
    inputs: tuple[Array, ...], tangents: tuple[Array | None, ...]
) -> list[Array]:
    """Return the tangents, zeros for inputs that do not move."""
    pairs = zip(inputs, tangents, strict=True)
    return [np.zeros_like(x) if t is None else t for x, t in pairs]
'''
FILLED = {
    "numpy": _FILLED,
    "torch": _FILLED.replace("Array", "Tensor").replace("np.", "torch."),
    "jax": _FILLED.replace("np.", "jnp."),
}
_LAYER_CHECK = {
    "numpy": '''
def check_gradient(seed: int = 0) -> float:
    """Return the largest relative error of `backward` and `jvp`, against differences."""
    data, rng = random_data(seed), np.random.default_rng(seed)
    {outputs}, saved = forward(**data)
    bars = [rng.normal(size=y.shape) for y in {listed}]
    tangents = {{name: rng.normal(size=data[name].shape) for name in WRT}}

    def product(**moved: Array) -> float:
        {outputs}, _ = forward(**{{**data, **moved}})
        return sum(np.sum(bar * y) for bar, y in zip(bars, {listed}, strict=True))

    errors, along = [], 0.0
    for name, result in zip(WRT, backward(saved, *bars), strict=True):
        expected = np.zeros(data[name].shape)
        for index in np.ndindex(expected.shape):
            step = np.zeros(expected.shape)
            step[index] = STEP
            above = product(**{{name: data[name] + step}})
            below = product(**{{name: data[name] - step}})
            expected[index] = (above - below) / (2 * STEP)
        if result.shape != expected.shape:
            raise ValueError(f"the gradient by {{name}} has shape {{result.shape}}")
        scale = max(np.max(np.abs(expected)), 1e-3)
        errors.append(np.max(np.abs(result - expected)) / scale)
        along += np.sum(result * tangents[name])
    _, moved = jvp(tuple(data.values()), tuple(tangents.get(name) for name in data))
    pairs = zip(bars, {moved}, strict=True)
    difference = sum(np.sum(bar * y) for bar, y in pairs) - along
    return float(max(*errors, abs(difference) / max(abs(along), 1e-3)))
''',
    "torch": '''
def check_jvp(seed: int = 0) -> bool:
    """Whether `jvp` is the transpose of `backward`."""
    data = random_data(seed)
    {outputs}, saved = forward(**data)
    bars = [torch.randn_like(y) for y in {listed}]
    tangents = {{name: torch.randn_like(data[name]) for name in WRT}}
    _, moved = jvp(tuple(data.values()), tuple(tangents.get(name) for name in data))
    left = sum((bar * y).sum() for bar, y in zip(bars, {moved}, strict=True))
    pairs = zip(backward(saved, *bars), tangents.values(), strict=True)
    right = sum((gradient * tangent).sum() for gradient, tangent in pairs)
    return bool(torch.isclose(torch.as_tensor(left), torch.as_tensor(right)))
''',
    "jax": '''
def check_jvp(seed: int = 0) -> bool:
    """Whether `jvp` is the transpose of `backward`."""
    data, rng = random_data(seed), np.random.default_rng(seed)
    {outputs}, saved = forward(**data)
    bars = [jnp.asarray(rng.normal(size=y.shape)) for y in {listed}]
    tangents = {{name: jnp.asarray(rng.normal(size=data[name].shape)) for name in WRT}}
    _, moved = jvp(tuple(data.values()), tuple(tangents.get(name) for name in data))
    left = sum(jnp.sum(bar * y) for bar, y in zip(bars, {moved}, strict=True))
    pairs = zip(backward(saved, *bars), tangents.values(), strict=True)
    right = sum(jnp.sum(gradient * tangent) for gradient, tangent in pairs)
    return bool(jnp.isclose(left, right))
''',
}


def layer_checks(target: str, outputs: int) -> str:
    """Return what checks a layer with so many outputs, beside the framework's check."""
    one = outputs == 1
    return _LAYER_CHECK[target].format(
        outputs="output" if one else "outputs",
        listed="[output]" if one else "outputs",
        moved="[moved]" if one else "moved",
    )


TRAIN = '''
def train(steps: int = 20, seed: int = 0) -> list[float]:
    """Train on random data; return {of} before each step."""
    data = random_data(seed)
    data |= initial_state(data)
    losses = []
    for _ in range(steps):
        loss, new = train_step(**data)
        losses.append(float(loss))
        data |= new
    return losses
'''


def differences(target: str, mode: str, roots: int) -> str:
    """Return the function that takes central differences; ``mode`` is gradient, dense or along."""
    if mode == "along":
        return _ALONG.replace("Array", "Tensor" if target == "torch" else "Array")
    text = _DIFFERENCES.format(
        decorator="@torch.no_grad()\n" if target == "torch" else "",
        more=", root: int" if roots > 1 else "",
        root="[root]" if roots > 1 else "",
        run="    compiled = jax.jit(forward)\n" if target == "jax" else "",
        before="np.asarray(compiled" if target == "jax" else "forward",
        after=")" if target == "jax" else "",
        what="a derivative" if roots > 1 else "the derivative",
        indices=_INDICES[target],
        moved=_MOVED[target],
        kind="np.ndarray" if target == "jax" else "Array",
        module="torch" if target == "torch" else "np",
    )
    return text.replace("Array", "Tensor") if target == "torch" else text


def check(target: str, mode: str, roots: int) -> str:
    """Return ``check_gradient``."""
    gradient = mode == "gradient"
    names = "name" if gradient else "(name, root)" if mode == "dense" and roots > 1 else "name"
    expected = "central_differences(data, name)"
    if mode == "dense" and roots > 1:
        expected = "central_differences(data, name, root)"
    if mode == "along":
        names, expected = "(name, along)", "central_difference(data, name, along)"
    return _CHECK.format(
        what="the gradient" if gradient else "the derivatives",
        x64=X64 if target == "jax" else "",
        backward="backward" if gradient else "derivatives",
        names=names,
        constant="WRT",
        expected=expected,
        module="torch" if target == "torch" else "np",
        largest="tensor" if target == "torch" else "max",
        end=".max()" if target == "torch" else "",
    )
