"""The verbs of `site network` that change settings, confirm a change and take it back."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param
from edgewright.commands.site.page_verbs import TARGET

HOST = Param("host", TARGET, required=True, metavar="TARGET")
AT = Param("at", "address that the change gave it: the same host key is expected there", "--at", metavar="ADDRESS")
WITHIN = "time in which the change must be confirmed, 20s to 1h"


class SiteNetworkSet(Command):
    """Change network settings of a host over SSH; the host returns to the old ones unless the change is confirmed.

    Needs root or sudo there. The host saves its old settings, starts a timer, applies the new ones and is connected to
    again. A command that fails, the end of the time and a power cut bring the old settings back, without this program.
    """

    name = "site network set"
    implementation = "site.network.change"
    title = "set network"
    role = "operator"
    danger = "write"
    online = False
    console = False
    shows_progress = True
    params = (
        HOST,
        Param("name", "host name", "--hostname", metavar="NAME"),
        Param("adapter", "adapter that method, address, gateway, VLAN and MTU are for", "--adapter", metavar="NAME"),
        Param("method", "how it gets its IPv4 address", "--method", choices=("dhcp", "static")),
        Param("address", "IPv4 address with its subnet, e.g. 10.4.1.7/24", "--address", metavar="CIDR"),
        Param("gateway", "default gateway; 'none' removes it", "--gateway", metavar="ADDRESS"),
        Param("vlan", "VLAN ID 1 to 4094 to move its addresses to", "--vlan", metavar="ID"),
        Param("mtu", "MTU, 576 to 9216 bytes", "--mtu", metavar="BYTES"),
        Param("dns", "DNS servers, with commas between; 'none' removes them", "--dns", metavar="ADDRESSES"),
        Param("search", "search domains, with commas between, or 'none'", "--search", metavar="DOMAINS"),
        Param("ntp", "time servers, with commas between, or 'none'", "--ntp", metavar="NAMES"),
        Param("http_proxy", "proxy for http, or 'none'", "--http-proxy", metavar="URL"),
        Param("http_proxy_file", "the same from a file (- for stdin): a login in the URL stays off the command line",
              "--http-proxy-file", kind="file"),
        Param("https_proxy", "proxy for https, or 'none'", "--https-proxy", metavar="URL"),
        Param("https_proxy_file", "the same from a file (- for stdin)", "--https-proxy-file", kind="file"),
        Param("no_proxy", "what is reached without a proxy, with commas between, or 'none'", "--no-proxy",
              metavar="NAMES"),
        Param("within", WITHIN, "--confirm-within", kind="span", default="2m"),
        Param("confirm", "confirm it once the host answers a new connection", "--confirm", kind="flag"),
    )  # fmt: skip


class SiteNetworkConfirm(Command):
    """Confirm a change of network settings that a host has applied: they stay, its timer ends."""

    name = "site network confirm"
    implementation = "site.network.ending"
    title = "confirm network"
    role = "operator"
    danger = "write"
    online = False
    console = False
    params = (HOST, AT)


class SiteNetworkUndo(Command):
    """Take a change of network settings back that is not confirmed: the host gives the old ones back at once."""

    name = "site network undo"
    implementation = "site.network.ending"
    title = "undo network"
    role = "operator"
    danger = "write"
    online = False
    console = False
    params = (HOST, AT)


COMMANDS: tuple[type[Command], ...] = (SiteNetworkSet, SiteNetworkConfirm, SiteNetworkUndo)
