"""A profile as a directory for git: `profile.yaml`, for each layer `layers/KEY/layer.yaml`, `values.yaml`, manifests.

Values and manifests are files of their own, byte for byte as in the profile, so that a diff shows what changed. Reading
a directory and writing it gives the same bytes: a file whose content means the same already is not written, so that
the user's comments stay. Defaults of masked variables are covered.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edgewright.core.errors import Failed, InvalidInput, NotFound
from edgewright.core.profiles import exchange
from edgewright.core.profiles.model import MAX_LAYERS, MAX_MANIFESTS, MAX_TOTAL, MAX_VALUES, Profile
from edgewright.core.profiles.problems import suggestion
from edgewright.profiles.files import SHARED, write_file
from edgewright.yamltext.values import read_values
from edgewright.yamltext.writer import write

PROFILE = "profile.yaml"
LAYER = "layer.yaml"
VALUES = "values.yaml"
API_VERSION = "edgewright/v1"
KIND = "ClusterProfile"
MAX_FILES = MAX_LAYERS * (MAX_MANIFESTS + 2) + 1
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_METADATA = ("name", "description", "labels")
_SPEC = ("version", "type", "cloudType", "layers", "variables")
_LAYER = ("type", "layer", "version", "tag", "registry")
_VARIABLE = (
    "displayName", "description", "inputType", "format", "regex", "required", "defaultValue", "isSensitive", "hidden",
    "immutable", "options",
)  # fmt: skip
_VERSION = re.compile(r"[0-9.]+", re.ASCII)


def files_of(profile: Profile, secrets: bool = False) -> dict[str, bytes]:
    """Return the files of a profile by their path in the directory."""
    document = exchange.to_document(profile, secrets)
    metadata, spec = document.pop("metadata"), document.pop("spec")
    template = spec.pop("template")
    packs = template.pop("packs")
    names = _unique([_folder(layer.key) for layer in profile.layers])
    for key in _METADATA:
        if not metadata[key]:
            del metadata[key]
    content: dict[str, Any] = {"version": spec.pop("version")}
    content["type"], content["cloudType"] = template.pop("type"), template.pop("cloudType")
    content["layers"] = names
    variables = [_without_empty(variable, _VARIABLE) for variable in spec.pop("variables")]
    if variables:
        content["variables"] = variables
    top: dict[str, Any] = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": content}
    rest = {part: value for part, value in (("document", document), ("spec", spec), ("template", template)) if value}
    if rest:
        top["extra"] = rest  # what other programs wrote into the document
    files = {PROFILE: write(top).encode("utf-8")}
    for name, pack in zip(names, packs, strict=True):
        for path, data in _layer_files(pack):
            files[f"layers/{name}/{path}"] = data
    return files


def _layer_files(pack: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    values, manifests = pack.pop("values"), pack.pop("manifests", [])
    rows = []
    contents: list[tuple[str, bytes]] = []
    for name, manifest in zip(_unique([_folder(item["name"]) for item in manifests]), manifests, strict=True):
        file = f"manifests/{name}.yaml"
        contents.append((file, manifest.pop("content").encode("utf-8")))
        rows.append({**manifest, "file": file})
    document = _without_empty(pack, _LAYER)
    if rows:
        document["manifests"] = rows
    yield LAYER, write(document).encode("utf-8")
    if values:
        yield VALUES, values.encode("utf-8")
    yield from contents


def _folder(key: str) -> str:
    return key if _SAFE.fullmatch(key) else quote(key, safe="")[:200].replace(".", "%2E", 1) or "%"


def _unique(names: list[str]) -> list[str]:
    """Return names with a number behind those that were there before: the same pack may be in a profile twice."""
    result: list[str] = []
    for name in names:
        number, other = 1, name
        while other.lower() in {known.lower() for known in result}:
            number += 1
            other = f"{name}-{number}"
        result.append(other)
    return result


def _without_empty(document: Mapping[str, Any], known: Container[str]) -> dict[str, Any]:
    """Return a map without the known keys that are empty; unknown keys stay, whatever their value."""
    return {key: value for key, value in document.items() if key not in known or value not in ("", None, False, [], {})}


def profile_of(files: Mapping[str, bytes], what: str = "The profile") -> Profile:
    """Return the profile in the files of a directory. Raises `InvalidInput` that names file and line."""
    if PROFILE not in files:
        raise NotFound(f"{what}: {PROFILE} is not there.", "Name the directory of a profile.")
    top = _map(files, PROFILE)
    if top.get("kind") != KIND or top.get("apiVersion") != API_VERSION:
        hint = f"It begins with apiVersion: {API_VERSION} and kind: {KIND}."
        raise InvalidInput(f"{what}: {PROFILE} is not a profile.", hint, "InvalidProfile")
    rest, content = _part(top, "extra"), _part(top, "spec")
    listed = content.get("layers") or []
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise InvalidInput(f"{what}: spec.layers in {PROFILE} is not a list of names.", "", "InvalidProfile")
    unknown = [key for key in content if key not in _SPEC]
    if unknown:
        hint = suggestion(unknown[0], _SPEC, "keys")
        raise InvalidInput(f"{what}: {PROFILE} has an unknown key spec.{unknown[0][:60]}.", hint, "InvalidProfile")
    packs = [_pack(files, name, what) for name in listed]
    template = {"type": content.get("type"), "cloudType": content.get("cloudType"), "packs": packs}
    spec = {"version": content.get("version"), "variables": content.get("variables")}
    document = {
        **_part(rest, "document"),
        "metadata": top.get("metadata"),
        "spec": {**_part(rest, "spec"), **spec, "template": {**_part(rest, "template"), **template}},
    }
    return exchange.from_document(document, what)


def _part(rest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = rest.get(name)
    return value if isinstance(value, Mapping) else {}


def _pack(files: Mapping[str, bytes], name: str, what: str) -> dict[str, Any]:
    folder = f"layers/{name}"
    if f"{folder}/{LAYER}" not in files:
        raise InvalidInput(f"{what}: the layer {name[:80]} has no {folder[:100]}/{LAYER}.", "Add it.", "MissingFile")
    document = dict(_map(files, f"{folder}/{LAYER}"))
    document["values"] = _text(files, f"{folder}/{VALUES}") if f"{folder}/{VALUES}" in files else ""
    manifests = document.get("manifests")
    if isinstance(manifests, list):
        document["manifests"] = [_manifest(files, folder, item, what) for item in manifests]
    return document


def _manifest(files: Mapping[str, bytes], folder: str, item: Any, what: str) -> Any:
    if not isinstance(item, Mapping):
        return item
    row = dict(item)
    file = row.pop("file", None)
    path = f"{folder}/{file}"
    if not isinstance(file, str) or path not in files:
        raise InvalidInput(f"{what}: the file of a manifest is not there: {path[:120]}.", "Add it.", "MissingFile")
    row["content"] = _text(files, path)
    return row


def _text(files: Mapping[str, bytes], path: str) -> str:
    try:
        return files[path].decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = files[path].count(b"\n", 0, wrong.start) + 1
        raise InvalidInput(f"{path}, line {line}: this is not UTF-8 text.", "Save it as UTF-8.", "NotText") from None


def _map(files: Mapping[str, bytes], path: str) -> Mapping[str, Any]:
    """Return the map in a file. A number that is written as a version stays as it is written: `1.30` is not `1.3`."""
    values = read_values(_text(files, path), path)
    document: Mapping[str, Any] = values.document
    for place, scalar in values.scalars.items():
        number = isinstance(scalar.value, int | float) and not isinstance(scalar.value, bool)
        if number and str(scalar.value) != scalar.raw and _VERSION.fullmatch(scalar.raw):
            _set(document, place, scalar.raw)
    return document


def _set(document: Any, place: str, raw: str) -> None:
    """Replace the value at a path of the reader."""
    parts = re.findall(r"[^.\[\]]+", place)
    here = document
    for part in parts[:-1]:
        here = here[int(part)] if isinstance(here, list) else here.get(part)
        if not isinstance(here, list | dict):
            return
    if isinstance(here, list):
        here[int(parts[-1])] = raw
    elif parts[-1] in here:
        here[parts[-1]] = raw


def read_directory(path: Path) -> Profile:
    """Return the profile in a directory. Raises `InvalidInput`, `NotFound`, `Failed`."""
    return profile_of(read_files(path), str(path))


def read_files(path: Path) -> dict[str, bytes]:
    """Return the files of a directory that may belong to a profile; bounded, and no link leads out of it."""
    if not path.is_dir():
        raise NotFound(f"{path} is not a directory.", "Name the directory of a profile.")
    files: dict[str, bytes] = {}
    total = 0
    try:
        root = path.resolve()
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.endswith((".yaml", ".yml")) or name.startswith("."):
                    continue
                file = Path(folder) / name
                if not file.resolve().is_relative_to(root):
                    raise InvalidInput(f"{file} is a link that leads out of the directory.", "Copy it.", "PathEscape")
                total += file.stat().st_size
                if len(files) >= MAX_FILES or total > MAX_TOTAL or file.stat().st_size > MAX_VALUES:
                    raise InvalidInput(f"{path} is larger than a profile can be.", "Name its own directory.", "TooBig")
                files[file.relative_to(root).as_posix()] = file.read_bytes()
    except OSError as wrong:
        raise Failed(f"{wrong.filename or path} cannot be read: {wrong.strerror}.") from None
    return files


def write_directory(path: Path, profile: Profile, secrets: bool = False) -> list[str]:
    """Write a profile to a directory; return the paths that changed. Files that the profile no longer has are removed.

    A directory with layers and without `profile.yaml` is not of a profile: nothing is written.
    `profile.yaml` and `layer.yaml` are not written where they mean the same already. Only files of a profile change.
    """
    files = files_of(profile, secrets)
    if path.exists() and not path.is_dir():
        raise Failed(f"{path} is not a directory.", "Name a directory, or a new one.")
    existing = read_files(path) if path.is_dir() else {}
    others = next((name for name in existing if name.startswith("layers/")), "")
    if others and PROFILE not in existing:
        raise Failed(f"{path} is not the directory of a profile, but has {others}.", "Name an empty directory.")
    changed = []
    try:
        for name, data in files.items():
            if name in existing and (existing[name] == data or _means(name, existing[name], data)):
                continue
            write_file(path / name, data, SHARED)
            changed.append(name)
        for name in existing:
            if name.startswith("layers/") and name not in files:
                (path / name).unlink()
                changed.append(name)
        _prune(path / "layers")
    except OSError as wrong:
        message = f"{wrong.filename or path} cannot be written: {wrong.strerror}."
        raise Failed(message, "Check the directory, its rights and its disk.") from None
    return changed


def _means(name: str, before: bytes, after: bytes) -> bool:
    """Return whether two files mean the same; values and manifests are compared by their bytes."""
    if name != PROFILE and not name.endswith(f"/{LAYER}"):
        return False
    try:
        return bool(read_values(before.decode("utf-8")).document == read_values(after.decode("utf-8")).document)
    except (InvalidInput, UnicodeDecodeError):
        return False


def _prune(path: Path) -> None:
    for folder, _folders, _names in os.walk(path, topdown=False):
        if not any(Path(folder).iterdir()):
            Path(folder).rmdir()
