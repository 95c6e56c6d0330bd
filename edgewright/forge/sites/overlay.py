"""What one site's row means as user-data: a small document that is laid over the common one."""

from __future__ import annotations

from typing import Any

from edgewright.core.installer.networkd import Link, files, interface
from edgewright.forge.sites.rows import Site


def overlay(site: Site) -> dict[str, Any]:
    """Return the site's own keys: who it is, its network, its tags. It contains no secret."""
    block: dict[str, Any] = {"name": site.name, "hostName": site.hostname}
    if site.project:
        block["projectName"] = site.project
    if site.tags:
        block["tags"] = dict(sorted(site.tags.items()))
    if site.ntp:
        block["ntpServers"] = list(site.ntp)
    if site.link:
        block["edgewright"] = site.link
    network: dict[str, Any] = {}
    link = Link(site.nic, site.address, site.gateway, " ".join(site.dns), site.vlan, site.mtu)
    if site.dns and (not site.address or not link.plain):
        network["nameserver"] = ",".join(site.dns)
    document: dict[str, Any] = {"stylus": {"site": block}}
    if link.plain and site.address:
        reported = interface(link._replace(dns=",".join(site.dns)))
        network["interfaces"] = {site.nic: reported}
    elif not link.plain:  # Palette has no keys for VLAN and MTU: a stage writes the files before networkd starts
        step = {"name": "network cards", "files": files([link], None)}
        document["stages"] = {"initramfs": [step]}
    if network:
        block["network"] = network
    return document
