"""Who a key belongs to, asked of its plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.clients.palette.client import Credential, PlaneClient
from edgewright.core.errors import Conflict, Failed, TimedOut, Unreachable
from edgewright.core.text import clean

if TYPE_CHECKING:
    from edgewright.config.contexts import Context


_ANOTHER = frozenset({"UnknownCA", "CertificateNameMismatch", "CertificateRefused", "NoTLS"})
"""Codes of an address that is not one of this plane; every other one may answer later."""


async def greet(context: Context, key: str, timeout: float) -> str:
    """Ask each address of the plane who the key belongs to; returns words for a sentence.

    An address that does not answer now is named, as long as another one answers. Raises `Unreachable` when none does,
    or when one has a certificate of another authority; `Refused` where the key is not accepted; `Conflict` when two
    addresses are two planes.
    """
    known, away = "", []
    kind = user = ""
    for url in context.addresses.split(","):
        try:
            async with PlaneClient(url, Credential(api_key=key), ca=context.ca_path(), timeout=timeout) as client:
                features = await client.features()
                caller = await client.session.who()
        except (Unreachable, TimedOut) as error:
            if error.code in _ANOTHER:
                raise
            away.append((url, error))
            continue
        uid = clean(caller.get("userUid") or "", 60)
        if known and uid != user:
            raise Conflict(
                f"{known} and {url} are two planes: the key belongs to another user at each.",
                "Give only the addresses of one plane.",
            )
        organisation = clean(caller.get("orgName"), 60)
        kind = f"hub {features.version}" if features.hub else "Palette"
        kind += f", {organisation}" if organisation else ""
        known, user = url, uid
    if not known:
        raise away[0][1]
    names = ", ".join(url for url, _ in away)
    return f" ({kind})" + (f"; no answer now from {names}" if names else "")


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
