"""Request bodies of profiles in Palette's API. Written by tools/palette_bodies.py, never edited."""

from __future__ import annotations

from edgewright.hub.http.bodies import META
from edgewright.hub.http.shapes import FLAG, LABELS, many, name, obj, requiring, text

MANIFEST_INPUT_ENTITY = obj(content=text(262144), name=name())
_PACK_MANIFEST_ENTITY = requiring(
    obj(
        layer=text(),
        manifests=many(MANIFEST_INPUT_ENTITY),
        name=name(),
        registryUid=name(),
        tag=name(),
        type_=text(64, "spectro", "helm", "manifest", "oci"),
        uid=name(),
        values=text(262144),
    ),
    "name",
)
CLUSTER_PROFILE_TEMPLATE_DRAFT = obj(
    cloudType=text(), packs=many(_PACK_MANIFEST_ENTITY), type_=text(64, "cluster", "infra", "add-on", "system")
)
_VARIABLE_OPTION = requiring(obj(default=FLAG, description=text(), label=text(), value=text()), "value")
_VARIABLE = requiring(
    obj(
        defaultValue=text(),
        description=text(),
        displayName=name(),
        format=text(64, "string", "number", "boolean", "ipv4", "ipv4cidr", "ipv6", "version", "base64"),
        hidden=FLAG,
        immutable=FLAG,
        inputType=text(64, "text", "dropdown", "multiline"),
        isSensitive=FLAG,
        name=name(),
        options=many(_VARIABLE_OPTION),
        regex=text(),
        required=FLAG,
    ),
    "name",
)
CLUSTER_PROFILE_ENTITY = obj(
    metadata=META, spec=obj(template=CLUSTER_PROFILE_TEMPLATE_DRAFT, variables=many(_VARIABLE), version=name())
)
BULK_DELETE_REQUEST = requiring(obj(uids=many(text())), "uids")
_CLUSTER_PROFILE_METADATA_IMPORT_ENTITY = obj(description=text(), labels=LABELS, name=name())
_PACK_MANIFEST_IMPORT_ENTITY = obj(content=text(262144), name=name())
_PACK_REGISTRY_METADATA = obj(
    isPrivate=FLAG, isSyncSupported=FLAG, kind=name(), name=name(), providerType=text(), uid=name()
)
_PACK_REGISTRY_IMPORT_ENTITY = obj(matchingRegistries=many(_PACK_REGISTRY_METADATA), metadata=_PACK_REGISTRY_METADATA)
_PACK_IMPORT_ENTITY = obj(
    layer=text(),
    manifests=many(_PACK_MANIFEST_IMPORT_ENTITY),
    name=name(),
    registry=_PACK_REGISTRY_IMPORT_ENTITY,
    tag=name(),
    type_=text(),
    values=text(262144),
    version=name(),
)
_CLUSTER_PROFILE_TEMPLATE_IMPORT_ENTITY = obj(cloudType=text(), packs=many(_PACK_IMPORT_ENTITY), type_=text())
_CLUSTER_PROFILE_SPEC_IMPORT_ENTITY = obj(
    template=_CLUSTER_PROFILE_TEMPLATE_IMPORT_ENTITY, variables=many(_VARIABLE), version=name()
)
CLUSTER_PROFILE_IMPORT_ENTITY = obj(
    metadata=_CLUSTER_PROFILE_METADATA_IMPORT_ENTITY, spec=_CLUSTER_PROFILE_SPEC_IMPORT_ENTITY
)
_MANIFEST_REF_UPDATE_ENTITY = requiring(obj(content=text(262144), name=name(), uid=name()), "name")
_PACK_MANIFEST_UPDATE_ENTITY = requiring(
    obj(
        layer=text(),
        manifests=many(_MANIFEST_REF_UPDATE_ENTITY),
        name=name(),
        registryUid=name(),
        tag=name(),
        type_=text(64, "spectro", "helm", "manifest", "oci"),
        uid=name(),
        values=text(262144),
    ),
    "name",
)
_CLUSTER_PROFILE_TEMPLATE_UPDATE = obj(
    packs=many(_PACK_MANIFEST_UPDATE_ENTITY), type_=text(64, "cluster", "infra", "add-on", "system")
)
CLUSTER_PROFILE_UPDATE_ENTITY = obj(metadata=META, spec=obj(template=_CLUSTER_PROFILE_TEMPLATE_UPDATE, version=name()))
_CLUSTER_PROFILE_CLONE_TARGET = requiring(
    obj(projectUid=name(), scope=text(64, "system", "tenant", "project", "resource")), "scope"
)
CLUSTER_PROFILE_CLONE_META_INPUT_ENTITY = requiring(
    obj(name=name(), target=_CLUSTER_PROFILE_CLONE_TARGET, version=name()), "name"
)
CLUSTER_PROFILE_CLONE_ENTITY = obj(metadata=CLUSTER_PROFILE_CLONE_META_INPUT_ENTITY)
_CLUSTER_PROFILE_SPEC_ENTITY = obj(version=name())
PROFILE_META_ENTITY = requiring(obj(metadata=META, spec=_CLUSTER_PROFILE_SPEC_ENTITY), "metadata")
CLUSTER_PROFILE_NOTIFICATION_UPDATE_ENTITY = obj(packs=many(_PACK_MANIFEST_UPDATE_ENTITY), uid=name())
PACK_INPUT_ENTITY = obj(pack=_PACK_MANIFEST_ENTITY)
PACK_PARAMS_ENTITY = obj(references=many(text()))
_PACK_ENTITY = requiring(
    obj(
        layer=text(),
        name=name(),
        tag=name(),
        type_=text(64, "spectro", "helm", "manifest", "oci"),
        uid=name(),
        values=text(262144),
    ),
    "name",
    "uid",
)
PACK_UPDATE_ENTITY = obj(pack=_PACK_ENTITY)
VARIABLE_NAMES = requiring(obj(variables=many(text())), "variables")
VARIABLES = obj(variables=many(_VARIABLE))
_FILTER_STRING = obj(beginsWith=text(), contains=text(), eq=text(), ignoreCase=FLAG, ne=text())
_FILTER_ARRAY = obj(beginsWith=many(text()), eq=many(text()), ignoreCase=FLAG, ne=many(text()))
_FILTER_VERSION_STRING = obj(beginsWith=text(), eq=text(), gt=text(), lt=text(), ne=text())
_CLUSTER_PROFILE_FILTER_SPEC = obj(
    environment=many(text()),
    fips=text(64, "full", "none", "partial", "unknown"),
    profileName=_FILTER_STRING,
    profileType=many(text(64, "cluster", "infra", "add-on", "system")),
    resourceType=text(64, "spectrocluster", "clustertemplate"),
    scope=text(64, "system", "tenant", "project"),
    tags=_FILTER_ARRAY,
    version=_FILTER_VERSION_STRING,
)
_CLUSTER_PROFILE_SORT_SPEC = obj(
    field=text(64, "profileName", "environment", "profileType", "creationTimestamp", "lastModifiedTimestamp"),
    order=text(64, "asc", "desc"),
)
CLUSTER_PROFILES_FILTER_SPEC = obj(filter=_CLUSTER_PROFILE_FILTER_SPEC, sort=many(_CLUSTER_PROFILE_SORT_SPEC))
_PACK_VALUES_ENTITY = requiring(
    obj(
        manifests=many(_MANIFEST_REF_UPDATE_ENTITY),
        name=name(),
        tag=name(),
        type_=text(64, "spectro", "helm", "manifest", "oci"),
        values=text(262144),
    ),
    "name",
)
_CLUSTER_DEFINITION_PROFILE_ENTITY = requiring(obj(packs=many(_PACK_VALUES_ENTITY), uid=name()), "uid")
_CLUSTER_DEFINITION_SPEC_ENTITY = requiring(
    obj(cloudType=text(), profiles=many(_CLUSTER_DEFINITION_PROFILE_ENTITY)), "cloudType", "profiles"
)
CLUSTER_DEFINITION_ENTITY = obj(metadata=META, spec=_CLUSTER_DEFINITION_SPEC_ENTITY)
