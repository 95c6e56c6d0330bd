"""Helm repositories: the index, and the charts that it names."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import urljoin

from edgewright.core.errors import Failed, InvalidInput, NotFound
from edgewright.core.packs import versions
from edgewright.core.packs.metadata import NAME, VERSION
from edgewright.core.text import clean
from edgewright.oci.access import Access
from edgewright.packs import charts, fetching
from edgewright.packs.charts import ReadChart
from edgewright.packs.fetching import Deadline
from edgewright.packs.texts import decoded
from edgewright.yamltext.documents import read_one

MAX_CHARTS = 5_000
MAX_VERSIONS = 200
"""Versions of one chart, the newest ones."""
_NODES = 2_000_000
_HEX = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


class HelmEntry(NamedTuple):
    """One version of a chart, as the index has it."""

    name: str
    version: str
    app_version: str = ""
    description: str = ""
    url: str = ""
    digest: str = ""
    """`sha256:...` of the archive; "" when the index names none."""
    deprecated: bool = False


Index = dict[str, list[HelmEntry]]
"""Name of a chart -> its versions, newest first."""


def fetch_index(endpoint: str, access: Access, job: Deadline | None = None) -> Index:
    """Return the charts of a repository. Raises `EdgewrightError`."""
    url = endpoint.rstrip("/") + "/index.yaml"
    what = f"the index of {endpoint}"
    data = fetching.get(url, what, access, job or Deadline(f"Fetching {what}"), fetching.MAX_INDEX, endpoint)
    return parse_index(data, endpoint)


def parse_index(data: bytes, endpoint: str) -> Index:
    """Return the charts that an index names; entries without name, version or address are left out.

    Raises `InvalidInput` for another document.
    """
    name = f"The index of {endpoint}"
    document = read_one(decoded(data, name, fetching.MAX_INDEX), name, fetching.MAX_INDEX, _NODES)
    entries = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(entries, dict):
        raise InvalidInput(f"{name} is not the index of a Helm repository.", "Check the address.", "NoIndex")
    if len(entries) > MAX_CHARTS:
        raise InvalidInput(f"{name} names more than {MAX_CHARTS:,} charts.", "Use a smaller repository.", "TooBig")
    result: Index = {}
    for chart, listed in entries.items():
        parsed = (
            [_entry(str(chart), item) for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
        )
        valid = [entry for entry in parsed if entry is not None]
        if valid:
            valid.sort(key=lambda entry: versions.key(entry.version), reverse=True)
            result[str(chart)] = valid[:MAX_VERSIONS]
    return result


def _entry(name: str, item: dict[str, Any]) -> HelmEntry | None:
    version, urls = str(item.get("version") or "").strip(), item.get("urls")
    url = next((value for value in urls if isinstance(value, str)), "") if isinstance(urls, list) else ""
    if not NAME.fullmatch(name) or not VERSION.fullmatch(version) or not url or len(url) > 2_000:
        return None
    match = _HEX.fullmatch(str(item.get("digest") or ""))
    return HelmEntry(
        name,
        version,
        clean(str(item.get("appVersion") or ""), 64),
        clean(str(item.get("description") or ""), 300),
        url,
        f"sha256:{match.group(1)}" if match else "",
        item.get("deprecated") is True,
    )


def find(index: Index, name: str, version: str, endpoint: str) -> HelmEntry:
    """Return a version of a chart; "" is the newest release. Raises `NotFound`."""
    listed = index.get(name) or []
    if not version:
        releases = [entry for entry in listed if "-" not in entry.version and not entry.deprecated]
        if releases or listed:
            return (releases or listed)[0]
    for entry in listed:
        if entry.version == version or entry.version.removeprefix("v") == version.removeprefix("v"):
            return entry
    thing = f"the chart {name} {version}".strip() if listed else f"a chart {name}"
    raise NotFound(f"The repository {endpoint} does not have {thing}.", "List what it has: edgewright pack list.")


def fetch_chart(endpoint: str, entry: HelmEntry, access: Access, job: Deadline | None = None) -> ReadChart:
    """Return a chart that an index names, its digest verified. Raises `EdgewrightError`."""
    what = f"the chart {entry.name} {entry.version}"
    url = urljoin(endpoint.rstrip("/") + "/", entry.url)
    if url.startswith("oci://"):
        raise InvalidInput(f"{what[:1].upper()}{what[1:]} is at a registry: {url[:120]}.", "Add it as an OCI registry.")
    data = fetching.get(url, what, access, job or Deadline(f"Fetching {what}"), fetching.MAX_CHART, endpoint)
    read = charts.of_archive(data, what)
    verify(read, entry.digest, what)
    if (read.chart.name, read.chart.version.removeprefix("v")) != (entry.name, entry.version.removeprefix("v")):
        raise Failed(
            f"The archive of {what} contains {read.chart.name} {read.chart.version}.", "Report it to the repository."
        )
    return read


def verify(read: ReadChart, digest: str, what: str) -> None:
    """Refuse content that does not have its digest; "" is not checked. Raises `Failed`."""
    if digest and read.chart.digest != digest:
        message = f"{what[:1].upper()}{what[1:]} does not have the digest {digest}, but {read.chart.digest}."
        raise Failed(message, "Do not use it before that is explained.", "DigestMismatch")
