"""Palette's rule for the name of a provider image, and the names of Kubernetes trees."""

from __future__ import annotations

import re
from typing import NamedTuple

from edgewright.core.errors import InvalidInput
from edgewright.oci.reference import TAG, Reference, parse

_VERSION = re.compile(r"v?(\d+\.\d+\.\d+)((?:[+-][0-9A-Za-z.+-]+)?)")
_CUSTOM = re.compile(r"[a-z0-9]+")
DISTRIBUTIONS = ("kubeadm", "k3s")


class Kubernetes(NamedTuple):
    """A distribution and its version; `version` is x.y.z, `flavour` what follows it (`+k3s1`)."""

    distribution: str
    version: str
    flavour: str = ""

    @property
    def full(self) -> str:
        """The version as the programs print it, e.g. `v1.32.3+k3s1`."""
        return f"v{self.version}{self.flavour}"


def kubernetes(text: str) -> Kubernetes:
    """Return what `kubeadm:1.36.3` or `k3s:v1.32.3+k3s1` means. Raises `InvalidInput`."""
    distribution, colon, version = text.partition(":")
    if not colon or distribution not in DISTRIBUTIONS:
        raise InvalidInput(
            f"{text} names no Kubernetes that a provider image can be built with.",
            "Write kubeadm:VERSION or k3s:VERSION, e.g. kubeadm:1.36.3.",
        )
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InvalidInput(
            f"{version!r} is not a complete version of Kubernetes." if version else f"{text} lacks the version.",
            f"Write all three numbers, e.g. {distribution}:1.36.3.",
        )
    return Kubernetes(distribution, match.group(1), match.group(2))


class Name(NamedTuple):
    """The name of a provider image by Palette's rule: registry and repository as a profile gives them, and the tag."""

    registry: str
    repo: str
    kubernetes: Kubernetes
    pe_version: str
    custom_tag: str = ""

    @property
    def tag(self) -> str:
        """`K8S_DISTRIBUTION-K8S_VERSION-PE_VERSION[-CUSTOM_TAG]`."""
        parts = [self.kubernetes.distribution, self.kubernetes.version, self.pe_version, self.custom_tag]
        return "-".join(part for part in parts if part)

    @property
    def reference(self) -> Reference:
        """The image at its registry."""
        return parse(f"{self.registry}/{self.repo}:{self.tag}")


class TreeName(NamedTuple):
    """The name of a Kubernetes tree: registry and repository, and a tag of its own kind."""

    registry: str
    repo: str
    kubernetes: Kubernetes
    arch: str
    custom_tag: str = ""

    @property
    def tag(self) -> str:
        """`tree-DISTRIBUTION-VERSION-ARCH[-CUSTOM_TAG]`; a `+` in the version becomes `-`."""
        version = self.kubernetes.full.removeprefix("v").replace("+", "-")
        parts = ["tree", self.kubernetes.distribution, version, self.arch, self.custom_tag]
        return "-".join(part for part in parts if part)

    @property
    def reference(self) -> Reference:
        """The tree at its registry."""
        return parse(f"{self.registry}/{self.repo}:{self.tag}")


def tree_name(push: str, kubernetes_: Kubernetes, arch: str, custom_tag: str = "") -> TreeName:
    """Return the name of the tree for `push` (`REGISTRY[/NAMESPACE]/REPO`). Raises `InvalidInput`."""
    checked = name(push, kubernetes_, "v0", custom_tag)
    return TreeName(checked.registry, checked.repo, kubernetes_, arch, custom_tag)


def name(push: str, kubernetes_: Kubernetes, pe_version: str, custom_tag: str = "") -> Name:
    """Return the name of the provider image for `push` (`REGISTRY[/NAMESPACE]/REPO`). Raises `InvalidInput`."""
    if "@" in push or ":" in push.rpartition("/")[2]:
        raise InvalidInput(
            f"{push} must be a registry and a repository alone.", "The tag follows from Palette's rule: leave it out."
        )
    registry, slash, repo = push.removesuffix("/").rpartition("/")
    if not slash or "://" in push:
        raise InvalidInput(
            f"{push} is not a REGISTRY/REPO to push to.", "Write it as e.g. registry.example.com/edge/ubuntu."
        )
    host = registry.partition("/")[0]
    if not ("." in host or ":" in host or host == "localhost"):
        raise InvalidInput(
            f"{host} in {push} is not a valid name of a registry.", "Begin with its host, e.g. docker.io/you/ubuntu."
        )
    if "_" in registry:
        raise InvalidInput(
            f"The registry {registry} contains an underscore, which Palette's rule does not allow.", "Use another name."
        )
    if not TAG.fullmatch(pe_version):
        raise InvalidInput(f"{pe_version!r} is not a version that fits into a tag.", "Write e.g. --pe-version v4.10.0.")
    if custom_tag and not _CUSTOM.fullmatch(custom_tag):
        raise InvalidInput(
            f"{custom_tag!r} is not a custom tag.", "Lower-case letters and digits alone, as Palette's rule wants it."
        )
    made = Name(registry, repo, kubernetes_, pe_version, custom_tag)
    if not TAG.fullmatch(made.tag):
        raise InvalidInput(f"The tag {made.tag} is longer than 128 characters.", "Take a shorter custom tag.")
    parse(f"{registry}/{repo}:{made.tag}")
    return made
