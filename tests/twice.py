"""Tests that passed with fewer packages and would do the same with more: CI runs these once.

eingrad looks for an optional package in four places alone, each when it is asked for a backend, a
plot or a benchmark. So a test whose file, and the helpers that it imports, speak of none of these
and start no process has nothing to see in a package that is added, unless one of the packages
that were there is now another version.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

TESTS = Path(__file__).parent
OPTIONAL = re.compile(
    r"torch|jax|backend|matplotlib|plot|ml_dtypes|bench|subprocess|find_spec|\bpip\b"
)


def packages() -> list[str]:
    """Return the installed packages with their versions, as they stand in a record."""
    return sorted({f"# {x.metadata['Name']} {x.version}" for x in distributions()})


def write(path: Path, passed: list[str]) -> None:
    """Record which tests passed, and with which packages."""
    path.write_text("\n".join([*packages(), *passed]) + "\n")


def passed_for_good(path: Path) -> set[str]:
    """Return the tests of a record that more packages cannot change, if these are only more."""
    lines = path.read_text().splitlines()
    if not {x for x in lines if x.startswith("# ")} <= set(packages()):
        return set()
    tests = (x for x in lines if x and not x.startswith("# "))
    return {x for x in tests if not speaks_of_packages(TESTS.parent / x.split("::")[0])}


@cache
def speaks_of_packages(path: Path) -> bool:
    """Whether a file of tests, or one of the tests' own that it imports, may see a package."""
    stack, seen = [path], {path}
    while stack:
        here = stack.pop()
        text = here.read_text()
        if OPTIONAL.search(text):
            return True
        found = {x for node in ast.walk(ast.parse(text)) for x in _imported(node, here)} - seen
        seen |= found
        stack += found
    return False


def _imported(node: ast.AST, here: Path) -> list[Path]:
    """Return the files of tests that a statement imports."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        names = [module, *(f"{module}.{alias.name}".strip(".") for alias in node.names)]
    else:
        return []
    places = [
        folder / (x.replace(".", "/") + ".py") for x in names for folder in (TESTS, here.parent)
    ]
    return [x for x in places if x.is_file() and TESTS in x.parents]
