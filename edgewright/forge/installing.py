"""From answers to an installer, without a question: user-data, its check, the base, the ISO, or one for each site.

What only the command line can bring (a base made here, a plane to prove against) is passed as functions, so that this
module needs neither. A build leaves `NAME.iso` (0600, it contains the token), `NAME.user-data` (0600) and
`NAME.iso.manifest.json`, or nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.core.cloudconfig.findings import ERROR, Finding, counted
from edgewright.core.errors import (
    Conflict,
    DocumentProblem,
    EdgewrightError,
    Failed,
    InvalidDocument,
    InvalidInput,
    NotFound,
    Refused,
)
from edgewright.core.installer.answers import document_problems
from edgewright.core.installer.document import BuildRequest, build_request, user_data
from edgewright.core.installer.paths import key_of
from edgewright.core.installer.questions import Answers
from edgewright.core.times import now
from edgewright.forge.iso.facts import Base, Check
from edgewright.forge.iso.identify import identify
from edgewright.forge.iso.suits import for_appliance, for_path
from edgewright.forge.iso.write import check_base, make_iso
from edgewright.forge.manifest import Manifest
from edgewright.forge.progress import Job
from edgewright.forge.secret_files import write_secret
from edgewright.forge.sites.make import check_sites, make_isos, make_seeds, write_index
from edgewright.forge.sites.rows import read_plan
from edgewright.forge.userdata.files import check_document
from edgewright.forge.userdata.text import dump

if TYPE_CHECKING:
    from edgewright.forge.sites.rows import Plan as SitePlan

MakeBase = Callable[[Job], Path]
"""Returns the reference appliance's ISO, made when it is not there yet."""


COARSE = {
    "ca.certificates": ("ca.certificates", "plane.ca"),
    "net.address": ("net.",),
    "net.cards": ("net.", "bond."),
    "user.name": ("user.", "users."),
}
"""Answers for more than one place of the user-data: by the beginnings of all keys behind that place."""


class Ready(NamedTuple):
    """Input of a build: the request, the user-data (document and bytes), the sites, and what the check reported."""

    request: BuildRequest
    document: dict[str, Any]
    user_data: bytes
    findings: tuple[Finding, ...]
    plan: SitePlan | None = None

    @property
    def iso(self) -> Path:
        """Where the ISO goes."""
        return Path(self.request.folder) / f"{self.request.name}.iso"

    @property
    def user_data_path(self) -> Path:
        """Where the user-data goes, to be read by its owner alone."""
        return Path(self.request.folder) / f"{self.request.name}.user-data"

    @property
    def sites(self) -> Path:
        """Where the media of the sites go."""
        return Path(self.request.folder) / f"{self.request.name}-sites"


class Made(NamedTuple):
    """What a build made: paths, the ISO first; the ISO's manifest (None where only complete site ISOs were made)."""

    outputs: tuple[Path, ...]
    manifest: Manifest | None


def prepare(answers: Answers) -> Ready:
    """Return what is to be built from settled answers.

    Raises `InvalidDocument` with everything that is wrong, `NotFound` for a plan that is not there.
    """
    ready, problems = judge(answers)
    if ready is None:
        raise InvalidDocument("The answers", problems)
    return ready


def judge(answers: Answers, skip: Iterable[str] = ()) -> tuple[Ready | None, list[DocumentProblem]]:
    """Return what is to be built from settled answers, or None and everything that is wrong with them.

    Answers in `skip` are known to be wrong and are passed over. Raises what reading a plan of sites raises, when
    nothing else is wrong.
    """
    broken = set(skip)
    problems = document_problems(answers, broken)
    broken |= {problem.key.removeprefix("answers.").partition("[")[0] for problem in problems}
    document = user_data(answers)
    request, plan = build_request(answers), None
    findings: tuple[Finding, ...] = tuple(check_document(document, "palette", now()))
    if request.sites and "output.plan" not in broken:
        try:
            plan = read_plan(Path(request.plan))
        except EdgewrightError as error:
            if not problems and not broken and not _wrong(findings, broken, answers):
                raise
            problems.append(DocumentProblem("answers.output.plan", error.message, error.hint, error.code))
        else:
            findings = tuple(check_sites(document, plan))
    if request.appliance:
        findings = tuple(for_appliance(findings))
    elif request.base and "base.path" not in broken:
        findings = tuple(for_path(findings, Path(request.base)))
    problems += _wrong(findings, broken, answers)
    if problems or broken:
        return None, problems
    return Ready(request, document, dump(document).encode(), findings, plan), []


def _wrong(findings: Iterable[Finding], broken: set[str], answers: Answers) -> list[DocumentProblem]:
    """Return the errors of the user-data by the answers behind them, but for answers that are known to be wrong."""
    problems = []
    for finding in findings:
        key = key_of(finding.path, answers["net.mode"]) if finding.path else ""
        causes = COARSE.get(key, (key,))
        known = any(name.startswith(cause) for name in broken for cause in causes if cause)
        if finding.severity == ERROR and not known:
            where = f"answers.{key}" if key else finding.path
            problems.append(DocumentProblem(where, finding.message, finding.hint, finding.code))
    return problems


