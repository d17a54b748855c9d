"""A document of any length: what is done for it is linear in its length, by count."""

from __future__ import annotations

from pathlib import Path

import pytest
from counting import calls

import eingrad as eg
from eingrad.papers import scope
from eingrad.papers.axes_of_names import AxesOfNames

RIGHT = Path(__file__).parent / "right"
PARTS = ("ridge.md", "softmax.md", "gate.md")


def models_built(monkeypatch: pytest.MonkeyPatch, folder: Path, times: int) -> tuple[int, int]:
    """Return how many claims a document of so many parts has, and how many models it takes."""
    built = []
    real = scope.build

    def counted(stated: list[scope.Stated], axes: AxesOfNames | None) -> scope.Built:
        built.append(len(stated))
        return real(stated, axes)

    monkeypatch.setattr(scope, "build", counted)
    path = folder / f"{times}.md"
    path.write_text("\n\n".join((RIGHT / name).read_text() for name in PARTS * times))
    claims = [f for f in eg.check_document(path).formulas if f.kind == "claim"]
    assert {f.outcome for f in claims} == {"right"}
    return len(claims), sum(built)


def test_models_and_their_sizes_are_linear(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    claims, definitions = models_built(monkeypatch, tmp_path, 2)
    more_claims, more_definitions = models_built(monkeypatch, tmp_path, 4)
    assert more_claims > 1.8 * claims
    assert more_definitions < 2.5 * definitions
    assert more_definitions < 12 * more_claims


@pytest.mark.parametrize("wrapped", ["{%s}", r"\boxed{%s}", r"L = \frac{%s}{2}"])
def test_what_nests_deep_is_read_in_linear_work(wrapped: str, tmp_path: Path) -> None:
    """A display of 50,000 braces took minutes, since one pair was taken off at a time."""

    def work(depth: int) -> int:
        before, after = wrapped.split("%s")
        path = tmp_path / f"{depth}.md"
        path.write_text(f"$${before * depth}x{after * depth}$$")
        return calls(lambda: eg.check_document(path))

    assert work(1200) < 2.6 * work(600)
