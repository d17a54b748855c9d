"""The work of ``eingrad serve`` and ``eingrad page``."""

from __future__ import annotations

import socket
from importlib import import_module
from pathlib import Path
from typing import Any

from eingrad.cli.app import note
from eingrad.errors import BackendError, DataError

CONNECTIONS = 200  # at once; more are refused
IDLE = 5  # seconds that a connection may wait for its next request


def run_serve(host: str, port: int) -> None:
    """Serve the page until Ctrl-C. Raises BackendError without the packages of the extra "web"."""
    try:
        uvicorn: Any = import_module("uvicorn")
        server: Any = import_module("eingrad.web.server")
    except ModuleNotFoundError as error:
        raise BackendError(
            f"the page needs {error.name}, which is not installed",
            operand=error.name,
            hint="pip install 'eingrad[web]'",
        ) from error
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    app = server.application(hosts=server.hosts_of(host, port))
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False,
        limit_concurrency=CONNECTIONS, timeout_keep_alive=IDLE, timeout_graceful_shutdown=1,
    )  # fmt: skip
    shown = f"[{host}]" if ":" in host else host
    note(f"eingrad's page is at http://{shown}:{port}/ (Ctrl-C ends it)")
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Raises DataError for an address that cannot be listened at."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise DataError(
            f"cannot listen at {host}:{port}: {error.strerror or error}",
            hint="another --port, or --port 0 for one that is free",
        ) from error
    listening.listen(128)
    return listening


def run_page(out: Path, pyodide: Path | None, overwrite: bool) -> None:
    """Write the page's files, and say what they need from outside."""
    from eingrad.web.site import write_page  # noqa: PLC0415

    try:
        written = write_page(out, pyodide, overwrite)
    except OSError as error:
        raise DataError(f"cannot write {out}: {error.strerror or error}") from error
    print(f"{out}: {len(written.files)} files, {written.bytes / 1e6:.1f} MB")
    if written.address:
        print(f"a reader's browser loads Pyodide from {written.address}")
        print("--pyodide node_modules/pyodide (npm install pyodide) needs nothing from outside")
    if not (written.address or written.compiled):
        print("it starts in half the time where Node.js is at hand to compile its modules")
    if not written.judges:
        print("formulas are derived but not judged: the folder of Pyodide has no NumPy")
