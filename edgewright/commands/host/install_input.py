"""What goes to a host that gets the agent: program, user-data, CA, token, and the plane's address."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import edgewright
from edgewright.agent.install import archive
from edgewright.clients.palette.projects import project_uid
from edgewright.clients.ports import CanListProjects, CanListTokens, CanManageTokens
from edgewright.clients.ssh.install.remote import elf_arch
from edgewright.commands.forge.checked import read_user_data, refuse_errors
from edgewright.commands.kernel.described import find
from edgewright.core import times
from edgewright.core.cloudconfig.findings import has_errors
from edgewright.core.cloudconfig.site import check_endpoint
from edgewright.core.cloudconfig.userdata import site_of
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, Refused, UsageError
from edgewright.core.hosts.tags import parse_tag
from edgewright.core.slow_files import read_in_time
from edgewright.core.small_file import local_path
from edgewright.core.text import clean
from edgewright.wire.palette.tokens import EdgeToken

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

T = TypeVar("T")
MAX_PROGRAM, MAX_SMALL = 64 << 20, 1 << 20
TOKEN_SECONDS, TOKEN_MOST = 3600.0, 86_400.0
"""How long a token is valid that is made for one run: at least, and for many hosts at most."""


class Inputs(NamedTuple):
    """What is sent. `token` is "" where user-data has it (`own_token`), or where one is made when the work begins."""

    endpoint: str
    planes: str
    program: bytes
    arch: str
    user_data: bytes
    ca: bytes
    token: str
    own_token: bool
    token_from: str


class MadeToken(NamedTuple):
    """A token that was made for one run."""

    uid: str
    text: str
    created: float | None


async def read_inputs(ctx: CommandContext, args: Mapping[str, Any], report: Callable[[str], None]) -> Inputs:
    """Return everything that is sent. Raises `EdgewrightError` for what is missing or wrong."""
    await ctx.connection()  # without a context there is a sentence about that
    context = ctx.context
    if context is None:
        raise UsageError("No plane is chosen.", "Give --context NAME", "NoContext")
    endpoint = context.address_for_hosts
    wrong = [finding for finding in check_endpoint(endpoint, "The address for hosts") if finding.severity == "error"]
    if wrong:
        raise InvalidInput(wrong[0].message, wrong[0].hint, wrong[0].code)
    ca_path = context.ca_path()
    ca = await _bytes(ca_path, MAX_SMALL) if ca_path else b""
    given = args.get("user_data")
    if given and args.get("tags"):
        raise UsageError("--tag is not for a host with user-data of its own.", "Write them into stylus.site.tags.")
    own_token = False
    if given:
        user_data, own_token = await _given(Path(given), endpoint, report)
    else:
        user_data = _smallest(endpoint, [str(tag) for tag in args.get("tags") or ()])
    program = await _bytes(Path(args["program"]), MAX_PROGRAM) if args.get("program") else await _archive()
    token, source = await _token(ctx, str(args.get("token") or ""))
    if not token and own_token:
        source = "that of the user-data"
    parts = urlsplit(endpoint)
    planes = f"{parts.hostname}:{parts.port or 443}"
    arch = elf_arch(program)
    return Inputs(endpoint, planes, program, arch, user_data, ca, token, own_token, source)


@contextlib.asynccontextmanager
async def lent_token(
    ctx: CommandContext, inputs: Inputs, hosts: str, seconds: float, report: Callable[[str], None]
) -> AsyncIterator[MadeToken | None]:
    """Make the token of one run and delete it at its end; None where the hosts have another one.

    `hosts` becomes a part of its name; `seconds` is what the run takes at most. Hosts that registered with it are not
    affected by its end. Raises `Refused` where the credential must not make one.
    """
    if inputs.token or inputs.own_token:
        yield None
        return
    made = await _make_token(ctx, hosts, min(max(seconds, TOKEN_SECONDS), TOKEN_MOST))
    try:
        yield made
    finally:
        try:
            await to_the_end((await ctx.port(CanManageTokens)).delete(made.uid))
        except EdgewrightError as error:
            report(f"The token {made.uid} is not deleted ({error.message}); it ends by itself.")


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; whoever cancels waits until it has ended: something is taken back."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    return task.result()


async def _make_token(ctx: CommandContext, hosts: str, seconds: float) -> MadeToken:
    tokens = await ctx.port(CanListTokens)
    name = f"install-{clean(hosts, 60)}-{secrets.token_hex(3)}"
    wanted = (await ctx.connection()).project_uid or ""
    projects = await ctx.port(CanListProjects)
    if wanted:
        wanted = await project_uid(projects, wanted)
    else:
        known = await projects.all()
        wanted = str((known[0].get("metadata") or {}).get("uid", "")) if len(known) == 1 else ""
    manage = await ctx.port(CanManageTokens)
    uid = await manage.create(name, wanted, times.now() + seconds, "for installations over SSH")
    token = EdgeToken(await tokens.get(uid))
    if not token.token:  # Palette returns the text in its list only
        token = next((t for t in map(EdgeToken, await tokens.all()) if t.uid == uid), token)
    return MadeToken(uid, token.token, token.created)


async def _bytes(path: Path, most: int) -> bytes:
    def read() -> bytes:
        with local_path(path).open("rb") as file:
            return file.read(most + 1)

    try:
        data = await read_in_time(read, str(path))
    except OSError as error:
        raise Failed(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.", "Check the path.") from None
    if len(data) > most:
        raise InvalidInput(f"{path} is larger than {most >> 20} MB.", "Is it the right file?", "TooBig")
    return data


async def _archive() -> bytes:
    def build() -> bytes:
        with tempfile.TemporaryDirectory(prefix="edgewright-") as folder:
            target = Path(folder, "agent.pyz")
            archive.build(str(target), str(Path(edgewright.__file__).parent))
            return target.read_bytes()

    try:
        return await asyncio.to_thread(build)
    except OSError as error:
        raise Failed(f"The agent's archive cannot be made: {error}.", "Give one with --program FILE") from None


async def _given(path: Path, endpoint: str, report: Callable[[str], None]) -> tuple[bytes, bool]:
    user_data = await read_in_time(lambda: read_user_data(path, "palette"), str(path))
    if has_errors(user_data.findings):
        refuse_errors(user_data.findings, str(path), report)
    site = site_of(user_data.document)
    named = site.endpoint
    if named and _place(named) != _place(endpoint):
        raise InvalidInput(
            f"{path} names the plane {clean(named, 200)}; hosts of this context go to {endpoint}.",
            "Take the context of that plane (--context), or correct stylus.site.paletteEndpoint.",
            "OtherPlane",
        )
    return user_data.data, bool(site.token)


def _place(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url if "://" in url else "https://" + url)
        return (parts.hostname or "").lower(), parts.port or 443
    except ValueError:
        return url, 0


def _smallest(endpoint: str, tag_texts: list[str]) -> bytes:
    try:
        tags = dict(parse_tag(text) for text in tag_texts)
    except ValueError as error:
        raise InvalidInput(f"A tag is wrong: {error}.", "Write --tag site:berlin") from None
    lines = ["#cloud-config", "stylus:", "  site:", f"    paletteEndpoint: {json.dumps(endpoint)}"]
    if tags:
        lines.append("    tags:")  # a JSON string is one of YAML
        lines += [f"      {json.dumps(key)}: {json.dumps(value)}" for key, value in tags.items()]
    return ("\n".join(lines) + "\n").encode()


async def _token(ctx: CommandContext, word: str) -> tuple[str, str]:
    """Return the text of a token and what it is called; "" where none is given."""
    if not word:
        return "", "one that is made for this run and deleted at the end"
    if await read_in_time(lambda: local_path(word).is_file(), word):
        text = (await _bytes(Path(word), 4096)).decode("utf-8", "replace").strip()
        if not text or not text.isprintable() or " " in text:
            raise InvalidInput(f"{word} does not contain a registration token.", "One line with its text.", "Token")
        return text, f"that of the file {word}"
    entry = await find(ctx, "token", word)
    text = EdgeToken(entry.document).token
    if not text:
        text = EdgeToken(await (await ctx.port(CanListTokens)).get(entry.row.uid)).token
    if not text:
        raise Refused(f"The plane does not give the text of token {word} to this credential.", "Ask with an admin key.")
    return text, word
