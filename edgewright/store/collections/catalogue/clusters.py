"""Clusters of the plane, as the store has them and as they are shown, and the calls about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.core.errors import NotFound, Refused
from edgewright.core.filters.fields import FilterField
from edgewright.store.collection import NOT_FOR_ALL, Collection, Documents, Reading
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow, cluster_row
from edgewright.store.collections.document_values import EXTENSION, integer, moment, part, parts, text, texts
from edgewright.store.table import Column, Facts, Look, Table, ago, stamp
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire

if TYPE_CHECKING:
    from edgewright.clients.ports import CanCall

_PAGE = 50
_KINDS = "quorum, api, vip, step, node, etcd, layer, silent, certificate, deletion"
"""Those of `core.clusters.troubles`, which is not loaded before the first frame."""
_VIP_CELLS = {"one": "one", "two": "two", "none": "none"}


def _every(deleted: bool) -> Mapping[str, Any]:
    condition = {"bool": {"value": True} if deleted else {}}
    return {"conjunction": "and", "filters": [{"property": "isDeleted", "type": "bool", "condition": condition}]}


async def clusters(client: CanCall) -> Documents:
    """Return all clusters page by page, those that were deleted in the last 72 hours too, then unknown ones.

    Raises `EdgewrightError`.
    """
    body = {"filter": {"conjunction": "or", "filterGroups": [_every(False), _every(True)]}, "sort": []}
    documents: Documents = []
    count = 1
    while len(documents) < count:
        params = {"limit": _PAGE, "offset": len(documents)}
        reply = await client.call("POST", wire.SEARCH, "list of clusters", body=body, params=params)
        page = [dict(document) for document in parts(reply.data, "items")]
        documents += page
        count = integer(part(reply.data, "listmeta"), "count") or 0
        if not page:
            break
    return documents + [unknown(item) for item in await reported(client) if text(item, "state") == "unknown"]


async def reported(client: CanCall) -> list[Mapping[str, Any]]:
    """Return the clusters that hosts report and that the plane does not have so; none from a plane without P106."""
    try:
        data = (await client.call("GET", wire.REPORTED, "clusters of hosts")).data
    except (NotFound, Refused):
        return []
    return parts(data, "items")


def unknown(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cluster that the plane does not know in the form of the others, from what its hosts report."""
    hosts = parts(item, "hosts")
    members = [
        {"uid": text(host, "uid"), "name": text(host, "name"), "role": text(host, "role"), "state": wire.PRESENT}
        for host in hosts
    ]
    message = text(item, "message", 1024)
    ours = {
        "projectUid": text(hosts[0], "projectUid") if hosts else "",
        "reason": message,
        "hosts": len(hosts),
        "members": members,
        "conditions": [{"type": wire.E_UNKNOWN, "status": "True", "message": message}],
    }
    meta = {"uid": text(item, "uid"), "name": text(item, "name")}
    return {"metadata": meta, "specSummary": {}, "status": {"state": wire.UNKNOWN, EXTENSION: ours}}


async def create(client: CanCall, body: Mapping[str, Any]) -> str:
    """Create a cluster; returns its uid. Raises `InvalidInput` with everything that is wrong, `Conflict`."""
    return text((await client.call("POST", wire.CREATE, "cluster", body=dict(body))).data, "uid")


