"""What is in the image of the hub, as SPDX 2.3: the packages of the base, the libraries, and the hub's files."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edgewright import __version__
from edgewright.forge import spdx
from edgewright.forge.hubimage.contents import Library
from edgewright.forge.image.content import System
from edgewright.forge.image.sbom import packages

LICENCE = "Apache-2.0"


def document(
    reference: str,
    base: str,
    libraries: Sequence[Library],
    own: Mapping[str, Path],
    epoch: float,
    system: System | None = None,
    files: Mapping[str, bytes] | None = None,
) -> dict[str, Any]:
    """Return the SPDX document; the same inputs give the same one.

    `base` names the base with its digest, "" when it is chosen later; `files` are those of the base that list its
    packages. The image is described by name: the document is made before it.
    """
    image = spdx.package("SPDXRef-Image", reference, __version__, licence=LICENCE, purpose="CONTAINER")
    hub = spdx.package(
        "SPDXRef-Hub", "edgewright-hub", __version__, licence=LICENCE, purpose="APPLICATION",
        licenseInfoFromFiles=[spdx.UNKNOWN],
    )  # fmt: skip
    listed = spdx.files_of(hub, {path: source.read_bytes() for path, source in own.items()})
    parts = [_library(library) for library in libraries]
    installed = packages(files or {})
    parts += [_of_base(row, system, number) for number, row in enumerate(installed, 1)]
    seed = reference + base + "".join(library.sha256 for library in libraries)
    seed += hub["packageVerificationCode"]["packageVerificationCodeValue"]
    relations = [spdx.relation("SPDXRef-Image", "CONTAINS", part["SPDXID"]) for part in [hub, *parts]]
    relations += [spdx.relation("SPDXRef-Hub", "DEPENDS_ON", part["SPDXID"]) for part in parts[: len(libraries)]]
    about = f"Base: {base}. Packages of the base: {len(installed) or 'not known'}." if base else (
        "The base is chosen when the image is built; its packages are in the SBOM that is attached to the image."
    )  # fmt: skip
    namespace = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, seed)}"
    tool = f"edgewright-{__version__}"
    everything = [image, hub, *parts]
    return spdx.document(reference, namespace, epoch, tool, everything, relations, comment=about, files=listed)


def _library(library: Library) -> dict[str, Any]:
    return spdx.package(
        spdx.identifier("Library", library.name),
        library.name,
        library.version,
        licence=library.licence or spdx.UNKNOWN,
        purl=f"pkg:pypi/{quote(library.name.lower().replace('_', '-'))}@{quote(library.version)}",
        comment=f"sha256 over all {len(library.files)} files: {library.sha256}",
    )  # fmt: skip


def _of_base(row: tuple[str, str, str, str], system: System | None, number: int) -> dict[str, Any]:
    kind, name, version, arch = row
    distro = quote(system.name) if system is not None and system.name else "unknown"
    purl = f"pkg:{kind}/{distro}/{quote(name)}@{quote(version)}?arch={quote(arch)}"
    return spdx.package(spdx.identifier("Package", str(number), name), name, version, purl=purl)
