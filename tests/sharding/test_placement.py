"""Every tensor is split by the labels of its axes, and computes what it computes elsewhere."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import DIM, RandomModel
from seeds import examples, seeded
from strategies import models

import eingrad as eg
from eingrad.engine.sharding import Sharding
from eingrad.errors import BackendError, EingradError, ShapeError
from sharding.mesh_models import MESHES, mlp, mlp_arrays

ATTENTION = """
Q_bsk = X_bsi Q0_ik
K_btk = X_bti K0_ik
V_btv = X_bti V0_iv
A_bst = softmax_t(Q_bsk K_btk)
Y_bsv = A_bst V_btv
L = mean_b(sum_sv(Y_bsv^2))
"""
ATTENTION_SHAPES = {"X": (8, 4, 6), "Q0": (6, 8), "K0": (6, 8), "V0": (6, 8)}
LEAST_SQUARES = "L = mean_b((X_bi w_i + c - y_b)^2)"
LINES = {"X": (16, 4), "w": (4,), "c": (), "y": (16,)}
DEEP = """
Z[l,b,h] = Z[l-1,b,h] + tanh(Z[l-1,b,g] W[l,g,h])
Z[l<0,b,h] = X_bh
L = mean_b(sum_h(Z[-1,b,h]^2))
"""
DEEP_SHAPES = {"W": (3, 8, 8), "X": (16, 8)}
RNN = "h[t,b,i] = tanh(U_ij h[t-1,b,j] + x_tbi)\nL = sum_tbi(h_tbi^2)"

TABLE: list[tuple[str, str, dict[str, tuple[int, ...]], dict[str, int], dict[str, Any]]] = [
    ("grad", LEAST_SQUARES, LINES, {"data": 8}, {"b": "data"}),
    ("grad", LEAST_SQUARES, LINES, {"data": 2, "model": 4}, {"b": "data", "i": "model"}),
    ("grad", LEAST_SQUARES, LINES, {"p": 2, "q": 2}, {"b": ("p", "q")}),
    ("grad", LEAST_SQUARES, LINES, {"data": 8}, {}),
    ("grad", ATTENTION, ATTENTION_SHAPES, {"data": 8}, {"b": "data"}),
    ("grad", ATTENTION, ATTENTION_SHAPES, {"d": 4, "m": 2}, {"b": "d", "k": "m", "v": "m"}),
    ("grad", ATTENTION, ATTENTION_SHAPES, {"d": 2, "m": 4}, {"b": "d", "s": "m"}),
    ("grad", ATTENTION, ATTENTION_SHAPES, {"m": 4}, {"t": "m"}),  # of intermediates alone
    ("grad", "K_st = exp(-sum_i((X_si - X_ti)^2))\nL = sum_st(K_st)", {"X": (8, 3)}, {"m": 8},
     {"t": "m"}),
    ("grad", "Y[batch,out] = X[batch,in] W[in,out]\nL = sum_{batch,out}(Y[batch,out]^2)",
     {"X": (8, 3), "W": (3, 4)}, {"d": 4, "m": 2}, {"batch": "d", "out": "m"}),
    ("grad", "L = A_ii B_ij c_j", {"A": (8, 8), "B": (8, 2), "c": (2,)}, {"m": 8}, {"i": "m"}),
    ("grad", "B_ik = A_ij A_kj + delta_ik\nL = logdet_ik(B_ik)", {"A": (8, 8)}, {"m": 8},
     {"i": "m"}),
    ("grad", "z_b = max_i(X_bi)\nL = prod_b(z_b)", {"X": (8, 8)}, {"d": 4, "m": 2},
     {"b": "d", "i": "m"}),
    ("grad", DEEP, DEEP_SHAPES, {"data": 4, "model": 2}, {"b": "data", "h": "model"}),
    ("grad", DEEP, {**DEEP_SHAPES, "W": (8, 8, 8)}, {"m": 8}, {"l": "m"}),
    ("grad", RNN, {"U": (8, 8), "x": (4, 8, 8)}, {"d": 4, "m": 2}, {"b": "d", "j": "m"}),
    ("jacobian", "y_i = softmax_i(A_ij x_j)", {"A": (8, 4), "x": (4,)},
     {"m": 8}, {"i": "m"}),
    ("hessian", "y = log(sum_i(exp(A_ij x_j)))", {"A": (8, 4), "x": (4,)}, {"d": 2, "m": 4},
     {"i": "d", "j": "m"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "shapes", "mesh", "shard"), TABLE)
def test_values_are_numpys(
    kind: str, text: str, shapes: dict[str, Any], mesh: dict[str, int], shard: dict[str, Any],
    jax: ModuleType,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seeded(0))
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    model = eg.parse(text)
    derivatives = getattr(model, kind)(model.outputs[-1])
    expected = derivatives.compile()(**arrays)
    with jax.enable_x64(True):
        f = derivatives.compile("jax", mesh=mesh, shard=shard)
        for values in (arrays, {name: jax.numpy.array(x) for name, x in arrays.items()}):
            found = f(**values)
            assert set(found) == set(expected)
            for name, x in expected.items():
                np.testing.assert_allclose(found[name], x, rtol=1e-10, atol=1e-12, err_msg=name)


@examples(12)
@given(models(), st.data())
def test_random_models_in_random_places(model: RandomModel, data: st.DataObject) -> None:
    jax = pytest.importorskip("jax")
    used = {x for letters in eg.parse(model.text).system.letters.values() for x in letters}
    even = sorted(x for x in used if DIM.get(x) in ("a", "c"))
    chosen = data.draw(st.permutations(even))[:2]
    shard = dict(zip(chosen, ("p", "q"), strict=False))
    arrays = model.arrays()
    gradients = eg.parse(model.text).grad("L", list(model.inputs))
    with np.errstate(all="ignore"):
        expected = gradients.compile()(**arrays)
    with jax.enable_x64(True):
        found = gradients.compile("jax", mesh={"p": 2, "q": 2}, shard=shard)(**arrays)
        for name, x in expected.items():
            np.testing.assert_allclose(found[name], x, rtol=1e-8, atol=1e-10, err_msg=name)


@pytest.mark.parametrize(
    ("text", "shapes", "shard"),
    [
        ("z_b = A[b,b,y[b]]", {"A": (4, 4, 3)}, {"b": "m"}),
        ("z_bc = A[c,y[b],b]", {"A": (8, 3, 4)}, {"c": "m"}),
        ("z_bd = E[y[b],d]", {"E": (3, 8)}, {"d": "m"}),
        ("z_bd = E[y[b],d]", {"E": (3, 8)}, {"b": "m"}),
        ("z_bd = E[y[b],d,b,d]", {"E": (3, 6, 4, 6)}, {"b": "m"}),
        ("z_b = E[y[b],y[b]]", {"E": (3, 3)}, {"b": "m"}),
    ],
)
def test_entries_at_integers(
    text: str, shapes: dict[str, Any], shard: dict[str, str], jax: ModuleType
) -> None:
    rng = np.random.default_rng(seeded(0))
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    arrays["y"] = np.array([0, 2, 1, 2])
    model = eg.parse(text)
    (z,) = model.outputs
    letters = "".join(model.labels[z])
    gradients = eg.parse(f"{text}\nL = sum_{letters}({z}_{letters}^3)").grad("L", list(shapes))
    expected = gradients.compile()(**arrays)
    with jax.enable_x64(True):
        for options in ({}, {"mesh": {"m": 4}, "shard": shard}):
            found = gradients.compile("jax", **options)(**arrays)
            for name, x in expected.items():
                np.testing.assert_allclose(found[name], x, rtol=1e-12, atol=1e-14, err_msg=name)


def test_integers_say_what_is_read(jax: ModuleType) -> None:
    """Entries at integers stay where they are: nothing but the gradients is sent."""
    text = "P_bo = softmax_o(X_bi W_io)\nL = -mean_b(log(P[b,y[b]]))"
    rng = np.random.default_rng(seeded(0))
    arrays = {"X": rng.normal(size=(16, 3)), "W": rng.normal(size=(3, 4))}
    arrays["y"] = rng.integers(0, 4, 16)
    gradients = eg.parse(text).grad("L", ["W"])
    expected = gradients.compile()(**arrays)
    with jax.enable_x64(True):
        f = gradients.compile("jax", mesh={"data": 8}, shard={"b": "data"})
        found = f(**arrays)
        np.testing.assert_allclose(found["dL/dW"], expected["dL/dW"], rtol=1e-12)
        kinds = {(c.kind, c.over) for c in f.plan.collectives}
        shapes = sorted(shape for c in f.plan.collectives for shape in c.shapes)
    assert kinds == {("all-reduce", ("data",))}
    assert shapes == ["f64[3,4]", "f64[]"]


@pytest.mark.parametrize(("mesh", "shard"), MESHES)
def test_what_goes_where(mesh: dict[str, int], shard: dict[str, str]) -> None:
    letters = {"X": "bi", "T": "bo", "W1": "ih", "b1": "h", "W2": "ho", "b2": "o"}
    f = mlp(mesh=mesh, shard=shard)
    results = f(**mlp_arrays())
    for name, array in results.items():
        own = letters[name.removeprefix("dL/d")] if name != "L" else ""
        expected = tuple(shard.get(letter) for letter in own)
        spec = tuple(array.sharding.spec)
        assert spec + (None,) * (len(own) - len(spec)) == expected, name
        parts = np.prod([mesh[axis] for axis in expected if axis], dtype=int)
        assert array.addressable_shards[0].data.size == array.size // parts
    for place in f.plan.inputs:
        assert place.spec == tuple(shard.get(x) for x in letters[place.tensor.split("_")[0]])


def test_a_mesh_of_jaxs_own_with_either_kind_of_axis(jax: ModuleType) -> None:
    arrays = mlp_arrays()
    expected = mlp()(**arrays)
    devices = np.array(jax.devices()).reshape(4, 2)
    for mesh in (
        jax.sharding.Mesh(devices, ("data", "model")),
        jax.make_mesh((4, 2), ("data", "model")),  # its axes are explicit
    ):
        f = mlp(mesh=mesh, shard={"b": "data", "h": "model"})
        spec = jax.sharding.PartitionSpec("model")  # elsewhere: they are moved
        moved = jax.device_put(arrays["X"], jax.sharding.NamedSharding(mesh, spec))
        for values in (arrays, {**arrays, "X": moved}):
            for name, x in f(**values).items():
                np.testing.assert_allclose(x, expected[name], rtol=1e-4, atol=1e-6)


def test_transformations_of_jax_go_through(jax: ModuleType) -> None:
    rng = np.random.default_rng(seeded(0))
    arrays = {name: rng.normal(size=shape).astype("float32") for name, shape in LINES.items()}
    f: Any = eg.parse(LEAST_SQUARES).grad("L", ["w"]).compile(
        "jax", mesh={"data": 8}, shard={"b": "data"}
    )  # fmt: skip
    expected = f(**arrays)

    def loss(w: Any) -> Any:
        return f(**{**arrays, "w": w})["L"]

    w = jax.numpy.array(arrays["w"])
    np.testing.assert_allclose(jax.jit(loss)(w), expected["L"], rtol=1e-6)
    np.testing.assert_allclose(jax.grad(loss)(w), expected["dL/dw"], rtol=1e-4)
    np.testing.assert_allclose(jax.vmap(loss)(jax.numpy.stack([w, w])), expected["L"], rtol=1e-6)


@pytest.fixture
def explicit(jax: ModuleType) -> tuple[Any, dict[str, Any]]:
    """A mesh on which each operation says how its result is split, and arrays on it."""
    if not hasattr(jax.sharding, "use_abstract_mesh"):
        pytest.skip("this JAX has no explicit axes")
    kinds = (jax.sharding.AxisType.Explicit,) * 2
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=kinds)
    split = {"X": ("data",), "T": ("data",), "W1": (None, "model"), "W2": ("model",)}
    place, partition = jax.sharding.NamedSharding, jax.sharding.PartitionSpec
    return mesh, {
        name: jax.device_put(x, place(mesh, partition(*split.get(name, ()))))
        for name, x in mlp_arrays().items()
    }


def test_in_a_program_with_explicit_axes(
    jax: ModuleType, explicit: tuple[Any, dict[str, Any]]
) -> None:
    """In the caller's own jit, and under its mesh, the results are where their labels say."""
    mesh, arrays = explicit
    expected = mlp()(**mlp_arrays())
    f = mlp(mesh=mesh, shard={"b": "data", "h": "model"})
    run = jax.jit(lambda given: f(**given))
    found = [run(arrays)]
    with jax.set_mesh(mesh):
        found += [run(arrays), run(mlp_arrays()), f(**arrays), f(**mlp_arrays())]
    for results in found:
        for name, x in results.items():
            np.testing.assert_allclose(x, expected[name], rtol=1e-4, atol=1e-6)
        assert results["dL/dW1"].sharding.mesh.axis_types == mesh.axis_types
        assert results["dL/dW1"].sharding.spec == jax.sharding.PartitionSpec(None, "model")

    slope = jax.jit(jax.grad(lambda w, rest: f(**{**rest, "W1": w})["L"]))(arrays["W1"], arrays)
    np.testing.assert_allclose(slope, expected["dL/dW1"], rtol=1e-4, atol=1e-6)


