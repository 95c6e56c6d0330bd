"""How an answer file is carried out: examined, built with its progress stored, proven if it is set."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.commands.forge.background import terminated_is_cancelled
from edgewright.commands.forge.base_cache import cached_base
from edgewright.commands.forge.jobs import work as in_thread
from edgewright.commands.forge.verify import prove_installer
from edgewright.commands.installer.answer_kinds import kinds
from edgewright.commands.installer.planes import token_uid
from edgewright.commands.kernel.base import Outcome
from edgewright.commands.kernel.results import Text
from edgewright.core.cloudconfig.findings import WARNING
from edgewright.core.errors import (
    Cancelled,
    DocumentProblem,
    EdgewrightError,
    Failed,
    InvalidDocument,
    InvalidInput,
    Refused,
)
from edgewright.core.installer.answers import document_problems
from edgewright.core.installer.document import build_request
from edgewright.core.installer.example import unchanged
from edgewright.core.small_file import local_path
from edgewright.core.text import amount
from edgewright.forge.answer_files import opened, read_document
from edgewright.forge.answers import absolute, judged, settled, text_of
from edgewright.forge.builds import Recorder, start
from edgewright.forge.installing import Made, Ready, build, check_places, judge, missing_files, plan_values
from edgewright.forge.iso.modes import modes_of, next_lines, warnings
from edgewright.forge.progress import Job
from edgewright.forge.reservation import handing_over, reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edgewright.commands.kernel.context import CommandContext

TOKEN_PATIENCE = 5.0
"""Seconds that the plane is given to report the uid of the token; without it the build continues."""


class Work(NamedTuple):
    """What a file asks for: its name, the answers with nothing left to look up, and what they mean."""

    name: str
    answers: dict[str, Any]
    ready: Ready

    @property
    def touches(self) -> tuple[Path, ...]:
        """What will be written."""
        return (self.ready.iso,) if self.ready.request.sites != "iso" else (self.ready.sites,)


def examine(word: str, document: Mapping[str, Any] | None = None) -> Work:
    """Return what the answer file `word` of an installer asks for; `document` is what is in it, if it was read.

    Raises `InvalidDocument` with everything that is wrong in it, `NotFound`.
    """
    path = local_path(word).absolute()
    outer = opened(read_document(path) if document is None else document, kinds())
    if not outer.kind:
        raise InvalidDocument(word, outer.problems, "See: edgewright apply --example")
    file, problems = judged(outer)
    keys = {problem.key.removeprefix("answers.") for problem in problems}
    result, unread = settled(file.answers, path.parent)
    if len(unread) == 1 and not problems:
        only = next(iter(unread.values()))
        if only.exit_code != InvalidInput.exit_code and not document_problems(result, unread):
            raise only
    problems += [DocumentProblem(f"answers.{k}", e.message, e.hint, e.code) for k, e in unread.items() if k not in keys]
    answers = absolute(result, path.parent)
    ready, wrong = judge(answers, [*keys, *unread])
    problems += wrong
    if ready is None or problems:
        problems += [p for p in missing_files(build_request(answers)) if p.key not in {q.key for q in problems}]
        raise InvalidDocument(word, problems, "See: edgewright apply --example")
    return Work(file.name, answers, ready._replace(findings=(*unchanged(answers), *ready.findings)))


def lines_of(ready: Ready) -> tuple[str, ...]:
    """Return the lines of the plan."""
    request, facts = ready.request, plan_values(ready)
    lines = [f"base: {facts['base']}"]
    if request.sites != "iso":
        lines += [f"ISO: {ready.iso}", f"user-data: {ready.user_data_path} (sha256 {facts['userDataSha256']})"]
    if request.sites:
        count = len(ready.plan.sites) if ready.plan else 0
        what = "complete ISOs" if request.sites == "iso" else "seed ISOs"
        lines.append(f"sites: {count} {what} by {request.plan}, into {ready.sites}")
    if request.content:
        lines.append(f"content: {request.content}")
    if request.cluster:
        lines.append(f"cluster definition: {request.cluster}")
    proof = request.proof
    if proof.until:
        secure = " with Secure Boot" if proof.secure_boot else ""
        lines.append(f"proof: {proof.firmware.upper()}{secure} from {proof.medium.upper()}, until {proof.until}")
    row_notes = [finding for finding in ready.findings if finding.severity == "note" and finding.line]
    lines += [
        f"{f.severity}: {f.message if f.path in f.message else f'{f.path}: {f.message}'}"
        for f in ready.findings
        if f not in row_notes
    ]
    if row_notes:
        lines.append(f"note: {len(row_notes)} more about single sites; see: edgewright forge sites PLAN --plan")
    return tuple(lines)


def check_may(work: Work, *, read_only: bool) -> None:
    """Raise `Refused` when a read-only session would have to change something at the plane: the proof does."""
    if work.ready.request.proof.until == "registered" and read_only:
        hint = "Run it without --read-only, or set proof.until to installed in the answers."
        raise Refused("This session is read-only, and the proof makes a token and a host at the plane.", hint)


def detach(work: Work, *, force: bool, read_only: bool = False) -> str:
    """Start the work in a process of its own and return the build's id.

    Raises `Refused`, `Conflict`, `NotFound`, `Failed`.
    """
    check_may(work, read_only=read_only)
    check_places(work.ready, force=force)
    with handing_over(work.touches[0]) as started:
        started.append(start("iso", work.name, answers=text_of(work.name, work.answers), force=force))
    return started[0]


async def perform(ctx: CommandContext, work: Work, args: Mapping[str, Any], report: Callable[[str], None]) -> Outcome:
    """Build, prove if asked, and return what was made; the record of it stays either way.

    Raises `Conflict` when another build writes the same output now.
    """
    check_may(work, read_only=ctx.read_only)
    given, force = str(args.get("build") or ""), bool(args.get("force"))
    if not given:
        check_places(work.ready, force=force)  # what cannot begin leaves no record
    with reserved(work.touches[0], given):
        return await _perform(ctx, work, given, report, force=force)


async def _perform(
    ctx: CommandContext, work: Work, given: str, report: Callable[[str], None], *, force: bool
) -> Outcome:

    recorder = Recorder.of(given) if given else Recorder.new("iso", work.name, text_of(work.name, work.answers))
    with terminated_is_cancelled(), recorder:  # the record's log has each step already
        work = await _with_token_uid(ctx, work, recorder)
        _warn([f.message for f in work.ready.findings if f.severity == WARNING], recorder, report)
        made = await _build(work, recorder, (lambda line: None) if given else report, force=force)
        recorder.made(made.outputs)
        _warn(_lacking(made), recorder, report)
        proof = await _prove(ctx, work, recorder, report)
    return Outcome(
        tuple(map(str, made.outputs)), (), _sentence(made, recorder.id, proof), Text(*_result(made, recorder.id))
    )


async def _with_token_uid(ctx: CommandContext, work: Work, recorder: Recorder) -> Work:
    """Return the work with the uid of its token, by which its hosts are known; not needed for the build."""
    request = work.ready.request
    if request.token_uid or work.answers["plane.mode"] == "local":
        return work

    try:
        uid = await asyncio.wait_for(token_uid(ctx, work.answers), TOKEN_PATIENCE)
    except (EdgewrightError, TimeoutError) as error:
        why = error.message if isinstance(error, EdgewrightError) else "The plane does not answer."
        recorder.log(f"the uid of the token is not known: {why}")
        return work
    return work._replace(ready=work.ready._replace(request=request._replace(token_uid=uid)))


async def _build(work: Work, recorder: Recorder, report: Callable[[str], None], *, force: bool) -> Made:

    def do(job: Job) -> Made:
        return build(work.ready, job, make_base=_appliance, force=force)

    return await in_thread(do, report, every=0.5, sink=recorder)


def _appliance(job: Job) -> Path:
    """Return the reference appliance's ISO, made now if it is not cached. Raises `EdgewrightError`."""
    return cached_base(job)


