"""A plane over HTTPS that has one cluster, whose API is a real one: a stand-in for a hub, a process of its own.

`python -m tests.e2e.kubernetes.workloads.plane_server FOLDER` prints its URL and answers until it is ended. It has the
certificate of the API server, and takes every key.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.e2e.kubernetes.workloads.stand_in_plane import cluster_document
from tests.support import ROOT


class Handler(BaseHTTPRequestHandler):
    """Gives the row of the cluster to a search that names it or names nothing, and its kubeconfig."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    folder: Path
    document: dict[str, Any]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(f"GET {path}")  # type: ignore[attr-defined]
        if path == protocol.FEATURES:
            self._answer({"product": "edgewright-hub", "version": "0", "pageLimit": 50})
        elif path == protocol.path(wire.KUBECONFIG_CLIENT, uid=self.document["metadata"]["uid"]):
            self._send(200, (self.folder / "kubeconfig").read_bytes(), "application/octet-stream")
        else:
            self._answer({"items": []})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(f"POST {self.path.partition('?')[0]}")  # type: ignore[attr-defined]
        meta = self.document["metadata"]
        named = b'"values"' not in body or any(f'"{meta[key]}"'.encode() in body for key in ("name", "uid"))
        items = [self.document] if named else []
        self._answer({"items": items, "listmeta": {"count": len(items)}})

    def _answer(self, document: Any) -> None:
        self._send(200, json.dumps(document).encode(), "application/json")

    def _send(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


def served(folder: Path) -> ThreadingHTTPServer:
    """Return a server on a free port of loopback that has begun to listen; `asked` is what it was asked."""
    document = cluster_document((folder / "address").read_text().strip())
    made = ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (Handler,), {"folder": folder, "document": document}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    made.socket = context.wrap_socket(made.socket, server_side=True)
    made.daemon_threads = True
    made.asked = []  # type: ignore[attr-defined]
    return made


@contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """Run one as a process; gives the environment of a command line that uses it."""
    words = [sys.executable, "-m", "tests.e2e.kubernetes.workloads.plane_server", str(folder)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, "the stand-in for a plane has not begun"
        yield environment(folder, url)
    finally:
        process.kill()
        process.wait(20)


def environment(folder: Path, url: str) -> dict[str, str]:
    """Return the variables for a plane at this URL."""
    key = folder / "api-key"
    key.write_text("a-stand-in-has-no-keys\n")
    key.chmod(0o600)
    return {
        "EDGEWRIGHT_URL": url, "EDGEWRIGHT_API_KEY_FILE": str(key), "EDGEWRIGHT_CA": str(folder / "ca.crt"),
        "EDGEWRIGHT_HOME": str(folder / "edgewright"),
    }  # fmt: skip


def main() -> None:
    """Answer until this process is ended."""
    server = served(Path(sys.argv[1]))
    print(f"https://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
