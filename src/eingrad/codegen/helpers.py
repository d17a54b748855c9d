"""Functions that a standalone module defines itself, where no spelling and no recipe is as good."""

from __future__ import annotations

NUMPY = {
    "adjugate": '''
def adjugate(x: Array) -> Array:
    """Return det(x) inv(x), of a singular matrix too."""
    u, s, v = np.linalg.svd(x)
    others = np.prod(np.where(np.eye(x.shape[-1], dtype=bool), 1, s[..., None, :]), axis=-1)
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
def scatter(shape: tuple[int, ...], places: tuple[Array, ...], x: Array) -> Array:
    """Return zeros to which the entries of ``x`` are added at ``places``."""
    result = np.zeros(shape, x.dtype)
    np.add.at(result, places, x)
    return result
''',
}

TORCH = {
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
def scatter(shape: tuple[int, ...], places: tuple[Tensor, ...], x: Tensor) -> Tensor:
    """Return zeros to which the entries of ``x`` are added at ``places``."""
    return x.new_zeros(shape).index_put(places, x, accumulate=True)
''',
}

_FROM_NUMPY = ("adjugate", "norm", "ismax", "ismin", "prod_others", "cumsum", "reverse_cumsum")
JAX = {name: NUMPY[name].replace("np.", "jnp.") for name in _FROM_NUMPY}
JAX["scatter"] = '''
def scatter(shape: tuple[int, ...], places: tuple[Array, ...], x: Array) -> Array:
    """Return zeros to which the entries of ``x`` are added at ``places``."""
    return jnp.zeros(shape, x.dtype).at[places].add(x)
'''
HELPERS = {"numpy": NUMPY, "torch": TORCH, "jax": JAX}
NEEDS = {"reverse_cumsum": ("cumsum",)}
"""The texts of helpers that a target needs, and which others these call."""
