"""Users, keys and roles for tests."""

from __future__ import annotations

import base64
import struct
import time
from dataclasses import dataclass
from typing import Any

import httpx

from edgewright.core import roles
from edgewright.wire import protocol
from tests.hub_fixture import RunningHub


def unique(name: str) -> str:
    """Return a name that no other test uses."""
    return f"{name}-{time.monotonic_ns()}"


def ssh_key(number: int, comment: str = "ana@example.com") -> str:
    """Return a good ed25519 public key; each number is another one."""
    kind, body = b"ssh-ed25519", number.to_bytes(32, "big")
    blob = struct.pack(">I", len(kind)) + kind + struct.pack(">I", len(body)) + body
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} {comment}".strip()


@dataclass
class Person:
    """A user of a test with a client that uses an API key of the user."""

    uid: str
    email: str
    client: httpx.Client
    key_uid: str
    key: str


def project(hub: RunningHub) -> str:
    """Create a project; returns its uid."""
    made = hub.client().post("/v1/projects", json={"metadata": {"name": unique("project")}})
    return str(made.raise_for_status().json()["uid"])


def invited(hub: RunningHub, tenant: str = "", projects: dict[str, str] | None = None) -> tuple[str, str, str]:
    """Create a user with roles by project; returns uid, email address and activation code."""
    admin, email = hub.client(), f"{unique('user')}@example.com"
    spec: dict[str, Any] = {"emailId": email, "roles": [roles.uid(tenant)] if tenant else []}
    uid = admin.post(protocol.USERS, json={"spec": spec}).raise_for_status().json()["uid"]
    body = {"projects": [{"projectUid": key, "roles": [roles.uid(role)]} for key, role in (projects or {}).items()]}
    admin.put(f"/v1/users/{uid}/projects", json=body).raise_for_status()
    link = admin.get(f"/v1/users/{uid}").json()["status"]["activationLink"]
    return uid, email, link.partition("#")[2]


def person(hub: RunningHub, tenant: str = "", projects: dict[str, str] | None = None) -> Person:
    """Create an active user with a role of the tenant, and roles by uid of the project."""
    uid, email, code = invited(hub, tenant, projects)
    answer = hub.anonymous().post(protocol.ACTIVATIONS, json={"code": code}).raise_for_status().json()
    keys = hub.client().get(protocol.API_KEYS).json()["items"]
    own = next(key["metadata"]["uid"] for key in keys if key["spec"]["user"]["uid"] == uid)
    return Person(uid, email, hub.client(ApiKey=answer["apiKey"]), own, answer["apiKey"])
