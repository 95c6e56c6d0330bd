"""Palette's JSON of a profile: the body of its import and the file of its export (`v1ClusterProfileImportEntity`).

Unknown keys survive a round trip at every level. An export covers secrets; an import lists what has to be given again.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from edgewright.core.errors import DocumentProblem, InvalidDocument
from edgewright.core.profiles.model import (
    ADDON,
    ADDON_LAYER,
    DRAFT,
    FIRST_VERSION,
    FULL,
    INFRA,
    LAYERS,
    Layer,
    Manifest,
    Option,
    Profile,
    Registry,
    Variable,
)
from edgewright.core.profiles.secrets import covered_variables
from edgewright.core.text import clean

MOST_PROBLEMS = 50
_TYPES = {"full": FULL, "infrastructure": INFRA, "addon": ADDON, "add-on": ADDON, FULL: FULL, INFRA: INFRA}
"""Types as they are written, with the API's name."""


def to_document(profile: Profile, secrets: bool = False, uids: bool = False) -> Dict[str, Any]:
    """Return the JSON of a profile. Defaults of masked variables are covered, unless `secrets` is true.

    With `uids` it contains those of packs, manifests and registries too, which mean something at one plane only.
    """
    variables = profile.variables if secrets else covered_variables(profile.variables)
    template = {
        **_extra(profile.extra, "template"),
        "type": profile.type,
        "cloudType": profile.cloud,
        "packs": [_pack(layer, uids) for layer in profile.layers],
    }
    return {
        **_extra(profile.extra, "document"),
        "metadata": {
            **_extra(profile.extra, "metadata"),
            "name": profile.name,
            "description": profile.description,
            "labels": dict(profile.labels),
        },
        "spec": {
            **_extra(profile.extra, "spec"),
            "version": profile.version,
            "template": template,
            "variables": [variable_document(variable) for variable in variables],
        },
    }


def _extra(extra: Mapping[str, Any], part: str) -> Dict[str, Any]:
    value = extra.get(part)
    return dict(value) if isinstance(value, Mapping) else {}


def _pack(layer: Layer, uids: bool) -> Dict[str, Any]:
    document: Dict[str, Any] = {
        **layer.extra,
        "name": layer.name,
        "type": layer.type,
        "layer": layer.kind,
        "version": layer.version,
        "tag": layer.tag,
        "values": layer.values,
    }
    if layer.pack_uid and uids:
        document["uid"] = layer.pack_uid
    registry = layer.registry
    if registry != Registry():
        metadata = {
            **_extra(registry.extra, "metadata"),
            "name": registry.name,
            "kind": registry.kind,
            "isPrivate": registry.private,
            "providerType": registry.provider,
        }
        if registry.uid and (uids or not registry.name):
            metadata["uid"] = registry.uid
        document["registry"] = {**_extra(registry.extra, "registry"), "metadata": metadata}
    if layer.manifests:
        document["manifests"] = [_manifest_document(manifest, uids) for manifest in layer.manifests]
    if layer.presets:
        document["edgewright"] = {**_extra(layer.extra, "edgewright"), "presets": list(layer.presets)}
    return document


def _manifest_document(manifest: Manifest, uids: bool) -> Dict[str, Any]:
    uid = {"uid": manifest.uid} if manifest.uid and uids else {}
    return {**manifest.extra, "name": manifest.name, **uid, "content": manifest.content}


def variable_document(variable: Variable) -> Dict[str, Any]:
    """Return a variable as the API has it (`v1Variable`)."""
    document: Dict[str, Any] = {
        **variable.extra,
        "name": variable.name,
        "displayName": variable.display,
        "description": variable.description,
        "inputType": variable.input,
        "format": variable.format,
        "regex": variable.regex,
        "required": variable.required,
        "defaultValue": variable.default,
        "isSensitive": variable.masked,
        "hidden": variable.hidden,
        "immutable": variable.read_only,
    }
    if variable.options:
        document["options"] = [
            {
                **option.extra,
                "value": option.value,
                "label": option.label,
                "description": option.description,
                "default": option.value == variable.default,
            }
            for option in variable.options
        ]
    return document


