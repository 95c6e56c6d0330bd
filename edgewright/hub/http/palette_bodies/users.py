"""Request bodies of users in Palette's API. Written by tools/palette_bodies.py, never edited."""

from __future__ import annotations

from edgewright.hub.http.bodies import META
from edgewright.hub.http.shapes import ANY, FLAG, many, name, obj, requiring, text

_USER_SPEC_ENTITY = obj(
    emailId=name(), firstName=name(), lastName=name(), loginMode=text(), roles=many(name()), teams=many(name())
)
USER_ENTITY = obj(metadata=META, spec=_USER_SPEC_ENTITY)
AUTH_TOKEN_REVOKE = obj(tokens=many(name(512)))
_FILTER_STRING = obj(beginsWith=text(), contains=text(), eq=text(), ignoreCase=FLAG, ne=text())
_USERS_FILTER_SPEC = obj(emailId=_FILTER_STRING, name=_FILTER_STRING)
_USER_SUMMARY_SORT_SPEC = obj(field=text(64, "name", "creationTimestamp"), order=text(64, "asc", "desc"))
USERS_SUMMARY_SPEC = obj(filter=_USERS_FILTER_SPEC, sort=many(_USER_SUMMARY_SORT_SPEC))
_HTTP_PATCH = requiring(
    obj(from_=text(), op=text(64, "add", "remove", "replace", "move", "copy"), path=text(), value=ANY), "op", "path"
)
USER_PATCH = many(_HTTP_PATCH)
_USER_UPDATE_SPEC_ENTITY = obj(emailId=name(), firstName=name(), lastName=name(), roles=many(name()))
USER_UPDATE_ENTITY = obj(metadata=META, spec=_USER_UPDATE_SPEC_ENTITY)
PROJECT_ROLES_PATCH = obj(projects=many(obj(projectUid=name(), roles=many(name()))))
RESOURCE_ROLES_UPDATE_ENTITY = obj(filterRefs=many(name()), projectUids=many(name()), roles=many(name()))
USER_ROLE_UIDS = obj(roles=many(name()))
USER_STATUS_LOGIN_MODE = obj(loginMode=text(64, "dev", "devops"))
USERS_PASSWORD_CHANGE_PATCH = requiring(
    obj(currentPassword=name(512), emailId=name(), newPassword=name(512)), "currentPassword", "emailId", "newPassword"
)
USERS_PASSWORD_RESET_PATCH = requiring(obj(emailId=name()), "emailId")
USERS_UID_PASSWORD_CHANGE_PATCH = requiring(obj(currentPassword=name(512), newPassword=name(512)), "newPassword")
