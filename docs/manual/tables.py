"""The tables of the manual, written from the function records: what is known stands once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS, MATRIX_FUNCTIONS
from eingrad.core.functions.record import Record
from eingrad.surface import FUNCTIONS as SHOWN
from eingrad.surface import SURFACE

HEAD = "| function | also written | |\n| --- | --- | --- |"


def rows(records: Iterable[Record]) -> Iterator[str]:
    """Yield a row for each function that texts may use."""
    for record in records:
        if record.internal:
            continue
        others = ", ".join(f"`{name}`" for name in record.names)
        said = record.returns.replace("``", "`").replace("|", r"\|")
        yield f"| `{record.name}` | {others} | {said} |"  # type: ignore[attr-defined]


def write_tables(folder: Path) -> None:
    """Write a file for each table of functions, and the list of the public names."""
    folder.mkdir(exist_ok=True)
    tables = {"elementwise": FUNCTIONS, "axes": AXIS_FUNCTIONS, "matrices": MATRIX_FUNCTIONS}
    for name, table in tables.items():
        text = "\n".join([HEAD, *rows(table.values())]) + "\n"
        (folder / f"{name}.md").write_text(text)
    parts = []
    for module, names in SURFACE.items():
        if module in SHOWN:
            continue
        parts += [directive(module, name) for name in names.split()]
    (folder / "api.md").write_text("\n".join(parts))
    functions = [directive(module, x) for module, names in SHOWN.items() for x in names.split()]
    (folder / "eager.md").write_text("\n".join(functions))


def directive(module: str, name: str) -> str:
    """Return what includes the docstring of a public name."""
    kind = "autoclass" if name[0].isupper() else "autofunction"
    members = "\n   :members:" if kind == "autoclass" else ""
    return f"```{{eval-rst}}\n.. {kind}:: eingrad.{module}.{name}{members}\n```\n"
