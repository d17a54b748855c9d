"""Answers worked out in processes of their own, which are ended when they take too long."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from concurrent.futures import TimeoutError as PastTimeError
from importlib import import_module
from typing import Any

from eingrad.errors import EingradError, MemoryLimitError
from eingrad.web.answers import Answer, Request, answer, error_fields

WORKERS = max(4, os.cpu_count() or 1)
SECONDS = 10.0  # an answer may take
BYTES = 2 << 30  # a worker may hold; most of it is address space of libraries
ANSWERS = 500  # of one worker, which is then replaced


class BoundedAnswers:
    """Workers that answer; use as a context manager.

    More than ``waiting`` questions at once are turned away, so that nobody waits for minutes.
    """

    def __init__(
        self,
        workers: int = WORKERS,
        seconds: float = SECONDS,
        bytes: int = BYTES,
        waiting: int = 64,
    ) -> None:
        self.seconds, self.waiting = seconds, waiting
        self._asked = 0
        self._pool: Any = import_module("pebble").ProcessPool(
            max_workers=workers,
            max_tasks=ANSWERS,
            initializer=_limit,
            initargs=(bytes,),
            context=multiprocessing.get_context("spawn"),
        )

    def __enter__(self) -> BoundedAnswers:
        for _ in range(2):  # so that the first who asks waits for no import
            self._pool.schedule(answer, ({"ask": "look", "text": "y_i = x_i"},))
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.stop()
        self._pool.join()

    async def __call__(self, request: Request) -> Answer:
        """Answer a request, or say which bound it has met."""
        if self._asked >= self.waiting:
            return {"error": error_fields(EingradError("too many questions at once; ask again"))}
        self._asked += 1
        try:
            future = self._pool.schedule(bounded_answer, (dict(request),), timeout=self.seconds)
            found: Answer = await asyncio.wrap_future(future)
        except PastTimeError:
            found = _refusal(
                f"this takes longer than {self.seconds:g} s, which the page does not allow",
                "give parts names of their own, or run it at the command line",
            )
        except import_module("pebble").ProcessExpired:
            found = _refusal("this needs more memory than the page allows", None)
        finally:
            self._asked -= 1
        return found


def _refusal(message: str, hint: str | None) -> Answer:
    return {"error": error_fields(EingradError(message, hint=hint))}


def bounded_answer(request: Request) -> Answer:
    """Answer in a worker, where what is too large or too deep is refused."""
    try:
        return answer(request)
    except (MemoryError, MemoryLimitError):
        return _refusal("this needs more memory than the page allows", None)
    except RecursionError:
        return _refusal("this nests too deep", None)


def _limit(limit: int) -> None:
    """Bound a worker's memory, where the system can; Ctrl-C is the server's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        resource: Any = import_module("resource")
    except ModuleNotFoundError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
