"""SSH keys over the API (Palette's `/v1/users/assets/sshkeys`): of the project of `ProjectUid`, else of the tenant."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from edgewright.core.filters import palette as listfilter
from edgewright.core.roles import ADMIN
from edgewright.core.sshkey import SshKey, read_key
from edgewright.hub.db.document_bounds import check_record
from edgewright.hub.db.records import SshKeyRecord, dump
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import problems
from edgewright.hub.http.merge import merge_metadata
from edgewright.hub.http.palette_bodies import sshkeys as shapes
from edgewright.hub.http.problems import bad_request, invalid, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.http.shapes import text
from edgewright.hub.resources.ssh_keys import store
from edgewright.hub.resources.ssh_keys.render import ssh_key
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire import protocol

KIND = "sshkey"
_FILTERS = ("metadata.uid", "metadata.name")


def _visible(call: Call, record: SshKeyRecord) -> bool:
    """Return whether a key is shown to the caller: those of its scope, and those of the tenant."""
    return not record.project_uid or call.scope.covers(record.project_uid)


def _key(spec: dict[str, Any]) -> tuple[str, SshKey]:
    """Return the text of a key as sent and what is in it; raises 422."""
    text = str(spec.get("publicKey") or "")
    if not text.strip():
        raise invalid(problems.REQUIRED, "spec.publicKey in body is required")
    try:
        return text, read_key(text)
    except ValueError as error:
        raise invalid(problems.PATTERN, f"spec.publicKey in body {error}.") from None


def _name(body: dict[str, Any]) -> str:
    name = str((body.get("metadata") or {}).get("name") or "").strip()
    if not name:
        raise invalid(problems.REQUIRED, "metadata.name in body is required")
    return name


async def listing(call: Call) -> Response:
    """List the keys (`v1UserAssetsSsh`) by name."""
    try:
        alternatives = listfilter.parse(call.request.query_params.get("filters", ""), _FILTERS)
    except ValueError as error:
        raise bad_request(str(error)) from None

    def passes(record: SshKeyRecord) -> bool:
        values = {"metadata.uid": record.uid, "metadata.name": record.name}
        return not alternatives or any(
            all((values[term.property] == term.value) is not term.negated for term in terms) for terms in alternatives
        )

    shown = [record for record in call.hub.state.ssh_keys.values() if _visible(call, record) and passes(record)]
    shown.sort(key=lambda record: (record.name.casefold(), record.uid))
    items = []
    async with call.pace() as pace:
        for record in shown:
            items.append(ssh_key(record))
            if pace.due:
                await pace.rest()
    return call.json({"items": items})


async def create(call: Call) -> Response:
    """Add a key to the project of the call, or to the tenant."""
    body = await call.body()
    name, (text, key), project = _name(body), _key(body.get("spec") or {}), call.project
    doc = check_record("SSH key", name, dump({"metadata": merge_metadata({}, body.get("metadata") or {})}))

    def job(tx: Tx) -> str:
        record = SshKeyRecord(new_uid(), name, project, text, key.fingerprint, doc, tx.now, tx.now)
        store.insert(tx, record)
        call.audit(tx, "create", KIND, record.uid, name, f"SSH key '{name}' is added: {key.fingerprint}", project)
        return record.uid

    return call.created(await call.write(job))


def _record(call: Call) -> SshKeyRecord:
    record = call.hub.state.ssh_keys.get(call.uid)
    if record is None or not _visible(call, record):
        raise not_found("SSH key", call.uid)
    return record


async def get(call: Call) -> Response:
    """Return one key."""
    return call.json(ssh_key(_record(call)))


async def update(call: Call) -> Response:
    """Change name, labels or the key; what is not sent stays (rule P51)."""
    body = await call.body()
    call.require(ADMIN, _record(call).project_uid)
    meta, spec = body.get("metadata") or {}, body.get("spec") or {}
    sent = _key(spec) if "publicKey" in spec else None

    def job(tx: Tx) -> None:
        record = store.get_or_404(tx, call.uid)
        name = str(meta.get("name") or "").strip() or record.name
        text, key = sent or (record.public_key, read_key(record.public_key))
        stored = msgspec.json.decode(record.doc).get("metadata") or {}
        doc = check_record("SSH key", name, dump({"metadata": merge_metadata(stored, meta)}), record.doc)
        store.update(tx, record, name=name, public_key=text, fingerprint=key.fingerprint, doc=doc)
        changed = f": {key.fingerprint} replaces {record.fingerprint}" if key.fingerprint != record.fingerprint else ""
        call.audit(tx, "update", KIND, record.uid, name, f"SSH key '{name}' is updated{changed}", record.project_uid)

    await call.write(job)
    return call.empty()


async def delete(call: Call) -> Response:
    """Delete a key; hosts that have it do not change."""
    call.require(ADMIN, _record(call).project_uid)

    def job(tx: Tx) -> None:
        record = store.get_or_404(tx, call.uid)
        store.delete(tx, record)
        message = f"SSH key '{record.name}' is deleted: {record.fingerprint}"
        call.audit(tx, "delete", KIND, record.uid, record.name, message, record.project_uid)

    await call.write(job)
    return call.empty()


ROUTES = (
    Route("GET", protocol.SSH_KEYS, Access.READ, listing, query={"filters": text()}),
    Route("POST", protocol.SSH_KEYS, Access.WRITE, create, body=shapes.USER_ASSET_SSH_ENTITY),
    Route("GET", protocol.SSH_KEY, Access.READ, get),
    Route("PUT", protocol.SSH_KEY, Access.WRITE, update, On.OBJECT, body=shapes.USER_ASSET_SSH),
    Route("DELETE", protocol.SSH_KEY, Access.WRITE, delete, On.OBJECT),
)
