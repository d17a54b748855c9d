"""How fast the page answers: cold start and changes on both engines, and the server in a crowd.

    python benchmarks/page.py [node_modules] [--runs 3]

Needs the extras "web" and "dev", Debian's Chromium, and the npm package pyodide in the folder
named (without it, the server alone is measured). A cold start ends when the first derivation is
shown; the browser is a fresh one each time. A change is a model typed, until its derivation is
shown. The server is asked by a crowd, and its memory is read after many questions.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from eingrad.web.site import write_page

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from serving import folder_served, hopeless, post, resident, served

CHANGE = "z_b = X_bi w_i\nL = mean_b((z_b - q_b)^2) / 2"
PATIENCE = 120_000


def opened(browser: Browser, address: str) -> tuple[float, float]:
    """Return the seconds of a cold start, and of a change."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    begun = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("#panel h2")
    started = time.perf_counter()
    page.fill("#model", CHANGE)
    page.wait_for_selector("#heard :text('q[b]')")
    page.wait_for_selector("#panel[aria-busy=false]")
    changed = time.perf_counter()
    context.close()
    return started - begun, changed - started


def print_starts(name: str, address: str, runs: int) -> None:
    with sync_playwright() as playwright:
        times = []
        for _ in range(runs):
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            times.append(opened(browser, address))
            browser.close()
    starts, changes = zip(*times, strict=True)
    print(f"{name:16}  cold start {_span(starts)}   a change {_span(changes)}")


def _span(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):5.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


def print_crowd(address: tuple[str, int]) -> None:
    """Ask 20 at once, one of them without end, beside 20 connections that never say what."""
    halves = [socket.create_connection(address) for _ in range(20)]
    for half in halves:
        half.sendall(b"POST /answer HTTP/1.1\r\nHost: localhost\r\nContent-Le")

    def seconds(question: dict[str, Any]) -> float:
        begun = time.perf_counter()
        post(address, question)
        return time.perf_counter() - begun

    normal = {"ask": "derive", "text": "L = x_i A_ij x_j"}
    with ThreadPoolExecutor(20) as threads:
        endless = threads.submit(seconds, hopeless())
        crowd = [threads.submit(seconds, normal) for _ in range(19)]
        time.sleep(0.2)
        one = seconds(normal)
        print(f"one more question {one:.2f} s, the 19 {_span([x.result() for x in crowd])}")
        print(f"the one without end is refused after {endless.result():.1f} s")
    for half in halves:
        half.close()


def print_memory(address: tuple[str, int], pid: int) -> None:
    """Ask 1,000 questions; say what the server and its workers hold before and after."""
    with ThreadPoolExecutor(4) as threads:
        held = []
        for some in (range(200), range(200, 600), range(600, 1200)):
            texts = [{"ask": "derive", "text": f"L = x_i A_ij x_j + {k}"} for k in some]
            list(threads.map(lambda question: post(address, question), texts))
            held.append(f"{resident(pid) / 2**20:.0f} MiB")
    print(f"held after 200, 600 and 1,200 derivations: {', '.join(held)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", type=Path, nargs="?")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if given.modules:
        with tempfile.TemporaryDirectory() as folder:
            written = write_page(Path(folder), given.modules / "pyodide", overwrite=True)
            print(f"{written.bytes / 1e6:.1f} MB, {'' if written.compiled else 'not '}compiled")
            with folder_served(Path(folder)) as address:
                print_starts("in the browser", address, given.runs)
    with served() as (host, port, pid):
        print_starts("served", f"http://{host}:{port}/", given.runs)
        print_crowd((host, port))
        print_memory((host, port), pid)


if __name__ == "__main__":
    main()
