"""The command line, `eingrad`: all commands are under `app`."""

from __future__ import annotations

from eingrad.cli import commands, training_options  # noqa: F401  # these add commands to `app`
from eingrad.cli.app import app


def main() -> None:
    """Run the command line of this process."""
    app(prog_name="eingrad")
