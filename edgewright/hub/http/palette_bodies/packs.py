"""Request bodies of packs in Palette's API. Written by tools/palette_bodies.py, never edited."""

from __future__ import annotations

from edgewright.hub.http.shapes import FLAG, many, obj, text

_FILTER_STRING = obj(beginsWith=text(), contains=text(), eq=text(), ignoreCase=FLAG, ne=text())
_PACK_FILTER_SPEC = obj(
    addOnSubType=many(text()),
    addOnType=many(text()),
    displayName=_FILTER_STRING,
    environment=many(text()),
    isFips=FLAG,
    layer=many(text(64, "kernel", "os", "k8s", "cni", "csi", "addon")),
    name=_FILTER_STRING,
    registryUid=many(text()),
    source=many(text()),
    state=many(text()),
    type_=many(text(64, "spectro", "helm", "manifest", "oci")),
)
_PACK_SORT_SPEC = obj(
    field=text(64, "name", "type", "layer", "addOnType", "displayName"), order=text(64, "asc", "desc")
)
PACKS_FILTER_SPEC = obj(filter=_PACK_FILTER_SPEC, sort=many(_PACK_SORT_SPEC))
