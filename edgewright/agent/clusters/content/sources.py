"""Where content comes from: the sources of the host's slice in order, then the registry that a reference names."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Tuple
from urllib.parse import urlsplit

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.content.store import PIECE, ContentStore, is_digest
from edgewright.core.clusters.host_slice import REGISTRY, HostSlice, RegistryLogin
from edgewright.core.errors import EdgewrightError, InvalidInput, Unreachable
from edgewright.oci import media, pull, reference
from edgewright.oci.access import Access
from edgewright.oci.credentials import Login
from edgewright.oci.pace import Limits
from edgewright.oci.reference import Reference
from edgewright.oci.registry import Registry
from edgewright.oci.work import Work

NO_BYTE = 120.0
"""Seconds without a byte after which the next source is asked."""
LIMITS = Limits(wait=NO_BYTE, window=NO_BYTE, least=1)


_LOGIN = "Give the plane a login that may read it: edgewright registry add NAME ADDRESS --user U --password-file F."
STEPS: Dict[str, str] = {
    "NoLogin": _LOGIN,
    "WrongLogin": _LOGIN,
    "Denied": _LOGIN,
    "CertificateRefused": "Give the plane its authority: edgewright registry add NAME ADDRESS --ca FILE.",
    "DigestMismatch": "Do not trust it: push the content again.",
    "ResourceNotFound": "Push it there, or correct the reference in the profile.",
    "MANIFEST_UNKNOWN": "Push it there, or correct the reference in the profile.",
    "NAME_UNKNOWN": "Push it there, or correct the reference in the profile.",
}
"""What an operator does, by the code of the error: a host has neither logins nor authorities of its own."""


class Source(NamedTuple):
    """A registry to pull from: `host` is `HOST[:PORT]`, `path` is put before the repository, `ca` is PEM."""

    host: str
    path: str = ""
    ca: str = ""
    user: str = ""
    password: str = ""
    token: str = ""
    insecure: bool = False

    def __repr__(self) -> str:
        return f"Source({self.host!r}, {self.path!r})"

    def repository(self, ref: Reference) -> str:
        """Return the repository of a reference at this source."""
        return f"{self.path.strip('/')}/{ref.repository}" if self.path else ref.repository


def sources_for(ref: Reference, part: HostSlice) -> List[Source]:
    """Return the sources of a reference in the order in which they are asked; its own registry is always the last."""
    logins = {login.host: login for login in part.sealed.registry_auth}
    result: List[Source] = []
    for item in part.sources:
        if item.kind != REGISTRY:
            continue  # blobs of the plane come by the link, peers with the local API
        place = urlsplit(item.url)
        login = logins.get(place.netloc, RegistryLogin(place.netloc))
        insecure = place.scheme == "http"
        result.append(Source(place.netloc, item.prefix, item.ca, login.username, login.password, login.token, insecure))
    if not any(source.host == ref.registry and not source.path for source in result):
        login = logins.get(ref.registry, RegistryLogin(ref.registry))
        result.append(Source(ref.registry, "", "", login.username, login.password, login.token))
    return result


class Puller:
    """Pulls the parts of one reference into the store; what fails at one source is asked of the next."""

    def __init__(self, store: ContentStore, ref: str, digest: str, part: HostSlice, job: Work) -> None:
        self.store, self.digest, self.job = store, digest, job
        self.carried = ContentStore(store.host, paths.CARRIED)
        self.ref = reference.parse(ref)
        self.sources = sources_for(self.ref, part)
        self._open: Dict[Source, Registry] = {}

    def __enter__(self) -> "Puller":
        return self

    def __exit__(self, *_: object) -> None:
        for registry in self._open.values():
            registry.__exit__()

    def manifest(self, digest: str) -> bytes:
        """Return a manifest by its digest, from the store or a source; it is in the store then."""
        if self.store.has(digest):
            return self.store.read(digest)
        size = self.carried.have(digest)
        if size and self._take(digest, size):
            return self.store.read(digest)
        data: List[bytes] = []

        def ask(registry: Registry) -> None:
            data.append(registry.manifest(digest, f"the manifest of {self.ref.repository}").data)

        self._first(ask)
        self.store.add(data[0])
        return data[0]

    def blob(self, digest: str, size: int) -> None:
        """Bring a blob into the store, continued where it broke off, by whichever source has it."""
        if self.store.has(digest):
            return
        if self._take(digest, size):
            return
        what = f"a part of {self.ref.repository}"

        def ask(registry: Registry) -> None:
            def rest(done: int) -> Iterator[bytes]:
                return pull.rest(registry, digest, size, what, done, False)

            self.store.fill(digest, size, rest, lambda done: self.job.at(done, size))

        self._first(ask)

    def _take(self, digest: str, size: int) -> bool:
        """Take a blob that came with the system of an appliance; False when it is not there, or not what it should be.

        A damaged one does not stop the step: the registries are tried next.
        """
        if not self.carried.has(digest):
            return False

        def rest(done: int) -> Iterator[bytes]:
            with open(self.carried.path(digest), "rb") as file:
                file.seek(done)
                yield from iter(lambda: file.read(PIECE), b"")

        try:
            self.store.fill(digest, size, rest, lambda done: self.job.at(done, size))
        except EdgewrightError as error:
            self.job.step(error.message)
            return False
        return True

    def image(self, architecture: str) -> str:
        """Bring an image with all its parts; return the digest of the manifest for this architecture."""
        digest = self.digest
        data = self.manifest(digest)
        document = media.parsed(data, f"The manifest of {self.ref}")
        if media.of_manifest(data, str(document.get("mediaType") or "")) in media.INDEXES:
            digest = _platform(document, architecture, str(self.ref))
            document = media.parsed(self.manifest(digest), f"The manifest of {self.ref}")
        for part, size in parts(document):
            self.blob(part, size)
        return digest

    def _first(self, ask: Any) -> None:
        problems: List[str] = []
        step = "Check the registry and the network of the site."
        for source in self.sources:
            try:
                ask(self._registry(source))
                return
            except EdgewrightError as error:
                problems.append(f"{source.host}: {_reason(error, source)}")
                step = STEPS.get(error.code, step)  # of the last one that has its own: that of the reference itself
        raise Unreachable(f"{'; '.join(problems)[:600]}.", step, "NoSource")

    def _registry(self, source: Source) -> Registry:
        if source not in self._open:
            named = source.user or source.token
            login = Login(source.user, source.password, source.token, "the plane") if named else None
            access = Access(login, ca_pem=source.ca, certs_d=True, insecure=source.insecure)
            self._open[source] = Registry(
                source.host, source.repository(self.ref), self.job, access=access, limits=LIMITS
            )
        return self._open[source]


def parts(document: Mapping[str, Any]) -> List[Tuple[str, int]]:
    """Return digest and size of everything that a manifest names. Raises `InvalidInput` for one without sizes."""
    result: Dict[str, int] = {}
    for item in [document.get("config"), *_objects(document.get("layers"))]:
        descriptor = media.object_(item)
        digest, size = descriptor.get("digest"), descriptor.get("size")
        if not is_digest(digest) or not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise InvalidInput("A manifest names a part without digest and size.", "Push the image again.")
        result[str(digest)] = size
    return list(result.items())


def _reason(error: EdgewrightError, source: Source) -> str:
    """Return why a source failed, without what only an operator at the host could have set up."""
    if error.code == "NoLogin":
        return f"The registry {source.host} wants a login, and this host has none for it"
    return error.message.rstrip(".")


def _platform(index: Mapping[str, Any], architecture: str, what: str) -> str:
    for item in _objects(index.get("manifests")):
        platform = media.object_(item.get("platform"))
        digest = item.get("digest")
        if platform.get("os") == "linux" and platform.get("architecture") == architecture and is_digest(digest):
            return str(digest)
    raise InvalidInput(f"{what} has no image for linux/{architecture}.", "Push one for this architecture.")


def _objects(value: Any) -> List[Dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
