"""Profiles of directories: `apply -f DIR` makes those of a plane what the directories have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.core.errors import EdgewrightError, InvalidInput
from edgewright.core.profiles import exchange
from edgewright.core.profiles.model import Profile
from edgewright.core.profiles.problems import errors, raise_errors
from edgewright.core.text import clean
from edgewright.profiles import directory
from edgewright.profiles.prepare import check, prepare
from edgewright.store.collections.catalogue import profiles as calls
from edgewright.store.collections.catalogue.profiles import Applied

MOST = 200
"""Profiles of one `apply`."""


class Work(NamedTuple):
    """What an apply sends: the profiles with what the plane would do, and whether they are published."""

    profiles: tuple[tuple[Profile, Applied], ...]
    publish: bool


def is_of_profiles(path: Path) -> bool:
    """Return whether a path is that of profiles: a directory, or the `profile.yaml` of one."""
    return path.is_dir() or path.name == directory.PROFILE


def read(path: Path) -> list[Profile]:
    """Return the profiles of a directory: its own, or those of the directories in it. Blocking.

    Each is checked for its form, so that nothing is sent of a set with a mistake. Raises `InvalidDocument`,
    `InvalidInput`, `NotFound`.
    """
    folder = path.parent if path.name == directory.PROFILE else path
    places = [folder] if (folder / directory.PROFILE).is_file() else _inside(folder)
    if not places:
        hint = f"Name a directory with a {directory.PROFILE}, or one with such directories."
        raise InvalidInput(f"{clean(str(path))} has no profile.", hint, "NoProfile")
    if len(places) > MOST:
        raise InvalidInput(f"{clean(str(path))} has more than {MOST} profiles.", "Apply them in parts.", "TooMany")
    profiles = [directory.read_directory(place) for place in places]
    by_label: dict[str, Path] = {}
    for place, profile in zip(places, profiles, strict=True):
        raise_errors(f"The profile {profile.label} in {clean(str(place))}", errors(check(prepare(profile))))
        if profile.label in by_label:
            both = f"{clean(str(by_label[profile.label]))} and {clean(str(place))}"
            raise InvalidInput(f"The profile {profile.label} is there twice: {both}.", "Give one another version.")
        by_label[profile.label] = place
    return profiles


def _inside(folder: Path) -> list[Path]:
    return sorted(item for item in folder.iterdir() if (item / directory.PROFILE).is_file())


async def plan(ctx: CommandContext, path: Path, publish: bool, cli: str) -> Plan:
    """Return what an apply would do, as the plane computes it. Raises as `read`, and what the plane refuses."""
    profiles = await asyncio.to_thread(read, path)
    client = await ctx.port(CanCall)
    rows, lines = [], []
    for profile in profiles:
        document = exchange.to_document(profile, secrets=True)
        applied = await calls.apply(client, document, publish, dry=True)
        rows.append((profile, applied))
        lines.append(f"{profile.label}: {_future(applied)}")
        lines += [f"  {part}" for part in applied.parts]
        lines += [f"  {place} is masked: give the value before it is published" for place in applied.masked]
    changes = sum(applied.change != "none" for _, applied in rows)
    title = f"Apply {profiles[0].label}" if len(profiles) == 1 else f"Apply {len(profiles)} profiles, {changes} change"
    names = tuple(profile.label for profile in profiles)
    return Plan(title, tuple(lines), names, (), cli, None, Work(tuple(rows), publish))


def _future(applied: Applied) -> str:
    state = "published" if applied.published else "a draft"
    return {
        "created": f"new, created as {state}" if not applied.published else "new, created and published",
        "changed": "changes, then published" if applied.published else "changes, as a draft",
        "published": "same content, published",
    }.get(applied.change, "no change")


async def apply(ctx: CommandContext, plan: Plan, work: Work, report: Callable[[str], None]) -> Outcome:
    """Send what changes, profile by profile; one that the plane refuses does not stop the others."""
    client = await ctx.port(CanCall)
    done: list[str] = []
    failed: list[tuple[str, EdgewrightError]] = []
    sentences: list[str] = []
    for line in plan.lines:
        report(line)
    for profile, expected in work.profiles:
        if expected.change == "none":
            done.append(profile.label)
            sentences.append(f"{profile.label}: no change.")
            continue
        document = exchange.to_document(profile, secrets=True)
        try:
            applied = await calls.apply(client, document, work.publish)
        except EdgewrightError as error:
            failed.append((profile.label, error))
            continue
        done.append(profile.label)
        sentences.append(f"{profile.label}: {_past(applied)}.")
    return Outcome(tuple(done), tuple(failed), " ".join(sentences))


def _past(applied: Applied) -> str:
    state = "published" if applied.published else "a draft"
    sentences: Mapping[str, str] = {
        "created": f"created, {state}", "changed": f"changed, {state}", "published": "published",
    }  # fmt: skip
    return sentences.get(applied.change, "no change")
