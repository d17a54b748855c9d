"""The models whose labels move that are compared with PyTorch, by kind."""

from __future__ import annotations

from moving.far_models import FAR
from moving.recurrence_models import EQUATIONS, NETWORKS_IN_TIME, STACKS, STATE_SPACES, UNROLLED
from moving.row import Moving
from moving.window_models import (
    ATTENTION,
    CONVOLUTIONS,
    CONVOLUTIONS_IN_LAYERS,
    ENTRIES,
    POOLING,
    STENCILS,
)

KINDS: dict[str, list[Moving]] = {
    "convolutions": CONVOLUTIONS,
    "poolings": POOLING,
    "stencils": STENCILS,
    "causal attentions": ATTENTION,
    "single entries": ENTRIES,
    "networks in time": NETWORKS_IN_TIME,
    "state spaces": STATE_SPACES,
    "optimisers unrolled": UNROLLED,
    "stacks of layers": [*STACKS, CONVOLUTIONS_IN_LAYERS],
    "equations of differences": EQUATIONS,
    "reads of many entries": FAR,
}
MODELS = {row.name: row for rows in KINDS.values() for row in rows}
