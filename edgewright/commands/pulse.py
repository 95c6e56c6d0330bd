"""The pulse in words: what needs attention, what is wrong now, the fleet's counts, tokens that end soon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.host_rows import ago, or_dash, stamp
from edgewright.commands.lookup import FoundHost, every_host
from edgewright.commands.results import Detail, Section
from edgewright.core import times
from edgewright.core.errors import NotFound
from edgewright.core.text import clean
from edgewright.wire.tokens import EdgeToken

if TYPE_CHECKING:
    from edgewright.clients.palette import PlaneClient
    from edgewright.commands.context import CommandContext

SOON = 7 * times.DAY
"""A token that ends within this many seconds is told."""
MOST = 50
"""Problems told at most; the rest is counted."""


async def pulse(ctx: CommandContext) -> Detail:
    """Return counts, problems (longest first) and tokens that end soon."""
    client = await ctx.client()
    hosts = [host async for host in every_host(client)]
    now = times.now()
    noun = "host" if len(hosts) == 1 else "hosts"
    sick = sorted((h for h in hosts if h.row.health == "unhealthy"), key=lambda h: (h.row.since or now, h.name))
    ending = [
        token
        for token in map(EdgeToken, await client.tokens())
        if token.is_active and token.expiry is not None and 0 < token.expiry - now < SOON
    ]
    alerts = await _alerts(client)
    health = {word: sum(h.row.health == word for h in hosts) for word in ("healthy", "unhealthy", "unknown")}
    state = {word: sum(h.row.state == word for h in hosts) for word in ("unpaired", "ready", "in-use")}
    document: dict[str, Any] = {
        "checked": times.rfc3339(now),
        "hosts": len(hosts),
        "health": health,
        "state": state,
        "alerts": alerts,
        "problems": [_problem(host) for host in sick],
        "tokensEnding": [{"name": t.name, "uid": t.uid, "expiry": times.rfc3339(t.expiry)} for t in ending],
    }
    wrong = [(f"▲ {h.name}", _words(h, now)) for h in sick[:MOST]]
    if len(sick) > MOST:
        wrong.append(("", f"and {len(sick) - MOST} more: edgewright host list health:unhealthy"))
    fleet = [
        ("health", f"• {health['healthy']} healthy  ▲ {health['unhealthy']} unhealthy  ○ {health['unknown']} unknown"),
        ("state", f"{state['in-use']} in use  {state['ready']} ready  {state['unpaired']} unpaired"),
    ]
    soon = tuple((clean(t.name), f"ends in {times.age((t.expiry or now) - now)}") for t in ending)
    sections = [Section("FLEET", tuple(fleet))]
    if wrong:
        sections.insert(0, Section("NOT WELL", tuple(wrong)))
    if alerts:
        sections.insert(0, Section("NEEDS ATTENTION", tuple(_alert_words(alert, now) for alert in alerts[:MOST])))
    if soon:
        sections.append(Section("TOKENS", soon))
    are = "is" if len(sick) == 1 else "are"
    headline = f"Nothing is wrong with {len(hosts)} {noun}"
    if sick:
        headline = f"{len(sick)} of {len(hosts)} {noun} {are} not well"
    if alerts:
        fine = f"{health['healthy']} of {len(hosts)} {noun} healthy"
        headline = f"{len(alerts)} {'alert needs' if len(alerts) == 1 else 'alerts need'} attention; {fine}"
    return Detail("pulse", document, f"{headline}, checked {stamp(now)}", tuple(sections))


async def _alerts(client: PlaneClient) -> list[dict[str, Any]]:
    """Return the plane's alerts; none from a Palette or a hub v0.1.0."""
    try:
        return await client.alerts()
    except NotFound:
        return []


def _alert_words(alert: dict[str, Any], now: float) -> tuple[str, str]:
    from edgewright.store.normalise import alert_row

    row = alert_row(alert)
    if row is None:
        return "‼", "-"
    where = f"(from {', '.join(row.addresses)})" if row.addresses else ""
    return f"‼ {row.subject}", "  ".join(filter(None, [row.text, where, ago(row.since, now), row.owner, row.hint]))


def _problem(host: FoundHost) -> dict[str, Any]:
    row = host.row
    return {
        "uid": row.uid,
        "name": row.name,
        "site": or_dash(row.site),
        "reason": row.reason,
        "since": times.rfc3339(row.since),
        "who": row.who,
    }


def _words(host: FoundHost, now: float) -> str:
    row = host.row
    return "  ".join(filter(None, [row.reason or "unhealthy", ago(row.since, now), row.who]))