async def problems(client: CanCall, body: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a cluster that is to be created, as sentences."""
    return (await checked(client, body))[0]


class Checked(NamedTuple):
    """What is wrong with a cluster that is to be created, and what the plane warns of, as sentences."""

    wrong: list[str]
    warnings: list[str]
    codes: frozenset[str]
    """Of what is wrong."""


async def checked(client: CanCall, body: Mapping[str, Any]) -> Checked:
    """Return what the plane finds when it checks a cluster without making it."""
    data = (await client.call("POST", wire.VALIDATE, "cluster", body=dict(body))).data
    rows = [*parts(part(data, "machinePools"), "results")]
    for profile in parts(data, "profiles"):
        rows += parts(part(profile, "packs"), "results")
    errors = [error for row in rows for error in parts(row, "errors")]
    wrong, codes = [text(error, "message", 4096) for error in errors], {text(error, "code") for error in errors}
    return Checked(wrong, list(texts(part(data, EXTENSION), "warnings")), frozenset(codes))


async def get(client: CanCall, uid: str) -> Mapping[str, Any]:
    """Return a cluster with its profiles. Raises `NotFound`."""
    document: Mapping[str, Any] = (await client.call("GET", protocol.path(wire.CLUSTER, uid=uid), "cluster")).data
    return document


async def overview(client: CanCall, uid: str) -> Mapping[str, Any]:
    """Return a cluster with its health, its hosts and their progress. Raises `NotFound`."""
    document: Mapping[str, Any] = (await client.call("GET", protocol.path(wire.OVERVIEW, uid=uid), "cluster")).data
    return document


async def cloud_config(client: CanCall, cluster: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the pools of a cluster with their hosts."""
    uid = text(part(part(cluster, "spec"), "cloudConfigRef"), "uid")
    path = protocol.path(wire.CONFIG, configUid=uid)
    document: Mapping[str, Any] = (await client.call("GET", path, "cloud configuration")).data
    return document


async def delete(client: CanCall, uid: str, force: bool) -> None:
    """Ask the hosts of a cluster to leave; with `force` end it without them. Raises `Conflict` when it is too early."""
    params = {"forceDelete": "true"} if force else {}
    await client.call("DELETE", protocol.path(wire.CLUSTER, uid=uid), "cluster", params=params)


async def kubeconfig(client: CanCall, uid: str, admin: bool) -> str:
    """Return a kubeconfig. Raises `NotFound` when there is none yet, `Refused` for a role that may not."""
    path = wire.KUBECONFIG_ADMIN if admin else wire.KUBECONFIG_CLIENT
    data = (await client.call("GET", protocol.path(path, uid=uid), "kubeconfig")).data
    return data.decode() if isinstance(data, bytes) else str(data)


async def certificates(client: CanCall, uid: str) -> list[Mapping[str, Any]]:
    """Return the certificates of the nodes, as the leader reports them."""
    data = (await client.call("GET", protocol.path(wire.CERTIFICATES, uid=uid), "certificates")).data
    return parts(data, "machineCertificates")


async def machines(client: CanCall, **names: str) -> list[Mapping[str, Any]]:
    """Return the machines of a pool."""
    return parts((await client.call("GET", protocol.path(wire.MACHINES, **names), "machines")).data, "items")


async def resources(client: CanCall, path: str, uid: str) -> list[Mapping[str, Any]]:
    """Return the role bindings or namespaces of a cluster."""
    return parts((await client.call("GET", protocol.path(path, uid=uid), "cluster")).data, "items")


async def variables(client: CanCall, uid: str) -> dict[str, dict[str, str]]:
    """Return the values of variables by profile and name; masked ones are covered."""
    data = (await client.call("GET", protocol.path(wire.VARIABLES, uid=uid), "variables")).data
    return {
        text(row, "profileUid"): {text(each, "name"): text(each, "value", 65_536) for each in parts(row, "variables")}
        for row in (data if isinstance(data, list) else [])
    }


async def decide(client: CanCall, path: str, uid: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Send what an operator decides about a cluster; return what was asked of which host. Raises `Conflict`."""
    reply = await client.call("POST", protocol.path(path, uid=uid), "cluster", body=dict(body))
    return reply.data if isinstance(reply.data, dict) else {}


async def send(client: CanCall, method: str, path: str, body: Any, **names: str) -> None:
    """Send a change of a part of a cluster. Raises `EdgewrightError`."""
    await client.call(method, protocol.path(path, **names), "cluster", body=body)


async def _read(client: CanCall, _page: int) -> Documents:
    return await clusters(client)


def _facts(row: ClusterRow, look: Look) -> tuple[Facts, ...]:
    facts = (
        ("name", row.name),
        ("state", row.state),
        ("health", f"{row.health}: {row.reason}" if row.reason else row.health),
        ("kubernetes", (f"{row.distribution} {row.version}".strip() or "-") + _proven(row)),
        ("API", f"{row.endpoint}:6443" if row.endpoint else "-"),
        ("VIP", VIPS.get(row.vip, row.vip or "-")),
        ("nodes", f"{nodes_text(row)} ready"),
        ("certificates", _first_end(row, look.now)),
        *((("change", row.change),) if row.change else ()),
        ("project", look.projects.get(row.project_uid, row.project_uid)),
        ("profiles", ", ".join(row.profiles)),
        *((("tags", ", ".join(row.tags)),) if row.tags else ()),
        *((("simulated", "yes: no API, no kubeconfig"),) if row.simulated else ()),
        ("applied", f"{row.applied} of {row.hosts} hosts"),
        ("created", f"{stamp(row.created)} ({ago(row.created, look.now)} ago)" if row.created else "-"),
        ("last report", f"{ago(row.reported, look.now)} ago" if row.reported else "no control plane reported yet"),
        ("uid", row.uid),
    )
    hosts = tuple(("host", member) for member in row.members)
    steps = tuple((each.partition(": ")[2].split(" ")[0].rstrip(":"), each) for each in row.checklist)
    conditions = tuple((each.partition(": ")[0], each.partition(": ")[2]) for each in row.conditions)
    return (
        ("CLUSTER", facts),
        ("HOSTS", hosts or (("host", "none"),)),
        *((("PROBLEMS", tuple((each.kind, each.text) for each in row.problems)),) if row.problems else ()),
        *((("CHECKLIST", steps),) if steps else ()),
        *((("REACH", tuple(_pair(each) for each in row.reach)),) if row.reach else ()),
        *((("LAYERS", tuple(_pair(each) for each in row.layers)),) if row.layers else ()),
        *((("ETCD", tuple(_pair(each) for each in row.etcd)),) if row.etcd else ()),
        ("CONDITIONS", conditions),
    )


def _proven(row: ClusterRow) -> str:
    return ", not proven here" if row.distribution == "k3s" else ""


def _pair(sentence: str) -> tuple[str, str]:
    name, _, rest = sentence.partition(": ")
    return name, rest


VIPS = {"one": "one host", "two": "two hosts", "none": "no host", "unknown": "-"}
"""How many hosts have the VIP, for users."""
_SIGNS = {"healthy": ("•", "ok"), "unhealthy": ("▲", "bad")}
_ORDER = "▲►▬○•"
"""Signs, the worst first."""


def sign_of(row: ClusterRow) -> tuple[str, str]:
    """Return glyph and role of a cluster: its health first, then whether its hosts work on it."""
    if row.link not in ("", "open"):
        return "▬", "parked"
    if row.state == wire.DELETED:
        return "○", "muted"
    if row.health not in _SIGNS and row.forms:
        return "►", "work"
    return _SIGNS.get(row.health, ("○", "muted"))


def nodes_text(row: ClusterRow) -> str:
    """Return the nodes that are ready, of how many: `3/3`; `-/3` while no control plane has reported."""
    if row.nodes is None:
        return "-"
    return f"{'-' if row.ready is None else row.ready}/{row.nodes}"


def _change(row: ClusterRow) -> str:
    """Return how many hosts have applied the newest document where not all have: `2 of 3`."""
    return row.change.removeprefix("applied by ")


def ends_text(end: float | None, now: float) -> str:
    """Return the time to the end of a certificate in one unit: `212d`, `ended 2d`; `-` when it is not known."""
    if end is None:
        return "-"
    return ago(now, end) if end > now else f"ended {ago(end, now)}"


def _first_end(row: ClusterRow, now: float) -> str:
    if row.certificate_end is None:
        return "-"
    text_ = ends_text(row.certificate_end, now)
    when_ = text_ if text_.startswith("ended") else f"ends in {text_}"
    return f"{row.certificate} {when_}".strip()


def reach_text(row: ClusterRow, now: float) -> str:
    """Return the ways to the API that worked when they were measured, with since when: `relay 3m`.

    `no` where none of those that were measured worked, `-` where none was measured.
    """
    reached, measured = [], False
    for way, _, result in (each.partition(": ") for each in row.reach):
        columns = result.split(" ")
        measured = measured or columns[0] in ("yes", "no")
        if columns[0] == "yes":
            since = moment(columns[2].rstrip(":")) if len(columns) > 2 else None
            reached.append(way if since is None else f"{way} {ago(since, now)}")
    return ", ".join(reached) or ("no" if measured else "-")


def _tone(row: ClusterRow) -> str:
    if row.link:
        return "info" if row.link == "open" else "parked"
    return {"Running": "ok", "Deleting": "warn", "Deleted": "muted", "Pending": "muted"}.get(row.state, "work")


def _node_tone(row: ClusterRow) -> str:
    return "muted" if row.ready is None or row.ready == row.nodes else "warn"


def _vip_tone(row: ClusterRow) -> str:
    return "muted" if row.forms else {"two": "bad", "none": "warn"}.get(row.vip, "muted")


def _health(row: ClusterRow) -> str:
    return {"healthy": "ok", "unhealthy": "bad"}.get(row.health, "muted")


TABLE: Table[ClusterRow] = Table(
    "cluster",
    columns=(
        Column(
            "sign",
            "",
            1,
            value=lambda row, look: sign_of(row)[0],
            tone=lambda row: sign_of(row)[1],
            order=lambda row: (_ORDER.index(sign_of(row)[0]), row.state == wire.DELETED, row.name.casefold()),
        ),
        Column("name", "CLUSTER", 11, most=40, tone="strong"),
        Column("state", "STATE", 12, value=lambda row, look: row.shown_state, tone=_tone),
        Column("health", "HEALTH", 9, tone=_health),
        Column("nodes", "NODES", 5, right=True, value=lambda row, look: nodes_text(row), tone=_node_tone),
        Column("vip", "VIP", 4, value=lambda row, look: _VIP_CELLS.get(row.vip, "-"), tone=_vip_tone),
        Column("change", "CHANGE", 6, most=20, value=lambda row, look: _change(row), tone="work"),
        Column(
            "certificates",
            "CERTS",
            5,
            right=True,
            field="certificate_end",
            value=lambda row, look: ends_text(row.certificate_end, look.now),
            order=lambda row: row.certificate_end,
            tone="muted",
        ),
        Column("kind", "KIND", 4, most=9, value=lambda row, look: row.kind, tone="muted"),
        Column("reported", "REPORT", 6, right=True, age=True, tone="muted"),
        Column("created", "AGE", 4, right=True, age=True, tone="muted"),
        Column("profile", "PROFILE", 8, most=28, value=lambda row, look: ", ".join(row.profiles) or "-"),
        Column("version", "KUBERNETES", 10, most=20),
        Column("endpoint", "API", 12, most=40),
        Column("reach", "REACHED", 9, most=20, value=lambda row, look: reach_text(row, look.now), tone="muted"),
        Column("project", "PROJECT", 7, most=24, value=lambda row, look: look.projects.get(row.project_uid, "-")),
        Column("reason", "REASON", 12, weight=3),
    ),
    listing=(
        "name",
        "state",
        "health",
        "kind",
        "nodes",
        "vip",
        "certificates",
        "reported",
        "change",
        "profile",
        "version",
        "created",
        "endpoint",
        "reach",
        "project",
        "reason",
    ),
    fields=(
        FilterField("uid", "text", "uid of the cluster", aliases=("id",), searched=True),
        FilterField("name", "text", "name of the cluster", searched=True),
        FilterField("state", "word", "Pending, Provisioning, Running, Deleting, Deleted or Unknown"),
        FilterField("health", "word", "healthy, unhealthy or unknown"),
        FilterField("version", "text", "version of Kubernetes", searched=True),
        FilterField("host", "text", "a host that belongs to it", source="members", searched=True),
        FilterField("profile", "text", "a profile that it uses", source="profiles", searched=True),
        FilterField("tag", "text", "a tag", source="tags", searched=True),
        FilterField("endpoint", "text", "address of its API", searched=True),
        FilterField("vip", "word", "hosts that have the VIP: one, two, none or unknown"),
        FilterField("problem", "text", f"what is wrong: {_KINDS}", source="kinds"),
        FilterField("simulated", "flag", "made of simulated hosts"),
        FilterField(
            "certificates", "until", "time until a certificate ends: certificates<30d", source="certificate_end"
        ),
        FilterField("nodes", "number", "hosts that belong to it"),
        FilterField("reported", "age", "time since the last report of a control plane"),
        FilterField("age", "age", "time since it was created", source="created"),
    ),
    example="health:unhealthy  problem:quorum  certificates<30d  simulated:no  free text",
    worked_out={"kinds": lambda row, look: tuple(problem.kind for problem in row.problems)},
    facts=_facts,
    headline=lambda row: f"{row.name}: {row.state}, {row.health}",
    nothing="No cluster. + makes one in the wizard, i creates one from an answer file.",
    add="No cluster yet; create one: edgewright apply -f cluster.yaml",
    order=lambda row: (row.state == "Deleted", row.name.casefold(), row.uid),
    project_of=lambda row: row.project_uid,
    sort="sign",
)
CLUSTERS = Collection(
    "clusters",
    ClusterRow,
    cluster_row,
    noun="cluster",
    change_kind="cluster",
    cached=False,
    audit_kind=wire.KIND,
    documents=True,
    reading=Reading(_read, "clusters", "CanCall", hub_only=False, quiet=NOT_FOR_ALL, every=60.0, judged=True),
    table=TABLE,
)
