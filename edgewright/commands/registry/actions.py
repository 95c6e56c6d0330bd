"""Actions: verbs that add, check and remove registries."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import entries, one_of
from edgewright.commands.registry import verbs as declared
from edgewright.core.errors import InvalidInput, NotFound, Refused, TimedOut, Unreachable, UsageError
from edgewright.core.slow_files import read_in_time
from edgewright.core.small_file import PATIENCE, read_secret_line, read_text_file
from edgewright.core.text import clean
from edgewright.store.collections.catalogue import registries as calls
from edgewright.store.collections.catalogue.registries import BUILT_IN, RegistryRow, registry_row

_POLL = 0.5
_WAIT = 150.0
"""Seconds to wait for the plane to read a registry: it gives up after 120."""


class RegistryAdd(declared.RegistryAdd):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Check the values and read the files. Raises `InvalidInput`, `UsageError`."""
        name, endpoint = str(args["name"]).strip(), str(args["endpoint"]).strip()
        if not name or not name.isprintable() or len(name) > 128:
            raise InvalidInput("A registry needs a name of 1 to 128 printable characters.")
        kind = str(args.get("kind") or ("helm" if endpoint.startswith(("https://", "http://")) else "oci"))
        files = [str(args[name]) for name in ("password_file", "token_file", "ca") if args.get(name)]
        auth = await read_in_time(lambda: _auth(args), "-" if "-" in files else " or ".join(files), PATIENCE)
        spec: dict[str, Any] = {"endpoint": endpoint, "auth": auth}
        if args.get("addresses") == "private":
            spec["edgewright"] = {"allowPrivate": True}
        if kind == "oci":
            spec["providerType"] = "pack"
        login = {"basic": f"login {auth.get('username')}", "token": "login by token"}.get(auth["type"], "no login")
        lines = [f"{kind} registry at {clean(endpoint, 200)}, {login}"]
        if args.get("addresses") == "private":
            lines.append("Private addresses are allowed for it.")
        body = {"metadata": {"name": name}, "spec": spec}
        return Plan(f"Add registry {name}", tuple(lines), (name,), (), self.cli_line(targets, args), None, (kind, body))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Try the registry, add it, and wait until it was read; one that does not answer is not added.

        Raises `Unreachable`, `Refused` for an address that is not allowed, `Conflict` for a name that exists.
        """
        client, (kind, body), name = await ctx.port(CanCall), plan.payload, plan.touches[0]
        if args.get("unchecked"):
            uid = await calls.add_registry(client, kind, body)
            return Outcome((uid,), (), f"Registry {name} added; it was not tried.")
        report(f"The plane tries {name}.")
        await calls.validate_registry(client, kind, body["spec"])
        uid = await calls.add_registry(client, kind, body)
        report(f"Registry {name} added; the plane reads it.")
        row = await _read(client, uid, None)
        if row.state == "Failed":
            message = f"Registry {name} is added but was not read: {row.message}"
            raise Unreachable(
                message, f"Correct it, then: edgewright registry check {shlex.quote(name)}", "RegistryFailed"
            )
        return Outcome((uid,), (), f"Registry {name} added: {row.message}")


class RegistryCheck(declared.RegistryCheck):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which registries. Raises `NotFound`, `Conflict`."""
        rows = await _rows(ctx, targets)
        names = {row.uid: row.name for row in rows.values()}
        lines = tuple(f"{row.name}: {row.endpoint}" for row in rows.values())
        title = f"Check registry {next(iter(names.values()))}" if len(names) == 1 else f"Check {len(names)} registries"
        cli = self.cli_line(tuple(names.values()), {})
        return Plan(title, lines, tuple(names), (), cli, None, rows, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Read them one by one; a registry that fails is one that cannot be reached."""
        client, rows = await ctx.port(CanCall), plan.payload
        shipped = [uid for uid in plan.touches if rows[uid].kind == BUILT_IN]
        messages = [f"{rows[uid].name}: shipped with the plane, there is nothing to check." for uid in shipped]
        plan = plan._replace(touches=tuple(uid for uid in plan.touches if uid not in shipped))

        async def check(uid: str) -> None:
            await calls.read_again(client, uid, rows[uid].kind)
            row = await _read(client, uid, rows[uid].run)
            if row.state == "Failed":
                raise Unreachable(row.message, "Correct the registry, and check it again.", "RegistryFailed")
            messages.append(f"{row.name}: {row.message}")

        outcome = await for_each(plan, check, report, "checked")
        return outcome._replace(message=" ".join(messages) or outcome.message)


class RegistryRemove(declared.RegistryRemove):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which registries. Raises `NotFound`, `Conflict`, `Refused` for the built-in catalogue."""
        rows = await _rows(ctx, targets)
        for row in rows.values():
            if row.kind == BUILT_IN:
                raise Refused(f"{row.name} is shipped with the plane and stays.", "Name another registry.")
        names = {row.uid: row.name for row in rows.values()}
        lines = [f"{row.name}: {row.endpoint}" for row in rows.values()]
        lines.append("Packs that were fetched from it are removed as well.")
        title = (
            f"Remove registry {next(iter(names.values()))}" if len(names) == 1 else f"Remove {len(names)} registries"
        )
        return Plan(title, tuple(lines), tuple(names), (), self.cli_line(tuple(names.values()), {}), None, None, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Remove, registry by registry."""
        client = await ctx.port(CanCall)
        return await for_each(plan, lambda uid: calls.remove_registry(client, uid), report, "removed")


async def _rows(ctx: CommandContext, targets: Sequence[str]) -> dict[str, RegistryRow]:
    items = (await entries(ctx, "registry")).items
    rows = [one_of("registry", items, text).row for text in targets]
    return {row.uid: row for row in rows}


async def _read(client: CanCall, uid: str, before: float | None) -> RegistryRow:
    """Wait until the plane has read a registry after the reading that began at `before`. Raises `TimedOut`.

    Another hub of the plane may answer, which does not know that one reads it now.
    """
    waited = 0.0
    while waited < _WAIT:
        row = registry_row(await calls.registry(client, uid))
        if row is None:
            raise NotFound("The registry was removed meanwhile.", "See them: edgewright registry list")
        if row.state != "InProgress" and row.run is not None and row.run != before:
            return row
        await asyncio.sleep(_POLL)
        waited += _POLL
    raise TimedOut("The plane still reads the registry.", "See how it ends: edgewright registry list")


def _auth(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the login of the arguments; the files are read here. Raises `UsageError`, `InvalidInput`."""
    auth: dict[str, Any] = {"type": "noAuth"}
    if args.get("token_file") and (args.get("user") or args.get("password_file")):
        raise UsageError("Give a token, or user and password, not both.", "See: edgewright registry add --help")
    if bool(args.get("user")) != bool(args.get("password_file")):
        raise UsageError("A login needs --user and --password-file.", "See: edgewright registry add --help")
    if args.get("user"):
        password = read_secret_line(str(args["password_file"]))
        auth = {"type": "basic", "username": str(args["user"]), "password": password}
    elif args.get("token_file"):
        auth = {"type": "token", "token": read_secret_line(str(args["token_file"]))}
    if args.get("ca"):
        auth["tls"] = {"enabled": True, "ca": read_text_file(str(args["ca"]))}
    return auth
