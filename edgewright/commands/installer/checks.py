"""What the wizard asks about answers: the rules offline, the plane online, the facts of a base."""

from __future__ import annotations

import os
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.clients.ports import CanListTokens
from edgewright.commands.forge.userdata_plane import Known, ask
from edgewright.commands.installer.planes import at_context
from edgewright.commands.kernel.described import entries
from edgewright.core import times
from edgewright.core.cloudconfig.findings import ERROR, Finding, error, ordered, warning
from edgewright.core.errors import EdgewrightError, TimedOut
from edgewright.core.installer import answers as rules
from edgewright.core.installer.checks import ssh_key
from edgewright.core.installer.document import user_data
from edgewright.core.installer.pages import PAGES
from edgewright.core.installer.paths import key_of
from edgewright.core.slow_files import glance
from edgewright.core.small_file import local_path
from edgewright.core.times import now
from edgewright.forge.answers import settle
from edgewright.forge.iso.identify import identify
from edgewright.forge.iso.suits import for_appliance, for_path
from edgewright.forge.userdata.files import check_document
from edgewright.forge.userdata.online import check_online
from edgewright.wire.palette.tokens import EdgeToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgewright.commands.kernel.context import CommandContext

OWN_TOKENS = frozenset({"this-machine", "demo"})
"""Tokens that the console creates for hosts that it starts itself."""
MAX_OFFERED = 200
MAX_KEY_FILE = 16_384


def offline(answers: Mapping[str, Any], keys: frozenset[str] | None) -> list[Finding]:
    """Return what is wrong with the answers of `keys` (None: all): own rules, files, then those of the document."""
    complete, wrong = rules.completed(answers)
    if wrong:
        return [error(p.key.removeprefix("answers."), p.message, p.hint, p.code) for p in wrong]
    findings = [error(p.key, p.message, code="WrongAnswer") for p in rules.problems(complete, keys)]
    findings += [finding for finding in _files(complete) if keys is None or finding.path in keys]
    if any(finding.severity == ERROR for finding in findings):
        return findings
    return findings + _document(complete, keys)


def _document(complete: dict[str, Any], keys: frozenset[str] | None) -> list[Finding]:

    broken = {problem.key for problem in rules.problems(complete)}
    document = user_data(settle(complete, strict=False))
    findings = []
    for finding in _that_apply(check_document(document, "palette", now()), complete):
        key = key_of(finding.path, complete["net.mode"])
        if keys is None or (key in keys and key not in broken):
            findings.append(finding._replace(path=key or finding.path))
    return ordered(findings)


def _that_apply(findings: list[Finding], answers: dict[str, Any]) -> list[Finding]:
    """Return the findings that apply to the base of the answers."""
    if answers["base.kind"] == "appliance":
        return for_appliance(findings)
    return for_path(findings, local_path(str(answers["base.path"]))) if answers["base.path"] else findings


def _files(complete: dict[str, Any]) -> list[Finding]:
    """Return the paths among the visible answers that lead nowhere; one that does not answer in time is a warning."""
    findings = []
    for page in PAGES:
        for question in page.visible(complete) if page.shown(complete) else ():
            value = complete[question.key]
            texts = value if question.key == "ca.certificates" else [value] if question.kind == "file" else []
            for row in value if question.key == "registries.list" else ():
                texts = [*texts, row["ca"]]
            for text in texts:
                try:
                    problem = glance(partial(_path_problem, question.key, text), text) if text else ""
                except TimedOut as late:
                    findings.append(warning(question.key, late.message, late.hint, late.code))
                    continue
                if problem:
                    findings.append(error(question.key, problem, "Correct the path.", "NoFile"))
    return findings


def _path_problem(key: str, text: str) -> str:
    if not text or "\n" in text:
        return ""
    try:
        path = local_path(text)
        if key == "output.folder":
            return _folder_problem(path)
        if key == "content.folder":
            return "" if path.is_dir() else f"There is no folder {path}."
        if path.is_dir():
            return f"{path} is a folder, not a file."
        if not path.is_file():
            return f"There is no file {path}."
        return _base_problem(path) if key == "base.path" else ""
    except (OSError, RuntimeError, ValueError):
        return f"{text[:80]!r} is not a path."


