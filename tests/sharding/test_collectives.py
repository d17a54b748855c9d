"""The collectives that theory asks for are those that run, and no others; losses are the same."""

from __future__ import annotations

import re
from collections import Counter
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import eingrad as eg
from eingrad.engine.sharded import read_collectives
from sharding.mesh_models import (
    BATCH,
    CLASSES,
    HIDDEN,
    MESHES,
    PARAMETERS,
    PIXELS,
    mlp,
    mlp_arrays,
)

OPTIMIZERS = {"sgd": eg.sgd(0.5), "momentum": eg.momentum(0.1), "adam": eg.adam(0.01)}


def gradient_shapes(model: int) -> list[str]:
    """The gradients as one device has them, where ``model`` devices share the hidden units."""
    h = HIDDEN // model
    return [f"f32[{PIXELS},{h}]", f"f32[{h}]", f"f32[{h},{CLASSES}]", f"f32[{CLASSES}]"]


def expected(mesh: dict[str, int]) -> Counter[tuple[str, str, str]]:
    """What must be sent: kind, mesh axis and shape of each array.

    Over the data axis each gradient, and the loss, is a sum of the devices' shares. Over the
    model axis A2 = Z1 W2 is, once: its derivative is whole on each device, so that the rest of
    the backward pass needs nothing of the others (Shoeybi et al. 2019, section 3).
    """
    data, model = mesh.get("data", 1), mesh.get("model", 1)
    result: Counter[tuple[str, str, str]] = Counter()
    if data > 1:
        for shape in ["f32[]", *gradient_shapes(model)]:
            result["all-reduce", "data", shape] += 1
    if model > 1:
        result["all-reduce", "model", f"f32[{BATCH // data},{CLASSES}]"] += 1
    return result


def straight_from_hlo(hlo: str) -> Counter[tuple[str, str]]:
    """Count collectives and what they move by a second reader, which knows nothing of axes."""
    found: Counter[tuple[str, str]] = Counter()
    for line in hlo.splitlines():
        match = re.search(r" = (\(?[^()]*\)?) ([a-z-]+)\(", line)
        if match and re.match(r"all-|reduce-scatter|collective", match[2]):
            for shape in re.findall(r"\w+\[[\d,]*\]", match[1]):
                found[match[2], shape] += 1
    return found


@pytest.mark.parametrize("optimizer", [None, *OPTIMIZERS])
@pytest.mark.parametrize(("mesh", "shard"), MESHES)
def test_collectives(mesh: dict[str, int], shard: dict[str, str], optimizer: str | None) -> None:
    f = mlp(OPTIMIZERS.get(optimizer or ""), mesh=mesh, shard=shard)
    f(**mlp_arrays())
    wanted = expected(mesh)
    found = Counter(
        (c.kind, *c.over, shape) for c in f.plan.collectives for shape in c.shapes
    )  # fmt: skip
    assert found == wanted
    flat: Counter[tuple[str, str]] = Counter()
    for (kind, _, shape), count in wanted.items():
        flat[kind, shape] += count
    assert straight_from_hlo(f.hlo) == flat


