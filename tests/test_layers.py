"""``docs/architecture.md`` is true: imports only go down, and what it names is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "eingrad"
LAZY = {"cli"}  # a command loads what it needs when it runs


def read_table(text: str) -> dict[str, set[str]]:
    """Return what each folder or room may import: "nothing", names, "the above [but ...]" ..."""
    rows = re.findall(r"^\|(.+?)\|.*\|(.+?)\|$", text, re.MULTILINE)
    table: dict[str, set[str]] = {}
    for folders, words in rows[2:]:
        own = re.findall(r"`([\w/]*\w)", folders)
        named = set(re.findall(r"`([\w/]*\w)", words))
        above = set(table) - named if "above" in words else named
        table |= dict.fromkeys(own, {"*"} if "everything" in words else above)
    return table


def room_of(parts: Sequence[str], table: dict[str, set[str]]) -> str:
    """Return the row of the table in which a module of the package is."""
    names = ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((name for name in names if name in table), names[-1])


def violations(path: str, source: str, table: dict[str, set[str]]) -> Iterator[str]:
    """Yield what is wrong with the imports of one file; ``path`` starts at the package."""
    folder = room_of(path.removesuffix(".py").split("/"), table)
    if path.rsplit("/", maxsplit=1)[-1] == "__init__.py" and folder not in table:
        return
    if folder not in table:
        yield f"{path}: docs/architecture.md does not know {folder}"
        return
    tree = ast.parse(source)
    inside = {x for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for x in ast.walk(f)}
    for node, module in imports(tree):
        part = room_of([*module.split("."), ""][1:], table)
        if node in inside and folder not in LAZY:
            yield f"{path}:{node.lineno} imports {module} inside a function"
        elif part != folder and not table[folder] & {part, "*"}:
            yield f"{path}:{node.lineno} imports {module}, which is not below it"


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Yield the imports of the package in a file; "eingrad" alone is the whole surface."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = ["eingrad..relative" if node.level else str(node.module)]
            if modules == ["eingrad"]:
                modules = [f"eingrad.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((node, m) for m in modules if m.split(".")[0] == "eingrad")


def test_imports_only_go_down() -> None:
    table = read_table((ROOT / "docs" / "architecture.md").read_text())
    assert len(table) >= 10
    files = [f for f in PACKAGE.rglob("*.py") if f.name != "__main__.py"]
    found = [
        line for f in files
        for line in violations(f.relative_to(PACKAGE).as_posix(), f.read_text(), table)
    ]  # fmt: skip
    assert not found, "\n".join(found)


def module_graph(files: dict[str, str]) -> dict[str, set[str]]:
    """Return which modules each imports, for types alone, too; ``files`` are sources by module."""
    graph: dict[str, set[str]] = {}
    for name, source in files.items():
        nodes = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ImportFrom)]
        named = {f"{n.module}.{alias.name}" for n in nodes for alias in n.names}
        graph[name] = ({str(n.module) for n in nodes} | named) & set(files) - {name}
    return graph


def circle(files: dict[str, str]) -> set[str]:
    """Return modules that import each other, if there are any."""
    try:
        TopologicalSorter(module_graph(files)).prepare()
    except CycleError as error:
        return set(error.args[1])
    return set()


def test_no_modules_import_each_other() -> None:
    paths = [f for f in PACKAGE.rglob("*.py") if f.relative_to(PACKAGE).parts[0] not in LAZY]
    parts = {f: f.relative_to(PACKAGE.parent).with_suffix("").parts for f in paths}
    files = {".".join(parts[f]): f.read_text() for f in paths if f.stem != "__init__"}
    assert not circle(files)


def test_a_circle_is_found() -> None:
    b = "if TYPE_CHECKING:\n    from x import a"
    assert circle({"x.a": "from x.b import f", "x.b": b, "y": ""}) == {"x.a", "x.b"}
    assert not circle({"x.a": "from x.b import f", "x.b": "from y import a", "y": ""})


def test_every_file_says_what_lives_there() -> None:
    """The first sentence of a file is short, and no other file's."""
    files = [f for f in PACKAGE.rglob("*.py") if f.name != "__init__.py"]
    said = {f: (ast.get_docstring(ast.parse(f.read_text())) or "").split("\n\n")[0] for f in files}
    assert [f for f, words in said.items() if not 10 <= len(words) <= 300] == []
    assert len(set(said.values())) == len(files)


def test_every_path_exists() -> None:
    """A path in the text starts at the package, at the repository or inside a folder."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    files = [
        f.as_posix()
        for folder in ("src", "tests", "benchmarks", "docs")
        for f in (ROOT / folder).rglob("*")
    ]
    paths = set(re.findall(r"`([\w/]+(?:\.pyi?|/))`", text))
    assert len(paths) > 30
    assert not {x for x in paths if not any(f.endswith(f"/{x.rstrip('/')}") for f in files)}


TABLE = read_table(
    "| folder | what | may import |\n| --- | --- | --- |\n| `errors.py` | x | nothing |\n"
    "| `core/` | x | `errors` |\n| `learn/`, `codegen/` | x | the above but `errors` |\n"
    "| `api/low/` | x | the above |\n| `api/high/` | x | the above but `learn` |\n"
    "| `cli/` | x | everything |\n"
)


@pytest.mark.parametrize(
    ("path", "source", "wrong"),
    [
        ("core/a.py", "from eingrad.errors import E\nimport eingrad.core.b", False),
        ("errors.py", "import eingrad.core.a", True),
        ("core/a.py", "from eingrad import learn", True),
        ("core/a.py", "import eingrad", True),
        ("core/a.py", "from .b import c", True),
        ("learn/a.py", "import eingrad.core.a, numpy", False),
        ("learn/a.py", "import eingrad.errors", True),
        ("codegen/a.py", "import eingrad.learn", True),
        ("core/a.py", "def f():\n  import numpy", False),
        ("core/a.py", "class A:\n  def f(self):\n    import eingrad.core.b", True),
        ("cli/a.py", "def f():\n  import eingrad.learn.a", False),
        ("web/a.py", "", True),
        ("api/__init__.py", "", False),
        ("api/a.py", "", True),
        ("api/high/a.py", "from eingrad.api.low.a import b\nimport eingrad.api.high.b", False),
        ("api/low/a.py", "from eingrad.api.high import b", True),
        ("api/high/a.py", "import eingrad.learn.a", True),
        ("api/high/__init__.py", "import eingrad.learn.a", True),
        ("api/high/a.py", "from eingrad.api import low", True),
        ("cli/a.py", "from eingrad.api.low import a", False),
    ],
)
def test_a_wrong_import_is_found(path: str, source: str, wrong: bool) -> None:
    assert bool(list(violations(path, source, TABLE))) is wrong
