"""What the schema of SPDX 2.3 and its specification require of a document, as far as we write such documents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import jsonschema

REF = {"type": "string", "pattern": "^SPDXRef-[A-Za-z0-9.-]+$"}
TEXT = {"type": "string", "minLength": 1}
LICENCE = {"type": "string", "pattern": r"^[A-Za-z0-9.+() -]+$"}
CHECKSUMS = {
    "type": "array",
    "minItems": 1,
    "uniqueItems": True,
    "items": {
        "required": ["algorithm", "checksumValue"],
        "properties": {"algorithm": {}, "checksumValue": {}},
        "oneOf": [
            {"properties": {"algorithm": {"const": kind}, "checksumValue": {"pattern": f"^[0-9a-f]{{{size}}}$"}}}
            for kind, size in (("SHA1", 40), ("SHA256", 64))
        ],
        "additionalProperties": False,
    },
}
PURPOSES = ["APPLICATION", "ARCHIVE", "CONTAINER", "FILE", "LIBRARY", "OPERATING-SYSTEM"]
PACKAGE = {
    "required": ["SPDXID", "name", "downloadLocation", "filesAnalyzed", "versionInfo"],
    "properties": {
        "SPDXID": REF,
        "name": TEXT,
        "versionInfo": {"type": "string"},
        "downloadLocation": TEXT,
        "filesAnalyzed": {"type": "boolean"},
        "licenseConcluded": LICENCE,
        "licenseDeclared": LICENCE,
        "licenseInfoFromFiles": {"type": "array", "items": LICENCE},
        "copyrightText": TEXT,
        "packageFileName": TEXT,
        "comment": TEXT,
        "supplier": {"pattern": "^(Organization|Person): |^NOASSERTION$"},
        "checksums": CHECKSUMS,
        "hasFiles": {"type": "array", "items": REF},
        "packageVerificationCode": {"required": ["packageVerificationCodeValue"]},
        "primaryPackagePurpose": {
            "enum": ["APPLICATION", "ARCHIVE", "CONTAINER", "FILE", "LIBRARY", "OPERATING-SYSTEM"]
        },
        "externalRefs": {
            "type": "array",
            "items": {
                "required": ["referenceCategory", "referenceType", "referenceLocator"],
                "properties": {
                    "referenceCategory": {"const": "PACKAGE-MANAGER"},
                    "referenceType": {"const": "purl"},
                    "referenceLocator": {"pattern": "^pkg:[a-z]+/[^ ]+@[^ ]+$"},
                },
                "additionalProperties": False,
            },
        },
    },
    "if": {"properties": {"filesAnalyzed": {"const": True}}},
    "then": {"required": ["packageVerificationCode", "hasFiles"]},
    "additionalProperties": False,
}
FILE = {
    "required": ["SPDXID", "fileName", "checksums"],
    "properties": {"SPDXID": REF, "fileName": {"pattern": r"^\./"}, "checksums": CHECKSUMS, "copyrightText": TEXT}
    | {"licenseConcluded": LICENCE, "licenseInfoInFiles": {"type": "array", "items": LICENCE}},
    "additionalProperties": False,
}
SCHEMA = {
    "required": ["spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo", "packages"],
    "properties": {
        "spdxVersion": {"const": "SPDX-2.3"},
        "dataLicense": {"const": "CC0-1.0"},
        "SPDXID": {"const": "SPDXRef-DOCUMENT"},
        "name": TEXT,
        "comment": TEXT,
        "documentNamespace": {"pattern": "^(https|urn):[^#]+$"},
        "creationInfo": {
            "required": ["created", "creators"],
            "properties": {
                "created": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
                "creators": {"type": "array", "minItems": 1, "items": {"pattern": "^(Tool|Organization|Person): "}},
            },
        },
        "packages": {"type": "array", "minItems": 1, "items": PACKAGE},
        "files": {"type": "array", "items": FILE},
        "relationships": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "required": ["spdxElementId", "relationshipType", "relatedSpdxElement"],
                "properties": {
                    "relationshipType": {"enum": ["DESCRIBES", "CONTAINS", "DEPENDS_ON", "OPTIONAL_DEPENDENCY_OF"]}
                },
            },
        },
    },
    "additionalProperties": False,
}


def problems(document: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a document, as sentences; empty for a valid one."""
    found = [
        f"{error.json_path}: {error.message[:200]}"
        for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(document)
    ]
    if found:
        return found
    elements = [*document["packages"], *document.get("files", ())]
    ids = [each["SPDXID"] for each in elements]
    found += [f"{ref} is twice in the document" for ref in {each for each in ids if ids.count(each) > 1}]
    known = {*ids, document["SPDXID"]}
    for relation in document.get("relationships", ()):
        ends = {relation["spdxElementId"], relation["relatedSpdxElement"]}
        found += [f"{ref} is related and not in the document" for ref in ends - known]
    if not any(each["relationshipType"] == "DESCRIBES" for each in document.get("relationships", ())):
        found.append("the document describes nothing")
    files = {each["SPDXID"]: each for each in document.get("files", ())}
    for package in document["packages"]:
        if package["filesAnalyzed"]:
            sums = sorted(files[ref]["checksums"][0]["checksumValue"] for ref in package["hasFiles"])
            code = hashlib.sha1("".join(sums).encode(), usedforsecurity=False).hexdigest()
            if package["packageVerificationCode"]["packageVerificationCodeValue"] != code:
                found.append(f"{package['name']}: the verification code is not that of its files")
    return found
