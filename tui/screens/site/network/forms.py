"""The forms of the Network page: one for each of its pages, and what is wanted from the answers."""

from __future__ import annotations

from collections.abc import Mapping

from edgewright.core.network import checks
from edgewright.core.network.settings import HostNetwork, Wanted
from tui.modals.form import Field

WITHIN = 120
"""Seconds in which a change is confirmed, unless the form has another value."""


def _method(text: str) -> str:
    return "" if text in ("dhcp", "static") else "Enter dhcp or static."


def _within(text: str) -> str:
    return "" if text.isdigit() and len(text) < 5 and 20 <= int(text) <= 3600 else "Enter 20 to 3600 seconds."


def title_of(key: str) -> str:
    """Return the title of a form."""
    names = {"page/name": "Host name", "page/dns": "DNS", "page/proxy": "Proxy", "page/ntp": "Time servers"}
    return names.get(key) or f"Adapter {key.removeprefix('adapter/')}"


def locked_of(network: HostNetwork, key: str) -> str:
    """Return why a page cannot be changed on this host, "" when it can."""
    adapter = network.adapter(key.removeprefix("adapter/"))
    if key.startswith("adapter/"):
        return adapter.locked if adapter is not None else "This adapter is not there any more."
    return network.locked.get(key.removeprefix("page/"), "")


def fields_of(network: HostNetwork, key: str, typed: Mapping[str, str] | None = None) -> list[Field]:
    """Return the fields of a page with the present values, or with what was typed before."""
    fields = [*_page(network, key), Field("within", "confirm within", "seconds until the host goes back by itself",
                                          str(WITHIN), True, check=_within)]  # fmt: skip
    if typed is None:
        return fields
    return [Field(each.name, each.label, each.help, typed.get(each.name, each.value), each.required, False, each.check)
            for each in fields]  # fmt: skip


def _page(network: HostNetwork, key: str) -> list[Field]:
    if key == "page/name":
        return [Field("name", "host name", "a-z, 0-9 and -", network.name, True, check=checks.host_name)]
    if key == "page/dns":
        return [
            Field("dns", "DNS servers", "addresses; empty: none", " ".join(network.dns), check=checks.dns),
            Field("search", "search domains", "empty: none", " ".join(network.search), check=checks.search),
        ]
    if key == "page/ntp":
        return [Field("ntp", "time servers", "names or addresses; empty: none", " ".join(network.ntp),
                      check=checks.ntp)]  # fmt: skip
    if key == "page/proxy":
        proxy = network.proxy
        return [
            Field("http_proxy", "HTTP proxy", "e.g. http://10.4.1.1:3128; empty: none", proxy.http, check=checks.proxy),
            Field("https_proxy", "HTTPS proxy", "the same; empty: none", proxy.https, check=checks.proxy),
            Field("no_proxy", "not for", "names, addresses, subnets; empty: none", proxy.no_proxy,
                  check=checks.no_proxy),
        ]  # fmt: skip
    adapter = network.adapter(key.removeprefix("adapter/"))
    assert adapter is not None
    static = "for static: with its subnet, e.g. 10.4.1.7/24; empty for dhcp"
    fields = [
        Field("method", "method", "dhcp or static", adapter.method, True, check=_method),
        Field("address", "address", static, adapter.address, check=checks.address),
        Field("gateway", "gateway", "for static, in that subnet; empty: none", adapter.gateway,
              check=lambda text: checks.gateway(text, "")),
        Field("mtu", "MTU", "576 to 9216 bytes", str(adapter.mtu), True, check=checks.mtu),
    ]  # fmt: skip
    if adapter.kind != "vlan":
        fields.insert(3, Field("vlan", "VLAN ID", "1 to 4094; empty: untagged", "", check=checks.vlan))
    return fields


def wanted_of(network: HostNetwork, key: str, answers: Mapping[str, str]) -> Wanted:
    """Return what differs from the present values. The fields were checked one by one."""
    if key == "page/name":
        return Wanted(name=answers["name"])
    if key == "page/dns":
        return Wanted(dns=checks.split_list(answers["dns"]), search=checks.split_list(answers["search"]))
    if key == "page/ntp":
        return Wanted(ntp=checks.split_list(answers["ntp"]))
    if key == "page/proxy":
        return Wanted(http_proxy=answers["http_proxy"], https_proxy=answers["https_proxy"],
                      no_proxy=answers["no_proxy"])  # fmt: skip
    adapter = network.adapter(key.removeprefix("adapter/"))
    assert adapter is not None
    dhcp = answers["method"] == "dhcp"
    moved = dhcp or (answers["method"], answers["address"], answers["gateway"]) == (
        adapter.method, adapter.address, adapter.gateway,
    )  # fmt: skip
    return Wanted(
        adapter=adapter.name,
        method=answers["method"] if answers["method"] != adapter.method else None,
        address=None if moved else answers["address"],
        gateway=None if moved else answers["gateway"],
        vlan=int(answers["vlan"]) if answers.get("vlan") else None,
        mtu=int(answers["mtu"]) if answers["mtu"] != str(adapter.mtu) else None,
    )
