"""Rules of nft and iptables: which ports of a node they close."""

from __future__ import annotations

import pytest

from edgewright.clients.ssh.probes.parsing import firewall


@pytest.mark.parametrize(
    ("rule", "ports"),
    [
        ("iif != 1 tcp dport { 2379, 2380, 6443, 10250 } drop", (2379, 2380, 6443, 10250)),
        ("tcp dport 10000-11000 reject", (10250,)),
        ("-A INPUT -p tcp -m tcp --dport 6443 -j DROP", (6443,)),
        ("-A INPUT -p tcp -m multiport --dports 22,2379:2380 -j REJECT", (2379, 2380)),
        ("-A INPUT -p udp -m udp --dport 6443 -j DROP", ()),
        ("tcp dport 8080 drop", ()),
    ],
)
def test_ports_of_a_node_that_a_rule_drops(rule: str, ports: tuple[int, ...]) -> None:
    nft = ("nft chain input {", "nft type filter hook input priority filter; policy accept;", f"nft {rule}")
    lines = (f"ipt {rule}",) if rule.startswith("-A") else nft
    assert firewall.firewall(lines)["dropped_ports"] == ports


IN = "type filter hook input priority 0; policy drop;"
OPEN = IN.replace("policy drop", "policy accept")
NUMBERS = ('iif "lo" accept', "ct state 0x2,0x4 accept", "meta l4proto 1 accept", "ip6 nexthdr 58 accept")
"""What `nft -nn` makes of them."""
ALLOWED = ("ct state established,related accept", 'iif "lo" accept', "meta l4proto icmp accept")


@pytest.mark.parametrize(
    ("rules", "closed"),
    [
        ((IN, *ALLOWED, "tcp dport { 22, 6443 } accept"), (10250, 2379, 2380, 9345)),
        ((IN, *ALLOWED, "tcp dport { 22, 2379-2380, 6443, 9345, 10250 } accept"), ()),
        ((IN, *ALLOWED, "tcp dport 22 accept", "ip saddr 10.4.1.0/24 accept"), ()),  # unclear: nothing is said
        ((IN, *ALLOWED, "tcp dport @open accept"), ()),
        ((IN, *NUMBERS, "tcp dport 22 accept"), (6443, 10250, 2379, 2380, 9345)),
        ((IN, *NUMBERS, "ct state 0x2,0x4,0x8 accept"), ()),
        ((IN, *NUMBERS, "meta l4proto { 6, 17 } accept"), ()),
        ((OPEN, "tcp dport 22 accept"), ()),
        (
            (OPEN, "tcp dport 22 accept", "counter packets 3 bytes 9 drop"),
            (6443,),
        ),
    ],
)
def test_ports_that_nothing_lets_in(rules: tuple[str, ...], closed: tuple[int, ...]) -> None:
    found = firewall.firewall(["nft chain in {", *(f"nft {rule}" for rule in rules)])["closed_ports"]
    assert set(closed) <= set(found) and bool(found) == bool(closed)


def test_a_rule_in_a_chain_that_is_jumped_to_counts_and_one_on_the_way_out_does_not() -> None:
    jumped = ["-P INPUT ACCEPT", "-A INPUT -j SITE", "-A SITE -p tcp -m tcp --dport 10250 -j DROP"]
    assert firewall.firewall([f"ipt {row}" for row in jumped])["dropped_ports"] == (10250,)
    out = ["chain out {", "type filter hook output priority 0; policy drop;", "tcp dport 6443 drop"]
    assert firewall.firewall([f"nft {row}" for row in out])["dropped_ports"] == ()
    named = ["chain in {", "type filter hook input priority 0; policy accept;", "ip saddr 10.0.0.9 tcp dport 6443 drop"]
    assert firewall.firewall([f"nft {row}" for row in named])["dropped_ports"] == ()
    nodes = [
        *named[:2],
        "ip saddr 10.4.1.0/24 tcp dport { 6443, 10250 } accept",
        "tcp dport { 2379, 6443, 10250 } drop",
    ]
    assert firewall.firewall([f"nft {row}" for row in nodes])["dropped_ports"] == (2379,)


def test_a_firewall_that_passes_nothing_on() -> None:
    drops = ["chain forward {", "type filter hook forward priority 0; policy drop;"]
    assert firewall.firewall([f"nft {row}" for row in drops])["forward_dropped"]
    assert not firewall.firewall([f"nft {row}" for row in (*drops, "jump KUBE-FORWARD")])["forward_dropped"]
    assert firewall.firewall(["ipt -P FORWARD DROP"])["forward_dropped"]
    assert not firewall.firewall(["ipt -P FORWARD DROP", "ipt -A FORWARD -j DOCKER-USER"])["forward_dropped"]
