"""Repairs of a claim: what the formula would be without one of the usual mistakes.

Each finder reads one place of a formula and yields what to put there; which repair makes the
claim right is for `diagnose` to find out.
"""

from eingrad.check.candidates import Candidates
from eingrad.check.repairs.base import Finder, Repair
from eingrad.check.repairs.factor_repairs import (
    extra_factors,
    missing_factors,
    missing_function,
    wrong_factor,
    wrong_function,
    wrong_power,
    wrong_slope,
    wrong_terms,
)
from eingrad.check.repairs.label_repairs import (
    delta,
    labels_of_all,
    labels_of_one,
    offsets,
    order,
    reused,
    sums,
)
from eingrad.check.repairs.scale_repairs import (
    extra_scale,
    mean_or_sum,
    missing_scale,
    other_number,
    sign,
)
from eingrad.check.repairs.tensor_repairs import wrong_tensor
from eingrad.check.tree import sites
from eingrad.notation.syntax import Formula

FINDERS: tuple[Finder, ...] = (
    extra_scale, other_number, missing_scale, sign, mean_or_sum,
    labels_of_one, labels_of_all, reused, offsets, order, delta, sums, wrong_tensor,
    extra_factors, missing_factors, wrong_factor, wrong_slope, wrong_terms,
    missing_function, wrong_function,
    wrong_power,
)  # fmt: skip
MOST_PARTS = 400_000  # of all repairs together; of a long formula some parts are not looked at


def repairs(value: Formula, pools: Candidates, most: int = MOST_PARTS) -> tuple[list[Repair], int]:
    """Return the formulas that a claim may have been meant to be, the likeliest first.

    With them comes how many parts of the formula were not looked at: so many repairs are written
    that all of them together have ``most`` parts.
    """
    parts = list(sites(value))
    left, unseen = most // len(parts), 0
    found: dict[Formula, Repair] = {}
    every = (
        (k, repair)
        for k, site in enumerate(parts) for finder in FINDERS for repair in finder(site, pools)
    )  # fmt: skip
    for k, repair in every:
        if left <= 0:
            unseen = len(parts) - k
            break
        left -= 1
        known = found.setdefault(repair.value, repair)
        if repair.cost < known.cost:
            found[repair.value] = repair
    found.pop(value, None)
    return sorted(found.values(), key=lambda r: (r.cost, len(r.reason) // 100)), unseen


__all__ = ["Repair", "repairs"]
