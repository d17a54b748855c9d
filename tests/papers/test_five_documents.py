"""The five documents that eingrad grew from: their known mistakes are what is found, and no others.

``examples/papers`` has their formulas; the documents themselves are judged where they are at hand.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import eingrad as eg

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "examples" / "papers", *(p / "shared" / "seeds" for p in ROOT.parents)]
# the outcomes of claims, and what is wrong: a part of the formula, of the reason, and the repair
FOUND = {
    ("single_sample_mlp.md", "000_1e48a9b57e5ce7ff.txt"): ((11, 4), []),
    ("mse_layer.md", "001_d837b6a402cbf612.txt"): ((7, 0), []),
    ("minibatch_mlp.md", "002_627893d01d2bc529.txt"): ((39, 3), [
        # 1/m once too often: by rows, in matrices, and once more
        (r"{\partial A^{(1)}_{[i,:]}} = \frac{1}{m} \frac{\partial \mathfrak{L}}{\partial Z^{(1)}_",
         "factor 1/size(i) too many", "dLfrak/dZ1_iq phi'(A1_iq)"),
        (r"{\partial A^{(1)}} = \frac{1}{m} \frac{\partial \mathfrak{L}}{\partial Z^{(1)}} \odot",
         "factor 1/size(m) too many", "dLfrak/dA1_mh = dLfrak/dZ1_mh phi'(A1_mh)"),
        (r"\text{average along rows of } (\frac{\partial \mathfrak{L}}{\partial Z^{(2)}}",
         "Z^{(2)} where Z^{(1)} is meant; and factor 1/size(m) too many",
         "dLfrak/db1_h = dLfrak/dZ1_mh phi'(A1_mh)"),
        (r"{\partial W^{(1)}} = \frac{1}{m} X^\top \frac{\partial \mathfrak{L}}{\partial A^{(1)}}",
         "factor 1/size(m) too many", "dLfrak/dW1_dh = X_md dLfrak/dA1_mh"),
    ]),
    ("softmax_and_matmul.md", "003_e30824dcebab8360.txt"): ((32, 3), []),
    ("einsum_gradient.md", "004_74be11848ad81d56.txt"): ((0, 4), [
        # a label that is summed stands on the left side
        ("Z_{jk} = X_{ij}W_{jk}", "Z_{ik} is meant", "Z_{ik} = X_{ij}W_{jk}"),
    ]),
}  # fmt: skip
DOCUMENTS = [
    (path, *found) for names, found in FOUND.items() for folder in FOLDERS for name in names
    if (path := folder / name).is_file()
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "right", "wrong"), DOCUMENTS, ids=lambda x: getattr(x, "name", "")
)
def test_known_mistakes_are_the_ones_found(
    path: Path, right: tuple[int, int], wrong: list[tuple[str, str, str]]
) -> None:
    report = eg.check_document(path)
    for formula, (text, reason, repaired) in zip(report.wrong, wrong, strict=True):
        assert text in formula.formula
        assert reason in formula.reason
        assert repaired in str(formula.repaired)
    outcomes = Counter(f.outcome for f in report.formulas if f.kind == "claim")
    assert outcomes["right"] >= right[0]
    assert outcomes["right if"] >= right[1]
