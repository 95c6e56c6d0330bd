"""Names of images: how a reference is written, and Palette's rule for the name of a provider image."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from edgewright.core.errors import InvalidInput

DOCKER_HUB = "docker.io"
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?")
_PATH = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_VERSION = re.compile(r"v?(\d+\.\d+\.\d+)((?:[+-][0-9A-Za-z.+-]+)?)")
_CUSTOM = re.compile(r"[a-z0-9]+")
DISTRIBUTIONS = ("kubeadm", "k3s")


class Reference(NamedTuple):
    """One image at a registry; `tag` or `digest` may be empty."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        """Return it as people write it."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.registry}/{self.repository}{tag}{'@' + self.digest if self.digest else ''}"

    @property
    def wanted(self) -> str:
        """What a registry is asked for: the digest where there is one, else the tag."""
        return self.digest or self.tag or "latest"


def parse(text: str) -> Reference:
    """Return the parts of `[REGISTRY/]REPOSITORY[:TAG][@sha256:...]`. Raises `InvalidInput`.

    A name without a registry is Docker Hub's, as every other tool reads it.
    """
    if "://" in text:
        raise InvalidInput(f"{text} is no image name: it has a scheme.", "Write it as REGISTRY/REPOSITORY:TAG.")
    rest, _, digest = text.partition("@")
    if digest and not _DIGEST.fullmatch(digest):
        raise InvalidInput(f"{digest} in {text} is no sha256 digest.", "Write it as sha256: and 64 hex digits.")
    first, slash, after = rest.partition("/")
    if slash and (("." in first) or (":" in first) or first == "localhost"):
        registry, rest = first, after
    else:
        registry = DOCKER_HUB
    path, colon, tag = rest.partition(":")
    if registry == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    if not _HOST.fullmatch(registry):
        raise InvalidInput(f"{registry} in {text} is no name of a registry.", "Write it as HOST or HOST:PORT.")
    if not _PATH.fullmatch(path):
        raise InvalidInput(
            f"{path} in {text} is no name of a repository.", "Lower-case letters, digits, and . _ - between them."
        )
    if colon and not _TAG.fullmatch(tag):
        raise InvalidInput(f"{tag!r} in {text} is no tag.", "At most 128 of: letters, digits, . _ -")
    return Reference(registry, path, tag, digest)


class Kubernetes(NamedTuple):
    """A distribution and its version; `version` is x.y.z, `flavour` what follows it (`+k3s1`)."""

    distribution: str
    version: str
    flavour: str = ""

    @property
    def full(self) -> str:
        """The version as the programs say it, e.g. `v1.32.3+k3s1`."""
        return f"v{self.version}{self.flavour}"


def kubernetes(text: str) -> Kubernetes:
    """Return what `kubeadm:1.36.3` or `k3s:v1.32.3+k3s1` means. Raises `InvalidInput`."""
    distribution, colon, version = text.partition(":")
    if not colon or distribution not in DISTRIBUTIONS:
        raise InvalidInput(
            f"{text} names no Kubernetes that a provider image can be built with.",
            "Write kubeadm:VERSION or k3s:VERSION, e.g. kubeadm:1.36.3.",
        )
    found = _VERSION.fullmatch(version)
    if found is None:
        raise InvalidInput(
            f"{version!r} is no whole version of Kubernetes." if version else f"{text} lacks the version.",
            f"Write all three numbers, e.g. {distribution}:1.36.3.",
        )
    return Kubernetes(distribution, found.group(1), found.group(2))


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
            f"{push} is no REGISTRY/REPO to push to.", "Write it as e.g. registry.example.com/edge/ubuntu."
        )
    host = registry.partition("/")[0]
    if not ("." in host or ":" in host or host == "localhost"):
        raise InvalidInput(
            f"{host} in {push} is no name of a registry.", "Begin with its host, e.g. docker.io/you/ubuntu."
        )
    if "_" in registry:
        raise InvalidInput(
            f"The registry {registry} holds an underscore, which Palette's rule does not allow.", "Use another name."
        )
    if not _TAG.fullmatch(pe_version):
        raise InvalidInput(f"{pe_version!r} is no version that fits into a tag.", "Write e.g. --pe-version v4.10.0.")
    if custom_tag and not _CUSTOM.fullmatch(custom_tag):
        raise InvalidInput(
            f"{custom_tag!r} is no custom tag.", "Lower-case letters and digits alone, as Palette's rule wants it."
        )
    made = Name(registry, repo, kubernetes_, pe_version, custom_tag)
    if not _TAG.fullmatch(made.tag):
        raise InvalidInput(f"The tag {made.tag} is longer than 128 characters.", "Take a shorter custom tag.")
    parse(f"{registry}/{repo}:{made.tag}")
    return made


def is_loopback(registry: str) -> bool:
    """Whether a registry is on this very machine (where plain http cannot be overheard)."""
    host = registry.rpartition(":")[0] if re.search(r":\d+$", registry) else registry
    host = host.strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
