"""The devices that `eingrad train` runs on: a mesh, and the processes that make it up."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from eingrad.cli.app import silence
from eingrad.engine.library import load_mesh
from eingrad.errors import EingradError
from eingrad.learn.mesh import MeshOptions


@dataclass(frozen=True, slots=True)
class Devices:
    """A mesh, if any, and which of several processes this is.

    ``coordinator`` is the address at which the processes meet, None where there is one.
    ``device`` is the one to use without a mesh, None for the backend's choice.
    """

    mesh: MeshOptions | None
    coordinator: str | None = None
    processes: int = 1
    process_id: int = 0
    device: str | None = None

    @property
    def is_first(self) -> bool:
        """Whether this process prints and writes."""
        return self.process_id == 0

    def join(self) -> None:
        """Meet the other processes, before JAX does anything; all but the first fall silent."""
        if self.coordinator is not None:
            load_mesh("jax").join(self.coordinator, self.processes, self.process_id)
        if not self.is_first:
            silence(sys.stdout)
        elif self.processes > 1:
            _keep_stdout_to_python()


def _keep_stdout_to_python() -> None:
    """Send to stderr what libraries write to file descriptor 1: Gloo reports its connections."""
    sys.stdout.flush()
    sys.stdout = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding)
    os.dup2(2, 1)


def read_devices(
    mesh: str | None,
    shard: str | None,
    coordinator: str | None,
    processes: int | None,
    process_id: int | None,
    device: str | None = None,
) -> Devices:
    """Check the options of the command line. Raises `EingradError`."""
    if mesh is not None and device is not None:
        raise EingradError(
            "--mesh and --device both say where to compute",
            operand="device",
            hint="leave one of them out",
        )
    if mesh is None:
        for option, value in (("--shard", shard), ("--coordinator", coordinator)):
            if value is not None:
                raise _lacking(option, "--mesh", "data=4,model=2")
    options = None if mesh is None else MeshOptions.read(mesh, shard)
    if coordinator is None:
        for option, number in (("--processes", processes), ("--process-id", process_id)):
            if number is not None:
                raise _lacking(option, "--coordinator", "HOST:PORT")
        return Devices(options, device=device)
    host, colon, port = coordinator.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise EingradError(
            f"--coordinator is {coordinator!r}, which is no HOST:PORT",
            operand="coordinator",
            hint="for example --coordinator 127.0.0.1:1234",
        )
    if processes is None:
        raise _lacking("--coordinator", "--processes", "2")
    if process_id is None:
        raise _lacking("--coordinator", "--process-id", "0")
    if not 0 <= process_id < processes:
        raise EingradError(
            f"--process-id is {process_id}, but of {processes} processes the ids are 0 to "
            f"{processes - 1}",
            operand="process_id",
        )
    return Devices(options, coordinator, processes, process_id)


def _lacking(option: str, other: str, example: str) -> EingradError:
    return EingradError(
        f"{option} needs {other}",
        operand=option.removeprefix("--").replace("-", "_"),
        hint=f"for example {other} {example}",
    )
