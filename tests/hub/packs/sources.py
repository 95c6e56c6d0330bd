"""Registries on loopback, and bodies that name them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import httpx

from edgewright.wire import protocol
from tests.hub.people import unique
from tests.oci.raw_server import RawServer, reply
from tests.packs.samples import chart_archive
from tests.packs.test_sources import index

Serve = Callable[..., RawServer]
PASSWORD = "p4ssword-of-the-test"


def helm_server(serve: Serve, broken: list[bool] | None = None) -> RawServer:
    """Start a Helm repository with the chart `demo` in three versions; it breaks off when `broken` has something."""

    def handler(link: socket.socket, request: bytes) -> None:
        path = request.split(b" ")[1]
        if broken:
            return link.shutdown(socket.SHUT_RDWR)
        if path.endswith(b"/index.yaml"):
            return reply(link, "200 OK", index())
        return reply(link, "200 OK", chart_archive()) if b"/charts/" in path else reply(link, "404 Not Found")

    return serve(handler)


def helm_body(host: str, private: bool = True, **auth: Any) -> dict[str, Any]:
    """Return the body of a Helm registry at a server of this machine."""
    spec = {"endpoint": f"http://{host}/repo", "auth": {"type": "noAuth", **auth}}
    return {"metadata": {"name": unique("helm")}, "spec": {**spec, "edgewright": {"allowPrivate": private}}}


def oci_body(host: str, private: bool = True, **spec: Any) -> dict[str, Any]:
    """Return the body of an OCI registry at a server of this machine."""
    full = {"endpoint": host, "auth": {"type": "noAuth"}, "providerType": "pack", **spec}
    return {"metadata": {"name": unique("oci")}, "spec": {**full, "edgewright": {"allowPrivate": private}}}


def synced(admin: httpx.Client, path: str) -> Any:
    """Wait until a registry was read; returns its state."""
    for _ in range(200):
        state = admin.get(f"{path}/sync/status").json()
        if state["status"] not in ("InProgress", "Unknown"):
            return state
        time.sleep(0.05)
    raise AssertionError("the registry was not read in 10 s")


def added(admin: httpx.Client, body: dict[str, Any], collection: str = protocol.HELM_REGISTRIES) -> tuple[str, Any]:
    """Add a registry and wait until it was read; returns its uid and the state."""
    made = admin.post(collection, json=body)
    assert made.status_code == 201, made.text
    uid = made.json()["uid"]
    path = f"{collection}/{uid}" if collection == protocol.HELM_REGISTRIES else f"/v1/registries/oci/{uid}/basic"
    return uid, synced(admin, path)