async def _prove(ctx: CommandContext, work: Work, recorder: Recorder, report: Callable[[str], None]) -> str:
    """Boot what was made, if the answers have it, and return its label. Raises `Failed` when it was not proven."""
    spec = work.ready.request.proof
    if not spec.until or work.ready.request.sites == "iso":
        return ""

    try:
        return str(await prove_installer(ctx, work.ready.iso, spec, work.answers["plane.context"], recorder, report))
    except EdgewrightError as error:
        if error.exit_code == Cancelled.exit_code:
            raise
        again = f"Try again: edgewright forge verify {shlex.quote(str(work.ready.iso))}"
        raise Failed(
            f"The installer {work.ready.iso} is made, but not proven: {error.message}",
            f"{error.hint} {again}".strip(),
            "NotProven",
        ) from None


def _warn(sentences: Iterable[str], recorder: Recorder, report: Callable[[str], None]) -> None:
    """Put warnings into the record's log and on the terminal."""
    for sentence in sentences:
        recorder.log(f"warning: {sentence}")
        report(f"warning: {sentence}")


def _lacking(made: Made) -> tuple[str, ...]:
    """Return a sentence for each way to boot that the installer lacks, as its base does."""
    return () if made.manifest is None else warnings(made.outputs[0].name, modes_of(made.manifest))


def _sentence(made: Made, build_id: str, proof: str) -> str:
    if made.manifest is None:
        count = sum(1 for path in made.outputs if path.suffix == ".iso")
        return f"{amount(count, 'installer')} made (build {build_id})."
    label = proof or str(made.manifest.get("label") or "unproven")
    done = f"{made.outputs[0]} is made and {label} (build {build_id})."
    if proof:
        return done

    return "\n".join([done, *next_lines(made.outputs[0], modes_of(made.manifest))])


def _result(made: Made, build_id: str) -> tuple[str, dict[str, Any], str]:
    """Return text, document and name of what was made, for the output."""
    paths = [str(path) for path in made.outputs]
    return "\n".join(paths), {"build": build_id, "outputs": paths, "manifest": made.manifest}, paths[0]
