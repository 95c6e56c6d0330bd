"""Host name, DNS, proxy and NTP of a host: the files that they are in, and their commands."""

from __future__ import annotations

import re

from edgewright.core.network.change import Draft
from edgewright.core.network.settings import HostNetwork, Proxy, Wanted, masked

NAME, HOSTS, RESOLV, ENVIRONMENT = "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/etc/environment"
RESOLVED = "/etc/systemd/resolved.conf.d/95-site.conf"
TIMESYNCD = "/etc/systemd/timesyncd.conf.d/95-site.conf"
MANAGER = "/etc/systemd/system.conf.d/95-site-proxy.conf"
CHRONY = "/etc/chrony/sources.d/95-site.sources"
AGENTS = "edgewright-agent spectro-stylus-agent stylus-agent palette-agent"
"""Units that reach a plane: they take a new proxy at once."""
_PROXY_LINE = re.compile(r"\s*(?:export\s+)?(HTTP_PROXY|HTTPS_PROXY|NO_PROXY)\s*=\s*(.*?)\s*", re.IGNORECASE)
SET_NAME = f"{{ hostname -F {NAME} || head -n 1 {NAME} >/proc/sys/kernel/hostname; }} 2>/dev/null"


def proxy_of(text: str) -> Proxy:
    """Return the proxies of a file such as /etc/environment; later lines count."""
    result: dict[str, str] = {}
    for line in text.splitlines():
        match = _PROXY_LINE.fullmatch(line)
        if match:
            result[match[1].lower()] = match[2].strip("\"'")
    return Proxy(result.get("http_proxy", ""), result.get("https_proxy", ""), result.get("no_proxy", ""))


def put_name(draft: Draft, host: HostNetwork, wanted: Wanted) -> None:
    """Set the host name, also where /etc/hosts has the old one for an address of its own."""
    new = wanted.name
    if new is None or not draft.value("host name", host.name, new):
        return
    draft.write(NAME, new + "\n")
    lines = []
    own = {"127.0.1.1", *(each.partition("/")[0] for adapter in host.adapters for each in adapter.addresses)}
    for line in draft.text(HOSTS).splitlines():
        entry, hash_, comment = line.partition("#")
        fields = entry.split()
        if fields and fields[0] in own and host.name in fields[1:]:
            line = " ".join([fields[0], *(new if each == host.name else each for each in fields[1:])])
            line += f" {hash_}{comment}" if hash_ else ""
        lines.append(line)
    if lines:
        draft.write(HOSTS, "\n".join(lines) + "\n")
    draft.after.append(SET_NAME)
    draft.boot.append(SET_NAME)


def put_dns(draft: Draft, host: HostNetwork, wanted: Wanted) -> None:
    """Set DNS servers and search domains: of systemd-resolved where it runs, else of /etc/resolv.conf."""
    servers = host.dns if wanted.dns is None else wanted.dns
    search = host.search if wanted.search is None else wanted.search
    changed = draft.value("DNS servers", " ".join(host.dns), " ".join(servers))
    if not draft.value("search domains", " ".join(host.search), " ".join(search)) and not changed:
        return
    if host.resolver == "systemd-resolved":
        if not servers and not search:
            draft.write(RESOLVED, None)
        else:  # `~.`: these servers for all names, also where an adapter has others by DHCP
            domains = [*search, *(["~."] if servers else [])]
            head = f"[Resolve]\nDNS=\nDNS={' '.join(servers)}\n" if servers else "[Resolve]\n"
            draft.write(RESOLVED, f"{head}Domains=\nDomains={' '.join(domains)}\n")
        draft.after.append("systemctl restart systemd-resolved")
        return
    lines = [
        line
        for line in draft.text(RESOLV).splitlines()
        if not re.match(r"\s*(nameserver|search|domain)\b", line) and line.strip()
    ]
    lines = [*lines, *([f"search {' '.join(search)}"] if search else []), *(f"nameserver {each}" for each in servers)]
    draft.write(RESOLV, "\n".join(lines) + "\n")


def put_ntp(draft: Draft, host: HostNetwork, wanted: Wanted) -> None:
    """Set the time servers of systemd-timesyncd or chrony."""
    servers = wanted.ntp
    if servers is None or not draft.value("time servers", " ".join(host.ntp), " ".join(servers)):
        return
    if host.clock == "systemd-timesyncd":
        text = f"[Time]\nNTP=\nNTP={' '.join(servers)}\n" if servers else None
        draft.write(TIMESYNCD, text)
        draft.after.append("systemctl restart systemd-timesyncd")
    else:
        draft.write(CHRONY, "".join(f"server {each} iburst\n" for each in servers) if servers else None)
        draft.after.append("chronyc reload sources")
    if host.kubernetes:
        draft.notes.append("Time servers of the cluster, where its plane sets some, are written again by its agent.")


def put_proxy(draft: Draft, host: HostNetwork, wanted: Wanted) -> None:
    """Set the proxies for logins (/etc/environment) and for what systemd starts."""
    now = host.proxy
    new = Proxy(
        now.http if wanted.http_proxy is None else wanted.http_proxy,
        now.https if wanted.https_proxy is None else wanted.https_proxy,
        now.no_proxy if wanted.no_proxy is None else ",".join(wanted.no_proxy.replace(",", " ").split()),
    )
    if new == now:
        return
    pairs = (("HTTP proxy", "http"), ("HTTPS proxy", "https"), ("no proxy for", "no_proxy"))
    for label, field in pairs:
        old_text, new_text = masked(getattr(now, field)), masked(getattr(new, field))
        if getattr(now, field) != getattr(new, field) and old_text == new_text:
            new_text += " (other user or password)"
        draft.value(label, old_text, new_text)
    values = [("HTTP_PROXY", new.http), ("HTTPS_PROXY", new.https), ("NO_PROXY", new.no_proxy)]
    named = [(name, value) for upper, value in values if value for name in (upper, upper.lower())]
    lines = [line for line in draft.text(ENVIRONMENT).splitlines() if not _PROXY_LINE.fullmatch(line)]
    draft.write(ENVIRONMENT, "\n".join([*lines, *(f'{name}="{value}"' for name, value in named)]) + "\n")
    if host.system == "systemd":
        doubled = " ".join(f'"{name}={value.replace("%", "%%")}"' for name, value in named)
        draft.write(MANAGER, f"[Manager]\nDefaultEnvironment={doubled}\n" if named else None, 0o600)
        draft.after += ["systemctl daemon-reexec", f"systemctl try-restart {AGENTS}"]
        draft.notes.append("Other services, containerd and the kubelet too, take a proxy when they start again.")
    if any("@" in each for each in (new.http, new.https)):
        draft.notes.append("Users of the host can read a password in /etc/environment.")
