"""What to do with a chart's release: decided by the releases that the cluster has, never by the exit status of helm.

helm stores each revision as a Secret with its state in labels. A helm that was killed leaves a `pending-` state, and
every later upgrade is refused then; with no such program running the state is resolved first (cluster design, 4).
"""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from edgewright.agent.kube.api import KubeApi, path_of

HISTORY = 5
"""Revisions of a release that helm retains."""
_RESERVE = 30.0
"""Seconds between the end of helm's own wait and the limit of its step."""


class Revision(NamedTuple):
    """One revision of a release."""

    number: int
    state: str
    """`deployed`, `superseded`, `failed`, `uninstalling`, `pending-install`, `pending-upgrade`, `pending-rollback`."""


class Repair(NamedTuple):
    """What must be done before a chart can be installed or upgraded: arguments for helm, and why."""

    arguments: Sequence[str]
    why: str


def revisions(api: KubeApi, namespace: str, release: str) -> List[Revision]:
    """Return the revisions of a release, oldest first. Raises as `KubeApi.call` does."""
    selector = f"owner=helm,name={release}"
    what = f"The releases of namespace {namespace} cannot be listed"
    items = api.items(path_of("v1", "secrets", namespace), selector, metadata_only=True, what=what)
    return read_revisions(items)


def read_revisions(secrets: Iterable[Mapping[str, Any]]) -> List[Revision]:
    """Return revisions from the metadata of helm's Secrets; what has no number is left out."""
    history = []
    for secret in secrets:
        labels = (secret.get("metadata") or {}).get("labels") or {}
        number = str(labels.get("version", ""))
        if number.isdigit():
            history.append(Revision(int(number), str(labels.get("status", "unknown"))))
    return sorted(history)


def repair(history: Sequence[Revision], release: str, namespace: str) -> Optional[Repair]:
    """Return what must be done first; None when an upgrade can begin. No program of this release may be running."""
    if not history:
        return None
    newest = history[-1]
    place = [release, "--namespace", namespace]
    deployed = [entry.number for entry in history if entry.state in ("deployed", "superseded")]
    if newest.state == "uninstalling":
        return Repair(["uninstall", *place, "--ignore-not-found"], f"{release} was being removed when that ended")
    if newest.state == "pending-install" or (newest.state.startswith("pending-") and not deployed):
        why = f"the first installation of {release} was interrupted"
        return Repair(["uninstall", *place, "--ignore-not-found"], why)
    if newest.state in ("pending-upgrade", "pending-rollback"):
        why = f"revision {newest.number} of {release} was interrupted"
        return Repair(["rollback", release, str(deployed[-1]), "--namespace", namespace], why)
    return None


def upgrade(release: str, namespace: str, chart: str, values: Sequence[str], limit: float) -> List[str]:
    """Return the arguments that install or upgrade a release from local files, waiting for it within `limit` seconds.

    The definitions (CRDs) of the chart are applied before, by this host: helm never upgrades them.
    """
    arguments = ["upgrade", "--install", release, chart, "--namespace", namespace, "--create-namespace"]
    for path in values:
        arguments += ["--values", path]
    arguments += ["--skip-crds", "--server-side=true", "--wait", f"--history-max={HISTORY}"]
    return [*arguments, f"--timeout={max(10.0, limit - _RESERVE):.0f}s"]


def settled(history: Sequence[Revision]) -> bool:
    """Return whether the newest revision is in use."""
    return bool(history) and history[-1].state == "deployed"
