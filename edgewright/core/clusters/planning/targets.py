"""Targets of steps: short names of what a step is for, so that another target is another step in the journal."""

from __future__ import annotations

from edgewright.core.clusters.actions import short
from edgewright.core.clusters.document import LAYER
from edgewright.core.clusters.fields import encode
from edgewright.core.clusters.model import ClusterDocument, Layer, Member


def _hash(*parts: object) -> str:
    return short(encode(list(parts)).decode())


def members(document: ClusterDocument) -> str:
    """Return the target of a preflight: all members with their addresses, and the endpoint."""
    listed = sorted([m.host_uid, m.node_name, m.address, m.nic] for m in document.present)
    return _hash(listed, document.endpoint.host, document.tree.digest)


def content(document: ClusterDocument) -> str:
    """Return the target of a fetch: every digest of the document."""
    blobs = sorted({blob for layer in document.layers for blob in (*layer.content, layer.values) if blob})
    return _hash(document.tree.digest, blobs, sorted({image.digest for image in document.images}))


def tree(document: ClusterDocument) -> str:
    """Return the target of what belongs to the tree."""
    return short(document.tree.digest)


def images(document: ClusterDocument) -> str:
    """Return the target of the preload."""
    return _hash(sorted({image.digest for image in document.images}))


def endpoint(document: ClusterDocument) -> str:
    """Return the target of the VIP: its address and the control planes that serve it."""
    listed = sorted([m.address, m.nic] for m in document.control_planes)
    return _hash(document.endpoint.host, document.endpoint.nic, listed)


def epoch(document: ClusterDocument) -> str:
    """Return the target of the formation."""
    return f"e{document.bootstrap.epoch}"


def join(document: ClusterDocument, member: Member) -> str:
    """Return the target of a host's own join."""
    return f"{epoch(document)}-{member.join_epoch}"


def host(document: ClusterDocument, member: Member) -> str:
    """Return the target of a duty for another host: one for each of its joins and releases."""
    release = short(member.release_id, 8) if member.release_id else f"{document.bootstrap.epoch}-{member.join_epoch}"
    return f"{short(member.host_uid)}-{release}"


def release(member: Member) -> str:
    """Return the target of a release."""
    return short(member.release_id)


def layer(item: Layer) -> str:
    """Return the target of an add-on: what it installs, and where."""
    body = LAYER.write(item, False)
    kind = [body.get(name) for name in ("kind", "namespace", "release", "content", "values")]
    return f"{item.name}-{_hash(*kind)}"
