"""What sets an adapter of a host, in which file, and why it cannot be changed where it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from edgewright.core.network import ifupdown, keyfile, netplan, networkd
from edgewright.core.network.settings import Adapter, Method
from edgewright.core.text import clean

MASK = "=***"


class Seen(NamedTuple):
    """What was read of a host. `nm`: state and connection of NetworkManager by adapter; `ready`: why nothing can be."""

    texts: Mapping[str, str]
    cut: frozenset[str]
    runs: frozenset[str]
    netif: Mapping[str, Mapping[str, str]]
    nm: Mapping[str, str]
    ready: str

    def network_file(self, index: str) -> str:
        """Return the file of networkd that is in use for a link, "" for none."""
        return self.netif.get(index, {}).get("NETWORK_FILE", "")

    def connection(self, name: str) -> str | None:
        """Return the connection of NetworkManager on an adapter ("" for none), None where others set the adapter."""
        state, _, connection = self.nm.get(name, "").partition(":")
        return None if not state or state.startswith("unmanaged") or "(externally)" in state else connection

    def is_set(self, name: str, index: str) -> bool:
        """Return whether a file of the host is about an adapter; names of container runtimes have none."""
        file = self.network_file(index)
        if file and not file.startswith(("/usr/lib/", "/lib/")):
            return True
        if self.connection(name):
            return True
        return any(ifupdown.find(text, name) for path, text in self.texts.items() if path.startswith("/etc/network/"))


def adapter_of(shown: Adapter, index: str, seen: Seen) -> Adapter:
    """Return an adapter with who sets it, how, and whether it can be changed here."""
    result = _by_netplan(shown, index, seen) or _by_networkd(shown, index, seen)
    result = result or _by_manager(shown, seen) or _by_ifupdown(shown, seen)
    if result is None:
        method: Method = "unknown" if shown.address else "none"
        others = ", ".join(sorted(seen.runs & {"connmand", "dhcpcd", "dhclient", "udhcpc", "wickedd"}))
        why = f"{others} sets it" if others else "no file of systemd-networkd, netplan or ifupdown names it"
        return shown._replace(method=method, locked=f"{shown.name} is not changed here: {why}.")
    if seen.ready:
        return result._replace(locked=seen.ready)
    return result if result.locked else result._replace(locked=_why_not(result, seen))


def _why_not(adapter: Adapter, seen: Seen) -> str:
    name = adapter.name
    if adapter.kind not in ("card", "vlan", "virtual"):
        return f"{name} is a {adapter.kind}: only cards and VLANs are changed here."
    if adapter.file in seen.cut:
        return f"{clean(adapter.file, 120)} is longer than what is changed here, or not in UTF-8."
    if MASK in seen.texts.get(adapter.file, "") and adapter.manager != "systemd-networkd":
        return f"{clean(adapter.file, 120)} has secrets: it is not changed here."
    if adapter.method == "unknown":
        return f"How {name} gets its address is not known: it is not changed here."
    four = [each for each in adapter.addresses if ":" not in each]
    if len(four) > 1 and adapter.method == "static":
        return f"{name} has {len(four)} IPv4 addresses: only one is set here."
    return ""


def _by_networkd(shown: Adapter, index: str, seen: Seen) -> Adapter | None:
    file = seen.network_file(index)
    if not file:
        return None
    text = networkd.merged(file, seen.texts)
    result = shown._replace(manager="systemd-networkd", file=file, method=networkd.method_of(text))
    if file not in seen.texts:
        return result._replace(method="unknown")
    return result


def _by_netplan(shown: Adapter, index: str, seen: Seen) -> Adapter | None:
    files = [path for path in sorted(seen.texts) if path.startswith(netplan.FOLDER)]
    if not files:
        return None
    bodies = {path: netplan.stanza(netplan.read(seen.texts[path]), shown.name) for path in files}
    named = [path for path, body in bodies.items() if body is not None]
    if len(named) == 1:
        body = bodies[named[0]] or {}
        result = shown._replace(manager="netplan", file=named[0], method=netplan.method_of(body))
        if "match" in body or "set-name" in body:
            return result._replace(locked=f"{named[0]} chooses {shown.name} by a match: it is not changed here.")
        return result
    if len(named) > 1:
        why = f"{shown.name} is in {len(named)} files of netplan ({', '.join(named)}): it is not changed here."
        return shown._replace(manager="netplan", file=named[-1], locked=why)
    if "netplan" in seen.network_file(index):
        why = f"No file of /etc/netplan names {shown.name} by itself: it is not changed here."
        return shown._replace(manager="netplan", locked=why)
    return None


def _by_manager(shown: Adapter, seen: Seen) -> Adapter | None:
    connection = seen.connection(shown.name)
    if connection is None:
        return None
    file = next(iter(keyfile.files_of(connection, seen.texts)), "")
    method: Method = keyfile.method_of(seen.texts[file]) if file else "unknown"
    why = keyfile.why_not(shown.name, connection, seen.texts)
    return shown._replace(manager="NetworkManager", file=file, method=method, locked=why)


def _by_ifupdown(shown: Adapter, seen: Seen) -> Adapter | None:
    files = [path for path in seen.texts if path == ifupdown.FILE or path.startswith(ifupdown.FOLDER)]
    named = [(path, ifupdown.find(seen.texts[path], shown.name)) for path in files]
    result = [(path, stanzas) for path, stanzas in named if stanzas]
    if not result:
        return None
    path, stanzas = result[0]
    if len(result) > 1 or len(stanzas) > 1:
        why = f"{shown.name} has several stanzas in {', '.join(each for each, _ in result)}: it is not changed here."
        return shown._replace(manager="ifupdown", file=path, locked=why)
    return shown._replace(manager="ifupdown", file=path, method=ifupdown.method_of(stanzas[0]))
