"""What the base changes about the findings of a user-data: warnings that do not apply to the reference appliance."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from edgewright.core.cloudconfig.findings import Finding
from edgewright.core.errors import EdgewrightError
from edgewright.forge.iso.facts import Base
from edgewright.forge.iso.identify import identify

ELSEWHERE = frozenset(["ReinstallLoop"])
"""Codes of findings about installers that the appliance is better than: it does not install twice from one medium."""


def for_base(findings: Iterable[Finding], base: Base) -> list[Finding]:
    """Return the findings that apply to this base."""
    return for_appliance(findings) if base.appliance else list(findings)


def for_appliance(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that apply to the reference appliance."""
    return [finding for finding in findings if finding.code not in ELSEWHERE]


def for_path(findings: Iterable[Finding], base: Path) -> list[Finding]:
    """Return the findings that apply to the base at a path; all of them where it cannot be read.

    It is only looked at where that makes a difference.
    """
    listed = list(findings)
    if not any(finding.code in ELSEWHERE for finding in listed):
        return listed
    try:
        facts = base.stat()
        appliance = _is_appliance(base.absolute(), facts.st_mtime_ns, facts.st_size)
    except (EdgewrightError, OSError):
        return listed
    return for_appliance(listed) if appliance else listed


@lru_cache(maxsize=32)
def _is_appliance(base: Path, changed: int, size: int) -> bool:
    """Whether a base is the reference appliance; each state of a file is read once, since programs are run for it."""
    return identify(base).appliance
