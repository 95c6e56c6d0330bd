"""A fake registry in this process: the distribution API over http on loopback, with faults that a test sets."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


class FakeRegistry:
    """Blobs and manifests in memory. `auth`: None, "basic" or "bearer"; `user`, `password` are then wanted."""

    def __init__(self) -> None:
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.uploads: dict[str, bytearray] = {}
        self.auth: str | None = None
        self.user, self.password = "user", "secret"
        self.token = "token-1"
        self.requests: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[tuple[str, int, dict[str, str]]] = []
        """The next answers by the beginning of `METHOD path`: status and headers; each is used once."""
        self.cut_after: list[int] = []
        """For the next uploads of data: bytes that are taken before the connection is cut."""
        self.cut_reads: list[int] = []
        """The same for the next downloads of blobs."""
        self.may_push = True
        self.can_mount = True
        self.can_range = True
        self.referrers = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.host = f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def put_blob(self, repository: str, data: bytes) -> str:
        digest = digest_of(data)
        self.blobs[repository, digest] = data
        return digest

    def put_manifest(self, repository: str, tag: str, document: Any, media_type: str = "") -> str:
        data = json.dumps(document).encode()
        digest = digest_of(data)
        kind = media_type or document["mediaType"]
        self.manifests[repository, tag] = self.manifests[repository, digest] = data, kind
        return digest

    def count(self, start: str) -> int:
        """Return how many requests began with `METHOD path`."""
        return sum(f"{method} {path}".startswith(start) for method, path in self.requests)

    def manifest(self, repository: str, tag: str) -> Any:
        return json.loads(self.manifests[repository, tag][0])


def clean_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a test a home of its own: no logins, no registries.conf, no proxy, no password of anybody."""
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(path / "registries.conf"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path / "run"))
    names = ["REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "COSIGN_PASSWORD", "SOURCE_DATE_EPOCH"]
    proxies = ["https_proxy", "http_proxy", "all_proxy", "no_proxy"]
    for name in [*names, *proxies, *(name.upper() for name in proxies)]:
        monkeypatch.delenv(name, raising=False)
    return path


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _handler(registry: FakeRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._serve()

        do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        def _serve(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            registry.requests.append((self.command, parts.path))
            registry.headers.append(dict(self.headers))
            for at, (start, status, headers) in enumerate(registry.answers):
                if f"{self.command} {parts.path}".startswith(start):
                    del registry.answers[at]
                    self._drain()
                    return self._answer(status, b"", headers)
            if parts.path == "/token":
                return self._token(urllib.parse.parse_qs(parts.query))
            if not self._let_in():
                self._drain()
                scheme = f'Bearer realm="http://{registry.host}/token",service="fake"'
                header = scheme if registry.auth == "bearer" else 'Basic realm="fake"'
                return self._error(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": header})
            if parts.path == "/v2/":
                return self._answer(200, b"{}")
            found = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/(.+)", parts.path)
            upload = re.fullmatch(r"/v2/(.+)/blobs/uploads/(\w*)", parts.path)
            if upload:
                return self._upload(upload[1], upload[2], urllib.parse.parse_qs(parts.query))
            if found is None:
                return self._error(404, "NOT_FOUND", "no such path")
            return self._manifest(found[1], found[3]) if found[2] == "manifests" else self._blob(found[1], found[3])

        def _let_in(self) -> bool:
            held = self.headers.get("Authorization", "")
            if registry.auth == "basic":
                return held == "Basic " + base64.b64encode(f"{registry.user}:{registry.password}".encode()).decode()
            return registry.auth is None or held == f"Bearer {registry.token}"

        def _token(self, query: dict[str, list[str]]) -> None:
            wanted = "Basic " + base64.b64encode(f"{registry.user}:{registry.password}".encode()).decode()
            if self.headers.get("Authorization") != wanted:
                return self._error(401, "UNAUTHORIZED", "wrong password")
            self._answer(200, json.dumps({"token": registry.token, "scope": query.get("scope")}).encode())

        def _manifest(self, repository: str, tag: str) -> None:
            if self.command == "PUT":
                data = self._body()
                if not registry.may_push:
                    return self._error(403, "DENIED", "requested access to the resource is denied")
                kind = self.headers["Content-Type"]
                digest = digest_of(data)
                registry.manifests[repository, tag] = registry.manifests[repository, digest] = data, kind
                subject = json.loads(data).get("subject")
                more = {"OCI-Subject": subject["digest"]} if registry.referrers and subject else {}
                return self._answer(201, b"", {"Docker-Content-Digest": digest, **more})
            found = registry.manifests.get((repository, tag))
            if found is None:
                known = any(name == repository for name, _ in [*registry.manifests, *registry.blobs])
                code = "MANIFEST_UNKNOWN" if known else "NAME_UNKNOWN"
                return self._error(404, code, "manifest unknown")
            self._answer(200, found[0], {"Content-Type": found[1]})

        def _blob(self, repository: str, digest: str) -> None:
            data = registry.blobs.get((repository, digest))
            if data is None:
                return self._error(404, "BLOB_UNKNOWN", "blob unknown to registry")
            start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
            status = 206 if start and registry.can_range else 200
            rest = data[start:] if status == 206 else data
            if self.command == "GET" and registry.cut_reads:
                return self._cut(status, rest, registry.cut_reads.pop(0))
            self._answer(status, rest)

        def _cut(self, status: int, data: bytes, after: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:after])
            self.close_connection = True

        def _upload(self, repository: str, name: str, query: dict[str, list[str]]) -> None:
            if self.command == "POST":
                self._drain()
                if not registry.may_push:
                    return self._error(403, "DENIED", "requested access to the resource is denied")
                if "mount" in query and registry.can_mount:
                    source = registry.blobs.get((query["from"][0], query["mount"][0]))
                    if source is not None:
                        registry.blobs[repository, query["mount"][0]] = source
                        return self._answer(201, b"", {"Location": f"/v2/{repository}/blobs/{query['mount'][0]}"})
                name = f"u{len(registry.uploads)}"
                registry.uploads[name] = bytearray()
                return self._answer(202, b"", self._place(repository, name))
            held = registry.uploads.get(name)
            if held is None:
                self._drain()
                return self._error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown")
            if self.command == "DELETE":
                del registry.uploads[name]
                return self._answer(204, b"")
            if self.command == "GET":
                return self._answer(204, b"", self._place(repository, name))
            if not self._take(held):
                return None
            if self.command == "PATCH":
                return self._answer(202, b"", self._place(repository, name))
            digest = query["digest"][0]
            if digest_of(bytes(held)) != digest:
                return self._error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
            registry.blobs[repository, digest] = bytes(held)
            del registry.uploads[name]
            return self._answer(201, b"", {"Docker-Content-Digest": digest})

        def _take(self, held: bytearray) -> bool:
            """Take the data of an upload; False when the connection was cut on purpose."""
            left = int(self.headers.get("Content-Length") or 0)
            if left and registry.cut_after:
                held += self.rfile.read(min(left, registry.cut_after.pop(0)))
                self.close_connection = True
                self.connection.close()
                return False
            held += self.rfile.read(left)
            return True

        def _place(self, repository: str, name: str) -> dict[str, str]:
            have = len(registry.uploads[name])
            return {
                "Location": f"/v2/{repository}/blobs/uploads/{name}?_state=x",
                "Range": f"0-{have - 1}" if have else "0-0",
            }

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _drain(self) -> None:
            self._body()

        def _error(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
            body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
            self._answer(status, body, headers)

        def _answer(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    return Handler
