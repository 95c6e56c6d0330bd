"""Answer sets that the tests of the installer share."""

from __future__ import annotations

import base64
from typing import Any

CA = """-----BEGIN CERTIFICATE-----
MIIBdzCCAR2gAwIBAgIUQBj7/CyVSMEJIUquZ2TnVZWDpN0wCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFcGxhbmUwIBcNMjYxMTI1MjE1MzMzWhgPMjEyNjExMDEyMTUz
MzNaMBAxDjAMBgNVBAMMBXBsYW5lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
MRnkZP5/8zLG/q3H5V0bj4NYo9ptuzjy3zwRl9xbUpLb3oxYh9LutoO8sNRyp5sb
ERF0qeWzA8GZAbfKkVrnQqNTMFEwHQYDVR0OBBYEFC0Zw9T3O6aK1ERb77IwyBK0
oyMDMB8GA1UdIwQYMBaAFC0Zw9T3O6aK1ERb77IwyBK0oyMDMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAKlEzRk3qR+SHtd0vcPwfgBX8bqwqogN
nl5D9XwikOmnAiAWmgfWnKwkJ8FcIMSdoF25s2EHjWHlb4rCzOpB7ihpnA==
-----END CERTIFICATE-----"""
OTHER_CA = """-----BEGIN CERTIFICATE-----
MIIBeDCCAR2gAwIBAgIUFK54cXzWneUu/vV7KCS3J7KNIBswCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFcHJveHkwIBcNMjYxMTI1MjE1MzMzWhgPMjEyNjExMDEyMTUz
MzNaMBAxDjAMBgNVBAMMBXByb3h5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
HYFv64csmxXW1vmfDod86e3E8Y5LMyO3qAtMY04xLPVFxCjeFXy7uFii4njuQ1on
z2YlZlP7W1MwRZcsO8MLlqNTMFEwHQYDVR0OBBYEFFukJ4OcnKNHH3oM4pko0MHd
D/kTMB8GA1UdIwQYMBaAFFukJ4OcnKNHH3oM4pko0MHdD/kTMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhANJMycASM2b5j11OODvnW5Pl46ckVD5I
4Df1hHg1whKjAiEArxa2VSpuP8iZveWc+hjhs+9nKlbtf9RPdgHJ9Pgj1i8=
-----END CERTIFICATE-----"""
"""Two authorities, valid for a hundred years."""


def key(comment: str = "you@laptop") -> str:
    """Return a public SSH key that is whole."""
    blob = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + bytes(range(32))
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} {comment}"


HASHED = "$6$abcdefgh12345678$" + "x" * 86

LEAST: dict[str, Any] = {
    "plane.endpoint": "https://hub.example.org:8443",
    "token.text": "abcdefghijklmnop",
    "user.keys": [key()],
    "base.path": "/srv/base.iso",
    "output.name": "shop",
    "output.folder": "/srv/out",
}
"""DHCP, one user, all else as it is."""

STATIC_VLAN_PROXY: dict[str, Any] = {
    **LEAST,
    "uid.rule": "name",
    "uid.name": "shop-berlin-04",
    "net.mode": "static",
    "net.nic": "eno1",
    "net.address": "10.4.1.7/24",
    "net.gateway": "10.4.1.1",
    "net.dns": "10.4.1.1",
    "net.vlan": 20,
    "proxy.https": "http://proxy.example.org:3128",
    "proxy.http": "http://proxy.example.org:3128",
    "proxy.none_for": ["10.4.0.0/16", "10.96.0.0/12, .example.org"],
    "dns.servers": ["10.4.1.1", "10.4.1.2"],
    "dns.search": ["shop.example.org"],
    "ntp.servers": ["ntp.example.org"],
    "disk.end": "poweroff",
}

BOND: dict[str, Any] = {
    **LEAST,
    "net.mode": "advanced",
    "net.cards": [
        {"nic": "eno3", "type": "static", "address": "10.9.0.7/24"},
        {"nic": "eno4", "vlan": 30, "mtu": 9000},
        {"nic": "eno4", "type": "dhcp"},
    ],
    "bond.use": True,
    "bond.members": "eno1, eno2",
    "bond.mode": "802.3ad",
    "bond.type": "static",
    "bond.address": "10.4.1.7/24",
    "bond.gateway": "10.4.1.1",
    "bond.vlan": 20,
    "bond.mtu": 9000,
}

LOCAL: dict[str, Any] = {
    "plane.mode": "local",
    "local.port": 5443,
    "local.multi_node": True,
    "user.password": HASHED,
    "uid.rule": "random",
    "uid.prefix": "box",
    "disk.rule": "path",
    "disk.path": "/dev/disk/by-id/nvme-1",
    "disk.persistent": 20480,
    "disk.extra": [{"name": "data", "size": 4096, "label": "DATA"}, {"name": "rest"}],
    "disk.cmdline": "nomodeset",
    "disk.end": "stay",
    "base.kind": "appliance",
    "output.folder": "/srv/out",
}

REGISTRIES: dict[str, Any] = {
    **LEAST,
    "plane.ca": CA,
    "plane.project": "Default",
    "token.approval": True,
    "ca.certificates": [CA, OTHER_CA],
    "registries.list": [
        {"domain": "registry.example.org:5000", "username": "pull", "password": "letmein99", "repository": "edge",
         "ca": CA},
        {"domain": "mirror.example.org", "insecure": True},
    ],
    "registries.rules": {"quay.io": "mirror.example.org/quay", "docker.io": "registry.example.org:5000/hub"},
    "users.more": [{"name": "field", "keys": [key("field@van")], "admin": True}],
    "stages.steps": ["boot:", "  - name: say so", "    commands:", "      - echo started", "initramfs:", "  - modules:",
                     "      - br_netfilter"],
}  # fmt: skip

SITES: dict[str, Any] = {
    **LEAST,
    "uid.source": "product_serial",
    "uid.regex": "([A-Z0-9]+)$",
    "uid.prefix": "shop",
    "site.name": "berlin-04",
    "site.tags": {"country": "de", "chain": "north"},
    "site.registration_url": "https://reg.example.org",
    "link.metered": True,
    "link.heartbeat": "10m",
    "link.silence": "1h",
    "link.budget": 50,
    "output.what": "sites-cidata",
    "output.plan": "/srv/plan.csv",
    "content.folder": "/srv/content",
    "content.cluster": "/srv/spc.tgz",
    "proof.until": "registered",
    "proof.firmware": "bios",
    "proof.medium": "cd",
}

ALL = {
    "least": LEAST,
    "static_vlan_proxy": STATIC_VLAN_PROXY,
    "bond": BOND,
    "local": LOCAL,
    "registries": REGISTRIES,
    "sites": SITES,
}
