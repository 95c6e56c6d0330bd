"""The complete check of a document: shape and values, offline. What needs files, network or plane is the forge's."""

from __future__ import annotations

import re
from typing import Any, List, Mapping, Optional

from edgewright.core.cloudconfig.findings import Finding, error, limited, note, warning
from edgewright.core.cloudconfig.installing import check_install
from edgewright.core.cloudconfig.labels import check_labels
from edgewright.core.cloudconfig.look import at, shown, text
from edgewright.core.cloudconfig.network.network import check_network
from edgewright.core.cloudconfig.registries import check_registries
from edgewright.core.cloudconfig.schema import model
from edgewright.core.cloudconfig.schema.shape import check_shape
from edgewright.core.cloudconfig.site import check_site, host_name_problems
from edgewright.core.cloudconfig.slips import check_slips
from edgewright.core.cloudconfig.stages import check_stages
from edgewright.core.cloudconfig.users import check_users

HEADER = "#cloud-config"
MAX_FILE = 1024 * 1024
OLD_HEADERS = ("#kairos-config", "#node-config")
"""Headers that Kairos's collector still accepts beside `#cloud-config`; yip reads stages alone under them."""
_HEADER_LINES = 9
"""Lines that are looked at: the tenth part of Kairos's split is the entire rest of the file."""


def check(document: Mapping[str, Any], *, profile: str = model.PALETTE, now: Optional[float] = None) -> List[Finding]:
    """Return every finding about a parsed document, the worst first.

    `profile` is `palette` or `kairos`; `now` is epoch seconds (None: dates are not compared). Never raises, whatever
    the document contains; lines are left to the caller, who knows the text.
    """
    matches = [
        *check_shape(document, profile),
        *check_site(document, profile),
        *check_network(document),
        *check_registries(document),
        *check_install(document, profile),
        *check_labels(document),
        *check_users(document, profile, now),
        *check_stages(document),
        *_others(document, profile),
    ]
    slips = check_slips(document)
    gaps = {item.path for item in (*matches, *slips) if item.code == "Placeholder"}
    stored = [
        item for item in matches if item.path not in gaps or item.code == "Placeholder"
    ]  # one mistake, one sentence
    known = {item.path for item in stored if item.code == "Placeholder"}
    return limited([*stored, *(item for item in slips if item.code != "Placeholder" or item.path not in known)])


def _others(document: Mapping[str, Any], profile: str) -> List[Finding]:
    matches = []
    hostname = text(document.get("hostname"))
    if hostname and not model.is_template(hostname):
        matches += [error("hostname", message, "", "HostName") for message in host_name_problems(hostname, "hostname")]
    url = text(document.get("config_url"))
    if url and not model.is_template(url):
        if not re.fullmatch(r"https?://\S+", url):
            matches.append(error("config_url", f"config_url is not a web address: {shown(url)}.", "", "Url"))
        else:
            message = "config_url is fetched at every boot, long after the installation: the address must stay alive."
            matches.append(warning("config_url", message, "Put what is there into this file.", "ConfigUrl"))
    if "p2p" in document and not text(at(document, "p2p", "network_token")):
        message = "p2p has no network_token; Kairos's schema demands it (profile kairos)."
        matches.append(error("p2p.network_token", message, "Make one: kairos-agent generate-token", "Missing"))
    if profile == model.PALETTE and "cluster" in document:
        message = "cluster is written by the agent when the plane makes a cluster; what is here conflicts with it."
        matches.append(warning("cluster", message, "Take it out.", "Cluster"))
    return matches


def check_text(content: str, name: str = "") -> List[Finding]:
    """Return what is wrong with the text of a user-data file as such: header, size, the ending of its name."""
    result = _header(content)
    if len(content.encode("utf-8", "replace")) > MAX_FILE:
        message = "The file is bigger than 1 MB: the host's collector ignores it without a message."
        result.append(error("", message, "Put what is big into the image or a content bundle.", "TooBig"))
    if name and "." in name.rsplit("/", 1)[-1] and not name.lower().endswith((".yaml", ".yml")):
        ending = name.rsplit(".", 1)[-1]
        message = f"The file's name ends with .{shown(ending, 20)}: on an ISO only .yaml and .yml are read."
        result.append(note("", message, "Installers made here name it right by themselves.", "Ending"))
    return result


def _header(content: str) -> List[Finding]:
    """Return what is wrong with the first lines: Kairos looks for `#cloud-config` on a line that begins with `#`."""
    matches = []
    if content.startswith("\ufeff"):
        message = (
            "The file begins with a byte order mark: Kairos looks for a line that begins with # and ignores the file."
        )
        hint = "Save it as UTF-8 without BOM; an installer made here is written without it."
        matches.append(error("", message, hint, "Bom")._replace(line=1))
    lines = content.lstrip("\ufeff").replace("\r\n", "\n").split("\n")[:_HEADER_LINES]
    head = next((place for place, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    heads = [line.rstrip() for line in lines]
    place = next((place for place, line in enumerate(heads) if line == HEADER), None)
    if place is not None and place <= head:
        if place > 0 and not heads[0].startswith("## template:"):
            message = f"{HEADER} is on line {place + 1}; some readers look at the first line alone."
            matches.append(warning("", message, "Make it the first line.", "LateHeader")._replace(line=place + 1))
        return matches
    old = next((place for place, line in enumerate(heads[:head]) if line in OLD_HEADERS), None)
    if old is not None:
        message = (
            f"The header {heads[old]} is an older one: users, write_files, hostname and runcmd are ignored under it."
        )
        matches.append(warning("", message, f"Write {HEADER} as the first line.", "OldHeader")._replace(line=old + 1))
        return matches
    near = next((place for place, line in enumerate(lines) if re.match(r"\s*#+\s*cloud[-_ ]?config", line, re.I)), None)
    message = f"The line {HEADER} is missing: the file would be ignored without a message."
    hint = f"Write {HEADER} as the first line."
    if near is not None and near == place:
        message = f"{HEADER} is on line {place + 1}, behind the first key: the file would be ignored."
    elif near is not None:
        hint = f"Line {near + 1} is {shown(lines[near])}; write it exactly as {HEADER}."
    matches.append(error("", message, hint, "NoHeader")._replace(line=(near or 0) + 1))
    return matches
