"""What the Network page shows: name, adapters, DNS, proxy and NTP of a host, and a change that is not confirmed."""

from __future__ import annotations

from typing import NamedTuple

from edgewright.commands.site.network.document import last_of
from edgewright.core.network.settings import Adapter, HostNetwork, masked
from edgewright.core.text import clean
from tui.frame.ages import age_of
from tui.widgets.lines import Line, Role, blocks, cut, line, spread, wrap

MOST_TEXT = 600
NARROW = 40
"""Columns below which an adapter is one line."""


class NetworkView(NamedTuple):
    """What is known now. `left`: seconds until an unconfirmed change is taken back, None without one.

    `waiting`: what the console does about its own change, "" for nothing.
    """

    network: HostNetwork | None
    now: float
    read_at: float | None = None
    reading: bool = False
    problem: str = ""
    why: str = ""
    """Why there is no connection."""
    left: int | None = None
    waiting: str = ""


def body(view: NetworkView, width: int) -> list[Line]:
    """Return the page in lines of at most `width` cells; what can be changed has a key."""
    parts: list[list[Line]] = []
    if view.waiting:
        parts.append(_wrapped(view.waiting, width, "► ", "work"))
    elif view.why:
        parts.append(_wrapped(view.why, width, "▬ ", "parked"))
    if view.problem:
        parts.append(_wrapped(view.problem, width, "▲ ", "warn"))
    network = view.network
    if network is None:
        if view.reading:
            parts.append(_wrapped("Reading the network settings in one round trip. esc stops it.", width, "► ", "work"))
        elif not view.problem and not view.why:
            parts.append(_wrapped("Nothing was read from this host yet.", width, "○ ", "muted"))
        return blocks(parts)
    parts.append(_pending(view, network, width))
    age = "" if view.read_at is None else f"read {age_of(view.read_at, view.now)} ago"
    parts.append(
        [
            spread([("HOST NAME", "head")], [(cut(age, max(width - 11, 0)), "muted")], width),
            _row(network.name, width, "page/name"),
        ]
    )
    head = _head("ADAPTERS", network.manager, width)
    rows = [row for each in network.adapters for row in _adapter(each, width)]
    parts.append([head, *(rows or [line((cut("  none that a file of the host names", width), "muted"))])])
    parts.append([_head("DNS", network.resolver, width), _row(" ".join(network.dns), width, "page/dns")])
    if network.search:
        parts[-1] += wrap("search " + " ".join(network.search), width, "  ", "    ", "muted")
    proxy = network.proxy
    shown = [f"http {masked(proxy.http)}"] if proxy.http else []
    shown += [f"https {masked(proxy.https)}"] if proxy.https else []
    parts.append([line(("PROXY", "head")), _row("  ".join(shown), width, "page/proxy")])
    if proxy.no_proxy:
        parts[-1] += wrap("not for " + clean(proxy.no_proxy, MOST_TEXT), width, "  ", "    ", "muted")
    parts.append([_head("NTP", network.clock, width), _row(" ".join(network.ntp), width, "page/ntp")])
    parts.append(_reasons(network, width))
    return blocks(parts)


def waiting_of(left: int, address: str, begun: bool) -> str:
    """Return what is waited for after a change was sent; `left`: seconds until the host goes back by itself."""
    where = f" at {address}" if address else ""
    if left <= 0:
        return f"The time for the confirmation is over: the host gives its old settings back; connecting again{where}."
    if begun:
        return f"The host applies the change; connecting again{where}. It goes back in {left} s."
    known = f"Whether the host has begun the change is not known; connecting again{where}."
    return f"{known} If it has, it goes back in {left} s unless you confirm."


