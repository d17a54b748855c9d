"""``%load_ext eingrad``: the cell magic ``%%ein``, which reads a model from a cell."""

from __future__ import annotations

import argparse
import shlex
from typing import Any, NoReturn

from eingrad.api.models.model import Model, parse
from eingrad.errors import EingradError


class _Options(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise EingradError(f"%%ein: {message}", hint="for example %%ein model --of L --wrt W1,b1")


def options() -> argparse.ArgumentParser:
    """Return what may stand behind ``%%ein``."""
    parser = _Options("%%ein", add_help=False)
    parser.add_argument("name", nargs="?", default="model")
    parser.add_argument("--of", default=None)
    parser.add_argument("--wrt", default=None)
    return parser


def read_cell(shell: Any, line: str, cell: str) -> Any:
    """Read a cell's model and name it in the notebook; with ``--of``, derive its derivatives."""
    given = options().parse_args(shlex.split(line))
    if not given.name.isidentifier():
        raise EingradError(f"{given.name!r} is no name in Python", operand=given.name)
    model: Model = parse(cell)
    shell.user_ns[given.name] = model
    if given.of is None and given.wrt is None:
        return model
    of = given.of or "L"
    wrt = None if given.wrt is None else given.wrt.replace(",", " ").split()
    return model.jacobian(of, wrt) if model.labels.get(of) else model.grad(of, wrt)


def register(shell: Any) -> None:
    """Give a shell of IPython's the magic."""

    def ein(line: str, cell: str) -> Any:
        return read_cell(shell, line, cell)

    ein.__doc__ = "Read a model: %%ein [NAME] [--of L] [--wrt W1,b1]"
    shell.register_magic_function(ein, "cell", "ein")
