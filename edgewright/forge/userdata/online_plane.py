"""The plane of a user-data, asked: whether it answers over TLS as the host will see it, and would let the token in."""

from __future__ import annotations

import asyncio
import re
import shlex
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from edgewright.clients.palette.client import PlaneClient
from edgewright.core import times
from edgewright.core.cloudconfig.findings import Finding, error, note, unknown, warning
from edgewright.core.cloudconfig.look import at, items, mapping, shown, text
from edgewright.core.cloudconfig.network.network import placed
from edgewright.core.cloudconfig.schema.model import is_template
from edgewright.core.errors import EdgewrightError
from edgewright.forge.userdata.certificates import pem_of
from edgewright.wire.palette.edgehost import EdgeHost
from edgewright.wire.palette.tokens import EdgeToken

if TYPE_CHECKING:
    from edgewright.clients.palette.client import Features

PATH = "stylus.site.paletteEndpoint"
TOKEN = "stylus.site.edgeHostToken"  # noqa: S105 - the name of a key
_WRONG = {
    "UnknownCA": "Put the CA that issued the plane's certificate into stylus.site.caCerts (a hub's is DIR/ca.crt).",
    "CertificateExpired": "",
    "CertificateNotYetValid": "",
    "CertificateNameMismatch": "Use a name that the certificate contains (a hub: edgewright hub serve --advertise "
    "NAME).",
    "CertificateRefused": "Look at it: openssl s_client -connect HOST:PORT -showcerts",
    "NoTLS": "Look at the port: what listens there speaks no TLS.",
}
"""What is wrong whoever asks, against what only this machine cannot reach; empty: the next step of the error itself."""


def https_url(endpoint: str) -> str:
    """Return the endpoint of a user-data as an https URL; Palette's own files leave the scheme out."""
    return (endpoint if "://" in endpoint else "https://" + endpoint).rstrip("/")


async def check_endpoint(document: Mapping[str, Any], seconds: float) -> list[Finding]:
    """Return whether the plane answers at `paletteEndpoint`, believed as the host will believe it."""
    site = mapping(at(document, "stylus", "site"))
    endpoint = https_url(text(site.get("paletteEndpoint")))
    peer = shown(urlsplit(endpoint).netloc, 100)
    if site.get("insecureSkipVerify") is True:
        return await _answers(endpoint, peer, seconds)
    authorities = pem_of(items(site.get("caCerts")))
    try:
        features = await _features(endpoint, authorities, seconds)
    except EdgewrightError as wrong:
        message = re.sub(r"\S*/edgewright-ca-[^/]+/", "stylus.site.", wrong.message)
        if wrong.code in _WRONG:
            return [error(PATH, message, _WRONG[wrong.code] or wrong.hint, wrong.code)]
        hint = "That may be this machine's network alone: the host must reach it from its site."
        return [unknown(PATH, f"Whether the plane answers is not known. {message}", hint, wrong.code)]
    kind = f"a hub, version {features.version}" if features.hub else "a Palette, or something like it"
    trust = "by the authorities of caCerts" if authorities else "by an authority that this machine knows"
    return [note(PATH, f"{peer} answers ({kind}); its certificate is good {trust}.", code="Fine")]


async def _features(endpoint: str, authorities: str, seconds: float) -> Features:
    """Return what a plane can do; believed by `authorities` (PEM), or as this machine does."""
    with tempfile.TemporaryDirectory(prefix="edgewright-ca-") as folder:
        ca = None
        if authorities:
            ca = Path(folder) / "caCerts"
            ca.write_text(authorities)
        async with PlaneClient(endpoint, ca=ca, timeout=seconds) as client:
            return await client.features()


async def features_at(document: Mapping[str, Any], seconds: float) -> Features | None:
    """Return what the plane of a document's `paletteEndpoint` can do; None when it does not answer."""
    site = mapping(at(document, "stylus", "site"))
    try:
        endpoint = https_url(text(site.get("paletteEndpoint")))
        return await _features(endpoint, pem_of(items(site.get("caCerts"))), seconds)
    except (EdgewrightError, ValueError, OSError):
        return None


