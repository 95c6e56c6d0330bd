"""A pack made of its parts, once they were read: pack.json, values, presets, schema, charts, manifests, README."""

from __future__ import annotations

from typing import Any, List, Mapping, NamedTuple, Sequence, Tuple

from edgewright.core.errors import DocumentProblem, InvalidDocument
from edgewright.core.packs import content, metadata, schema
from edgewright.core.packs.layers import SPECTRO
from edgewright.core.packs.pack import Chart, Manifest, Pack, Preset

MAX_VALUES = 1024 * 1024
"""Characters of the values of one pack."""
MAX_README = 256 * 1024


class Parts(NamedTuple):
    """What is read from the files of a pack. `*_document`: the text as a YAML reader returned it."""

    document: Any
    """pack.json."""
    values: str = ""
    values_document: Any = None
    presets_document: Any = None
    schema_document: Any = None
    readme: str = ""
    charts: Tuple[Chart, ...] = ()
    manifests: Tuple[Manifest, ...] = ()
    kind: str = SPECTRO
    images: Tuple[str, ...] = ()
    """Images beside those that the values list."""


def make(parts: Parts, what: str = "The pack") -> Pack:
    """Return the pack. Raises `InvalidDocument` with everything that is wrong in its parts."""
    meta, wrong = metadata.parse(parts.document)
    problems: List[DocumentProblem] = list(wrong)
    if len(parts.values) > MAX_VALUES:
        problems.append(DocumentProblem("values.yaml", f"the values are longer than {MAX_VALUES // 1024} KiB"))
    if parts.values_document is not None and not isinstance(parts.values_document, Mapping):
        problems.append(DocumentProblem("values.yaml", "the values are not a map of keys", "", "NotAMap"))
    entries, schema_problems = _schema(parts.schema_document)
    presets, preset_problems = presets_of(parts.presets_document)
    problems += [*schema_problems, *preset_problems]
    problems += _missing_files(meta, parts)
    if problems:
        raise InvalidDocument(what, problems)
    listed = content.images_of_values(parts.values_document)
    return Pack(
        name=meta.name,
        version=meta.version,
        layer=meta.layer,
        display_name=meta.display_name,
        kind=parts.kind,
        values=parts.values,
        presets=presets,
        schema=entries,
        readme=parts.readme[:MAX_README],
        charts=parts.charts,
        manifests=parts.manifests,
        images=tuple(dict.fromkeys([*listed, *parts.images])),
        dependencies=meta.dependencies,
        resources=meta.resources,
        annotations=meta.annotations,
        cloud_types=meta.cloud_types,
        addon_type=meta.addon_type,
        addon_subtype=meta.addon_subtype,
        group=meta.group,
        eol=meta.eol,
        upstream=meta.upstream,
        proven=meta.proven,
        document=parts.document,
    )


def _missing_files(meta: metadata.Metadata, parts: Parts) -> List[DocumentProblem]:
    """Return a problem for each chart and manifest that pack.json names and that was not there."""
    there = {chart.path for chart in parts.charts} | {manifest.path for manifest in parts.manifests}
    return [
        DocumentProblem(key, f"{path} is not in the pack", "Add the file, or remove it from pack.json.", "MissingFile")
        for key, paths in (("charts", meta.charts), ("kubeManifests", meta.manifests))
        for path in paths
        if path.rstrip("/") not in there
    ]


def _schema(document: Any) -> Tuple[Tuple[schema.SchemaEntry, ...], Sequence[DocumentProblem]]:
    if document is None:
        return (), ()
    if not isinstance(document, Mapping):
        return (), (DocumentProblem("schema.yaml", "the schema is not a map of keys", "", "NotAMap"),)
    return schema.from_document(document)


def presets_of(document: Any) -> Tuple[Tuple[Preset, ...], Sequence[DocumentProblem]]:
    """Return the presets of a presets.yaml that was read, and what is wrong in it.

    It is a list, or a map with the list at `presets`.
    """
    listed = document.get("presets") if isinstance(document, Mapping) else document
    if listed is None:
        return (), ()
    if not isinstance(listed, list):
        return (), (DocumentProblem("presets.yaml", "the presets are not a list", "", "InvalidPreset"),)
    presets: List[Preset] = []
    problems: List[DocumentProblem] = []
    for number, item in enumerate(listed[: metadata.MAX_ITEMS]):
        key = f"presets[{number}]"
        name = item.get("name") if isinstance(item, Mapping) else None
        if not isinstance(item, Mapping) or not isinstance(name, str) or not name.strip():
            problems.append(DocumentProblem(key, "a preset needs a name", "", "InvalidPreset"))
            continue
        removed = item.get("remove") or []
        added = item.get("add")
        if not isinstance(removed, list) or not (added is None or isinstance(added, str)):
            problems.append(
                DocumentProblem(key, "add must be a YAML text, and remove a list of keys", "", "InvalidPreset")
            )
            continue
        presets.append(
            Preset(
                name.strip(),
                str(item.get("displayName") or name).strip(),
                str(item.get("group") or "").strip(),
                added or "",
                tuple(str(path) for path in removed),
            )
        )
    if len({preset.name for preset in presets}) < len(presets):
        problems.append(DocumentProblem("presets", "two presets have the same name", "", "InvalidPreset"))
    return tuple(presets), tuple(problems)
