"""Steps `runtime` and `preload`: the container runtime runs with our configuration, and every image is here and pinned.

Images are imported from the OCI layouts on the disk. Both labels are needed: `pinned` so that no garbage collection of
the kubelet removes them, `managed` so that the CRI knows them. Pins are looked at again at each start of containerd,
since some are lost there.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from types import MappingProxyType
from typing import Any, BinaryIO, Dict, List, Mapping, Tuple

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.content.fetch import find_store, image_digest
from edgewright.agent.clusters.content.store import PIECE, ContentStore, index_of, manifest_of, parts_of
from edgewright.agent.clusters.context import Context, Looked, StepKind
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.errors import EdgewrightError, Failed
from edgewright.core.text import amount

LABELS = {"io.cri-containerd.pinned": "pinned", "io.cri-containerd.image": "managed"}
UNPACKED = 3
"""Bytes that an image needs in containerd for each of its own: its content, and its files unpacked."""
READY = 60.0
"""Seconds within which containerd serves its socket."""


def ctr(context: Context, *arguments: str) -> List[str]:
    """Return a command of containerd's client."""
    return [context.path_of("ctr"), "--address", paths.SOCKET, "--namespace", "k8s.io", *arguments]


class Runtime(StepKind):
    """Containerd serves its socket, and its configuration is the one of applied.json."""

    name = "runtime"
    limit = 180.0
    services: Tuple[str, ...] = (paths.CONTAINERD_UNIT, paths.IMAGES_UNIT)

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        if not context.host.has(paths.SOCKET):
            return Seen.NOT_DONE, f"{paths.SOCKET} is not there"
        # Its version it reports with a damaged database too, when it has neither images nor containers.
        done = context.host.run(ctr(context, "namespaces", "list", "--quiet"), 20)
        if done.code != 0:
            return Seen.NOT_DONE, f"containerd does not answer: {done.last}"
        if context.host.run(["systemctl", "is-active", "--quiet", paths.IMAGES_UNIT]).code != 0:
            return Seen.NOT_DONE, f"{paths.IMAGES_UNIT} does not run"
        return Seen.DONE, "containerd answers"

    def act(self, context: Context) -> None:
        """See `StepKind.act`: pods continue while containerd starts again (`KillMode=process`)."""
        host = context.host
        host.must(["systemctl", "daemon-reload"])
        for unit in self.services:
            host.run(["systemctl", "reset-failed", unit])
            host.must(["systemctl", "restart", unit], 120)
        until = host.uptime() + READY
        while True:
            seen, text = self.seen(context)
            if seen is Seen.DONE:
                return
            if host.uptime() > until:
                log = host.run(["journalctl", "-n", "5", "-o", "cat", "-u", paths.CONTAINERD_UNIT]).output
                raise Failed(f"The container runtime does not start: {text}. {' '.join(log.split())[:300]}")
            host.sleep(0.3)


