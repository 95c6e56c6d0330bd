"""A plan of sites: one row for each box, from CSV or YAML, with the line it is on.

Columns (CSV; the same keys in YAML, as a list or below `sites`): `name` (needed; the host's UID and, unless `hostname`
is given, its host name), `hostname`, `nic` (eno1), `address` (with prefix, `10.0.4.10/24`; empty: DHCP), `gateway`,
`dns` (several by commas), `vlan`, `mtu`, `project`, `ntp` (several by commas), the link of the site (`metered` yes or
no, `heartbeat` 5m, `silence` 1h, `budget` in MB a month), `tags` (`key=value;key=value`) and one column `tag.KEY` for
each further tag.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.config.nearest import suggestion
from edgewright.core.cloudconfig.findings import Finding, error, warning
from edgewright.core.errors import Failed, InvalidInput, NotFound
from edgewright.core.hosts import link_spec
from edgewright.core.installer import checks
from edgewright.forge.bounded import read_bounded
from edgewright.yamltext.encoding import decode
from edgewright.yamltext.reader import read

LINK = ("metered", "heartbeat", "silence", "budget")
COLUMNS = ("name", "hostname", "nic", "address", "gateway", "dns", "vlan", "mtu", "project", "ntp", *LINK, "tags")
MOST = 10_000
"""Rows of a plan."""
LARGEST = 16 * 1024 * 1024


class Site(NamedTuple):
    """One row: `row` counts from 1, `line` is where it is in the file (0: not known)."""

    row: int
    line: int
    name: str
    hostname: str
    nic: str
    address: str
    gateway: str
    dns: tuple[str, ...]
    vlan: int | None
    mtu: int | None
    project: str
    ntp: tuple[str, ...]
    tags: dict[str, str]
    link: dict[str, Any]
    """The block `stylus.site.edgewright`; empty where the row leaves the link to the common user-data."""

    @property
    def place(self) -> str:
        """Where it is, for a sentence."""
        return f"row {self.row} (line {self.line}, {self.name})" if self.line else f"row {self.row} ({self.name})"


class Plan(NamedTuple):
    """The rows that could be read, and what is wrong with the others."""

    sites: tuple[Site, ...]
    findings: tuple[Finding, ...]


def read_plan(path: Path) -> Plan:
    """Return the rows of a plan, by its ending `.csv`, `.yaml` or `.yml`.

    Raises `NotFound`, `Failed`, and `InvalidInput` for what is not such a file or has an unknown column.
    """
    try:
        if path.is_dir():
            raise InvalidInput(f"{path} is a directory, not a plan.", "Name the file in it.")
        data = read_bounded(path, LARGEST)
        if len(data) > LARGEST:
            raise InvalidInput(f"{path} is larger than 16 MB.", "Divide the plan.")
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", "Give the path of the plan.") from None
    except OSError as wrong:
        raise Failed(f"{path} cannot be read: {wrong.strerror}.", "Check its permissions.") from None
    text = plan_text(data, path)
    rows = _csv(text, path) if path.suffix.lower() in (".csv", ".tsv", ".txt") else _yaml(text, path)
    if not rows:
        raise InvalidInput(f"{path} names no site.", "Give one row for each box, with a column `name`.")
    if len(rows) > MOST:
        raise InvalidInput(f"{path} has more than {MOST} rows.", "Divide the plan.")
    findings: list[Finding] = []
    sites = []
    for number, (line, values) in enumerate(rows, 1):
        site = _site(number, line, values, findings)
        if site is not None:
            sites.append(site)
    return Plan(tuple(sites), (*findings, *doubles(sites)))


def plan_text(data: bytes, path: Path) -> str:
    """Return the text of a plan. Raises `InvalidInput` for another encoding, and for files that are no plans."""
    if data.startswith((b"PK\3\4", b"\xd0\xcf\x11\xe0")):
        hint = "In the spreadsheet program: save as CSV (UTF-8), and give that file."
        raise InvalidInput(f"{path} is a workbook, not a plan in CSV or YAML.", hint, "Workbook")
    text = decode(data, str(path), LARGEST).removeprefix("\ufeff")
    head = [line.rstrip() for line in text[:2000].splitlines()[:10]]
    keys = set(re.findall(r"^([a-z]+):", text[:20_000], re.MULTILINE))
    if "#cloud-config" in head or (keys & {"stylus", "install", "stages", "users"} and "sites" not in keys):
        hint = "Give it with --base-user-data; the plan has one row for each box."
        raise InvalidInput(f"{path} is user-data, not a plan of sites.", hint, "UserData")
    return text


def _csv(text: str, path: Path) -> list[tuple[int, dict[str, Any]]]:
    head = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(text.splitlines(), delimiter=delimiter, strict=True)
    rows: list[tuple[int, dict[str, Any]]] = []
    names: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells) or cells[0].lstrip().startswith("#"):
                continue
            if not names:
                names = [_column(cell, path) for cell in cells]
                continue
            if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
                raise InvalidInput(f"Line {reader.line_num} of {path} has more cells than the first line.")
            rows.append((reader.line_num, {n: c.strip() for n, c in zip(names, cells, strict=False)}))
    except csv.Error as wrong:
        raise InvalidInput(f"Line {reader.line_num} of {path} is not CSV: {wrong}.", "Close its quotes.") from None
    if names and "name" not in names:
        raise InvalidInput(f"{path} has no column `name`.", f"Columns: {', '.join(COLUMNS)}, tag.KEY")
    return rows


def _yaml(text: str, path: Path) -> list[tuple[int, dict[str, Any]]]:
    complete = text.lstrip()
    if complete.startswith("-"):  # a bare list; the reader takes maps
        text = "sites:\n" + text
    shift = 1 if complete.startswith("-") else 0
    try:
        parsed = read(text, str(path))
    except InvalidInput as wrong:
        if wrong.code != "NotAMap":
            raise
        hint = "Write CSV with a first line of column names (and a name that ends with .csv), or a YAML list `sites`."
        raise InvalidInput(f"{path} is not a plan of sites.", hint, "NoPlan") from None
    listed = parsed.document.get("sites")
    if not isinstance(listed, list):
        raise InvalidInput(f"{path} has no list `sites`.", "Write `sites:` and below it one `- name: ...` for each.")
    rows = []
    for number, values in enumerate(listed):
        line = parsed.line_of(f"sites[{number}]") - shift
        if not isinstance(values, Mapping):
            raise InvalidInput(f"Line {line} of {path} is not a map of columns.", "Write `- name: ...`.")
        rows.append((line, {_column(str(key), path): value for key, value in values.items()}))
    return rows


def _column(word: str, path: Path) -> str:
    name = word.strip()
    if name.lower().startswith("tag.") and len(name) > 4:
        return f"tag.{name[4:]}"
    if name.lower() not in COLUMNS:
        near = suggestion(name, COLUMNS)
        raise InvalidInput(f"{path}: there is no column {name!r}{near}.", f"Columns: {', '.join(COLUMNS)}, tag.KEY")
    return name.lower()


def _site(row: int, line: int, values: Mapping[str, Any], findings: list[Finding]) -> Site | None:
    """Return a row with its values checked; None when it has no name. Findings name row and line."""

    def add_finding(key: str, message: str) -> None:
        findings.append(
            error(key, f"Row {row}: {key}: {message}", "Correct that row of the plan.", "Plan")._replace(line=line)
        )

    def text(key: str, rule: Callable[[str], str] = lambda value: "") -> str:
        value = values.get(key)
        if isinstance(value, (list, Mapping)):
            add_finding(key, "It must be one word.")
            return ""
        word = "" if value is None else str(value).strip()
        message = rule(word) if word else ""
        if message:
            add_finding(key, message)
        return word

    def number(key: str, least: int, most: int) -> int | None:
        word = text(key)
        if not word:
            return None
        if not (word.isascii() and word.isdigit() and least <= int(word) <= most):
            add_finding(key, f"{word} is not a number from {least} to {most}.")
            return None
        return int(word)

    def texts(key: str, rule: Callable[[str], str]) -> tuple[str, ...]:
        value = values.get(key)
        parts = [str(part).strip() for part in value] if isinstance(value, list) else split_terms(str(value or ""))
        for part in parts:
            if message := rule(part):
                add_finding(key, message)
        return tuple(parts)

    name = text("name", checks.uid)
    if not name:
        add_finding("name", "The site has no name.")
        return None
    address = text("address")
    if address.lower() == "dhcp":
        address = ""
    elif address and (message := checks.own_address(address)):
        add_finding("address", message)
    gateway = text("gateway")
    if gateway and not address:
        add_finding("gateway", "There is a gateway but no address.")
    elif gateway and not checks.own_address(address) and (message := checks.gateway(gateway, address)):
        add_finding("gateway", message)
    hostname = text("hostname") or name
    if message := checks.hostname(hostname):
        add_finding("hostname" if values.get("hostname") else "name", message)
    tags = _tags(values, add_finding)
    if message := checks.tags(tags):
        add_finding("tags", message)
    return Site(
        row,
        line,
        name,
        hostname,
        text("nic", checks.nic) or "eno1",
        address,
        gateway,
        texts("dns", checks.ip),
        number("vlan", 1, 4094),
        number("mtu", 576, 9216),
        text("project"),
        texts("ntp", checks.host),
        tags,
        _link({key: text(key) for key in LINK}, add_finding),
    )


def _link(texts: Mapping[str, str], reported: Callable[[str, str], None]) -> dict[str, Any]:
    """Return the link of a site as a block of the user-data. What a row names overrides the common value."""
    metered, budget = texts["metered"].lower(), texts["budget"]
    yes = metered in ("yes", "true", "on", "1")
    problems = {
        "metered": "" if yes or metered in ("", "no", "false", "off", "0") else "It is yes or no.",
        "heartbeat": link_spec.heartbeat_problem(texts["heartbeat"]),
        "silence": link_spec.silence_problem(texts["silence"], texts["heartbeat"], yes),
        "budget": link_spec.budget_problem(budget),
    }
    for key, message in problems.items():
        if message:
            reported(key, message)
    if any(problems.values()):
        return {}
    block = link_spec.link_block(yes, texts["heartbeat"], texts["silence"], None)
    if metered and not yes:
        block["metered"] = False
    if budget:
        block["budgetMB"] = int(budget)
    return block


def split_terms(text: str) -> list[str]:
    """Return the servers in one cell: parted by commas, or by spaces where each is an address or a dotted name.

    Plain words with spaces between them stay one: `not a host` is a mistake and not three servers.
    """
    matches: list[str] = []
    for part in text.split(","):
        parts = part.split()
        matches += parts if all("." in word or ":" in word for word in parts) else [" ".join(parts)]
    return [part for part in matches if part]


def _tags(values: Mapping[str, Any], reported: Callable[[str, str], None]) -> dict[str, str]:
    given = values.get("tags")
    matches: dict[str, str] = {}
    if isinstance(given, Mapping):
        matches = {str(key): str(value) for key, value in given.items()}
    elif given:
        for part in str(given).split(";"):
            key, equals, value = part.strip().partition("=")
            name = key.strip()
            if not equals and part.strip():
                reported("tags", f"{part.strip()!r} is not key=value.")
            elif equals and not name:
                reported("tags", f"{part.strip()!r} has no key in front of the '='.")
            elif name in matches:
                reported("tags", f"The tag {name!r} is given twice.")
            elif name:
                matches[name] = value.strip()
    for column, value in values.items():
        if column.startswith("tag.") and value not in (None, ""):
            if column[4:] in matches:
                reported(column, "The row's `tags` give this tag too.")
            matches[column[4:]] = str(value).strip()
    return matches


def doubles(sites: Iterable[Site]) -> list[Finding]:
    """Return one finding for each value that two sites must not share, naming both rows.

    A UID and a file are the only one of their kind. The same host name or address is right where networks are apart:
    a warning only, when the two rows carry different tags `site`.
    """
    rules: tuple[tuple[str, str, Callable[[Site], str], bool], ...] = (
        ("name", "UID", lambda site: site.name, False),
        ("name", "file name", lambda site: file_name(site.name), False),
        ("hostname", "host name", lambda site: site.hostname, True),
        ("address", "address", _place, True),
    )
    matches = []
    listed = list(sites)
    messages: set[tuple[int, int, str]] = set()
    for key, what, value_of, apart in rules:
        first: dict[str, Site] = {}
        for site in listed:
            value = value_of(site).lower()
            other = first.setdefault(value, site) if value else site
            same_uid = (other.row, site.row, "name") in messages
            if other is site or (same_uid and key != "address"):
                continue
            messages.add((other.row, site.row, key))
            message = f"{other.place} and {site.place} have the same {what} {value}."
            rule = warning if apart and other.tags.get("site") != site.tags.get("site") else error
            message = message[0].upper() + message[1:]
            matches.append(rule(key, message, "Give each box its own.", "Double")._replace(line=site.line))
    return matches


def _place(site: Site) -> str:
    """Return the address that must be alone; the same address in two VLANs is two addresses."""
    if not site.address:
        return ""
    return site.address.split("/")[0] + (f" in VLAN {site.vlan}" if site.vlan else "")


def file_name(name: str) -> str:
    """Return the name of a site as a part of a file's name."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in name).lstrip(".-") or "site"
