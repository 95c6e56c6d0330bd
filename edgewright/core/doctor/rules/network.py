"""Rules about links, addresses, routes, names, and what is reached."""

from __future__ import annotations

import ipaddress
import re
from typing import List, Sequence, Tuple

from edgewright.core.doctor.facts import Facts, Link
from edgewright.core.doctor.findings import LIKELY, SAFE, SURE, UNSURE, Evidence, Finding, Fix, word
from edgewright.core.doctor.repairs import fix_of
from edgewright.core.doctor.rules.reading import match, quote, recent
from edgewright.core.doctor.unit_names import KUBELETS
from edgewright.core.text import clip

VIRTUAL = (
    "lo",
    "cni",
    "flannel",
    "cali",
    "cilium",
    "docker",
    "veth",
    "kube-",
    "virbr",
    "br-",
    "tun",
    "tap",
    "dummy",
    "nodelocaldns",
)
_PLANE = {
    "refused": ("refuses connections", "The way is open: look whether the plane runs and listens on this port."),
    "silent": ("does not answer", "Ask for the firewall on the way, and whether the plane runs."),
    "no-route": ("cannot be reached: no route", "Check the routes of the host."),
    "error": ("cannot be connected to", "Look at the limits of the host: free local ports, sockets, memory."),
    "name": ("has a name that does not resolve", "Check the name servers of the host, and the name."),
}


def rules(facts: Facts) -> List[Finding]:
    """Return what is wrong with the network."""
    return [*_links(facts), *_routes(facts), *_duplicates(facts), *_names(facts), *_plane(facts), *_kernel(facts)]


def _links(facts: Facts) -> List[Finding]:
    findings = []
    links = [link for link in facts.links or () if not link.name.startswith(VIRTUAL)]
    cards = [link for link in links if link.card] or links
    dead = [link for link in cards if link.carrier is False or link.up is False]
    if cards and len(dead) == len(cards):
        first = dead[0]
        text = f"{first.name} has no link."
        step = f"Check the cable of {first.name} and the switch port."
        fix = Fix("show the card", f"ip -s link show {word(first.name)}", SAFE)
        if first.up is False:
            text = f"{first.name} is switched off."
            step = f"Switch {first.name} on."
            fix = fix_of("card-on", first.name)
        evidence = tuple(
            Evidence("network.links", f"{d.name}: {d.state}, carrier {'no' if d.carrier is False else '-'}")
            for d in dead[:3]
        )
        findings.append(Finding("no-link", text, evidence, step, SURE, first.name, (fix,)))
    else:
        findings += _used_links(facts, links)
    if facts.addresses is not None and facts.links:
        usable = [
            a
            for a in facts.addresses
            if not a.link.startswith(VIRTUAL)
            and a.scope not in ("host", "link")
            and not a.address.startswith("169.254.")
        ]
        if not usable:
            text = "No card of the host has an address."
            fix = fix_of("network-again", "", "ask for addresses again")
            evidence = (Evidence("network.addresses", "no address beyond loopback and link-local ones"),)
            findings.append(
                Finding("no-address", text, evidence, "Check DHCP and the network's settings.", SURE, "", (fix,))
            )
        else:
            findings += _unset_links(facts, links, {address.link for address in usable})
    return findings


def _used_links(facts: Facts, links: Sequence[Link]) -> List[Finding]:
    """Return cards and VLANs that have an address and no link, beside others that work."""
    addressed = {a.link for a in facts.addresses or () if a.scope not in ("host", "link")}
    findings = []
    for link in links:
        if link.name not in addressed or link.kind not in ("card", "vlan", "bond", "virtual"):
            continue
        if link.carrier is not False and link.up is not False and link.state != "lowerlayerdown":
            continue
        what = "is switched off" if link.up is False else "has no link"
        text = f"{link.name} {what}, and has an address that is to be used."
        fix = fix_of("card-on", link.name) if link.up is False else Fix("show it", f"ip -s link show {word(link.name)}")
        evidence = (Evidence("network.links", f"{link.name}: {link.state}, carrier {'-' if link.carrier else 'no'}"),)
        step = f"Switch {link.name} on." if link.up is False else f"Check the cable of {link.name} and the switch port."
        findings.append(Finding("no-link", text, evidence, step, LIKELY, link.name, (fix,)))
    return findings


