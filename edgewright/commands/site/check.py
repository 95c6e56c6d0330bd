"""Action: connect to hosts over SSH, and show how each was reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ssh.connection import SshConnection
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Detail, Item, Listing, Section
from edgewright.commands.site import verbs as declared
from edgewright.commands.site.connecting import check, connect
from edgewright.core.errors import EdgewrightError, Refused, UsageError
from edgewright.core.text import amount

AT_A_TIME = 16
"""Connections that open at once."""
MOST = 200
"""Targets of one call."""
ROUND_TRIPS = 3
"""Requests of which the fastest is shown: the first one after a login is often late."""
SCRIPT, PATIENCE, LIMIT = b"id -u\n", 10.0, 4096
COLUMNS = (
    Column("TARGET"), Column("RESULT"), Column("ADDRESS"), Column("VIA"), Column("HOST KEY", wide=True),
    Column("KNOWN BY"), Column("METHOD", wide=True), Column("SERVER", wide=True), Column("RTT", right=True),
    Column("SUDO"),
)  # fmt: skip


class SiteCheck(declared.SiteCheck):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Check all targets before one is dialled. Raises `InvalidInput`, `UsageError`."""
        names = tuple(dict.fromkeys(str(name) for name in args.get("hosts") or ()))
        if len(names) > MOST:
            raise UsageError(f"`site check` takes at most {MOST} targets, not {len(names)}.")
        for name in names:
            check(name)
        lines = ("Connects, and runs `id -u` by sudo; nothing is changed on the hosts.",)
        return Plan(f"Check {amount(len(names), 'host')} over SSH", lines, names, (), self.cli_line((), args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Connect to all; the failure of one is in the outcome. Raises the failure of the only one."""
        if len(plan.touches) == 1:
            document = await examine(plan.touches[0], ctx)
            return Outcome(plan.touches, (), "", detail(document))
        gate = asyncio.Semaphore(AT_A_TIME)

        async def reach(target: str) -> dict[str, Any] | EdgewrightError:
            async with gate:
                try:
                    document = await examine(target, ctx)
                except EdgewrightError as error:
                    report(f"{target}: {error.code}")
                    return error
                report(f"{target}: reached in {document['connectMs']} ms")
                return document

        results = await asyncio.gather(*(reach(target) for target in plan.touches))
        pairs = list(zip(plan.touches, results, strict=True))
        failed = tuple(
            (target, named(target, result)) for target, result in pairs if isinstance(result, EdgewrightError)
        )
        done = tuple(target for target, result in pairs if isinstance(result, dict))
        message = f"{len(done)} of {amount(len(pairs), 'host')} reached."
        return Outcome(done, failed, message, Listing(COLUMNS, tuple(item(*pair) for pair in pairs)))


async def examine(target: str, ctx: CommandContext) -> dict[str, Any]:
    """Return the document of one host that was reached. Raises `EdgewrightError`."""
    connection = await connect(target, ctx)
    try:
        facts = connection.facts
        fastest = min([await connection.round_trip() for _ in range(ROUND_TRIPS)])
        sudo, reason = await sudo_of(connection)
    finally:
        await connection.aclose()
    return {
        "target": target,
        "user": facts.user,
        "host": facts.host,
        "address": facts.address,
        "via": list(facts.via),
        "hostKey": {"type": facts.key.kind, "fingerprint": facts.key.fingerprint, "knownBy": facts.known_by},
        "method": facts.method,
        "server": facts.server,
        "connectMs": round(facts.seconds * 1000),
        "roundTripMs": round(fastest * 1000, 1),
        "sudo": sudo,
        "sudoReason": reason,
        "warnings": list(facts.warnings),
    }


async def sudo_of(connection: SshConnection) -> tuple[str, str]:
    """Return `root`, `yes` or `no` (what `sudo -n` gives the user), and why it is `no`."""
    try:
        result = await connection.run_script(SCRIPT, timeout=PATIENCE, limit=LIMIT, sudo=True)
    except Refused as error:
        return "no", error.message
    if connection.facts.user == "root":
        return "root", ""
    return ("yes", "") if result.output.strip() == b"0" else ("no", "sudo does not make the user root.")


def named(target: str, error: EdgewrightError) -> EdgewrightError:
    """Return the error with the target that it is about in its message."""
    if target in error.message:
        return error
    return type(error)(f"{target}: {error.message}", error.hint, error.code)


def item(target: str, result: dict[str, Any] | EdgewrightError) -> Item:
    """Return the row of one target."""
    if isinstance(result, EdgewrightError):
        cells = (target, result.code, *["-"] * (len(COLUMNS) - 2))
        return Item(target, cells, {"target": target, "error": result.as_dict()})
    key = result["hostKey"]
    cells = (
        target, "reached", result["address"], ", ".join(result["via"]) or "-", f"{key['type']} {key['fingerprint']}",
        key["knownBy"], result["method"], result["server"], f"{result['roundTripMs']} ms", result["sudo"],
    )  # fmt: skip
    return Item(target, cells, result)


def detail(document: dict[str, Any]) -> Detail:
    """Return one host as labels and values."""
    key = document["hostKey"]
    sudo = f"{document['sudo']}: {document['sudoReason']}" if document["sudoReason"] else document["sudo"]
    facts = [
        ("address", document["address"]),
        ("way", " → ".join([*document["via"], document["host"]]) if document["via"] else "direct"),
        ("host key", f"{key['type']} {key['fingerprint']}"),
        ("known by", key["knownBy"]),
        ("user", document["user"]),
        ("method", document["method"]),
        ("server", document["server"]),
        ("connected in", f"{document['connectMs']} ms"),
        ("round trip", f"{document['roundTripMs']} ms"),
        ("sudo -n", {"yes": "yes", "root": "not needed: the user is root"}.get(sudo, sudo)),
    ]
    sections = [Section("Connection", tuple(facts))]
    if document["warnings"]:
        sections.append(Section("Warnings", tuple((f"{n}.", line) for n, line in enumerate(document["warnings"], 1))))
    return Detail(document["target"], document, f"{document['host']} is reached over SSH.", tuple(sections))
