"""Firewalls: which ports of a node they close, by nft, iptables, firewalld or ufw."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from edgewright.clients.ssh.probes.parsing.lines import with_word

Lines = Sequence[str]
NODE_PORTS = (6443, 10250, 2379, 2380, 9345)
"""What nodes of a cluster open to each other: API server, kubelet, etcd, RKE2's supervisor."""
_UDP_PORTS = (8472,)
"""Flannel's packets between nodes."""
_SOME = r"\b[sd]addr\b|(^| )-[sd] "
"""A rule for some addresses."""
_IN = frozenset({"input", "prerouting"})


class _Chain(NamedTuple):
    """A chain of rules: where it is hooked ("" for one that others jump to), what happens at its end, its rules."""

    hook: str
    policy: str
    rules: list[str]


def firewall(lines: Lines) -> dict[str, Any]:
    """Return open ports of a firewall that is on, and ports of a node that rules close, whoever made them."""
    sets = [_nft(with_word(lines, "nft")), _iptables(with_word(lines, "ipt"))]
    facts: dict[str, Any] = {
        "dropped_ports": tuple(dict.fromkeys(port for chains in sets for port in _dropped(chains))),
        "closed_ports": tuple(dict.fromkeys(port for chains in sets for port in _closed(chains))),
        "forward_dropped": any(_forward_dropped(chains) for chains in sets),
    }
    if "firewalld running" in lines:
        ports = " ".join(with_word(lines, "ports")).split()
        return {"firewall": "firewalld", "firewall_ports": tuple(ports), **facts}
    if any(row.strip() == "Status: active" for row in with_word(lines, "ufw")):
        rows = [row.split() for row in with_word(lines, "ufw") if " ALLOW" in row]
        return {"firewall": "ufw", "firewall_ports": tuple(row[0] for row in rows if row), **facts}
    return facts


def _nft(rows: Lines) -> dict[str, _Chain]:
    chains: dict[str, _Chain] = {}
    name = ""
    for number, row in enumerate(rows):
        begin = re.match(r"chain (\S+) ", row)
        hook = re.match(r"type filter hook (\w+) .*?(?:policy (\w+))?;?$", row)
        if begin:
            name = begin[1] if begin[1] not in chains else f"{begin[1]} {number}"  # another table has it too
            chains[name] = _Chain("", "", [])
        elif hook and name:
            chains[name] = chains[name]._replace(hook=hook[1], policy=hook[2] or "accept")
        elif name:
            chains[name].rules.append(row)
    return chains


def _iptables(rows: Lines) -> dict[str, _Chain]:
    chains: dict[str, _Chain] = {}
    for row in rows:
        parts = row.split()
        if len(parts) < 3:
            continue
        hook = {"INPUT": "input", "FORWARD": "forward", "OUTPUT": "output"}.get(parts[1], "")
        chain = chains.setdefault(parts[1], _Chain(hook, "accept" if hook else "", []))
        if parts[0] == "-P":
            chains[parts[1]] = chain._replace(policy=parts[2].lower())
        else:
            text = re.sub(r"-j (DROP|REJECT|ACCEPT)\b.*", lambda end: end[1].lower(), row.partition(parts[1])[2])
            chain.rules.append(re.sub(r"-[jg] (\S+)", r"jump \1", text).strip())
    return chains


def _reached(chains: dict[str, _Chain], hooks: frozenset[str]) -> list[_Chain]:
    """Return the chains of some hooks with all that they jump to."""
    wanted = [name for name, chain in chains.items() if chain.hook in hooks]
    for name in wanted:  # grows
        for rule in chains[name].rules:
            jump = re.search(r"\b(?:jump|goto) (\S+)", rule)
            if jump and jump[1] in chains and jump[1] not in wanted:
                wanted.append(jump[1])
    return [chains[name] for name in wanted]


def _dropped(chains: dict[str, _Chain]) -> list[int]:
    """Return which ports of a node a rule drops for all: one for some addresses may be meant."""
    rules = [rule for chain in _reached(chains, _IN) for rule in chain.rules]
    closing = [rule for rule in rules if re.search(r"\b(drop|reject)\b", rule)]
    general = [rule for rule in closing if re.search(_SOME, rule) is None]
    opened = [rule for rule in rules if re.search(r"\baccept\b", rule) and re.search(_SOME, rule)]
    some = {port for rule in opened for port in _ports(rule)}  # the rest is dropped for all but these addresses
    return [port for rule in general for port in _ports(rule) if port not in some]


def _closed(chains: dict[str, _Chain]) -> list[int]:
    """Return which ports of a node nothing lets in, where the end of the rules is to drop; none where it is unclear."""
    ends = [chain for chain in chains.values() if chain.hook == "input" and _drops_rest(chain)]
    if not ends:
        return []
    rules = [rule for chain in _reached(chains, _IN) for rule in chain.rules if re.search(r"\baccept\b", rule)]
    named = [rule for rule in rules if re.search(r"\bdport|--dports?", rule)]
    if any("@" in rule for rule in named) or any(_opens_all(rule) for rule in rules if rule not in named):
        return []
    open_ports = {port for rule in named for port in _ports(rule)}
    return [port for port in NODE_PORTS if port not in open_ports]


def _drops_rest(chain: _Chain) -> bool:
    last = chain.rules[-1] if chain.rules else ""
    return (
        chain.policy == "drop" or re.fullmatch(r"(counter packets \d+ bytes \d+ )?(drop|reject\b.*)", last) is not None
    )


def _opens_all(rule: str) -> bool:
    """Return whether a rule without a port lets in more than loopback, ICMP, and what belongs to a connection."""
    if re.search(r"\bct state\b|--ctstate|--state ", rule) and not re.search(r"\b(new|0x0*8)\b", rule, re.IGNORECASE):
        return False
    protocols = re.search(r"(?:\bl4proto|\bprotocol|\bnexthdr|-p) (\{[^}]{1,200}\}|\w[\w-]{0,20})", rule)
    if protocols and not re.search(r"\b(tcp|6)\b|\d-\d", protocols[1]):
        return False  # nft -nn prints numbers: 1 is ICMP, 58 ICMPv6, 6 TCP
    return re.search(r'\bicmp|iif(name)? "?lo\b|-i lo\b|\bsport\b|--sports?\b', rule) is None


def _forward_dropped(chains: dict[str, _Chain]) -> bool:
    """Return whether nothing is passed on: a jump to chains of Kubernetes may let it through."""
    ends = [chain for chain in chains.values() if chain.hook == "forward" and _drops_rest(chain)]
    return any(not any(re.search(r"\b(accept|jump|goto)\b", rule) for rule in chain.rules) for chain in ends)


def _ports(rule: str) -> list[int]:
    """Return the ports of a node in a rule such as `tcp dport { 6443, 10250 } drop` or `--dports 2379:2380`."""
    place = re.search(r"(?:(tcp|udp|th) dport|--dports?) (\{[^}]{1,200}\}|[\d:,-]{1,200})", rule)
    if place is None:
        return []
    udp = place[1] == "udp" or "-p udp" in rule
    pairs = re.findall(r"(\d{1,5})(?:[-:](\d{1,5}))?", place[2])
    return [
        port
        for begin, end in pairs
        for port in (_UDP_PORTS if udp else NODE_PORTS)
        if int(begin) <= port <= int(end or begin)
    ]
