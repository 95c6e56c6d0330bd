"""Packs and Helm charts at OCI registries."""

from __future__ import annotations

from typing import Any, NamedTuple

from edgewright.core.errors import EdgewrightError, InvalidInput, NotFound, Refused
from edgewright.core.packs import versions
from edgewright.core.packs.layers import OCI
from edgewright.oci import media, pull, reference
from edgewright.oci.access import Access
from edgewright.oci.registry import Registry
from edgewright.packs import charts, fetching, reader
from edgewright.packs.archive import MAX_ARCHIVE
from edgewright.packs.fetching import Deadline
from edgewright.packs.reader import LoadedPack

HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
HELM_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
MAX_LISTED = 2_000
_PAGES = 20
_PAGE = 4 * 1024 * 1024


class Place(NamedTuple):
    """A registry and the path below which its packs are."""

    host: str
    base: str = ""

    def repository(self, name: str) -> str:
        """Return the repository of a pack."""
        return f"{self.base}/{name}" if self.base else name


def place_of(endpoint: str, base: str = "") -> Place:
    """Return host and path of `[oci://|https://]HOST[:PORT][/PATH]`. Raises `InvalidInput`, `Refused` without TLS."""
    text = endpoint.strip()
    fetching.refuse_login(text, "The registry")
    for scheme in ("oci://", "https://"):
        text = text.removeprefix(scheme)
    if text.startswith("http://"):
        fetching.web_address(text, "The registry")
        text = text.removeprefix("http://")
    host, _, path = text.strip("/").partition("/")
    joined = "/".join(part for part in (path.strip("/"), base.strip("/")) if part)
    reference.parse(f"{host}/{joined + '/' if joined else ''}x:1")
    if "." not in host and ":" not in host and host != "localhost":
        raise InvalidInput(f"{host} is not the name of a registry.", "Write it as HOST or HOST:PORT, with the path.")
    return Place(host, joined)


def _open(place: Place, repository: str, access: Access, job: Deadline, scope: str = "") -> Registry:
    return Registry(
        place.host, repository, job, access=access, limits=fetching.LIMITS, others=(scope,) if scope else ()
    )


def check(place: Place, access: Access) -> None:
    """Refuse a registry that does not answer, or that does not take the login. Raises `EdgewrightError`."""
    job = Deadline(f"Asking the registry {place.host}", 30.0)
    with _open(place, place.repository("edgewright-check"), access, job) as registry:
        try:
            registry.send("GET", registry.absolute("/v2/"), "the version check", tries=1)
        except NotFound:
            raise Refused(f"{place.host} is not an OCI registry: /v2/ is not there.", "Check host and port.") from None


def tags(place: Place, name: str, access: Access, job: Deadline | None = None) -> list[str]:
    """Return the tags of a pack, newest first. Raises `EdgewrightError`."""
    repository = place.repository(name)
    job = job or Deadline(f"Listing {repository}")
    with _open(place, repository, access, job) as registry:
        results = _pages(registry, registry.url("tags/list?n=1000"), "tags", f"the tags of {repository}")
    return sorted((tag for tag in results if reference.TAG.fullmatch(tag)), key=versions.key, reverse=True)


def names(place: Place, access: Access, job: Deadline | None = None) -> list[str]:
    """Return the packs below the path of a registry, by its catalogue. Raises `EdgewrightError`.

    Many public registries have no catalogue: then their packs are fetched by name.
    """
    job = job or Deadline(f"Listing the registry {place.host}")
    with _open(place, place.repository("edgewright-list"), access, job, "registry:catalog:*") as registry:
        results = _pages(registry, registry.absolute("/v2/_catalog?n=1000"), "repositories", "the catalogue")
    prefix = f"{place.base}/" if place.base else ""
    return sorted({name[len(prefix) :] for name in results if name.startswith(prefix)})


def _pages(registry: Registry, url: str, key: str, what: str) -> list[str]:
    result: list[str] = []
    for _ in range(_PAGES):
        answer = registry.send("GET", url, what, most=_PAGE)
        listed = media.parsed(answer.body, what[:1].upper() + what[1:]).get(key)
        result += [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []
        target = answer.header("Link").partition("<")[2].partition(">")[0]
        if not target or len(result) >= MAX_LISTED:
            break
        url = registry.absolute(target)
    return result[:MAX_LISTED]


def fetch(place: Place, name: str, wanted: str, access: Access, job: Deadline | None = None) -> tuple[LoadedPack, str]:
    """Return a pack or chart by its tag or digest, and the digest of its manifest. Raises `EdgewrightError`."""
    repository = place.repository(name)
    what = f"{place.host}/{repository}:{wanted}"
    job = job or Deadline(f"Fetching {what}")
    with _open(place, repository, access, job) as registry:
        manifest = registry.manifest(wanted, f"the manifest of {what}")
        document = media.parsed(manifest.data, "The manifest")
        if manifest.media_type in media.INDEXES:
            raise InvalidInput(
                f"{what} is an image for several architectures, not a pack.", "Check the name.", "NoPack"
            )
        layer = _layer(document, what)
        size = layer.get("size")
        if not isinstance(size, int) or not 0 < size <= MAX_ARCHIVE:
            raise InvalidInput(
                f"{what} has more than {MAX_ARCHIVE // 1024**2} MiB.", "Leave out what is big.", "TooBig"
            )
        data = b"".join(pull.blob(registry, str(layer.get("digest")), size, f"the content of {what}"))
    if layer.get("mediaType") == HELM_CHART:
        return reader.from_chart(charts.of_archive(data, what), OCI), manifest.digest
    return reader.from_archive(data, what), manifest.digest


def _layer(document: dict[str, Any], what: str) -> dict[str, Any]:
    """Return the layer with the archive: that of a chart, else the only tar. Raises `InvalidInput`."""
    config = media.object_(document.get("config")).get("mediaType")
    layers = media.objects(document.get("layers"))
    for layer in layers:
        if layer.get("mediaType") == HELM_CHART:
            return layer
    if config == HELM_CONFIG:
        raise InvalidInput(f"{what} is a Helm chart without an archive.", "Push it again: helm push.", "NoPack")
    archives = [layer for layer in layers if _is_archive(layer)]
    if len(archives) != 1:
        raise InvalidInput(
            f"{what} is not a pack: it has {len(archives)} archives.",
            "Push a pack as one .tar.gz, for example with: oras push.",
            "NoPack",
        )
    return archives[0]


def _is_archive(layer: dict[str, Any]) -> bool:
    title = str(media.object_(layer.get("annotations")).get("org.opencontainers.image.title") or "").lower()
    kind = str(layer.get("mediaType") or "").lower()
    return (
        title.endswith((".tar.gz", ".tgz", ".tar")) or "tar" in kind.replace("+", ".").split(".") or "tar+gzip" in kind
    )


def catalogue_problem(error: EdgewrightError) -> bool:
    """Return whether an error means that a registry has no catalogue, and not that it cannot be reached."""
    return isinstance(error, NotFound | Refused | InvalidInput)
