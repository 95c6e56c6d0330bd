"""Packs together: what one needs of another (`constraints.dependencies` of pack.json)."""

from __future__ import annotations

from typing import List, Sequence

from edgewright.core.errors import DocumentProblem
from edgewright.core.packs import versions
from edgewright.core.packs.layers import NOT_SUPPORTED, OPTIONAL, REQUIRED, SINGLE
from edgewright.core.packs.pack import Dependency, Pack

KUBERNETES = "kubernetes"


def check(packs: Sequence[Pack], complete: bool = True) -> List[DocumentProblem]:
    """Return what is wrong with packs that form one cluster: layers twice, and dependencies that are not met.

    `complete` false: an add-on profile, whose infrastructure is elsewhere; a required pack may be missing.
    """
    problems = []
    for layer in sorted(SINGLE):
        names = [pack.name for pack in packs if pack.layer == layer]
        if len(names) > 1:
            problems.append(DocumentProblem(layer, f"the layer {layer} has {len(names)} packs: {', '.join(names)}."))
    for pack in packs:
        for dependency in pack.dependencies:
            wrong = _wrong(dependency, packs, complete)
            if wrong:
                problems.append(DocumentProblem(pack.name, f"{pack.name} {pack.version} {wrong}.", "", "Dependency"))
    return problems


def _wrong(dependency: Dependency, packs: Sequence[Pack], complete: bool) -> str:
    """Return what is wrong, as the end of a sentence; "" when nothing is. An upgrade rule is not checked here."""
    matches = [pack for pack in packs if _means(dependency, pack)]
    bounds = _bounds(dependency)
    if dependency.type == REQUIRED and not matches:
        return f"requires the pack {dependency.pack_name}{bounds}, which is not there" if complete else ""
    for pack in matches:
        within = versions.within(pack.version, dependency.min_version, dependency.max_version)
        if dependency.type in (REQUIRED, OPTIONAL) and not within:
            return f"needs {dependency.pack_name}{bounds}, and {pack.version} is there"
        if dependency.type == NOT_SUPPORTED and within:
            return f"does not work with {dependency.pack_name} {pack.version}"
    return ""


def _means(dependency: Dependency, pack: Pack) -> bool:
    """Return whether a dependency is about a pack.

    Published packs name `kubernetes` for every distribution; the one of an edge profile has another name, and as its
    version that of Kubernetes.
    """
    if dependency.pack_name == KUBERNETES and dependency.layer == "k8s":
        return pack.layer == "k8s"
    return pack.name == dependency.pack_name


def _bounds(dependency: Dependency) -> str:
    low, high = dependency.min_version, dependency.max_version
    if low and high:
        return f" {low} to {high}"
    return f" {low} or later" if low else f" up to {high}" if high else ""
