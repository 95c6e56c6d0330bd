"""The client of the Kubernetes API: an answer is complete or none, all has an end, no key is on a disk."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.clusters.kube import api
from edgewright.core.errors import EdgewrightError, Failed, Unreachable
from tests.oci.raw_server import certificate

Reply = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """An API server whose every answer is written by `reply`."""

    def __init__(self, folder: Path) -> None:
        made = certificate(folder)
        self.reply: Reply = lambda handler: None
        self.requests: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(self.path)
                outer.reply(self)

            do_POST = do_GET

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = made.context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        pem = made.ca.read_bytes()
        self.credentials = api.Credentials(pem, pem, (folder / "tls.key").read_bytes(), "")

    def api(self) -> api.Api:
        return api.Api(self.credentials, "127.0.0.1", self.server.server_address[1], "127.0.0.1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.server.shutdown()
    made.server.server_close()


def body(text: str, length: int = -1) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(text) if length < 0 else length))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return reply


def test_an_answer_that_is_not_complete_is_never_an_empty_list(server: Server) -> None:
    server.reply = body('{"items": [{"metadata": {"name": "n1"}}]}')
    assert len(server.api().items("/api/v1/nodes")) == 1
    server.reply = body('{"items": [{"meta', 41)
    with pytest.raises(Unreachable, match="ended before it was complete"):
        server.api().items("/api/v1/nodes")
    for text in ('{"items": [{"meta', "[]", "<html>"):
        server.reply = body(text)
        with pytest.raises(Failed, match="not a complete JSON object"):
            server.api().items("/api/v1/nodes")


def test_a_list_without_an_end_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "PAGES", 3)
    server.reply = body(json.dumps({"items": [{}], "metadata": {"continue": "more"}}))
    with pytest.raises(Failed, match="lists more than 1500 objects of /api/v1/secrets"):
        server.api().items("/api/v1/secrets")
    assert len(server.requests) == 3


@pytest.mark.parametrize("head", [True, False])
def test_a_server_that_drips_is_not_waited_for(server: Server, head: bool) -> None:
    ended = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"X: " if head else b"Content-Length: 10000\r\n\r\n"))
        try:
            while not ended.wait(0.05):
                handler.wfile.write(b"x")
        except OSError:
            pass

    server.reply = drip
    begun = time.monotonic()
    with pytest.raises(Unreachable):
        server.api().text("/readyz", 0.2)
    ended.set()
    assert time.monotonic() - begun < 2


def test_the_key_is_on_no_disk(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **more: Any) -> None:
        raise AssertionError("a file on a disk")

    for name in ("mkstemp", "NamedTemporaryFile", "TemporaryFile"):
        monkeypatch.setattr(tempfile, name, refuse)
    server.reply = body("{}")
    assert server.api().get("/version") == {}
    handles = {os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if _link(name)}
    assert not [handle for handle in handles if "edgewright" in handle], "it is closed"
    with pytest.raises(EdgewrightError, match="cannot be used"):
        api.Api(server.credentials._replace(key=b"no key"), "127.0.0.1", 1)


def _link(name: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{name}")


def test_questions_go_through_one_connection_until_the_server_closes_it(server: Server) -> None:
    links: set[Any] = set()

    def reply(handler: BaseHTTPRequestHandler) -> None:
        links.add(handler.client_address)
        handler.protocol_version = "HTTP/1.1"
        body("{}")(handler)
        handler.close_connection = closes

    closes = False
    server.reply = reply
    made = server.api()
    for _ in range(3):
        assert made.get("/a") == {} and made.text("/readyz", 3.0)[0] == 200
    assert len(links) == 1
    closes = True
    assert made.get("/a") == {}
    assert made.get("/a") == {} and len(links) == 2, "the question is asked again through a new one"
    closes = False
    made.get("/a")
    before = len(links)
    made.send("POST", "/a", {})
    assert len(links) == before + 1, "what changes something is never sent twice: it has a connection of its own"
