"""keepalived's configuration and the check that decides whether this host may have the VIP. Pure text (section 3)."""

from __future__ import annotations

import hashlib
from typing import List, Sequence

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.vip import check, notify
from edgewright.core.clusters.model import ClusterDocument, Member

PRIORITY = 100


def router_id(document: ClusterDocument) -> int:
    """Return the virtual router id, 1 to 255, from the cluster's uid: two clusters on one network rarely share it."""
    return 1 + hashlib.sha256(document.uid.encode()).digest()[0] % 255


def keepalived(document: ClusterDocument, member: Member, nic: str) -> str:
    """Return keepalived.conf: unicast, all BACKUP with one priority, no preemption, and a track script without weight.

    With a weight, `nopreempt` leaves the VIP on a host whose check fails; without one the host is in state FAULT.
    """
    peers = [peer.address for peer in document.control_planes if peer.host_uid != member.host_uid]
    bits = 128 if ":" in document.endpoint.host else 32
    lines = [
        "global_defs {",
        f"  router_id {member.node_name}",
        "  enable_script_security",
        "  script_user root",
        "  vrrp_garp_master_refresh 10",
        "}",
        "vrrp_script api {",
        f'  script "/bin/sh {check.PROGRAM} {paths.KEEPALIVED}"',
        "  interval 2",
        f"  timeout {check.SECONDS}",
        "  fall 3",
        "  rise 5",
        "  init_fail",
        "}",
        "vrrp_instance api {",
        "  state BACKUP",
        "  nopreempt",
        f"  interface {nic}",
        f"  virtual_router_id {router_id(document)}",
        f"  priority {PRIORITY}",
        "  advert_int 1",
        f"  unicast_src_ip {member.address}",
        *(["  unicast_peer {", *(f"    {peer}" for peer in peers), "  }"] if peers else []),
        "  virtual_ipaddress {",
        f"    {document.endpoint.host}/{bits} dev {nic}",
        "  }",
        f"  notify {notify.PROGRAM}",
        "  track_script {",
        "    api",
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def unit() -> str:
    """Return the unit of keepalived."""
    return f"""\
# Made by Edgewright for a cluster; written again at each boot.
[Unit]
Description=Virtual IP address of the Edgewright cluster's API
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=PATH={paths.SEARCH}
ExecStart={paths.LINKS}/keepalived --dont-fork --log-console --use-file {paths.KEEPALIVED}/keepalived.conf \
--pid {paths.KEEPALIVED}/keepalived.pid --vrrp_pid {paths.KEEPALIVED}/vrrp.pid
KillMode=mixed
Restart=always
RestartSec=2
"""


def owners(claims: Sequence[str], macs: Sequence[str]) -> str:
    """Return who has the VIP: `none`, `one`, `two` or `unknown`.

    `claims` are hosts that report the address as theirs within two heartbeats, `macs` what answered ARP for it.
    """
    seen: List[str] = sorted({mac.lower() for mac in macs})
    if len(set(claims)) > 1 or len(seen) > 1:
        return "two"
    if claims or seen:
        return "one"
    return "none"
