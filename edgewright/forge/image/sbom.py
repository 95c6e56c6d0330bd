"""What is in a provider image, as SPDX 2.3: the base's packages, and each file that was put in with its sha256."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from edgewright import __version__
from edgewright.forge import spdx
from edgewright.forge.image import sign
from edgewright.forge.image.content import System
from edgewright.forge.image.inputs import Input
from edgewright.forge.registry.reference import Kubernetes
from edgewright.oci import media, push
from edgewright.oci.reference import Reference
from edgewright.oci.registry import Registry

MEDIA_TYPE = "text/spdx+json"
ARTIFACT_TYPE = "application/spdx+json"


class Named(Protocol):
    """What an image is called, and which Kubernetes is in it."""

    @property
    def reference(self) -> Reference:
        """The image at its registry."""

    @property
    def kubernetes(self) -> Kubernetes:
        """The distribution and its version."""


def document(
    name: Named, system: System, files: Mapping[str, bytes], inputs: Sequence[Input], base: str, epoch: int
) -> dict[str, Any]:
    """Return the SPDX document; the same inputs give the same one.

    It describes the image by name, not by digest: it is made before the image is.
    """
    reference = str(name.reference)
    image = spdx.package("SPDXRef-Image", reference, name.kubernetes.full, purpose="CONTAINER")
    contents = [_of_system(result, system, number) for number, result in enumerate(_installed(files), 1)]
    for number, item in enumerate([i for i in inputs if not i.link], 1):
        comment = f"{item.kind} from {item.source}" + (f": {', '.join(item.images)}" if item.images else "")
        ref = spdx.identifier("Input", str(number))
        contents.append(
            spdx.package(ref, item.name, name.kubernetes.full, sha256=[item.sha256], purpose="FILE", comment=comment)
        )
    seed = reference + base + "".join(item.sha256 for item in inputs)
    comment = f"Base: {base}. Packages of the base: {_package_count(files)}." if base else "A tree: it has no base."
    return spdx.document(
        reference,
        f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, seed)}",
        epoch,
        f"edgewright-{__version__}",
        [image, *contents],
        [spdx.relation(image["SPDXID"], "CONTAINS", entry["SPDXID"]) for entry in contents],
        comment=comment,
    )


def _of_system(result: tuple[str, str, str, str], system: System, number: int) -> dict[str, Any]:
    kind, name, version, arch = result
    distro = f"&distro={quote(system.name)}-{quote(system.version)}" if system.name else ""
    locator = f"pkg:{kind}/{quote(system.name or 'unknown')}/{quote(name)}@{quote(version)}?arch={quote(arch)}{distro}"
    return spdx.package(spdx.identifier("Package", str(number), name), name, version, purl=locator)


def packages(files: Mapping[str, bytes]) -> list[tuple[str, str, str, str]]:
    """Return kind, name, version and architecture of each package that is installed according to the base."""
    return list(_installed(files))


def _installed(files: Mapping[str, bytes]) -> Iterator[tuple[str, str, str, str]]:
    """Yield kind, name, version and architecture of each package that is installed according to the base."""
    for path in sorted(files):
        if path.startswith("var/lib/dpkg/status"):
            for fields in _paragraphs(files[path], ": "):
                state = fields.get("Status", "install ok installed")
                if state.endswith(" installed") and "Package" in fields:
                    yield "deb", fields["Package"], fields.get("Version", ""), fields.get("Architecture", "")
        elif path == "lib/apk/db/installed":
            for fields in _paragraphs(files[path], ":"):
                if "P" in fields:
                    yield "apk", fields["P"], fields.get("V", ""), fields.get("A", "")


def _paragraphs(raw: bytes, separator: str) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    for line in raw.decode("utf-8", "replace").splitlines():
        if not line.strip():
            if fields:
                yield fields
            fields = {}
        elif not line[0].isspace():
            key, _, value = line.partition(separator)
            fields[key] = value.strip()
    if fields:
        yield fields


def _package_count(files: Mapping[str, bytes]) -> str:
    count = sum(1 for _ in _installed(files))
    return f"{count} listed" if count else "not known (no list of packages was found in it, or it was not read)"


def attach(registry: Registry, digest: str, size: int, data: bytes, what: str) -> str:
    """Store an SBOM beside an image, and return the digest of its manifest.

    Under the tag `sha256-DIGEST.sbom`, where cosign looks, and as a referrer of the image: by the registry itself
    when it stores referrers, else in the index that the specification names for registries that do not.
    """
    layer = {"mediaType": MEDIA_TYPE, "size": len(data), "digest": push.small(registry, data, what)}
    subject = {"mediaType": media.OCI_MANIFEST, "digest": digest, "size": size}
    more = {"artifactType": ARTIFACT_TYPE, "subject": subject}
    manifest = sign.manifest_of(registry, [layer], what, **more)
    answer = registry.put_manifest(sign.tag_of(digest, "sbom"), manifest, media.OCI_MANIFEST, what)
    own = registry.manifest(sign.tag_of(digest, "sbom"), what).digest
    if "OCI-Subject" not in answer.headers:
        _list_referrer(registry, digest, own, len(manifest), what)
    return own


def _list_referrer(registry: Registry, digest: str, own: str, size: int, what: str) -> None:
    tag = sign.tag_of(digest, "")
    entries: list[dict[str, Any]] = []
    if registry.digest(tag, what) is not None:
        index = media.parsed(registry.manifest(tag, what).data, f"The referrers of {digest}")
        entries = media.objects(index.get("manifests"))
    if any(m.get("digest") == own for m in entries):
        return
    entries.append({"mediaType": media.OCI_MANIFEST, "digest": own, "size": size, "artifactType": ARTIFACT_TYPE})
    index = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": entries}
    registry.put_manifest(tag, media.canonical(index), media.OCI_INDEX, what)
