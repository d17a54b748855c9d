"""A server of the page in a process of its own, and what a test asks it."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "eingrad", "serve", "--port", "0"]


@contextmanager
def served() -> Iterator[tuple[str, int, int]]:
    """Run ``eingrad serve``; yield its host, its port and its process id."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(COMMAND, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://([\d.]+):(\d+)/", line)
        assert found, line
        yield found[1], int(found[2]), process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)
        if process.stderr is not None:
            process.stderr.close()


def post(address: tuple[str, int], question: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    """Ask a question; return the status and the answer."""
    body = question if isinstance(question, bytes) else json.dumps(question).encode()
    connection = http.client.HTTPConnection(*address, timeout=60)
    try:
        given = {"Content-Type": "application/json", **headers}
        connection.request("POST", "/answer", body, given)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def get(address: tuple[str, int], path: str) -> http.client.HTTPResponse:
    """Return the response to a GET; its body was read into ``response.text``."""
    connection = http.client.HTTPConnection(*address, timeout=30)
    connection.request("GET", path)
    response = connection.getresponse()
    response.text = response.read().decode()  # type: ignore[attr-defined]
    connection.close()
    return response


def hopeless() -> dict[str, object]:
    """A Hessian of a deep network by all its tensors."""
    lines = ["Z0_bi = X_bi"]
    for k in range(1, 40):
        i, j = "ij" if k % 2 else "ji"
        lines.append(f"Z{k}_b{j} = tanh(Z{k - 1}_b{i} W{k}_{i}{j} + c{k}_{j})")
    text = "\n".join([*lines, "L = Z39_bj Z39_bj"])
    every = ["X", *(f"{x}{k}" for k in range(1, 40) for x in "Wc")]
    return {"ask": "derive", "text": text, "order": 2, "wrt": every}


def resident(pid: int) -> int:
    """Return the bytes that a process and its children hold."""
    pids, found = [pid], 0
    while pids:
        one = pids.pop()
        try:
            found += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * 4096
            tasks = Path(f"/proc/{one}/task").iterdir()
            pids += [int(x) for t in tasks for x in (t / "children").read_text().split()]
        except OSError:
            continue
    return found


@contextmanager
def folder_served(folder: Path) -> Iterator[str]:
    """Serve a folder as any web server does; yield its address."""
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass
