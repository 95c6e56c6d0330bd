"""From what is wanted on a host to the change: values, files, commands, and what becomes of the connection."""

from __future__ import annotations

import ipaddress

from edgewright.core.errors import InvalidInput
from edgewright.core.network import ifupdown, keyfile, netplan, networkd, oem, pages
from edgewright.core.network.change import OEM_FILE, Change, Draft
from edgewright.core.network.checks import problems
from edgewright.core.network.settings import Adapter, HostNetwork, Wanted

WRITERS = {
    "systemd-networkd": networkd.edit, "netplan": netplan.edit, "NetworkManager": keyfile.edit,
    "ifupdown": ifupdown.edit,
}  # fmt: skip
"""What edits the files of an adapter, by its manager."""


def change_of(host: HostNetwork, wanted: Wanted) -> Change:
    """Return the change. Raises `InvalidInput` with what is wrong."""
    wrong = problems(host, wanted)
    if wrong:
        raise InvalidInput(wrong[0], " ".join(wrong[1:4]))
    if wanted.address:  # a mask in the place of the prefix is the same
        wanted = wanted._replace(address=str(ipaddress.IPv4Interface(wanted.address)))
    draft = Draft(host.texts)
    pages.put_name(draft, host, wanted)
    pages.put_dns(draft, host, wanted)
    pages.put_ntp(draft, host, wanted)
    pages.put_proxy(draft, host, wanted)
    adapter = host.adapter(wanted.adapter) if wanted.adapter else None
    if adapter is not None and _values(draft, adapter, wanted):
        try:
            WRITERS[adapter.manager](draft, adapter, wanted, host.texts)
        except ValueError as error:
            raise InvalidInput(f"The settings of {adapter.name} cannot be changed here: {error}.") from None
        _judge_link(draft, host, adapter, wanted)
    change = draft.done()
    if host.oem and change.files:
        notes = (*change.notes, f"{OEM_FILE} is written when the change is confirmed.")
        try:
            change = change._replace(notes=notes, files=oem.add(change.files, host.texts.get(OEM_FILE, "")))
        except ValueError as error:
            raise InvalidInput(f"{OEM_FILE} of the host {error}.", "Look at it, and remove it there.") from None
    return change


def _values(draft: Draft, adapter: Adapter, wanted: Wanted) -> bool:
    """Note what changes on an adapter; return whether something does."""
    name = adapter.name
    method = wanted.method or adapter.method
    changes = [draft.value(f"{name} method", adapter.method, method)]
    if method == "static":
        changes.append(draft.value(f"{name} address", adapter.address, _or(wanted.address, adapter.address)))
        changes.append(draft.value(f"{name} gateway", adapter.gateway, _or(wanted.gateway, adapter.gateway)))
    elif changes[0]:
        draft.value(f"{name} address", adapter.address, "by DHCP")
    if wanted.vlan is not None:
        changes.append(draft.value(f"{name} VLAN", _vlan(adapter.vlan), _vlan(wanted.vlan)))
    if wanted.mtu is not None:
        changes.append(draft.value(f"{name} MTU", str(adapter.mtu), str(wanted.mtu)))
    return any(changes)


def _or(new: str | None, old: str) -> str:
    return old if new is None else new


def _vlan(number: int | None) -> str:
    return str(number) if number else "untagged"


def _judge_link(draft: Draft, host: HostNetwork, adapter: Adapter, wanted: Wanted) -> None:
    """Record whether this very connection goes through the adapter, and where the host answers afterwards."""
    own = {each.partition("/")[0] for each in adapter.addresses}
    if host.served and host.served not in own:
        other = next((each.name for each in host.adapters if host.served in _ips(each)), "another adapter")
        draft.notes.append(f"This connection uses {other} ({host.served}), not {adapter.name}: it stays.")
        return
    name, served = adapter.name, host.served or "an unknown address"
    method = wanted.method or adapter.method
    if wanted.vlan and wanted.vlan != (adapter.vlan or 0):
        draft.cut = f"it uses {name} ({served}), which moves to VLAN {wanted.vlan}"
    if method == "static":
        new = _or(wanted.address, adapter.address).partition("/")[0]
        if new != adapter.address.partition("/")[0]:
            draft.cut = draft.cut or f"it uses {name} ({served}); the console connects again at {new}"
            draft.address = new if served in own else ""
            return
        if draft.cut:
            return
        if _needs_gateway(host, _or(wanted.address, adapter.address)) and _or(wanted.gateway, adapter.gateway) != (
            adapter.gateway
        ):
            draft.cut = f"its answers to {host.client} go through the gateway, which changes"
            return
    elif adapter.method != "dhcp":
        draft.cut = f"it uses {name} ({served}); the address that DHCP gives is not known beforehand"
        return
    if not draft.cut:
        draft.notes.append(f"This connection uses {name} ({served}): it pauses while the adapter is set, and stays.")


def _needs_gateway(host: HostNetwork, address: str) -> bool:
    try:
        return ipaddress.ip_address(host.client) not in ipaddress.ip_interface(address).network
    except ValueError:
        return True


def _ips(adapter: Adapter) -> set[str]:
    return {each.partition("/")[0] for each in adapter.addresses}
