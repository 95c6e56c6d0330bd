"""Projects, API keys and sessions: the shapes of bodies in the API."""

from __future__ import annotations

from edgewright.core.roles import ROLES
from edgewright.hub.http.bodies import FILTER_TEXT, META, SECRET, sorted_by
from edgewright.hub.http.shapes import TEXTS, WHEN, many, name, obj, text

API_KEY = obj(metadata=META, spec=obj(expiry=WHEN, userUid=name(), edgewright=obj(role=text(16, *ROLES))))
API_KEY_UPDATE = obj(metadata=META, spec=obj(expiry=WHEN))
_TEAM_ROLES, _USER_ROLES = obj(teamId=name(), roles=TEXTS), obj(userId=name(), roles=TEXTS)
PROJECT = obj(metadata=META, spec=obj(logoUid=text(), teams=many(_TEAM_ROLES), users=many(_USER_ROLES)))
LOGIN = obj(emailId=name(), password=SECRET, org=name())
PROJECTS_FILTER = obj(
    filter=obj(name=FILTER_TEXT), sort=sorted_by("name", "creationTimestamp", "lastModifiedTimestamp")
)
