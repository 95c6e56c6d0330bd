"""Whether a step is done, by what is observed: `True`, `False`, or `None` where it cannot be observed."""

from __future__ import annotations

from typing import Callable, Dict, NamedTuple, Optional

from edgewright.core.addresses import same
from edgewright.core.clusters import steps
from edgewright.core.clusters.actions import Action
from edgewright.core.clusters.model import ClusterDocument, Done, Member
from edgewright.core.clusters.observed import ONE_OWNER, UNKNOWN, Node, Observed
from edgewright.core.clusters.quorum import NOSPACE, EtcdMember
from edgewright.core.text import amount

FRESH = 600.0
"""Seconds for which a preflight report counts."""


class Judgement(NamedTuple):
    """The result with what was seen, for users."""

    done: Optional[bool]
    text: str


def judge(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    """Return whether an action is done. Raises `KeyError` for a step that has no rule."""
    return RULES[action.step](action, document, observed)


def formed(document: ClusterDocument, observed: Observed) -> Optional[Done]:
    """Return the proof that the cluster was formed in this epoch, from document, disk or cluster."""
    return document.bootstrap.done or observed.local.done or observed.api.done


def etcd_member(observed: Observed, member: Member) -> Optional[EtcdMember]:
    """Return the etcd member of a host: by its name, which is that of the node, or by its address before it started."""
    listed = observed.api.etcd or ()
    for entry in listed:
        if entry.name == member.node_name or (not entry.name and same(entry.address, member.address)):
            return entry
    return None


def node_of(observed: Observed, member: Member) -> Optional[Node]:
    """Return the Node of a host."""
    return (observed.api.nodes or {}).get(member.node_name)


def voter(observed: Observed, member: Member) -> Optional[bool]:
    """Return whether a host's etcd member is a voter that has started."""
    if observed.api.etcd is None:
        return None
    entry = etcd_member(observed, member)
    return entry is not None and entry.voter and entry.started


def node_ready(observed: Observed, member: Member) -> Optional[bool]:
    """Return whether a host's Node is there and ready."""
    if observed.api.nodes is None:
        return None
    node = node_of(observed, member)
    return node is not None and node.ready


def joined(observed: Observed, document: ClusterDocument, member: Member) -> Optional[bool]:
    """Return whether a member has joined completely, as another host sees it."""
    if member.role == "worker":
        return node_ready(observed, member)
    return both(voter(observed, member), node_ready(observed, member))


def admitted(observed: Observed, document: ClusterDocument, member: Member) -> Optional[bool]:
    """Return whether the grant of a joining control plane is over: it is safe in etcd, its API and kubelet are there.

    Its Node need not be ready: that protects no quorum, and the next host would wait for it. A Node that was there
    before the grant shows nothing of the kubelet unless it is ready, so the token would be removed too early.
    """
    grant, node, entry = observed.api.grant, node_of(observed, member), etcd_member(observed, member)
    if observed.api.nodes is None or observed.api.etcd is None:
        return None
    if entry is None or node is None or not (entry.voter and entry.started and entry.healthy):
        return False
    if node.ready:
        return True
    if grant is None or grant.host_uid != member.host_uid or grant.node in (None, node.uid):
        return False
    return observed.api.grantee_ready


def both(*values: Optional[bool]) -> Optional[bool]:
    """Return the conjunction of values of which some are not known."""
    if any(value is False for value in values):
        return False
    return None if any(value is None for value in values) else True


def _preflight(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    report = observed.local.preflight
    if report is None or report.members != action.target:
        return Judgement(False, "there is no report for these members")
    if report.failures:
        return Judgement(False, f"{amount(len(report.failures), 'failure')}: {report.failures[0]}")
    if report.age > FRESH:
        return Judgement(False, f"the report is {report.age / 60:.0f} minutes old")
    return Judgement(True, "no failure")


def _count(missing: Optional[int], what: str) -> Judgement:
    if missing is None:
        return Judgement(None, f"{what} cannot be read")
    return Judgement(missing == 0, f"{amount(missing, 'digest')} missing" if missing else "nothing is missing")


def _fetch(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    return _count(observed.local.content_missing, "the store")


def _preload(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    return _count(observed.local.images_missing, "the images of the runtime")


def _same(value: Optional[str], wanted: str, what: str) -> Judgement:
    if value is None:
        return Judgement(None, f"{what} cannot be read")
    return Judgement(
        value == wanted, f"{what} is the wanted one" if value == wanted else f"{what} is not the wanted one"
    )


def _activate(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    return _same(observed.local.tree, document.tree.digest, "the active tree")


def _runtime(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    return _same(observed.local.runtime, action.target, "the configuration of the runtime")


def _vip(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    vip = observed.local.vip
    if vip.here is None or (vip.here and vip.owners == UNKNOWN):
        return Judgement(None, "who answers for the VIP is not known")
    if vip.here and vip.owners == ONE_OWNER and vip.mac_is_ours:
        return Judgement(True, "this host answers for the VIP")
    return Judgement(
        False, "this host has the VIP, another one answers" if vip.here else "this host does not have the VIP"
    )


def _init(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    member = document.member(observed.host_uid)
    assert member is not None
    seen = both(
        voter(observed, member),
        observed.local.api_ready,
        None if observed.api.nodes is None else node_of(observed, member) is not None,
        observed.api.config_matches,
    )
    text = {True: "etcd, API, Node and configuration are there", False: "the cluster is not complete"}
    if observed.local.etcd_epoch == 0:
        return Judgement(False, "there is no etcd data")
    return Judgement(seen, "the API cannot be observed" if seen is None else text[seen])


def _mark(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    local, api = observed.local, observed.api
    seen = both(
        local.done is not None if local.done_readable else None,
        api.done is not None if api.done_readable else None,
    )
    where = "the proof is there" if seen else "the proof cannot be read" if seen is None else "the proof is missing"
    return Judgement(seen, where)


def _keepalived(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    return _same(observed.local.vip.keepalived, action.target, "the configuration of keepalived")


def _join_control_plane(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    member = document.member(observed.host_uid)
    assert member is not None
    if observed.local.kubelet_ca == "" or observed.local.etcd_epoch == 0:
        return Judgement(False, "this host has not joined")
    seen = both(voter(observed, member), observed.local.api_ready, node_ready(observed, member))
    if seen is None:
        return Judgement(None, "etcd or the API cannot be observed")
    return Judgement(seen, "voter of etcd, API and Node ready" if seen else "voter of etcd, API or Node is missing")


def _join_worker(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    member = document.member(observed.host_uid)
    assert member is not None
    authority = observed.local.kubelet_ca
    proof = formed(document, observed)
    if authority is None:
        return Judgement(None, "the credentials of the kubelet cannot be read")
    if not authority or (proof is not None and authority != proof.ca_spki_sha256):
        return Judgement(False, "the kubelet has no credentials of this cluster")
    seen = node_ready(observed, member)
    if seen is None:
        return Judgement(None, "the Node cannot be read")
    return Judgement(seen, "the Node is ready" if seen else "the Node is not ready")


def _serve_join(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    if observed.api.served is None:
        return Judgement(None, "the tokens cannot be read")
    seen = action.params["hostUid"] in observed.api.served
    return Judgement(seen, "its token is in the cluster" if seen else "its token is not in the cluster")


def _end_grant(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    api, uid = observed.api, action.params["hostUid"]
    if api.served is None or api.joined is None or not api.lease_readable:
        return Judgement(None, "grant and tokens cannot be read")
    open_grant = api.grant is not None and api.grant.host_uid == uid
    member = document.member(uid)
    if not action.params["fulfilled"] and member is not None:
        if api.etcd is None:
            return Judgement(None, "the members of etcd cannot be read")
        entry = etcd_member(observed, member)
        if entry is not None and not entry.voter:
            return Judgement(False, "a learner of it is left")
    recorded = not action.params["fulfilled"] or api.joined.get(uid) == action.params.get("joinEpoch")
    seen = not open_grant and uid not in api.served and recorded
    return Judgement(seen, "nothing is left of it" if seen else "grant or token is still there")


def _layer(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    if observed.api.layers is None:
        return Judgement(None, "the add-ons cannot be read")
    state = observed.api.layers.get(action.params["layer"])
    if state is None or state.target != action.target:
        return Judgement(False, "it is not installed")
    return Judgement(state.ready, "it is ready" if state.ready else state.problem or "its objects are not ready")


def _remove_layer(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    if observed.api.layers is None:
        return Judgement(None, "the add-ons cannot be read")
    seen = action.params["layer"] not in observed.api.layers
    return Judgement(seen, "it is removed" if seen else "it is still there")


def _etcd_space(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    member = document.member(observed.host_uid)
    if observed.api.etcd is None or member is None:
        return Judgement(None, "the alarms of etcd cannot be read")
    entry = etcd_member(observed, member)
    seen = entry is None or NOSPACE not in entry.alarms
    return Judgement(seen, "etcd has no such alarm" if seen else "etcd has the alarm NOSPACE")


def _drain(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    if observed.api.nodes is None:
        return Judgement(None, "the Nodes cannot be read")
    node = observed.api.nodes.get(action.params["nodeName"])
    seen = node is None or (node.cordoned and node.release == action.params["releaseId"])
    return Judgement(seen, "it is drained" if seen else "it is not drained")


def _remove_member(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    if observed.api.etcd is None:
        return Judgement(None, "the members of etcd cannot be read")
    seen = all(entry.id != action.params["memberId"] for entry in observed.api.etcd)
    return Judgement(seen, "etcd does not list it" if seen else "etcd lists it")


def _remove_node(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    if observed.api.nodes is None:
        return Judgement(None, "the Nodes cannot be read")
    seen = action.params["nodeName"] not in observed.api.nodes
    return Judgement(seen, "the Node is not there" if seen else "the Node is there")


def _left(action: Action, document: ClusterDocument, observed: Observed) -> Judgement:
    if observed.local.clean is None:
        return Judgement(None, "the ledger cannot be read")
    return Judgement(observed.local.clean, "nothing is left" if observed.local.clean else "the ledger is not empty")


RULES: Dict[str, Callable[[Action, ClusterDocument, Observed], Judgement]] = {
    steps.PREFLIGHT: _preflight,
    steps.FETCH: _fetch,
    steps.ACTIVATE: _activate,
    steps.RUNTIME: _runtime,
    steps.PRELOAD: _preload,
    steps.VIP: _vip,
    steps.INIT: _init,
    steps.MARK: _mark,
    steps.KEEPALIVED: _keepalived,
    steps.JOIN_CONTROL_PLANE: _join_control_plane,
    steps.JOIN_WORKER: _join_worker,
    steps.SERVE_JOIN: _serve_join,
    steps.END_GRANT: _end_grant,
    steps.LAYER: _layer,
    steps.REMOVE_LAYER: _remove_layer,
    steps.ETCD_SPACE: _etcd_space,
    steps.DRAIN: _drain,
    steps.REMOVE_MEMBER: _remove_member,
    steps.REMOVE_NODE: _remove_node,
    steps.RELEASE: _left,
    steps.DELETE: _left,
}
assert set(RULES) == {spec.id for spec in steps.STEPS} - set(steps.RESERVED)
