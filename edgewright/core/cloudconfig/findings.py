"""What a check reports about a document: one finding for each thing, with its place and the next step."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple

ERROR = "error"
WARNING = "warning"
NOTE = "note"
UNKNOWN = "unknown"
"""Could not be checked: reported, and never taken for valid."""

SEVERITIES = (ERROR, WARNING, UNKNOWN, NOTE)
"""From the worst to the least."""


MOST = 500
"""Findings of one document that are listed one by one."""


class Finding(NamedTuple):
    """One result of a check.

    `path` is dotted, lists by index (`stylus.site.users[0].name`), and empty for the entire document. `message` is a
    complete sentence, `hint` the next step (may be empty), `code` the word that programs compare, `line` counts
    from 1 (0: not known).
    """

    severity: str
    path: str
    message: str
    hint: str = ""
    code: str = ""
    line: int = 0

    def as_dict(self) -> Dict[str, Any]:
        """Return the form that `-o json` prints."""
        return dict(self._asdict())


def error(path: str, message: str, hint: str = "", code: str = "") -> Finding:
    """Return a finding that stops a build."""
    return Finding(ERROR, path, message, hint, code)


def warning(path: str, message: str, hint: str = "", code: str = "") -> Finding:
    """Return a finding that the user must decide on."""
    return Finding(WARNING, path, message, hint, code)


def note(path: str, message: str, hint: str = "", code: str = "") -> Finding:
    """Return a finding that is good to know, e.g. a choice that cannot be undone later."""
    return Finding(NOTE, path, message, hint, code)


def unknown(path: str, message: str, hint: str = "", code: str = "") -> Finding:
    """Return a finding about what could not be checked."""
    return Finding(UNKNOWN, path, message, hint, code)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Return whether one of the findings is an error."""
    return any(finding.severity == ERROR for finding in findings)


def ordered(findings: Iterable[Finding]) -> List[Finding]:
    """Return the findings without doubles, the worst first, and by line within a severity."""
    known = {name: place for place, name in enumerate(SEVERITIES)}
    unique = dict.fromkeys(findings)
    return sorted(unique, key=lambda finding: (known.get(finding.severity, 0), finding.line or 1 << 30))


def limited(findings: Iterable[Finding], most: int = MOST) -> List[Finding]:
    """Return the findings in order, the worst `most` of them one by one and the number of the others in one."""
    result = ordered(findings)
    if len(result) <= most:
        return result
    more = f"{len(result) - most} more findings are left out."
    return [*result[:most], warning("", more, "Correct these first; is it the right file?", "More")]


def counted(findings: Iterable[Finding]) -> str:
    """Return the numbers for a sentence, e.g. `2 errors, 1 warning`; `no findings` for none."""
    matches = list(findings)
    values = {ERROR: "error", WARNING: "warning", UNKNOWN: "not checked", NOTE: "note"}
    parts = []
    for severity in SEVERITIES:
        count = sum(1 for finding in matches if finding.severity == severity)
        if count:
            plural = "" if count == 1 or severity == UNKNOWN else "s"
            parts.append(f"{count} {values[severity]}{plural}")
    return ", ".join(parts) or "no findings"
