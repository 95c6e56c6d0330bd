"""From the files of a pack to the pack: Palette's pack format, a Helm chart, or raw manifests."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.core.errors import InvalidInput
from edgewright.core.packs import metadata
from edgewright.core.packs.content import (
    block,
    images_of_chart,
    images_of_lines,
    images_of_manifest_values,
    images_of_objects,
    images_of_values,
)
from edgewright.core.packs.layers import HELM, MANIFEST, SPECTRO
from edgewright.core.packs.make import MAX_README, Parts, make
from edgewright.core.packs.pack import Manifest, Pack
from edgewright.packs import archive, charts, directory
from edgewright.packs.charts import ReadChart
from edgewright.packs.files import Files, digest
from edgewright.packs.texts import decoded, json_object
from edgewright.yamltext.documents import read_all, read_one

_VERSION_IN_NAME = re.compile(r"^(.+?)-v?(\d[A-Za-z0-9.+_-]*)$")


class LoadedPack(NamedTuple):
    """A pack and its content: `sha256:...` of charts and manifests -> bytes."""

    pack: Pack
    blobs: dict[str, bytes]


def from_path(path: Path) -> LoadedPack:
    """Return the pack in a directory, an archive (tar, tgz), a chart or a YAML file. Raises `EdgewrightError`."""
    if path.is_dir():
        return from_files(directory.read(path), str(path))
    data = archive.read_file(path)
    if path.suffix.lower() in (".yaml", ".yml"):
        return from_manifests({path.name: data}, path.stem, str(path))
    return from_archive(data, path.name)


def from_archive(data: bytes, what: str) -> LoadedPack:
    """Return the pack in an archive; a Helm chart becomes a pack of the kind `helm`. Raises `InvalidInput`."""
    files = archive.unpack(data, what)
    if _metadata_path(files, what) is None and any(
        path.count("/") == 1 and path.endswith("/Chart.yaml") for path in files
    ):
        return from_chart(charts.of_archive(data, what))
    return from_files(files, what)


def _metadata_path(files: Files, what: str) -> str | None:
    """Return the path of pack.json, in any case. Raises `InvalidInput` when several packs are there."""
    paths = [path for path in files if path.rpartition("/")[2].lower() == "pack.json" and path.count("/") <= 2]
    depth = min((path.count("/") for path in paths), default=0)
    top = sorted(path for path in paths if path.count("/") == depth)
    if len({path.rpartition("/")[0] for path in top}) > 1:
        raise InvalidInput(f"{what} contains {len(top)} packs.", "Import them one by one.", "SeveralPacks")
    return next((path for path in top if path.endswith("pack.json")), top[0] if top else None)


def from_files(files: Files, what: str) -> LoadedPack:
    """Return the pack of Palette's format in files. Raises `InvalidInput`, `InvalidDocument`."""
    path = _metadata_path(files, what)
    if path is None:
        return _without_metadata(files, what)
    top = path[: -len("pack.json")]
    own = {key[len(top) :]: value for key, value in files.items() if key.startswith(top)}
    document = json_object(files[path], f"pack.json of {what}")
    meta, _ = metadata.parse(document)  # its problems are reported with all others
    read_charts = _charts(own, meta, what)
    manifests = tuple(_manifest(own[key], key, what) for key in meta.manifests if key in own)
    values, values_document = _yaml(own, "values.yaml", what)
    parts = Parts(
        document,
        values,
        values_document,
        _yaml(own, "presets.yaml", what)[1],
        _yaml(own, "schema.yaml", what)[1],
        _readme(own),
        tuple(chart.chart for chart in read_charts),
        manifests,
        SPECTRO,
        _images(values_document, read_charts, manifests),
    )
    blobs = {chart.chart.digest: chart.data for chart in read_charts}
    blobs.update({digest(manifest.content.encode()): manifest.content.encode() for manifest in manifests})
    return LoadedPack(make(parts, f"The pack in {what}"), blobs)


def _images(values: Any, read: list[ReadChart], manifests: tuple[Manifest, ...]) -> tuple[str, ...]:
    """Return images beside those that the values list: of manifests, and where the values list none those they name."""
    images = [image for manifest in manifests for image in images_of_text(manifest.content)]
    if not images_of_values(values):
        if read:
            images += images_of_chart(block(values, "charts") or {}, read[0].chart.app_version)
        images += images_of_manifest_values(values)
    return tuple(dict.fromkeys(images))


def _without_metadata(files: Files, what: str) -> LoadedPack:
    if "Chart.yaml" in files:
        return from_chart(charts.of_folder(files, what, Path(what).name))
    if any("templates" in path.split("/")[:-1] for path in files):
        hint = "A chart is a folder with Chart.yaml; pack it with: helm package FOLDER"
        raise InvalidInput(f"{what} has no Chart.yaml, so it is not a Helm chart.", hint, "NoChart")
    yaml = {path: data for path, data in files.items() if path.lower().endswith((".yaml", ".yml"))}
    if yaml and len(yaml) == len([path for path in files if "readme" not in path.lower()]):
        return from_manifests(yaml, Path(what).name, what)
    raise InvalidInput(
        f"{what} has no pack.json, no Chart.yaml and not only manifests.",
        "A pack is a folder with pack.json and values.yaml.",
        "NoPack",
    )