def _pending(view: NetworkView, network: HostNetwork, width: int) -> list[Line]:
    """Return the change that is not confirmed, with its answers; without one what became of the last."""
    pending = network.pending
    if pending is None:
        last = last_of(network)
        return _wrapped(f"Last change: {last}.", width, "○ ", "muted", "muted") if last else []
    if pending.stage != "armed":
        word = {"back": "The host gives its old settings back", "confirmed": "A change is being confirmed"}
        return _wrapped(f"{word.get(pending.stage, 'A change begins')} ({pending.who}).", width, "► ", "work")
    left = pending.left if view.left is None else view.left
    when = f"in {left} s" if left > 0 else "now"
    text = f"NOT CONFIRMED, changed by {pending.who or 'somebody'}: the old settings return {when}."
    rows = _wrapped(clean(text, MOST_TEXT), width, "‼ ", "warn")
    if left <= 0:
        return rows
    if pending.applied:
        rows.append(line((cut("  confirm the new settings", width), "accent"), key="confirm"))
    rows.append(line((cut("  restore the old settings now", width), "accent"), key="undo"))
    return rows


def _head(word: str, by: str, width: int) -> Line:
    text = f"by {clean(by, 60)}" if by else ""
    return spread([(word, "head")], [(cut(text, max(width - len(word) - 2, 0)), "muted")], width)


def _row(text: str, width: int, key: str) -> Line:
    shown = clean(text, MOST_TEXT)
    return line("  ", (cut(shown, width - 2), "") if shown else ("not set", "muted"), key=key)


def _adapter(each: Adapter, width: int) -> list[Line]:
    sign: tuple[str, Role] = ("• ", "ok") if each.up else ("○ ", "muted")
    parts = [each.method, *(each.addresses[:3] or ("no address",))]
    parts += [f"gateway {each.gateway}"] if each.gateway else []
    parts += [f"VLAN {each.vlan} on {each.parent}"] if each.vlan else []
    parts += [f"MTU {each.mtu}"]
    role: Role = "muted" if each.locked else ""
    if width < NARROW:
        name = cut(f"{clean(each.name, 15)} {each.method} {each.address}", width - 4)
        return [line("  ", sign, (name, role), key=f"adapter/{each.name}")]
    first, *more = wrap(clean("  ".join(parts), MOST_TEXT), width - 20, role=role)
    rows = [line("  ", sign, (f"{clean(each.name, 15):<16}", role), *first.spans, key=f"adapter/{each.name}")]
    return [*rows, *(line(" " * 20, *row.spans) for row in more)]


def _reasons(network: HostNetwork, width: int) -> list[Line]:
    rows: list[Line] = []
    if network.kubernetes:
        text = f"Kubernetes is on this host ({network.kubernetes}): its addresses stay as they are."
        rows += _wrapped(clean(text, MOST_TEXT), width, "○ ", "muted", "muted")
    locked = [*network.locked.values(), *(each.locked for each in network.adapters)]
    for why in dict.fromkeys(each for each in locked if each):
        rows += _wrapped(clean(why, MOST_TEXT), width, "○ ", "muted", "muted")
    for note in network.notes:
        rows += _wrapped(clean(note, MOST_TEXT), width, "○ ", "muted", "muted")
    return rows


def detail(network: HostNetwork | None, key: str, width: int) -> list[Line]:
    """Return more about what is pointed at."""
    adapter = network.adapter(key.removeprefix("adapter/")) if network is not None else None
    if adapter is None:
        return []
    pairs = [
        ("kind", adapter.kind), ("MAC", adapter.mac), ("set by", adapter.manager), ("file", adapter.file),
        ("method", adapter.method), ("addresses", "  ".join(adapter.addresses)), ("gateway", adapter.gateway),
        ("MTU", str(adapter.mtu)),
    ]  # fmt: skip
    rows = wrap(clean(adapter.name, 20), width, role="strong")
    for label, value in pairs:
        rows += wrap(clean(value, 300) or "-", width, f"{label:<11}", " " * 11)
    if adapter.locked:
        rows += [Line(), *wrap(clean(adapter.locked, MOST_TEXT), width, role="muted")]
    return rows


def _wrapped(text: str, width: int, sign: str, role: Role, then: Role = "") -> list[Line]:
    first, *more = wrap(text, max(width - 2, 8), role=then)
    return [line((sign, role), *first.spans), *(line("  ", *row.spans) for row in more)]
