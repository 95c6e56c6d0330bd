"""What only the network can show about a user-data: plane, token, registries, time servers, proxy.

Every check has its time, all run at once, and none raises. What is wrong is an error; what could not be asked from
here is `unknown`, which is another thing: the site's network is not this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from edgewright.core import times
from edgewright.core.cloudconfig.findings import Finding, ordered, unknown
from edgewright.core.cloudconfig.look import at, mapping, shown, text
from edgewright.core.cloudconfig.registries import registries
from edgewright.core.cloudconfig.schema.model import is_template
from edgewright.core.cloudconfig.site import local_mode, only_here
from edgewright.core.errors import EdgewrightError
from edgewright.forge.userdata.online_network import check_proxy, check_time, time_servers
from edgewright.forge.userdata.online_plane import check_endpoint, check_hosts, check_token
from edgewright.forge.userdata.online_project import check_project
from edgewright.forge.userdata.online_registry import check_registry

MOST = 20
"""Registries and time servers that are asked."""


async def check_online(
    document: Mapping[str, Any],
    *,
    tokens: Sequence[Mapping[str, Any]] | None = None,
    hosts: Sequence[Mapping[str, Any]] | None = None,
    projects: Sequence[Mapping[str, Any]] | None = None,
    why_no_tokens: str = "no plane was asked for its tokens",
    timeout: float = 5.0,
    now: float | None = None,
) -> list[Finding]:
    """Return what the network reports about a document, the worst first; what was seen to be right is a note.

    `tokens`, `hosts` and `projects` are what the plane of `paletteEndpoint` lists; None: it could not be asked,
    for the reason `why_no_tokens` (the end of a sentence). `timeout` is in seconds, for each check.
    """
    moment = times.now() if now is None else now
    checks: list[tuple[str, str, Awaitable[list[Finding]]]] = []
    endpoint = text(at(document, "stylus", "site", "paletteEndpoint"))
    findings: list[Finding] = []
    if endpoint and not is_template(endpoint) and not local_mode(document):
        checks.append(("stylus.site.paletteEndpoint", "the plane", check_endpoint(document, timeout)))
        findings += check_token(document, tokens, why_no_tokens, moment)
        findings += check_project(document, projects)
        if hosts is not None:
            findings += check_hosts(document, hosts)
    for registry in list(registries(document))[:MOST]:
        if registry.domain and not is_template(registry.domain):
            checks.append((f"{registry.path}.domain", "the registry", check_registry(registry, timeout)))
    for path, server in time_servers(document)[:MOST]:
        checks.append((path, f"the time server {shown(server)}", check_time(path, server, timeout)))
    network = mapping(at(document, "stylus", "site", "network"))
    for name in ("httpProxy", "httpsProxy"):
        proxy = text(network.get(name))
        if proxy and not is_template(proxy):
            path = f"stylus.site.network.{name}"
            checks.append((path, "the proxy", check_proxy(path, proxy, endpoint, timeout)))
    for answers in await asyncio.gather(*(_bounded(*check, timeout) for check in checks)):
        findings += answers
    return ordered(findings)


async def _bounded(path: str, what: str, check: Awaitable[list[Finding]], seconds: float) -> list[Finding]:
    try:
        return await asyncio.wait_for(check, seconds * 2)
    except TimeoutError:
        return [
            unknown(path, f"Whether {what} works is not known: no answer within {seconds * 2:g} s.", "", "NoAnswer")
        ]
    except (EdgewrightError, OSError, ValueError) as wrong:
        message = wrong.message if isinstance(wrong, EdgewrightError) else f"{wrong}"
        return [unknown(path, f"Whether {what} works is not known: {shown(message, 200).rstrip('.')}.", "", "NoAnswer")]


def not_checked(document: Mapping[str, Any]) -> list[Finding]:
    """Return what was left out when nothing may be asked of the network, as one finding."""
    parts = []
    endpoint = text(at(document, "stylus", "site", "paletteEndpoint"))
    if endpoint and not local_mode(document) and not only_here(endpoint):
        parts.append("whether the plane answers, and knows the token")
    if any(True for _ in registries(document)):
        parts.append("registries and their logins")
    if time_servers(document):
        parts.append("time servers")
    if any(text(at(document, "stylus", "site", "network", name)) for name in ("httpProxy", "httpsProxy")):
        parts.append("the proxy")
    if not parts:
        return []
    message = f"Offline: {'; '.join(parts)}."
    return [unknown("", message, "Run it without --offline where the network is.", "Offline")]
