"""What needs an operator and is not the state of a host, as the store has it; only a hub has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.core.errors import ExitCode
from edgewright.store.collection import Collection, Documents, Reading
from edgewright.store.collections.document_values import integer, text, texts, when
from edgewright.store.collections.rows import Row

if TYPE_CHECKING:
    from edgewright.clients.ports import CanReadAlerts

PLANE = "plane"
"""Kind of an alert about the management plane itself, for example that it cannot store."""


class AlertRow(Row, frozen=True, array_like=True, gc=False):
    """Something that needs an operator and is not the state of a host: a rejected box, two machines with one identity.

    `text` is the short form, `message` and `hint` are sentences; `last` is when its cause was seen last, `count` how
    often. `code` is the reason word of the plane.
    """

    uid: str
    kind: str = ""
    subject: str = ""
    text: str = ""
    message: str = ""
    hint: str = ""
    code: str = ""
    host_uids: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    since: float | None = None
    last: float | None = None
    count: int = 0
    owner: str = ""

    @property
    def problem(self) -> str:
        """Return the key under which it is acknowledged; another reason is another key, so it is news again."""
        return f"alert/{self.uid}/{self.code}"


def alert_row(doc: Mapping[str, Any], _at: float = 0.0) -> AlertRow | None:
    """Return the row of an alert; `None` when it names no uid."""
    uid = text(doc, "uid")
    if not uid:
        return None
    return AlertRow(
        uid=uid,
        kind=text(doc, "kind"),
        subject=text(doc, "subject"),
        text=text(doc, "text") or text(doc, "message"),
        message=text(doc, "message"),
        hint=text(doc, "hint"),
        code=text(doc, "code"),
        host_uids=texts(doc, "hostUids"),
        addresses=texts(doc, "addresses"),
        since=when(doc, "since"),
        last=when(doc, "last"),
        count=max(0, integer(doc, "count") or 0),
        owner=text(doc, "owner"),
    )


async def _read(alerts: CanReadAlerts, _page: int) -> Documents:
    return await alerts.all()


ALERTS = Collection(
    "alerts",
    AlertRow,
    alert_row,
    noun="alert",
    change_kind="alert",
    reading=Reading(_read, "alerts", "CanReadAlerts", quiet=frozenset({ExitCode.NOT_FOUND}), judged=True),
    hosts_of=lambda row: row.host_uids,
    problem=lambda row: row.problem,  # when it comes back it is news again
)
