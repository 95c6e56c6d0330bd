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
    found = [
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
    gaps = {one.path for one in (*found, *slips) if one.code == "Placeholder"}
    kept = [one for one in found if one.path not in gaps or one.code == "Placeholder"]  # one mistake, one sentence
    known = {one.path for one in kept if one.code == "Placeholder"}
    return limited([*kept, *(one for one in slips if one.code != "Placeholder" or one.path not in known)])


def _others(document: Mapping[str, Any], profile: str) -> List[Finding]:
    found = []
    hostname = text(document.get("hostname"))
    if hostname and not model.is_template(hostname):
        found += [error("hostname", said, "", "HostName") for said in host_name_problems(hostname, "hostname")]
    url = text(document.get("config_url"))
    if url and not model.is_template(url):
        if not re.fullmatch(r"https?://\S+", url):
            found.append(error("config_url", f"config_url is not a web address: {shown(url)}.", "", "Url"))
        else:
            said = "config_url is fetched at every boot, long after the installation: the address must stay alive."
            found.append(warning("config_url", said, "Put what is there into this file.", "ConfigUrl"))
    if "p2p" in document and not text(at(document, "p2p", "network_token")):
        said = "p2p has no network_token; Kairos's schema demands it (profile kairos)."
        found.append(error("p2p.network_token", said, "Make one: kairos-agent generate-token", "Missing"))
    if profile == model.PALETTE and "cluster" in document:
        said = "cluster is written by the agent when the plane makes a cluster; what is here conflicts with it."
        found.append(warning("cluster", said, "Take it out.", "Cluster"))
    return found


def check_text(content: str, name: str = "") -> List[Finding]:
    """Return what is wrong with the text of a user-data file as such: header, size, the ending of its name."""
    found = _header(content)
    if len(content.encode("utf-8", "replace")) > MAX_FILE:
        said = "The file is bigger than 1 MB: the host's collector ignores it without a message."
        found.append(error("", said, "Put what is big into the image or a content bundle.", "TooBig"))
    if name and "." in name.rsplit("/", 1)[-1] and not name.lower().endswith((".yaml", ".yml")):
        ending = name.rsplit(".", 1)[-1]
        said = f"The file's name ends with .{shown(ending, 20)}: on an ISO only .yaml and .yml are read."
        found.append(note("", said, "Installers made here name it right by themselves.", "Ending"))
    return found


def _header(content: str) -> List[Finding]:
    """Return what is wrong with the first lines: Kairos looks for `#cloud-config` on a line that begins with `#`."""
    found = []
    if content.startswith("\ufeff"):
        said = (
            "The file begins with a byte order mark: Kairos looks for a line that begins with # and ignores the file."
        )
        hint = "Save it as UTF-8 without BOM; an installer made here is written without it."
        found.append(error("", said, hint, "Bom")._replace(line=1))
    lines = content.lstrip("\ufeff").replace("\r\n", "\n").split("\n")[:_HEADER_LINES]
    head = next((place for place, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    heads = [line.rstrip() for line in lines]
    place = next((place for place, line in enumerate(heads) if line == HEADER), None)
    if place is not None and place <= head:
        if place > 0 and not heads[0].startswith("## template:"):
            said = f"{HEADER} is on line {place + 1}; some readers look at the first line alone."
            found.append(warning("", said, "Make it the first line.", "LateHeader")._replace(line=place + 1))
        return found
    old = next((place for place, line in enumerate(heads[:head]) if line in OLD_HEADERS), None)
    if old is not None:
        said = f"The header {heads[old]} is an older one: users, write_files, hostname and runcmd are ignored under it."
        found.append(warning("", said, f"Write {HEADER} as the first line.", "OldHeader")._replace(line=old + 1))
        return found
    near = next((place for place, line in enumerate(lines) if re.match(r"\s*#+\s*cloud[-_ ]?config", line, re.I)), None)
    said = f"The line {HEADER} is missing: the file would be ignored without a message."
    hint = f"Write {HEADER} as the first line."
    if near is not None and near == place:
        said = f"{HEADER} is on line {place + 1}, behind the first key: the file would be ignored."
    elif near is not None:
        hint = f"Line {near + 1} is {shown(lines[near])}; write it exactly as {HEADER}."
    found.append(error("", said, hint, "NoHeader")._replace(line=(near or 0) + 1))
    return found
