"""Actions: the verb that imports a profile, and how one is read from a directory or a file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.profile import verbs as declared
from edgewright.commands.profile.shipped import shipped
from edgewright.core.errors import InvalidInput, NotFound, UsageError
from edgewright.core.profiles import exchange
from edgewright.core.profiles.model import MAX_TOTAL, Profile
from edgewright.core.profiles.problems import Problem, errors, raise_errors
from edgewright.core.profiles.secrets import to_give_again
from edgewright.core.small_file import local_path, read_small_file
from edgewright.core.text import clean
from edgewright.profiles import directory
from edgewright.profiles.prepare import check, prepare
from edgewright.store.collections.catalogue import profiles as calls
from edgewright.store.collections.document_values import part, parts, text

_SHOWN = 20


class ProfileImport(declared.ProfileImport):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the profile, check its form, and let the plane check what it needs there.

        Raises `InvalidInput` with packs and macros that are missing, or a pack that several registries have; `Conflict`
        for a version that exists; `NotFound`, `InvalidDocument`.
        """
        source, name = (str(args.get(key) or "").strip() for key in ("source", "shipped"))
        if bool(source) == bool(name):
            hint = "See the shipped ones: edgewright profile shipped"
            raise UsageError("Name the path of a profile, or a shipped one by --shipped.", hint)
        profile = await asyncio.to_thread(shipped, name) if name else await asyncio.to_thread(read_source, source)
        problems, masked = await asyncio.to_thread(_looked_at, profile)
        raise_errors(f"The profile {profile.label}", errors(problems))
        document = exchange.to_document(profile, secrets=True)
        answer = await calls.validated(await ctx.port(CanCall), document)
        lines = _with_registries(document, answer, str(args.get("registry") or "").strip())
        lines += [f"{place} is masked: give the value before it is published" for place in masked[:_SHOWN]]
        lines.append("It is published at once." if args.get("publish") else "It is a draft until it is published.")
        cli = self.cli_line(targets, args)
        payload = (document, bool(args.get("publish")))
        return Plan(f"Import profile {profile.label}", tuple(lines), (profile.label,), (), cli, None, payload)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Send the profile. Raises `InvalidInput` with what is missing there, `Conflict` for a version that exists."""
        document, publish = plan.payload
        uid = await calls.send(await ctx.port(CanCall), document, publish)
        state = "imported and published" if publish else "imported as a draft"
        return Outcome((uid,), (), f"Profile {plan.touches[0]} {state}.")


def _looked_at(profile: Profile) -> tuple[list[Problem], list[str]]:
    """Return what is wrong with a profile, and the places of masked values. Blocking."""
    prepared = prepare(profile)
    return list(check(prepared)), [problem.place() for problem in to_give_again(profile, prepared.layers)]


def _with_registries(document: dict[str, Any], answer: Mapping[str, Any], wanted: str) -> list[str]:
    """Set the registry of each pack that several registries have; returns a line for each layer, the top first.

    Raises `InvalidInput` where none of them is chosen, `NotFound` for a registry that has no pack of the profile.
    """
    lines, open_, offered = [], [], set()
    checked = parts(part(part(answer, "spec"), "template"), "packs")
    for item, known in zip(document["spec"]["template"]["packs"], checked, strict=False):
        matching = {
            text(each, "name"): text(each, "uid") for each in parts(part(known, "registry"), "matchingRegistries")
        }
        offered |= set(matching)
        named = text(part(part(item, "registry"), "metadata"), "name")
        chosen = wanted if wanted in matching else named if named in matching else ""
        if len(matching) == 1:
            chosen = next(iter(matching))
        if chosen:
            item["registry"] = {"metadata": {"name": chosen, "uid": matching[chosen]}}
        elif matching:
            open_.append(f"{clean(str(item['name']), 80)} ({', '.join(matching)})")
        lines.append(f"{item['layer']}: {item['name']} {item['tag']}{f' from {chosen}' if chosen else ''}")
    if open_:
        message = f"Several registries have {'this pack' if len(open_) == 1 else 'these packs'}: {'; '.join(open_)}."
        raise InvalidInput(message, "Choose one: --registry NAME", "ChooseRegistry")
    if wanted and wanted not in offered:
        message = f"The registry {clean(wanted, 80)} has no pack of this profile."
        raise NotFound(message, "See them: edgewright registry list", "NoPack")
    return lines[::-1]


def read_source(source: str) -> Profile:
    """Return the profile in a directory or a JSON file. Blocking. Raises `NotFound`, `InvalidInput`."""
    path = local_path(source)
    if path.is_dir():
        return directory.read_directory(path)
    try:
        text = read_small_file(str(path), MAX_TOTAL + 1)
    except FileNotFoundError:
        raise NotFound(f"There is no file {clean(source)}.", "Check the path.") from None
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(f"{clean(source)} cannot be read as text.", "Check the file.") from None
    if len(text) > MAX_TOTAL:
        raise InvalidInput(f"{clean(source)} is larger than a profile can be.", "Check the path.", "TooBig")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise InvalidInput(f"{clean(source)} is not JSON: {problem}.", "Export the profile again.") from None
    return exchange.from_document(document, f"The profile in {clean(source)}")
