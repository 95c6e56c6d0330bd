"""Secrets of a document: where they are, and the document with them covered."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping

from edgewright.core.cloudconfig.schema.kairos import SCHEMA
from edgewright.core.cloudconfig.schema.model import Node, is_template
from edgewright.core.cloudconfig.stages import secret_in

COVER = "********"
_NAME = re.compile(r"(?:pass(?:wd|word|phrase)?|token|secret|api_?-?key|private_?-?key)s?\Z", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^\s/:@]{1,64}:)[^\s/@]{1,128}@")
MAX_DEPTH = 60


def is_secret(path: str) -> bool:
    """Return whether the value at a path is a secret, by the schema or by its last name."""
    key = SCHEMA.key(path)
    if key is not None:
        return key.secret
    return _NAME.search(path.rsplit(".", 1)[-1]) is not None


def masked(document: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a copy of a document in which no secret can be read: values of secret keys, and texts that contain one."""
    covered = _mask(document, SCHEMA.root, 0)
    return covered if isinstance(covered, dict) else {}


def _mask(value: Any, node: "Node | None", depth: int) -> Any:
    if depth > MAX_DEPTH:
        return COVER
    if isinstance(value, Mapping):
        matches = {}
        for name, entry in value.items():
            below = node.child(str(name)) if node is not None else None
            known = below is not None and below.key is not None
            secret = below.key.secret if below is not None and below.key is not None else False
            if not secret and not (known and str(name) != "env"):
                secret = _NAME.search(str(name)) is not None and not isinstance(entry, (Mapping, list))
            matches[str(name)] = _cover(entry) if secret else _mask(entry, below, depth + 1)
        return matches
    if isinstance(value, (list, tuple)):
        item = node.children.get("[]") if node is not None else None
        return [_mask(entry, item, depth + 1) for entry in value]
    if isinstance(value, str):
        if secret_in(value):
            return f"{COVER} ({len(value)} characters that contain {secret_in(value)})"
        return _IN_URL.sub(rf"\1{COVER}@", value) if "://" in value else value
    return value


def _cover(value: Any) -> Any:
    return value if value in (None, "") or is_template(value) else COVER