def _unset_links(facts: Facts, links: Sequence[Link], addressed: "set[str]") -> List[Finding]:
    """Return cards with a link that systemd-networkd waits for an address on, or could not set up."""
    findings = []
    for link in links:
        if link.setup not in ("configuring", "failed") or link.carrier is not True or link.name in addressed:
            continue
        why = "its settings cannot be applied" if link.setup == "failed" else "no DHCP server gives one"
        text = f"{link.name} has a link and no address: {why}."
        fix = Fix("show its state", f"networkctl status --no-pager {word(link.name)}", SAFE)
        evidence = (Evidence("network.links", f"{link.name}: {link.operational} {link.setup}"),)
        lost = facts.default_route is not None and not facts.default_route[1]
        certainty = LIKELY if lost or link.setup == "failed" else UNSURE
        findings.append(
            Finding("no-address", text, evidence, "Check DHCP, VLAN and settings.", certainty, link.name, (fix,))
        )
    return findings


def _routes(facts: Facts) -> List[Finding]:
    if facts.default_route is None:
        return []
    gateway, card = facts.default_route
    if not card:
        text = "There is no default route: nothing beyond the own network is reached."
        fix = fix_of("network-again")
        evidence: Tuple[Evidence, ...] = (Evidence("network.routes", "no default route"),)
        wanted = facts.user_data.get("gateway", "")
        if wanted:
            evidence = (*evidence, Evidence("userdata.site", f"gateway: {wanted}"))
        certainty = LIKELY if facts.plane is not None and facts.plane.state == "open" else SURE
        return [
            Finding("no-route", text, evidence, "Set the gateway in the network's settings.", certainty, "", (fix,))
        ]
    if facts.gateway == "silent":
        text = f"The default gateway {gateway} does not answer on {card}."
        fix = Fix("ask it again", f"ip neigh flush dev {word(card)}; ping -c 3 {word(gateway)}", SAFE)
        step = f"Check that {gateway} is the gateway of this network, and the switch and VLAN of {card}."
        certainty = LIKELY if facts.plane is not None and facts.plane.state == "open" else SURE
        evidence = (Evidence("network.gateway", f"silent {gateway} {card}"),)
        return [Finding("gateway-silent", text, evidence, step, certainty, gateway, (fix,))]
    return []


def _duplicates(facts: Facts) -> List[Finding]:
    findings = []
    own = {link.mac for link in facts.links or ()}  # another card of this host answers too, in the same network
    rivals = {address: tuple(mac for mac in macs if mac not in own) for address, macs in facts.rivals.items()}
    for address, macs in rivals.items():
        if not macs:
            continue
        evidence = (Evidence("network.duplicate", f"{address} is answered by {', '.join(macs[:2])} too"),)
        if address in facts.vips:
            text = f"Another machine has the VIP {address} as well: {macs[0]}."
            step = "Look at etcd and at the link between the control planes: two owners do not reach each other."
            fix = Fix("see which machines answer", f"arping -c 3 {word(address)}", SAFE)
            findings.append(Finding("vip-two-owners", text, evidence, step, SURE, address, (fix,)))
        else:
            text = f"Another machine uses the address {address} of this host: {macs[0]}."
            step = f"Find the machine with the MAC address {macs[0]} and give one of the two another address."
            fix = Fix("look for it in the switch's table", f"ip neigh | grep -i {word(macs[0])}", SAFE)
            findings.append(Finding("duplicate-address", text, evidence, step, SURE, address, (fix,)))
    return findings or _twice(facts)


def _twice(facts: Facts) -> List[Finding]:
    """Return an address that the kernel or the network service knows to be another machine's too."""
    step = "Give one of the two machines another address; the log of the network service has more."
    for address in facts.addresses or ():
        if address.twice:
            text = f"Another machine uses the address {address.address} of this host: the kernel does not use it."
            fix = Fix("show its addresses", f"ip addr show dev {word(address.link)}", SAFE)
            evidence = (Evidence("network.addresses", f"{address.link} {address.address} dadfailed"),)
            return [Finding("duplicate-address", text, evidence, step, SURE, address.address, (fix,))]
    line = None if facts.container else match(recent(facts, facts.kernel_log), r"duplicate address")
    if line is None:
        return []
    text = "Another machine uses an address of this host."
    fix = Fix("show the addresses", "ip addr", SAFE)
    return [Finding("duplicate-address", text, (quote("boot.kernel", line),), step, LIKELY, "", (fix,))]


