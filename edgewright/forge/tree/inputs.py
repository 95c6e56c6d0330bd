"""The files of a Kubernetes tree, from a folder laid out so or from separate ones, and all that is wrong with them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import Cancelled, DocumentProblem, EdgewrightError, InvalidInput, NotFound
from edgewright.forge.image import checks, elf, inputs
from edgewright.forge.image.elf import Library
from edgewright.forge.progress import Job
from edgewright.forge.registry import store
from edgewright.forge.registry.reference import Kubernetes
from edgewright.forge.registry.spool import Spool
from edgewright.forge.tree import images as tree_images
from edgewright.forge.tree.images import ArchiveImage, Needed
from edgewright.forge.tree.layout import Layout
from edgewright.forge.tree.parts import FOLDERS, PARTS, SOURCES, templates

CODE = "TreePart"
VERSIONS = "VERSIONS"
"""A file of a tree's folder: lines of a program and its version, for programs that Kubernetes does not version."""


@dataclass(frozen=True)
class Sources:
    """Where the parts are: one folder with all of them, or a folder for each (which then wins)."""

    folder: Path | None = None
    binaries: Path | None = None
    cni: Path | None = None
    images: tuple[str, ...] = ()
    templates: Path | None = None
    checksums: Path | None = None
    ca: Path | None = None

    def of(self, name: str, own: Path | None) -> Path | None:
        """Return the folder of one kind of part, None where there is none."""
        if own is not None:
            return own / name if (own / name).is_dir() else own
        return self.folder / name if self.folder is not None and (self.folder / name).is_dir() else None


class Tree(NamedTuple):
    """What goes into a tree: files by path, what the programs need of a host, the images, and what is wrong."""

    files: tuple[inputs.Input, ...]
    data: dict[str, bytes]
    libraries: dict[str, tuple[Library, ...]]
    images: tuple[ArchiveImage, ...]
    needed: Needed
    problems: tuple[DocumentProblem, ...]
    notes: tuple[str, ...]
    versions: dict[str, str]
    """Versions of programs that are not Kubernetes' own, from the file VERSIONS."""


def check_places(sources: Sources) -> None:
    """Raise `NotFound` for a folder that is not there, `InvalidInput` for one that has nothing of a tree."""
    for option, path in (("--tree", sources.folder), ("--binaries", sources.binaries), ("--cni", sources.cni),
                         ("--templates", sources.templates)):  # fmt: skip
        if path is not None and not path.is_dir():
            raise NotFound(f"There is no directory {path} ({option}).", "Check its path.")
    if sources.folder is not None and not any((sources.folder / name).is_dir() for name in FOLDERS):
        raise InvalidInput(
            f"{sources.folder} has none of {', '.join(f'{name}/' for name in FOLDERS)}.",
            "Lay out the tree like this, or give --binaries, --cni, --images and --templates.",
        )


def gather(sources: Sources, kubernetes: Kubernetes, arch: str, spool: Spool, job: Job, *, deep: bool) -> Tree:
    """Return the files of a tree and all that is wrong with them; `deep` also reads every program and layer."""
    reader = _Reader(sources, kubernetes, arch, spool, job, deep)
    parts = PARTS[kubernetes.distribution]
    reader.programs("bin", sources.of("bin", sources.binaries), (*parts.own, *parts.programs), "--binaries")
    reader.programs("cni", sources.of("cni", sources.cni), parts.cni, "--cni")
    data = reader.templates(sources.of("templates", sources.templates))
    images = reader.images()
    versions = reader.versions()
    kubeadm = next((file.path for file in reader.files if file.name == "bin/kubeadm"), None)
    needed, wrong = tree_images.judge(kubernetes, images, kubeadm)
    if sources.folder is not None:
        known = {*FOLDERS, "SHA256SUMS", VERSIONS}
        stray = sorted(path.name for path in sources.folder.iterdir() if path.name not in known)
        reader.notes += [f"Not part of a tree, left out: {', '.join(stray)}."] if stray else []
    if reader.libraries:
        programs = ", ".join(key.rpartition("/")[2] for key in sorted(reader.libraries))
        reader.notes.append(f"Not static, so that their libraries are among what hosts must have: {programs}.")
    return Tree(
        tuple(sorted(reader.files, key=lambda file: file.name)),
        {**data, **reader.documents},
        reader.libraries,
        tuple(images),
        needed,
        (*reader.problems, *wrong),
        tuple(reader.notes),
        versions,
    )


