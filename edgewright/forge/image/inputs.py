"""Kubernetes' programs and images for a provider image: from files, URLs, images, or a folder of the lab's build.

A folder: the programs in it or in its `bin/`; archives of images in its `images/` are taken when no others are named,
and a `SHA256SUMS` in it is checked. What comes from a URL must be in the file of checksums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import InvalidInput, NotFound
from edgewright.forge.image import checks
from edgewright.forge.progress import Job
from edgewright.forge.registry import download, layers
from edgewright.forge.registry.layers import Source
from edgewright.forge.registry.reference import Kubernetes
from edgewright.forge.registry.spool import Spool

PROGRAMS = {"kubeadm": ("kubeadm", "kubelet", "kubectl"), "k3s": ("k3s",)}
FURTHER = {"kubeadm": ("crictl", "etcdctl"), "k3s": ()}
"""Taken along when they are there."""
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst")
BIN_FOLDERS = ("", "bin/", "usr/bin/", "usr/local/bin/", "go-runner/", "kubernetes/node/bin/", "kubernetes/server/bin/")


class Input(NamedTuple):
    """One file that goes into the image: `kind` is `binary` or `images`; a `link` names another program instead."""

    kind: str
    name: str
    path: Path
    sha256: str
    source: str
    link: str = ""
    images: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """Return it for the manifest of the build."""
        reported: dict[str, object] = {"kind": self.kind, "file": self.name, "source": self.source}
        if self.link:
            return reported | {"link": self.link}
        reported |= {"size": self.path.stat().st_size, "sha256": self.sha256}
        return reported | ({"images": list(self.images)} if self.images else {})


class Wanted(NamedTuple):
    """What to gather: for which Kubernetes and machine, verified by which sums, with which CA."""

    kubernetes: Kubernetes
    arch: str
    sums: checks.Checksums
    ca: Path | None = None


def check_place(where: str) -> None:
    """Raise `NotFound` for programs that are to come from a path where nothing is."""
    if where and not where.startswith("image:") and not download.is_url(where) and not Path(where).exists():
        raise NotFound(f"There is no directory {where} with the programs of Kubernetes.", "Check --binaries.")


def binaries(where: str, wanted: Wanted, spool: Spool, job: Job, image: Callable[[str], Source]) -> list[Input]:
    """Return the programs from a folder, a URL or an image. Raises `NotFound`, `InvalidInput` and others."""
    if where.startswith("image:"):
        result = _from_image(where, wanted, spool, job, image(where.removeprefix("image:")))
    elif download.is_url(where):
        result = _from_url(where, wanted, spool, job)
    elif Path(where).is_file():
        result = _from_archive(Path(where), where, wanted, spool, job)
    else:
        result = _from_folder(Path(where), wanted, job)
    names = {item.name for item in result}
    for name in PROGRAMS[wanted.kubernetes.distribution]:
        if name not in names:
            raise NotFound(
                f"{where} has no {name}.",
                f"It must contain {', '.join(PROGRAMS[wanted.kubernetes.distribution])} (or have them in bin/).",
            )
    for item in result:
        if not item.link:
            checks.machine(item.path, wanted.arch)
    return sorted(result, key=lambda item: item.name)


def _names(wanted: Wanted) -> tuple[str, ...]:
    distribution = wanted.kubernetes.distribution
    return PROGRAMS[distribution] + FURTHER[distribution]


def _from_folder(folder: Path, wanted: Wanted, job: Job) -> list[Input]:
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder} with the programs of Kubernetes.", "Check --binaries.")
    own = checks.read_checksums(folder / "SHA256SUMS") if (folder / "SHA256SUMS").is_file() else wanted.sums
    matches: dict[str, Input] = {}
    for name in _names(wanted):
        path = _first([folder / sub / file for sub in ("", "bin") for file in (name, f"{name}-{wanted.arch}")])
        if path is None:
            continue
        target = path.resolve()
        if path.is_symlink() and target.name != name and target.parent == path.parent.resolve():
            matches[name] = Input("binary", name, path, "", str(path), link=target.name)  # one program of many names
            name, path = target.name, target
            if name in matches:
                continue
        job.step(f"checking {name}")
        digest = checks.sha256(path, job)
        for sums in (own, wanted.sums):
            sums.check(str(path.relative_to(folder.resolve() if path == target else folder)), digest)
        matches[name] = Input("binary", name, path, digest, str(path))
    return list(matches.values())


def _first(paths: list[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def _from_url(url: str, wanted: Wanted, spool: Spool, job: Job) -> list[Input]:
    """Fetch `URL/NAME` for each program, or one archive that contains them."""
    if url.endswith(ARCHIVES):
        path = _fetched(url, wanted, spool, job)
        return _from_archive(path, url, wanted, spool, job, checked=True)
    matches, distribution = [], wanted.kubernetes.distribution
    for name, source in zip(PROGRAMS[distribution], _urls(url, distribution), strict=True):
        path = _fetched(source, wanted, spool, job)
        matches.append(Input("binary", name, path, checks.sha256(path, job), source))
    return matches


def require_sums(binaries_: str, images_: Sequence[str], distribution: str, sums: checks.Checksums) -> None:
    """Raise `InvalidInput` for the first file that comes from a URL and has no checksum."""
    urls = [url for url in images_ if download.is_url(url)]
    if download.is_url(binaries_):
        urls = [*_urls(binaries_, distribution), *urls]
    for url in urls:
        if sums.of(last_name(url)) is None:
            raise InvalidInput(
                f"{last_name(url)} comes from {url} and has no checksum.",
                "List its sha256 in a file and give it with --checksums.",
                "NoChecksum",
            )


def last_name(url: str) -> str:
    """Return the file name in a URL or a path."""
    return url.partition("?")[0].rpartition("/")[2]


def _urls(url: str, distribution: str) -> list[str]:
    """Return what is fetched for a URL of programs: one archive or program, or each program below it."""
    names = PROGRAMS[distribution]
    if url.endswith(ARCHIVES) or (len(names) == 1 and not url.endswith("/")):
        return [url]
    return [f"{url.rstrip('/')}/{name}" for name in names]


def _fetched(url: str, wanted: Wanted, spool: Spool, job: Job) -> Path:
    name = last_name(url)
    job.step(f"fetching {name}")
    path = spool.fresh(name)
    with spool.room():
        digest = download.download(url, path, job, wanted.ca)
    wanted.sums.check(name, digest)
    return path


def _from_archive(
    path: Path, source: str, wanted: Wanted, spool: Spool, job: Job, *, checked: bool = False
) -> list[Input]:
    if not checked:
        job.step(f"checking {path.name}")
        wanted.sums.check(path.name, checks.sha256(path, job))
    job.step(f"unpacking {path.name}")
    return _taken(read(path), source, wanted, spool, job, path.stat().st_size)


def _from_image(where: str, wanted: Wanted, spool: Spool, job: Job, image: Source) -> list[Input]:
    matches: dict[str, Input] = {}
    for number, blob in enumerate(image.layers, 1):
        job.step(f"looking for programs in layer {number} of {len(image.layers)} of {where}")
        for item in _taken(image.read(blob), where, wanted, spool, job, blob.size):
            matches[item.name] = item  # upper layers win
    return list(matches.values())


def _taken(pieces: Iterator[bytes], source: str, wanted: Wanted, spool: Spool, job: Job, total: int) -> list[Input]:
    names = _names(wanted)

    def place(name: str) -> Path | None:
        folder, _, last = name.rpartition("/")
        fits = last in names and (f"{folder}/" if folder else "") in BIN_FOLDERS
        return spool.fresh(last) if fits else None

    with spool.room():
        taken = layers.take_out(pieces, place, job, total)
    matches = []
    for name, path in taken.items():
        digest = checks.sha256(path, job)
        last = name.rpartition("/")[2]
        wanted.sums.check(last, digest)
        matches.append(Input("binary", last, path, digest, f"{source}#{name}"))
    return matches


def images(given: list[str], folder: str, wanted: Wanted, spool: Spool, job: Job) -> list[Input]:
    """Return the archives of images from files, folders and URLs; else those in `images/` of the programs' folder.

    A compressed one is decompressed: on the host they are looked for as *.tar. Raises `NotFound`, `InvalidInput`.
    """
    if not given and folder and not download.is_url(folder) and (Path(folder) / "images").is_dir():
        given = [str(Path(folder) / "images")]
    matches: dict[str, Input] = {}
    for where in given:
        for path, source, checked in _archives(where, wanted, spool, job):
            name = path.name if not download.is_url(source) else last_name(source)
            job.step(f"checking {name}")
            digest = checks.sha256(path, job)
            if not checked:
                wanted.sums.check(name, digest)
            tar = plain(path, spool, job)
            digest = digest if tar == path else checks.sha256(tar, job)
            name = tar_name(name)
            if name in matches:
                raise InvalidInput(f"Two archives of images are named {name}.", "Rename one of them.")
            matches[name] = Input("images", name, tar, digest, source, images=checks.archive(tar, job).names)
    return [matches[name] for name in sorted(matches)]


def archives(where: str, wanted: Wanted, spool: Spool, job: Job) -> Iterator[tuple[Path, str]]:
    """Yield path and source of each archive of images that `where` (file, folder, URL) names, by name.

    Raises `NotFound` for a place without any.
    """
    for path, source, _ in _archives(where, wanted, spool, job):
        yield path, source


def _archives(where: str, wanted: Wanted, spool: Spool, job: Job) -> Iterator[tuple[Path, str, bool]]:
    if download.is_url(where):
        yield _fetched(where, wanted, spool, job), where, True
        return
    path = Path(where)
    if path.is_dir():
        listed = sorted(p for p in path.iterdir() if p.is_file() and _is_archive(p.name))
        if not listed:
            raise NotFound(
                f"The directory {path} contains no archives of images.", "They end with .tar, .tar.gz or .tar.zst."
            )
        yield from ((item, str(item), False) for item in listed)
    elif path.is_file():
        yield path, str(path), False
    else:
        raise NotFound(f"There is no archive of images {path}.", "Check --images.")


def _is_archive(name: str) -> bool:
    return name.endswith(ARCHIVES)


def tar_name(name: str) -> str:
    """Return the name of an archive once it is not compressed."""
    for end in (".tar.gz", ".tar.zst", ".tgz", ".tar"):
        if name.endswith(end):
            return name.removesuffix(end) + ".tar"
    return name + ".tar"


def plain(path: Path, spool: Spool, job: Job) -> Path:
    """Return the archive itself where it is not compressed, else its tar in the spool."""
    if not layers.magic(path).startswith((layers.GZIP, layers.ZSTD)):
        return path
    target = spool.fresh("images.tar")
    with spool.room(), target.open("wb") as out:
        for piece in layers.plain(read(path)):
            job.check()
            out.write(piece)
    return target


def read(path: Path) -> Iterator[bytes]:
    """Yield a file piece by piece."""
    with path.open("rb") as stream:
        while data := stream.read(1 << 18):
            yield data
