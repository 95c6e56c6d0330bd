"""Fetching by the hub: bounded in number, size and time, never from link-local addresses, with sealed logins.

Private addresses and this machine are refused as well, unless an admin has allowed them for the registry.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from edgewright.core.errors import EdgewrightError, InvalidInput, NotFound, Refused, TimedOut, Unreachable
from edgewright.core.packs.layers import MANIFEST
from edgewright.core.packs.pack import Pack
from edgewright.hub.http.problems import Problem
from edgewright.hub.packs import tables
from edgewright.hub.packs.index import Listed
from edgewright.hub.packs.tables import RegistryRecord
from edgewright.oci.access import Access
from edgewright.oci.credentials import Login
from edgewright.oci.guard import public_only, with_private
from edgewright.packs import fetching as sources
from edgewright.packs import helm, reader, registry
from edgewright.packs.fetching import Deadline
from edgewright.packs.reader import LoadedPack

if TYPE_CHECKING:
    from edgewright.hub.security.secretbox import SecretBox

CHARTS = 500
VERSIONS = 10
"""What is remembered of the index of a Helm repository: charts, and the newest versions of each."""
SYNC_SECONDS = 120.0
_NEXT_STEPS = {
    "CertificateRefused": "Give the CA of the registry: --ca FILE.",
    "NoLogin": "Add the registry with one: --user NAME --password-file FILE, or --token-file FILE.",
    "WrongLogin": "Check user and password of the registry.",
    "Denied": "Ask its owner for the right to read, or give another login.",
}
"""What a user of the hub does, by the code of the error, where other programs have files that the hub does not read."""


def access_of(record: RegistryRecord, box: SecretBox) -> Access:
    """Return how a registry is contacted: its login, its authorities, and which addresses it may have."""
    text = box.unseal(record.secret_encrypted) if record.secret_encrypted else None
    secret: dict[str, Any] = msgspec.json.decode(text) if text else {}
    auth = record.spec.get("auth") or {}
    login = None
    if auth.get("type") == "basic":
        login = Login(str(auth.get("username") or ""), str(secret.get("password") or ""), "", "the hub")
    elif auth.get("type") == "token":
        login = Login("", "", str(secret.get("token") or ""), "the hub")
    pem = str((auth.get("tls") or {}).get("ca") or "")
    return Access(login, ca_pem=pem, guard=with_private if record.private else public_only)


def place_of(record: RegistryRecord) -> registry.Place:
    """Return host and path of an OCI registry. Raises `InvalidInput`, `Refused`."""
    spec = record.spec
    return registry.place_of(record.endpoint, str(spec.get("basePath") or spec.get("baseContentPath") or ""))


def look(record: RegistryRecord, access: Access) -> list[Listed]:
    """Return what a registry has. Blocking. Raises `EdgewrightError`."""
    job = Deadline(f"Reading the registry {record.name}", SYNC_SECONDS)
    if record.kind == tables.HELM:
        index = helm.fetch_index(record.endpoint, access, job)
        return [
            Listed(entry.name, entry.version, "helm", entry.description, entry.app_version, entry.url, entry.digest)
            for name in sorted(index)[:CHARTS]
            for entry in index[name][:VERSIONS]
        ]
    place = place_of(record)
    registry.check(place, access)
    try:
        names = registry.names(place, access, job)
    except EdgewrightError as error:
        if registry.catalogue_problem(error):
            return []  # many registries have no catalogue; their packs are fetched by name
        raise
    return [
        Listed(name, tag, "oci")
        for name in names[:CHARTS]
        for tag in registry.tags(place, name, access, job)[:VERSIONS]
    ]


def check(record: RegistryRecord, access: Access) -> None:
    """Refuse a registry that does not answer as one. Blocking. Raises `EdgewrightError`."""
    if record.kind == tables.HELM:
        helm.fetch_index(record.endpoint, access, Deadline(f"Reading the registry {record.name}", SYNC_SECONDS))
    else:
        registry.check(place_of(record), access)


def fetch(record: RegistryRecord, access: Access, listed: Listed) -> LoadedPack:
    """Return a version of a registry. Blocking. Raises `EdgewrightError`."""
    if record.kind == tables.HELM:
        entry = helm.HelmEntry(listed.name, listed.version, url=listed.url, digest=listed.digest)
        return reader.from_chart(helm.fetch_chart(record.endpoint, entry, access))
    loaded, _digest = registry.fetch(place_of(record), listed.name, listed.version, access)
    if (loaded.pack.name, loaded.pack.version) != (listed.name.rpartition("/")[2], listed.version):
        raise InvalidInput(
            f"{listed.name}:{listed.version} contains the pack {loaded.pack.name} {loaded.pack.version}.",
            "Push it under its own name and version.",
            "WrongPack",
        )
    return loaded


def fetch_upstream(pack: Pack) -> LoadedPack:
    """Return a pack of the catalogue with what it refers to: charts or manifests, and its digest. Blocking.

    Raises `EdgewrightError`; `Failed` with `DigestMismatch` when it is not what was recorded before.
    """
    upstream = pack.upstream
    if upstream is None or upstream.kind == "image":
        raise InvalidInput(
            f"The pack {pack.name} has nothing to fetch: hosts pull its images.", "Bundle its images.", "NothingToFetch"
        )
    access = Access(guard=public_only)
    what = f"{upstream.name} {upstream.version}"
    if upstream.kind == MANIFEST:
        url = f"{upstream.repository.rstrip('/')}/{upstream.name}"
        data = sources.get(url, what, access, Deadline(f"Fetching {what}"), 1024 * 1024)
        loaded = reader.from_manifests({f"manifests/{upstream.name}": data}, upstream.name.partition(".")[0], what)
        fetched: dict[str, Any] = {"manifests": (*pack.manifests, *loaded.pack.manifests)}
    elif upstream.kind == "helm":
        entry = helm.find(
            helm.fetch_index(upstream.repository, access), upstream.name, upstream.version, upstream.repository
        )
        loaded = reader.from_chart(helm.fetch_chart(upstream.repository, entry, access))
        fetched = {"charts": loaded.pack.charts}
    else:
        place = registry.place_of(upstream.repository)
        loaded, _ = registry.fetch(place, upstream.name, upstream.version, access)
        fetched = {"charts": loaded.pack.charts}
    digest = next(iter(loaded.blobs))
    if upstream.digest and upstream.digest != digest:
        raise InvalidInput(
            f"{what} has the digest {digest}, and {upstream.digest} was recorded.",
            "Do not use it before that is explained.",
            "DigestMismatch",
        )
    return LoadedPack(replace(pack, upstream=replace(upstream, digest=digest), **fetched), loaded.blobs)


def problem_of(error: EdgewrightError) -> Problem:
    """Return the answer for a failure: 502 for what is at the registry's side, 403 for an address, 404, else 422."""
    message = f"{error.message} {error.hint}".strip()
    if error.code in _NEXT_STEPS:
        if (
            error.code == "NoLogin"
        ):  # the rest of the sentence is about the files of a user, which the hub does not read
            message = f"{error.message.partition(',')[0]}."
        else:
            message = error.message
        return Problem(502, error.code, f"{message} {_NEXT_STEPS[error.code]}")
    if error.code == "AddressRefused":
        hint = "An admin can allow private addresses for a registry (--addresses private); link-local ones never."
        return Problem(403, error.code, f"{error.message} {hint}")
    if error.code in ("NoTLS", "BadRedirect") and isinstance(error, Refused):
        return Problem(422, error.code, message)
    if isinstance(error, (Unreachable, TimedOut, Refused)):
        return Problem(502, error.code, message)
    if isinstance(error, NotFound):
        return Problem(404, error.code, message)
    return Problem(422, error.code, message)
