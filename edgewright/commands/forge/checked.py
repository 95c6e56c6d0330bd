"""User-data that is about to be written to an installer: read, checked, refused while a check finds an error."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.commands.forge.userdata_plane import ask
from edgewright.core.cloudconfig.check import check_text
from edgewright.core.cloudconfig.findings import ERROR, NOTE, counted, has_errors, warning
from edgewright.core.cloudconfig.userdata import site_of
from edgewright.core.errors import DocumentProblem, ErrorsReported, Failed, InvalidInput, NotFound
from edgewright.core.times import now
from edgewright.forge.bounded import read_bounded
from edgewright.forge.iso.facts import Check
from edgewright.forge.userdata import online
from edgewright.forge.userdata.files import check_document
from edgewright.yamltext.bounds import MAX_SIZE
from edgewright.yamltext.encoding import decode
from edgewright.yamltext.reader import read

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.core.cloudconfig.findings import Finding
    from edgewright.yamltext.reader import Parsed


MOST_SHOWN = 100
"""Findings of one file that are printed one by one."""


class Asked(NamedTuple):
    """What the network returned: findings, and the uid of the token, where the plane lists it."""

    findings: tuple[Finding, ...]
    token_uid: str = ""


class UserData(NamedTuple):
    """A user-data file: its bytes as they are written to the ISO, and what they mean."""

    data: bytes
    parsed: Parsed
    findings: tuple[Finding, ...]

    @property
    def document(self) -> dict[str, Any]:
        """The keys."""
        return self.parsed.document


def read_user_data(path: Path, profile: str) -> UserData:
    """Return a file and what the offline check finds. Raises `NotFound`, `Failed`, `InvalidInput`."""
    try:
        data = read_bounded(path, MAX_SIZE)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", "Give the user-data with --user-data.", "NoFile") from None
    except IsADirectoryError:
        raise InvalidInput(f"{path} is a directory, not user-data.", "Name the file in it.", "Folder") from None
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from None
    text = decode(data, str(path))
    matches = []
    if text.startswith("\ufeff"):  # Kairos would ignore the file: what is written to the medium begins with #
        text = text.removeprefix("\ufeff")
        matches.append(warning("", "The byte order mark at its beginning is left out of the installer.", code="Bom"))
    parsed = read(text, str(path))
    matches += [*parsed.problems, *check_text(text), *check_document(parsed.document, profile, now())]
    return UserData(text.encode(), parsed, tuple(parsed.placed(matches)))


async def ask_online(ctx: CommandContext, user_data: UserData, *, offline: bool) -> Asked:
    """Ask plane, registries and time servers about user-data; what cannot be asked is `unknown`, never fine."""
    document = user_data.document
    if offline:
        return Asked(tuple(user_data.parsed.placed(online.not_checked(document))))
    known = await ask(ctx, document)
    reported = await online.check_online(
        document,
        tokens=known.tokens,
        hosts=known.hosts,
        projects=known.projects,
        why_no_tokens=known.why,
        timeout=min(ctx.timeout, 5.0),
    )
    return Asked(tuple(user_data.parsed.placed(reported)), known.token_uid(site_of(document).token))


def refuse_errors(findings: Sequence[Finding], what: str, report: Callable[[str], None], look: str = "") -> None:
    """Report warnings, and every error (of many the first `MOST_SHOWN`); raise `InvalidInput` when there is one.

    `look` is the next step; without it, the check of user-data.
    """
    wrong = [finding for finding in findings if finding.severity == ERROR]
    others = [finding for finding in findings if finding.severity not in (ERROR, NOTE)]
    _report(others, report)
    if not wrong:
        return
    if len(wrong) == 1:
        hint = wrong[0].hint or f"Look at all of it: {look or f'edgewright forge user-data check {shlex.quote(what)}'}"
        raise InvalidInput(f"{what} is not right: {_finding_text(wrong[0])}", hint, wrong[0].code or "InvalidInput")
    wrong.sort(key=lambda finding: finding.line or 10**9)
    _report(wrong, report)
    problems = [DocumentProblem(finding.path, _finding_text(finding), finding.hint, finding.code) for finding in wrong]
    raise ErrorsReported(what, problems, look or wrong[0].hint)


def _report(findings: Sequence[Finding], report: Callable[[str], None]) -> None:
    for finding in findings[:MOST_SHOWN]:
        report(f"{finding.severity}: {_finding_text(finding)}")
    if len(findings) > MOST_SHOWN:
        report(f"... and {len(findings) - MOST_SHOWN} more like these.")


def as_check(findings: Sequence[Finding]) -> Check:
    """Return the check for the manifest."""
    return Check("user-data", not has_errors(findings), counted(findings))


def _finding_text(finding: Finding) -> str:
    return f"line {finding.line}: {finding.message}" if finding.line else finding.message
