"""How a host of k3s is admitted: its tokens last as long as the cluster, so the leader's signed answer admits (P110).

The leader records whom it admits in a ConfigMap and answers with it on port 5082. The CA is pinned by the proof of
formation, for a control plane also by that signed answer, before a token is sent.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
from typing import Any, Callable, Dict, FrozenSet

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.checks import peer
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.kube.api import Api, Link
from edgewright.agent.clusters.kube.certificate import spki_sha256
from edgewright.core import times
from edgewright.core.clusters.model import Member
from edgewright.core.errors import Conflict, Failed, NotFound, Refused

NAME = "edgewright-admitted"
PATH = f"/api/v1/namespaces/kube-system/configmaps/{NAME}"
SECONDS = 1800.0


def served(context: Context, api: Api) -> FrozenSet[str]:
    """Return the hosts that are admitted now. Raises `EdgewrightError`."""
    now = context.host.now()
    ends = {uid: times.parse(until) for uid, until in _read(api).items()}
    return frozenset(uid for uid, end in ends.items() if end is not None and end > now and context.document.member(uid))


def serve(context: Context, api: Api, member: Member) -> None:
    """Admit a host for half an hour."""
    until = times.rfc3339(context.host.now() + SECONDS)
    _change(api, lambda hosts: hosts.update({member.host_uid: until}))


def withdraw(api: Api, uid: str) -> None:
    """Do not admit a host any more."""

    def drop(hosts: Dict[str, str]) -> None:
        hosts.pop(uid, None)

    _change(api, drop)


def answer(context: Context, admitted: FrozenSet[str]) -> Dict[str, Any]:
    """Return what the leader answers the others: whom it admits, and the key of the CA."""
    pem = context.host.text(f"{paths.KUBERNETES}/pki/ca.crt")
    return {"admits": sorted(admitted), "ca": spki_sha256(pem) if pem else ""}


def authority(context: Context) -> str:
    """Return the key of the CA once the leader admits this host and the API shows that CA, empty before.

    Raises `EdgewrightError`: the API cannot be asked, or has another CA.
    """
    done = context.document.bootstrap.done
    trusted = done.ca_spki_sha256 if done is not None else ""
    signed = bool(context.slice.sealed.cluster_secret)  # a worker cannot verify answers: they only pace it
    for member in context.document.control_planes:
        status = None if member.host_uid == context.host_uid else peer.question(context, member.address, member)
        admits = (status or {}).get("admits")
        if isinstance(admits, list) and context.host_uid in admits:
            trusted = trusted or (str((status or {}).get("ca") or "") if signed else "")
            break
    else:
        return ""
    if trusted and spki_sha256(bundle(context)) != trusted:
        raise Refused("The API has another CA than the cluster was formed with.", "Look at the address of the API.")
    return trusted


def bundle(context: Context) -> str:
    """Return the CA that the API shows before it is trusted (PEM). Raises `Failed`."""
    endpoint = context.document.endpoint
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE  # its key is compared with the one that is known
    link = Link(endpoint.host, endpoint.port, 4.0, made, endpoint.host)
    try:
        status, body = link.exchange("GET", "/cacerts", None, {}, 1 << 18)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Failed(f"{endpoint.host}:{endpoint.port} does not answer: {error}.") from None
    finally:
        link.close()
    if status != 200 or body.count(b"BEGIN CERTIFICATE") != 1:
        raise Failed(
            f"{endpoint.host}:{endpoint.port} does not show one CA of k3s.", "A CA of the site's own is not supported."
        )
    return body.decode("ascii", "replace")


def ca_hash(context: Context) -> str:
    """Return what a secure token names: the SHA-256 of the CA as the API shows it. Call `authority` before."""
    return hashlib.sha256(bundle(context).encode()).hexdigest()


def _read(api: Api) -> Dict[str, str]:
    try:
        value = json.loads(str(((api.maybe(PATH) or {}).get("data") or {}).get("hosts") or "{}"))
    except (ValueError, RecursionError):
        return {}
    return {str(uid): str(until) for uid, until in value.items()} if isinstance(value, dict) else {}


def _change(api: Api, edit: Callable[[Dict[str, str]], None]) -> None:
    for _ in range(5):
        body, hosts = api.maybe(PATH), _read(api)
        edit(hosts)
        data = {"hosts": json.dumps(hosts, sort_keys=True)}
        try:
            if body is None:
                metadata = {"name": NAME, "namespace": "kube-system"}
                api.post(
                    PATH.rpartition("/")[0],
                    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data},
                )
            else:
                api.put(PATH, {**body, "data": data})
            return
        except (Conflict, NotFound):
            continue
    raise Conflict("The record of admitted hosts changes too often.", "It is tried again.")