class _Reader:
    """Reads a JSON document part by part and collects what is wrong. Keys in another case are taken."""

    def __init__(self) -> None:
        self.problems: List[DocumentProblem] = []

    def wrong(self, key: str, message: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(DocumentProblem(key, message, "", "InvalidProfile"))

    def part(self, value: Any, key: str, known: Sequence[str]) -> "Tuple[Dict[str, Any], Dict[str, Any]]":
        """Return the known keys of a map by their usual spelling, and the other ones."""
        if value is None:
            return {}, {}
        if not isinstance(value, Mapping):
            self.wrong(key, "This must be a map of keys.")
            return {}, {}
        spelling = {name.lower(): name for name in known}
        mine: Dict[str, Any] = {}
        others: Dict[str, Any] = {}
        for name, item in value.items():
            usual = spelling.get(str(name).lower())
            if usual is None:
                others[str(name)] = item
            elif usual not in mine or name == usual:
                mine[usual] = item
        return mine, others

    def text(self, part: Mapping[str, Any], name: str, key: str, otherwise: str = "") -> str:
        value = part.get(name)
        if value is None:
            return otherwise
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (Mapping, list)):
            self.wrong(f"{key}.{name}", "This must be a text.")
            return otherwise
        text = str(value)
        if any("\ud800" <= character <= "\udfff" for character in text):
            self.wrong(f"{key}.{name}", "The text has half of a character (a surrogate).")
            return otherwise
        return text

    def flag(self, part: Mapping[str, Any], name: str, key: str) -> bool:
        value = part.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            self.wrong(f"{key}.{name}", "This must be true or false.")
            return False
        return value

    def items(self, part: Mapping[str, Any], name: str, key: str) -> List[Any]:
        value = part.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(f"{key}.{name}", "This must be a list.")
            return []
        return value

    def labels(self, value: Any, key: str) -> Dict[str, str]:
        if value is None or value == []:
            return {}
        if not isinstance(value, Mapping):
            self.wrong(key, "This must be a map of texts.")
            return {}
        part = {str(name): item for name, item in value.items()}
        return {name: self.text(part, name, key) for name in part}


def from_document(document: Any, what: str = "The profile") -> Profile:
    """Return the profile in a JSON document. Raises `InvalidDocument` with everything that is not of its form.

    The form alone is judged: `checks.check_form` judges the content.
    """
    reader = _Reader()
    if not isinstance(document, Mapping):
        raise InvalidDocument(what, [DocumentProblem("", "It is not a JSON object.", "", "InvalidProfile")])
    top, rest = reader.part(document, "", ("metadata", "spec"))
    meta, meta_rest = reader.part(top.get("metadata"), "metadata", ("name", "description", "labels"))
    spec, spec_rest = reader.part(top.get("spec"), "spec", ("version", "template", "variables"))
    path = "spec.template"
    template, template_rest = reader.part(spec.get("template"), path, ("type", "cloudType", "packs"))
    name = reader.text(meta, "name", "metadata")
    if not name:
        reader.wrong("metadata.name", "The profile has no name.")
    kind = reader.text(template, "type", path, FULL)
    extra = {"document": rest, "metadata": meta_rest, "spec": spec_rest, "template": template_rest}
    profile = Profile(
        name=name,
        type=_TYPES.get(kind, kind),
        version=reader.text(spec, "version", "spec", FIRST_VERSION) or FIRST_VERSION,
        description=reader.text(meta, "description", "metadata"),
        labels=reader.labels(meta.get("labels"), "metadata.labels"),
        cloud=reader.text(template, "cloudType", path, "edge-native"),
        layers=tuple(
            read_layer(reader, item, f"{path}.packs[{number}]")
            for number, item in enumerate(reader.items(template, "packs", path))
        ),
        variables=tuple(
            read_variable(reader, item, f"spec.variables[{number}]")
            for number, item in enumerate(reader.items(spec, "variables", "spec"))
        ),
        state=DRAFT,
        extra={part: others for part, others in extra.items() if others},
    )
    if reader.problems:
        raise InvalidDocument(what, reader.problems)
    return profile


