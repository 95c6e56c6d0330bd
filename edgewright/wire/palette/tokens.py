"""Registration tokens: views over `v1EdgeToken` and the bodies that make and change one."""

from __future__ import annotations

from typing import Any, Dict, Optional

from edgewright.core import times
from edgewright.wire.document import Document, each, flag, integer, text, when


class EdgeToken(Document):
    """A token as the plane stores it, or the body of a create or update (`default_project_ref`)."""

    uid = text("metadata.uid")
    name = text("metadata.name")
    description = text("metadata.annotations.description")
    created = when("metadata.creationTimestamp")
    modified = when("metadata.lastModifiedTimestamp")
    token = text("spec.token")
    expiry = when("spec.expiry")
    project_uid = text("spec.defaultProject.uid")
    project_name = text("spec.defaultProject.name")
    default_project_ref = text("spec.defaultProjectUid")
    is_active = flag("status.isActive")
    # our own: which hosts registered with it
    hosts = integer("status.edgewright.hosts")
    last_used = when("status.edgewright.lastUsed")
    plane_expired = flag("status.edgewright.expired")

    def expired(self, now: float) -> bool:
        """Return whether the token's time is over at `now`; a token without expiry never ends.

        A token that the hub itself calls expired is so too when the clock of this machine is behind (rule P5).
        """
        expiry = self.expiry
        return self.plane_expired or (expiry is not None and expiry <= now)

    def usable(self, now: float) -> bool:
        """Return whether a host can register with this token at `now`."""
        return self.is_active and not self.expired(now)


class EdgeTokens(Document):
    """The list of tokens (`v1EdgeTokens`); Palette returns all of it, without paging."""

    items = each("items", EdgeToken)


def create_body(
    name: str, project_uid: str = "", expiry: Optional[float] = None, description: str = ""
) -> Dict[str, Any]:
    """Return the body of `POST /v1/edgehosts/tokens`; `expiry` in epoch seconds, `None` for a token without end."""
    return {
        "metadata": {"name": name, "annotations": {"description": description}},
        "spec": {"defaultProjectUid": project_uid, "expiry": times.rfc3339(expiry)},
    }


def state_body(active: bool) -> Dict[str, Any]:
    """Return the body of `PUT /v1/edgehosts/tokens/{uid}/state`: `True` re-activates, `False` revokes."""
    return {"isActive": active}
