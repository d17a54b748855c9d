"""``eingrad serve``: the page and its answers on this machine, with Starlette and uvicorn."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from eingrad.web.answers import MAX_DOCUMENT
from eingrad.web.bounded import BoundedAnswers
from eingrad.web.site import policy, served_files

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_BODY = 4 * MAX_DOCUMENT + 4096  # bytes: a document in UTF-8, and what stands around it
HEADERS = {
    "Content-Security-Policy": policy(),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}
LOG = logging.getLogger("eingrad.web")


def application(answers: BoundedAnswers | None = None, hosts: frozenset[str] | None = None) -> Any:
    """Return the ASGI application; ``hosts`` are the names by which it may be called, None for any.

    A request from a page of another site is refused: its Origin is not the Host.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with answers or BoundedAnswers() as app.state.answers:
            yield

    files = served_files()
    routes = [Route(f"/{name}", _file(*file)) for name, file in files.items()]
    routes += [Route("/", _file(*files["index.html"])), Route("/answer", _answer, methods=["POST"])]
    return _Guard(Starlette(routes=routes, lifespan=lifespan), hosts)


def _file(content: bytes, media_type: str) -> Any:
    async def serve(_: Request) -> Response:
        return Response(content, media_type=media_type)

    return serve


async def _answer(request: Request) -> Response:
    """Read a question of bounded length, and answer it."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return _refused(415, "a question is JSON")
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY:
                return _refused(413, "this is too long for the page")
    except ClientDisconnect:
        return _refused(400, "the question broke off")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return _refused(400, "this is no JSON")
    if not isinstance(asked, dict):
        return _refused(400, "a question is an object")
    try:
        return JSONResponse(await request.app.state.answers(asked))
    except Exception:  # a fault of ours: the page says so, the log says which
        LOG.exception("no answer to a question of the page")
        return _refused(500, "eingrad has failed at this; it is written down where it runs")


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "code": "error", "hint": None}}, status)


class _Guard:
    """Refuses other hosts and origins before anything is read, and sets the headers."""

    def __init__(self, app: Any, hosts: frozenset[str] | None) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(k.encode(), v.encode()) for k, v in HEADERS.items()]
            await send(message)

        given = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        app = self.app if self._is_welcome(given) else _refused(403, "this is not the page's host")
        await app(scope, receive, with_headers)

    def _is_welcome(self, headers: Mapping[str, str]) -> bool:
        host, origin = headers.get("host", ""), headers.get("origin")
        own = self.hosts is None or host in self.hosts
        return own and origin in (None, f"http://{host}", f"https://{host}")


def hosts_of(host: str, port: int) -> frozenset[str] | None:
    """Return the names under which a browser reaches an address; None where it listens to all.

    >>> sorted(hosts_of("127.0.0.1", 8000))
    ['127.0.0.1:8000', '[::1]:8000', 'localhost:8000']
    """
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if address is not None and address.is_unspecified:
        return None
    names = {f"[{host}]" if address is not None and address.version == 6 else host}
    if host == "localhost" or (address is not None and address.is_loopback):
        names |= {"localhost", "127.0.0.1", "[::1]"}
    return frozenset({f"{name}:{port}" for name in names} | (names if port == 80 else set()))
