"""What an update sends, over what is stored: what a request does not name stays as it is (rule P51)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgewright.core import times
from edgewright.hub.http import problems

STAMPS = ("uid", "name", "creationTimestamp", "lastModifiedTimestamp", "deletionTimestamp")
"""Metadata that the hub itself sets; never stored in a document."""


def merge_metadata(stored: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored metadata with each key of `sent` in place of its own; maps such as `labels` are replaced."""
    return {**stored, **{key: value for key, value in sent.items() if key not in STAMPS}}


def merge_expiry(spec: Mapping[str, Any], stored: float | None, now: float) -> float | None:
    """Return the expiry after an update, in epoch seconds; `None` for never.

    Not sent, or the zero time that clients written in Go send for "not set": as stored. An empty text: never. Raises
    a 422 `Problem` for a new value that is not in the future; the stored value may be sent back after its end.
    """
    text = spec.get("expiry")
    if text is None:
        return stored
    if not text.strip():
        return None
    asked = times.parse(text)
    if asked is None or (stored is not None and abs(asked - stored) < 1):
        return stored
    return check_expiry(asked, now)


def check_expiry(expiry: float | None, now: float) -> float | None:
    """Return an expiry that may be given out; raises a 422 `Problem` for one that is not in the future."""
    if expiry is not None and expiry <= now:
        raise problems.invalid(problems.MINIMUM, "spec.expiry in body should be in the future")
    return expiry


def merge_tunnel(before: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tunnel settings after a change (rule P54); raises 422 for a temporary user without remote SSH.

    Switching remote SSH off ends its temporary user too, unless the same request asks for one.
    """
    after = {**before, **sent}
    if after.get("remoteSsh", "disabled") != "enabled" and after.get("remoteSshTempUser") == "enabled":
        if sent.get("remoteSshTempUser") == "enabled":
            raise problems.invalid(problems.ENUM, "remoteSshTempUser in body needs remoteSsh to be enabled")
        after["remoteSshTempUser"] = "disabled"
    return after