def _names(facts: Facts) -> List[Finding]:
    findings: List[Finding] = []
    needs = facts.plane_resolves is not None and facts.proxy is None  # the proxy resolves it
    if (
        facts.name_servers == ()
        and facts.proxy is None
        and (facts.plane_resolves is False or (facts.plane is not None and facts.plane.state == "name"))
    ):
        text = "No name server is set in /etc/resolv.conf."
        fix = Fix("show where it should come from", "ls -l /etc/resolv.conf; resolvectl status", SAFE)
        evidence: Tuple[Evidence, ...] = (Evidence("dns.config", "no nameserver line"),)
        findings.append(Finding("dns-missing", text, evidence, "Set the name servers of the site.", SURE, "", (fix,)))
    asked = [server for server in facts.servers if server.state]
    if asked and all(server.state != "answers" for server in asked):
        names = ", ".join(f"{s.address} ({s.state})" for s in asked[:3])
        text = f"No name server answers: {names}."
        evidence = tuple(Evidence("dns.servers", f"{s.address}: {s.state}") for s in asked[:3])
        step = "Correct the name servers in the network's settings, or bring them back."
        fix = Fix("show the settings", "cat /etc/resolv.conf; resolvectl status", SAFE)
        findings.append(Finding("dns-silent", text, evidence, step, _names_missed(facts), asked[0].address, (fix,)))
    elif needs and not facts.plane_resolves and facts.plane is not None:
        host = facts.plane.host
        text = f"The name of the plane, {host}, does not resolve."
        evidence = tuple(Evidence("dns.servers", f"{s.address}: answers, code {s.rcode}") for s in asked[:3])
        evidence = (Evidence("dns.plane", f"fails {host}"), *evidence)
        step = f"Check the name {host} and whether these are the name servers of the site."
        fix = Fix("ask for the name", f"getent hosts {word(host)}", SAFE)
        findings.append(Finding("name-unknown", text, evidence, step, SURE, host, (fix,)))
    dead = [s for s in asked if s.state != "answers"]
    if dead and len(dead) < len(asked):
        text = f"One of {len(asked)} name servers does not answer: {dead[0].address}."
        evidence = (Evidence("dns.servers", f"{dead[0].address}: {dead[0].state}"),)
        findings.append(Finding("dns-silent", text, evidence, "Correct the name servers.", UNSURE, dead[0].address))
    return findings


def _names_missed(facts: Facts) -> str:
    """Return how sure it is that silent name servers are a fault: a host whose plane is an address may ask none."""
    if facts.proxy is not None:
        return LIKELY if facts.proxy.state == "name" else UNSURE
    if facts.plane_resolves is False or (facts.plane is not None and facts.plane.state == "name"):
        return SURE
    if any(port.state == "name" for port in facts.registries):
        return LIKELY
    unused = facts.plane is not None and facts.plane_resolves is None and _is_address(facts.plane.host)
    return UNSURE if unused else LIKELY


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _plane(facts: Facts) -> List[Finding]:
    plane = facts.plane
    if plane is None or plane.state not in _PLANE or (facts.proxy is not None and facts.proxy.state == "open"):
        return []
    what, step = _PLANE[plane.state]
    text = f"The plane at {plane.host}:{plane.port} {what}."
    evidence: Tuple[Evidence, ...] = (Evidence("network.plane", f"{plane.host}:{plane.port} {plane.state}"),)
    if facts.plane_hosts:
        evidence = (*evidence, Evidence("network.plane", f"/etc/hosts: {clip(facts.plane_hosts, 120)}"))
        step = f"{step[:-1]}, and the line of /etc/hosts that names it."
    fix = Fix(
        "try it from the host", f"curl -vk --connect-timeout 5 {word(f'https://{plane.host}:{plane.port}/')}", SAFE
    )
    by_proxy = "noProxy" in facts.user_data or facts.proxy is not None  # the agent may reach it in another way
    certainty = SURE if facts.agent.phase in ("unreachable", "") and not by_proxy else LIKELY
    return [Finding("plane-unreachable", text, evidence, step, certainty, plane.host, (fix,))]


