"""What the installer wizard may call: preview, findings, tokens, the answer file, and the build in the background.

Nothing heavy is imported before it is called: the wizard opens at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.commands.installer.checks import facts_of_base, offline, online, public_keys, usable_tokens
from edgewright.commands.installer.checks import stored_keys as keys_at_plane
from edgewright.commands.installer.planes import at_context
from edgewright.commands.installer.planes import token_uid as token_uid_at_plane
from edgewright.commands.installer.run import Work, detach
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.results import Text
from edgewright.config import contexts
from edgewright.core.errors import Failed
from edgewright.core.installer.document import user_data
from edgewright.core.installer.origin import installer_of
from edgewright.core.small_file import local_path
from edgewright.forge.answers import absolute, read_answers, write_answers
from edgewright.forge.answers import masked as hide
from edgewright.forge.answers import settle as settle_answers
from edgewright.forge.builds import find, last_lines, list_builds
from edgewright.forge.installing import prepare
from edgewright.forge.manifest import read_manifest
from edgewright.forge.userdata.text import dump

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edgewright.commands.kernel.context import CommandContext
    from edgewright.core.cloudconfig.findings import Finding
    from edgewright.core.installer.origin import Installer
    from edgewright.forge.builds.record import Build

    Answers = Mapping[str, Any]
    BuildId = str


class Plane(NamedTuple):
    """A plane that the console knows: the context's name, its address for hosts, its authority (PEM, may be empty)."""

    name: str
    url: str
    ca: str
    current: bool


class OfferedToken(NamedTuple):
    """A registration token of a plane that can be used now; `text` is a secret, `expiry` is in epoch seconds UTC."""

    uid: str
    name: str
    text: str
    expiry: float | None
    project: str


class OfferedKey(NamedTuple):
    """A public SSH key: the file's name, or its name at the plane; the complete line, its kind and comment."""

    file: str
    text: str
    kind: str
    comment: str
    stored: bool = False
    """Whether the plane stores it, or else this user."""


class MadeToken(NamedTuple):
    """A token that was made just now: its uid and its text (a secret)."""

    uid: str
    text: str


def planes() -> list[Plane]:
    """Return the contexts, the one in use first. Raises `InvalidInput` when their file is wrong."""
    known = contexts.load()
    chosen = known.choose()
    every = {item.name: item for item in [*([chosen] if chosen else []), *known.items.values()]}
    matches = []
    for name, item in every.items():
        try:
            ca = Path(item.ca).read_text("utf-8") if item.ca else ""
        except (OSError, ValueError):
            ca = ""  # reported when it is used
        matches.append(Plane(name, item.address_for_hosts, ca, chosen is not None and name == chosen.name))
    return matches


def settle(answers: Answers, folder: Path | None = None, keys: Iterable[str] | None = None) -> dict[str, Any]:
    """Return complete answers with certificates read in and passwords hashed; of `keys` only, where they are given.

    Raises `InvalidInput`, `NotFound`.
    """
    return settle_answers(answers, folder, keys=None if keys is None else frozenset(keys))


def user_data_text(answers: Answers) -> str:
    """Return the user-data of settled answers as it goes onto the ISO, secrets and all."""
    return dump(user_data(answers))


def preview(answers: Answers, *, masked: bool = True) -> str:
    """Return the user-data that the answers mean so far; secrets masked unless asked for. Wrong answers are shown too.

    Raises `InvalidInput` only for answers of another kind than their question's.
    """
    settled = settle_answers(answers, strict=False)
    return user_data_text(hide(settled) if masked else settled)


def findings(answers: Answers, keys: Iterable[str] | None = None) -> list[Finding]:
    """Return what is wrong with the answers of `keys` (None: all), without asking anybody.

    `path` is the key of the question where there is one, else the dotted path in the user-data.
    """
    return offline(answers, None if keys is None else frozenset(keys))


async def check_online(ctx: CommandContext, answers: Answers) -> list[Finding]:
    """Return what plane, registries and time servers report for the answers; `unknown` for those not asked."""
    return await online(ctx, answers)


