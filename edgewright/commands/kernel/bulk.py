"""One verb on many things: some at a time, each with its own result, none stopped by the failure of another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from edgewright.commands.kernel.base import Outcome
from edgewright.core.errors import EdgewrightError

if TYPE_CHECKING:
    from edgewright.commands.kernel.base import Plan

AT_A_TIME = 8
"""Calls under way at once; a plane's budget slows them down further."""


NAMED = 3
"""Objects that the message names; more are counted."""


async def for_each(
    plan: Plan, act: Callable[[str], Awaitable[object]], report: Callable[[str], None], done_word: str
) -> Outcome:
    """Call `act` for each target of the plan; `done_word` ends the sentence for each, e.g. `deleted`.

    The failure of one target is in the outcome, never raised. Reports and the message have the names of the plan.
    """
    targets: Sequence[str] = plan.touches
    gate = asyncio.Semaphore(AT_A_TIME)

    async def apply_to(target: str) -> EdgewrightError | None:
        async with gate:
            try:
                await act(target)
            except EdgewrightError as error:
                report(f"{plan.name_of(target)} failed. {error.message}")
                return error
            report(f"{plan.name_of(target)} {done_word}")
            return None

    results = await asyncio.gather(*(apply_to(target) for target in targets))
    done = tuple(target for target, error in zip(targets, results, strict=True) if error is None)
    failed = tuple((target, error) for target, error in zip(targets, results, strict=True) if error is not None)
    if failed:
        message = f"{len(done)} of {len(targets)} {done_word}; {len(failed)} failed."
    elif 1 <= len(done) <= NAMED:
        *most, last = [plan.name_of(target) for target in done]
        message = f"{', '.join(most)} and {last} {done_word}." if most else f"{last} {done_word}."
    else:
        message = f"{len(done)} {done_word}."
    return Outcome(done, failed, message)
