"""The network of a product: a circle a tensor, a line a summed label, a leg one that is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from math import atan2, cos, hypot, pi, sin

from eingrad.derivation.pictures.picture import Links, Picture, drawing

RADIUS, SPREAD, LEG = 20.0, 110.0, 44.0
ROUNDS = 60  # of moving the circles


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
    """Place circles so that nobody stands on another, and the picture is wider than high."""
    found = _spread(nodes, _distances(nodes, links))
    pairs = [(a, b) for k, a in enumerate(nodes) for b in nodes[:k]]
    near = min((hypot(*(found[a][i] - found[b][i] for i in (0, 1))) for a, b in pairs), default=1.0)
    scale = SPREAD / max(near, 1e-3)
    turned = _lying(found)
    left, top = (min(p[i] for p in turned.values()) for i in (0, 1))
    shift = LEG + RADIUS + 24
    return {
        name: (shift + scale * (p[0] - left), shift + scale * (p[1] - top))
        for name, p in turned.items()
    }


def _distances(nodes: Sequence[str], links: Links) -> dict[str, dict[str, float]]:
    """Count the lines from each circle to each; parts that nothing joins are kept apart."""
    near: dict[str, list[str]] = {name: [] for name in nodes}
    for a, b in links:
        near[a].append(b)
        near[b].append(a)
    found = {}
    for start in nodes:
        steps, edge = {start: 0.0}, [start]
        for name in edge:  # which grows
            fresh = [x for x in near[name] if x not in steps]
            steps |= dict.fromkeys(fresh, steps[name] + 1)
            edge += dict.fromkeys(fresh)
        found[start] = dict.fromkeys(nodes, 1 + len(nodes) ** 0.5) | steps
    return found


def _spread(
    nodes: Sequence[str], distances: Mapping[str, Mapping[str, float]]
) -> dict[str, tuple[float, float]]:
    """Place circles as far from each other as ``distances`` say, as nearly as a plane allows.

    From a ring, each goes in turn to where the others want it (stress majorization: Gansner,
    Koren and North, 2004, with weights 1/distance^2).
    """
    turn = 2 * pi / len(nodes)
    places = {n: (len(nodes) * cos(k * turn) / 4, sin(k * turn)) for k, n in enumerate(nodes)}
    for _ in range(ROUNDS):
        for name in nodes:
            x, y, weights = 0.0, 0.0, 0.0
            for other in nodes:
                if other == name:
                    continue
                (x1, y1), (x2, y2) = places[name], places[other]
                want = distances[name][other]
                stretch = want / max(hypot(x1 - x2, y1 - y2), 1e-6)
                x += (x2 + stretch * (x1 - x2)) / want**2
                y += (y2 + stretch * (y1 - y2)) / want**2
                weights += want**-2
            if weights:
                places[name] = (x / weights, y / weights)
    return places


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