def read_layer(reader: _Reader, value: Any, key: str) -> Layer:
    """Return a layer (`v1PackImportEntity`), also of the body that creates a profile (`v1PackManifestEntity`).

    The latter has `uid` and `registryUid`, and may have no layer: then `kind` is empty and the pack decides.
    """
    known = ("name", "type", "layer", "version", "tag", "values", "registry", "manifests", "edgewright", "uid",
             "registryUid")  # fmt: skip
    part, rest = reader.part(value, key, known)
    name = reader.text(part, "name", key)
    if not name:
        reader.wrong(f"{key}.name", "The pack has no name.")
    ours, ours_rest = reader.part(part.get("edgewright"), f"{key}.edgewright", ("presets",))
    if ours_rest:
        rest["edgewright"] = ours_rest
    version, tag = reader.text(part, "version", key), reader.text(part, "tag", key)
    kind = reader.text(part, "type", key, "spectro")
    layer = reader.text(part, "layer", key, ADDON_LAYER if kind == "manifest" else "")
    if layer and layer not in LAYERS:
        reader.wrong(f"{key}.layer", f"{clean(layer, 40)!r} is not a layer; layers are {', '.join(LAYERS)}.")
    registry = _registry(reader, part.get("registry"), f"{key}.registry")
    registry_uid = reader.text(part, "registryUid", key)
    if registry_uid and not registry.uid:
        registry = dataclasses.replace(registry, uid=registry_uid)
    return Layer(
        name=name,
        kind=layer,
        version=version,
        tag=tag,
        type=kind,
        values=reader.text(part, "values", key),
        presets=tuple(str(preset) for preset in reader.items(ours, "presets", f"{key}.edgewright")),
        manifests=tuple(
            _manifest(reader, item, f"{key}.manifests[{number}]")
            for number, item in enumerate(reader.items(part, "manifests", key))
        ),
        registry=registry,
        pack_uid=reader.text(part, "uid", key),
        extra=rest,
    )


def _manifest(reader: _Reader, value: Any, key: str) -> Manifest:
    part, rest = reader.part(value, key, ("name", "uid", "content"))
    name, content, uid = (reader.text(part, field, key) for field in ("name", "content", "uid"))
    return Manifest(name, content, uid, rest)


def _registry(reader: _Reader, value: Any, key: str) -> Registry:
    outer, rest = reader.part(value, key, ("metadata",))
    known = ("name", "uid", "kind", "providerType", "isPrivate")
    part, meta_rest = reader.part(outer.get("metadata"), f"{key}.metadata", known)
    name, uid, kind, provider = (reader.text(part, field, f"{key}.metadata") for field in known[:4])
    extra = {level: others for level, others in (("registry", rest), ("metadata", meta_rest)) if others}
    return Registry(name, uid, kind, provider, reader.flag(part, "isPrivate", f"{key}.metadata"), extra)


def read_variable(reader: _Reader, value: Any, key: str) -> Variable:
    """Return a variable (`v1Variable`); Palette's exports call `hidden` also `isHidden`."""
    known = (
        "name", "displayName", "description", "inputType", "format", "regex", "required", "defaultValue", "isSensitive",
        "hidden", "immutable", "options", "isHidden",
    )  # fmt: skip
    part, rest = reader.part(value, key, known)
    name = reader.text(part, "name", key)
    if not name:
        reader.wrong(f"{key}.name", "The variable has no name.")
    options = []
    default = reader.text(part, "defaultValue", key)
    for number, item in enumerate(reader.items(part, "options", key)):
        path = f"{key}.options[{number}]"
        row, others = reader.part(item, path, ("value", "label", "description", "default"))
        choice, label, description = (reader.text(row, field, path) for field in ("value", "label", "description"))
        options.append(Option(choice, label, description, others))
        if reader.flag(row, "default", path) and not default:
            default = choice
    hidden = [reader.flag(part, field, key) for field in ("hidden", "isHidden")]
    return Variable(
        name=name,
        display=reader.text(part, "displayName", key),
        description=reader.text(part, "description", key),
        input=reader.text(part, "inputType", key, "text") or "text",
        format=reader.text(part, "format", key, "string") or "string",
        options=tuple(options),
        regex=reader.text(part, "regex", key),
        required=reader.flag(part, "required", key),
        default=default,
        masked=reader.flag(part, "isSensitive", key),
        hidden=any(hidden),
        read_only=reader.flag(part, "immutable", key),
        extra=rest,
    )


def variables_of(document: Any, what: str = "The variables") -> Tuple[Variable, ...]:
    """Return the variables of a body `{"variables": [...]}`. Raises `InvalidDocument`."""
    reader = _Reader()
    part, _rest = reader.part(document, "", ("variables",))
    rows = enumerate(reader.items(part, "variables", ""))
    result = tuple(read_variable(reader, item, f"variables[{number}]") for number, item in rows)
    if reader.problems:
        raise InvalidDocument(what, reader.problems)
    return result
