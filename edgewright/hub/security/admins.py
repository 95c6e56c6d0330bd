"""The last admin: no change may leave a plane that no one can administer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from edgewright.core.roles import ADMIN
from edgewright.hub.db import schema
from edgewright.hub.db.shared.rows import queue
from edgewright.hub.http.problems import bad_request

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx


def require_admin(tx: Tx, what: str) -> None:
    """Raise 400 when after this transaction no active admin has an active API key; `what` names what was the last one.

    Called after the change: the transaction is rolled back, and two changes at once cannot each take one of the last
    two. One waits for the other, since neither sees a change that is not committed.
    """
    queue(tx, "admins")
    keys, users = schema.api_keys, schema.users
    usable = (
        select(func.count())
        .select_from(keys.join(users, users.c.uid == keys.c.user_uid))
        .where(
            users.c.active.is_(True),
            users.c.role.contains(ADMIN),
            keys.c.active.is_(True),
            keys.c.role == ADMIN,
            or_(keys.c.expiry.is_(None), keys.c.expiry > tx.now),
        )
    )
    if not tx.connection.execute(usable).scalar():
        raise bad_request(f"This is the last active {what} of role admin; make another one first.", "LastAdmin")