def _kernel(facts: Facts) -> List[Finding]:
    findings: List[Finding] = []
    cluster = bool(
        facts.kube_files and facts.kube_files & {"/etc/kubernetes/kubelet.conf", "/etc/rancher/k3s/k3s.yaml"}
    )
    cluster = cluster or any(name in facts.units and facts.units[name].active == "active" for name in KUBELETS)
    if facts.ip_forward is False and cluster:
        text = "The kernel does not forward packets: pods of this node reach nothing."
        fix = fix_of("forwarding-on")
        evidence = (Evidence("kubernetes.settings", "net.ipv4.ip_forward = 0"),)
        findings.append(
            Finding("ip-forward-off", text, evidence, "Switch forwarding on, and in /etc/sysctl.d.", LIKELY, "", (fix,))
        )
    ports = facts.firewall_ports
    server = "rke2-server" in facts.units and facts.units["rke2-server"].active == "active"
    if ports is not None and server and not any(_opens(port, 9345) for port in ports):
        text = "The firewall closes port 9345: no worker of RKE2 can join."
        fix = fix_of("port-9345-ufw" if facts.firewall == "ufw" else "port-9345-firewalld")
        evidence = (Evidence("network.firewall", f"open: {' '.join(ports[:8]) or 'none'}"),)
        findings.append(Finding("firewall-closed", text, evidence, "Open 9345/tcp.", LIKELY, "9345", (fix,)))
    if cluster and facts.dropped_ports:
        shown = " ".join(str(port) for port in facts.dropped_ports)
        text = f"A firewall rule drops what comes to port {shown}, which other nodes need."
        fix = Fix("show the rules", "nft list ruleset", SAFE)
        evidence = (Evidence("network.firewall", f"dropped on the way in: {shown}"),)
        step = "Let the nodes of the cluster in, or remove the rule."
        findings.append(Finding("firewall-closed", text, evidence, step, LIKELY, shown.split()[0], (fix,)))
    return [*findings, *(_closed(facts) if cluster else ())]


def _closed(facts: Facts) -> List[Finding]:
    """Return that the end of the rules drops what a node needs, on the way in or for what is passed on."""
    findings: List[Finding] = []
    fix = Fix("show the rules", "nft list ruleset", SAFE)
    server = any("apiserver" in name for name in facts.manifests) or facts.api in ("serves", "not-ready", "silent")
    needed = [10250, *([6443] if server else []), *([2379, 2380] if facts.etcd not in ("", "none") else [])]
    shut = [port for port in needed if port in facts.closed_ports and port not in facts.dropped_ports]
    if shut and facts.firewall == "":
        shown = " ".join(map(str, shut))
        text = f"The firewall lets nothing in to port {shown}, which other nodes need."
        evidence = (Evidence("network.firewall", f"no rule accepts {shown}, and the rest is dropped"),)
        step = "Let the nodes of the cluster in; a node that is alone needs none of these ports."
        joined = "/etc/kubernetes/kubelet.conf" in (facts.kube_files or ()) or len(facts.nodes or ()) > 1
        certainty = LIKELY if joined and len(facts.nodes or (1, 2)) > 1 else UNSURE
        findings.append(Finding("firewall-closed", text, evidence, step, certainty, shown.split()[0], (fix,)))
    if facts.forward_dropped:
        text = "The firewall drops all packets that are passed on: pods reach nothing beyond this node."
        evidence = (Evidence("network.firewall", "forward: drop, and no rule accepts"),)
        step = "Let the networks of pods and services through, or accept what is passed on."
        findings.append(Finding("firewall-closed", text, evidence, step, LIKELY, "forward", (fix,)))
    if facts.bridge_call is False:
        text = "Packets of bridges do not pass the rules of iptables (bridge-nf-call-iptables is 0): services may fail."
        evidence = (Evidence("kubernetes.settings", "net.bridge.bridge-nf-call-iptables = 0"),)
        on = Fix("switch it on", "sysctl -w net.bridge.bridge-nf-call-iptables=1", SAFE)
        step = "Switch it on, and in /etc/sysctl.d."
        findings.append(Finding("ip-forward-off", text, evidence, step, UNSURE, "bridge", (on,)))
    return findings


def _opens(rule: str, port: int) -> bool:
    """Return whether a rule, `9345/tcp`, `9000-9400/tcp`, `9000:9400/tcp` or `Anywhere`, is about a port."""
    numbers = re.fullmatch(r"(\d{1,5})(?:[-:](\d{1,5}))?(?:/tcp)?", rule)
    if numbers is None:
        return rule == "Anywhere"
    return int(numbers[1]) <= port <= int(numbers[2] or numbers[1])
