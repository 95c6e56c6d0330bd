"""The container images of a tree: archives (OCI, or docker save's) that are complete and for the right machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.core.errors import DocumentProblem, EdgewrightError, InvalidInput
from edgewright.forge.image import checks
from edgewright.forge.image.bases import REF_NAME, one_platform
from edgewright.forge.progress import Job
from edgewright.forge.registry import layers, store
from edgewright.forge.registry.reference import Kubernetes
from edgewright.oci import media
from edgewright.oci.registry import Manifest

CODE = "TreeImages"
NAME_KEYS = ("io.containerd.image.name", REF_NAME)


class ArchiveImage(NamedTuple):
    """An image of an archive: its full name, digest and size in bytes (layers and configuration).

    The digest is that of its manifest; for docker's form that of its configuration.
    """

    name: str
    digest: str
    size: int


def read(files: store.Store, what: str, arch: str, job: Job, *, deep: bool) -> list[ArchiveImage]:
    """Return the images of an archive or an OCI layout; `deep` reads every layer and compares its digest.

    Raises `InvalidInput` for the first thing that is wrong in it, `NotFound` for a part that is missing.
    """
    names = set(files.names())
    if "index.json" in names and "oci-layout" in names:
        return list(_layout(files, what, arch, job, deep=deep))
    if "manifest.json" in names:
        return list(_docker(files, what, arch, job, deep=deep))
    raise InvalidInput(
        f"{what} is not an archive of images.",
        "Write it with: skopeo copy docker://IMAGE oci-archive:FILE:IMAGE (with the full name behind the file).",
        CODE,
    )


def _layout(files: store.Store, what: str, arch: str, job: Job, *, deep: bool) -> Iterator[ArchiveImage]:
    index = media.parsed(store.small(files, "index.json"), f"index.json of {what}")
    entries, there = media.objects(index.get("manifests")), frozenset(files.names())
    if not entries:
        raise InvalidInput(f"{what} has no image in it.", "Write it again.", CODE)

    def load(digest: str) -> Manifest:
        data = b"".join(store.verified(files, digest, f"A manifest of {what}"))
        return Manifest(data, media.of_manifest(data, ""), digest)

    for entry in entries:
        notes = media.object_(entry.get("annotations"))
        name = next((str(notes[key]) for key in NAME_KEYS if notes.get(key)), "")
        if "/" not in name or ":" not in name.rpartition("/")[2]:
            raise InvalidInput(
                f"An image of {what} has no full name (annotation {NAME_KEYS[0]}): {name or 'none'}.",
                "Write it with its full name: skopeo copy docker://IMAGE oci-archive:FILE:IMAGE",
                CODE,
            )
        result = one_platform(load(str(entry.get("digest"))), arch, f"{name} in {what}", load)
        manifest = media.parsed(result.data, f"The manifest of {name}")
        raw = b"".join(store.verified(files, _digest(manifest.get("config")), f"The configuration of {name}"))
        _check_machine(media.parsed(raw, f"The configuration of {name}"), arch, name)
        size = len(raw)
        for blob in media.objects(manifest.get("layers")):
            _check_blob(files, there, _digest(blob), f"a layer of {name}", job, deep=deep)
            size += int(blob.get("size") or 0)
        yield ArchiveImage(name, result.digest, size)


def _docker(files: store.Store, what: str, arch: str, job: Job, *, deep: bool) -> Iterator[ArchiveImage]:
    try:
        listed = json.loads(store.small(files, "manifest.json"))
    except (ValueError, RecursionError):
        listed = None
    entries, there = media.objects(listed), set(files.names())
    if not entries:
        raise InvalidInput(f"{what} has no image in it.", "Write it again.", CODE)
    for entry in entries:
        raw = store.small(files, str(entry.get("Config")))
        config = media.parsed(raw, f"A configuration of {what}")
        tags = _texts(entry.get("RepoTags"))
        label = ", ".join(tags) or "an image without a name"
        _check_machine(config, arch, f"{label} in {what}")
        size = len(raw)
        names, diffs = _texts(entry.get("Layers")), _texts(media.object_(config.get("rootfs")).get("diff_ids"))
        if len(names) != len(diffs) or not set(names) <= there:
            raise InvalidInput(f"{label} in {what} is not complete: layers are missing.", "Write it again.", CODE)
        for name, diff in zip(names, diffs, strict=True):
            digest, count = _sum(layers.plain(files.read(name)), job) if deep else ("", 0)
            if deep and "sha256:" + digest != diff:
                raise InvalidInput(f"A layer of {label} in {what} is damaged.", "Write it again.", CODE)
            size += count
        for tag in tags:
            yield ArchiveImage(tag, media.digest(raw), size)


def _texts(value: Any) -> list[str]:
    """Return the texts of a list; whatever is none is passed over."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _check_machine(config: dict[str, Any], arch: str, name: str) -> None:
    has = config.get("architecture")
    if has != arch:
        raise InvalidInput(
            f"{name} is for {has or 'no machine that it names'}, not for {arch}.",
            f"Copy it for linux/{arch}: skopeo copy --override-arch {arch} ...",
            CODE,
        )


