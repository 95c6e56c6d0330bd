"""Network settings as a document (`-o json`) and as text; proxies without their passwords."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgewright.clients.ssh.network.changing import ENDS
from edgewright.core.network.change import Change
from edgewright.core.network.settings import Adapter, HostNetwork, masked
from edgewright.core.text import clean

PAGES = (("name", "host name"), ("dns", "DNS"), ("proxy", "proxy"), ("ntp", "NTP"))


def document_of(target: str, host: HostNetwork) -> dict[str, Any]:
    """Return everything that is shown about one host."""
    pending = host.pending
    return {
        "target": target,
        "hostName": host.name,
        "manager": host.manager,
        "adapters": [_adapter(each) for each in host.adapters],
        "dns": {"servers": list(host.dns), "search": list(host.search), "resolver": host.resolver},
        "proxy": {
            "http": masked(host.proxy.http), "https": masked(host.proxy.https), "noProxy": host.proxy.no_proxy,
        },
        "ntp": {"servers": list(host.ntp), "service": host.clock},
        "connection": {"server": host.served, "client": host.client},
        "kubernetes": host.kubernetes,
        "root": host.root,
        "notChangedHere": {page: reason for page, reason in host.locked.items() if reason},
        "pending": None
        if pending is None
        else {"run": pending.run, "by": pending.who, "secondsLeft": pending.left, "stage": pending.stage,
              "applied": pending.applied},
        "lastChange": last_of(host),
        "notes": list(host.notes),
    }  # fmt: skip


def _adapter(each: Adapter) -> dict[str, Any]:
    return {
        "name": each.name, "kind": each.kind, "mac": each.mac, "up": each.up, "method": each.method,
        "addresses": list(each.addresses), "gateway": each.gateway, "vlan": each.vlan, "parent": each.parent,
        "mtu": each.mtu, "manager": each.manager, "file": each.file, "notChangedHere": each.locked,
    }  # fmt: skip


def last_of(host: HostNetwork) -> str:
    """Return what became of the last change, "" where nothing is known."""
    parts = host.last.split(" ", 2)
    if len(parts) < 2 or parts[1] not in ENDS:
        return ""
    reason = f" ({clean(parts[2], 200)})" if len(parts) > 2 and parts[1] == "failed" else ""
    return f"{ENDS[parts[1]]}{reason}"


def page(document: dict[str, Any]) -> str:
    """Return the text of one host for a terminal."""
    lines = [f"{clean(document['target'], 100)}  {clean(document['hostName'], 100)}", ""]
    rows = [("host name", document["hostName"], document["notChangedHere"].get("name", ""))]
    for each in document["adapters"]:
        parts = [each["method"], *each["addresses"][:4]]
        parts += [f"gateway {each['gateway']}"] if each["gateway"] else []
        parts += [f"VLAN {each['vlan']} on {each['parent']}"] if each["vlan"] else []
        parts += [f"MTU {each['mtu']}", "up" if each["up"] else "down", f"by {each['manager']}"]
        rows.append((each["name"], ", ".join(parts), each["notChangedHere"]))
    locked, dns, proxy, ntp = document["notChangedHere"], document["dns"], document["proxy"], document["ntp"]
    rows += [
        ("DNS", _list(dns["servers"]), locked.get("dns", "")), ("search", _list(dns["search"]), ""),
        ("http proxy", proxy["http"] or "-", locked.get("proxy", "")), ("https proxy", proxy["https"] or "-", ""),
        ("no proxy", proxy["noProxy"] or "-", ""),
        ("NTP", f"{_list(ntp['servers'])} ({ntp['service'] or 'no time service'})", locked.get("ntp", "")),
    ]  # fmt: skip
    reasons = []
    for label, value, why in rows:
        lines.append(f"{clean(label, 15):<16}{clean(value, 400)}")
        if why and why not in reasons:
            reasons.append(why)
    lines += ["", *(clean(why, 400) for why in reasons)] if reasons else []
    if document["kubernetes"]:
        lines.append(f"Kubernetes is on this host ({clean(document['kubernetes'], 60)}): its addresses stay.")
    lines += [clean(note, 300) for note in document["notes"]]
    pending = document["pending"]
    if pending is not None:
        lines += ["", f"NOT CONFIRMED: a change by {pending['by'] or 'somebody'}, {pending['secondsLeft']} s left."]
    elif document["lastChange"]:
        lines += ["", f"Last change: {document['lastChange']}."]
    return "\n".join(lines)


def _list(values: Sequence[str]) -> str:
    return " ".join(values) or "-"


def plan_lines(change: Change, within: int) -> tuple[str, ...]:
    """Return a plan in lines: values, files, commands, what becomes of the connection, and the way back."""
    width = max((len(value.label) for value in change.values), default=0)
    lines = [f"{value.label:<{width}}  {value.old} -> {value.new}" for value in change.values]
    lines += [f"{'removes' if each.text is None else 'writes'} {each.path}" for each in change.files]
    lines += [f"runs {line}" for line in (*change.before, *change.after)]
    if change.cut:
        lines.append(f"THIS CONNECTION WILL BE CUT: {change.cut}.")
    lines += change.notes
    lines.append(
        f"Unless it is confirmed within {within} s, the host gives the old settings back by itself; so it does after a "
        "command that fails and after a power cut."
    )
    return tuple(lines)
