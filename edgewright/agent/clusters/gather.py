"""What this host observes of a cluster, as the planner reads it. Reads only; what cannot be read is `None`."""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Optional, Tuple, TypeVar

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.checks import peer
from edgewright.agent.clusters.checks.preflight import REPORT
from edgewright.agent.clusters.content.fetch import missing_parts
from edgewright.agent.clusters.context import Context, StepKind, looked
from edgewright.agent.clusters.endpoint import Endpoint, Look
from edgewright.agent.clusters.k3s import admission
from edgewright.agent.clusters.k3s.node import complete_settings
from edgewright.agent.clusters.kube import leader, tokens
from edgewright.agent.clusters.kube.api import Api, admin, ca_of, inlined
from edgewright.agent.clusters.kube.certificate import spki_sha256
from edgewright.agent.clusters.kube.discovery import cluster_ca
from edgewright.agent.clusters.kube.health import members_with_health
from edgewright.agent.clusters.kube.init import ATTEMPT, CONFIG_MAP, answers
from edgewright.agent.clusters.kube.joining import joined_here
from edgewright.agent.clusters.kube.labels import HOST_LABEL, host_of
from edgewright.agent.clusters.kube.mark import formed
from edgewright.agent.clusters.kube.own_node import kubelet_api
from edgewright.agent.clusters.kube.release import RESETTING
from edgewright.agent.clusters.layers_state import layer_states
from edgewright.agent.clusters.machine.runtime import Preload
from edgewright.agent.clusters.registry import steps_of
from edgewright.agent.clusters.vip.steps import Keepalived, has_vip
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.addresses import among, same
from edgewright.core.clusters import observed as seen
from edgewright.core.clusters.model import PRESENT, Done
from edgewright.core.clusters.planning import targets
from edgewright.core.errors import EdgewrightError, Refused, Unreachable

Value = TypeVar("Value")
POD_NICS = ("cni", "flannel", "veth", "docker", "br-", "cilium", "cali", "kube-")
"""Beginnings of the names of interfaces that serve pods and containers only."""


def gather(context: Context, endpoint: Optional[Endpoint] = None) -> seen.Observed:
    """Return everything that this host can observe now; `endpoint` has answers of before that may still count."""
    here, answering = local(context, endpoint or Endpoint())
    return seen.Observed(context.host_uid, here, cluster(context, answering), peers(context))


def local(context: Context, endpoint: Endpoint) -> Tuple[seen.Local, Optional[bool]]:
    """Return what this host observes of itself, and whether the endpoint of the API answers it.

    A host that is not prepared yet and was never in the cluster does not ask the endpoint: no step depends on it.
    """
    host, document = context.host, context.document
    if document.member(context.host_uid) is None:
        return seen.Local(clean=clean(context)), answers(document.endpoint.host, document.endpoint.port)
    active = _step(steps_of(document)["activate"], context)
    runtime = _step(steps_of(document)["runtime"], context) if active else False
    missing = (
        None if runtime is None else _or_none(lambda: images_missing(context)) if runtime else len(document.images) or 1
    )
    ready = api_ready(context)
    with_vip = context.has_vip and context.control_plane
    here = _or_none(lambda: has_vip(context)) if with_vip else None
    done = _done(formed(context))
    forms = context.init_host and document.bootstrap.done is None and done is None and not ready
    asked = not missing or host.has(paths.KUBELET_CONF) or context.me.state != PRESENT
    answering, macs = endpoint.look(context, forms, here) if asked else Look()
    return seen.Local(
        preflight=preflight(context),
        content_missing=_or_none(lambda: len(missing_parts(context))),
        tree=None if active is None else document.tree.digest if active else other_tree(context),
        runtime=None if runtime is None else targets.tree(document) if runtime else "",
        images_missing=missing,
        etcd_epoch=etcd_epoch(context),
        api_ready=ready,
        admitted=admitted(context) if answering and not inside(context, ready) else None,
        kubelet_ca=kubelet_ca(context),
        joined=joined_here(context),
        done=done,
        clean=clean(context),
        resetting=str(host.json(RESETTING).get("releaseId") or ""),
        moved=moved_to(context),
        vip=vip(context, here, macs) if with_vip else seen.Vip(),
    ), answering


def inside(context: Context, ready: Optional[bool]) -> bool:
    """Return whether this host has joined in this join epoch and is not outside again.

    The API of a control plane whose member was removed from etcd is not ready: it may be admitted again.
    """
    return joined_here(context) == context.me.join_epoch and (bool(ready) or not context.control_plane)