async def _answers(endpoint: str, peer: str, seconds: float) -> list[Finding]:
    """Return whether anything speaks TLS there, for a host that believes any certificate."""
    parts = urlsplit(endpoint)
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    try:
        opened = asyncio.open_connection(parts.hostname, parts.port or 443, ssl=anyone)
        _, writer = await asyncio.wait_for(opened, seconds)
        writer.close()
    except ssl.SSLError:
        return [error(PATH, f"What listens at {peer} does not speak TLS.", _WRONG["NoTLS"], "NoTLS")]
    except (OSError, TimeoutError) as wrong:
        message = f"Whether the plane answers is not known: {shown(str(wrong) or 'no answer', 120)}."
        return [unknown(PATH, message, "The host must reach it from its site.", "NoAnswer")]
    return [note(PATH, f"{peer} answers; who it is was not looked at (insecureSkipVerify).", code="Fine")]


def check_token(
    document: Mapping[str, Any], tokens: Sequence[Mapping[str, Any]] | None, why: str, now: float
) -> list[Finding]:
    """Return whether the plane knows the token, it is active, and it leads into a project."""
    site = mapping(at(document, "stylus", "site"))
    value = text(site.get("edgeHostToken"))
    if not value or is_template(value):
        return []
    if tokens is None:
        hint = (
            "Add a context for the plane of paletteEndpoint: edgewright context add NAME --url URL --api-key-file FILE"
        )
        return [unknown(TOKEN, f"Whether the token is valid is not known: {why}.", hint, "TokenUnknown")]
    token = next((item for item in map(EdgeToken, map(dict, tokens)) if item.token == value), None)
    if token is None:
        message = f"The plane does not know the token of {TOKEN}: a host with it is rejected."
        return [error(TOKEN, message, "Make one: edgewright token create NAME", "NoSuchToken")]
    name = shown(token.name) or token.uid or ""
    if not token.is_active:
        hint = f"Activate it: edgewright token activate {shlex.quote(name)}; or make another one."
        return [error(TOKEN, f"The token {name} is revoked: a host with it is rejected.", hint, "TokenRevoked")]
    if token.expired(now):
        message = (
            f"The token {name} ended {times.duration(now - (token.expiry or now))} ago: a host with it is rejected."
        )
        return [error(TOKEN, message, "Make one that lasts until the boxes are set up.", "TokenExpired")]
    matches = []
    left = None if token.expiry is None else token.expiry - now
    if left is not None and left < 7 * times.DAY:
        message = f"The token {name} ends in {times.duration(left)}: a box that is set up later is rejected."
        matches.append(warning(TOKEN, message, "Make one that lasts until the boxes are set up.", "TokenEnds"))
    if not token.project_uid and not text(site.get("projectName")) and not text(site.get("projectUid")):
        message = f"The token {name} has no default project, and the user-data names none: the host does not register."
        matches.append(error(TOKEN, message, "Give stylus.site.projectName, or a token with a project.", "NoProject"))
    if not matches:
        until = "without end" if left is None else f"for {times.duration(left)} more"
        project = f" into the project {shown(token.project_name)}" if token.project_name else ""
        matches.append(
            note(TOKEN, f"The token is {name}, valid {until}; hosts come{project or ' in'} by it.", code="Fine")
        )
    return matches


def check_hosts(document: Mapping[str, Any], hosts: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Return which hosts of the plane have this host's UID, name or static address already."""
    site = mapping(at(document, "stylus", "site"))
    uid, host_name = text(site.get("name")), text(site.get("hostName"))
    addresses = {str(item.interface.ip): f"{item.path}.ipAddress" for item in placed(document)}
    matches = []
    for host in map(EdgeHost, map(dict, hosts)):
        known = host.uid or ""
        shown_as = shown(known, 80)
        if uid and known == uid:
            message = f"The plane has a host {shown_as} already: a second one with its UID is refused."
            delete = f"edgewright host delete {shlex.quote(shown_as)}"
            hint = f"Take another UID; or, for a re-install, delete the record first: {delete}"
            matches.append(warning("stylus.site.name", message, hint, "UidTaken"))
            continue
        if host_name and host.name == host_name:
            message = f"The host {shown_as} of the plane has the host name {shown(host_name)} already."
            matches.append(
                warning("stylus.site.hostName", message, "Two nodes of a cluster must not share one.", "NameTaken")
            )
        for ip in {nic.ip for nic in host.nics} & addresses.keys():
            message = f"The host {shown_as} of the plane has the address {ip} already."
            matches.append(
                warning(addresses[str(ip)], message, "Right only when the sites' networks are apart.", "AddressTaken")
            )
    return matches
