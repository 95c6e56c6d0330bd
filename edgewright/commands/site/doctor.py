"""Action: read hosts over SSH, several at a time, and show what is wrong with each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ssh.ports import CanRunScript
from edgewright.clients.ssh.probes.reading import examine
from edgewright.clients.ssh.probes.sets import chosen
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Text
from edgewright.commands.site import doctor_verbs as declared
from edgewright.commands.site.connecting import check, connect
from edgewright.commands.site.doctor_text import page
from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.document import document
from edgewright.core.errors import EdgewrightError, Failed, UsageError

AT_A_TIME = 8
"""Hosts that are read at once."""
MOST = 200
"""Hosts of one call."""


class SiteDoctor(declared.SiteDoctor):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Check targets and sets before anything is dialled. Raises `InvalidInput`, `UsageError`."""
        names = tuple(dict.fromkeys(str(name) for name in args.get("hosts") or ()))
        if len(names) > MOST:
            raise UsageError(f"`site doctor` takes at most {MOST} targets, not {len(names)}.")
        for name in names:
            check(name)
        probes = chosen([str(name) for name in args.get("sets") or ()])
        lines = (f"{len(probes)} probes in one script; nothing is changed on the host.",)
        return Plan("Doctor", lines, names, (), self.cli_line((), args), None, probes)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Read all targets; a failure is in the outcome, and so is a fault. Raises the failure of the only target."""
        gate = asyncio.Semaphore(AT_A_TIME)
        many = len(plan.touches) > 1

        async def read(target: str) -> dict[str, Any] | EdgewrightError:
            async with gate:
                try:
                    answer = await self._read(ctx, target, plan)
                except EdgewrightError as error:
                    return error
            if many:
                report(f"{target}: {answer['findings'][0]['text'] if answer['fault'] else 'no fault found'}")
            return answer

        results = await asyncio.gather(*(read(target) for target in plan.touches))
        documents = [result for result in results if isinstance(result, dict)]
        failed: list[tuple[str, EdgewrightError]] = []
        for target, result in zip(plan.touches, results, strict=True):
            if isinstance(result, EdgewrightError):
                failed.append((target, type(result)(_named(target, result), result.hint, result.code)))
            elif result["fault"]:
                first = result["findings"][0]
                failed.append((target, Failed(f"{target}: {first['title']}.", first["nextStep"], "FaultFound")))
        if not documents:
            if not many:
                raise failed[0][1]
            return Outcome((), tuple(failed))
        text = "\n\n".join(page(each) for each in documents)
        return Outcome(
            tuple(each["target"] for each in documents),
            tuple(failed),
            "",
            Text(text, documents if many else documents[0], "\n".join(each["target"] for each in documents)),
        )

    async def _read(self, ctx: CommandContext, target: str, plan: Plan) -> dict[str, Any]:
        connection: CanRunScript = await connect(target, ctx)
        try:
            examined = await examine(connection, plan.payload)
        finally:
            await connection.aclose()
        diagnosis = diagnose(examined.facts)
        return document(target, examined.facts, diagnosis, root=examined.run.way, seconds=examined.seconds)


def _named(target: str, error: EdgewrightError) -> str:
    """Return the message of an error with the target that it is about."""
    return error.message if target in error.message else f"{target}: {error.message}"
