"""Clusters of answer files: created, or changed to what a file has; each step is a call of the plane's API."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import Entry, entries
from edgewright.commands.kernel.lookup import find_hosts
from edgewright.config.nearest import suggestion
from edgewright.core.clusters import definition
from edgewright.core.clusters.definition import Definition, WantedPool, WantedProfile
from edgewright.core.errors import Conflict, InvalidDocument, InvalidInput, NotFound
from edgewright.core.packs.versions import key
from edgewright.core.text import amount, clean
from edgewright.forge.answer_files import Opened
from edgewright.store.collections.catalogue import clusters as calls
from edgewright.store.collections.document_values import part, parts, text
from edgewright.wire.protocol import clusters as wire

_TAKEN = {wire.E_DUPLICATE, wire.E_IN_USE, "HostInUse"}
"""Codes of what another cluster has: its name, or a host."""
_WAITS = "the change of profiles that waits is applied"


class Step(NamedTuple):
    """One call of a change: what it does, and the call."""

    line: str
    method: str
    path: str
    names: Mapping[str, str]
    body: Any = None


class Work(NamedTuple):
    """What an apply does: the body of a create, or the steps of a change."""

    name: str
    uid: str
    body: Mapping[str, Any]
    steps: tuple[Step, ...]


def read(outer: Opened, file: str) -> Definition:
    """Return the cluster of an answer file. Raises `InvalidDocument` with everything that is wrong in it."""
    wanted, problems = definition.read(outer.name, outer.answers)
    every = [*outer.problems, *problems]
    if every:
        raise InvalidDocument(file, every, f"See: edgewright apply --example {definition.KIND}")
    return wanted


async def plan(ctx: CommandContext, wanted: Definition, cli: str, create: bool = False) -> Plan:
    """Return what an apply would do; a new cluster is checked by the plane.

    With `create` a cluster of that name is an error. Raises `NotFound` for a profile or host that the plane does not
    have, `InvalidInput` with everything that the plane refuses, `Conflict` for a name or host of another cluster alone.
    """
    client = await ctx.port(CanCall)
    hosts = dict(await _hosts(ctx, wanted))
    body = await body_of(ctx, wanted, hosts)
    project = str((await ctx.connection()).project_uid or "")
    existing = None if create else await _existing(ctx, wanted.name, project)
    if existing is None:
        wrong, warnings, codes = await calls.checked(client, body)
        if wrong:
            message = f"The plane refuses the cluster {wanted.name}: {' '.join(wrong)}"
            if codes <= _TAKEN:
                raise Conflict(message, "", sorted(codes)[0])
            raise InvalidInput(message, "", "InvalidCluster")
        lines = [*(_shown(pool) for pool in wanted.pools), f"API: {wanted.cloud['controlPlaneEndpoint']['host']}:6443"]
        lines += [f"profile: {profile.name} {profile.version}".rstrip() for profile in wanted.profiles]
        lines += [f"warning: {sentence}" for sentence in warnings]
        work = Work(wanted.name, "", body, ())
        return Plan(f"Create cluster {wanted.name}", tuple(lines), (wanted.name,), (), cli, None, work)
    uid = existing.row.uid
    steps = await _steps(client, uid, wanted, body, hosts)
    title = f"Change cluster {wanted.name}" if steps else f"Cluster {wanted.name}: no change"
    lines = [step.line for step in steps]
    return Plan(title, tuple(lines), (wanted.name,), (), cli, None, Work(wanted.name, uid, body, tuple(steps)))


async def body_of(ctx: CommandContext, wanted: Definition, hosts: Mapping[str, str] | None = None) -> Mapping[str, Any]:
    """Return the body of a create. Raises `NotFound` for a profile or host that the plane does not have."""
    known = dict(await _hosts(ctx, wanted)) if hosts is None else hosts
    return definition.body(wanted, await _profiles(ctx, wanted.profiles), known)


async def apply(ctx: CommandContext, plan: Plan, work: Work, report: Callable[[str], None]) -> Outcome:
    """Send it, step by step; the first one that the plane refuses ends it."""
    client = await ctx.port(CanCall)
    if not work.uid:
        uid = await calls.create(client, work.body)
        follow = f"edgewright cluster show {shlex.quote(work.name)}"
        text_ = f"Cluster {work.name} is created; its hosts form it now. Follow it: {follow}"
        return Outcome((uid,), (), text_)
    for step in work.steps:
        report(step.line)
        await calls.send(client, step.method, step.path, step.body, **step.names)
    done = f"{amount(len(work.steps), 'change')} sent; the hosts apply them." if work.steps else "No change."
    return Outcome((work.uid,), (), f"Cluster {work.name}: {done}")


def _shown(pool: WantedPool) -> str:
    names = ", ".join(host.name for host in pool.hosts)
    role = definition.CONTROL_PLANE if pool.config["isControlPlane"] else definition.WORKER
    return f"pool {pool.name} ({role}): {names or 'no hosts'}"


async def _existing(ctx: CommandContext, name: str, project: str) -> Entry | None:
    every = (await entries(ctx, "cluster")).items
    named = [item for item in every if item.row.name == name and item.row.state != wire.DELETED]
    own = [item for item in named if not project or item.row.project_uid == project]
    return own[0] if len(own) == 1 else None


async def _profiles(ctx: CommandContext, wanted: Sequence[WantedProfile]) -> dict[str, str]:
    """Return the uids of profiles by name: of the version that is named, else of the newest published one."""
    rows = [entry.row for entry in (await entries(ctx, "profile")).items]
    result = {}
    for profile in wanted:
        named = [row for row in rows if profile.name in (row.name, row.uid)]
        if not named:
            near = suggestion(profile.name, sorted({row.name for row in rows}))
            raise NotFound(f"There is no profile {clean(profile.name)}{near}.", "See them: edgewright profile list")
        if profile.version:
            named = [row for row in named if row.version == profile.version]
        published = [row for row in named if row.state != "draft"] or named
        if not published:
            hint = "See its versions: edgewright profile list"
            raise NotFound(f"The profile {profile.name} has no version {clean(profile.version)}.", hint)
        result[profile.name] = max(published, key=lambda row: key(row.version)).uid
    return result


async def _hosts(ctx: CommandContext, wanted: Definition) -> list[tuple[str, str]]:
    """Return name and uid of the hosts of the pools. Raises `NotFound`, `Conflict` for a name of several."""
    names = list(dict.fromkeys(host.name for pool in wanted.pools for host in pool.hosts))
    known = await find_hosts(ctx, names)
    by_word = {host.uid: host.uid for host in known} | {host.name: host.uid for host in known}
    return [(name, by_word[name]) for name in names]


async def _steps(
    client: CanCall, uid: str, wanted: Definition, body: Mapping[str, Any], hosts: Mapping[str, str]
) -> list[Step]:
    """Return the calls that make an existing cluster what a file has."""
    cluster = await calls.get(client, uid)
    config = await calls.cloud_config(client, cluster)
    config_uid = text(part(config, "metadata"), "uid")
    spec, steps = body["spec"], []
    labels = part(part(cluster, "metadata"), "labels")
    if dict(labels) != wanted.tags:
        sent = {"metadata": {"labels": wanted.tags}}
        steps.append(Step("tags change", "PATCH", wire.METADATA, {"uid": uid}, sent))
    steps += _cloud(part(part(config, "spec"), "clusterConfig"), config_uid, wanted)
    now = {text(pool, "name"): pool for pool in parts(part(config, "spec"), "machinePoolConfig")}
    for pool in wanted.pools:
        step = _pool(now.pop(pool.name, None), pool, config_uid, hosts)
        steps += [step] if step is not None else []
    for name in now:
        names = {"configUid": config_uid, "machinePoolName": name}
        steps.append(Step(f"pool {name} is removed, its hosts leave", "DELETE", wire.POOL, names))
    steps += await _profile_steps(client, uid, cluster, wanted, spec["profiles"])
    resources = spec["clusterConfig"]["resources"]
    for name, path in (("namespaces", wire.NAMESPACES), ("rbacs", wire.RBACS)):
        present = await calls.resources(client, path, uid)
        if _plain(present) != _plain(resources[name]):
            steps.append(Step(f"{name} change", "PUT", path, {"uid": uid}, {name: resources[name]}))
    return steps


def _plain(items: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return role bindings or namespaces without what only the plane sets."""
    rows = []
    for item in items:
        spec = {key: value for key, value in part(item, "spec").items() if key not in ("relatedObject", "isSystem")}
        rows.append((text(part(item, "metadata"), "name"), spec))
    return rows


