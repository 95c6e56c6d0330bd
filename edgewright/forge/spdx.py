"""The parts of an SPDX 2.3 document in JSON: packages, files, relationships.

Required fields and formats follow the specification (https://spdx.github.io/spdx-spec/v2.3/). The same arguments
give the same document.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DOCUMENT = "SPDXRef-DOCUMENT"
UNKNOWN = "NOASSERTION"
"""What SPDX writes where the author makes no statement."""


def identifier(*parts: str) -> str:
    """Return an SPDX id of these parts; what an id may not contain becomes a dash."""
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(parts))


def package(
    spdx_id: str,
    name: str,
    version: str,
    *,
    sha256: Iterable[str] = (),
    licence: str = UNKNOWN,
    purpose: str = "LIBRARY",
    purl: str = "",
    **more: Any,
) -> dict[str, Any]:
    """Return one package; `licence` is what its author declares, `sha256` the digests of its file or files."""
    entry: dict[str, Any] = {
        "SPDXID": spdx_id,
        "name": name,
        "versionInfo": version,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": licence,
        "copyrightText": UNKNOWN,
        "primaryPackagePurpose": purpose,
        **more,
    }
    if checksums := [{"algorithm": "SHA256", "checksumValue": digest} for digest in sha256]:
        entry["checksums"] = checksums
    if purl:
        entry["externalRefs"] = [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
        ]
    return entry


def files_of(entry: dict[str, Any], contents: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Return the files of a package, and enter them in `entry` with the verification code of section 7.9."""
    matches = []
    for number, (name, data) in enumerate(sorted(contents.items()), 1):
        sha1 = hashlib.sha1(data, usedforsecurity=False).hexdigest()  # SPDX asks for it
        checksums = [("SHA1", sha1), ("SHA256", hashlib.sha256(data).hexdigest())]
        matches.append(
            {
                "SPDXID": identifier("File", str(number), name),
                "fileName": f"./{name}",
                "checksums": [{"algorithm": kind, "checksumValue": value} for kind, value in checksums],
                "licenseConcluded": UNKNOWN,
                "licenseInfoInFiles": [UNKNOWN],
                "copyrightText": UNKNOWN,
            }
        )
    entry["filesAnalyzed"] = True
    entry["packageVerificationCode"] = {"packageVerificationCodeValue": verification_code(matches)}
    entry["hasFiles"] = [file["SPDXID"] for file in matches]
    return matches


def verification_code(files: Sequence[Mapping[str, Any]]) -> str:
    """Return the SHA1 of the sorted SHA1 sums of all files."""
    sums = sorted(file["checksums"][0]["checksumValue"] for file in files)
    return hashlib.sha1("".join(sums).encode(), usedforsecurity=False).hexdigest()


def relation(item: str, kind: str, other: str) -> dict[str, str]:
    """Return a relationship, e.g. `relation(wheel, "DEPENDS_ON", library)`."""
    return {"spdxElementId": item, "relationshipType": kind, "relatedSpdxElement": other}


def document(
    name: str,
    namespace: str,
    created: float,
    tool: str,
    packages: Sequence[Mapping[str, Any]],
    relations: Iterable[Mapping[str, str]] = (),
    **more: Any,
) -> dict[str, Any]:
    """Return the document; it describes the first package. `namespace` is a URI of this document alone.

    `created` is in epoch seconds; the specification (6.9) allows no fraction of a second.
    """
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": name,
        "documentNamespace": namespace,
        "creationInfo": {
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created)),
            "creators": [f"Tool: {tool}"],
        },
        **more,
        "packages": list(packages),
        "relationships": [relation(DOCUMENT, "DESCRIBES", packages[0]["SPDXID"]), *relations],
    }


def text(document: Mapping[str, Any]) -> str:
    """Return the document as it is written to a file."""
    return json.dumps(document, indent=1) + "\n"
