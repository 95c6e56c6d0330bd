"""What the cluster wizard may call: profiles of the plane, hosts that are free, preflight, the plane's check, creating.

Coroutines ask the plane; the rest is quick but for `kubernetes`, which takes up to a second: call it in a thread.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.clients.ports import CanCall, CanListHosts, CanListProjects
from edgewright.commands.cluster import work
from edgewright.commands.cluster.candidates import Candidate, address_check, candidates, cards_of
from edgewright.commands.cluster.wizard_answers import document, problems
from edgewright.commands.host.operations import Check, read_checks, run_operation
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command, Outcome, Plan
from edgewright.commands.kernel.described import Entry, entries
from edgewright.commands.profile.reading import ProfileContent, content_of
from edgewright.core.clusters import definition
from edgewright.core.clusters.kube_values import networks_of, waived_of
from edgewright.core.packs.versions import key
from edgewright.core.profiles.model import K8S
from edgewright.core.profiles.variables import problem_with
from edgewright.forge.answer_files import Opened
from edgewright.forge.secret_files import write_secret
from edgewright.profiles.kubernetes_layer import configuration, is_k3s
from edgewright.store.collections.catalogue import clusters as calls
from edgewright.store.collections.projects import PROJECTS
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from edgewright.yamltext.writer import write

if TYPE_CHECKING:
    from pathlib import Path

    from edgewright.commands.kernel.context import CommandContext
    from edgewright.store.collections.hosts import HostRow

__all__ = ["Candidate", "candidates", "document", "problem_with", "problems"]
DEFAULT_PROJECT = "Default"


class Plane(NamedTuple):
    """What a plane has for a cluster: published profiles, names that are taken, and the project that it is made in."""

    profiles: tuple[Entry, ...]
    taken: frozenset[str]
    project: str
    projects: Mapping[str, str]


async def look(ctx: CommandContext) -> Plane:
    """Return what the plane has. Raises `EdgewrightError`."""
    documents = await (await ctx.port(CanListProjects)).all()
    projects = {row.uid: row.name for doc in documents if (row := PROJECTS.from_document(doc, 0.0)) is not None}
    own = str((await ctx.connection()).project_uid or "") or _default(projects)
    listed = (await entries(ctx, "profile")).items
    usable = [entry for entry in listed if entry.row.state != "draft" and entry.row.project_uid in ("", own)]
    clusters = (await entries(ctx, "cluster")).items
    alive = [entry.row for entry in clusters if entry.row.state != wire.DELETED]
    taken = frozenset(row.name for row in alive if row.project_uid in ("", own))
    ordered = sorted(usable, key=lambda entry: key(entry.row.version), reverse=True)
    return Plane(tuple(sorted(ordered, key=lambda entry: entry.row.name.casefold())), taken, own, projects)


def _default(projects: Mapping[str, str]) -> str:
    named = [uid for uid, name in projects.items() if name == DEFAULT_PROJECT]
    return named[0] if named else next(iter(projects)) if len(projects) == 1 else ""


async def content(ctx: CommandContext, entry: Entry) -> ProfileContent:
    """Return a profile with its variables and packs. Raises `EdgewrightError`."""
    return await content_of(ctx, entry)


class Kubernetes(NamedTuple):
    """What the Kubernetes layer of a profile gives: networks, and the checks of a host that the cluster waives."""

    pod_cidr: str
    service_cidr: str
    waived: frozenset[str]


def kubernetes(content: ProfileContent, values: Mapping[str, str]) -> Kubernetes | None:
    """Return what a profile gives with these values of variables; None without a Kubernetes layer. Blocking."""
    resolution = content.resolved({name: value for name, value in values.items() if value != ""})
    layer = next((item for item in resolution.layers if item.layer.kind == K8S), None)
    if layer is None:
        return None
    config = configuration(layer.values.document, layer.layer.key, is_k3s(layer.layer.name)).config
    networks = networks_of(config)
    return Kubernetes(networks.pod_cidr, networks.service_cidr, waived_of(config))


async def preflight(
    ctx: CommandContext, row: HostRow, address: str, nic: str, waived: frozenset[str], report: Callable[[str], None]
) -> list[Check]:
    """Return the checks that a host made, worst first, with that of its address. Raises `EdgewrightError`.

    What failed and the cluster waives is a warning, as when the host checks itself for the cluster.
    """
    result = await run_operation(ctx, row.uid, protocol.OP_PREFLIGHT, report, row)
    known = cards_of(await (await ctx.port(CanListHosts)).get(row.uid))
    own = {"name": "address", **address_check(known, address, nic)._asdict()}
    return read_checks({"checks": [*(_waived(check, waived) for check in result.get("checks") or ()), own]})


def _waived(check: Any, waived: frozenset[str]) -> Any:
    if isinstance(check, dict) and check.get("state") == "failed" and check.get("id") in waived:
        return {**check, "state": "warning", "text": f"{check.get('text')} (waived by the cluster)"}
    return check


async def plan(ctx: CommandContext, content: Mapping[str, Any]) -> Plan:
    """Return what creating the cluster of an answer file does; the plane checks it and nothing changes.

    Raises `InvalidDocument`, and `InvalidInput` with everything that the plane refuses.
    """
    return await work.plan(ctx, _wanted(content), "edgewright apply -f FILE", create=True)


def _wanted(content: Mapping[str, Any]) -> definition.Definition:
    """Return the cluster of an answer file. Raises `InvalidDocument`."""
    name = str(content["metadata"]["name"])
    return work.read(Opened(definition.KIND, name, content["answers"], ()), "The answers")


async def refusals(ctx: CommandContext, content: Mapping[str, Any]) -> list[str]:
    """Return what the plane refuses about the cluster of an answer file, as sentences; nothing changes.

    Raises `InvalidDocument`, `NotFound` for a profile or host that the plane does not have.
    """
    body = await work.body_of(ctx, _wanted(content))
    return await calls.problems(await ctx.port(CanCall), body)


class ClusterDeploy(Command):
    """Create the cluster of the wizard. Not a verb of its own: the command line has `cluster create` and `apply -f`."""

    name = "cluster deploy"
    role = "admin"
    needs = ("CanCall", "CanListHosts")
    title = "create"
    danger = "write"
    console = False
    cli = False

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Create it. Raises `Conflict` for a name or a host that was taken meanwhile."""
        return await work.apply(ctx, plan, plan.payload, report)


async def deploy(ctx: CommandContext, content: Mapping[str, Any]) -> str:
    """Create the cluster of an answer file; returns its uid.

    Raises `Refused` in a read-only session, `Conflict`, `InvalidInput` with everything that the plane refuses.
    """
    outcome = await registry.run(ClusterDeploy, ctx, (), {}, plan=await plan(ctx, content))
    return str(outcome.done[0])


async def stored_keys(ctx: CommandContext) -> list[tuple[str, str]]:
    """Return name and line of the SSH keys that the plane stores. Raises `EdgewrightError`."""
    rows = [entry.row for entry in (await entries(ctx, "key")).items]
    return [(row.name, " ".join(row.public_key.split())) for row in rows if row.public_key.strip()]


def text_of(content: Mapping[str, Any]) -> str:
    """Return an answer file as text; the same answers give the same text."""
    return write(content, width=120)


def save(path: Path, content: Mapping[str, Any]) -> None:
    """Write the answer file, readable by its user alone. Blocking. Raises `NotFound`, `Failed`."""
    write_secret(path, text_of(content).encode())


def apply_line(path: Path) -> str:
    """Return the command line that creates the same cluster, to be copied."""
    return f"edgewright apply -f {shlex.quote(str(path))}"