def test_arrays_on_another_mesh_with_explicit_axes(
    jax: ModuleType, explicit: tuple[Any, dict[str, Any]]
) -> None:
    f: Any = mlp(mesh={"data": 8}, shard={"b": "data"})
    with pytest.raises(BackendError, match=r"on the mesh data=4,model=2, .* for data=8"):
        jax.jit(lambda given: f(**given))(explicit[1])


def test_updates_are_donated_and_stay_in_place(jax: ModuleType) -> None:
    step = mlp(eg.momentum(0.1), mesh={"data": 4, "model": 2}, shard={"b": "data", "h": "model"})
    arrays = mlp_arrays()
    mine = {name: jax.numpy.array(x) for name, x in arrays.items()}
    first = step(**mine)
    assert not any(x.is_deleted() for x in mine.values())  # they were on one device: copied
    state = dict(step.state)
    loss = first.pop("L")
    second = step(**{**mine, **first})
    assert all(x.is_deleted() for x in first.values())
    assert all(x.is_deleted() for x in state.values())
    for name, x in first.items():
        assert second[name].sharding == x.sharding
        np.testing.assert_array_equal(arrays[name], mine[name])
    assert float(second["L"]) < float(loss)


def test_the_same_array_twice() -> None:
    step: Any = eg.parse("L = sum_i((a_i b_i)^2)").grad("L", ["a", "b"]).compile(
        "jax", mesh={"m": 8}, shard={"i": "m"}, update=eg.sgd(0.25)
    )  # fmt: skip
    x = step(a=np.ones(8, "float32"), b=np.ones(8, "float32"))["a"]  # on the mesh
    found = step(a=x, b=x)
    assert found["a"].tolist() == found["b"].tolist() == [0.4375] * 8  # 1/2 - 1/4 of 2 (1/2)^3
    assert x.tolist() == [0.5] * 8


