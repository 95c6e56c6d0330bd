"""From several that were typed to what is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgewright.core.errors import UsageError
from edgewright.core.network import checks
from edgewright.core.network.settings import Wanted
from edgewright.core.small_file import read_secret_line
from edgewright.core.text import clean

NONE = "none"
PROXIES = ("http_proxy", "https_proxy")
"""Options whose value may have a login; each has a second one that names a file with the value."""
FIELDS = (
    "name", "method", "address", "gateway", "vlan", "mtu", "dns", "search", "http_proxy", "https_proxy", "no_proxy",
    "ntp",
)  # fmt: skip


def wanted_of(args: Mapping[str, Any]) -> Wanted:
    """Return what the options name. Blocking where a file is named.

    Raises `UsageError` without one, for a number that is none, and for a login that is not in a file.
    """
    given = {name: str(args[name]) for name in FIELDS if args.get(name) not in (None, "")}
    for name in PROXIES:
        if url := _proxy(name, given.get(name, ""), str(args.get(f"{name}_file") or "")):
            given[name] = url
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


def _proxy(name: str, given: str, file: str) -> str:
    """Return the URL of a proxy that was given or is in a file; "" without either. Raises `EdgewrightError`."""
    option = "--" + name.replace("_", "-")
    if given and file:
        raise UsageError(f"{option} and {option}-file are both given.", "Give one of them.")
    if "@" in given:
        raise UsageError(
            f"The login in the URL of {option} would be on the command line, which others can read.",
            f"Write the URL into a file that only you can read: {option}-file FILE",
            "LoginInArguments",
        )
    return read_secret_line(file) if file else given
