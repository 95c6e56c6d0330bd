"""What this host reports of its cluster: of itself (P102), and as the leader of all of the cluster (P103)."""

from __future__ import annotations

import os
import ssl
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.kube.kubeconfigs import forget_kubeconfigs, refresh
from edgewright.agent.clusters.machine import settings
from edgewright.agent.kernel import agent_log
from edgewright.agent.kernel.state import reason_of
from edgewright.agent.reconcile import exchange
from edgewright.core import times
from edgewright.core.clusters.model import ABSENT, CONTROL_PLANE
from edgewright.core.clusters.observed import LayerState, Observed
from edgewright.core.clusters.planning import targets
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean

PREFIX = "cluster-"
CERTIFICATES = (
    ("apiserver", "apiserver.crt"),
    ("apiserver-kubelet-client", "apiserver-kubelet-client.crt"),
    ("front-proxy-client", "front-proxy-client.crt"),
    ("etcd-server", "etcd/server.crt"),
    ("etcd-peer", "etcd/peer.crt"),
    ("ca", "ca.crt"),
)
"""Certificates of a control plane by the names that kubeadm shows, with their files below `pki`."""


def reporting(
    look: Callable[[Context], Observed], run: str, log: Callable[[int, str], None] = lambda priority, text: None
) -> Callable[[Context], Observed]:
    """Return a look that also writes its report to the run folder, where the link reads it.

    What fails ages at the plane and does not stop the work; `log` gets its reason once.
    """
    written: Dict[str, Any] = {}
    problems: Dict[str, str] = {}
    certificates = Certificates()

    def attempt(what: str, work: Callable[[], None]) -> None:
        try:
            work()
        except (EdgewrightError, OSError) as error:
            reason = str(error) if isinstance(error, EdgewrightError) else reason_of(error) + "."
            if problems.get(what) != reason:
                log(agent_log.WARNING, f"{what}: {reason}")
            problems[what] = reason
        else:
            problems.pop(what, None)

    def observe(context: Context) -> Observed:
        observed = look(context)

        def report() -> None:
            body = {"host": host_report(context, observed), "cluster": cluster_report(context, observed, certificates)}
            if written.get(context.document.uid) != body:
                exchange.put(run, PREFIX + context.document.uid, body, durable=False)
                written[context.document.uid] = body

        def kubeconfigs() -> None:
            if leads(observed):
                refresh(context)
            elif observed.api.lease is not None:
                forget_kubeconfigs(context.data, context.document.uid)  # the leader makes its own

        attempt("The report of the cluster cannot be made", report)
        attempt("The kubeconfigs for the plane cannot be made", kubeconfigs)
        return observed

    return observe


def leads(observed: Observed) -> bool:
    """Return whether this host is the leader, by the Lease as the API has it."""
    lease = observed.api.lease
    return lease is not None and lease.holder == observed.host_uid


def host_report(context: Context, observed: Observed) -> Dict[str, Any]:
    """Return what this host reports of itself; what it cannot observe is left out."""
    document, local = context.document, observed.local
    body: Dict[str, Any] = {"lineage": document.lineage, "generation": document.generation}
    member = document.member(context.host_uid)
    if member is not None and member.state == ABSENT:
        if local.clean and context.owner() in ("", document.uid):
            body["released"] = member.release_id
        return body
    count = image_count(context)
    if local.images_missing is not None and count is not None:
        body["pins"] = {"ok": max(0, count - local.images_missing) if local.runtime else 0, "of": count}
    if local.api_ready is not None and member is not None and member.role == CONTROL_PLANE:
        body["api"] = {"ready": local.api_ready}  # all that a plane has of a cluster without quorum
    if local.vip.here is not None:
        body["vip"] = {"held": local.vip.here}
    wrong = settings.problem(context)
    if wrong:
        body["settings"] = clean(wrong, 500)
    active = context.applied().get("version")
    if local.tree and isinstance(active, str) and active:
        body["versions"] = {"kubernetes": active}  # of the tree that is active, which may be an older one
    return body


def image_count(context: Context) -> Optional[int]:
    """Return how many images must be pinned here: of the tree and the document; `None` while the tree is not here."""
    try:
        return len(context.images())
    except EdgewrightError:
        return None


def cluster_report(context: Context, observed: Observed, certificates: Certificates) -> Optional[Dict[str, Any]]:
    """Return what the leader reports of all of the cluster, `None` on another host or where the API has no nodes."""
    api = observed.api
    if not leads(observed) or api.nodes is None or api.lease is None:
        return None
    member = context.document.member(context.host_uid)
    body: Dict[str, Any] = {
        "leaseTransitions": api.lease.transitions,
        "leader": member.node_name if member else "",
        "nodes": [
            {"name": name, "uid": node.uid, "ready": node.ready, "version": node.version, "cordoned": node.cordoned}
            for name, node in sorted(api.nodes.items())
        ],
        "certificates": certificates.report(context),
    }
    if api.etcd is not None:
        body["etcd"] = [
            {
                "id": item.id,
                "name": item.name,
                "voter": item.voter,
                "healthy": item.healthy,
                "leader": item.leader,
                **({"alarms": list(item.alarms)} if item.alarms else {}),
            }
            for item in api.etcd
        ]
    if api.layers is not None:
        body["layers"] = [_layer(layer.name, targets.layer(layer), api.layers) for layer in context.document.layers]
    done = api.done
    if done is not None:
        body["bootstrap"] = {
            "at": done.at, "caSpkiSha256": done.ca_spki_sha256, "kubeSystemUid": done.kube_system_uid
        }  # fmt: skip
    return body


def _layer(name: str, target: str, states: Mapping[str, LayerState]) -> Dict[str, Any]:
    state = states.get(name)
    if state is None:
        return {"name": name, "state": "waiting"}
    word = "ready" if state.ready and state.target == target else "installing"
    return {"name": name, "state": word, **({"message": state.problem[:1000]} if state.problem else {})}


class Certificates:
    """When the certificates of this control plane end; a file is read once for each of its versions."""

    def __init__(self) -> None:
        self._ends: Dict[Tuple[str, float], str] = {}

    def report(self, context: Context) -> List[Dict[str, Any]]:
        """Return name, node and end of each; those that cannot be read are left out."""
        member = context.document.member(context.host_uid)
        node = member.node_name if member else ""
        result = []
        for name, file in CERTIFICATES:
            ends = self._end(context, f"{paths.KUBERNETES}/pki/{file}")
            if ends:
                result.append({"name": name, "node": node, "notAfter": ends})
        return result

    def _end(self, context: Context, path: str) -> str:
        place = context.host.path(path)
        try:
            key = (path, os.stat(place).st_mtime)
        except OSError:
            return ""
        if key not in self._ends:
            done = context.host.run(["openssl", "x509", "-noout", "-enddate", "-in", place], 5.0)
            self._ends[key] = not_after(done.output) if done.code == 0 else ""
        return self._ends[key]


def not_after(output: str) -> str:
    """Return the end of `notAfter=Nov 28 22:00:00 2027 GMT` as RFC 3339, empty for another form."""
    try:
        return times.rfc3339(float(ssl.cert_time_to_seconds(output.strip().partition("=")[2])))
    except ValueError:
        return ""
