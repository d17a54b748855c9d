"""Five documents on the web, judged formula by formula: what is wrong in them, and how it is right.

``papers/`` has their formulas in their order, as they stand there. The same on the command line:
``eingrad check examples/papers/*.md``.
"""

from __future__ import annotations

from pathlib import Path

import eingrad as eg

PAPERS = Path(__file__).parent / "papers"


def main() -> None:
    for path in sorted(PAPERS.glob("*.md")):
        report = eg.check_document(path)
        print(f"{path.name}: {report.summary()}")
        for formula in report.wrong:
            print(f"  MISTAKE on line {formula.line}: {formula.formula}")
            print(f"    {formula.reason}")
            print(f"    right: {formula.repaired}")
        conditions = {f.reason for f in report.formulas if f.outcome == "right if"}
        for condition in sorted(conditions):
            print(f"  {condition}")


if __name__ == "__main__":
    main()
