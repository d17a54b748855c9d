"""The command line, `eingrad`: one module per group of commands, all under `app`."""

from __future__ import annotations

from eingrad.cli import bench, check, codegen, derive, plan, train  # noqa: F401  # each of these adds its commands to `app`
from eingrad.cli.app import app


def main() -> None:
    """Run the command line of this process."""
    app(prog_name="eingrad")
