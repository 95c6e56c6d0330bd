"""The first steps after the first host: a profile, a cluster, an application, each with its proof."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgewright.core.text import amount
from edgewright.wire.protocol import clusters as wire
from tui.screens.first_run.steps_content import Step

if TYPE_CHECKING:
    from edgewright.commands.cluster.deployed import Deployed

TITLES = ("Profile", "Cluster", "Application")


def cluster_steps(deployed: Deployed | None, problem: str = "", answers: Mapping[str, str] | None = None) -> list[Step]:
    """Return the three steps; `deployed` is None while the plane was not asked, `problem` why it did not answer.

    `answers` are those of applications that were asked, by the uid of their cluster.
    """
    if deployed is None:
        fact = problem or "asking the plane"
        keys = ("profile", "cluster", "application")
        return [Step(key, "later", title, fact) for key, title in zip(keys, TITLES, strict=True)]
    return [_profile(deployed), _cluster(deployed), _application(deployed, answers or {})]


def _profile(deployed: Deployed) -> Step:
    if not deployed.profiles:
        advice = "Enter opens the wizard; edgewright profile shipped lists profiles to begin with."
        return Step("profile", "next", TITLES[0], "none is published yet", advice)
    used = deployed.cluster.profiles if deployed.cluster is not None else ()
    row = next((row for row in deployed.profiles if row.name in used), deployed.profiles[0])
    more = f"; {len(deployed.profiles) - 1} more" if len(deployed.profiles) > 1 else ""
    return Step(f"profile/{row.uid}", "done", TITLES[0], f"{row.name} {row.version} is published{more}")


def _cluster(deployed: Deployed) -> Step:
    row = deployed.cluster
    if row is None:
        advice = "Enter opens the wizard: some questions, a preflight of the hosts, then b creates it."
        return Step("cluster", "next", TITLES[1], "none yet", advice)
    key = f"cluster/{row.uid}"
    if row.state == wire.RUNNING and row.health == "healthy":
        hosts = f"{row.applied} of {amount(row.hosts, 'host')} have applied it"
        return Step(key, "done", TITLES[1], f"{row.name} runs and is healthy, {hosts}")
    if row.health == "unhealthy":
        fact = f"{row.name} is unhealthy: {row.reason}" if row.reason else f"{row.name} is unhealthy"
        return Step(key, "warn", TITLES[1], fact, "Enter shows what it waits for.")
    return Step(key, "work", TITLES[1], f"{row.name}: {row.state.lower()}, its hosts form it", "Enter shows each step.")


def _application(deployed: Deployed, answers: Mapping[str, str]) -> Step:
    row, title = deployed.cluster, TITLES[2]
    if row is None:
        return Step(
            "application", "next", title, "none yet", "Add-on layers of the cluster's profiles are applications."
        )
    key = f"application/{row.uid}"
    if not deployed.applications:
        advice = "Add an add-on layer to its profile, or an add-on profile to the cluster."
        return Step(key, "next", title, f"the profiles of {row.name} have no add-on", advice)
    waiting = [each for each in deployed.applications if not each.ready]
    if waiting:
        why = f": {waiting[0].message}" if waiting[0].message else ""
        return Step(
            key, "work", title, f"{waiting[0].name} is not ready yet{why}", "Its pods must answer their probes."
        )
    names = ", ".join(each.name for each in deployed.applications)
    fact = answers.get(row.uid) or f"{names} answers its probes on {row.name}"
    return Step(key, "done", title, fact, "Enter asks it through the API of the cluster.")
