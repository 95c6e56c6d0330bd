"""The list of what is in the image, as SPDX 2.3: every package with version, source, hash and package URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from edgewright.forge import spdx
from edgewright.forge.appliance import parts
from edgewright.forge.appliance.lock import Lock, Package


def sbom(lock: Lock, name: str, iso_sha256: str, agent_version: str, agent_sha256: str) -> str:
    """Return the document's text; the same lock and agent give the same text."""
    agent = spdx.package(
        "SPDXRef-agent", "edgewright-agent", agent_version, sha256=[agent_sha256], licence="Apache-2.0"
    )
    iso = spdx.package("SPDXRef-iso", name, agent_version, sha256=[iso_sha256], purpose="OPERATING-SYSTEM")
    contents = [agent, *map(_of_debian, lock.packages)]
    relations = [spdx.relation(iso["SPDXID"], "CONTAINS", entry["SPDXID"]) for entry in contents]
    namespace = f"https://edgewright.invalid/spdx/{iso_sha256}"
    tool = f"edgewright-{agent_version}"
    return spdx.text(spdx.document(name, namespace, lock.timestamp, tool, [iso, *contents], relations))


def _of_debian(package: Package) -> dict[str, Any]:
    return spdx.package(
        spdx.identifier("deb", package.name, package.architecture), package.name, package.version,
        sha256=[package.sha256], purl=purl(package), supplier="Organization: Debian",
    )  # fmt: skip


def purl(package: Package) -> str:
    """Return the package URL, e.g. `pkg:deb/debian/less@590-2.1?arch=amd64&distro=bookworm`."""
    version = quote(package.version, safe="")
    return f"pkg:deb/debian/{quote(package.name)}@{version}?arch={package.architecture}&distro={parts.DISTRIBUTION}"
