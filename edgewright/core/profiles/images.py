"""The container images that a resolved profile needs, so that a bundle can be computed.

A layer needs what `pack.content.images` of its resolved values lists. Without such a list they are the images that the
values of its charts and manifests name. To both come the images of the pack's own manifests and of the layer's, the
provider image of the OS layer and the tree of the Kubernetes layer. What templates of charts put together otherwise is
not seen.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, NamedTuple, Optional, Tuple

from edgewright.core.packs.content import (
    SCHEME,
    block,
    images_of_chart,
    images_of_manifest_values,
    images_of_objects,
    images_of_values,
)
from edgewright.core.packs.pack import Pack
from edgewright.core.profiles.model import K8S, OS
from edgewright.core.profiles.resolve import Resolution, ResolvedLayer
from edgewright.core.profiles.variables import COVER

LISTED = "listed"
VALUES = "values"
PACK = "pack"
MANIFEST = "manifest"
PROVIDER = "provider image"
TREE = "Kubernetes tree"
SYSTEM_URI = "options.system.uri"
NO_IMAGE = "NA"
"""The provider image of hosts in agent mode, in Palette's documentation."""
SOURCES = (LISTED, VALUES, PACK, MANIFEST, PROVIDER, TREE)
"""Where an image is named."""


class NamedImage(NamedTuple):
    """An image and where it is named; `open` when a part of it has no value yet or is covered: it cannot be pulled."""

    image: str
    layer: str
    source: str
    open: bool = False


def images(resolution: Resolution, packs: Mapping[str, Optional[Pack]]) -> Tuple[NamedImage, ...]:
    """Return the images of a resolved profile from the bottom of its stack, each once with the first place.

    `packs` are the packs of the layers by layer key; a layer whose pack is not known has those of its own texts.
    """
    result: Dict[str, NamedImage] = {}
    for layer in resolution.layers:
        for image, source in _of_layer(layer, packs.get(layer.layer.key)):
            named = NamedImage(image, layer.layer.key, source, "{{" in image or COVER in image)
            result.setdefault(image, named)
    return tuple(result.values())


def layers_without(resolution: Resolution, packs: Mapping[str, Optional[Pack]]) -> Tuple[str, ...]:
    """Return the layers whose images are not known: the pack is not there, and the texts of the layer name none."""
    return tuple(
        layer.layer.key
        for layer in resolution.layers
        if packs.get(layer.layer.key) is None and not any(_of_layer(layer, None))
    )


def _of_layer(layer: ResolvedLayer, pack: Optional[Pack]) -> Iterator[Tuple[str, str]]:
    document = layer.values.document
    if layer.layer.kind == OS:
        uri = _text_at(layer, SYSTEM_URI)
        if uri and uri != NO_IMAGE:
            yield uri.replace(SCHEME, "", 1), PROVIDER
    if layer.layer.kind == K8S:
        tree = _tree(document)
        if tree:
            yield tree, TREE
    listed = images_of_values(document)
    yield from ((image, LISTED) for image in listed)
    default = layer.layer.default.document if layer.layer.default is not None else {}
    app_version = pack.charts[0].app_version if pack is not None and pack.charts else ""
    before = {
        *images_of_values(default),
        *images_of_chart(block(default, "charts") or {}, app_version),
        *images_of_manifest_values(default),
    }
    if not listed:
        named = (*images_of_chart(block(document, "charts") or {}, app_version), *images_of_manifest_values(document))
        yield from ((image, VALUES) for image in named)
    if pack is not None:
        yield from ((image, PACK) for image in pack.images if image not in before)
    for _name, text in layer.manifests:
        yield from ((image, MANIFEST) for image in images_of_objects(text.document))


def _text_at(layer: ResolvedLayer, path: str) -> str:
    """Return the resolved text at a path, whose keys may have dots (`options: {system.uri: ...}`)."""
    scalar = layer.layer.values.scalars.get(path)
    return layer.values.results.get(path, scalar.raw if scalar is not None else "").strip()


def _tree(document: Any) -> str:
    """Return the reference of the Kubernetes tree with its digest, "" without one (a value of the pack `edge-k8s`)."""
    reference, digest = (block(document, "tree", key) for key in ("ref", "digest"))
    if not isinstance(reference, str) or not reference.strip():
        return ""
    text = reference.strip()
    return f"{text}@{digest.strip()}" if isinstance(digest, str) and digest.strip() and "@" not in text else text
