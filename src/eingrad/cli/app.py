"""The frame of the command line: global options, and errors without a traceback.

A new command is a function under ``@app.command()`` in a file of its own, which
`eingrad.cli` imports. Commands import what is heavy when they run, so that ``--help`` is fast.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import eingrad
from eingrad.errors import EingradError

BROKEN_PIPE, UNUSABLE, INTERRUPTED = 1, 2, 130


class Group(TyperGroup):
    """Turns errors into ``error: ...`` and an exit code; ``--debug`` may stand anywhere."""

    def main(self, *positional: Any, **extra: Any) -> Any:
        """Run a command line, by default the process's own."""
        given, *rest = positional or (extra.pop("args", None),)
        args = list(sys.argv[1:] if given is None else given)
        debug = "--debug" in args
        args = [argument for argument in args if argument != "--debug"]
        if debug or not extra.get("standalone_mode", True):
            return super().main(args, *rest, **extra)
        try:
            code = super().main(args, *rest, **{**extra, "standalone_mode": False})
            sys.stdout.flush()
        except (KeyboardInterrupt, typer.Abort):
            code = INTERRUPTED
        except BrokenPipeError:  # the reader has what it wants: `eingrad ... | head -1`
            silence(sys.stdout)
            code = BROKEN_PIPE
        except (EingradError, OSError, MemoryError) as error:
            code = fail(error)
        except Exception as error:
            if not hasattr(error, "format_message"):  # the mark of a usage error, by any typer
                raise
            code = fail(error)
        sys.exit(code if isinstance(code, int) else 0)


def fail(error: BaseException) -> int:
    """Print an error for a person and return the exit code."""
    if hasattr(error, "format_message"):
        context = getattr(error, "ctx", None)
        hint = f"\nhint: see {context.command_path} --help" if context else ""
        text = error.format_message() + hint
    elif isinstance(error, MemoryError) and not isinstance(error, EingradError):
        text = f"out of memory\n{error}".rstrip()
    else:
        text = str(error)
    print(f"error: {text}", file=sys.stderr)
    return UNUSABLE


def silence(stream: Any) -> None:
    """Let what a stream gets from now on, also as the interpreter exits, go nowhere."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
    except (OSError, ValueError):
        pass


def show_version(asked: bool) -> None:
    """Print the version and stop, if it was asked for."""
    if asked:
        print(f"eingrad {eingrad.__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=Group,
    name="eingrad",
    help="Calculus on einsum: derive gradients step by step, check them, run them, train.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print it.")
    ] = False,
    _debug: Annotated[bool, typer.Option("--debug", help="Show an error's traceback.")] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
