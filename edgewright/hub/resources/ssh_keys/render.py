"""SSH keys as clients see them (`v1UserAssetSsh`)."""

from __future__ import annotations

from typing import Any

import msgspec

from edgewright.core import times
from edgewright.core.sshkey import read_key
from edgewright.hub.db.records import SshKeyRecord


def ssh_key(record: SshKeyRecord) -> dict[str, Any]:
    """Return a key with its type, size and fingerprint."""
    stored: dict[str, Any] = msgspec.json.decode(record.doc).get("metadata") or {}
    key = read_key(record.public_key)
    return {
        "metadata": {
            **stored,
            "uid": record.uid,
            "name": record.name,
            "labels": stored.get("labels") or {},
            "annotations": stored.get("annotations") or {},
            "creationTimestamp": times.rfc3339(record.created),
            "lastModifiedTimestamp": times.rfc3339(record.modified),
        },
        "spec": {
            "publicKey": record.public_key,
            "edgewright": {
                "projectUid": record.project_uid,
                "type": key.kind,
                "bits": key.bits,
                "fingerprint": record.fingerprint,
                "comment": key.comment,
            },
        },
    }
