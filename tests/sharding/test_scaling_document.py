"""`docs/scaling.md` is true: its session, its commands, and its formulas for what is sent."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eingrad as eg
from eingrad.cli.app import app
from sharding.test_collectives import straight_from_hlo

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "scaling.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
MODEL = re.search(r'eg\.parse\("""\n(.*?)"""\)', TEXT, re.DOTALL)


def test_the_session() -> None:
    result = doctest.testfile(str(DOCUMENT), module_relative=False)
    assert (result.failed, result.attempted) == (0, 11)


def formulas(**sizes: int) -> dict[str, float]:
    """Evaluate the document's formulas."""
    block = re.search(r"```python formulas\n(.*?)```", TEXT, re.DOTALL)
    assert block
    values: dict[str, Any] = dict(sizes)
    exec(block[1], {}, values)
    return {name: float(x) for name, x in values.items() if name not in sizes}


@pytest.mark.parametrize(
    ("mesh", "sizes"),
    [
        ({"data": 8}, {"b": 16, "i": 24, "h": 32, "o": 10}),
        ({"model": 8}, {"b": 16, "i": 24, "h": 32, "o": 10}),
        ({"data": 4, "model": 2}, {"b": 8, "i": 7, "h": 6, "o": 5}),
        ({"data": 2, "model": 4}, {"b": 64, "i": 3, "h": 40, "o": 11}),
        ({"data": 1, "model": 4}, {"b": 5, "i": 30, "h": 8, "o": 2}),
    ],
)
def test_the_formulas(mesh: dict[str, int], sizes: dict[str, int]) -> None:
    assert MODEL
    b, i, h, o = (sizes[k] for k in "biho")
    gradients = eg.parse(re.sub(r"(?m)^\.\.\. ", "", MODEL[1])).grad("L", ["W1", "b1", "W2", "b2"])
    shard = {label: axis for label, axis in (("b", "data"), ("h", "model")) if axis in mesh}
    f: Any = gradients.compile("jax", mesh=mesh, shard=shard, update=eg.sgd(0.1))
    shapes = {"X": (b, i), "W1": (i, h), "b1": (h,), "W2": (h, o), "b2": (o,), "T": (b, o)}
    f(**{name: np.ones(shape, "float32") for name, shape in shapes.items()})
    wanted = formulas(**sizes, d=mesh.get("data", 1), m=mesh.get("model", 1))
    places = {place.tensor: place.bytes_a_device for place in f.plan.inputs}
    assert sum(n for name, n in places.items() if name[0] in "Wb") == wanted["parameters"]
    for axis in ("data", "model"):
        found = sum(c.bytes for c in f.plan.collectives if c.over == (axis,))
        assert found == wanted[f"over_{axis}"], axis
    assert f.plan.moved == pytest.approx(wanted["sent"], abs=len(f.plan.collectives))
    read = straight_from_hlo(f.hlo)  # by another reader
    assert {kind for kind, _ in read} == {"all-reduce"}
    entries = sum(
        count * np.prod([int(n) for n in re.findall(r"\d+", shape[3:])] or [1])
        for (_, shape), count in read.items()
    )
    assert 4 * entries == wanted["over_data"] + wanted["over_model"]


def commands() -> list[list[str]]:
    joined = re.sub(r"\\\n\s*", "", TEXT)
    lines = re.findall(r"^eingrad (.*)$", joined, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("line", commands(), ids=" ".join)
def test_the_commands_have_options_that_exist(
    line: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they say is read; the work itself is what other tests do."""
    seen: list[Any] = []

    def run(files: Any, devices: Any, **options: Any) -> None:
        seen.append((files, devices, options))

    monkeypatch.setattr("eingrad.cli.training.run_training", run)
    with pytest.raises(SystemExit) as stop:
        app(line)
    assert stop.value.code == 0
    ((_, devices, options),) = seen
    assert devices.mesh is not None
    assert options["backend"] == "jax"
