"""What every operation on a cluster does: find it, read its texts, make its document, store it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from edgewright.core import times
from edgewright.core.clusters import model
from edgewright.core.clusters.document import canonical, read
from edgewright.core.clusters.validate import problems as rules
from edgewright.core.errors import InvalidDocument
from edgewright.core.profiles.problems import ERROR
from edgewright.core.profiles.problems import Problem as Finding
from edgewright.core.profiles.scope import Macro
from edgewright.core.profiles.variables import COVER
from edgewright.core.roles import ADMIN, covers
from edgewright.hub.clusters import attach, ending, resolver, store, tables
from edgewright.hub.clusters.host_facts import facts_of
from edgewright.hub.clusters.index import Cluster, ClusterIndex
from edgewright.hub.clusters.settings import waiting
from edgewright.hub.clusters.tables import ACTIVE, ClusterRecord
from edgewright.hub.db.document_bounds import KIB
from edgewright.hub.db.shared.rows import lock_hosts
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import Problem, conflict, not_found
from edgewright.hub.http.routing import Call
from edgewright.hub.profiles.layers import resolving_macros
from edgewright.hub.profiles.work import ProfileWork
from edgewright.hub.readmodel.blob_store import BlobStore
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
MAX_HEAD = 512 * KIB
"""Bytes of what memory has of a cluster."""
_SHOWN = 10
_TRIES = 5


class Loaded(NamedTuple):
    """A cluster as the database has it now; `head` may be changed by an edit."""

    record: ClusterRecord
    head: Json
    profiles: list[Json]
    document: str
    variables: dict[str, dict[str, str]]
    """Values of masked variables by profile and name; those of others are in `profiles`."""
    waiting: waiting.Waiting | None = None
    """The change of profiles that waits."""

    @property
    def wanted(self) -> Loaded:
        """Return the cluster with the profiles that it is to have: those that wait, where some do."""
        if self.waiting is None:
            return self
        return self._replace(profiles=self.waiting.profiles, variables=self.waiting.variables)


class Edited(NamedTuple):
    """What a change makes of a cluster. `text` is what the audit log calls it.

    With `profiles` or `variables` they are replaced, and the document is made of the profiles again; so it is with
    `again`. Otherwise only hosts and pools change in it. `later`: profiles and variables wait, and the document stays.
    """

    text: str
    head: Json
    profiles: list[Json] | None = None
    variables: dict[str, dict[str, str]] | None = None
    again: bool = False
    name: str = ""
    later: bool = False


class Made(NamedTuple):
    """What is to be stored: the record, and of the document what changed."""

    record: ClusterRecord
    document: str | None
    public: dict[str, bytes]
    private: dict[str, str] | None


Edit = Callable[[Loaded], Edited]


def visible(call: Call, item: Cluster) -> bool:
    """Return whether the caller sees a cluster."""
    return call.scope.covers(item.record.project_uid)


def find(call: Call, uid: str | None = None) -> Cluster:
    """Return the cluster of the call; raises 404, also for one of another project."""
    wanted = call.uid if uid is None else uid
    item = call.hub.part(ClusterIndex).by_uid.get(wanted)
    if item is None or not visible(call, item):
        raise not_found("cluster", wanted)
    return item


def of_config(call: Call) -> Cluster:
    """Return the cluster with the cloud configuration of the call; raises 404."""
    uid = call.params["configUid"]
    item = call.hub.part(ClusterIndex).of_config(uid)
    if item is None or not visible(call, item):
        raise not_found("cloud configuration", uid)
    return item


def writable(call: Call, item: Cluster, role: str = ADMIN) -> Cluster:
    """Return a cluster for a change; raises 403 for a role that is too low in its project, 409 while it is deleted."""
    call.require(role, item.record.project_uid)
    if item.record.phase != ACTIVE:
        phases = {tables.DELETING_PHASE: "is being deleted", tables.ADOPTING_PHASE: "is being adopted"}
        word = phases.get(item.record.phase, "is deleted")
        raise conflict(f"The cluster '{item.record.name}' {word} and cannot be changed.", wire.E_STATE)
    return item


async def load(hub: Services, uid: str) -> Loaded:
    """Return a cluster with its texts as the database has it now; raises 404 when it was removed meanwhile."""

    def query(connection: Connection) -> Loaded | None:
        row = store.find(connection, uid)
        if row is None:
            return None
        variables = store.read_json(connection, hub.box, uid, store.VARIABLES)
        head = row[0].parts
        stored = {} if waiting.since(head) is None else store.read_json(connection, hub.box, uid, store.WAITING)
        return Loaded(row[0], head, row[1].profiles, row[1].document, variables, waiting.opened(stored))

    loaded = await hub.read(query)
    if loaded is None:
        raise not_found("cluster", uid)
    return loaded


async def change(call: Call, item: Cluster, action: str, edit: Edit) -> ClusterRecord:
    """Change a cluster by `edit`, which runs outside of the writer; made again where another change came first."""
    for _ in range(_TRIES):
        before = await load(call.hub, writable(call, item).uid)
        edited = edit(before._replace(head=copy.deepcopy(before.head)))
        made = await compose(call.hub, call.caller, before, edited)
        stored = await call.write(partial(_store, call, before, edited, made, action))
        if stored is not None:
            return stored
    raise conflict(f"The cluster '{item.record.name}' is changed by others; try again.", wire.E_EDITED)


async def compose(hub: Services, caller: str, before: Loaded, edited: Edited) -> Made:
    """Return what is to be stored of a change; raises 422 with everything that is wrong."""
    record, name = before.record, edited.name or before.record.name
    generation = record.generation + 1
    mark_simulated(hub, edited.head)
    public: dict[str, bytes] = {}
    private: dict[str, str] | None = None
    if edited.profiles is not None or edited.variables is not None or edited.again:
        base = before.wanted if edited.later else before
        profiles = base.profiles if edited.profiles is None else edited.profiles
        variables = base.variables if edited.variables is None else edited.variables
        secret = await hub.read(lambda connection: store.secret_of(connection, hub.box, record.uid))
        project = record.project_uid
        inputs = await inputs_of(
            hub,
            record.uid,
            name,
            project,
            edited.head,
            profiles,
            variables,
            secret[1],
            caller,
            generation=generation,
        )
        result = await hub.part(ProfileWork).run(caller, partial(resolver.resolve, inputs))
        document = checked(hub, name, edited.head, record.uid, result, read(before.document))
        if edited.later:
            waiting.note(edited.head, edited.head["profiles"], sorted(result.content.named), times.now())
            edited.head["profiles"] = before.head["profiles"]
            newer = msgspec.structs.replace(record, head=head_text(name, edited.head))
            return Made(newer, None, result.content.public, None)
        take(edited.head, result)
        public, private = result.content.public, result.content.private
    else:
        document = await changed_members(hub, caller, before, edited.head, name)
        refuse(name, rules(document, facts_of(hub, edited.head, record.uid), read(before.document)))
    same = document.digest == record.digest and edited.head["done"] == record.parts["done"]
    newer = msgspec.structs.replace(
        record,
        name=name,
        live_name=None if record.live_name is None else name,
        generation=record.generation if same else generation,
        digest=document.digest,
        head=head_text(name, edited.head),
    )
    text = None if same else canonical(document).decode()
    return Made(newer, text, public, private)


async def changed_members(hub: Services, caller: str, before: Loaded, head: Json, name: str) -> model.ClusterDocument:
    """Return the document with other hosts and pools; raises 422 for what it does not take."""
    refuse(name, resolver.shape(head))
    work = partial(resolver.with_members, read(before.document), head, before.record.generation + 1)
    try:
        return await hub.part(ProfileWork).run(caller, work)
    except InvalidDocument as wrong:
        refuse(name, resolver.findings_of(wrong))
        raise


async def compose_end(hub: Services, caller: str, before: Loaded) -> Made:
    """Return the change in which all hosts are asked to leave; nothing is checked, so that it is always possible."""
    generation = before.record.generation + 1
    waiting.drop(before.head)
    document = await hub.part(ProfileWork).run(
        caller, partial(resolver.with_members, read(before.document), before.head, generation)
    )
    newer = msgspec.structs.replace(
        before.record, generation=generation, digest=document.digest, head=ending.head_text(before.head)
    )
    return Made(newer, canonical(document).decode(), {}, None)


async def inputs_of(
    hub: Services,
    uid: str,
    name: str,
    project: str,
    head: Json,
    profiles: list[Json],
    masked: dict[str, dict[str, str]],
    secret: bytes,
    caller: str,
    generation: int = 1,
    fetch: bool = True,
    macros: Mapping[str, Macro] | None = None,
) -> resolver.Inputs:
    """Return what a document is made of; fetches content that the plane does not have yet, which raises `Problem`.

    `macros` replace those of the project.
    """
    packs = {profile["uid"]: await attach.packs(hub, profile, fetch, caller) for profile in profiles}
    values = {
        profile["uid"]: {**profile.get("variables", {}), **masked.get(profile["uid"], {})} for profile in profiles
    }
    system = attach.system(hub, uid, name, project, head)
    macros = resolving_macros(hub, project) if macros is None else macros
    return resolver.Inputs(uid, name, generation, head, profiles, values, packs, macros, system, secret, hub.box)


def macros_shown(call: Call, project: str) -> dict[str, Macro]:
    """Return the macros of a project for a check: covered for a caller who may not create clusters there.

    What is wrong with a value quotes it, and a caller chooses where the value is used.
    """
    macros = resolving_macros(call.hub, project)
    if covers(call.actor.grants.role(project), ADMIN):
        return macros
    return {name: macro._replace(value=COVER) for name, macro in macros.items()}


def mark_simulated(hub: Services, head: Json) -> None:
    """Note whether a host is simulated, which marks the cluster."""
    entries = (hub.state.hosts.get(uid) for uid in store.host_uids(head))
    head["simulated"] = any(bool(entry.facts.simulated) for entry in entries if entry is not None)


def take(head: Json, result: resolver.Resolved) -> None:
    """Note in a head what its document names."""
    head["kubernetes"] = result.kubernetes
    head["packOf"] = result.pack_of
    head["blobs"] = sorted(result.content.named)
    if result.document is not None:
        head["registries"] = resolver.registries_of(result.document)


def checked(
    hub: Services,
    name: str,
    head: Json,
    uid: str,
    result: resolver.Resolved,
    before: model.ClusterDocument | None = None,
) -> model.ClusterDocument:
    """Return the document of a resolution; raises 422 with everything that is wrong in it.

    `before` is the document that it replaces: networks, addresses and names of nodes never change.
    """
    document = result.document
    findings = list(result.problems)
    if document is not None:
        findings += rules(document, facts_of(hub, head, uid), before)
    refuse(name, findings)
    assert document is not None
    return document


def refuse(name: str, findings: list[Finding]) -> None:
    """Raise a `Problem` with the errors among what was findings; do nothing without one."""
    wrong = [finding for finding in findings if finding.severity == ERROR]
    if not wrong:
        return
    more = f" {len(wrong) - _SHOWN} more." if len(wrong) > _SHOWN else ""
    text = f"The cluster '{name}': {' '.join(map(sentence, wrong[:_SHOWN]))}{more}"
    codes = {finding.code for finding in wrong}
    code = codes.pop() if len(codes) == 1 else wire.E_INVALID
    if code == "HostInUse":
        raise conflict(text, wire.E_IN_USE)
    raise Problem(422, code or wire.E_INVALID, text)


def sentence(finding: Finding) -> str:
    """Return a finding on one line: its layer with the place there, what is wrong, the next step."""
    place = ""
    if finding.layer and finding.layer != "kubernetes":
        parts = (f"layer {finding.layer}", f"line {finding.line}" if finding.line else "", finding.path)
        place = ", ".join(part for part in parts if part) + ": "
    message = finding.message if finding.message.endswith((".", "?", "!")) else f"{finding.message}."
    return f"{place}{message} {finding.hint}".strip()


def head_text(name: str, head: Json) -> str:
    """Return a head as it is stored; raises 413 for one that is too large."""
    text = msgspec.json.encode(head).decode()
    if len(text) > MAX_HEAD:
        raise Problem(413, "ClusterTooLarge", f"The cluster '{name}' has more than {MAX_HEAD // KIB} KiB of settings.")
    return text


def _store(call: Call, before: Loaded, edited: Edited, made: Made, action: str, tx: Tx) -> ClusterRecord | None:
    """Store a change; `None` when the cluster is not what the change was made of."""
    lock_hosts(tx, {*store.host_uids(before.head), *store.host_uids(edited.head)})
    record = store.get_or_404(tx, before.record.uid)
    if record != before.record:
        return None
    newer = msgspec.structs.replace(made.record, modified=tx.now)
    if edited.profiles is not None:
        attach.check_count(len(edited.profiles))
        attach.check_size(len(msgspec.json.encode(edited.profiles)))
    if edited.later:
        store.put(tx, record, newer)
        put_content(call.hub, tx, newer, made.public, None, None)
        waits = waiting.Waiting(
            before.wanted.profiles if edited.profiles is None else edited.profiles,
            before.wanted.variables if edited.variables is None else edited.variables,
        )
        store.put_secret(tx, call.hub.box, newer.uid, store.WAITING, waiting.text(waits))
    else:
        store.put(tx, record, newer, edited.profiles, made.document)
        put_content(call.hub, tx, newer, made.public, made.private, edited.variables)
        if before.waiting is not None and waiting.since(edited.head) is None:
            store.put_secret(tx, call.hub.box, newer.uid, store.WAITING, "")
    message = f"Cluster '{newer.name}': {edited.text}"
    call.audit(tx, action, wire.KIND, newer.uid, newer.name, message, newer.project_uid)
    return newer


def put_content(
    hub: Services,
    tx: Tx,
    record: ClusterRecord,
    public: dict[str, bytes],
    private: dict[str, str] | None,
    variables: dict[str, dict[str, str]] | None,
) -> None:
    """Store the blobs and secrets of a cluster."""
    for digest, data in public.items():
        hub.part(BlobStore).put(tx, record.project_uid, digest, data)
    if private is not None:
        text = msgspec.json.encode(private).decode() if private else ""
        store.put_secret(tx, hub.box, record.uid, store.PRIVATE, text)
    if variables is not None:
        text = msgspec.json.encode(variables).decode() if variables else ""
        store.put_secret(tx, hub.box, record.uid, store.VARIABLES, text)
