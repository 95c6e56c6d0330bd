"""Who a key belongs to, asked of its plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.clients.palette.client import Credential, PlaneClient
from edgewright.core.errors import Failed
from edgewright.core.text import clean

if TYPE_CHECKING:
    from edgewright.config.contexts import Context


async def greet(context: Context, key: str, timeout: float) -> str:
    """Ask the plane who the key belongs to; returns words for a sentence. Raises `Unreachable`, `Refused`."""
    async with PlaneClient(context.addresses, Credential(api_key=key), ca=context.ca_path(), timeout=timeout) as client:
        features = await client.features()
        caller = await client.session.who()
    kind = f"hub {features.version}" if features.hub else "Palette"
    organisation = clean(caller.get("orgName"), 60)
    return f" ({kind}{', ' + organisation if organisation else ''})"


async def activated(context: Context, link: str, timeout: float) -> str:
    """Return the API key that an activation link gives, once. Raises `Unreachable`, `Refused`.

    The code is what follows `#`; it goes into the body of the request, never into a URL.
    """
    code = link.rpartition("#")[2].strip()
    async with PlaneClient(context.addresses, Credential(), ca=context.ca_path(), timeout=timeout) as client:
        key = (await client.session.activate(code)).get("apiKey")
    if not isinstance(key, str) or not key:
        raise Failed(f"The plane at {context.url} returned no API key.", "Ask an admin for a new link: user invite")
    return key
