"""``eingrad serve``: what it gives out, what it refuses, and how it bears a crowd."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("pebble")

from serving import get, hopeless, post, resident, served

LOOK = {"ask": "look", "text": "L = w_i w_i"}
Address = tuple[str, int]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Address, int]]:
    with served() as (host, port, pid):
        post((host, port), LOOK)
        yield (host, port), pid


@pytest.fixture
def address(server: tuple[Address, int]) -> Address:
    return server[0]


def test_the_page_names_no_other_site(address: Address) -> None:
    response = get(address, "/")
    text = response.text  # type: ignore[attr-defined]
    assert response.status == 200
    assert "<textarea" in text
    assert "https://" not in text
    rule = response.headers["content-security-policy"]
    assert "default-src 'none'" in rule
    assert "unsafe" not in rule


@pytest.mark.parametrize("name", ["page.js", "engine.js", "page.css", "derivation.css"])
def test_its_files_are_there(address: Address, name: str) -> None:
    assert get(address, f"/{name}").status == 200


@pytest.mark.parametrize("path", ["/answers.py", "/../server.py", "/%2e%2e/server.py", "/answer"])
def test_nothing_else_is_given_out(address: Address, path: str) -> None:
    assert get(address, path).status in (404, 405)


def test_questions_are_answered(address: Address) -> None:
    status, found = post(address, LOOK)
    assert status == 200
    assert found["tensors"] == [{"name": "w", "labels": ["i"]}]


def test_other_hosts_and_origins_are_refused(address: Address) -> None:
    """A page of another site that knows the port, and a name that was rebound to this machine."""
    assert post(address, LOOK, Host="evil.example")[0] == 403
    assert post(address, LOOK, Origin="http://evil.example")[0] == 403
    assert post(address, LOOK, Origin="null")[0] == 403
    own = f"http://{address[0]}:{address[1]}"
    assert post(address, LOOK, Origin=own)[0] == 200


def test_what_is_no_json_is_refused(address: Address) -> None:
    assert (
        post(address, b"ask=look", **{"Content-Type": "application/x-www-form-urlencoded"})[0]
        == 415
    )
    assert post(address, b"{")[0] == 400
    assert post(address, b"[]")[0] == 400
    assert post(address, b"[" * 100_000)[0] == 400
    assert post(address, b'"' + b"x" * 5_000_000 + b'"')[0] == 413


def test_a_crowd_with_one_that_is_hopeless(address: Address) -> None:
    """20 at once, one of them without end, beside 20 connections that never say what they want."""
    halves = []
    for _ in range(20):
        half = socket.create_connection(address)
        half.sendall(b"POST /answer HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        halves.append(half)
    questions = [hopeless(), *([{"ask": "derive", "text": "L = x_i A_ij x_j"}] * 19)]
    with ThreadPoolExecutor(20) as threads:
        begun = time.monotonic()
        answers = [threads.submit(post, address, question) for question in questions]
        assert all("results" in x.result()[1] for x in answers[1:])
        normal = time.monotonic()
        status, found = post(address, LOOK)
        assert status == 200
        assert "tensors" in found
        assert time.monotonic() - normal < 20  # ten times the mark
        error = answers[0].result()[1]["error"]
        assert "longer than" in error["message"]
        assert time.monotonic() - begun < 100
    for half in halves:
        half.close()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_memory_is_level_after_many_questions(server: tuple[Address, int]) -> None:
    address, pid = server
    texts = [f"L = x_i A_ij x_j + {k}" for k in range(1000)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda text: post(address, {"ask": "look", "text": text}), texts[:200]))
        before = resident(pid)
        list(threads.map(lambda text: post(address, {"ask": "look", "text": text}), texts[200:]))
    assert resident(pid) < 1.3 * before + 50e6


def test_answers_are_json_in_utf_8(address: Address) -> None:
    status, found = post(address, json.dumps({"ask": "look", "text": "α_i = β_i"}).encode())
    assert status == 200
    assert found["tensors"][0]["name"] in ("beta", "β")