class Preload(StepKind):
    """Every image of the tree and the document is in containerd, by digest, with both labels."""

    name = "preload"
    limit = 1800.0

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        missing, unpinned = self.state(context)
        if missing or unpinned:
            names = ", ".join([*missing, *unpinned][:3])
            return Seen.NOT_DONE, f"{amount(len(missing), 'image')} missing, {len(unpinned)} not pinned: {names}"
        return Seen.DONE, f"{amount(len(context.images()), 'image')} here and pinned"

    def waits_for(self, context: Context) -> str:
        """See `StepKind.waits_for`: an attempt on a disk without space would only fail."""
        wanted, size = context.images(), 0
        for ref in self.state(context)[0]:
            digest = image_digest(context, ref, wanted[ref])
            size += sum(part for _, part in parts_of(manifest_of(find_store(context, digest), digest)))
        return context.host.short_of_space(paths.CONTAINERD_ROOT, UNPACKED * size) if size else ""

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        host = context.host
        missing, _ = self.state(context)
        wanted = context.images()
        if len(missing) > 1:
            self._together(context, {ref: wanted[ref] for ref in missing})
            missing, _ = self.state(context)
        for ref in missing:
            digest = image_digest(context, ref, wanted[ref])
            host.report(f"import {ref}")
            code = import_images(context, find_store(context, digest), {ref: digest})
            if code != 0:
                raise Failed(
                    f"The image {ref} cannot be imported (ctr ended with {code}).",
                    "The log of the step has the reason.",
                )
        for ref in self.state(context)[1]:
            labels = [f"{name}={value}" for name, value in LABELS.items()]
            host.must(ctr(context, "images", "label", ref, *labels))
        self._unpin(context, set(wanted))

    def _together(self, context: Context, wanted: Mapping[str, str]) -> None:
        """Import images in one stream of each store: a layer that several images have goes through it once.

        What that leaves is imported image by image, so that an error names the image.
        """
        groups: Dict[str, Tuple[ContentStore, Dict[str, str]]] = {}
        for ref, listed in wanted.items():
            digest = image_digest(context, ref, listed)
            try:
                store = find_store(context, digest)
            except EdgewrightError:
                continue
            groups.setdefault(store.folder, (store, {}))[1][ref] = digest
        for store, names in groups.values():
            context.host.report(f"import {amount(len(names), 'image')}")
            import_images(context, store, names, LABELS)

    def _unpin(self, context: Context, wanted: "set[str]") -> None:
        """Take the pin of images that a document before named: the kubelet may remove them when it needs the room."""
        for ref, (_, labels) in images(context).items():
            named = "@" not in ref and not ref.startswith("sha256:")
            if labels.get("io.cri-containerd.pinned") == "pinned" and named and ref not in wanted:
                context.host.run(ctr(context, "images", "label", ref, "io.cri-containerd.pinned="))

    def state(self, context: Context) -> Tuple[List[str], List[str]]:
        """Return images that are missing, and those without their labels."""
        here = images(context)
        missing, unpinned = [], []
        for ref, wanted in context.images().items():
            digest, labels = here.get(ref, ("", {}))
            if digest != image_digest(context, ref, wanted):
                missing.append(ref)
            elif any(labels.get(name) != value for name, value in LABELS.items()):
                unpinned.append(ref)
        return missing, unpinned


def import_images(
    context: Context, store: ContentStore, names: Mapping[str, str], given: Mapping[str, str] = MappingProxyType({})
) -> int:
    """Import images of a store, with labels; return the exit status of containerd's client."""
    labels = [f"--label={name}={value}" for name, value in given.items()]
    command = ctr(context, "images", "import", "--local", *labels, "-")
    return context.host.stream(command, feed=lambda file: write_archive(file, store, names))


def images(context: Context) -> Dict[str, Tuple[str, Mapping[str, str]]]:
    """Return digest and labels of each image of containerd by name. Raises `Failed` when it does not answer."""
    done = context.host.run(ctr(context, "images", "list"), 60)
    if done.code != 0:
        raise Failed(f"The images of containerd cannot be listed: {done.last}.")
    return read_images(done.output)


def read_images(output: str) -> Dict[str, Tuple[str, Mapping[str, str]]]:
    """Return digest and labels by name from what `ctr images list` printed."""
    result: Dict[str, Tuple[str, Mapping[str, str]]] = {}
    for line in output.splitlines()[1:]:
        fields = line.split()
        digest = next((field for field in fields if field.startswith("sha256:") and len(field) == 71), "")
        if len(fields) > 2 and digest:
            pairs = (pair.partition("=") for pair in fields[-1].split(","))
            result[fields[0]] = digest, {name: value for name, _, value in pairs}
    return result


def write_archive(file: Any, store: ContentStore, names: Mapping[str, str]) -> None:
    """Write images of a store as a tar of an OCI layout, without a copy on the disk."""
    index = json.dumps(index_of(store, dict(names)), sort_keys=True).encode()
    digests: Dict[str, None] = {}
    for digest in names.values():
        digests[digest] = None
        digests.update({part: None for part, _ in parts_of(manifest_of(store, digest))})
    for name, data in (("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index)):
        _add(file, name, len(data), io.BytesIO(data))
    for digest in digests:
        with open(store.path(digest), "rb") as blob:
            _add(file, f"blobs/sha256/{digest[7:]}", os.fstat(blob.fileno()).st_size, blob)
    file.write(bytes(2 * tarfile.BLOCKSIZE))


def _add(file: Any, name: str, size: int, content: BinaryIO) -> None:
    """Write one file of a tar in large pieces: `tarfile` itself writes a stream in pieces of 10 kB."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    file.write(entry.tobuf())
    shutil.copyfileobj(content, file, PIECE)
    file.write(bytes(-size % tarfile.BLOCKSIZE))