# --- the rule -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dims", "labels", "spec"),
    [
        ("bh", "bh", ("data", "model")),
        ("hk", "uk", ("model", None)),  # u is another letter for the dimension h
        ("bb", "bc", ("data", None)),  # c is another b: one of the two axes is split
        ("bb", "cb", (None, "data")),  # the one that is called b
        ("bb", "bb", ("data", None)),
        ("bb", "cd", ("data", None)),
        ("xy", "xy", (None, None)),
        ("ob", "wb", (None, "data")),  # w is to stay whole, though o is split
        ("", "", ()),
    ],
)
def test_an_axis_is_split_by_its_label_or_its_dimension(
    dims: str, labels: str, spec: tuple[str | None, ...]
) -> None:
    sharding = Sharding.choose(
        {"data": 4, "model": 2}, {"b": "data", "h": "model", "o": "model", "w": None}, "bhowxy"
    )
    assert sharding.spec(tuple(dims), tuple(labels)) == spec


def test_a_letter_of_one_statement_is_its_tensors_own() -> None:
    """W2's rows are written i, as X's columns are, which is another dimension."""
    text = "Z_bh = X_bi W1_ih\nL = sum_bo((Z_bi W2_io)^2)"
    f: Any = eg.parse(text).compile(backend="jax", mesh={"m": 2}, shard={"i": "m"})
    specs = {place.tensor: place.spec for place in f.plan.inputs}
    assert specs == {"X_bi": (None, "m"), "W1_ih": ("m", None), "W2_io": ("m", None)}


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"mesh": {"data": 2}, "shard": {"b": "dta"}}, BackendError, ["'dta'", "mean data"]),
        ({"mesh": {"data": 2}, "shard": {"n": "data"}}, EingradError, ["no label n", "b, i"]),
        ({"mesh": {"data": 2}, "shard": {"b": "data", "i": "data"}}, ShapeError,
         ["X_bi", "labels b and i", "mesh axis data"]),
        ({"mesh": {"d": 2}, "shard": {"b": ("d", "d")}}, BackendError, ["label b", "twice"]),
        ({"mesh": {"data": 99}, "shard": {"b": "data"}}, BackendError,
         ["99 devices", "has 8", "XLA_FLAGS=--xla_force_host_platform_device_count=99"]),
        ({"mesh": {"data": 0}, "shard": {}}, BackendError, ["data", "at least 1"]),
        ({"mesh": 8, "shard": {}}, BackendError, ["8", "jax.sharding.Mesh"]),
        ({"shard": {"b": "data"}}, BackendError, ["no mesh"]),
        ({"backend": "numpy", "mesh": {"d": 2}}, BackendError, ["'numpy'", 'backend="jax"']),
        ({"backend": "torch", "mesh": {"d": 2}}, BackendError, ["'torch'", 'backend="jax"']),
    ],
)  # fmt: skip
def test_mistakes_are_named(
    options: dict[str, Any], kind: type[EingradError], words: list[str]
) -> None:
    if options.get("backend") == "torch":
        pytest.importorskip("torch")
    with pytest.raises(kind) as error:
        eg.parse(LEAST_SQUARES).grad("L").compile(**{"backend": "jax", **options})
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_mesh_leaves_out_no_process(jax: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    with pytest.raises(BackendError, match="2 processes have 8, all of which"):
        eg.parse(LEAST_SQUARES).compile(backend="jax", mesh={"data": 4}, shard={"b": "data"})


def test_sizes_that_the_mesh_does_not_divide() -> None:
    f: Any = eg.parse(LEAST_SQUARES).compile(backend="jax", mesh={"d": 4}, shard={"b": "d"})
    arrays = {name: np.ones([n - (n == 16) for n in shape]) for name, shape in LINES.items()}
    with pytest.raises(ShapeError) as error:
        f(**{name: x.astype("float32") for name, x in arrays.items()})
    assert error.value.label == "b"
    assert error.value.operand == "X"
    for word in ("label b", "X_bi", "size 15", "mesh axis d", "4 devices", "16"):
        assert word in str(error.value)
