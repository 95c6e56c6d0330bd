"""What listens on a host of the test: an echo at port 22, and at port 6443 an API server with one node.

`python standin.py CERT KEY`; the API needs no client certificate. It is a program of its own: it runs in the network
namespace of the host.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import ssl
import sys
import threading
from typing import Any

COLUMNS = [
    {"name": name, "type": "string", "format": "", "description": "", "priority": 0} for name in ("Name", "Status")
]
ROW = {"cells": ["edge1", "Ready"], "object": {"kind": "PartialObjectMetadata", "metadata": {"name": "edge1"}}}
TABLE = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "columnDefinitions": COLUMNS, "rows": [ROW], "metadata": {}}
NODES = {"name": "nodes", "singularName": "node", "namespaced": False, "kind": "Node", "verbs": ["get", "list"]}
ANSWERS: dict[str, dict[str, Any]] = {
    "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.3"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [NODES]},
    "/api/v1/nodes": TABLE,
}


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answer = ANSWERS.get(self.path.partition("?")[0], {"kind": "Status", "code": 404})
        body = json.dumps(answer).encode()
        self.send_response(404 if answer.get("code") == 404 else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def echo() -> None:
    listener = socket.create_server(("127.0.0.1", 22), backlog=400)

    def serve(link: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := link.recv(65_536):
                link.sendall(data)
        link.close()

    while True:
        link, _ = listener.accept()
        threading.Thread(target=serve, args=(link,), daemon=True).start()


if __name__ == "__main__":
    threading.Thread(target=echo, daemon=True).start()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 6443), Api)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print("ready", flush=True)
    server.serve_forever()