def moved_to(context: Context) -> str:
    """Return the addresses that this host has in place of the one of its entry, empty while it has that one."""
    lines = [
        line.split()
        for line in context.host.run(["ip", "-o", "address", "show", "scope", "global"]).output.splitlines()
    ]
    places = [(fields[1], fields[3].partition("/")[0]) for fields in lines if len(fields) > 3]
    if not places or among(context.me.address, (address for _, address in places)):
        return ""  # also where no address can be read: a link that is down now has none
    other = [
        address
        for nic, address in places
        if not nic.startswith(POD_NICS) and not same(address, context.document.endpoint.host)
    ]
    return ", ".join(other[:3])


def other_tree(context: Context) -> str:
    """Return the tree that is activated and is not that of the document, empty without one."""
    applied = str(context.applied().get("tree") or "")
    return "" if applied == context.document.tree.digest else applied


def cluster(context: Context, answering: Optional[bool]) -> seen.Api:
    """Return what the API and etcd show, as far as this host has credentials."""
    api = _or_none(lambda: connect(context))
    silent = 0.0 if answering is None else leader.silent_for(context, answering)
    if api is None:
        return seen.Api(answers=answering, silent_for=silent)
    control_plane = context.host.has(paths.ADMIN_CONF)
    lease = _or_none(lambda: leader.read(context, api)) if control_plane else None
    done = _or_none(lambda: [stored_done(context, api)]) if control_plane else None
    leads = lease is not None and lease.lease is not None and lease.lease.holder == context.host_uid
    return seen.Api(
        answers=answering,
        silent_for=silent,
        done=done[0] if done else None,
        done_readable=done is not None,
        nodes=_or_none(lambda: nodes(context, api, control_plane)),
        etcd=_or_none(lambda: members_with_health(context)) if control_plane else None,
        lease=lease.lease if lease else None,
        lease_readable=lease is not None,
        grant=lease.grant if lease else None,
        last_expired=lease.last_expired if lease else "",
        grantee_ready=leader.grantee_ready(context, lease.grant) if leads and lease else None,
        joined=lease.joined if lease else None,
        served=_or_none(lambda: tokens.served(context, api)) if control_plane else None,
        layers=_or_none(lambda: layer_states(context, api)) if control_plane else None,
        config_matches=configured(context, api) if control_plane else None,
    )


def connect(context: Context) -> Api:
    """Return the API: a control plane's own server, for a worker the endpoint with the kubelet's credentials.

    A control plane whose own server does not answer (it was removed from etcd) asks the endpoint. Raises
    `EdgewrightError` when nothing answers.
    """
    if not context.host.has(paths.ADMIN_CONF):
        api = kubelet_api(context)
        api.text("/readyz", 3.0)
        return api
    try:
        api = admin(context.host)
        if api.text("/readyz", 3.0)[0] == 200:
            return api
    except Unreachable:
        pass
    endpoint = context.document.endpoint
    api = admin(context.host, endpoint.host, endpoint.port)
    api.text("/readyz", 3.0)
    return api


def peers(context: Context) -> Dict[str, seen.Peer]:
    """Return what the other members show: their probe answers, and whether an API server answers there."""
    others = [member for member in context.document.members if member.host_uid != context.host_uid]
    answers = peer.ask_all(lambda member: peer.ask(context, member), others)
    return {member.host_uid: answer for member, answer in zip(others, answers)}


def preflight(context: Context) -> Optional[seen.Preflight]:
    """Return the newest report of this host, `None` when there is none of this boot."""
    report = context.host.json(REPORT)
    uptime = report.get("uptime")
    if not isinstance(uptime, (int, float)) or report.get("boot") != context.host.text(
        "/proc/sys/kernel/random/boot_id"
    ):
        return None
    failures = report.get("failures") or []
    age = max(0.0, context.host.uptime() - uptime)
    return seen.Preflight(str(report.get("members")), tuple(str(item) for item in failures), age)


def clean(context: Context) -> bool:
    """Return whether nothing of a cluster is left here: the ledger is empty and nothing is activated."""
    if context.owner() not in ("", context.document.uid):
        return True  # what is here belongs to another cluster
    return not context.ledger.entries() and not context.host.has(paths.APPLIED)


def etcd_epoch(context: Context) -> int:
    """Return the epoch of etcd data here, 0 without data, -1 for data of another cluster or epoch."""
    if not context.host.names(f"{paths.ETCD}/member"):
        return 0
    record = context.host.json(ATTEMPT)
    epoch = context.document.bootstrap.epoch
    return epoch if (record.get("uid"), record.get("epoch")) == (context.document.uid, epoch) else -1


