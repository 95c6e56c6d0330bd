"""What one answer of an API may be: compressed, without an end, in small pieces; no server, a transport of the test."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterable

import httpx
import pytest

from edgewright.clients.kube import http_api
from edgewright.clients.kube.http_api import HttpApi
from edgewright.core.errors import Failed, Unreachable

BOMB = gzip.compress(b"\n" * 8 * 1024 * 1024)


class Pieces(httpx.AsyncByteStream):
    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def api_that_answers(*pieces: bytes, encoding: str = "identity") -> tuple[HttpApi, list[httpx.Request]]:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, headers={"content-encoding": encoding}, stream=Pieces(pieces))

    made = HttpApi("pos-kiel", 1, ssl.create_default_context())
    made._client = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://127.0.0.1:1")
    return made, requests


async def lines_of(api: HttpApi) -> list[bytes]:
    lines: AsyncGenerator[bytes, None] = api.lines("/api/v1/pods?watch=1", 1.0)
    return [each async for each in lines]


async def test_a_compressed_answer_is_read() -> None:
    api, requests = api_that_answers(gzip.compress(b'{"a":1}'), encoding="gzip")
    assert await api.request("GET", "/version") == b'{"a":1}' and requests[0].headers["accept-encoding"] == "gzip"


async def test_a_compressed_answer_becomes_large_in_steps_only(monkeypatch: pytest.MonkeyPatch) -> None:
    api, _ = api_that_answers(BOMB, encoding="gzip")
    response = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Pieces([BOMB]))
    sizes = [len(piece) async for piece in api._content(response)]
    assert max(sizes) <= http_api.STEP and sum(sizes) == 8 * 1024 * 1024
    monkeypatch.setattr(http_api, "MAX_ANSWER", 2 * http_api.STEP)
    with pytest.raises(Failed, match="too large"):
        await api.request("GET", "/api/v1/pods")


async def test_what_was_not_asked_for_is_not_decompressed() -> None:
    api, requests = api_that_answers(BOMB, encoding="gzip")
    with pytest.raises(Failed, match="is compressed"):
        await lines_of(api)
    assert requests[0].headers["accept-encoding"] == "identity"
    for encoding, data in (("deflate", b"x"), ("gzip", b"not gzip")):
        api, _ = api_that_answers(data, encoding=encoding)
        with pytest.raises(Failed, match="is compressed"):
            await api.request("GET", "/version")


async def test_lines_are_the_same_however_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    api, _ = api_that_answers(*(bytes([each]) for each in b"one\ntwo\n\nthr"), b"ee\nfour")
    assert await lines_of(api) == [b"one", b"two", b"", b"three", b"four"]
    monkeypatch.setattr(http_api, "MAX_LINE", 100)
    api, _ = api_that_answers(*([b"x" * 30] * 5))
    with pytest.raises(Failed, match=r"line .* too long"):
        await lines_of(api)


async def test_a_path_that_cannot_be_asked_for_is_an_error_of_its_own() -> None:
    api, _ = api_that_answers(b"{}")
    with pytest.raises(Unreachable, match="cannot be reached"):
        await api.request("GET", "/api/v1/pods/\x1b[2J")
