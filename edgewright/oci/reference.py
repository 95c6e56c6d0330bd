"""Image references: `[REGISTRY/]REPOSITORY[:TAG][@DIGEST]`."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from edgewright.core.errors import InvalidInput

DOCKER_HUB = "docker.io"
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?")
_PATH = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


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
        raise InvalidInput(f"{text} is not an image name: it has a scheme.", "Write it as REGISTRY/REPOSITORY:TAG.")
    rest, _, digest = text.partition("@")
    if digest and not _DIGEST.fullmatch(digest):
        raise InvalidInput(f"{digest} in {text} is not a sha256 digest.", "Write it as sha256: and 64 hex digits.")
    first, slash, after = rest.partition("/")
    if slash and (("." in first) or (":" in first) or first == "localhost"):
        registry, rest = first, after
    else:
        registry = DOCKER_HUB
    path, colon, tag = rest.partition(":")
    if registry == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    if not _HOST.fullmatch(registry):
        raise InvalidInput(f"{registry} in {text} is not a valid name of a registry.", "Write it as HOST or HOST:PORT.")
    if not _PATH.fullmatch(path):
        raise InvalidInput(
            f"{path} in {text} is not a valid name of a repository.",
            "Lower-case letters, digits, and . _ - between them.",
        )
    if colon and not TAG.fullmatch(tag):
        raise InvalidInput(f"{tag!r} in {text} is not a valid tag.", "At most 128 of: letters, digits, . _ -")
    return Reference(registry, path, tag, digest)


def is_loopback(registry: str) -> bool:
    """Whether a registry is on this very machine (where plain http cannot be overheard)."""
    host = registry.rpartition(":")[0] if re.search(r":\d+$", registry) else registry
    host = host.strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
