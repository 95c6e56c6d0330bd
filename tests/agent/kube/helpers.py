"""A server on loopback that answers as an API server would, and the kubeconfig that leads to it."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.oci.raw_server import Certificate, RawServer, reply

Answer = Callable[[str, str, bytes], tuple[str, Any]]
"""Gets method, target and body; returns the status line's rest and a JSON value."""


def kubeconfig(folder: Path, server: str, certificate: Certificate) -> Path:
    """Write a kubeconfig in the form of kubeadm's admin.conf, and return its path."""
    ca = base64.b64encode(certificate.ca.read_bytes()).decode()
    key = base64.b64encode((certificate.ca.parent / "tls.key").read_bytes()).decode()
    path = folder / "admin.conf"
    path.write_text(
        f"""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {ca}
    server: {server}
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: kubernetes-admin
  name: kubernetes-admin@kubernetes
current-context: kubernetes-admin@kubernetes
kind: Config
preferences: {{}}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: {ca}
    client-key-data: {key}
"""
    )
    return path


def api_server(certificate: Certificate, answer: Answer, close_after: bool = False) -> RawServer:
    """Start a server that gives `answer` for each request; with `close_after` it closes the connection then."""

    def handle(link: socket.socket, request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        status, value = answer(method, target, body)
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        reply(link, status, data, Content_Type="application/json")
        if close_after:
            raise ConnectionError

    return RawServer(handle, certificate.context)


def refused(code: int, reason: str, message: str, **details: Any) -> dict[str, Any]:
    """Return a Status as API servers answer with."""
    return {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message, **details}
