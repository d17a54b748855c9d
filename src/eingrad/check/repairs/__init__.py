"""Repairs of a claim: what the formula would be without one of the usual mistakes.

Each finder reads one place of a formula and yields what to put there; which repair makes the
claim right is for `diagnose` to find out.
"""

import time

from eingrad.check.pools import Pools
from eingrad.check.repairs.base import Finder, Repair
from eingrad.check.repairs.labels import delta, labels_of_all, labels_of_one, sums
from eingrad.check.repairs.parts import (
    extra_factors,
    missing_factors,
    missing_function,
    wrong_factor,
    wrong_function,
    wrong_power,
    wrong_slope,
    wrong_terms,
)
from eingrad.check.repairs.scale import extra_scale, mean_or_sum, missing_scale, other_number, sign
from eingrad.check.repairs.tensors import wrong_tensor
from eingrad.check.tree import sites
from eingrad.notation.syntax import Formula

FINDERS: tuple[Finder, ...] = (
    extra_scale, other_number, missing_scale, sign, mean_or_sum,
    labels_of_one, labels_of_all, delta, sums, wrong_tensor,
    extra_factors, missing_factors, wrong_factor, wrong_slope, wrong_terms,
    missing_function, wrong_function,
    wrong_power,
)  # fmt: skip


def repairs(value: Formula, pools: Pools, deadline: float = float("inf")) -> list[Repair]:
    """Return the formulas that a claim may have been meant to be, the likeliest first.

    ``deadline`` is the time of ``time.process_time`` after which a long formula is given up.
    """
    found: dict[Formula, Repair] = {}
    for site in sites(value):
        for finder in FINDERS:
            for repair in finder(site, pools):
                known = found.get(repair.value)
                if known is None or repair.cost < known.cost:
                    found[repair.value] = repair
        if time.process_time() > deadline:
            break
    found.pop(value, None)
    return sorted(found.values(), key=lambda r: (r.cost, len(r.reason) // 100))


__all__ = ["Repair", "repairs"]
