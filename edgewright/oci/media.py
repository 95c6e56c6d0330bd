"""Media types of images, and the two families that they have (OCI, and Docker's schema 2)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from edgewright.core.errors import InvalidInput

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
MANIFESTS = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST)
INDEXES = (OCI_INDEX, DOCKER_LIST)

_TO_OCI = {
    DOCKER_LAYER: OCI_LAYER,
    DOCKER_LAYER + ".gzip": OCI_LAYER + "+gzip",
    DOCKER_LAYER + ".zstd": OCI_LAYER + "+zstd",
    OCI_LAYER: OCI_LAYER,
    OCI_LAYER + "+gzip": OCI_LAYER + "+gzip",
    OCI_LAYER + "+zstd": OCI_LAYER + "+zstd",
}


def layer(media_type: str) -> str:
    """Return the OCI media type of a layer; the bytes are the same in both families. Raises `InvalidInput`."""
    oci_type = _TO_OCI.get(media_type)
    if oci_type is None:
        raise InvalidInput(
            f"The base has a layer of a kind that cannot be carried on ({media_type}).",
            "Layers must be tar, tar+gzip or tar+zstd, and allowed to be distributed.",
        )
    return oci_type


def parsed(data: bytes, what: str) -> dict[str, Any]:
    """Return a JSON object. Raises `InvalidInput` when it is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidInput(f"{what} is not a JSON object.", "It is damaged, or no image.")
    return document


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the JSON objects of a list; anything else is skipped."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def object_(value: Any) -> dict[str, Any]:
    """Return a JSON object, an empty one for whatever is none."""
    return value if isinstance(value, dict) else {}


def of_manifest(data: bytes, received: str) -> str:
    """Return the media type of a manifest: its own, else `received`. Raises `InvalidInput`."""
    document = parsed(data, "The manifest")
    own = document.get("mediaType")
    media_type = own if isinstance(own, str) and own else received
    if media_type not in MANIFESTS:
        if "manifests" in document:
            return OCI_INDEX
        if isinstance(document.get("config"), dict) and isinstance(document.get("layers"), list):
            return OCI_MANIFEST
        raise InvalidInput(
            f"The manifest is of a kind that is not known here ({media_type or 'it names none'}).",
            "Images of OCI and Docker's schema 2 are; push older ones again.",
        )
    return media_type


def canonical(document: Any) -> bytes:
    """Return JSON bytes that are the same each time: keys in the order given, no spaces."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def digest(data: bytes) -> str:
    """Return the digest of bytes as a descriptor names it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
