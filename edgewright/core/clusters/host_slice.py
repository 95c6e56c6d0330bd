"""What one host alone receives for a cluster: its secrets and where it fetches from. Never relayed, never in a digest.

A control plane has the cluster secret, a worker only the secret derived for it; neither shows in a `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Tuple, Union

from edgewright.core.clusters.document import SHA256_OR_EMPTY, UID
from edgewright.core.clusters.fields import Choice, Integer, ListOf, MapOf, Notes, Record, Text, parse
from edgewright.core.errors import InvalidDocument

MAX_SLICE = 1024 * 1024
REGISTRY, BLOBS, PEER = "registry", "blobs", "peer"


@dataclass(frozen=True)
class RegistryLogin:
    """A login at a registry, `host` with its port."""

    host: str
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Source:
    """A place that content comes from; they are tried in order.

    `registry`: base address of a registry; `blobs`: the plane; `peer`: a member. `ca` is PEM, `prefix` is put before
    the repository.
    """

    kind: str
    url: str
    ca: str = ""
    prefix: str = ""


@dataclass(frozen=True)
class Sealed:
    """Secrets. `cluster_secret` (S) and `host_secret` are 64 hex digits; a host has one of them.

    `agent_token` is what a worker of k3s joins with, which it cannot derive. `version` rises when S is
    replaced. `masked_values` are blobs of values by layer whose content is secret.
    """

    version: int = 1
    cluster_secret: str = field(default="", repr=False)
    host_secret: str = field(default="", repr=False)
    agent_token: str = field(default="", repr=False)
    registry_auth: Tuple[RegistryLogin, ...] = ()
    masked_values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class HostSlice:
    """The part of one host."""

    sealed: Sealed = Sealed()
    sources: Tuple[Source, ...] = ()


_LINE = r"[^\x00-\x1f\x7f]*"
_URL = Text("an address such as https://registry.example:5000", r"https?://[^\s\x00-\x1f\x7f]+", 2048, 8)
_LOGIN = Record(
    RegistryLogin,
    host=Text("the host of a registry", r"[0-9A-Za-z.:\[\]-]+", 260, 1),
    username=Text("one line of text", _LINE, 1024),
    password=Text("one line of text", _LINE, 16_384),
    token=Text("one line of text", _LINE, 16_384),
)
_SEALED = Record(
    Sealed,
    version=Integer(1, 1_000_000),
    cluster_secret=SHA256_OR_EMPTY,
    host_secret=SHA256_OR_EMPTY,
    agent_token=SHA256_OR_EMPTY,
    registry_auth=ListOf(_LOGIN, 50),
    masked_values=MapOf(UID, Text("text", r"[\s\S]*", 512 * 1024), 200),
)
_SOURCE = Record(
    Source,
    kind=Choice((REGISTRY, BLOBS, PEER)),
    url=_URL,
    ca=Text("certificates in PEM", r"[\x20-\x7e\r\n\t]*", 64 * 1024),
    prefix=Text("a path", r"[A-Za-z0-9._/-]*", 255),
)
SLICE = Record(HostSlice, sealed=_SEALED, sources=ListOf(_SOURCE, 50))


def read_slice(value: Union[bytes, str, Mapping[str, Any]]) -> HostSlice:
    """Return the part of a host. Raises `InvalidDocument`, whose sentences never contain a secret."""
    notes = Notes()
    body: Any = value
    if isinstance(value, (bytes, str)):
        body = parse(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value, MAX_SLICE, notes)
    result = SLICE.read(body, "", notes) if not notes.problems else None
    if isinstance(result, HostSlice) and not notes.problems:
        if not (result.sealed.cluster_secret and result.sealed.host_secret):
            return result
        notes.add("sealed", "has the secret of the cluster and that of a host; a host has one of them")
    covered = [
        problem._replace(message=problem.message.partition(", not '")[0])
        if problem.key.startswith("sealed")
        else problem
        for problem in notes.problems
    ]
    raise InvalidDocument("The host's part of the cluster document", covered)


def slice_json(part: HostSlice) -> Dict[str, Any]:
    """Return the JSON form, with its secrets: only for the reply to that host."""
    result: Dict[str, Any] = SLICE.write(part, True)
    return result
