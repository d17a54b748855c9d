"""A document of any length: what is done for it is linear in its length, by count."""

from __future__ import annotations

from pathlib import Path

import pytest

import eingrad as eg
from eingrad.papers import scope

RIGHT = Path(__file__).parent / "right"
PARTS = ("ridge.md", "softmax.md", "gate.md")


def models_built(monkeypatch: pytest.MonkeyPatch, folder: Path, times: int) -> tuple[int, int]:
    """Return how many claims a document of so many parts has, and how many models it takes."""
    built = []
    real = scope.build

    def counted(stated: list[scope.Stated]) -> scope.Built:
        built.append(len(stated))
        return real(stated)

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