def missing_files(request: BuildRequest) -> list[DocumentProblem]:
    """Return what the answers name and this machine does not have."""
    files = (
        ("base.path", "base ISO", request.base, Path.is_file),
        ("output.plan", "plan", request.plan, Path.is_file),
        ("content.cluster", "cluster definition", request.cluster, Path.is_file),
        ("content.folder", "content folder", request.content, Path.is_dir),
    )
    return [
        DocumentProblem(f"answers.{key}", f"There is no {what} {path}.", "Correct its path.", "NotFound")
        for key, what, path, there in files
        if path and not there(Path(path))
    ]


def check_places(ready: Ready, *, force: bool) -> None:
    """Raise for what would only show after long work: what `check_inputs` refuses, and a file in the way."""
    check_inputs(ready)
    request = ready.request
    folder = Path(request.folder)
    if folder.exists() and not folder.is_dir():
        raise Conflict(f"{folder} is not a folder.", "Give another folder for the output.")
    if request.base and ready.iso.exists() and ready.iso.samefile(request.base):
        raise Refused(f"{ready.iso} is the base itself, which is never changed.", "Give the output another name.")
    if ready.iso.exists() and not force and request.sites != "iso":
        raise Conflict(f"{ready.iso} is there already.", "Give the output another name, or --force to replace it.")


def check_inputs(ready: Ready) -> None:
    """Raise `NotFound` for a base, plan or folder that is not there, `InvalidInput` for a base that does not suit.

    That is one whose installer would not read the user-data, or that does not boot as the proof wants it.
    """
    request = ready.request
    missing = missing_files(request)
    if missing:
        sentences = " ".join(problem.message for problem in missing)
        where = "its path" if len(missing) == 1 else "their paths"
        raise NotFound(sentences, f"Correct {where} in the answers: {', '.join(p.key for p in missing)}.")
    if request.base:
        base = identify(Path(request.base))
        check_base(base)
        _check_proof(request, base)


def _check_proof(request: BuildRequest, base: Base) -> None:
    """Raise `InvalidInput` for a proof by a way to boot that the base lacks: it would fail after the build."""
    proof = request.proof
    mode = f"{proof.firmware.upper()} from {proof.medium.upper()}"
    if not proof.until or request.sites == "iso" or mode in base.boot_modes or base.partition_broken:
        return
    raise InvalidInput(
        f"The proof is to boot {mode}, and the base {base.path.name} boots {', '.join(base.boot_modes)} only.",
        "Change proof.firmware and proof.medium in the answers, or take another base.",
        "NoBootMode",
    )


def build(ready: Ready, job: Job, *, make_base: MakeBase, force: bool = False) -> Made:
    """Build what the answers ask for and return it.

    Raises `Cancelled`, and what the base, the ISO and the sites raise; then nothing partial is left.
    """
    check_places(ready, force=force)
    request = ready.request
    base = make_base(job) if request.appliance else Path(request.base)
    folder = _folder(Path(request.folder))
    if request.sites == "iso":
        return Made(_make_sites(ready, base, job), None)
    manifest = make_iso(
        base,
        ready.user_data,
        ready.iso,
        job,
        content=[Path(request.content)] if request.content else [],
        cluster_definition=Path(request.cluster) if request.cluster else None,
        force=force,
        name=request.name,
        token_uid=request.token_uid,
        checks=[_checked(ready.findings)],
    )
    job.step("writing the user-data beside it", "steps")
    write_secret(ready.user_data_path, ready.user_data)
    made: tuple[Path, ...] = (ready.iso, ready.user_data_path, ready.iso.with_name(ready.iso.name + ".manifest.json"))
    if request.sites:
        made += _make_sites(ready, ready.iso, job)
    _sync(folder)
    return Made(made, manifest)


def _make_sites(ready: Ready, base: Path, job: Job) -> tuple[Path, ...]:
    """Make complete ISOs from `base`, or seeds for it, and their index; sites done before an error stay."""
    assert ready.plan is not None
    out = _folder(ready.sites)
    complete = ready.request.sites == "iso"
    if complete:
        made = make_isos(ready.plan, base, ready.document, out, job, checks=[_checked(ready.findings)])
    else:
        made = make_seeds(ready.plan, out, job)
    index = write_index(out, Path(ready.request.plan), made, complete=complete, base=base)
    return (*(item.file for item in made), index)


def _checked(findings: Sequence[Finding]) -> Check:
    """Return the check of the user-data as the manifest has it: only without it an ISO is never *checked*."""
    return Check("user-data", all(finding.severity != ERROR for finding in findings), counted(findings))


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failed(f"The folder {path} cannot be made: {error.strerror}.", "Give another folder.") from None
    return path


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def plan_values(ready: Ready) -> dict[str, Any]:
    """Return what would be built, as plain values for a plan: no secrets."""
    request = ready.request
    return {
        "iso": str(ready.iso) if request.sites != "iso" else "",
        "userData": str(ready.user_data_path) if request.sites != "iso" else "",
        "userDataSha256": hashlib.sha256(ready.user_data).hexdigest(),
        "base": request.base or "the reference appliance",
        "plan": request.plan,
        "proof": request.proof.until,
    }