def _check_blob(files: store.Store, there: frozenset[str], digest: str, what: str, job: Job, *, deep: bool) -> None:
    if deep:
        for _ in store.verified(files, digest, what):
            job.check()
    elif "blobs/" + digest.replace(":", "/", 1) not in there:
        raise InvalidInput(f"The archive lacks {what} ({digest}).", "Write it again.", CODE)


def _digest(entry: Any) -> str:
    digest = media.object_(entry).get("digest")
    if not isinstance(digest, str) or not digest.startswith("sha256:") or len(digest) != 71 or "/" in digest:
        raise InvalidInput("A manifest names no sha256 digest.", "Write the archive again.", CODE)
    return digest


def _sum(pieces: Iterator[bytes], job: Job) -> tuple[str, int]:
    """Return the sha256 of a stream and its bytes."""
    seen, count = hashlib.sha256(), 0
    for piece in pieces:
        job.check()
        seen.update(piece)
        count += len(piece)
    return seen.hexdigest(), count


class Needed(NamedTuple):
    """What all images of a tree have in common: the repository of kubeadm's own and the image for sandboxes."""

    repository: str
    pause: str


def judge(
    kubernetes: Kubernetes, images: Sequence[ArchiveImage], kubeadm: Path | None
) -> tuple[Needed, list[DocumentProblem]]:
    """Compare the images with what this kubeadm asks for (`kubeadm config images list`).

    Those of the control plane carry the version; the tags of etcd, CoreDNS and pause are constants of kubeadm, so they
    are looked for in the program. All come from one repository, or kubeadm could not name them.
    """
    if kubernetes.distribution != "kubeadm":
        pause = next((image.name for image in images if "pause" in image.name), "")
        missing = [] if images else [_problem("images", "There is none.", "Add k3s's archive, k3s-airgap-images-ARCH.")]
        return Needed("", pause), missing
    problems, repositories, pauses = [], set(), []
    for name in checks.NEEDED_IMAGES:
        fits = [image.name for image in images if _stem(image.name).rpartition("/")[2] == name]
        wanted = kubernetes.full if name.startswith("kube-") else ""
        tags = [_tag(image) for image in fits]
        right = [
            image
            for image in fits
            if _tag(image) == wanted or (not wanted and (kubeadm is None or checks.written(kubeadm, _tag(image))))
        ]
        key = f"images/{name}"
        if not fits:
            problems.append(_problem(key, "There is no such image.", f"kubeadm asks for {_full(name, wanted)}."))
        elif not right:
            message = f"It has the tag {', '.join(tags)}; {kubernetes.full} asks for another."
            problems.append(_problem(key, message, f"See: kubeadm config images list, for {_full(name, wanted)}"))
        for image in right:
            repositories.add(_stem(image).rpartition("/")[0].removesuffix("/coredns"))
            pauses += [image] if name == "pause" else []
    if len(repositories) > 1:
        message = f"They come from several repositories: {', '.join(sorted(repositories))}."
        problems.append(_problem("images", message, "kubeadm names all of them below one imageRepository."))
    return Needed(min(repositories, default=""), min(pauses, default="")), problems


def _full(name: str, version: str) -> str:
    path = "coredns/coredns" if name == "coredns" else name
    return f"registry.k8s.io/{path}" + (f":{version}" if version else "")


def _problem(key: str, message: str, hint: str) -> DocumentProblem:
    return DocumentProblem(key, message, hint, CODE)


def _stem(image: str) -> str:
    return image.rpartition(":")[0]


def _tag(image: str) -> str:
    return image.rpartition(":")[2]


def as_problem(key: str, error: EdgewrightError) -> DocumentProblem:
    """Return what is wrong with one archive as a problem of the tree."""
    return DocumentProblem(key, error.message, error.hint, error.code)
