"""What is read and judged of documents: the tables of docs/reading.md, and samples to be read.

    python benchmarks/read_papers.py PAPER.md ...
    python benchmarks/read_papers.py --sample 200 --seed 1 -o sample.md PAPER.md ...

A statement is an equation that claims something; a derivative statement has a derivative in it.
A sample shows formulas as they are written beside how they are read, for someone to compare.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import eingrad as eg
from eingrad.papers.heads import is_derivative
from eingrad.papers.judged_formula import JudgedFormula
from eingrad.papers.read_document import read_document

HEAD = (
    "| document | displays | statements | read | judged | of derivatives | judged | right "
    "| right if | wrong | seconds |\n|" + " --- |" * 11
)
KINDS = {
    "nothing defines it": r"nothing before says|does not depend|is taken of other",
    "a definition is not read": r"is not read",
    "labels or shapes do not fit": r"labels? here|do not fit|two dimensions|occurs once|no product",
    "open: two readings": r"two ways|matrix or a number|two signs|a mean in|the logistic",
    "a value, or a gradient by its name": r"a value|a differential",
    "not in the notation": r"",
}


@dataclass(frozen=True)
class Paper:
    """A document with what was found, and the processor time that it took."""

    path: Path
    displays: int
    formulas: tuple[JudgedFormula, ...]
    seconds: float

    @classmethod
    def of(cls, path: str) -> Paper:
        """Read and judge a document."""
        displays = sum(p.kind == "math" and p.display for p in read_document(path).passages)
        start = time.process_time()
        formulas = eg.check_document(path).formulas
        return cls(Path(path), displays, formulas, time.process_time() - start)

    @property
    def claims(self) -> list[JudgedFormula]:
        """Its statements."""
        return [f for f in self.formulas if f.kind == "claim"]

    def row(self) -> list[float]:
        """Return the counts of the table."""
        of_derivatives = [f for f in self.claims if is_derivative(f.formula)]
        outcomes = Counter(f.outcome for f in self.claims)
        return [
            self.displays, len(self.claims), sum(bool(f.read) for f in self.claims),
            judged(self.claims), len(of_derivatives), judged(of_derivatives),
            outcomes["right"], outcomes["right if"], outcomes["wrong"], round(self.seconds, 1),
        ]  # fmt: skip


def judged(formulas: Sequence[JudgedFormula]) -> int:
    """Count what has a verdict."""
    return sum(f.judged for f in formulas)


def kind_of(reason: str) -> str:
    """Return the kind of reason for which a statement has no verdict."""
    return next(k for k, pattern in KINDS.items() if re.search(pattern, reason))


def table(papers: Sequence[Paper], verbose: bool) -> None:
    """Print the counts, what is wrong, and why the rest of the derivatives was not judged."""
    print(HEAD)
    for paper in papers:
        print(f"| {paper.path.stem} | {' | '.join(map(str, paper.row()))} |")
    total = [round(sum(column), 1) for column in zip(*(p.row() for p in papers), strict=True)]
    print(f"| all | {' | '.join(map(str, total))} |\n")
    reasons: Counter[str] = Counter()
    for paper in papers:
        for f in paper.claims:
            refused = is_derivative(f.formula) and not f.judged
            if refused:
                reasons[kind_of(f.reason)] += 1
            if f.outcome == "wrong" or (verbose and (f.judged or refused)):
                print(f"{paper.path.name}:{f.line}: {f.outcome}: {f.formula}")
                print(f"    read {f.read or '-'}; {f.reason}; {f.repaired or '-'}")
    print("\nderivative statements without a verdict, by reason:", dict(reasons.most_common()))


def sample(papers: Sequence[Paper], count: int, seed: int) -> str:
    """Return formulas that are read, definitions and statements, drawn without replacement."""
    pool = [(paper, f) for paper in papers for f in paper.formulas if f.read]
    drawn = random.Random(seed).sample(pool, min(count, len(pool)))
    lines = [f"# {len(drawn)} of {len(pool)} formulas that are read, seed {seed}", ""]
    for k, (paper, f) in enumerate(drawn, 1):
        lines += [f"## {k}. {paper.path.name}, line {f.line}: {f.kind}, {f.outcome}", ""]
        lines += ["```latex", f.formula, "```", "is read as", "```", f.read, "```"]
        lines += [f"({f.reason})", ""] if f.reason else [""]
    return "\n".join(lines)


def main() -> None:
    """Print the table, or write a sample."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("papers", nargs="+")
    options.add_argument("--sample", type=int, default=0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("-o", "--out", type=Path)
    options.add_argument("-v", "--verbose", action="store_true", help="every derivative statement")
    given = options.parse_args()
    papers = [Paper.of(path) for path in given.papers]
    if not given.sample:
        table(papers, given.verbose)
        return
    text = sample(papers, given.sample, given.seed)
    if given.out is None:
        print(text)
    else:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
