"""User-data that is about to go on an installer: read, checked, refused while a check finds an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from edgewright.core.cloudconfig.findings import Finding
    from edgewright.forge.iso.facts import Check


class UserData(NamedTuple):
    """A user-data file: its bytes as they go on the ISO, and what they mean."""

    data: bytes
    document: Mapping[str, Any]
    findings: tuple[Finding, ...]


def read_user_data(path: Path, profile: str) -> UserData:
    """Return a file and what the offline check finds. Raises `NotFound`, `Failed`, `InvalidInput`."""
    from edgewright.core.cloudconfig.check import check, check_text
    from edgewright.core.errors import Failed, NotFound
    from edgewright.core.times import now
    from edgewright.forge.userdata.text import decode, read

    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", "Give the user-data with --user-data.", "NoFile") from None
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from None
    text = decode(data, str(path))
    parsed = read(text, str(path))
    found = [*parsed.problems, *check_text(text), *check(parsed.document, profile=profile, now=now())]
    return UserData(data, parsed.document, tuple(parsed.placed(found)))


def refuse_errors(findings: Sequence[Finding], what: str, report: Callable[[str], None]) -> None:
    """Tell warnings; raise `InvalidInput` that names the errors when there is one."""
    from edgewright.core.cloudconfig.findings import ERROR, NOTE
    from edgewright.core.errors import InvalidInput

    wrong = [finding for finding in findings if finding.severity == ERROR]
    for finding in findings:
        if finding.severity not in (ERROR, NOTE):
            report(f"{finding.severity}: {_told(finding)}")
    if not wrong:
        return
    for finding in wrong[1:]:
        report(f"error: {_told(finding)}")
    more = f" And {len(wrong) - 1} more." if len(wrong) > 1 else ""
    hint = wrong[0].hint or f"Look at all of it: edgewright forge user-data check {what}"
    raise InvalidInput(f"{what} is not right: {_told(wrong[0])}{more}", hint, wrong[0].code or "InvalidInput")


def as_check(findings: Sequence[Finding]) -> Check:
    """Return the check for the manifest."""
    from edgewright.core.cloudconfig.findings import counted, has_errors
    from edgewright.forge.iso.facts import Check

    return Check("user-data", not has_errors(findings), counted(findings))


def _told(finding: Finding) -> str:
    return f"line {finding.line}: {finding.message}" if finding.line else finding.message
