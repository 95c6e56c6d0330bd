"""Which installer a host came from: by the tag that the installer gave it, else by the token that let it in."""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, NamedTuple, Optional

from edgewright.core import times
from edgewright.core.installer.document import INSTALLER_TAG

CLOCKS = 300.0
"""Seconds by which the clocks of the builder's machine and of the plane may differ."""


class Installer(NamedTuple):
    """An installer: the id of its build, its tag, its token's uid ("": not known), when it was made."""

    build: str
    tag: str
    token_uid: str = ""
    created: Optional[float] = None


def installer_of(build: str, manifest: Mapping[str, Any]) -> Installer:
    """Return what the manifest of a build's ISO contains; what is missing or of another kind is empty."""
    data = manifest.get("userData")
    data = data if isinstance(data, Mapping) else {}
    tags = data.get("tags")
    tag = tags.get(INSTALLER_TAG) if isinstance(tags, Mapping) else None
    try:
        created = times.parse(str(manifest.get("createdAt") or ""))
    except ValueError:
        created = None
    return Installer(build, str(tag or ""), str(data.get("tokenUid") or ""), created)


def origin(
    labels: Mapping[str, Any], token_uid: str, registered: Optional[float], installers: Iterable[Installer]
) -> str:
    """Return the id of the build that a host came from, or "" when none is known.

    `labels` are the host's, `token_uid` is that of the token that let it in ("": not reported), `registered` when it
    registered. The tag decides; where several installers carry it, the token does, then the newest that was created
    before the host registered. Without a tag the token alone decides, if it went into one installer only.
    """
    tag = str(labels.get(INSTALLER_TAG) or "")
    known = [item for item in installers if registered is None or (item.created or 0.0) <= registered + CLOCKS]
    if tag:
        matches = [item for item in known if item.tag == tag]
        by_token = [item for item in matches if token_uid and item.token_uid == token_uid]
        return _newest(by_token or [item for item in matches if not (token_uid and item.token_uid)] or matches)
    if not token_uid:
        return ""
    matches = [item for item in known if item.token_uid == token_uid]
    return _newest(matches) if len({item.tag for item in matches}) == 1 else ""


def _newest(items: List[Installer]) -> str:
    return max(items, key=lambda item: (item.created or 0.0, item.build)).build if items else ""
