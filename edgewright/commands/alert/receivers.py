"""Verbs about receivers of alerts: add, list, remove, test."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Command, Outcome, Param, Plan, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgewright.commands.kernel.context import CommandContext

TEST_WITHIN = 45.0
"""Seconds to wait for a test: the plane gives the receiver 30."""


class ReceiverAdd(Command):
    """Add a receiver of alerts: a webhook (--url or --url-file), or an e-mail address (--mail with --smtp, --from).

    Alerts of the context's project go to it, of all projects when none is set. A webhook is signed with a key that is
    printed once, unless --key-file gives one. Secrets (URLs with a token, keys, passwords) are read from files.
    """

    name = "alert receiver add"
    title = "add receiver"
    danger = "write"
    params = (
        Param("name", "name of the receiver", required=True, metavar="NAME"),
        Param("url", "webhook: where alerts are posted", flag="--url", metavar="URL"),
        Param("url_file", "the same from a file (- for stdin)", flag="--url-file", kind="file"),
        Param(
            "headers_file", "webhook: file with headers, a `Name: value` on each line", "--headers-file", kind="file"
        ),
        Param("body", "webhook: file with a JSON body of your own", flag="--body", kind="file"),
        Param("key_file", "webhook: file with the signing key", flag="--key-file", kind="file"),
        Param("mail", "e-mail: address to send to (repeat)", flag="--mail", many=True, metavar="ADDRESS"),
        Param("sender", "e-mail: address to send from", flag="--from", metavar="ADDRESS"),
        Param("smtp", "e-mail: mail server", flag="--smtp", metavar="HOST[:PORT]"),
        Param(
            "tls",
            "e-mail: how the connection is secured",
            "--tls",
            choices=("starttls", "tls", "none"),
            default="starttls",
        ),
        Param("user", "e-mail: user of the mail server", flag="--user", metavar="USER"),
        Param("password_file", "e-mail: file with the password", flag="--password-file", kind="file"),
        Param("ca", "certificate authority of the receiver (PEM), beside the system's", flag="--ca", kind="file"),
        Param(
            "repeat",
            "send again after this time until it is acknowledged; 0: never",
            "--repeat",
            kind="span",
            default="4h",
        ),
    )
    console = False

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the files and name the target. Raises `UsageError`, `NotFound`, `InvalidInput`."""
        from edgewright.commands.alert.receiver_spec import read_spec, target_of

        name = str(args["name"]).strip()
        body = read_spec(args)
        where = target_of(body)
        lines = (f"Alerts of {'the project' if ctx.project else 'all projects'} are sent to {where}.",)
        return Plan(f"Add alert receiver {name}", lines, (name,), (), self.cli_line(targets, args), None, body)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Add it; print the signing key that the plane made. Raises `Conflict` for a name that exists, `Refused`."""
        from edgewright.commands.kernel.results import Text

        made = await (await ctx.client()).add_receiver(plan.payload)
        name, uid, key = plan.touches[0], str(made.get("uid", "")), str(made.get("key", ""))
        see = f"Test it: edgewright alert receiver test {shlex.quote(name)}"
        if not key:
            return Outcome((name,), (), f"Receiver {name} added. {see}")
        message = f"Receiver {name} added; this key signs its messages and is not shown again. {see}"
        return Outcome((name,), (), message, Text(key, {"uid": uid, "key": key}, name))


class ReceiverList(Command):
    """List receivers of alerts with their last success, last error and waiting messages."""

    name = "alert receiver list"
    title = "receivers"
    console = False

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give all receivers, by name."""
        from edgewright.commands.alert import receiver_rows
        from edgewright.commands.kernel.results import Listing
        from edgewright.core import times

        now = times.now()
        items = [receiver_rows.item(document, now) for document in await (await ctx.client()).receivers()]
        empty = "No receiver of alerts yet; add one: edgewright alert receiver add NAME --url-file FILE"
        return Outcome((), result=Listing(receiver_rows.COLUMNS, tuple(items), empty))


class ReceiverRemove(Command):
    """Remove a receiver of alerts; messages that wait for it are deleted."""

    name = "alert receiver remove"
    title = "remove receiver"
    danger = "destructive"
    target = Target("receiver", 1, 1)
    console = False

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name what is deleted. Raises `NotFound`, `Conflict`."""
        from edgewright.commands.alert.receiver_rows import find

        document = await find(await ctx.client(), targets[0])
        name, waiting = str(document["name"]), int((document.get("status") or {}).get("waiting") or 0)
        lost = (f"{waiting} waiting messages",) if waiting else ()
        lines = (f"{document.get('kind')} to {document.get('target')}",)
        return Plan(
            f"Remove receiver {name}", lines, (name,), lost, self.cli_line(targets, args), None, document["uid"]
        )

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Remove it."""
        await (await ctx.client()).remove_receiver(plan.payload)
        return Outcome(plan.touches, (), f"Receiver {plan.touches[0]} removed.")


class ReceiverTest(Command):
    """Send a test message to a receiver now and print whether it was taken."""

    name = "alert receiver test"
    title = "test receiver"
    danger = "write"
    target = Target("receiver", 1, 1)
    console = False

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name the receiver. Raises `NotFound`, `Conflict`."""
        from edgewright.commands.alert.receiver_rows import find

        ctx.timeout = max(ctx.timeout, TEST_WITHIN)
        document = await find(await ctx.client(), targets[0])
        name = str(document["name"])
        lines = (f"One message to {document.get('target')}",)
        return Plan(f"Test receiver {name}", lines, (name,), (), self.cli_line(targets, args), None, document["uid"])

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Send it. Raises `Failed` with what the plane met."""
        from edgewright.core.errors import Failed
        from edgewright.core.text import clean

        name = plan.touches[0]
        done = await (await ctx.client()).test_receiver(plan.payload)
        if not done.get("delivered"):
            raise Failed(
                f"Receiver {name} did not take the test message: {clean(done.get('error'), 300)}",
                "Check its address, certificate and credentials; remove it and add it again to change them.",
            )
        return Outcome(plan.touches, (), f"Receiver {name} took the test message {clean(done.get('deliveryId'), 40)}.")


COMMANDS: tuple[type[Command], ...] = (ReceiverAdd, ReceiverList, ReceiverRemove, ReceiverTest)
