"""A site's user-data over an installer's: which of the two files each finding about the merged document is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from edgewright.core.cloudconfig.findings import Finding
from edgewright.core.cloudconfig.merge import merge
from edgewright.yamltext.reader import Parsed

_STEP = re.compile(r"([^.\[\]]+)|\[([0-9]{1,6})\]")


class Layers(NamedTuple):
    """The installer's user-data (`over` overrides it) and the site's."""

    installer: Parsed
    site: Parsed

    @property
    def document(self) -> Mapping[str, Any]:
        """What the host reads: the site's keys laid over the installer's."""
        return merge([("installer", self.installer.document), ("site", self.site.document)]).document

    def split(self, findings: Iterable[Finding]) -> tuple[list[Finding], list[Finding]]:
        """Return the findings about the site's file and those about the installer's, each with its own lines."""
        own: list[Finding] = []
        others: list[Finding] = []
        for finding in findings:
            is_own, path = self._owner(finding.path)
            parsed = self.site if is_own else self.installer
            place = finding._replace(line=finding.line or parsed.line_of(path))
            (own if is_own else others).append(place)
        return own, others

    def _owner(self, path: str) -> tuple[bool, str]:
        """Return whether the site's file defines what is at a path of the merged document, and the path in that file.

        What neither defines (a key that is missing) is the site's, unless only the installer has the block around it.
        """
        below: Any = self.installer.document
        above: Any = self.site.document
        mine, theirs = "", ""
        for name, index in _STEP.findall(path):
            if index:
                count = len(below) if isinstance(below, list) else 0
                place = int(index)
                if place < count:
                    below, above = below[place], None
                    theirs += f"[{place}]"
                    continue
                items = above if isinstance(above, list) else []
                own = min(place - count, max(len(items) - 1, 0))
                above, below = items[own] if items else None, None
                mine += f"[{own}]"
                continue
            in_site = isinstance(above, Mapping) and name in above
            in_installer = isinstance(below, Mapping) and name in below
            if not in_site and not in_installer:
                break
            dot = f".{name}"
            mine, theirs = (mine + dot).lstrip("."), (theirs + dot).lstrip(".")
            above = above[name] if in_site else None
            below = below[name] if in_installer else None
        only_installer = above is None and below is not None
        return (False, theirs) if only_installer else (True, mine)
