"""The hosts of a command: those that are named, those on stdin, those of the plane that match a selector."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.commands.kernel.lookup import every_host
from edgewright.commands.site.connecting import check
from edgewright.config import contexts
from edgewright.core.errors import InvalidInput, UsageError
from edgewright.core.filters.command_line import filter_of
from edgewright.core.slow_files import read_in_time
from edgewright.core.text import amount, clean

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

MOST = 500
"""Hosts of one call."""
AT_A_TIME = (1, 64)
"""Hosts that work at once."""
MOST_BYTES = 262_144
"""Bytes that are read from stdin."""


class Chosen(NamedTuple):
    """Targets without a repetition, in the order in which they came, and sentences about what was left out."""

    targets: tuple[str, ...]
    notes: tuple[str, ...] = ()


async def choose(ctx: CommandContext, args: Mapping[str, Any], verb: str) -> Chosen:
    """Return the hosts that arguments name. Raises `UsageError`, `InvalidInput`, and what the plane raises."""
    targets: list[str] = []
    notes: tuple[str, ...] = ()
    for name in (str(word) for word in args.get("hosts") or ()):
        targets += await read_in_time(from_stdin, "-") if name == "-" else [name]
    for name in targets:
        check(name)
    if args.get("selector") or args.get("where"):
        matching = await of_plane(ctx, args)
        targets, notes = [*targets, *matching.targets], matching.notes
    names = tuple(dict.fromkeys(targets))
    if not names:
        rest = " No host of the plane matches." if args.get("selector") or args.get("where") else ""
        raise UsageError(f"`{verb}` needs a host.{rest}{''.join(' ' + note for note in notes)}", "Name one or more.")
    if len(names) > MOST:
        raise UsageError(f"`{verb}` takes at most {MOST} hosts, not {len(names):,}.", "Choose fewer by a filter.")
    return Chosen(names, notes)


def from_stdin() -> list[str]:
    """Return the targets on stdin: one in a line, `#` begins a comment. Raises `InvalidInput`."""
    if sys.stdin is None:
        raise InvalidInput("There is no stdin to read hosts from.", "Name the hosts.")
    data = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InvalidInput(f"There are more than {MOST_BYTES:,} bytes of hosts on stdin.", "Give fewer.")
    lines = data.decode("utf-8", "replace").splitlines()
    return [target for line in lines for target in line.partition("#")[0].split()]


async def of_plane(ctx: CommandContext, args: Mapping[str, Any]) -> Chosen:
    """Return the hosts of the plane that `selector` and `where` let through. Raises what the plane raises."""
    wanted = filter_of({"filter": args.get("where"), "selector": args.get("selector")})
    if ctx.context is None:
        ctx.context = contexts.load().choose()
    rows = [host.row async for host in every_host(ctx) if wanted.matches(host.row.get)]
    simulated = sum(row.simulated for row in rows)
    rows = sorted((row for row in rows if not row.simulated), key=lambda row: row.name)
    names = Counter(row.name for row in rows)
    targets: list[str] = []
    odd: list[str] = []
    for row in rows:
        target = row.name if row.name and names[row.name] == 1 else row.uid
        (odd if _problem(target) else targets).append(target)
    notes = [f"{amount(simulated, 'simulated host')} left out: there is no SSH to them."] if simulated else []
    notes += [f"{clean(target, 80)} left out: this name may not be dialled." for target in odd[:10]]
    return Chosen(tuple(targets), tuple(notes))


def _problem(target: str) -> bool:
    try:
        check(target)
    except InvalidInput:
        return True
    return False


def number_in(args: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    """Return the number of an argument. Raises `InvalidInput` where it is not between `least` and `most`."""
    value = args.get(name)
    number = default if value in (None, "") else int(str(value)) if str(value).isdecimal() else -1
    if not least <= number <= most:
        raise InvalidInput(f"--{name.replace('_', '-')} is between {least} and {most}.", "Give another number.")
    return number


def in_lines(targets: Sequence[str], width: int = 100) -> list[str]:
    """Return all targets, several in a line."""
    lines, row = [], ""
    for target in targets:
        if row and len(row) + len(target) + 2 > width:
            lines.append(row + ",")
            row = ""
        row = f"{row}, {target}" if row else target
    return [*lines, row] if row else lines
