"""Step `fetch`: the tree and the images of the document, digest by digest, from the first source that has them."""

from __future__ import annotations

from typing import Dict, List, Optional, Set, Tuple

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.content.sources import Puller
from edgewright.agent.clusters.content.store import ContentStore, complete, resolved
from edgewright.agent.clusters.content.sweep import stored_manifest, sweep
from edgewright.agent.clusters.context import Context, Looked, StepKind
from edgewright.agent.clusters.machine.unpack import DESCRIPTION, is_complete, unpack
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.clusters.tree import read_manifest, read_tree
from edgewright.core.errors import EdgewrightError, InvalidInput
from edgewright.core.text import amount

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}


class Fetch(StepKind):
    """Brings every digest into the store; what arrived before a break is used."""

    name = "fetch"
    limit = 24 * 3600.0

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        missing = missing_parts(context)
        if missing:
            return Seen.NOT_DONE, f"{amount(len(missing), 'part')} of the content not here yet"
        return Seen.DONE, "all content is here"

    def waits_for(self, context: Context) -> str:
        """See `StepKind.waits_for`: content of layers comes by the link (P80), and there is space for the rest."""
        digests = layer_blobs(context)
        missing = [digest for digest in digests if not context.has_blob(digest)]
        if missing:
            return f"content: {amount(len(missing), 'blob')} of {len(digests)} not here yet"
        manifest = None if is_complete(context.host, context.tree_folder) else stored_manifest(context)
        layers = manifest.layers if manifest is not None else ()
        size = sum(part.size - context.store.have(part.digest) for part in layers)
        return context.host.short_of_space(paths.CONTENT, size)

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        job = _Job(context)
        sweep(context)  # what a cancelled fetch left would take the room of this one
        tree = context.document.tree
        if not is_complete(context.host, context.tree_folder):
            with Puller(context.store, tree.ref, tree.digest, context.slice, job) as puller:
                manifest = read_manifest(puller.manifest(tree.digest))
                for part in (manifest.config, *manifest.layers):
                    job.step(f"{tree.ref}: {part.digest[:19]}, {part.size:,} bytes")
                    puller.blob(part.digest, part.size)
        names, brought = context.store.images(), tree_images(context)
        for image in context.document.images:
            if image.digest in brought:
                continue
            with Puller(context.store, image.ref, image.digest, context.slice, job) as puller:
                job.step(f"{image.ref}: {image.digest[:19]}")
                names[image.ref] = puller.image(architecture(context))
                context.store.name_images(names)
        if not context.applied():
            unpack_early(context)

    def percent(self, context: Context) -> Optional[int]:
        """See `StepKind.percent`: of the tree, which is by far the largest part."""
        manifest = stored_manifest(context)
        if manifest is None:
            return 0
        total = sum(part.size for part in manifest.layers) or 1
        return min(99, 100 * sum(context.store.have(part.digest) for part in manifest.layers) // total)


def unpack_early(context: Context) -> None:
    """Unpack the tree on a host that has none yet, while its preflight runs. What fails is left to `activate`."""
    manifest = stored_manifest(context)
    if manifest is None or is_complete(context.host, context.tree_folder):
        return
    layers = [context.store.path(layer.digest) for layer in manifest.layers]
    try:
        unpack(
            context.host, layers, context.tree_folder, context.store.read(manifest.config.digest),
            lambda name: context.host.report(f"unpacked {name[:12]}"),
        )  # fmt: skip
    except EdgewrightError as error:
        context.host.report(f"the tree is not unpacked yet: {error.message}")


class _Job:
    """Reports the progress of a transfer into the log of the step, at most every 10 percent."""

    def __init__(self, context: Context) -> None:
        self._context, self._last = context, -1

    def check(self) -> None:
        """Continue: the step is ended from outside."""

    def step(self, text: str) -> None:
        """See `Work.step`."""
        self._last = -1
        self._context.host.report(text)

    def at(self, done: int, total: int = 0) -> None:
        """See `Work.at`."""
        tenth = 10 * done // total if total else 0
        if tenth != self._last:
            self._last = tenth
            self._context.host.report(f"  {done:,} of {total:,} bytes")


def tree_images(context: Context) -> Set[str]:
    """Return the digests of the images that come with the tree, once its description is here."""
    data = context.host.data(f"{context.tree_folder}/{DESCRIPTION}")
    if not data:
        manifest = stored_manifest(context)
        if manifest is None or not context.store.has(manifest.config.digest):
            return set()
        data = context.store.read(manifest.config.digest)
    return {image.digest for image in read_tree(data).images}


def architecture(context: Context) -> str:
    """Return the architecture of this host as images name it. Raises `InvalidInput`."""
    machine = context.host.run(["uname", "-m"]).output.strip()
    if machine not in ARCHITECTURES:
        raise InvalidInput(f"The architecture {machine!r} of this host is not supported.", "Use amd64 or arm64.")
    return ARCHITECTURES[machine]


def layer_blobs(context: Context) -> List[str]:
    """Return the digests of all content of layers: charts, manifests, values."""
    digests: Dict[str, None] = {}
    if not context.control_plane:
        return []  # only control planes install add-ons, and only they get content with secrets
    for layer in context.document.layers:
        digests.update(dict.fromkeys((*layer.content, *([layer.values] if layer.values else []))))
    return list(digests)


def missing_parts(context: Context) -> List[Tuple[str, str]]:
    """Return what is not here: kind and digest. A tree that is unpacked needs none of its parts."""
    missing: List[Tuple[str, str]] = []
    if not is_complete(context.host, context.tree_folder):
        manifest = stored_manifest(context)
        if manifest is None:
            missing.append(("tree", context.document.tree.digest))
        else:
            parts = (manifest.config, *manifest.layers)
            missing += [("tree", part.digest) for part in parts if not context.store.has(part.digest)]
    brought = tree_images(context)
    for image in context.document.images:
        if image.digest in brought:
            continue
        digest = resolved(context.store, image.ref, image.digest)
        if not complete(context.stores() if not missing else [context.store], digest):
            missing.append(("image", image.digest))
    return missing + [("layer", digest) for digest in layer_blobs(context) if not context.has_blob(digest)]


def image_digest(context: Context, ref: str, digest: str) -> str:
    """Return the digest of the manifest that is imported: of this host's architecture where the name is an index."""
    return resolved(context.store, ref, digest)


def find_store(context: Context, digest: str) -> ContentStore:
    """Return the store that has an image with all its parts. Raises `EdgewrightError`."""
    for store in context.stores():
        if complete([store], digest):
            return store
    raise EdgewrightError(f"The image {digest[:19]} is not complete on this host.", "Wait for `fetch`.")
