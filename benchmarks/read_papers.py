"""What is read and judged of documents: the table of docs/reading.md.

    python benchmarks/read_papers.py PAPER.md ...

A statement is an equation that claims something; a derivative statement has a derivative in it.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import eingrad as eg
from eingrad.papers.heads import is_derivative
from eingrad.papers.judged_formula import JudgedFormula
from eingrad.papers.read_document import read_document

HEAD = (
    "| document | displays | statements | judged | of derivatives | judged | right | right if "
    "| wrong |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)
KINDS = {
    "nothing defines it": r"nothing before says|does not depend|is not read",
    "labels or shapes do not fit": r"labels? here|do not fit|two dimensions|occurs once|no product",
    "not in the notation": r"",
}


def row(path: str) -> list[int]:
    """Return the counts of one document."""
    displays = sum(p.kind == "math" and p.display for p in read_document(path).passages)
    claims = [f for f in eg.check_document(path).formulas if f.kind == "claim"]
    of_derivatives = [f for f in claims if is_derivative(f.formula)]
    outcomes = Counter(f.outcome for f in claims)
    return [
        displays, len(claims), judged(claims), len(of_derivatives), judged(of_derivatives),
        outcomes["right"], outcomes["right if"], outcomes["wrong"],
    ]  # fmt: skip


def judged(formulas: list[JudgedFormula]) -> int:
    """Count what has a verdict."""
    return sum(f.judged for f in formulas)


def main() -> None:
    """Print the table, the reasons of what was not judged, and what is wrong."""
    print(HEAD)
    total: list[int] = []
    reasons: Counter[str] = Counter()
    for path in sys.argv[1:]:
        counts = row(path)
        total = [a + b for a, b in zip(total, counts, strict=True)] if total else counts
        print(f"| {Path(path).stem} | {' | '.join(map(str, counts))} |")
        for f in eg.check_document(path).formulas:
            if f.kind == "claim" and not f.judged:
                reasons[next(k for k, v in KINDS.items() if re.search(v, f.reason))] += 1
            if f.outcome == "wrong":
                print(f"<!-- {path}:{f.line}: {f.formula}: {f.reason}: {f.repaired} -->")
    print(f"| all | {' | '.join(map(str, total))} |")
    print(dict(reasons))


if __name__ == "__main__":
    main()
