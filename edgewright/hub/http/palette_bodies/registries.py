"""Request bodies of registries in Palette's API. Written by tools/palette_bodies.py, never edited."""

from __future__ import annotations

from edgewright.hub.http.bodies import META
from edgewright.hub.http.shapes import FLAG, WHEN, many, name, obj, requiring, text

_TLS_CONFIGURATION = obj(ca=text(), certificate=text(), enabled=FLAG, insecureSkipVerify=FLAG, key=name())
_REGISTRY_AUTH = obj(
    password=name(512),
    tls=_TLS_CONFIGURATION,
    token=name(512),
    type_=text(64, "noAuth", "basic", "token"),
    username=text(),
)
_HELM_CHART_OPTION = obj(name=name(), version=name())
_HELM_REGISTRY_CREATE_OPTION = obj(charts=many(_HELM_CHART_OPTION), skipSync=FLAG)
_HELM_REGISTRY_SPEC_ENTITY = requiring(
    obj(
        auth=_REGISTRY_AUTH,
        createOption=_HELM_REGISTRY_CREATE_OPTION,
        endpoint=text(),
        isPrivate=FLAG,
        name=name(),
        scope=text(),
    ),
    "auth",
    "endpoint",
)
HELM_REGISTRY_ENTITY = obj(metadata=META, spec=_HELM_REGISTRY_SPEC_ENTITY)
HELM_REGISTRY_SPEC = requiring(
    obj(auth=_REGISTRY_AUTH, endpoint=text(), isPrivate=FLAG, name=name(), registryUid=name(), scope=text()),
    "auth",
    "endpoint",
)
_REGISTRY_SYNC_STATUS = obj(isSyncSupported=FLAG, lastRunTime=WHEN, lastSyncedTime=WHEN, message=text(), status=text())
_HELM_REGISTRY_STATUS = obj(helmSyncStatus=_REGISTRY_SYNC_STATUS)
HELM_REGISTRY = obj(
    apiVersion=text(), kind=name(), metadata=META, spec=HELM_REGISTRY_SPEC, status=_HELM_REGISTRY_STATUS
)
BASIC_OCI_REGISTRY_SPEC = requiring(
    obj(
        auth=_REGISTRY_AUTH,
        baseContentPath=text(),
        basePath=text(),
        containsSpectroManifest=FLAG,
        endpoint=text(),
        isSyncSupported=FLAG,
        providerType=text(64, "helm", "zarf", "pack"),
        registryUid=name(),
        scope=text(),
    ),
    "auth",
    "endpoint",
)
_OCI_REGISTRY_STATUS = obj(syncStatus=_REGISTRY_SYNC_STATUS)
BASIC_OCI_REGISTRY = obj(kind=name(), metadata=META, spec=BASIC_OCI_REGISTRY_SPEC, status=_OCI_REGISTRY_STATUS)
_AWS_POD_IDENTITY_CREDENTIALS = obj(permissionBoundaryArn=text(), roleArn=text())
_AWS_SECRET_TLS_CONFIG = obj(ca=text(), cert=text(), key=name())
_AWS_SECRET_SPEC = obj(
    accountName=name(),
    agency=text(),
    isCapValidationEnabled=FLAG,
    mission=text(),
    namePrefix=text(),
    permissionBoundary=text(),
    policy=text(),
    role=text(),
    tls=_AWS_SECRET_TLS_CONFIG,
)
_AWS_STS_CREDENTIALS = obj(arn=text(), externalId=name())
_AWS_CLOUD_ACCOUNT = obj(
    accessKey=name(512),
    credentialType=text(64, "secret", "sts", "pod-identity"),
    partition=text(64, "aws", "aws-us-gov", "aws-iso", "aws-iso-b"),
    podIdentity=_AWS_POD_IDENTITY_CREDENTIALS,
    policyARNs=many(text()),
    secretKey=name(512),
    secretSpec=_AWS_SECRET_SPEC,
    secretToken=name(512),
    sts=_AWS_STS_CREDENTIALS,
)
ECR_REGISTRY_SPEC = requiring(
    obj(
        baseContentPath=text(),
        containsSpectroManifest=FLAG,
        credentials=_AWS_CLOUD_ACCOUNT,
        defaultRegion=text(),
        endpoint=text(),
        isPrivate=FLAG,
        isSyncSupported=FLAG,
        providerType=text(64, "helm", "pack", "zarf"),
        registryUid=name(),
        scope=text(),
        tls=_TLS_CONFIGURATION,
    ),
    "endpoint",
    "isPrivate",
)
ECR_REGISTRY = obj(kind=name(), metadata=META, spec=ECR_REGISTRY_SPEC, status=_OCI_REGISTRY_STATUS)
PACK_REGISTRY_SPEC = requiring(
    obj(auth=_REGISTRY_AUTH, endpoint=text(), name=name(), private=FLAG, registryUid=name(), scope=text()),
    "auth",
    "endpoint",
)
_PACK_REGISTRY_STATUS = obj(packSyncStatus=_REGISTRY_SYNC_STATUS)
PACK_REGISTRY = obj(
    apiVersion=text(), kind=name(), metadata=META, spec=PACK_REGISTRY_SPEC, status=_PACK_REGISTRY_STATUS
)
