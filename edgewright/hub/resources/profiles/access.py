"""What every operation on a profile does: find it, read its content, check it, store it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from edgewright.core.profiles import checks, scope
from edgewright.core.profiles.model import Profile
from edgewright.core.profiles.problems import ERROR, errors
from edgewright.core.profiles.problems import Problem as Finding
from edgewright.core.profiles.secrets import to_give_again
from edgewright.core.profiles.variables import COVER
from edgewright.core.roles import ADMIN, OPERATOR, covers
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import Problem, conflict, not_found
from edgewright.hub.http.routing import Call
from edgewright.hub.profiles import store, stored
from edgewright.hub.profiles.index import MacroIndex, ProfileIndex
from edgewright.hub.profiles.layers import packs_of, resolving_macros
from edgewright.hub.profiles.tables import MacroRecord, ProfileRecord
from edgewright.hub.profiles.work import ProfileWork
from edgewright.profiles.prepare import check, prepare, resolved

KIND = "clusterprofile"
Json = dict[str, Any]
T = TypeVar("T")
_SHOWN = 10
"""Findings that an answer names one by one."""
NOTHING = scope.Context(partial=True)
"""What a draft is resolved with, to find references that form a cycle."""
_TRIES = 5
"""How often a change is made again when another one came first."""


def visible(call: Call, record: ProfileRecord) -> bool:
    """Return whether the caller sees a profile: those of its scope, and those of the tenant."""
    return not record.project_uid or call.scope.covers(record.project_uid)


def find(call: Call) -> ProfileRecord:
    """Return the profile of the call; raises 404, also for one of another project."""
    record = call.hub.part(ProfileIndex).by_uid.get(call.uid)
    if record is None or not visible(call, record):
        raise not_found("cluster profile", call.uid)
    return record


def writable(call: Call) -> ProfileRecord:
    """Return the profile of the call for a change; raises 404, and 403 for a role that is too low in its project."""
    record = find(call)
    call.require(ADMIN, record.project_uid)
    return record


class Stored(NamedTuple):
    """A profile with its contents as one query found them, and their texts as they are stored."""

    record: ProfileRecord
    draft: Json | None
    live: Json | None
    texts: tuple[str, str]

    @property
    def present(self) -> Json:
        """Return the draft, else what is published."""
        return self.draft or self.live or {}

    @property
    def metadata(self) -> Json:
        """Return the stored metadata."""
        metadata: Json = self.record.parts["metadata"]
        return metadata


class Edited(NamedTuple):
    """What a change makes of a profile; `text` is what the audit log calls it."""

    text: str
    draft: Json | None
    live: Json | None
    metadata: Json
    name: str
    version: str
    published: bool


class Composed(NamedTuple):
    """What is stored of a content: the head, and the texts of draft and published content."""

    head: str
    draft: str
    live: str


Edit = Callable[[Stored], Edited]


async def read(call: Call, record: ProfileRecord) -> Stored:
    """Return a profile with its contents as the database has it now; raises 404 when it was deleted meanwhile."""

    def query(connection: Connection) -> Stored | None:
        row = store.find(connection, record.uid)
        return None if row is None else Stored(row[0], stored.read(row[1]), stored.read(row[2]), row[1:])

    now = await call.hub.read(query)
    if now is None:
        raise not_found("cluster profile", record.uid)
    return now


async def work(call: Call, piece: Callable[[], T]) -> T:
    """Run long work on the thread of profiles; raises what it raises, 429."""
    return await call.hub.part(ProfileWork).run(call.caller, piece)


def composed(call: Call, edited: Edited) -> Composed:
    """Return what is to be stored; raises 422 for what no profile may have, draft or not, and 413. Blocking.

    Values that cannot be read, and references that form a cycle, are refused in a draft too: nothing could be done with
    it. Manifests may be templates of other programs until they are published.
    """
    present = edited.draft or edited.live or {}
    profile = stored.profile(edited.name, edited.version, edited.metadata, present, call.hub.box)
    bare = replace(profile, layers=tuple(replace(layer, manifests=()) for layer in profile.layers))
    prepared = prepare(bare)
    cycles = [problem for problem in resolved(prepared, NOTHING).problems if problem.code == "ReferenceCycle"]
    refuse(f"The cluster profile {profile.label}", errors([*checks.check_form(profile), *prepared.problems, *cycles]))
    head = stored.head(edited.metadata, edited.draft, edited.live, profile)
    return Composed(head, stored.write(edited.draft), stored.write(edited.live))


def refuse(what: str, findings: list[Finding]) -> None:
    """Raise 422 with the findings, each with its place; do nothing without one."""
    if findings:
        rows = [finding.sentence() for finding in findings[:_SHOWN]]
        more = f" {len(findings) - _SHOWN} more." if len(findings) > _SHOWN else ""
        codes = {finding.code for finding in findings if finding.code}
        code = codes.pop() if len(codes) == 1 else "InvalidProfile"
        raise Problem(422, code, f"{what}: {' '.join(rows)}{more}")


async def change(call: Call, action: str, edit: Edit) -> ProfileRecord:
    """Change a profile by `edit`, which runs outside of the writer, so that no write waits for it.

    What it was made of is compared in the writer; where another change came first it is made again. Raises 409 when
    that happens too often.
    """
    for _ in range(_TRIES):
        before = await read(call, writable(call))
        edited, made = await work(call, partial(_edited, call, before, edit))
        newer = await call.write(partial(_store, call, before, edited, made, action))
        if newer is not None:
            return newer
    raise conflict(f"The cluster profile '{before.record.name}' is changed by others; try again.", "Changed")


def _edited(call: Call, before: Stored, edit: Edit) -> tuple[Edited, Composed]:
    edited = edit(before)
    return edited, composed(call, edited)


def _store(call: Call, before: Stored, edited: Edited, made: Composed, action: str, tx: Tx) -> ProfileRecord | None:
    """Store a change; `None` when the profile is not what the change was made of."""
    record = store.get_or_404(tx, before.record.uid)
    if store.find(tx.connection, record.uid) != (before.record, *before.texts):
        return None
    newer = ProfileRecord(
        record.uid, edited.name, edited.version, record.project_uid, edited.published, made.head, record.created, tx.now
    )
    store.put(tx, record, newer, made.draft, made.live)
    message = f"Cluster profile '{edited.name}' {edited.version}: {edited.text}"
    call.audit(tx, action, KIND, record.uid, edited.name, message, record.project_uid)
    return newer


def of_content(edit: Callable[[Json, ProfileRecord], tuple[Json, str]]) -> Edit:
    """Return the change of a content alone: `edit` returns it and its name. A published profile gets a draft."""

    def edited(now: Stored) -> Edited:
        record = now.record
        present, text = edit(now.present, record)
        return Edited(text, present, now.live, now.metadata, record.name, record.version, record.published)

    return edited


async def findings(call: Call, profile: Profile, publish: bool) -> list[Finding]:
    """Return everything that is wrong with a profile, its values, packs and references.

    For a publish packs are fetched, and a value that is still covered is an error.
    """
    packs, macros = await packs_of(call.hub, profile, publish, call.caller), macros_of(call)

    def look() -> list[Finding]:
        prepared = prepare(profile, packs)
        context = scope.Context(macros=macros, partial=True)
        covered = to_give_again(profile, prepared.layers) if publish else []
        return [
            *check(prepared, publish),
            *resolved(prepared, context).problems,
            *(finding._replace(severity=ERROR) for finding in covered),
        ]

    return await work(call, look)


def macros_of(call: Call) -> dict[str, scope.Macro]:
    """Return the macros that a profile of the call's scope resolves with: those of the project over the tenant's."""
    return resolving_macros(call.hub, call.project)


def readable(call: Call, record: MacroRecord) -> bool:
    """Return whether the caller may read the value of a macro: not that of a masked one, and viewers none."""
    return not record.masked and covers(call.actor.grants.role(record.project_uid), OPERATOR)


def macros_shown(call: Call) -> dict[str, scope.Macro]:
    """Return the same macros as the caller may see them."""
    index = call.hub.part(MacroIndex)
    records = {**index.of(""), **index.of(call.project)}
    return {
        name: macro if readable(call, records[name]) else macro._replace(value=COVER)
        for name, macro in macros_of(call).items()
    }
