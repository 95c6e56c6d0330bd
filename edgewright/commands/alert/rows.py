"""Problems with who handles them, for the `alert` verbs: found by key, and as rows of a listing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.cells import ago, or_dash
from edgewright.commands.kernel.results import Column, Item
from edgewright.config.nearest import suggestion
from edgewright.core import times
from edgewright.core.errors import Conflict, NotFound
from edgewright.core.text import clean
from edgewright.sources.once import read_problems
from edgewright.store.collections.handling import HANDLING, HandlingRow
from edgewright.store.collections.problems import Problem, problems
from edgewright.store.engine.store import Store

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.store.engine.model import Model

COLUMNS = (
    Column("KEY"),
    Column("SUBJECT"),
    Column("PROBLEM"),
    Column("SINCE", right=True),
    Column("HOSTS", right=True),
    Column("STATE"),
    Column("ASSIGNEE"),
    Column("NOTE", wide=True),
    Column("BY", wide=True),
)


async def model_of(ctx: CommandContext) -> Model:
    """Return what is known of the plane: the console's store, or one reading. Raises `EdgewrightError`."""
    if ctx.store is not None and not ctx.store.model.source.away:
        return ctx.store.model

    store = Store()
    await read_problems(await ctx.connection(), store)
    return store.model


def find(model: Model, names: Sequence[str], now: float) -> list[str]:
    """Return the keys of problems given by key, or by the name of what they are about.

    A key with an assignee or an acknowledgement is found also when its problem has ended. Raises `NotFound`, or
    `Conflict` when several problems are about that name.
    """
    known = {problem.key: problem for problem in problems(model, now)}
    keys: list[str] = []
    for word in names:
        if word in known or word in model.rows(HANDLING):
            keys.append(word)
            continue
        about = [problem.key for problem in known.values() if problem.subject == word]
        if len(about) > 1:
            raise Conflict(
                f"{len(about)} problems are about {clean(word)}.", f"Name one by its key: {', '.join(about)}"
            )
        if not about:
            near = suggestion(word, list(known))
            raise NotFound(f"There is no problem {clean(word)}{near}.", "See them: edgewright alert list")
        keys += about
    return list(dict.fromkeys(keys))


def state_of(row: HandlingRow | None, now: float) -> str:
    """Return `open`, `acknowledged`, or `silenced 3h` with the time left; silenced wins."""
    if row is None:
        return "open"
    if row.silenced(now):
        return f"silenced {times.age((row.silenced_until or now) - now)}"
    return "acknowledged" if row.acknowledged_by else "open"


def items(model: Model, now: float, only_open: bool = False) -> list[Item]:
    """Return the problems, worst first, each with its record; `only_open` leaves out what is handled already."""
    rows: list[Item] = []
    for problem in problems(model, now):
        row = model.rows(HANDLING).get(problem.key)
        if only_open and (state_of(row, now) != "open" or (row is not None and row.assignee)):
            continue
        cells = (
            problem.key,
            or_dash(problem.subject),
            or_dash(problem.text),
            ago(problem.since, now),
            str(len(problem.uids)),
            state_of(row, now),
            or_dash(row.assignee if row else ""),
            or_dash(row.note if row else ""),
            or_dash(row.updated_by if row else ""),
        )
        rows.append(Item(problem.key, cells, document(problem, row)))
    return rows


def document(problem: Problem, row: HandlingRow | None) -> dict[str, Any]:
    """Return a problem with its record as `-o json` prints it."""
    return {
        "key": problem.key,
        "kind": problem.kind,
        "subject": problem.subject,
        "text": problem.text,
        "since": times.rfc3339(problem.since) if problem.since is not None else None,
        "owner": problem.owner,
        "nextStep": problem.next_step,
        "hostUids": list(problem.uids),
        "acknowledgedBy": row.acknowledged_by if row else "",
        "acknowledgedAt": _when(row.acknowledged_at if row else None),
        "assignee": row.assignee if row else "",
        "note": row.note if row else "",
        "silencedUntil": _when(row.silenced_until if row else None),
    }


def _when(moment: float | None) -> str | None:
    return None if moment is None else times.rfc3339(moment)