def _charts(own: Files, meta: metadata.Metadata, what: str) -> list[ReadChart]:
    result = []
    for path in meta.charts:
        key = path.rstrip("/")
        inside = {name[len(key) + 1 :]: data for name, data in own.items() if name.startswith(f"{key}/")}
        if key in own:
            result.append(charts.of_archive(own[key], f"{key} in {what}", key))
        elif inside:
            result.append(charts.of_folder(inside, f"{key} in {what}", key))
    return result


def _manifest(data: bytes, path: str, what: str) -> Manifest:
    name = path.rpartition("/")[2]
    return Manifest(re.sub(r"\.ya?ml$", "", name, flags=re.IGNORECASE), decoded(data, f"{path} in {what}"), path)


def _yaml(own: Files, name: str, what: str) -> tuple[str, Any]:
    """Return the text of a YAML file of the pack and what it contains; both empty when it is not there."""
    path = next((key for key in own if key.lower() == name), None)
    if path is None:
        return "", None
    text = decoded(own[path], f"{name} of {what}")
    return text, read_one(text, f"{name} of {what}")


def _readme(own: Files) -> str:
    path = next((key for key in sorted(own) if key.lower() in ("readme.md", "readme")), None)
    return own[path][:MAX_README].decode("utf-8", "replace") if path else ""


def images_of_text(text: str) -> tuple[str, ...]:
    """Return the images of a manifest; one that is a template is searched line by line."""
    try:
        return images_of_objects(read_all(text, "The manifest"))
    except InvalidInput:
        return images_of_lines(text)


def from_chart(read: ReadChart, kind: str = HELM, layer: str = "addon") -> LoadedPack:
    """Return a chart as a pack: its values below `charts.NAME`, as Palette has them. Raises `InvalidInput`."""
    chart = read.chart
    document = {"name": chart.name, "version": chart.version, "layer": layer, "displayName": chart.name}
    values = f"pack:\n  namespace: {json.dumps(chart.name)}\ncharts:\n  {chart.name}:{_indented(read.values)}"
    parsed = read_one(values, "The values of the chart")
    images = images_of_chart(block(parsed, "charts") or {}, chart.app_version)
    parts = Parts(document, values, parsed, readme=read.readme, charts=(chart,), kind=kind, images=images)
    return LoadedPack(make(parts, f"The chart {chart.name}"), {chart.digest: read.data})


def _indented(values: str) -> str:
    """Return values two levels down; a chart without any has an empty map."""
    lines = [line for line in values.replace("\r\n", "\n").split("\n") if line.strip() not in ("---", "...")]
    if not any(line.strip() and not line.lstrip().startswith("#") for line in lines):
        return " {}\n"
    return "\n" + "\n".join(f"    {line}" if line.strip() else "" for line in lines).rstrip("\n") + "\n"


def from_manifests(files: Files, name: str, what: str) -> LoadedPack:
    """Return YAML files with Kubernetes objects as a pack of the kind `manifest`. Raises `InvalidInput`."""
    manifests = tuple(_manifest(data, path, what) for path, data in sorted(files.items()))
    images: list[str] = []
    for manifest in manifests:
        objects = read_all(manifest.content, f"{manifest.path} in {what}")
        if not objects or not all(isinstance(item, dict) and item.get("kind") for item in objects):
            raise InvalidInput(
                f"{manifest.path} in {what} is not a Kubernetes manifest.", "Each document has a kind.", "NoManifest"
            )
        images += images_of_objects(objects)
    match = _VERSION_IN_NAME.match(name)
    title, version = (match.group(1), match.group(2)) if match else (name, "1.0.0")
    title = re.sub(r"[^A-Za-z0-9._-]+", "-", title).strip("-._") or "manifests"
    document = {"name": title, "version": version, "layer": "addon", "displayName": title}
    parts = Parts(document, manifests=manifests, kind=MANIFEST, images=tuple(dict.fromkeys(images)))
    blobs = {digest(manifest.content.encode()): manifest.content.encode() for manifest in manifests}
    return LoadedPack(make(parts, f"The manifests in {what}"), blobs)


def manifest_pack(loaded: LoadedPack) -> Files:
    """Return manifests that were read as the files of a pack, so that they can be sent like any other."""
    pack = loaded.pack
    paths = {f"manifests/{manifest.name}.yaml": manifest.content.encode() for manifest in pack.manifests}
    document = {**pack.document, "kubeManifests": sorted(paths)}
    return {"pack.json": json.dumps(document).encode(), "values.yaml": b"", **paths}