def api_ready(context: Context) -> Optional[bool]:
    """Return whether this host's own API server is ready, `None` where that cannot be asked."""
    if not context.host.has(paths.ADMIN_CONF):
        return False
    return _or_none(lambda: admin(context.host).text("/readyz", 3.0)[0] == 200) or False


def admitted(context: Context) -> Optional[bool]:
    """Return whether the leader has admitted this host, `None` where that cannot be asked."""
    return _or_none(lambda: bool(admission.authority(context) if context.k3s else cluster_ca(context)))


def kubelet_ca(context: Context) -> Optional[str]:
    """Return the key of the CA in the kubelet's credentials, empty when it has none."""
    text = inlined(context.host, paths.KUBELET_CONF)
    if not text:
        return ""
    return _or_none(lambda: spki_sha256(ca_of(text)))


def vip(context: Context, here: Optional[bool], macs: Optional[List[str]]) -> seen.Vip:
    """Return who has the VIP, as far as this host sees; `macs` are those of other machines that answer for it."""
    owners = seen.UNKNOWN
    if macs is not None and here is not None:
        count = len(macs) + (1 if here else 0)
        owners = (seen.NO_OWNER, seen.ONE_OWNER, seen.TWO_OWNERS)[min(2, count)]
    keepalived = _step(Keepalived(), context)
    running = None if keepalived is None else targets.endpoint(context.document) if keepalived else ""
    return seen.Vip(owners, here, bool(here) and not macs if here is not None and macs is not None else None, running)


def images_missing(context: Context) -> int:
    """Return how many images are not here and pinned. Raises `EdgewrightError`."""
    preload = steps_of(context.document)["preload"]
    assert isinstance(preload, Preload)
    missing, unpinned = preload.state(context)
    return len(missing) + len(unpinned)


def nodes(context: Context, api: Api, everything: bool) -> Dict[str, seen.Node]:
    """Return the Nodes by name; a worker may read its own only."""
    if everything:
        items = api.items("/api/v1/nodes")
    else:
        own = api.maybe(f"/api/v1/nodes/{context.me.node_name}")
        items = [own] if own else []
    result = {}
    for item in items:
        metadata, status = item.get("metadata") or {}, item.get("status") or {}
        conditions = {str(c.get("type")): str(c.get("status")) for c in status.get("conditions") or []}
        label = (metadata.get("labels") or {}).get(HOST_LABEL)
        result[str(metadata.get("name"))] = seen.Node(
            str(metadata.get("uid")),
            conditions.get("Ready") == "True",
            str((status.get("nodeInfo") or {}).get("kubeletVersion") or ""),
            (item.get("spec") or {}).get("unschedulable") is True,
            str((metadata.get("annotations") or {}).get(leader.RELEASE) or ""),
            host_of(str(label), context.document.members) if label else None,
        )
    return result


def stored_done(context: Context, api: Api) -> Optional[Done]:
    """Return the proof that the cluster itself has."""
    stored = api.maybe(CONFIG_MAP)
    data = (stored or {}).get("data") or {}
    document = context.document
    if data.get("uid") != document.uid or data.get("epoch") != str(document.bootstrap.epoch):
        return None
    return _done(data)


def configured(context: Context, api: Api) -> Optional[bool]:
    """Return whether kubeadm has stored the configuration of this document, `None` where that cannot be read.

    An administrator whom the API refuses is an answer, too: `kubeadm init` gives admin.conf its rights after the API is
    ready, so one that was interrupted before has not ended.
    """
    try:
        return config_matches(context, api)
    except Refused:
        return False
    except EdgewrightError:
        return None


def config_matches(context: Context, api: Api) -> bool:
    """Return whether the configuration that kubeadm stored is of this document: version, endpoint and networks."""
    if context.k3s:
        return complete_settings(context)
    stored = api.maybe("/api/v1/namespaces/kube-system/configmaps/kubeadm-config")
    text = str(((stored or {}).get("data") or {}).get("ClusterConfiguration") or "")
    document = context.document
    wanted = (document.kubernetes.version, document.network.pod_cidr, document.network.service_cidr)
    return bool(text) and all(value in text for value in (*wanted, document.endpoint.host))


def _done(data: Mapping[str, object]) -> Optional[Done]:
    if not data:
        return None
    return Done(str(data.get("at")), str(data.get("caSpkiSha256")), str(data.get("kubeSystemUid")))


def _step(kind: StepKind, context: Context) -> Optional[bool]:
    result, _ = looked(kind, context)
    return None if result is Seen.UNKNOWN else result is Seen.DONE


def _or_none(ask: Callable[[], Value]) -> Optional[Value]:
    try:
        return ask()
    except EdgewrightError:
        return None