async def make_token(
    ctx: CommandContext, name: str, project: str = "", expiry: str | float = "30d", context: str = ""
) -> MadeToken:
    """Make a registration token at the plane of `context` ("": the session's own); `expiry` like `30d`, or seconds.

    Journalled like `token create`. Raises `Refused` in a read-only session, and what the plane reports.
    """
    arguments = {"name": name, "expires": expiry, "default_project": project, "description": "made for an installer"}
    create = registry.by_name("token create")
    assert create is not None
    async with at_context(ctx, context) as there:
        outcome = await registry.run(create, there, (), arguments)
    if not isinstance(outcome.result, Text) or not outcome.result.text:
        raise Failed(
            f"The plane made token {name} but did not return its text.", "Copy it from the plane's own console."
        )
    return MadeToken(outcome.result.name, outcome.result.text)


async def tokens(ctx: CommandContext, context: str = "") -> list[OfferedToken]:
    """Return the tokens of the plane of `context` ("": the session's own) that hosts can use now, the newest first.

    Those that the plane does not give the text of are left out. Raises what the plane answers.
    """
    return [OfferedToken(*token) for token in await usable_tokens(ctx, context)]


def ssh_keys() -> list[OfferedKey]:
    """Return the public keys in `~/.ssh/*.pub` that a box would accept, by file name."""
    return [OfferedKey(*key) for key in public_keys(Path.home() / ".ssh")]


async def stored_keys(ctx: CommandContext, context: str = "") -> list[OfferedKey]:
    """Return the SSH keys that the plane of `context` ("": the session's own) stores, by name.

    Raises what the plane answers.
    """
    return [OfferedKey(*key, stored=True) for key in await keys_at_plane(ctx, context)]


def base_facts(path: str) -> list[tuple[str, str]]:
    """Return what a base ISO is, as label and value; the reason first when it cannot be used.

    Raises `NotFound`, and `InvalidInput` for what is not an ISO.
    """
    return facts_of_base(local_path(path))


def save(path: str | Path, name: str, answers: Answers, *, strict: bool = True) -> None:
    """Write the answer file (0600) with settled answers; a draft (`strict` false) may name what cannot be read yet.

    Raises `InvalidInput`, `Failed`.
    """
    write_answers(local_path(path), name, settle_answers(answers, strict=strict))


def load(path: str | Path) -> dict[str, Any]:
    """Return the complete answers of an answer file. Raises `NotFound`, `InvalidInput`, `Refused`."""
    return read_answers(local_path(path)).answers


def start_build(answers: Answers, folder: str | Path = "", *, force: bool = False, read_only: bool = False) -> BuildId:
    """Start the build in a process of its own that outlives the console, and return its id.

    `folder` is where the files go (as the answers define), `force` replaces an ISO of the same name. Raises
    `InvalidInput` for answers that are wrong, `Conflict` for an ISO that is there, `NotFound` for a base that is not,
    `Refused` when the session is `read_only` and a proof would change something at the plane.
    """
    chosen = {**answers, "output.folder": str(folder)} if folder else answers
    ready = absolute(settle_answers(chosen), Path.cwd())
    work = Work(str(ready["output.name"]), ready, prepare(ready))
    return detach(work, force=force, read_only=read_only)


async def token_uid(ctx: CommandContext, answers: Answers) -> str:
    """Return the uid of the answers' token at its plane, "" when it is unknown there. Raises what the plane reports."""
    return await token_uid_at_plane(ctx, settle_answers(answers))


def builds() -> list[Build]:
    """Return all builds, the newest first."""
    return list_builds()


def build(build_id: str) -> Build:
    """Return one build. Raises `NotFound`."""
    return find(build_id)


def build_log(build_id: str, last: int = 200) -> list[str]:
    """Return the last lines of a build's log. Raises `NotFound`."""
    return last_lines(find(build_id), last)


def installers() -> list[Installer]:
    """Return what is known about the installers that were built here, for `core.installer.origin.origin`."""
    matches = []
    for item in builds():
        manifest = read_manifest(item.iso) if item.iso is not None else None
        if manifest is not None:
            matches.append(installer_of(item.id, manifest))
    return matches
