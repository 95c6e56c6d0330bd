"""The list of what is in the image, as SPDX 2.3: every package with version, source, hash and package URL."""

from __future__ import annotations

import json
from urllib.parse import quote

from edgewright.core.times import rfc3339
from edgewright.forge.appliance import parts
from edgewright.forge.appliance.lock import Lock, Package


def sbom(lock: Lock, name: str, iso_sha256: str, agent_version: str, agent_sha256: str) -> str:
    """Return the document's text; the same lock and agent give the same text."""
    described = "SPDXRef-iso"
    packages = [
        _entry(described, name, agent_version, "SHA256", iso_sha256, "NOASSERTION", purpose="OPERATING-SYSTEM"),
        _entry("SPDXRef-agent", "edgewright-agent", agent_version, "SHA256", agent_sha256, "Apache-2.0"),
    ]
    packages += [
        {
            **_entry(_id(package), package.name, package.version, "SHA256", package.sha256, "NOASSERTION"),
            "supplier": "Organization: Debian",
            "externalRefs": [
                {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl(package)}
            ],
        }
        for package in lock.packages
    ]
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"https://edgewright.invalid/spdx/{iso_sha256}",
        "creationInfo": {"created": rfc3339(lock.timestamp), "creators": [f"Tool: edgewright-{agent_version}"]},
        "packages": packages,
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": described},
            *(
                {"spdxElementId": described, "relationshipType": "CONTAINS", "relatedSpdxElement": entry["SPDXID"]}
                for entry in packages[1:]
            ),
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def purl(package: Package) -> str:
    """Return the package URL, e.g. `pkg:deb/debian/less@590-2.1?arch=amd64&distro=bookworm`."""
    version = quote(package.version, safe="")
    return f"pkg:deb/debian/{quote(package.name)}@{version}?arch={package.architecture}&distro={parts.DISTRIBUTION}"


def _id(package: Package) -> str:
    word = "".join(character if character.isalnum() or character in ".-" else "-" for character in package.name)
    return f"SPDXRef-deb-{word}-{package.architecture}"


def _entry(
    ref: str, name: str, version: str, algorithm: str, digest: str, licence: str, *, purpose: str = "LIBRARY"
) -> dict[str, object]:
    return {
        "SPDXID": ref,
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "checksums": [{"algorithm": algorithm, "checksumValue": digest}],
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": purpose,
    }
