"""What the values of a pack list: container images, charts, and the namespace of its release."""

from __future__ import annotations

import re
from typing import Any, Iterator, List, Mapping, Tuple

MAX_IMAGES = 1_000
SCHEME = "container://"
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@{}$ -]{0,510}[A-Za-z0-9}]")
_LINE = re.compile(
    r"^[ \t]*(?:-[ \t]+)?image:[ \t]*[\"']?([A-Za-z0-9][A-Za-z0-9._:/@-]{1,510})[\"']?[ \t\r]*$", re.MULTILINE
)
_POD_LISTS = ("containers", "initContainers", "ephemeralContainers")


def block(values: Any, *path: str) -> Any:
    """Return what is at a path of maps; `None` where there is nothing."""
    for name in path:
        if not isinstance(values, Mapping):
            return None
        values = values.get(name)
    return values


def images_of_values(values: Any) -> Tuple[str, ...]:
    """Return the images that `pack.content.images` lists, in order and each once.

    An item is a text or a map with `image`; references in an image (`{{.spectro...}}`) stay as they are, and the
    `container://` that published profiles write before some is left out.
    """
    listed = block(values, "pack", "content", "images")
    result: List[str] = []
    for item in listed if isinstance(listed, list) else ():
        image = item.get("image") if isinstance(item, Mapping) else item
        text = image.strip().replace(SCHEME, "", 1) if isinstance(image, str) else ""
        if _IMAGE.fullmatch(text) and text not in result and len(result) < MAX_IMAGES:
            result.append(text)
    return tuple(result)


def images_of_objects(objects: Any) -> Tuple[str, ...]:
    """Return the images of the pods in Kubernetes objects (documents that were read), in order and each once."""
    result: List[str] = []
    for image in _images(objects, 0):
        if image not in result and len(result) < MAX_IMAGES:
            result.append(image)
    return tuple(result)


def _images(value: Any, depth: int) -> Iterator[str]:
    if depth > 40:
        return
    if isinstance(value, list):
        for item in value:
            yield from _images(item, depth + 1)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key in _POD_LISTS and isinstance(item, list):
                for container in item:
                    image = container.get("image") if isinstance(container, Mapping) else None
                    if isinstance(image, str) and _IMAGE.fullmatch(image.strip()):
                        yield image.strip()
            elif isinstance(item, (list, Mapping)):
                yield from _images(item, depth + 1)


def images_of_chart(values: Any, app_version: str = "") -> Tuple[str, ...]:
    """Return the images that the values of a Helm chart name, in order and each once.

    Charts have no list of them; by custom a key that ends in `image` has `registry`, `repository`, `tag` and `digest`,
    or is a reference; `images` may be a map of references by name. A missing tag is the chart's `appVersion`. What
    templates put together otherwise is not seen.
    """
    result: List[str] = []
    for image in _chart_images(values, app_version, 0):
        if _IMAGE.fullmatch(image) and image not in result and len(result) < MAX_IMAGES:
            result.append(image)
    return tuple(result)


def _chart_images(value: Any, app_version: str, depth: int) -> Iterator[str]:
    if depth > 40:
        return
    for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
        if key == "images":
            named = item.values() if isinstance(item, Mapping) else [item]
            yield from (text.strip() for text in named if isinstance(text, str) and _is_reference(text))
        if isinstance(key, str) and key.lower().endswith("image"):
            if isinstance(item, str) and _is_reference(item):
                yield item.strip()
            elif isinstance(item, Mapping) and isinstance(item.get("repository"), str):
                yield _reference(item, app_version)
        if isinstance(item, (list, Mapping)):
            yield from _chart_images(item, app_version, depth + 1)


def _is_reference(text: str) -> bool:
    return "/" in text or ":" in text


def images_of_manifest_values(values: Any) -> Tuple[str, ...]:
    """Return the images that values name below `manifests`: as those of charts, and in `contents`, which is a manifest.

    Packs without a chart have the values of their manifests there, by the name of each.
    """
    named = block(values, "manifests")
    result = list(images_of_chart(named)) if isinstance(named, Mapping) else []
    for value in named.values() if isinstance(named, Mapping) else ():
        contents = block(value, "contents")
        result += images_of_lines(contents) if isinstance(contents, str) else ()
    return tuple(dict.fromkeys(result))[:MAX_IMAGES]


def images_of_lines(text: str) -> Tuple[str, ...]:
    """Return the images in the lines `image: ...` of a manifest that is a template, in order and each once."""
    return tuple(dict.fromkeys(_LINE.findall(text)))[:MAX_IMAGES]


def _reference(item: Mapping[str, Any], app_version: str) -> str:
    """Return the reference of an `image` block; "" without a repository, or without any version."""
    parts = [str(item.get(name) or "").strip().strip("/") for name in ("registry", "repository")]
    name = "/".join(part for part in parts if part)
    tag, digest = str(item.get("tag") or app_version or "").strip(), str(item.get("digest") or "").strip()
    if not parts[1] or not (tag or digest):
        return ""
    return f"{name}{':' + tag if tag else ''}{'@' + digest if digest else ''}"


def namespace_of_values(values: Any) -> str:
    """Return the namespace of the release; "" when the values name none."""
    value = block(values, "pack", "namespace")
    return value.strip() if isinstance(value, str) else ""
