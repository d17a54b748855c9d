"""The network of a product: a circle a tensor, a line a summed label, a leg one that is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from importlib import import_module
from math import atan2, cos, hypot, sin

from eingrad.derivation.pictures.picture import Links, Picture, drawing, network_graph

RADIUS, SPREAD, LEG = 20.0, 110.0, 44.0


def tensor_network(
    names: Sequence[str],
    labels: Sequence[Sequence[str]],
    output: Sequence[str],
    sizes: Mapping[str, int] | None = None,
    words: str = "",
) -> Picture:
    """Draw a product; lines carry their labels with their sizes, ``words`` stand below.

    A label of three tensors or more, or of two that is kept, is a dot of its own.
    """
    sizes = sizes or {}
    held = Counter(x for own in labels for x in dict.fromkeys(own))
    dots = [x for x in held if held[x] > 2 or (held[x] == 2 and x in output)]
    nodes = [f"{k}" for k in range(len(names))] + [f"label {x}" for x in dots]
    links, lines = [], []
    for label in held:
        ends = [f"{k}" for k, own in enumerate(labels) if label in own]
        if label in dots:
            lines += [(end, f"label {label}", "") for end in ends]
        elif len(ends) == 2:
            lines.append((ends[0], ends[1], _text(label, sizes)))
    links = [(a, b) for a, b, _ in lines]
    places = _places(nodes, links)
    parts = _lines(lines, places)
    for k, own in enumerate(labels):
        legs = [x for x in dict.fromkeys(own) if x not in dots and held[x] == 1]
        parts += _legs(places[f"{k}"], legs, output, sizes)
    for label in dots:
        x, y = places[f"label {label}"]
        kept = "" if label not in output else " kept"
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#8a94a0"/>'
            f'<text x="{x + 8:.1f}" y="{y - 6:.1f}">{_text(label, sizes)}{kept}</text>'
        )
    for k, name in enumerate(names):
        x, y = places[f"{k}"]
        parts.append(
            f'<g class="input"><rect x="{x - RADIUS:.1f}" y="{y - RADIUS:.1f}" '
            f'width="{2 * RADIUS}" height="{2 * RADIUS}" rx="{RADIUS}"/>'
            f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{escape(name)}</text></g>'
        )
    width = max(x for x, _ in places.values()) + RADIUS + LEG + 40
    height = max(y for _, y in places.values()) + RADIUS + LEG + 36
    parts.append(f'<text class="soft" x="12" y="{height - 10:.0f}">{escape(words)}</text>')
    return drawing(parts, max(width, 8 * len(words)), height, f"tensor network {words}".strip())


def _text(label: str, sizes: Mapping[str, int]) -> str:
    return escape(f"{label} = {sizes[label]}" if label in sizes else label)


def _places(nodes: Sequence[str], links: Links) -> dict[str, tuple[float, float]]:
    """Place circles by Kamada and Kawai, so that nobody stands on another."""
    graph = network_graph(links, nodes, directed=False)
    layout = import_module("networkx").kamada_kawai_layout
    found = layout(graph) if len(nodes) > 1 else {nodes[0]: (0.0, 0.0)}
    pairs = [(a, b) for k, a in enumerate(nodes) for b in nodes[:k]]
    near = min((hypot(*(found[a][i] - found[b][i] for i in (0, 1))) for a, b in pairs), default=1.0)
    scale = SPREAD / max(near, 1e-3)
    turned = _lying({name: (float(p[0]), float(p[1])) for name, p in found.items()})
    left, top = (min(p[i] for p in turned.values()) for i in (0, 1))
    shift = LEG + RADIUS + 24
    return {
        name: (shift + scale * (p[0] - left), shift + scale * (p[1] - top))
        for name, p in turned.items()
    }


def _lying(places: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Turn places so that they are wider than high: their main axis lies."""
    count = len(places)
    mx, my = (sum(p[i] for p in places.values()) / count for i in (0, 1))
    xx = sum((x - mx) ** 2 for x, _ in places.values())
    yy = sum((y - my) ** 2 for _, y in places.values())
    xy = sum((x - mx) * (y - my) for x, y in places.values())
    angle = atan2(2 * xy, xx - yy) / 2
    c, s = cos(angle), sin(angle)
    return {name: (c * x + s * y, c * y - s * x) for name, (x, y) in places.items()}


def _lines(
    lines: Sequence[tuple[str, str, str]], places: Mapping[str, tuple[float, float]]
) -> list[str]:
    """Draw lines; several between two circles are bent apart."""
    seen: Counter[frozenset[str]] = Counter()
    count = Counter(frozenset((a, b)) for a, b, _ in lines)
    parts = []
    for a, b, text in lines:
        (x1, y1), (x2, y2) = places[a], places[b]
        k = seen[frozenset((a, b))]
        seen[frozenset((a, b))] += 1
        bend = 44.0 * (k - (count[frozenset((a, b))] - 1) / 2)
        long = hypot(x2 - x1, y2 - y1) or 1.0
        mx, my = (x1 + x2) / 2 - bend * (y2 - y1) / long, (y1 + y2) / 2 + bend * (x2 - x1) / long
        parts.append(
            f'<path d="M{x1:.1f} {y1:.1f}Q{mx:.1f} {my:.1f} {x2:.1f} {y2:.1f}"/>'
            f'<text x="{(mx + (x1 + x2) / 2) / 2:.1f}" y="{(my + (y1 + y2) / 2) / 2 - 5:.1f}" '
            f'text-anchor="middle">{text}</text>'
        )
    return parts


def _legs(
    place: tuple[float, float], legs: Sequence[str], output: Sequence[str], sizes: Mapping[str, int]
) -> list[str]:
    """Draw a leg for each label that is kept, and a short one for one that is summed alone."""
    x, y = place
    parts = []
    for k, label in enumerate(legs):
        way = LEG * (1 if k % 2 == 0 else -1)
        side = 14.0 * (k // 2)
        words = _text(label, sizes) + ("" if label in output else " (summed)")
        parts.append(
            f'<line x1="{x + side:.1f}" y1="{y:.1f}" x2="{x + side:.1f}" y2="{y + way:.1f}"/>'
            f'<text x="{x + side + 5:.1f}" y="{y + way * 0.85:.1f}">{words}</text>'
        )
    return parts