@pytest.mark.parametrize(
    ("text", "parameters", "others"),
    [
        ("Z_bh = X_bi W_ih\nm_b = mean_h(Z_bh)\nv_b = mean_h((Z_bh - m_b)^2)\n"
         "N_bh = g_h (Z_bh - m_b) / sqrt(v_b + 1) + c_h\nL = mean_b(sum_h(relu(N_bh)))",
         {"W": (3, 8), "g": (8,), "c": (8,)}, {"X": (16, 3)}),
        ("H_bsd = E[t[b,s],d]\nP_bo = softmax_o(mean_s(H_bsd) W_do)\nL = -mean_b(log(P[b,y[b]]))",
         {"E": (12, 8), "W": (8, 4)}, {"t": (16, 5), "y": (16,)}),
        ("d_bk = norm_i(X_bi - C_ki)\nL = mean_b(min_k(d_bk))", {"C": (3, 4)}, {"X": (16, 4)}),
        ("Q_bsk = X_bsi U_ik\nA_bst = softmax_t(Q_bsk Q_btk)\nL = mean_b(sum_sk((A_bst Q_btk)^2))",
         {"U": (3, 5)}, {"X": (8, 4, 3)}),
    ],
    ids=["layer norm", "embedding", "k-means", "attention"],
)  # fmt: skip
def test_data_parallelism_sends_gradients_and_the_loss(
    text: str, parameters: dict[str, tuple[int, ...]], others: dict[str, tuple[int, ...]]
) -> None:
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        name: rng.normal(size=shape).astype("float32")
        for name, shape in {**parameters, **others}.items()
    }
    model = eg.parse(text)
    for name, var in model.inputs.items():
        if var.integer:
            arrays[name] = rng.integers(0, 4, others[name])
    f: Any = model.grad("L", list(parameters)).compile(
        "jax", mesh={"data": 8}, shard={"b": "data"}, update=eg.adam()
    )
    f(**arrays)
    sent = [shape for c in f.plan.collectives for shape in c.shapes]
    assert {(c.kind, c.over) for c in f.plan.collectives} == {("all-reduce", ("data",))}
    sizes = [np.prod([int(n) for n in re.findall(r"\d+", x[3:])], dtype=int) for x in sent]
    assert sorted(sizes) == sorted([1, *map(np.prod, parameters.values())])


def test_it_would_be_seen_if_more_were_sent() -> None:
    """X split by pixels: the products that sum over them must be reduced, too."""
    f = mlp(mesh={"data": 8}, shard={"i": "data"})
    f(**mlp_arrays())
    assert [(c.kind, c.shapes) for c in f.plan.collectives] == [
        ("all-reduce", (f"f32[{BATCH},{HIDDEN}]",))
    ]


def test_parameter_bytes_fall_with_the_model_axis() -> None:
    share = {}
    for model in (1, 2, 4, 8):
        f = mlp(eg.adam(), mesh={"model": model}, shard={"h": "model"})
        f(**mlp_arrays())
        places = [p for p in f.plan.inputs if re.search(r"(^|/)[Wb]\d_", p.tensor)]
        assert len(places) == 12
        assert sum(p.bytes for p in places) == 12 * (HIDDEN * (PIXELS + 1 + CLASSES) + CLASSES)
        share[model] = sum(p.bytes_a_device for p in places)
        for name in PARAMETERS:
            new = f(**mlp_arrays())[name]
            (own,) = [p for p in places if p.tensor.startswith(f"{name}_")]
            assert new.addressable_shards[0].data.nbytes == own.bytes_a_device
    whole = 12 * CLASSES  # b2 and its two moments
    assert {m: n - whole for m, n in share.items()} == {
        m: 12 * HIDDEN * (PIXELS + 1 + CLASSES) // m for m in share
    }


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("mesh", "shard"), MESHES)
def test_losses_of_fifty_steps(mesh: dict[str, int], shard: dict[str, str], optimizer: str) -> None:
    losses = [train(mlp(OPTIMIZERS[optimizer])), train(
        mlp(OPTIMIZERS[optimizer], mesh=mesh, shard=shard)
    )]  # fmt: skip
    assert losses[0][-1] < 0.7 * losses[0][0]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5, atol=1e-5)


def train(step: Any, steps: int = 50) -> list[float]:
    arrays: dict[str, Any] = mlp_arrays()
    losses = []
    for _ in range(steps):
        new = step(**arrays)
        losses.append(float(new.pop("L")))
        arrays |= new
    return losses


# --- the plan -----------------------------------------------------------------------------------


