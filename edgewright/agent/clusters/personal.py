"""Operation `kubeconfig`: the certificate of a personal kubeconfig, signed by the cluster's own API (P136)."""

from __future__ import annotations

from typing import Callable

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.driver import KIND, ClusterDriver
from edgewright.agent.clusters.kube.signing import signed
from edgewright.agent.kernel.operations import Outcome
from edgewright.agent.reconcile.requests import Handler, Request
from edgewright.agent.reconcile.store import DocumentStore
from edgewright.core import times
from edgewright.core.errors import NotFound, Refused
from edgewright.core.text import clean
from edgewright.wire import protocol
from edgewright.wire.protocol import personal

_BEGIN = "-----BEGIN CERTIFICATE REQUEST-----"


def signing(store: DocumentStore, driver: ClusterDriver, clock: Callable[[], float]) -> Handler:
    """Return the handler. It refuses what is not a request of the user and the group that the plane names."""

    def run(request: Request) -> Outcome:
        try:
            return _sign(store, driver, clock, request)
        except (Refused, NotFound) as error:
            return Outcome(protocol.OP_REFUSED, error.message)

    return run


def _sign(store: DocumentStore, driver: ClusterDriver, clock: Callable[[], float], request: Request) -> Outcome:
    params = request.params
    uid, user, role = str(params.get("cluster") or ""), str(params.get("user") or ""), str(params.get("role") or "")
    wanted = str(params.get("request") or "")
    if role not in personal.GROUPS or not personal.is_user(user) or not 0 < len(wanted) <= personal.MAX_REQUEST:
        raise Refused("The request for a kubeconfig names no user, role or certificate request that can be used.")
    stored = store.get(uid) if uid.isalnum() else None
    if stored is None or stored.kind != KIND or stored.released:
        raise NotFound(f"This host has no cluster {clean(uid, 64)}.")
    context = driver.context_of(stored.document)
    if not context.control_plane:
        raise Refused(f"This host is not a control plane of the cluster {context.document.name}.")
    off = request.context.get("clockOff", 0.0)
    now = clock() - (off if isinstance(off, (int, float)) else 0.0)
    try:
        until = times.parse(str(params.get("until") or ""))
    except ValueError:
        until = None
    left = min(personal.VALID, until - now) if until is not None else 0.0
    if left < personal.LEAST:
        raise Refused("The request for a kubeconfig is too old: ask again.")
    plain = _checked(context, wanted, personal.subject(user, role))
    certificate = signed(context.host, plain, user, int(left), f"personal kubeconfig, role {role}")
    ca = context.host.text(f"{paths.KUBERNETES}/pki/ca.crt")
    text = f"The certificate of {user} with the role {role} is signed."
    return Outcome(protocol.OP_SUCCEEDED, text, certificate={"certificate": certificate, "ca": ca})


def _checked(context: Context, request: str, subject: str) -> str:
    """Return a certificate request as openssl writes it. Raises `Refused` unless it has this subject and no more in it.

    What is signed is what was compared: of a text with two requests in it, the API may read another one than openssl.
    """
    command = ["openssl", "req", "-verify", "-subject", "-nameopt", "RFC2253", "-in", "/dev/stdin"]
    done = context.host.run(command, 10.0, data=request.encode())
    head, begin, rest = done.output.partition(_BEGIN)
    shown = [line.partition("=")[2].strip() for line in head.splitlines() if line.startswith("subject=")]
    if done.code != 0 or not begin or shown != [subject]:
        raise Refused("The certificate request has another subject than the one that the plane names.")
    return begin + rest
