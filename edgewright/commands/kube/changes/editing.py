"""Action: change one object as it was edited; the plan has the difference that the server finds in a dry run.

Only what differs between the text that was given out and the one that came back is sent, as a merge patch: a status or
a field that changed meanwhile stays. Where a field that was edited changed meanwhile, nothing is done.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube import object_verbs as declared
from edgewright.commands.kube.changes.patches import concealed, merge_patch, stale
from edgewright.commands.kube.objects import MERGE, api_of
from edgewright.core.errors import Conflict, InvalidInput, UsageError
from edgewright.core.text import clean
from edgewright.store.collections.document_values import part, text
from edgewright.store.workloads.describing import MOST_BYTES, document_of
from edgewright.store.workloads.kinds import BY_VIEW, Kind
from edgewright.yamltext.documents import read_one
from edgewright.yamltext.writer import write

if TYPE_CHECKING:
    from edgewright.clients.kube.ports import CanAskApi

Json = dict[str, Any]
MOST_LINES = 2000
TRIES = 5
"""Times that a patch is sent again because the object changed between reading and writing."""
MANAGER = "edgewright"
"""Who manages the fields that were edited, in the words of the API."""
_QUERY = f"fieldManager={MANAGER}&fieldValidation=Strict"
_SAME = ("apiVersion", "kind")
_OWN = ("managedFields", "resourceVersion", "generation")
"""Metadata that the API alone sets, left out of texts and differences."""
_HEAD = """\
# Lines that begin with # are left out. Save and leave to see the difference; without a change nothing is done.
# The status is left out: the cluster reports it.
"""


def text_of(document: Mapping[str, Any], problem: str = "") -> str:
    """Return the text that is edited; with what was wrong with it the last time above it."""
    wrong = "".join(f"# {clean(line, 300)}\n" for line in problem.splitlines() if line)
    return f"{wrong}{_HEAD}{write(editable(document))}"


def again(edited: str, problem: str) -> str:
    """Return a text that came back, with what is wrong with it above it."""
    lines = edited.splitlines(True)
    while lines and lines[0].startswith("#"):
        del lines[0]
    return f"# {clean(problem, 900)}\n{_HEAD}{''.join(lines)}"


def editable(document: Mapping[str, Any]) -> Json:
    """Return the part of an object that can be edited."""
    meta = {name: value for name, value in part(document, "metadata").items() if name not in _OWN}
    return {**{name: value for name, value in document.items() if name != "status"}, "metadata": meta}


def edited_document(edited: str, before: Mapping[str, Any]) -> Json:
    """Return what a text has. Raises `InvalidInput` for what is not the object that was given out."""
    document = read_one(edited, "The text", MOST_BYTES)
    if not isinstance(document, dict):
        raise InvalidInput("The text has no object.", "Leave it as it was, or write the complete object.")
    same = [name for name in _SAME if document.get(name) != before.get(name)]
    meta, former = part(document, "metadata"), part(before, "metadata")
    same += [f"metadata.{name}" for name in ("name", "namespace", "uid") if meta.get(name) != former.get(name)]
    if same:
        raise InvalidInput(f"{' and '.join(same)} cannot be changed.", "Make a new object with: +")
    return document


class KubeObjectEdit(declared.KubeObjectEdit):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Let the server find the difference. Raises `InvalidInput` with its reason, `Conflict`, `UsageError`."""
        before, edited = args.get("before"), args.get("edited")
        if not isinstance(before, dict) or not isinstance(edited, str):
            raise UsageError("What is edited is chosen on its list.", "Press e there.")
        kind: Kind = BY_VIEW[str(args.get("view"))]
        key = "/".join(filter(None, (text(part(before, "metadata"), name) for name in ("namespace", "name"))))
        patch = merge_patch(editable(before), edited_document(edited, editable(before)))
        name = f"{kind.single} {text(part(before, 'metadata'), 'name')}"
        if not patch:
            raise UsageError(f"Nothing differs, so {name} stays as it is.", "")
        async with api_of(ctx, targets[0], args) as api:
            now, result = await _patched(api, kind, key, before, patch, dry=True)
        lines = difference(now, result)
        undo = ("The values before are not stored: to go back, edit it again.",)
        cli = shlex.join(["edgewright", "kube", "apply", str(args.get("name")), "--", "-f", "FILE"])
        payload = (kind, key, before, patch)
        return Plan(f"Edit {name}", lines or ("nothing differs",), (key,), undo, cli, None, payload, {key: key})

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Send what differs. Raises `Conflict` for a field that changed meanwhile, `EdgewrightError`."""
        kind, key, before, patch = plan.payload
        async with api_of(ctx, str(args.get("cluster")), args) as api:
            await _patched(api, kind, key, before, patch, dry=False)
        return Outcome((key,), (), f"{kind.single} {key} edited.")


async def _patched(
    api: CanAskApi, kind: Kind, key: str, before: Json, patch: Mapping[str, Any], *, dry: bool
) -> tuple[Json, Json]:
    """Return the object before and after a patch. The version that was compared is the one that is changed."""
    path = kind.path_of(key)
    for attempt in range(TRIES):
        now = document_of(await api.request("GET", path))
        if part(now, "metadata").get("uid") != part(before, "metadata").get("uid"):
            raise Conflict(f"This {kind.single} was deleted and made again meanwhile.", "Edit the new one.")
        if changed := stale(editable(before), editable(now), patch):
            raise Conflict(f"{changed} of {key} was changed meanwhile.", "Edit it again.")
        version = part(now, "metadata").get("resourceVersion")
        body = {**patch, "metadata": {**part(patch, "metadata"), "resourceVersion": version}}
        query = f"{_QUERY}&dryRun=All" if dry else _QUERY
        try:
            return now, document_of(await api.request("PATCH", f"{path}?{query}", msgspec.json.encode(body), MERGE))
        except Conflict:
            if attempt == TRIES - 1:
                raise
    raise AssertionError


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lines that differ, with some around them; secrets are hidden, and whether they differ is shown."""
    former = editable(before)
    texts = [write(concealed(each, former)) for each in (former, editable(after))]
    lines = list(difflib.unified_diff(texts[0].splitlines(), texts[1].splitlines(), n=2, lineterm=""))[2:]
    return tuple(clean(line, 400) for line in lines[:MOST_LINES])
