"""A registry of a user-data, asked: whether `/v2/` answers, its certificate is believed, and the login is taken."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Any

from edgewright.clients.http import tls
from edgewright.core.cloudconfig.findings import Finding, error, note, unknown, warning
from edgewright.core.cloudconfig.look import shown
from edgewright.core.cloudconfig.registries import Registry, domain_problem
from edgewright.core.cloudconfig.schema.model import is_template
from edgewright.forge.userdata.certificates import pem_of
from edgewright.forge.userdata.online_network import told

if TYPE_CHECKING:
    import httpx

_PART = re.compile(r'([a-z]+)="([^"]*)"')
_TLS_WRONG = ("UnknownCA", "CertificateExpired", "CertificateNotYetValid", "CertificateNameMismatch")


async def check_registry(registry: Registry, seconds: float) -> list[Finding]:
    """Return what a registry says. Nothing when its domain is none: that is told by the offline check."""
    import httpx

    if domain_problem(registry.domain):
        return []
    host = registry.domain.split("/")[0]
    path = f"{registry.path}.domain"
    schemes = ("https", "http") if registry.insecure else ("https",)
    last: list[Finding] = []
    for scheme in schemes:
        try:
            async with httpx.AsyncClient(verify=_trust(registry), timeout=seconds, follow_redirects=False) as client:
                return await _ask(client, registry, f"{scheme}://{host}")
        except httpx.HTTPError as wrong:
            last = [_failed(wrong, path, host)]
    return last


def _trust(registry: Registry) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if registry.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    authorities = pem_of(list(registry.certificates))
    if authorities:
        context.load_verify_locations(cadata=authorities)
    return context


def _failed(wrong: Exception, path: str, host: str) -> Finding:
    found = tls.explain(wrong, host, None)
    if found is not None and found.code in _TLS_WRONG:
        hint = found.hint  # for a certificate outside its dates it weighs the clocks
        if found.code == "UnknownCA":
            hint = "Put the CA of the registry into its certificates."
        return error(path, found.message, hint, found.code)
    said = f"Whether the registry {shown(host)} works is not known: {told(wrong)}."
    return unknown(path, said, "The host must reach it from its site.", "NoAnswer")


def _by_proxy(base: str) -> bool:
    """Tell whether this machine reaches an address by a proxy of its own, which may answer in the other's place."""
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(base)
    return parts.scheme in getproxies() and not proxy_bypass(parts.hostname or "")


async def _ask(client: httpx.AsyncClient, registry: Registry, base: str) -> list[Finding]:
    path, name = f"{registry.path}.domain", shown(registry.domain)
    answer = await client.get(f"{base}/v2/")
    if answer.status_code == 200:
        if registry.username:
            said = f"The registry {name} answers without a login; the one given was not tried."
            return [note(path, said, code="Fine")]
        return [note(path, f"The registry {name} answers.", code="Fine")]
    if answer.status_code != 401 and _by_proxy(base):
        said = f"Whether the registry {name} works is not known: the proxy on the way says {answer.status_code}."
        return [unknown(path, said, "Try it where the registry can be reached directly.", "NoAnswer")]
    if answer.status_code != 401:
        said = f"What answers at {name} is no registry: /v2/ gives {answer.status_code}."
        return [error(path, said, "Look at host and port.", "NoRegistry")]
    if not registry.username:
        said = f"The registry {name} wants a login, and none is given."
        hint = "Give username and password, unless all images there are public."
        return [warning(f"{registry.path}.username", said, hint, "NoLogin")]
    if is_template(registry.password) or is_template(registry.username):
        return [unknown(f"{registry.path}.password", f"The login of {name} is filled in on the host.", "", "Template")]
    return [await _login(client, registry, base, answer.headers.get("www-authenticate", ""))]


async def _login(client: httpx.AsyncClient, registry: Registry, base: str, challenge: str) -> Finding:
    """Try the login as the registry asks for it: directly, or at the server of tokens that it names."""
    name, where = shown(registry.domain), f"{registry.path}.password"
    login = (registry.username, registry.password)
    kind = challenge.split(" ", 1)[0].lower()
    if kind == "bearer":
        parts: dict[str, Any] = dict(_PART.findall(challenge))
        realm = str(parts.get("realm", ""))
        if not realm.startswith("https://" if base.startswith("https") else "http"):
            return unknown(where, f"The registry {name} asks for a login in a way that is not safe.", "", "Realm")
        scope = {"service": parts["service"]} if parts.get("service") else {}
        answer = await client.get(realm, params=scope, auth=login)
    else:
        answer = await client.get(f"{base}/v2/", auth=login)
    if answer.status_code == 200:
        return note(where, f"The registry {name} takes the login of {shown(registry.username)}.", code="Fine")
    if answer.status_code in (401, 403):
        said = f"The registry {name} does not take the login of {shown(registry.username)}."
        return error(where, said, "Look at user name, password and encodedPassword.", "LoginRefused")
    return unknown(where, f"The registry {name} answers {answer.status_code} to the login.", "Try again.", "NoAnswer")