def _folder_problem(path: Path) -> str:
    """Return why an output cannot be written to a folder, which is created when it is missing; "" when it can."""
    there = next((place for place in (path, *path.parents) if place.exists()), path)
    if not there.is_dir():
        return f"{there} is a file, not a folder."
    if os.access(there, os.W_OK | os.X_OK):
        return ""
    return f"{path} is not writable." if there == path else f"{path} cannot be created: {there} is not writable."


def _base_problem(path: Path) -> str:
    """Return why no installer can be made of a base, or ""; looked at once for each state of the file."""
    facts = path.stat()
    return _refusal(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=32)
def _refusal(path: Path, changed: int, size: int) -> str:

    try:
        quick = identify(path, look_inside=False)  # its files are enough for the bases that there are
        return quick.refusal and identify(path).refusal
    except EdgewrightError as wrong:
        return wrong.message


async def online(ctx: CommandContext, answers: Mapping[str, Any]) -> list[Finding]:
    """Return what plane, registries and time servers report for the answers; what could not be asked is `unknown`."""
    settled = settle(answers, strict=False)
    document = user_data(settled)
    try:
        async with at_context(ctx, settled["plane.context"]) as there:
            known = await ask(there, document)
    except EdgewrightError as wrong:
        known = Known(why=wrong.message.rstrip("."))
    online = await check_online(
        document, tokens=known.tokens, hosts=known.hosts, why_no_tokens=known.why, timeout=min(ctx.timeout, 5.0)
    )
    findings = []
    for finding in online:
        key = key_of(finding.path, settled["net.mode"])
        findings.append(finding._replace(path=key or finding.path))
    return ordered(findings)


async def usable_tokens(ctx: CommandContext, name: str) -> list[tuple[str, str, str, float | None, str]]:
    """Return uid, name, text, expiry and project of the usable tokens at the plane of the context `name`."""
    async with at_context(ctx, name) as there:
        known = list(map(EdgeToken, await (await there.port(CanListTokens)).all()))
    now = times.now()
    usable = [token for token in known if token.token and token.name not in OWN_TOKENS and token.usable(now)]
    usable.sort(key=lambda token: token.created or 0.0, reverse=True)
    return [(token.uid, token.name, token.token, token.expiry, token.project_name) for token in usable[:MAX_OFFERED]]


async def stored_keys(ctx: CommandContext, name: str) -> list[tuple[str, str, str, str]]:
    """Return name, line, kind and comment of the SSH keys that the plane of the context `name` stores, by name.

    A key that a box would refuse is left out. Raises what the plane answers.
    """
    async with at_context(ctx, name) as there:
        rows = [entry.row for entry in (await entries(there, "key")).items]
    lines = [(row, " ".join(row.public_key.split())) for row in rows]
    usable = [(row.name, text, row.kind, row.comment) for row, text in lines if text and not ssh_key(text)]
    return usable[:MAX_OFFERED]


def public_keys(folder: Path) -> list[tuple[str, str, str, str]]:
    """Return file name, line, kind and comment of the public keys in a folder; anything else is left out."""
    keys = []
    for path in sorted(folder.glob("*.pub"))[:MAX_OFFERED]:
        try:
            with path.open("rb") as file:
                text = " ".join(file.read(MAX_KEY_FILE).decode("utf-8").split())
        except (OSError, ValueError):
            continue
        kind, _, rest = text.partition(" ")
        if text and not ssh_key(text):
            keys.append((path.name, text, kind, rest.partition(" ")[2]))
    return keys


def facts_of_base(path: Path) -> list[tuple[str, str]]:
    """Return what a base ISO is, as label and value. Raises `NotFound`, `Failed`."""
    base = identify(path)
    facts = list(base.facts())
    return [("cannot be used", base.refusal), *facts] if base.refusal else facts
