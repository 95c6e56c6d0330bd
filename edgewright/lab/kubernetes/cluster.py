"""`lab up --cluster`: the hosts of a lab form a cluster, by the documents and the command line that a user has."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.core.errors import Failed, TimedOut
from edgewright.lab import plane, product
from edgewright.lab.kubernetes import documents, registry
from edgewright.lab.kubernetes.build import Built
from edgewright.lab.state import Folder, LabState

Report = Callable[[str], None]

NAME = "lab"
"""The name of the cluster and of its profile."""
DOCUMENTS = "documents"
"""The folder of profile and answer file in that of the lab."""
VIP = 250
"""The last number of the VIP: above those of the hosts."""
EVERY = 30.0
"""Seconds after which a row that still runs is shown again."""


def form(folder: Folder, state: LabState, built: Built, log: Report) -> None:
    """Store the profile of the lab and create a cluster of all hosts, when they have registered. Raises `Failed`."""
    registered(folder, state, log)
    publish(folder, state, built)
    create(folder, state)
    log(f"cluster {NAME}: created, its hosts form it ({folder.path / DOCUMENTS})")


def publish(folder: Folder, state: LabState, built: Built) -> None:
    """Store the profile of the lab in its hub, and publish it. Raises `Failed`."""
    member = state.registry
    assert member is not None
    at = folder.path / DOCUMENTS
    documents.write_profile(at / NAME, NAME, built.version, registry.contents(folder, member), built.images())
    product.call(environment(folder, state), "--yes", "apply", "-f", str(at / NAME))
    product.call(environment(folder, state), "--yes", "profile", "publish", NAME)


def create(folder: Folder, state: LabState) -> None:
    """Create a cluster of all hosts from the profile of the lab. Raises `Failed`."""
    at = folder.path / DOCUMENTS / "cluster.yaml"
    documents.write_cluster(at, NAME, NAME, f"{state.subnet}.{VIP}", documents.pools(list(state.hosts)))
    product.call(environment(folder, state), "--yes", "apply", "-f", str(at))


def follow(folder: Folder, state: LabState, log: Report, patience: float = 3600.0, every: float = 1.0) -> None:
    """Wait until the cluster is healthy and log its checklist as it proceeds.

    Raises `Failed` when a step waits for an operator, `TimedOut` after `patience` seconds; the hosts continue.
    """
    env = environment(folder, state)
    progress, problem = Progress(), ""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            status = product.call(env, "cluster", "show", NAME)["status"]
            problem = ""
        except Failed as error:  # a hub that is cut off or restarts does not stop the hosts
            if problem != error.message:
                log(error.message)
            problem = error.message
            time.sleep(5 * every)
            continue
        ours = status["edgewright"]
        for line in progress.lines(ours["checklist"], time.monotonic()):
            log(line)
        if complete(status):
            log(f"cluster {NAME}: running and healthy, {ours['hosts']} of {ours['hosts']} hosts")
            return
        waiting = next((row for row in ours["checklist"] if for_operator(row)), None)
        if waiting is not None:
            raise Failed(
                f"The cluster {NAME} waits for an operator: {waiting['sentence']}",
                "Remove the cause, then run `edgewright host retry HOST` in the context of the lab.",
                "ClusterFailed",
            )
        time.sleep(every)
    raise TimedOut(
        f"The cluster {NAME} is not healthy after {patience / 60:.0f} min.", f"Its hosts continue. {ways(state)}"
    )


def ways(state: LabState) -> str:
    """Return how to follow the cluster later, in the context that `lab up` prints."""
    return f"Follow it: edgewright --context {state.name} cluster show {NAME}"


def complete(status: Mapping[str, Any]) -> bool:
    """Return whether a cluster runs, is healthy, and all of its hosts have applied its document."""
    ours = status["edgewright"]
    healthy = str(ours["healthState"]).lower() == "healthy"
    return bool(status["state"] == "Running" and healthy and ours["applied"] == ours["hosts"])


def for_operator(row: Mapping[str, Any]) -> bool:
    """Return whether a row of a checklist continues only after `host retry`."""
    return row["state"] == "failed" and "host retry" in row["text"]


class Progress:
    """What is new in a checklist: a row whose state changed, and every `EVERY` seconds a row that still runs."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], tuple[str, float]] = {}

    def lines(self, rows: Sequence[Mapping[str, Any]], now: float) -> list[str]:
        """Return the sentences to show at `now` (seconds of any clock that does not go back)."""
        result = []
        for row in rows:
            key = (row["title"], *row["hosts"])
            state, at = self._seen.get(key, ("", now))
            quiet = row["state"] in ("pending", "unknown")
            if row["state"] == state and (quiet or state == "done" or now - at < EVERY):
                continue
            self._seen[key] = (row["state"], now)
            if not quiet:
                result.append(str(row["sentence"]))
        return result


def environment(folder: Folder, state: LabState) -> dict[str, str]:
    """Return the environment by which the command line reaches the hub of a lab."""
    return product.environment_for(state.endpoint, str(plane.ca_file(folder)), str(plane.key_file(folder)))


def registered(folder: Folder, state: LabState, log: Report, patience: float = 180.0) -> None:
    """Wait until the hub knows every host. Raises `TimedOut` with those that it does not know."""
    env = environment(folder, state)
    wanted = {f"{state.name}-{name}": name for name in state.hosts}
    deadline = time.monotonic() + patience
    missing: list[str] = []
    while time.monotonic() < deadline:
        known = {document["metadata"]["uid"] for document in product.call(env, "host", "list")}
        before, missing = missing, [name for uid, name in wanted.items() if uid not in known]
        if not missing:
            return
        if missing != before:
            log(f"waiting for hosts to register: {', '.join(missing[:8])}")
        time.sleep(1.0)
    raise TimedOut(
        f"{', '.join(missing[:8])} did not register within {patience:.0f} s.",
        "See the journal of the agent on the host, and hub.log in the lab's folder.",
    )
