"""``eg.einsum`` of PyTorch's and JAX's arrays: values, gradients, and that library's transforms."""

from __future__ import annotations

import numpy as np
import pytest
from seeds import seeded

import eingrad as eg

EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ii->i", (3, 3)), ("ii->", (3, 3)), ("i->ii", (3,)),
    ("ij,ij,ij->j", (2, 3), (2, 3), (1, 3)), ("...i,i...->...", (2, 3), (3, 2)),
    ("ij,kl->", (2, 3), (2, 2)), ("iij,jk->k", (2, 2, 3), (3, 4)), (",i->i", (), (3,)),
]  # fmt: skip


def drawn(shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    rng = np.random.default_rng(seeded(3))
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("case", EQUATIONS, ids=lambda case: case[0])
def test_torch_tensors(case) -> None:
    torch = pytest.importorskip("torch")
    spec, *shapes = case
    arrays = drawn(shapes)
    operands = [torch.tensor(x, requires_grad=True) for x in arrays]
    result = eg.einsum(spec, *operands)
    np.testing.assert_allclose(result.detach().numpy(), eg.einsum(spec, *arrays))
    tensors = [eg.tensor(x, requires_grad=True) for x in arrays]
    eg.einsum(spec, *tensors).sum().backward()
    gradients = torch.autograd.grad(result.sum(), operands)
    for found, tensor in zip(gradients, tensors, strict=True):
        np.testing.assert_allclose(found.numpy(), tensor.grad.numpy())


@pytest.mark.parametrize("case", EQUATIONS, ids=lambda case: case[0])
def test_jax_arrays(case) -> None:
    jax = pytest.importorskip("jax")
    spec, *shapes = case
    arrays = drawn(shapes)
    with jax.enable_x64(True):
        operands = [jax.numpy.array(x) for x in arrays]
        result = jax.jit(lambda *xs: eg.einsum(spec, *xs))(*operands)
        assert isinstance(result, jax.Array)
        np.testing.assert_allclose(result, eg.einsum(spec, *arrays))
        batch = [jax.numpy.stack([x, 2 * x]) for x in operands]
        mapped = jax.vmap(lambda *xs: eg.einsum(spec, *xs))(*batch)
        np.testing.assert_allclose(mapped[1], result * 2 ** len(arrays))


def test_other_operands_are_converted() -> None:
    torch = pytest.importorskip("torch")
    found = eg.einsum("i,i->i", [1, 2], torch.tensor([0.5, 0.25]))
    assert isinstance(found, torch.Tensor)
    assert found.tolist() == [0.5, 0.5]


def test_errors_are_those_of_arrays() -> None:
    torch = pytest.importorskip("torch")
    a = torch.ones(2, 3)
    with pytest.raises(eg.ShapeError, match="label j has size 3 in operand 0"):
        eg.einsum("ij,jk->ik", a, a)
    with pytest.raises(TypeError, match="no out="):
        eg.einsum("ij->i", a, out=a)
    with pytest.raises(eg.MemoryLimitError, match="192 bytes"):
        eg.einsum("ij,kl->ijkl", a, torch.ones(2, 4), memory_limit=10)
