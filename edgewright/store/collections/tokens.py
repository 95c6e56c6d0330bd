"""The state of a registration token, as lists, filters and problems show it."""

from __future__ import annotations

from edgewright.core import times
from edgewright.store.collections.rows import TokenRow

SOON = 7 * times.DAY
"""Seconds before its end from which a token is shown as ending soon."""


def token_state(row: TokenRow, now: float) -> str:
    """Return active, ends soon, expired or revoked; revoked wins, since an admin did it."""
    if not row.active:
        return "revoked"
    if row.expiry is not None and row.expiry <= now:
        return "expired"
    return "ends soon" if row.expiry is not None and row.expiry - now < SOON else "active"
