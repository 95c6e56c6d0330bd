"""Links, addresses, routes, what answers, names."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

from edgewright.clients.ssh.probes.parsing.lines import first, integer_of, with_word
from edgewright.core.doctor.facts import Address, Link, Port, Server

Lines = Sequence[str]
_STATES = frozenset({"open", "refused", "silent", "no-route", "name", "error"})
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


def links(lines: Lines) -> dict[str, Any]:
    """Return the network cards of the host."""
    rows = [row.split() for row in with_word(lines, "link")]
    states = {row[1]: row for row in (row.split() for row in with_word(lines, "setup")) if len(row) == 5}
    unknown = ["", "", "", "", ""]
    results = [
        Link(
            row[0],
            row[1],
            row[2] == "1" if row[2] in "01" else None,
            integer_of(row[3]),
            row[5] == "card",
            _is_up(row[6]),
            row[4].lower() if _MAC.fullmatch(row[4].lower()) else "",
            row[5],
            states.get(row[0], unknown)[4],
            states.get(row[0], unknown)[3],
        )
        for row in rows
        if len(row) == 7
    ]
    return {"links": tuple(results)} if results else {}


def _is_up(flags: str) -> bool | None:
    return bool(int(flags, 16) & 1) if re.fullmatch(r"0x[0-9a-f]{1,8}", flags) else None


def addresses(lines: Lines) -> dict[str, Any]:
    """Return addresses, from `ip -o addr` or `ifconfig -a`."""
    if "no-program" in lines or not lines:
        return {}
    results: list[Address] = []
    card = ""
    for line in lines:
        parts = line.split()
        if line.startswith("ifconfig "):
            body = line[len("ifconfig ") :]
            if body and not body.startswith(" "):
                card = body.split()[0].rstrip(":")
            match = re.search(r"inet6? (?:addr: ?)?([0-9a-fA-F.:]+)", body)
            if match and is_address(match[1]):
                results.append(Address(card, match[1], "host" if match[1] in ("127.0.0.1", "::1") else ""))
        elif len(parts) > 3 and parts[2] in ("inet", "inet6"):
            address = parts[3].partition("/")[0]
            scope = parts[parts.index("scope") + 1] if "scope" in parts[:-1] else ""
            if is_address(address):
                results.append(Address(parts[1].partition("@")[0], address, scope, "dadfailed" in parts[4:]))
    return {"addresses": tuple(results)}


def is_address(text: str) -> bool:
    """Return whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def routes(lines: Lines, lines6: Lines) -> dict[str, Any]:
    """Return the default route as gateway and card; both are empty texts when the table has none."""
    if not lines or not lines[0].startswith("Iface"):
        return {}
    best: tuple[int, str, str] | None = None
    for line in lines[1:]:
        parts = line.split()
        if len(parts) < 8 or parts[1] != "00000000" or parts[7] != "00000000":
            continue
        if not re.fullmatch(r"[0-9A-Fa-f]{8}", parts[2]) or not re.fullmatch(r"[0-9A-Fa-f]{4}", parts[3]):
            continue
        if not int(parts[3], 16) & 1 or int(parts[3], 16) & 0x200:  # not up; a reject route
            continue
        gateway = ".".join(str(byte) for byte in reversed(bytes.fromhex(parts[2])))
        metric = integer_of(parts[6]) or 0
        if best is None or metric < best[0]:
            best = (metric, gateway, parts[0])
    if best is None:
        for line in lines6:
            parts = line.split()
            if len(parts) == 10 and parts[9] != "lo" and re.fullmatch(r"[0-9a-f]{32}", parts[4]):
                gateway = str(ipaddress.IPv6Address(int(parts[4], 16)))
                best = best or (0, gateway, parts[9])
    return {"default_route": best[1:] if best else ("", "")}


def listening(lines: Lines) -> dict[str, Any]:
    """Return the TCP ports that something listens on."""
    ports = frozenset(int(line, 16) for line in lines if re.fullmatch(r"[0-9A-F]{1,4}", line))
    return {"listening": ports} if ports else {}


def gateway(lines: Lines) -> dict[str, Any]:
    """Return whether the gateway answers; one that ARP knows but that answers no ping counts as answering."""
    state = (lines[0].split() or [""])[0] if lines else ""
    known = {"answers": "answers", "known": "answers", "silent": "silent", "none": "none"}
    return {"gateway": known.get(state, "")}


def duplicates(lines: Lines) -> dict[str, Any]:
    """Return MAC addresses of others that answer for addresses of this host, and VIPs of its configuration."""
    asked: list[str] = []
    rivals: dict[str, tuple[str, ...]] = {}
    for row in with_word(lines, "asked"):
        parts = row.split()
        if len(parts) >= 2 and is_address(parts[0]):
            asked.append(parts[0])
            others = tuple(word.lower() for word in parts[2:] if _MAC.fullmatch(word.lower()))
            if others:
                rivals[parts[0]] = others
    vips = tuple(dict.fromkeys(row.strip() for row in with_word(lines, "vip") if is_address(row.strip())))
    return {"asked_arp": tuple(asked), "rivals": rivals, "vips": vips}


def port(row: str) -> Port | None:
    """Return `HOST PORT STATE` as a port."""
    parts = row.split()
    number = integer_of(parts[1]) if len(parts) >= 3 else None
    if number is None or not 0 < number < 65536:
        return None
    return Port(parts[0], number, parts[2] if parts[2] in _STATES else "")


def plane(lines: Lines) -> dict[str, Any]:
    """Return the plane's port as it is seen from the host."""
    results, proxy = port(first(lines, "plane")), port(first(lines, "proxy"))
    if results is None and proxy is None:
        return {}
    sizes = tuple(n for n in map(integer_of, first(lines, "mtu").split()) if n is not None and 68 <= n <= 65535)
    if len(sizes) != 2 or sizes[0] <= sizes[1]:
        sizes = ()
    verify = first(lines, "verify").split()
    return {
        "plane": results,
        "proxy": proxy,
        "proxy_answer": first(lines, "answer")[:20],
        "plane_at": first(lines, "at"),
        "plane_hosts": " ".join(first(lines, "hosts").split()),
        "plane_tls": first(lines, "tls"),
        "plane_verify": integer_of(verify[0]) if verify else None,
        "plane_http": integer_of(first(lines, "http")),
        "lost_size": sizes[0] if sizes else None,
        "passed_size": sizes[1] if sizes else None,
    }


def name_servers(lines: Lines) -> dict[str, Any]:
    """Return the name servers of the host."""
    if not lines:
        return {}
    results = [word.split()[0] for word in with_word([line.strip() for line in lines], "nameserver") if word.split()]
    return {"name_servers": tuple(dict.fromkeys(results))}


def servers(lines: Lines) -> dict[str, Any]:
    """Return what each name server did."""
    results = []
    for row in with_word(lines, "server"):
        parts = row.split()
        if len(parts) >= 3 and parts[1] == "rcode":
            results.append(Server(parts[0], "answers", integer_of(parts[2])))
        elif len(parts) >= 2:
            state = parts[1] if parts[1] in ("silent", "refused", "no-route", "error") else ""
            results.append(Server(parts[0], state))
    return {"servers": tuple(results)}


def resolves(lines: Lines) -> dict[str, Any]:
    """Return whether the plane's name resolves; nothing where it is an address or unknown."""
    word = (lines[0].split() or [""])[0] if lines else ""
    return {"plane_resolves": word == "resolves"} if word in ("resolves", "fails") else {}
