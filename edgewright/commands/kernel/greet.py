"""Who a key belongs to, asked of its plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewright.config.contexts import Context


async def greet(context: Context, key: str, timeout: float) -> str:
    """Ask the plane who the key belongs to; returns words for a sentence. Raises `Unreachable`, `Refused`."""
    from edgewright.clients.palette.client import Credential, PlaneClient
    from edgewright.core.text import clean

    async with PlaneClient(context.url, Credential(api_key=key), ca=context.ca_path(), timeout=timeout) as client:
        features = await client.features()
        told = await client.who()
    kind = f"hub {features.version}" if features.hub else "Palette"
    organisation = clean(told.get("orgName"), 60)
    return f" ({kind}{', ' + organisation if organisation else ''})"
