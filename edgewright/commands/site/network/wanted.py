"""From several that were typed to what is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgewright.core.errors import UsageError
from edgewright.core.network import checks
from edgewright.core.network.settings import Wanted
from edgewright.core.text import clean

NONE = "none"
FIELDS = (
    "name", "method", "address", "gateway", "vlan", "mtu", "dns", "search", "http_proxy", "https_proxy", "no_proxy",
    "ntp",
)  # fmt: skip


def wanted_of(args: Mapping[str, Any]) -> Wanted:
    """Return what the options name. Raises `UsageError` without one, and for a number that is none."""
    given = {name: str(args[name]) for name in FIELDS if args.get(name) not in (None, "")}
    if not given:
        raise UsageError("`site network set` needs a setting.", "For example: --dns 10.4.1.1,10.4.1.2")

    def text(name: str) -> str | None:
        value = given.get(name)
        return "" if value == NONE else value

    def several(name: str) -> tuple[str, ...] | None:
        value = text(name)
        return None if value is None else checks.split_list(value)

    def number(name: str, problem: str) -> int | None:
        if name not in given:
            return None
        if problem:
            raise UsageError(problem)
        return int(text(name) or 0)

    return Wanted(
        name=given.get("name"),
        adapter=clean(args.get("adapter") or "", 40),
        method=given.get("method") or ("static" if "address" in given else None),
        address=text("address"),
        gateway=text("gateway"),
        vlan=number("vlan", checks.vlan(text("vlan") or "")),
        mtu=number("mtu", checks.mtu(text("mtu") or "")),
        dns=several("dns"),
        search=several("search"),
        http_proxy=text("http_proxy"),
        https_proxy=text("https_proxy"),
        no_proxy=text("no_proxy"),
        ntp=several("ntp"),
    )
