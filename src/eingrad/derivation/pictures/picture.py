"""Boxes and lines as SVG, in the colours of the page that they are on, light or dark."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from html import escape
from pathlib import Path

LINE, CHARACTER, PAD = 17.0, 7.6, 12.0
GAP, BETWEEN = 60.0, 26.0  # between layers, and between the boxes of one
STYLE = """
.eg-picture { max-width: 100%; height: auto; --ink: #1c2024; --soft: #5b6470; --back: #b3391f;
  --box: #f4f6f8; --in: #e8f1fb; --out: #eaf6ea; }
@media (prefers-color-scheme: dark) { .eg-picture { --ink: #e6e9ed; --soft: #a3adb9;
  --back: #ff9d84; --box: #1e242b; --in: #16283c; --out: #16301c; } }
.eg-picture text { font: 13px ui-monospace, monospace; fill: var(--ink); }
.eg-picture .soft { fill: var(--soft); font-size: 11px; } .eg-picture .back { fill: var(--back); }
.eg-picture rect { fill: var(--box); stroke: #8a94a0; } .eg-picture .input rect { fill: var(--in); }
.eg-picture .result rect { fill: var(--out); }
.eg-picture path, .eg-picture line { stroke: #8a94a0; fill: none; stroke-width: 1.4; }
.eg-picture .backward { stroke: var(--back); stroke-dasharray: 5 3; }
.eg-picture .tip { fill: #8a94a0; stroke: none; }
"""


@dataclass(frozen=True, slots=True)
class Box:
    """A box with lines of text; ``lines`` are (text, class) pairs."""

    name: str
    lines: tuple[tuple[str, str], ...]
    kind: str = ""

    @property
    def width(self) -> float:
        """Its width in pixels."""
        return max(len(text) for text, _ in self.lines) * CHARACTER + 2 * PAD

    @property
    def height(self) -> float:
        """Its height in pixels."""
        return len(self.lines) * LINE + PAD


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture; ``svg`` is its text, and a notebook shows it."""

    svg: str

    @property
    def unstyled(self) -> str:
        """The text without its styles, for a page that has `STYLE` and allows no other."""
        return self.svg.replace(f"<style>{STYLE}</style>", "")

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> None:
        """Write it to a file, over one that exists."""
        Path(path).write_text(self.svg, encoding="utf-8")


Links = Sequence[tuple[str, str]]
Places = Mapping[str, tuple[float, float]]


def layered(boxes: Sequence[Box], links: Links, title: str, back: Container[str]) -> Picture:
    """Draw boxes in layers from left to right; the way to a box in ``back`` is drawn back, too."""
    places = _in_layers(boxes, links)
    known = {box.name: box for box in boxes}
    parts = [part for link in links for part in _link(known, places, *link, link[0] in back)]
    parts += [_box(known[name], *place) for name, place in places.items()]
    width = max(places[b.name][0] + b.width / 2 for b in boxes) + PAD
    height = max(places[b.name][1] + b.height / 2 for b in boxes) + PAD
    return drawing(parts, width, height, title)


def drawing(parts: Sequence[str], width: float, height: float, title: str) -> Picture:
    """Put parts on a sheet."""
    body = "\n".join(parts)
    return Picture(
        f'<svg xmlns="http://www.w3.org/2000/svg" class="eg-picture" role="img" '
        f'width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>\n{body}\n</svg>"
    )


def _in_layers(boxes: Sequence[Box], links: Links) -> dict[str, tuple[float, float]]:
    """Place boxes: a layer for each distance from the inputs, ordered so that few lines cross."""
    before: dict[str, list[str]] = {b.name: [] for b in boxes}
    after: dict[str, list[str]] = {b.name: [] for b in boxes}
    for start, end in links:
        before[end].append(start)
        after[start].append(end)
    layers = _generations(before)
    known = {b.name: b for b in boxes}
    for name in [n for n in known if not before[n] and after[n]]:
        own = next(x for x in layers if name in x)
        nearest = min(k for s in after[name] for k, x in enumerate(layers) if s in x)
        own.remove(name)
        layers[nearest - 1].append(name)
    layers = [layer for layer in layers if layer]
    for _ in range(4):
        rank = {name: k / len(layer) for layer in layers for k, name in enumerate(layer)}
        for layer in layers:
            layer.sort(key=lambda n: _mean([rank[x] for x in before[n] + after[n]], rank[n]))
            rank |= {name: k / len(layer) for k, name in enumerate(layer)}
    heights = [sum(known[n].height + BETWEEN for n in layer) for layer in layers]
    places: dict[str, tuple[float, float]] = {}
    x = PAD
    for layer, height in zip(layers, heights, strict=True):
        wide = max(known[n].width for n in layer)
        y = PAD + (max(heights) - height) / 2
        for name in layer:
            places[name] = (x + wide / 2, y + known[name].height / 2)
            y += known[name].height + BETWEEN
        x += wide + GAP
    return places


def _generations(before: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Sort names into layers, each after all that it needs."""
    sorter = TopologicalSorter(before)
    sorter.prepare()
    layers = []
    while sorter.is_active():
        layers.append(list(sorter.get_ready()))
        sorter.done(*layers[-1])
    return layers


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _box(box: Box, x: float, y: float) -> str:
    left, top = x - box.width / 2, y - box.height / 2
    lines = "".join(
        f'<text x="{x:.1f}" y="{top + PAD / 2 + LINE * (k + 0.75):.1f}" text-anchor="middle" '
        f'class="{kind}">{escape(text)}</text>'
        for k, (text, kind) in enumerate(box.lines)
    )
    return (
        f'<g class="{box.kind}"><rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="6"/>{lines}</g>'
    )


def _link(
    known: Mapping[str, Box], places: Places, start: str, end: str, both_ways: bool
) -> Iterator[str]:
    (x1, y1), (x2, y2) = places[start], places[end]
    x1, x2 = x1 + known[start].width / 2, x2 - known[end].width / 2
    middle = (x1 + x2) / 2
    shift = 5.0 if both_ways else 0.0
    yield f'<path d="M{x1:.1f} {y1 - shift:.1f}C{middle:.1f} {y1 - shift:.1f} {middle:.1f} ' + (
        f'{y2 - shift:.1f} {x2:.1f} {y2 - shift:.1f}"/>{_tip(x2, y2 - shift, 1)}'
    )
    if both_ways:
        yield f'<path class="backward" d="M{x2:.1f} {y2 + shift:.1f}C{middle:.1f} ' + (
            f"{y2 + shift:.1f} {middle:.1f} {y1 + shift:.1f} {x1:.1f} "
            f'{y1 + shift:.1f}"/>{_tip(x1, y1 + shift, -1)}'
        )


def _tip(x: float, y: float, way: int) -> str:
    back, low, high = x - 7 * way, y - 3.5, y + 3.5
    return f'<path class="tip" d="M{x:.1f} {y:.1f}L{back:.1f} {low:.1f}L{back:.1f} {high:.1f}Z"/>'
