"""Registration tokens: the shapes of bodies and answers in the API."""

from __future__ import annotations

from edgewright.hub.http.bodies import META
from edgewright.hub.http.shapes import WHEN, name, obj, text

TOKEN = obj(metadata=META, spec=obj(defaultProjectUid=name(), expiry=WHEN))
TOKEN_HOST = obj(uid=text(), name=text(), registeredAt=WHEN, healthState=text(), projectUid=text())
