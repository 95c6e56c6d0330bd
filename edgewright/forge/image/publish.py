"""The end of every build: layers, configuration and manifest to the registry, then the SBOM, then the signature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.forge.image import sbom, sign
from edgewright.forge.image.bases import Base
from edgewright.forge.progress import Job
from edgewright.forge.registry import push
from edgewright.forge.registry.layers import Source
from edgewright.forge.registry.spool import Blob, Spool
from edgewright.oci import media
from edgewright.oci.reference import Reference
from edgewright.oci.registry import Registry

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


class Image(NamedTuple):
    """An image that is ready: its base (None: it has none), the layers on top of it, configuration and manifest.

    `source` gives the base's layers where they were fetched already, so that they are not fetched again.
    """

    base: Base | None
    layers: Sequence[Blob]
    config: bytes
    manifest: bytes
    source: Source | None = None


class Published(NamedTuple):
    """What is at the registry now: digest of the image, how its blobs came there, the SBOM's digest, the signature."""

    digest: str
    pushed: dict[str, int]
    sbom: str
    signature: dict[str, Any] | None


def publish(
    image: Image,
    target: Registry,
    reference: Reference,
    bill: bytes,
    spool: Spool,
    job: Job,
    *,
    free: bool,
    replace: bool,
    key: EllipticCurvePrivateKey | None,
) -> Published:
    """Push an image, attach its SBOM and sign it. Raises `EdgewrightError`; before the manifest nothing is tagged.

    `free`: the tag was free when the build began, so it is looked at again.
    """
    sent = push.layers(image.base, image.layers, target, spool, image.source)
    if free:
        push.refuse_taken(target, reference, replace=replace)  # another process may have been faster
    pushed = push.image(target, reference, image.config, image.manifest, sent, spool)
    job.step("attaching the SBOM", "steps")
    bill_digest = sbom.attach(target, pushed.digest, pushed.size, bill, f"the SBOM of {reference}")
    signature = None
    if key is not None:
        job.step("signing", "steps")
        signature = sign.sign(target, reference, pushed.digest, key)._asdict()
    counts = {"there": pushed.there, "mounted": pushed.mounted, "sent": pushed.sent, "sentBytes": pushed.sent_bytes}
    return Published(pushed.digest, counts, bill_digest, signature)


def configuration(config: dict[str, Any], fresh: Sequence[Blob], labels: dict[str, str], created_by: str) -> bytes:
    """Return the bytes of an image's configuration: `config` with further layers on top and labels.

    `config` has `created`, `architecture` and the base's own `config`, `history` and `rootfs`, where there is a base.
    """
    inner = dict(media.object_(config.get("config")))
    inner["Labels"] = {**media.object_(inner.get("Labels")), **labels}
    diffs = media.object_(config.get("rootfs")).get("diff_ids") or []
    entry = {"created": config["created"], "created_by": created_by}
    history = [*media.objects(config.get("history")), *(entry for _ in fresh)]
    rootfs = {"type": "layers", "diff_ids": [*diffs, *(blob.diff_id for blob in fresh)]}
    return media.canonical({**config, "os": "linux", "config": inner, "rootfs": rootfs, "history": history})


def manifest(
    config: bytes,
    layers: Sequence[dict[str, Any]],
    annotations: dict[str, str],
    config_type: str = media.OCI_CONFIG,
    **more: Any,
) -> bytes:
    """Return the bytes of an image's manifest; `layers` are descriptors, from the lowest to the highest."""
    return media.canonical(
        {
            "schemaVersion": 2,
            "mediaType": media.OCI_MANIFEST,
            **more,
            "config": {"mediaType": config_type, "digest": media.digest(config), "size": len(config)},
            "layers": list(layers),
            "annotations": annotations,
        }
    )