class _Reader:
    """Collects files, libraries and problems."""

    def __init__(self, sources: Sources, kubernetes: Kubernetes, arch: str, spool: Spool, job: Job, deep: bool) -> None:
        self._sources, self._kubernetes, self._arch = sources, kubernetes, arch
        self._spool, self._job, self._deep = spool, job, deep
        self._sums = checks.read_checksums(sources.checksums)
        own = sources.folder / "SHA256SUMS" if sources.folder is not None else None
        self._own = checks.read_checksums(own if own is not None and own.is_file() else None)
        self.files: list[inputs.Input] = []
        self.libraries: dict[str, tuple[Library, ...]] = {}
        self.problems: list[DocumentProblem] = []
        self.notes: list[str] = []
        self.documents: dict[str, bytes] = {}
        """Files of `images/` that are written here, by their places in the tree."""

    def _wrong(self, key: str, message: str, hint: str) -> None:
        self.problems.append(DocumentProblem(key, message, hint, CODE))

    def versions(self) -> dict[str, str]:
        """Return the versions that the folder's file VERSIONS names; lines of another form are a problem."""
        path = self._sources.folder / VERSIONS if self._sources.folder is not None else None
        if path is None or not path.is_file():
            return {}
        lines = [line.split() for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
        if any(len(fields) != 2 or len(fields[1]) > 64 for fields in lines):
            self._wrong(VERSIONS, "A line is not a program and its version.", "Write lines such as: containerd 2.1.9")
            return {}
        return {fields[0]: fields[1] for fields in lines}

    def programs(self, name: str, folder: Path | None, needed: tuple[str, ...], option: str) -> None:
        """Take the programs of a folder; all that are needed must be there."""
        present = sorted(folder.iterdir()) if folder is not None else []
        there = {path.name for path in present}
        for program in needed:
            if program not in there:
                source = SOURCES.get(program, "the CNI plug-ins" if name == "cni" else "the release of Kubernetes")
                self._wrong(f"{name}/{program}", "It is missing.", f"Put it there ({source}), or give {option} DIR.")
        for path in present:
            self._program(f"{name}/{path.name}", path, there)

    def _program(self, key: str, path: Path, there: set[str]) -> None:
        target = path.resolve()
        if path.is_symlink() and target.parent == path.parent.resolve() and target.name in there - {path.name}:
            self.files.append(inputs.Input("program", key, path, "", str(path), link=target.name))
            self._check_version(key, target)
            return
        if not target.is_file():
            self._wrong(key, "It is not a file.", "Only programs belong there.")
            return
        if not target.stat().st_mode & 0o111:
            self._wrong(key, "It is not executable.", f"chmod 755 {shlex.quote(str(path))}")
        try:
            facts = elf.read(target)
        except elf.NotElf as error:
            self._wrong(key, f"It {error}.", "Give the program itself, not a script or an archive.")
            return
        except OSError as error:
            self._wrong(key, f"It cannot be read: {error.strerror or error}.", "Check its rights.")
            return
        if facts.machine != self._arch:
            self._wrong(key, f"It is for {facts.machine}, not for {self._arch}.", f"Take the one for {self._arch}.")
        if not facts.static:
            self._dynamic(key, facts)
        self._check_version(key, target)
        self.files.append(inputs.Input("program", key, target, self._sum(key, target), str(path)))

    def _dynamic(self, key: str, facts: elf.Elf) -> None:
        names = ", ".join(library.name for library in facts.libraries) or facts.interpreter
        if key.removeprefix("bin/") in PARTS[self._kubernetes.distribution].own:
            hint = "Take upstream's release, or build it with CGO_ENABLED=0."
            self._wrong(key, f"It is not static: it needs {names} of the host.", hint)
            return
        libraries = facts.libraries or (Library(facts.interpreter.rpartition("/")[2]),)
        self.libraries[key] = libraries

    def _check_version(self, key: str, path: Path) -> None:
        own = PARTS[self._kubernetes.distribution].own
        wanted = self._deep and key.startswith("bin/") and key[4:] in own and path.is_file()
        if wanted and not checks.names_version(path, self._kubernetes, self._job):
            full = self._kubernetes.full
            self._wrong(key, f"It does not have {full} written in it.", f"Take the one of {full}, or name its version.")

    def _sum(self, key: str, path: Path) -> str:
        if not self._deep:
            return ""
        self._job.step(f"checking {key}")
        digest = checks.sha256(path, self._job)
        for sums in (self._own, self._sums):
            try:
                sums.check(key, digest)
            except InvalidInput as error:
                self.problems.append(DocumentProblem(key, error.message, error.hint, error.code))
        return digest

    def templates(self, folder: Path | None) -> dict[str, bytes]:
        """Return the templates that the forge brings for those that are not given; take those that are."""
        result = templates(self._kubernetes.distribution)
        own = []
        for path in sorted(folder.iterdir()) if folder is not None else []:
            key = f"templates/{path.name}"
            if not path.is_file() or path.stat().st_size > 1 << 20:
                self._wrong(key, "It is not a file, or larger than 1 MiB.", "Only templates belong there.")
                continue
            result.pop(path.name, None)
            own.append(path.name)
            self.files.append(inputs.Input("template", key, path, self._sum(key, path), str(path)))
        if own and result:
            self.notes.append(f"Templates of Edgewright's own are used for {', '.join(sorted(result))}.")
        return {f"templates/{name}": data for name, data in sorted(result.items())}

    def images(self) -> list[ArchiveImage]:
        """Take the archives of images and return what is in them; hosts of kubeadm get them as one OCI layout."""
        taken: list[tuple[store.Store, Path, str, list[ArchiveImage]]] = []
        for key, path, source in self._archives():
            try:
                files: store.Store = store.Folder(path) if path.is_dir() else store.Tar(path)
                self._job.step(f"checking {key}")
                taken.append(
                    (files, path, source, tree_images.read(files, key, self._arch, self._job, deep=self._deep))
                )
            except EdgewrightError as error:
                if isinstance(error, Cancelled):
                    raise
                self.problems.append(tree_images.as_problem(key, error))
                continue
            if path.is_file():
                digest = self._sum(key, path)
                if self._kubernetes.distribution != "kubeadm":
                    self.files.append(inputs.Input("images", key, path, digest, source))
        matches = [image for *_, images in taken for image in images]
        doubled = {image.name for image in matches if sum(other.name == image.name for other in matches) > 1}
        for name in sorted(doubled):
            self._wrong("images", f"{name} is in two archives.", "Remove one of them.")
        if [path for _, path, _, _ in taken if path.is_dir()] and len(taken) == 1:
            self._layout("images", taken[0][1])
        elif self._deep and not self.problems and self._kubernetes.distribution == "kubeadm":
            matches = self._merged(taken)
        return matches

    def _merged(self, taken: list[tuple[store.Store, Path, str, list[ArchiveImage]]]) -> list[ArchiveImage]:
        """Make one OCI layout of all archives; returns the images with the digests of their manifests."""
        self._job.step("writing images as one OCI layout")
        merged = Layout(self._spool, self._job)
        matches = [image for files, _, source, images in taken for image in merged.add(files, images, source)]
        self.files += merged.files()
        self.documents = merged.documents()
        return matches

    def _layout(self, key: str, folder: Path) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = f"{key}/{path.relative_to(folder).as_posix()}"
                self.files.append(inputs.Input("images", name, path, self._sum(name, path), str(path)))

    def _archives(self) -> Iterator[tuple[str, Path, str]]:
        """Yield key, plain archive (or folder of a layout) and source of each; what cannot be taken is a problem."""
        folder = self._sources.folder / "images" if self._sources.folder is not None else None
        given = list(self._sources.images) or ([str(folder)] if folder is not None and folder.is_dir() else [])
        wanted = inputs.Wanted(self._kubernetes, self._arch, self._sums, self._sources.ca)
        seen: set[str] = set()
        for where in given:
            path = Path(where)
            if (path / "oci-layout").is_file():
                yield "images", path, where
                continue
            try:
                archives = list(inputs.archives(where, wanted, self._spool, self._job))
            except NotFound as error:
                self.problems.append(tree_images.as_problem("images", error))
                continue
            for file, source in archives:
                key = f"images/{inputs.tar_name(inputs.last_name(source))}"
                if key in seen:
                    self._wrong(key, "Two archives have this name.", "Rename one of them.")
                    continue
                seen.add(key)
                yield key, inputs.plain(file, self._spool, self._job), source
