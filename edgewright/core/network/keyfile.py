"""Adapters that NetworkManager sets: the file of their connection read, and edited."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from edgewright.core.network.change import Draft
from edgewright.core.network.ini import Ini
from edgewright.core.network.settings import Adapter, Method, Wanted

FOLDER = "/etc/NetworkManager/system-connections/"
ETHERNET = ("ethernet", "802-3-ethernet")
"""The type of a wired connection, and the name of its section."""
SECONDS = 45
"""How long a connection may take to come up, DHCP too; one that does not is a command that failed."""
_METHODS: Mapping[str, Method] = {"auto": "dhcp", "manual": "static", "disabled": "none"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,60}")
_ADDRESS = re.compile(r"\s*(address\d*|addresses|gateway)\s*=")


def last(text: str, section: str, key: str) -> str:
    """Return the value of a key that counts, "" for none."""
    return (Ini(text).values(section, key) or [""])[-1]


def method_of(text: str) -> Method:
    """Return how a connection sets IPv4."""
    return _METHODS.get(last(text, "ipv4", "method"), "unknown")


def files_of(connection: str, texts: Mapping[str, str]) -> list[str]:
    """Return the files of the connections with this name."""
    paths = sorted(path for path in texts if "/NetworkManager/" in path)
    return [path for path in paths if last(texts[path], "connection", "id") == connection]


def why_not(name: str, connection: str, texts: Mapping[str, str]) -> str:
    """Return why a connection cannot be changed here, "" where it can."""
    files = files_of(connection, texts)
    there = "change it there by `nmcli connection modify`."
    if not connection:
        return f"NetworkManager has no connection on {name} now: {there}"
    if not _NAME.fullmatch(connection):
        return f"The connection of {name} in NetworkManager has no plain name: {there}"
    if not files:
        return f"NetworkManager made the connection of {name} ({connection}) by itself, there is no file of it: {there}"
    if len(files) > 1:
        return f"{len(files)} connections of NetworkManager have the name {connection}: {there}"
    text = texts[files[0]]
    if not files[0].startswith(FOLDER):
        return f"The connection of {name} ({files[0]}) is made again at each start: {there}"
    if last(text, "connection", "type") not in ETHERNET:
        return f"The connection {connection} of {name} is not a plain wired one: {there}"
    if any(last(text, "connection", key) for key in ("master", "controller")):
        return f"{name} is a part of a bond or bridge of NetworkManager: {there}"
    if last(text, "connection", "interface-name") != name:
        return f"The connection {connection} is not for {name} alone: {there}"
    return ""


def edit(draft: Draft, adapter: Adapter, wanted: Wanted, texts: Mapping[str, str]) -> None:
    """Put what is wanted into the connection of an adapter. Raises `ValueError` where its file is not there."""
    ini = Ini(draft.text(adapter.file))
    connection = (ini.values("connection", "id") or [""])[-1]
    if not _NAME.fullmatch(connection):
        raise ValueError(f"{adapter.file} has no plain name of a connection")
    dhcp = (wanted.method or adapter.method) == "dhcp"
    if wanted.method or wanted.address is not None or wanted.gateway is not None:
        for section in ini.all("ipv4"):
            section.lines = [line for line in section.lines if not _ADDRESS.match(line)]
        ini.put("ipv4", "method", ["auto" if dhcp else "manual"])
        if not dhcp:
            address = adapter.address if wanted.address is None else wanted.address
            gateway = adapter.gateway if wanted.gateway is None else wanted.gateway
            ini.first("ipv4").add("address1", [f"{address},{gateway}" if gateway else address])
    if wanted.mtu is not None and wanted.mtu != adapter.mtu:
        names = [section.name for section in ini.sections if section.name in ETHERNET]
        ini.put((names or ["ethernet"])[0], "mtu", [str(wanted.mtu)])
        draft.back.append(f"ip link set dev {adapter.name} mtu {adapter.mtu}")
    draft.write(adapter.file, ini.text(), 0o600)
    up = f"nmcli --wait {SECONDS} connection up id {shlex.quote(connection)}"
    # A connection that comes up again gets another metric of its routes: another card may become the default route.
    same = f"nmcli device reapply {adapter.name} || " if not dhcp and adapter.method == "static" else ""
    draft.after += ["nmcli connection reload", same + up]
