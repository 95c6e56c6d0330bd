"""Personal kubeconfigs (P136): the key is made here and stays here; a control plane of the cluster signs for it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from edgewright.clients.http import errors
from edgewright.clients.ports import CanCall
from edgewright.core.errors import Failed, NotFound, Refused, TimedOut
from edgewright.core.text import clean
from edgewright.store.collections.document_values import number, text
from edgewright.wire import protocol
from edgewright.wire.protocol import personal, relay

SERVER_NAME = "kubernetes"
"""In the certificate of every API server that kubeadm made: the file works through any tunnel."""
BEYOND = relay.BEAT_WITHIN + 15.0
"""Seconds that a host has to sign, beyond the time when it is asked."""
LOOK = 0.25
_TEXT = """\
apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    server: {server}
    tls-server-name: {server_name}
    certificate-authority-data: {ca}
users:
- name: {user}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {user}
current-context: {name}
"""
Report = Callable[[str], None]


class Personal(NamedTuple):
    """A kubeconfig, and what it is: user and role in the cluster, and when it ends (RFC 3339)."""

    content: str
    user: str
    role: str
    until: str


async def fetch(client: CanCall, uid: str, name: str, server: str, role: str, report: Report) -> Personal:
    """Let a cluster sign a new key; waits for a host. `server` is the URL of the API, `role` "" for the user's own.

    Raises `NotFound` while there is no API and from a plane without personal kubeconfigs (`has_none`), `Conflict` while
    no host can be asked, `Refused`, `TimedOut`.
    """
    path = protocol.path(personal.PATH, uid=uid)
    user, group = await offer(client, uid, role)
    key, request = await asyncio.to_thread(_key_and_request, user, group)
    body = {"request": request, **({"role": role} if role else {})}
    asked: Mapping[str, Any] = (await client.call("POST", path, "kubeconfig", body=body)).data
    host, seconds = clean(text(asked, "hostName"), 128), number(asked, "seconds") or 0.0
    by = "now" if text(asked, "by") == "wake" else f"with its next heartbeat, within {seconds:.0f} s"
    report(f"{host} is asked {by} to sign a certificate.")
    result = await _result(client, text(asked, "host"), text(asked, "operation"), host, seconds + BEYOND)
    content = _TEXT.format(
        name=json.dumps(name), user=json.dumps(user), server=json.dumps(server), server_name=SERVER_NAME,
        ca=_data(str(result["ca"])), certificate=_data(str(result["certificate"])), key=_data(key),
    )  # fmt: skip
    return Personal(content, user, text(asked, "role"), text(asked, "until"))


async def offer(client: CanCall, uid: str, role: str = "") -> tuple[str, str]:
    """Return user and group that a kubeconfig of the caller names. Raises as `fetch`."""
    path, wanted = protocol.path(personal.PATH, uid=uid), {"role": role} if role else {}
    offered: Mapping[str, Any] = (await client.call("GET", path, "kubeconfig", params=wanted)).data
    user, group = text(offered, "user"), text(offered, "group")
    if not personal.is_user(user) or group not in personal.GROUPS.values():
        raise Failed("The plane names no user that a certificate could have.", "Is it an Edgewright hub?")
    return user, group


def url(endpoint: str) -> str:
    """Return the URL of the API of a cluster with this endpoint."""
    return f"https://{f'[{endpoint}]' if ':' in endpoint else endpoint}:{relay.API}"


def has_none(error: NotFound) -> bool:
    """Return whether a plane does not know personal kubeconfigs: a Palette, or an older hub."""
    return error.code == errors.UNKNOWN_PATH


def _key_and_request(user: str, group: str) -> tuple[str, str]:
    """Return a new private key and its request. Blocking: the library that makes them is loaded, for this alone."""
    made: tuple[str, str] = import_module(f"{__package__}.personal_key").key_and_request(user, group)
    return made


async def _result(client: CanCall, host: str, operation: str, name: str, patience: float) -> Mapping[str, Any]:
    """Return the result of the operation. Raises `Refused`, `Failed`, `TimedOut`."""
    path = protocol.path(protocol.OPERATION, uid=host, operationId=operation)
    loop = asyncio.get_running_loop()
    until = loop.time() + patience
    while loop.time() < until:
        document: Mapping[str, Any] = (await client.call("GET", path, "operation")).data
        state, result = text(document, "state"), document.get("result")
        answer = result if isinstance(result, dict) else {}
        if state == protocol.OP_SUCCEEDED and answer.get("certificate") and answer.get("ca"):
            return answer
        if state != protocol.OP_PENDING:
            sentence = clean(text(answer, "message")) or f"The host {name} has signed nothing ({clean(state, 32)})."
            kind = Refused if state == protocol.OP_REFUSED else Failed
            raise kind(sentence, "Its agent may be older than personal kubeconfigs, or the API is not ready.")
        await asyncio.sleep(LOOK)
    hint = "Try again; an operator can take the stored file meanwhile: --stored"
    raise TimedOut(f"The host {name} has not signed the certificate within {patience:.0f} s.", hint)


def _data(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()
