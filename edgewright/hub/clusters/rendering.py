"""From a resolved layer to what hosts get: values and manifests as JSON, secret ones apart from all others."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any, NamedTuple

from edgewright.core.clusters import model
from edgewright.core.errors import InvalidInput
from edgewright.core.packs.pack import Pack
from edgewright.core.profiles.problems import Problem, error
from edgewright.core.profiles.resolve import ResolvedLayer, ResolvedText
from edgewright.yamltext.values import read_manifest

_UNFIT = re.compile(r"[^a-z0-9-]+")
RELEASE = 53
"""Characters of the name of a helm release."""
_SALT = 64
DIGEST = "sha256:"


class Content:
    """The content of a document: public blobs, and private texts that only hosts of the cluster get.

    A digest of a secret text is in the document, so the text has secret white space at its end.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.public: dict[str, bytes] = {}
        self.private: dict[str, str] = {}
        self.named: dict[str, None] = {}
        """Digests of blobs that hosts fetch, in order."""

    def add(self, value: Any, secret: bool) -> str:
        """Add a value as JSON and return its SHA-256."""
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
        if secret:
            text += _salt(self._secret, text)
            digest = hashlib.sha256(text.encode()).hexdigest()
            self.private[digest] = text
            return digest
        data = text.encode()
        digest = hashlib.sha256(data).hexdigest()
        self.public[digest] = data
        self.named[digest] = None
        return digest

    def name(self, digest: str) -> str:
        """Name a blob that is stored already, as `sha256:...`; returns its digits."""
        bare = digest.removeprefix(DIGEST)
        self.named[bare] = None
        return bare


def _salt(secret: bytes, text: str) -> str:
    number = int.from_bytes(hmac.digest(secret, b"salt|" + text.encode(), "sha256"), "big")
    return "".join(" \t"[number >> bit & 1] for bit in range(_SALT))


def is_secret(text: ResolvedText) -> bool:
    """Return whether a text contains a masked variable or macro, or a value that its schema calls a password."""
    return bool(secret_paths(text))


def secret_paths(text: ResolvedText) -> list[str]:
    """Return where a text has masked variables or macros, and values that its schema calls passwords; sorted."""
    written = {path for path in text.secrets if path in text.source.scalars and text.source.scalars[path].raw}
    return sorted(written | {path for path, origins in text.origins.items() if any(row.secret for row in origins)})


class Rendered(NamedTuple):
    """The entries of one layer of a profile, its images, and what is wrong."""

    layers: tuple[model.Layer, ...]
    images: tuple[model.Image, ...]
    problems: tuple[Problem, ...] = ()


def layer_name(key: str) -> str:
    """Return the name of a layer as a document takes it."""
    return _UNFIT.sub("-", key.lower()).strip("-")[:63].strip("-") or "layer"


def images_of(values: Any, layer: str) -> tuple[model.Image, ...]:
    """Return the images that values list by digest; those that have none are pulled when their pods start."""
    pack = values.get("pack") if isinstance(values, dict) else None
    content = pack.get("content") if isinstance(pack, dict) else None
    listed = content.get("images") if isinstance(content, dict) else None
    result = []
    for item in listed if isinstance(listed, list) else ():
        text = str(item.get("image") if isinstance(item, dict) else item or "")
        ref, _, digest = text.partition("@")
        if ref and digest:
            result.append(model.Image(ref, digest, layer))
    return tuple(result)


def rendered(resolved: ResolvedLayer, pack: Pack | None, order: int, content: Content) -> Rendered:
    """Return the entries of a layer: one for each chart, or one for its manifests."""
    key, name = resolved.layer.key, layer_name(resolved.layer.key)
    values = resolved.values.document if isinstance(resolved.values.document, dict) else {}
    settings = values.get("pack")
    namespace = str((settings.get("namespace") if isinstance(settings, dict) else "") or "default")
    manifests: list[str] = []
    for _part, own in resolved.manifests:
        manifests.append(content.add(_documents(own.document), is_secret(own)))
    problems: list[Problem] = []
    for manifest in pack.manifests if pack is not None else ():
        try:
            manifests.append(content.add(_documents(read_manifest(manifest.content, manifest.name).document), False))
        except InvalidInput as wrong:
            problems.append(error(key, f"manifest {manifest.name}", wrong.message, wrong.hint, wrong.code))
    charts = [chart for chart in pack.charts if chart.digest] if pack is not None else []
    secret = is_secret(resolved.values)
    layers: list[model.Layer] = []
    for number, chart in enumerate(charts):
        last = number == len(charts) - 1
        layers.append(
            model.Layer(
                name=name if len(charts) == 1 else layer_name(f"{name}-{chart.name}"),
                order=order + number,
                kind=model.HELM,
                content=(content.name(chart.digest), *(manifests if last else ())),
                namespace=namespace,
                release=layer_name(chart.name)[:RELEASE].strip("-"),
                values=content.add(_chart_values(values, chart.name), secret),
                drift=model.Drift(model.OFF),
            )
        )
    if not charts and manifests:
        entry = model.Layer(name, order, model.MANIFEST, tuple(manifests), namespace, drift=model.Drift(model.OFF))
        layers.append(entry)
    if not layers and not problems:
        text = f"The plane has no content of the pack {resolved.layer.name} {resolved.layer.version}."
        problems.append(error(key, "", text, "Import the pack, or add a registry that has it.", "NoContent"))
    images = images_of(values, layers[0].name) if layers else ()
    return Rendered(tuple(layers), images, tuple(problems))


def _documents(documents: Any) -> list[Any]:
    """Return the objects of a manifest without its empty documents."""
    return [item for item in documents if item] if isinstance(documents, list) else [documents]


def _chart_values(values: dict[str, Any], chart: str) -> Any:
    """Return the values of a chart: below `charts.NAME`, else everything but the pack's own."""
    charts = values.get("charts")
    if isinstance(charts, dict):
        return charts.get(chart) or {}
    return {key: value for key, value in values.items() if key != "pack"}
