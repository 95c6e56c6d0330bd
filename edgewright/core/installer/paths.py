"""Which question a place of the user-data came from, so that a finding leads to the page that corrects it."""

from __future__ import annotations

from typing import Tuple

_PREFIXES: Tuple[Tuple[str, str], ...] = (
    ("stylus.managementMode", "plane.mode"),
    ("stylus.localUI", "local.port"),
    ("stylus.enableMultiNode", "local.multi_node"),
    ("stylus.registryCredentials", "registries.list"),
    ("stylus.externalRegistries.registryMappingRules", "registries.rules"),
    ("stylus.externalRegistries", "registries.list"),
    ("stylus.site.paletteEndpoint", "plane.endpoint"),
    ("stylus.site.edgeHostToken", "token.text"),
    ("stylus.site.projectName", "plane.project"),
    ("stylus.site.disableAutoRegister", "token.approval"),
    ("stylus.site.registrationURL", "site.registration_url"),
    ("stylus.site.name", "uid.name"),
    ("stylus.site.hostName", "uid.host_name"),
    ("stylus.site.prefix", "uid.prefix"),
    ("stylus.site.deviceUIDPaths", "uid.source"),
    ("stylus.site.tags", "site.tags"),
    ("stylus.site.edgewright.heartbeat", "link.heartbeat"),
    ("stylus.site.edgewright.silenceLimit", "link.silence"),
    ("stylus.site.edgewright.budgetMB", "link.budget"),
    ("stylus.site.edgewright", "link.metered"),
    ("stylus.site.caCerts", "ca.certificates"),
    ("stylus.site.ntpServers", "ntp.servers"),
    ("stylus.site.network.httpProxy", "proxy.http"),
    ("stylus.site.network.httpsProxy", "proxy.https"),
    ("stylus.site.network.noProxy", "proxy.none_for"),
    ("stylus.site.network.nameserver", "dns.servers"),
    ("stylus.site.network.interfaces", "net.address"),
    ("install.device", "disk.path"),
    ("install.grub_options", "disk.cmdline"),
    ("install.partitions", "disk.persistent"),
    ("install.extra-partitions", "disk.extra"),
    ("install.reboot", "disk.end"),
    ("install.poweroff", "disk.end"),
    ("stages.initramfs[0].users", "user.name"),
    ("stages", "stages.steps"),
)


def key_of(path: str, mode: str = "") -> str:
    """Return the key of the question behind a dotted path of the user-data, or "" when no single one is behind it.

    `mode` is the answer `net.mode`: with several cards the rows are what an interface came from.
    """
    for prefix, key in _PREFIXES:
        if path == prefix or path.startswith((prefix + ".", prefix + "[")):
            return "net.cards" if key == "net.address" and mode == "advanced" else key
    return ""