def test_the_plan_says_what_goes_where() -> None:
    f = mlp(eg.sgd(0.1), mesh={"data": 4, "model": 2}, shard={"b": "data", "h": "model"})
    before = str(f.plan)  # of nominal sizes
    assert "all-reduce" in before
    f(**mlp_arrays())
    lines = [" ".join(line.split()) for line in str(f.plan).splitlines()]
    sent = sum(np.prod([int(n) for n in re.findall(r"\d+", x[3:])] or [1]) for x in [
        "f32[]", *gradient_shapes(2)
    ])  # fmt: skip
    for line in (
        "mesh: data = 4, model = 2",
        f"X_bi b over data {4 * BATCH * PIXELS:,} {BATCH * PIXELS:,}",
        f"W1_ih h over model {4 * PIXELS * HIDDEN:,} {2 * PIXELS * HIDDEN:,}",
        f"b2_o whole on each device {4 * CLASSES} {4 * CLASSES}",
        f"all-reduce data 1 5 {4 * sent:,}",
        f"all-reduce model 1 1 {BATCH * CLASSES}",
    ):
        assert line in lines, str(f.plan)
    assert f.plan.moved == 2 * 3 * 4 * sent // 4 + 2 * BATCH * CLASSES // 2


def test_no_collectives() -> None:
    f: Any = eg.parse("Y_bh = tanh(X_bi W_ih)").compile(
        backend="jax", mesh={"data": 4, "model": 2}, shard={"b": "data", "h": "model"}
    )
    assert f.plan.collectives == ()
    assert "no collectives" in str(f.plan)


def test_the_source_says_what_goes_where(jax: ModuleType) -> None:
    f = mlp(eg.sgd(0.1), mesh={"data": 4, "model": 2}, shard={"b": "data", "h": "model"})
    assert "('data', None),  # X_bi" in f.source
    assert "(None, 'model'),  # W1_ih" in f.source
    assert "donate=(1, 2, 3, 4)," in f.source
    assert "= constrain(" in f.source
    assert "constrain" not in mlp().source
    assert jax.device_count() >= 8


# --- HLO ----------------------------------------------------------------------------------------

MESH = {"data": 4, "model": 2}
HLO = """
  %a = f32[4,2]{1,0} all-reduce(%x), channel_id=1, replica_groups={{0,1},{2,3},{4,5},{6,7}}, to_apply=%add
  %b = (f32[], bf16[8]{0}) all-reduce(%x, %y), replica_groups=[2,4]<=[4,2]T(1,0), to_apply=%add
  %c = f32[16]{0} all-gather(%x), replica_groups=mesh['axis_0'=4,'axis_1'=2] {'axis_0'}, dimensions={0}
  %d = f32[2]{0} reduce-scatter(%x), replica_groups=[1,8]<=[8], to_apply=%add
  %e = f32[2]{0} collective-permute(%x), source_target_pairs={{0,1},{1,0},{2,3},{3,2}}
  %f = (f32[2]{0}, f32[16]{0}) all-gather-start(%x), replica_groups={}, dimensions={0}
  %g = f32[16]{0} all-gather-done(%f)
  %h = f32[2]{0} all-reduce(%x), replica_groups={{0},{1},{2},{3},{4},{5},{6},{7}}, to_apply=%add
  %i = s32[6]{0} all-to-all(%x), replica_groups={{0,2},{1,3},{4,6},{5,7}}
  %j = f32[6]{0} fusion(%all-reduce.1), kind=kLoop
  %k = f32[4]{0} all-reduce(%x), replica_groups=mesh['axis_0'=8] {'axis_0':(4)2}, to_apply=%add
"""  # noqa: E501


def test_every_form_in_which_xla_prints_groups() -> None:
    found = [(c.kind, c.over, c.devices, c.bytes, c.moved) for c in read_collectives(HLO, MESH)]
    assert found == [
        ("all-reduce", ("model",), 2, 32, 32),
        ("all-reduce", ("data",), 4, 20, 30),
        ("all-gather", ("data",), 4, 64, 48),
        ("reduce-scatter", ("data", "model"), 8, 64, 56),
        ("collective-permute", ("model",), 2, 8, 8),
        ("all-gather", ("data", "model"), 8, 64, 56),
        ("all-to-all", (), 2, 24, 12),  # half of the data axis
        ("all-reduce", ("model",), 2, 16, 16),
    ]
