"""The frame of the command line: global options, and errors without a traceback.

A new command is a function under ``@app.command()`` in `eingrad.cli.commands`. Commands import what
is heavy when they run, so that ``--help`` is fast.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import eingrad
from eingrad.cli.usage import explained
from eingrad.errors import EingradError, printable

UNUSABLE, INTERRUPTED, BROKEN_PIPE, TERMINATED = 2, 130, 141, 143  # 128 + the signal's number
EXIT_CODES = """
Exit codes: 0 done; 1 the claim is wrong (check); 2 the claim was not judged, or the input or an
option cannot be used, with the reason on stderr; 130 interrupted (Ctrl-C); 141 the reader of a pipe
has gone; 143 ended (SIGTERM).
"""


class ReaderGoneError(Exception):
    """What reads the output has closed it; for a `BrokenPipeError`, Typer itself exits with 1."""


class TerminatedError(KeyboardInterrupt):
    """The process was asked to end, by SIGTERM; what listens to Ctrl-C listens to this, too."""


class Group(TyperGroup):
    """Turns errors into ``error: ...`` and an exit code; ``--debug`` may stand anywhere."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the options; this is where ``--help`` prints."""
        with _noticing():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        with _noticing():
            return super().invoke(ctx)

    def main(self, *positional: Any, **extra: Any) -> Any:
        """Run a command line, by default the process's own."""
        given, *rest = positional or (extra.pop("args", None),)
        args = list(sys.argv[1:] if given is None else given)
        debug = "--debug" in args
        args = [argument for argument in args if argument != "--debug"]
        prepare_streams()
        if debug or not extra.get("standalone_mode", True):
            return super().main(args, *rest, **extra)
        try:
            with _ending_on_sigterm():
                code = super().main(args, *rest, **{**extra, "standalone_mode": False})
            sys.stdout.flush()
        except (KeyboardInterrupt, typer.Abort) as error:
            code = code_of(error)
        except (
            BrokenPipeError,
            ReaderGoneError,
        ):  # the reader has what it wants: `eingrad ... | head -1`
            silence(sys.stdout)
            code = BROKEN_PIPE
        except (EingradError, OSError, MemoryError) as error:
            code = fail(error)
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            code = fail(error, args)
        sys.exit(code if isinstance(code, int) else 0)


@contextlib.contextmanager
def _noticing() -> Iterator[None]:
    """Keep from Typer what it would turn into an exit code of its own."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGoneError from error
    except TerminatedError as error:
        raise typer.Exit(TERMINATED) from error


@contextlib.contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does; a process that was told to ignore it does so."""

    def end(*_: object) -> None:
        raise TerminatedError

    before = signal.getsignal(signal.SIGTERM)
    if before is not signal.SIG_DFL or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def code_of(interrupt: BaseException) -> int:
    """Return the exit code after a signal."""
    return TERMINATED if isinstance(interrupt, TerminatedError) else INTERRUPTED


def fail(error: BaseException, args: Sequence[str] = ()) -> int:
    """Print an error for a person and return the exit code; ``args`` is the command line."""
    if hasattr(error, "format_message"):  # the mark of a usage error, by any typer
        text = explained(error, args)
    elif isinstance(error, MemoryError) and not isinstance(error, EingradError):
        text = f"out of memory\n{error}".rstrip()
    elif isinstance(error, OSError):  # of a file that nothing else names: standard output
        name = printable(str(error.filename or "standard output"))
        text = f"{name}: {error.strerror or error}"
    else:
        text = str(error)
    note(f"error: {text}")
    return UNUSABLE


def note(text: str) -> None:
    """Tell a person something on stderr, in letters that can be printed."""
    print(printable(text, "\n"), file=sys.stderr)


def prepare_streams() -> None:
    """Let output go on where it cannot: closed streams, and letters that an encoding lacks."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the shell, `>&-`
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


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
    epilog=EXIT_CODES,
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
