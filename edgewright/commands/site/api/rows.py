"""What the local API answered, as sections of labels and values. Texts are cleaned; secrets are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.clients.local_api import documents as views
from edgewright.commands.site.api.session import SHOWN, Value
from edgewright.core.text import amount, clean

UNKNOWN = "-"
MOST = 12
"""Rows of one kind; the rest is counted."""


class Section(NamedTuple):
    """One answer: its title, its rows, why there is none, and when it was read."""

    title: str
    rows: tuple[tuple[str, str], ...]
    reason: str
    at: float


def sections(values: Mapping[str, Value]) -> list[Section]:
    """Return what was read so far, in the order of the page."""
    result = []
    for name, call in SHOWN:
        value = values.get(name)
        if value is None:
            continue
        rows = () if value.document is None else tuple(_ROWS[name](value.document))
        shown = tuple((label, clean(text, 400) or UNKNOWN) for label, text in rows)
        result.append(Section(_TITLES.get(name, call.what).upper(), shown, clean(value.reason, 400), value.at))
    return result


Rows = list[tuple[str, str]]


def _host(host: views.HostInfo) -> Rows:
    device = host.device
    cpu, memory = device.get("cpu"), device.get("memory")
    system = device.get("os")
    hardware = [
        str(device.get("archType") or ""),
        f"{cpu.get('cores')} cpu" if isinstance(cpu, dict) else "",
        f"{memory.get('sizeInMB')} MB" if isinstance(memory, dict) else "",
    ]
    known = system if isinstance(system, dict) else {}
    parts = (str(known.get(key) or "") for key in ("family", "version", "kernelVersion"))
    nics = [(nic.name, " ".join(filter(None, (nic.ip, nic.gateway and f"gateway {nic.gateway}")))) for nic in host.nics]
    return [
        ("name", host.host_name or host.name),
        ("uid", host.uid),
        ("state", host.host_state),
        ("agent", " ".join(filter(None, (host.agent_version, host.management_mode, host.connection_mode)))),
        ("role", host.node_role),
        ("hardware", "  ".join(filter(None, hardware))),
        ("system", " ".join(filter(None, parts))),
        ("secure boot", "yes" if host.secure_boot else "no"),
        ("plane", host.endpoint),
        ("DNS", ", ".join(host.name_servers)),
        ("NTP", ", ".join(host.ntp_servers)),
        *_bounded(nics),
    ]


def _settings(settings: views.Settings) -> Rows:
    flags = [name for name, on in settings.feature_flags.items() if on is True]
    return [
        ("managed", settings.management_mode),
        ("installed", settings.installation_mode),
        ("features", ", ".join(sorted(map(str, flags))[:MOST])),
    ]


def _configured(status: views.ConfigurationStatus) -> Rows:
    return [("state", status.state), *([("error", status.error)] if status.error else [])]


def _configurations(proxies: views.Configurations) -> Rows:
    return [
        ("HTTP proxy", _without_login(proxies.http_proxy)),
        ("HTTPS proxy", _without_login(proxies.https_proxy)),
        ("no proxy", proxies.no_proxy),
        ("CA", amount(len(proxies.ca_certificates), "certificate")),
    ]


def _without_login(url: str) -> str:
    """Return the address of a proxy without user and password."""
    scheme, mark, rest = url.rpartition("://")
    return f"{scheme}{mark}***@{rest.rpartition('@')[2]}" if "@" in rest else url


def _cluster(cluster: views.Cluster) -> Rows:
    nodes = [(node.name, _state(node.state, node.health, node.reason)) for pool in cluster.pools for node in pool.nodes]
    failing = [(row.type, f"{row.reason} {row.message}".strip()) for row in cluster.conditions if row.status == "False"]
    return [
        ("name", cluster.name),
        ("state", _state(cluster.state, cluster.health, cluster.health_reason or cluster.state_reason)),
        ("Kubernetes", cluster.version),
        ("VIP", cluster.vip),
        *([("reboot", "pending")] if cluster.reboot_pending else []),
        *_bounded(nodes),
        *_bounded(failing),
    ]


def _state(state: str, health: str, reason: str) -> str:
    return ", ".join(filter(None, (state, health, reason)))


def _applications(applications: views.Applications) -> Rows:
    packs = [pack for profile in applications.profiles for pack in profile.packs]
    rows = [(pack.name, " ".join(filter(None, (pack.version, pack.layer, pack.status)))) for pack in packs]
    return _bounded(rows) or [("packs", "none")]


def _certificates(certificates: views.Certificates) -> Rows:
    every = [each for authority in certificates.authorities for each in authority.certificates]
    rows = [(each.name, f"{each.node} until {each.ends}") for each in every]
    first = [("renewal", "needed now" if certificates.needs_renewal else f"from {certificates.renewal} on")]
    return [*first, *_bounded(sorted(rows, key=lambda row: row[1].rpartition(" ")[2]))]


def _registry(registry: views.RegistryHealth) -> Rows:
    used = f"{registry.used} of {registry.capacity}" if registry.used or registry.capacity else ""
    return [("state", _state(registry.state, "", registry.message)), ("disk", used)]


def _content(content: views.ContentSync) -> Rows:
    rows = [(item.name, " ".join(filter(None, (item.kind, item.version, item.status, item.message))))
            for item in content.pending]  # fmt: skip
    return [("state", content.message), *_bounded(rows)]


def _uploaded(content: views.UploadedContent) -> Rows:
    size = "" if content.size is None else f"{content.size:,} bytes"
    return [("file", content.file), ("size", size), ("SHA-256", content.sha256), ("uploaded", content.at)]


def _links(links: views.Links) -> Rows:
    rows = [(peer.ip or peer.uid, _state(peer.role, peer.status, f"{peer.health} content {peer.content}".strip()))
            for peer in links.peers]  # fmt: skip
    return [("state", _state(links.status, "", links.error)), *_bounded(rows)]


def _errors(events: views.Events) -> Rows:
    return _bounded([(event.severity or event.reason, event.message) for event in events.items]) or [("errors", "none")]


def _bounded(rows: Sequence[tuple[str, str]]) -> Rows:
    named = [(clean(label, 40) or UNKNOWN, text) for label, text in rows[:MOST]]
    return [*named, ("more", f"{len(rows) - MOST} not shown")] if len(rows) > MOST else named


_ROWS: Mapping[str, Any] = {
    "host": _host, "settings": _settings, "configured": _configured, "configurations": _configurations,
    "cluster": _cluster, "applications": _applications, "certificates": _certificates, "registry": _registry,
    "content": _content, "uploaded": _uploaded, "links": _links, "errors": _errors,
}  # fmt: skip
_TITLES = {"configured": "configuration", "configurations": "proxy", "errors": "errors of the host"}