def _cloud(now: Mapping[str, Any], config_uid: str, wanted: Definition) -> list[Step]:
    keys = [key for key, value in wanted.cloud.items() if (now.get(key) or []) != (value or [])]
    if not keys:
        return []
    sent = {"clusterConfig": {key: wanted.cloud[key] for key in keys}}
    return [Step(f"{', '.join(keys)} change", "PUT", wire.CLUSTER_CONFIG, {"configUid": config_uid}, sent)]


def _pool(now: Mapping[str, Any] | None, pool: WantedPool, config_uid: str, hosts: Mapping[str, str]) -> Step | None:
    """Return the call that makes a pool what a file has; `None` when it is."""
    body = definition.pool_body(pool, hosts)
    if now is None:
        return Step(f"{_shown(pool)} is added", "POST", wire.POOLS, {"configUid": config_uid}, body)
    before = [text(host, "hostUid") for host in parts(now, "hosts")]
    after = [hosts[host.name] for host in pool.hosts]
    lines = [f"{host.name} joins" for host in pool.hosts if hosts[host.name] not in before]
    names = {text(host, "hostUid"): text(host, "hostName") for host in parts(now, "hosts")}
    lines += [f"{names[uid]} leaves" for uid in before if uid not in after]
    keys = [key for key, value in pool.config.items() if (now.get(key) or None) != (value or None)]
    lines += [f"{key} changes" for key in keys]
    if not lines:
        return None
    where = {"configUid": config_uid, "machinePoolName": pool.name}
    return Step(f"pool {pool.name}: {', '.join(lines)}", "PUT", wire.POOL, where, body)


async def _profile_steps(
    client: CanCall, uid: str, cluster: Mapping[str, Any], wanted: Definition, sent: Sequence[Mapping[str, Any]]
) -> list[Step]:
    templates = parts(part(cluster, "spec"), "clusterProfileTemplates")
    before = [text(template, "uid") for template in templates]
    lines = []
    if before != [text(profile, "uid") for profile in sent]:
        names = ", ".join(f"{profile.name} {profile.version}".rstrip() for profile in wanted.profiles)
        lines.append(f"profiles are {names}")
    values = await calls.variables(client, uid)
    for profile, entry in zip(wanted.profiles, sent, strict=True):
        now = values.get(text(entry, "uid"), {})
        changed = [name for name, value in profile.variables.items() if now.get(name) != value]
        lines += [f"variable {name} of {profile.name} is set" for name in changed]
    waits = text(part(part(cluster, "status"), "spcApply"), "actionType") == wire.LATER
    if waits and not lines:
        return [Step(_WAITS, "POST", wire.SPC_APPLY, {"uid": uid})]
    if not lines:
        return []
    line = "; ".join([*lines, *([_WAITS] if waits else [])])
    return [Step(line, "PUT", wire.PROFILES, {"uid": uid}, {"profiles": list(sent)})]
