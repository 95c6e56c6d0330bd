"""What a registry may be: its address, its login, and what of it is secret."""

from __future__ import annotations

from typing import Any

import msgspec

from edgewright.core.errors import EdgewrightError
from edgewright.hub.db.records import dump
from edgewright.hub.http import problems
from edgewright.hub.http.merge import merge_metadata
from edgewright.hub.http.problems import Problem, invalid
from edgewright.hub.packs import tables
from edgewright.hub.packs.registry_documents import MASKED
from edgewright.hub.packs.tables import RegistryRecord
from edgewright.hub.security.secretbox import SecretBox
from edgewright.oci.access import tls_context
from edgewright.packs import fetching, registry

NONE = "noAuth"
_STATUS = ("Unknown", "It was not read yet.")


def new_record(uid: str, kind: str, body: dict[str, Any], box: SecretBox, now: float) -> RegistryRecord:
    """Return the record of a new registry; raises 422 for what cannot work."""
    name, endpoint, doc, secret = _checked(kind, body, {}, None)
    sealed = box.seal(dump(secret)) if secret else ""
    return RegistryRecord(uid, name, kind, endpoint, doc, sealed, "", *_STATUS, None, None, now, now)


def changes(record: RegistryRecord, body: dict[str, Any], box: SecretBox, now: float) -> dict[str, Any]:
    """Return the changed columns of a registry; raises 422.

    A secret that is masked or missing stays, unless the address changes: then it is asked for again.
    """
    opened = box.unseal(record.secret_encrypted) if record.secret_encrypted else None
    moved = str((body.get("spec") or {}).get("endpoint") or "").strip() != record.endpoint
    before: dict[str, Any] = {} if moved else _load(opened)  # a secret never follows to another address
    name, endpoint, doc, secret = _checked(record.kind, body, _load(record.doc), before)
    changed: dict[str, Any] = {"name": name, "endpoint": endpoint, "doc": doc, "modified": now}
    changed["secret_encrypted"] = box.seal(dump(secret)) if secret else ""
    if endpoint != record.endpoint:
        changed |= {"content": "", "status": _STATUS[0], "message": _STATUS[1], "last_synced": None}
    return changed


def _load(text: str | None) -> dict[str, Any]:
    value: dict[str, Any] = msgspec.json.decode(text) if text else {}
    return value


def _checked(
    kind: str, body: dict[str, Any], stored: dict[str, Any], before: dict[str, Any] | None
) -> tuple[str, str, str, dict[str, Any]]:
    """Return name, endpoint, document without secrets, and the secrets."""
    spec = dict(body.get("spec") or {})
    meta = merge_metadata(stored.get("metadata") or {}, body.get("metadata") or {})
    name = str((body.get("metadata") or {}).get("name") or spec.get("name") or "").strip()
    name = name or str((stored.get("metadata") or {}).get("name") or "")
    if not name:
        raise invalid(problems.REQUIRED, "metadata.name in body is required")
    endpoint = str(spec.get("endpoint") or "").strip()
    auth, secret = _auth(dict(spec.get("auth") or {}), before or {})
    _check_extension(spec.get("edgewright"))
    spec = {key: value for key, value in spec.items() if key not in ("endpoint", "name", "scope", "registryUid")}
    spec["auth"] = auth
    try:
        if kind == tables.HELM:
            fetching.web_address(endpoint, f"The registry {name}")
        else:
            base = str(spec.get("basePath") or spec.get("baseContentPath") or "")
            registry.place_of(endpoint, base)
        tls_context("", None, str((auth.get("tls") or {}).get("ca") or ""))
    except EdgewrightError as error:
        raise Problem(422, error.code, f"{error.message} {error.hint}".strip()) from None
    return name, endpoint, dump({"metadata": {**meta, "name": name}, "spec": spec}), secret


def _check_extension(value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, dict) or not isinstance(value.get("allowPrivate", False), bool):
        raise invalid(problems.TYPE, "spec.edgewright.allowPrivate in body must be of type boolean")


def _auth(auth: dict[str, Any], before: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the login without its secret, and the secret."""
    kind = str(auth.get("type") or NONE)
    given = {key: str(auth.pop(key, "") or "") for key in ("password", "token")}
    tls = dict(auth.get("tls") or {})
    if tls.get("insecureSkipVerify"):
        raise invalid(problems.ENUM, "spec.auth.tls.insecureSkipVerify in body: TLS is always verified; give the CA")
    if tls.get("certificate") or tls.pop("key", ""):
        raise invalid(problems.ENUM, "spec.auth.tls in body: client certificates are not supported")
    if tls:
        auth["tls"] = tls
    secret: dict[str, Any] = {}
    name = {"basic": "password", "token": "token"}.get(kind)
    if name is not None:
        value = given[name]
        value = str(before.get(name) or "") if value in ("", MASKED) else value
        if not value:
            raise invalid(problems.REQUIRED, f"spec.auth.{name} in body is required")
        secret[name] = value
    if kind == "basic" and not str(auth.get("username") or "").strip():
        raise invalid(problems.REQUIRED, "spec.auth.username in body is required")
    return {**auth, "type": kind}, secret
