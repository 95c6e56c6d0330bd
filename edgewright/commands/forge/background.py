"""Verbs that run in the background: the command of a build is stored in its folder and run here, with its record."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.commands.forge import jobs as forging
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command, Outcome
from edgewright.commands.kernel.grammar import parse
from edgewright.commands.kernel.journal import open_journal
from edgewright.commands.kernel.results import Text
from edgewright.core.errors import Cancelled, InvalidInput, Refused
from edgewright.forge.builds import Recorder, arguments_of

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext


@contextlib.contextmanager
def terminated_is_cancelled() -> Iterator[None]:
    """Take SIGTERM and SIGHUP (a closed window) as Ctrl-C: the work cleans up behind itself. Raises `Cancelled`.

    Where SIGTERM is handled already (a caller with the same, a console), it is left to them. An ignored SIGHUP
    (`nohup`) stays ignored.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    asked = False

    def stop() -> None:
        nonlocal asked
        asked = True
        if task is not None:
            task.cancel()

    if signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, None):
        yield
        return
    handled = []
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) in (signal.SIG_DFL, None):
                loop.add_signal_handler(number, stop)
                handled.append(number)
    except (NotImplementedError, ValueError, RuntimeError):  # not in the main thread: a console does it
        pass
    try:
        yield
    except asyncio.CancelledError:
        if asked:
            raise Cancelled from None
        raise
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


def verb_of(text: Sequence[str]) -> tuple[type[Command], tuple[str, ...], dict[str, Any]]:
    """Return verb, targets and arguments of the words after `edgewright`. Raises `UsageError`, `InvalidInput`."""
    for count in (3, 2, 1):
        command = registry.by_name(" ".join(text[:count]))
        if command is not None and command.cli and not command.delegate and command.name == " ".join(text[:count]):
            targets, args = parse(command, text[count:])
            return command, targets, args
    raise InvalidInput(f"There is no verb {' '.join(text[:3])!r}.", "See: edgewright --help")


async def run_stored(ctx: CommandContext, build_id: str) -> Outcome:
    """Run the command that is stored with a build, and write its record. Raises what the verb raises."""
    recorder = Recorder.of(build_id)
    with terminated_is_cancelled(), recorder:
        command, targets, args = verb_of(arguments_of(recorder.folder))
        if command.danger == "destructive":
            raise Refused(f"`{command.name}` needs confirmation, so it does not run in the background.", "Run it here.")
        if command.danger != "none" and ctx.journal is None:
            ctx.journal = open_journal()
        forging.LISTENER.set(recorder)
        outcome = await registry.run(command, ctx, targets, args)
        if isinstance(outcome.result, Text):
            for line in outcome.result.text.splitlines():
                recorder.log(line)
        recorder.made([Path(word) for word in outcome.done if Path(word).is_file()])
        if outcome.failed:
            raise outcome.failed[0][1]
    return outcome
