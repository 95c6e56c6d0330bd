"""Registration tokens in memory: by uid and by the hash of their secret."""

from __future__ import annotations

from edgewright.hub.db.records import TokenRecord


class Tokens:
    """Every registration token. Read and changed on the event loop only, apart from the first load."""

    def __init__(self) -> None:
        self.by_uid: dict[str, TokenRecord] = {}
        self.by_secret: dict[str, TokenRecord] = {}

    def put(self, record: TokenRecord) -> None:
        """Take a token that became durable."""
        self.by_uid[record.uid] = record
        self.by_secret[record.secret_hash] = record

    def drop(self, uid: str) -> None:
        """Forget a token."""
        record = self.by_uid.pop(uid, None)
        if record is not None:
            self.by_secret.pop(record.secret_hash, None)

    def name_of(self, uid: str | None) -> str | None:
        """Return the name of a token; `None` for one that does not exist."""
        record = self.by_uid.get(uid or "")
        return record.name if record is not None else None
