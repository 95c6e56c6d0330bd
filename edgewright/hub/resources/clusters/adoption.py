"""How a control plane hands over the document of a cluster that an operator adopts (P106)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection
from starlette.responses import Response

from edgewright.core.clusters import model
from edgewright.core.clusters.document import canonical, read
from edgewright.core.clusters.join import new_secret
from edgewright.core.errors import InvalidDocument
from edgewright.core.text import amount
from edgewright.hub.clusters import ending, form, resolver, store, tables
from edgewright.hub.clusters.adopting import record as adopted
from edgewright.hub.clusters.events import cluster_event
from edgewright.hub.clusters.host_facts import ProjectHosts
from edgewright.hub.clusters.index import Cluster, ClusterIndex
from edgewright.hub.db.hosts import find_host, raise_generation
from edgewright.hub.db.shared.rows import lock_hosts
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import shapes
from edgewright.hub.http.problems import Problem, conflict, forbidden, not_found
from edgewright.hub.http.routing import Access, Call, Route
from edgewright.hub.profiles.work import ProfileWork
from edgewright.hub.readmodel.blob_store import BlobStore
from edgewright.hub.resources.clusters import access
from edgewright.hub.resources.clusters.access import Loaded
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
_SECRET = re.compile(r"[0-9a-f]{64}")
_CONTENT = "ContentMissing"


async def hand_over(call: Call) -> Response:
    """Take the document that the plane asked this host for; a refusal is a condition of the cluster."""
    item = call.hub.part(ClusterIndex).by_uid.get(call.uid)
    if item is None:
        raise not_found("cluster", call.uid)
    asked = item.head.get("adoption") or {}
    if asked.get("hostUid") != call.actor.uid:
        raise forbidden(f"The host '{call.actor.uid[:128]}' is not asked for the document of '{item.record.name}'.")
    call.hub.intake.admit_request(call.actor.uid)
    body = await call.body()
    if body.get("id") != asked["id"]:
        raise conflict(f"The adoption of '{item.record.name}' was asked for again meanwhile.", wire.E_EDITED)
    try:
        await _adopt(call, item, asked, body)
    except Problem as problem:
        if problem.status in (409, 422) and problem.code != wire.E_EDITED:
            await call.write(partial(_note, uid=item.uid, asked=asked, text=problem.message))
        raise
    return call.empty()


def _note(tx: Tx, uid: str, asked: Json, text: str) -> None:
    """Store why a document is not taken, once for each reason; the host is asked for that of another cluster first."""
    lock_hosts(tx, [asked["hostUid"]])
    now = store.get_or_404(tx, uid)
    head = now.parts
    known = [row["message"] for row in head.get("conditions") or () if row["type"] == wire.E_ADOPTION]
    if known == [text] or (head.get("adoption") or {}).get("id") != asked["id"]:
        return
    ending.set_condition(head, wire.E_ADOPTION, wire.E_ADOPTION, text, tx.now)
    store.put(tx, now, msgspec.structs.replace(now, head=ending.head_text(head), modified=tx.now))
    _wake(tx, asked["hostUid"])


async def _adopt(call: Call, item: Cluster, asked: Json, body: Json) -> None:
    loaded = await access.load(call.hub, item.uid)
    if loaded.record.phase not in (tables.ACTIVE, tables.ADOPTING_PHASE):
        raise conflict(f"The cluster '{loaded.record.name}' is deleted meanwhile.", wire.E_STATE)
    try:
        document = await call.hub.part(ProfileWork).run(call.caller, partial(read, body.get("document") or {}))
    except InvalidDocument as wrong:
        raise Problem(422, wire.E_ADOPTION, f"The document of '{loaded.record.name}': {wrong.message}") from None
    _check(call, loaded, asked, document)
    secret, masked = str(body.get("clusterSecret") or ""), body.get("maskedValues") or {}
    version = int(body.get("version") or 1)
    _check_secrets(document, secret, version, masked)
    if loaded.record.phase == tables.ACTIVE and secret:
        known = await call.hub.read(lambda connection: store.secret_of(connection, call.hub.box, item.uid))
        if not hmac.compare_digest(known[1].hex(), secret):
            raise adopted.refused(f"The host has another secret of the cluster '{document.name}' than this plane.")
    generation = max(document.generation, loaded.record.generation) + 1
    document = adopted.placed(document, generation)
    project = ProjectHosts(call.hub, loaded.record.project_uid)
    work = partial(adopted.head_of, document, loaded.head, project, call.now)
    head = await call.hub.part(ProfileWork).run(call.caller, work)
    head.pop("adoption", None)
    head["blobs"] = [digest for digest in head["blobs"] if digest not in masked]
    ending.set_condition(head, wire.E_ADOPTION, "", "", call.now)
    missing = await _missing(call, loaded.record.project_uid, head["blobs"])
    _want(head, call.actor.uid, missing, call.now)
    newer = msgspec.structs.replace(
        loaded.record,
        name=document.name,
        live_name=document.name,
        phase=tables.ACTIVE,
        generation=generation,
        digest=document.digest,
        head=access.head_text(document.name, head),
        modified=call.now,
    )

    def job(tx: Tx) -> bool:
        lock_hosts(tx, {*store.host_uids(loaded.head), *store.host_uids(head)})
        now = store.get_or_404(tx, item.uid)
        if now != loaded.record:
            return False
        if store.is_named(tx, newer.project_uid, newer.name, newer.uid):
            raise store.name_taken(newer.name)
        store.put(tx, now, newer, None, canonical(document).decode())
        if secret or loaded.record.phase == tables.ADOPTING_PHASE:  # made-up hosts have none, and changes need one
            store.put_key(tx, call.hub.box, item.uid, version, secret or new_secret().hex())
        private = msgspec.json.encode(masked).decode() if masked else ""
        store.put_secret(tx, call.hub.box, item.uid, store.PRIVATE, private)
        count = amount(len(store.host_uids(head)), "host")
        message = f"Cluster '{newer.name}' is adopted with {count}, as {asked['by']} asked"
        call.audit(tx, "update", wire.KIND, newer.uid, newer.name, message, newer.project_uid)
        cluster_event(call.hub, tx, newer, "Info", "ClusterAdopted", f"{message}.")
        return True

    if not await call.write(job):
        raise conflict(f"The cluster '{newer.name}' was changed meanwhile; send it again.", wire.E_EDITED)


def _wake(tx: Tx, host_uid: str) -> None:
    """Let a host that was asked ask again: it may be asked for something of another cluster now."""
    if find_host(tx, host_uid) is not None:
        raise_generation(tx, host_uid, "cluster")


def _want(head: Json, host_uid: str, missing: list[str], now: float) -> None:
    """Note which content is asked for, with the condition that shows it; nothing of both when all is there."""
    head.pop("wanted", None)
    if missing:
        head["wanted"] = {"hostUid": host_uid, "digests": missing}
    count = f"{len(missing)} {'part' if len(missing) == 1 else 'parts'}"
    text = (
        f"{count} of the content of layers, which hosts have, {'is' if len(missing) == 1 else 'are'} not on this plane:"
    )
    text += " a control plane that joins cannot fetch it. A host hands it over; else attach the profiles again."
    ending.set_condition(head, _CONTENT, _CONTENT, text if missing else "", now)


async def content(call: Call) -> Response:
    """Take content of layers that the plane asked this host for (P108)."""
    item = call.hub.part(ClusterIndex).by_uid.get(call.uid)
    if item is None:
        raise not_found("cluster", call.uid)
    digest, wanted = call.params["digest"], item.head.get("wanted") or {}
    if wanted.get("hostUid") != call.actor.uid and all(
        machine["hostUid"] != call.actor.uid for _pool, machine in item.machines()
    ):
        raise forbidden(f"The host '{call.actor.uid[:128]}' does not belong to the cluster '{item.record.name}'.")
    call.hub.intake.admit_request(call.actor.uid)
    try:
        data = base64.b64decode(str((await call.body()).get("data") or ""), validate=True)
    except ValueError:
        raise Problem(422, wire.E_INVALID, "data in body should be base64.") from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise Problem(422, wire.E_INVALID, f"The content does not match the digest {digest[:64]}.")

    def job(tx: Tx) -> None:
        lock_hosts(tx, [call.actor.uid])
        now = store.get_or_404(tx, item.uid)
        head = now.parts
        left = (head.get("wanted") or {}).get("digests") or []
        if digest not in left:
            return  # it is here already, or is not asked for any more
        call.hub.part(BlobStore).put(tx, now.project_uid, digest, data)
        _want(head, head["wanted"]["hostUid"], [each for each in left if each != digest], tx.now)
        store.put(tx, now, msgspec.structs.replace(now, head=ending.head_text(head), modified=tx.now))
        if "wanted" not in head:
            _wake(tx, call.actor.uid)

    await call.write(job)
    return call.empty()


async def _missing(call: Call, project: str, digests: list[str]) -> list[str]:
    """Return the content that the plane does not have."""
    blobs = call.hub.part(BlobStore)

    def query(connection: Connection) -> list[str]:
        return [digest for digest in digests if not blobs.has(connection, project, digest)]

    return await call.hub.read(query)


def _check(call: Call, loaded: Loaded, asked: Json, document: model.ClusterDocument) -> None:
    """Raise `Problem` 409 for a document that is not the one that was asked for, or whose members are not its hosts."""
    name, project = document.name, loaded.record.project_uid
    if document.uid != loaded.record.uid or document.digest != asked["digest"]:
        raise adopted.refused(f"The document of '{loaded.record.name}' is not the one that was asked for; adopt again.")
    if loaded.record.phase == tables.ACTIVE and name != loaded.record.name:
        raise adopted.refused(f"The document names the cluster '{name}' and this plane '{loaded.record.name}'.")
    if loaded.record.phase == tables.ACTIVE and document.simulated != loaded.head["simulated"]:
        raise adopted.refused(f"The document of the cluster '{name}' and this plane differ in whether it is simulated.")
    own = document.member(call.actor.uid)
    if own is None or own.role != model.CONTROL_PLANE or own.state != model.PRESENT:
        raise adopted.refused(f"The host '{call.actor.uid}' is not a control plane of the cluster '{name}'.")
    form.check_name(name)
    before = set(store.host_uids(loaded.head))
    strange = []
    for member in document.members:
        entry = call.hub.state.hosts.get(member.host_uid)
        if entry is None or member.host_uid in before:
            continue  # a host without a record here is a member by the document alone
        if entry.record.project_uid != project:
            text = f"The host '{member.node_name}' of the cluster '{name}' is in another project; move it first."
            raise adopted.refused(text)
        reports = any(work.uid == document.uid for work in entry.facts.clusters)
        if not reports and member.state == model.PRESENT and entry.record.registered_at is not None:
            strange.append(member.node_name)
    if strange:
        text = f"{', '.join(strange[:5])} of the cluster '{name}' do not report that they belong to it"
        raise adopted.refused(f"{text}; wait for their next facts, or delete these hosts here.")


def _check_secrets(document: model.ClusterDocument, secret: str, version: int, masked: Any) -> None:
    if not (_SECRET.fullmatch(secret) or (document.simulated and not secret)) or not 0 < version < 1 << 31:
        raise adopted.refused(f"The host sent no secret of the cluster '{document.name}'; adopt from another one.")
    if not isinstance(masked, dict):
        raise adopted.refused(f"The host sent no masked values of the cluster '{document.name}' by their digests.")
    if sum(len(str(text)) for text in masked.values()) > resolver.MAX_PRIVATE:
        raise adopted.refused(f"The masked values of the cluster '{document.name}' are too large.")
    for digest, text in masked.items():
        if not isinstance(text, str) or hashlib.sha256(text.encode()).hexdigest() != digest:
            raise adopted.refused(f"A masked value of the cluster '{document.name}' does not match its digest.")


ADOPTION = shapes.obj(
    id=shapes.name(64),
    document=shapes.ANY,
    version=shapes.INTEGER,
    clusterSecret=shapes.name(64),
    maskedValues=shapes.ANY,
)
ROUTES = (
    Route("PUT", wire.ADOPTION, Access.ANY_HOST, hand_over, body=ADOPTION),
    Route("PUT", wire.CONTENT, Access.ANY_HOST, content, body=shapes.obj(data=shapes.text(2 * wire.MAX_CONTENT))),
)
