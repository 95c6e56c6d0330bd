"""Request bodies of clusters in Palette's API. Written by tools/palette_bodies.py, never edited."""

from __future__ import annotations

from edgewright.hub.http.bodies import META
from edgewright.hub.http.shapes import (
    ANNOTATIONS,
    FLAG,
    INTEGER,
    LABELS,
    NUMBER,
    WHEN,
    many,
    name,
    obj,
    requiring,
    text,
)

_EDGE_NATIVE_CONTROL_PLANE_END_POINT = obj(
    ddnsSearchDomain=text(), host=text(), type_=text(64, "VIP", "External", "DDNS", "IP")
)
_EDGE_NATIVE_OVERLAY_NETWORK_CONFIGURATION = obj(cidr=text(), enable=FLAG)
_EDGE_NATIVE_CLUSTER_CONFIG = obj(
    controlPlaneEndpoint=_EDGE_NATIVE_CONTROL_PLANE_END_POINT,
    isTwoNodeCluster=FLAG,
    ntpServers=many(text()),
    overlayNetworkConfiguration=_EDGE_NATIVE_OVERLAY_NETWORK_CONFIGURATION,
    sshKeys=many(text()),
    staticIp=FLAG,
)
_INGRESS_CONFIG = obj(host=text(), port=INTEGER)
_LOAD_BALANCER_CONFIG = obj(
    externalIPs=many(text()), externalTrafficPolicy=text(), loadBalancerSourceRanges=many(text())
)
_HOST_CLUSTER_ENDPOINT_CONFIG = obj(ingressConfig=_INGRESS_CONFIG, loadBalancerConfig=_LOAD_BALANCER_CONFIG)
_HOST_CLUSTER_ENDPOINT = obj(config=_HOST_CLUSTER_ENDPOINT_CONFIG, type_=text(64, "Ingress", "LoadBalancer"))
_OBJECT_REFERENCE = obj(kind=name(), name=name(), uid=name())
_HOST_CLUSTER_CONFIG = obj(
    clusterEndpoint=_HOST_CLUSTER_ENDPOINT,
    clusterGroup=_OBJECT_REFERENCE,
    hostCluster=_OBJECT_REFERENCE,
    isHostCluster=FLAG,
)
_HYPER_SHIFT_CONFIG = obj(clusterDeploymentType=text(64, "hypershift", "openshift"), hostClusterUid=name())
_LIFECYCLE_CONFIG = obj(pause=FLAG)
_GEOLOCATION_LATLONG = obj(latitude=NUMBER, longitude=NUMBER)
_CLUSTER_LOCATION = obj(
    countryCode=text(), countryName=name(), geoLoc=_GEOLOCATION_LATLONG, regionCode=text(), regionName=name()
)
_OS_PATCH_CONFIG = obj(onDemandPatchAfter=WHEN, patchOnBoot=FLAG, rebootIfRequired=FLAG, schedule=text())
_MACHINE_MANAGEMENT_CONFIG = obj(osPatchConfig=_OS_PATCH_CONFIG)
_OBJECT_META_UPDATE_ENTITY = obj(annotations=ANNOTATIONS, labels=LABELS, name=name(), uid=name())
_RELATED_OBJECT = obj(
    kind=text(
        64,
        "spectrocluster",
        "machine",
        "cloudconfig",
        "clusterprofile",
        "pack",
        "appprofile",
        "appdeployment",
        "edgehost",
    ),
    name=name(),
    uid=name(),
)
_GPU_CONFIG = obj(limit=INTEGER, provider=text(64, "nvidia"))
_CLUSTER_NAMESPACE_RESOURCE_ALLOCATION = obj(cpuCores=NUMBER, gpuConfig=_GPU_CONFIG, memoryMiB=NUMBER)
_CLUSTER_NAMESPACE_SPEC = obj(
    isRegex=FLAG, relatedObject=_RELATED_OBJECT, resourceAllocation=_CLUSTER_NAMESPACE_RESOURCE_ALLOCATION
)
CLUSTER_NAMESPACE_RESOURCE_INPUT_ENTITY = obj(metadata=_OBJECT_META_UPDATE_ENTITY, spec=_CLUSTER_NAMESPACE_SPEC)
_CLUSTER_ROLE_REF = obj(kind=text(64, "Role", "ClusterRole"), name=name())
_CLUSTER_RBAC_SUBJECTS = obj(name=name(), namespace=text(), type_=text(64, "User", "Group", "ServiceAccount"))
_CLUSTER_RBAC_BINDING = obj(
    namespace=text(),
    role=_CLUSTER_ROLE_REF,
    subjects=many(_CLUSTER_RBAC_SUBJECTS),
    type_=text(64, "RoleBinding", "ClusterRoleBinding"),
)
_CLUSTER_RBAC_SPEC = obj(bindings=many(_CLUSTER_RBAC_BINDING), isSystem=FLAG, relatedObject=_RELATED_OBJECT)
CLUSTER_RBAC_INPUT_ENTITY = obj(metadata=_OBJECT_META_UPDATE_ENTITY, spec=_CLUSTER_RBAC_SPEC)
_CLUSTER_RESOURCES_ENTITY = obj(
    namespaces=many(CLUSTER_NAMESPACE_RESOURCE_INPUT_ENTITY), rbacs=many(CLUSTER_RBAC_INPUT_ENTITY)
)
_CLUSTER_CONFIG_ENTITY = obj(
    clusterMetaAttribute=text(),
    controlPlaneHealthCheckTimeout=text(),
    hostClusterConfig=_HOST_CLUSTER_CONFIG,
    hyperShiftConfig=_HYPER_SHIFT_CONFIG,
    lifecycleConfig=_LIFECYCLE_CONFIG,
    location=_CLUSTER_LOCATION,
    machineManagementConfig=_MACHINE_MANAGEMENT_CONFIG,
    resources=_CLUSTER_RESOURCES_ENTITY,
    timezone=text(),
    updateWorkerPoolsInParallel=FLAG,
)
_CLUSTER_TEMPLATE_REF = obj(uid=name())
_NIC = obj(dns=many(text()), gateway=text(), ip=text(), isDefault=FLAG, macAddr=text(), nicName=name(), subnet=text())
_EDGE_NATIVE_MACHINE_POOL_HOST_ENTITY = requiring(
    obj(
        hostName=name(),
        hostUid=name(),
        nic=_NIC,
        nicName=name(),
        staticIP=text(),
        twoNodeCandidatePriority=text(64, "primary", "secondary"),
    ),
    "hostUid",
)
_EDGE_NATIVE_MACHINE_POOL_CLOUD_CONFIG_ENTITY = requiring(
    obj(edgeHosts=many(_EDGE_NATIVE_MACHINE_POOL_HOST_ENTITY)), "edgeHosts"
)
_MACHINE_POOL_PROPERTIES = obj(archType=text(64, "amd64", "arm64"))
_TAINT = obj(effect=text(64, "NoSchedule", "PreferNoSchedule", "NoExecute"), key=name(), timeAdded=WHEN, value=text())
_UPDATE_STRATEGY = obj(
    maxSurge=text(),
    maxUnavailable=text(),
    type_=text(64, "RollingUpdateScaleOut", "RollingUpdateScaleIn", "OverrideScaling"),
)
_MACHINE_POOL_CONFIG_ENTITY = requiring(
    obj(
        additionalAnnotations=ANNOTATIONS,
        additionalLabels=ANNOTATIONS,
        additionalTags=ANNOTATIONS,
        isControlPlane=FLAG,
        labels=many(text()),
        machinePoolProperties=_MACHINE_POOL_PROPERTIES,
        maxSize=INTEGER,
        minSize=INTEGER,
        name=name(),
        nodeRepaveInterval=INTEGER,
        overrideKubeadmConfiguration=text(),
        size=INTEGER,
        skipK8sUpgrade=text(64, "enabled", "disabled"),
        taints=many(_TAINT),
        updateStrategy=_UPDATE_STRATEGY,
        useControlPlaneAsWorker=FLAG,
    ),
    "labels",
    "name",
    "size",
)
_EDGE_NATIVE_MACHINE_POOL_CONFIG_ENTITY = obj(
    cloudConfig=_EDGE_NATIVE_MACHINE_POOL_CLOUD_CONFIG_ENTITY, poolConfig=_MACHINE_POOL_CONFIG_ENTITY
)
_CLUSTER_FEATURE_SCHEDULE = obj(scheduledRunTime=text())
_CLUSTER_BACKUP_CONFIG = obj(
    backupLocationName=name(),
    backupLocationUid=name(),
    backupName=name(),
    backupPrefix=text(),
    durationInHours=NUMBER,
    includeAllDisks=FLAG,
    includeClusterResourceMode=text(64, "Always", "Auto", "Never"),
    includeClusterResources=FLAG,
    locationType=text(),
    namespaces=many(text()),
    schedule=_CLUSTER_FEATURE_SCHEDULE,
)
_CLUSTER_COMPLIANCE_SCAN_KUBE_BENCH_SCHEDULE_CONFIG = obj(schedule=_CLUSTER_FEATURE_SCHEDULE)
_CLUSTER_COMPLIANCE_SCAN_KUBE_HUNTER_SCHEDULE_CONFIG = obj(schedule=_CLUSTER_FEATURE_SCHEDULE)
_CLUSTER_COMPLIANCE_SCAN_SONOBUOY_SCHEDULE_CONFIG = obj(schedule=_CLUSTER_FEATURE_SCHEDULE)
_CLUSTER_COMPLIANCE_SCHEDULE_CONFIG = obj(
    kubeBench=_CLUSTER_COMPLIANCE_SCAN_KUBE_BENCH_SCHEDULE_CONFIG,
    kubeHunter=_CLUSTER_COMPLIANCE_SCAN_KUBE_HUNTER_SCHEDULE_CONFIG,
    sonobuoy=_CLUSTER_COMPLIANCE_SCAN_SONOBUOY_SCHEDULE_CONFIG,
)
_SPECTRO_CLUSTER_POLICIES = obj(backupPolicy=_CLUSTER_BACKUP_CONFIG, scanPolicy=_CLUSTER_COMPLIANCE_SCHEDULE_CONFIG)
_MANIFEST_REF_UPDATE_ENTITY = requiring(obj(content=text(262144), name=name(), uid=name()), "name")
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
_SPECTRO_CLUSTER_VARIABLE = requiring(obj(name=name(), value=text()), "name")
_SPECTRO_CLUSTER_PROFILE_ENTITY = obj(
    packValues=many(_PACK_VALUES_ENTITY),
    replaceWithProfile=text(),
    uid=name(),
    variables=many(_SPECTRO_CLUSTER_VARIABLE),
)
SPECTRO_EDGE_NATIVE_CLUSTER_ENTITY = obj(
    metadata=META,
    spec=obj(
        cloudConfig=_EDGE_NATIVE_CLUSTER_CONFIG,
        clusterConfig=_CLUSTER_CONFIG_ENTITY,
        clusterTemplate=_CLUSTER_TEMPLATE_REF,
        machinepoolconfig=many(_EDGE_NATIVE_MACHINE_POOL_CONFIG_ENTITY),
        policies=_SPECTRO_CLUSTER_POLICIES,
        profiles=many(_SPECTRO_CLUSTER_PROFILE_ENTITY),
    ),
)
OS_PATCH_ENTITY = obj(osPatchConfig=_OS_PATCH_CONFIG)
TIMEZONE_UPDATE_ENTITY = requiring(obj(timezone=text()), "timezone")
CLUSTER_NAMESPACE_RESOURCES_UPDATE_ENTITY = obj(namespaces=many(CLUSTER_NAMESPACE_RESOURCE_INPUT_ENTITY))
CLUSTER_RBAC_RESOURCES_UPDATE_ENTITY = obj(rbacs=many(CLUSTER_RBAC_INPUT_ENTITY))
SPECTRO_CLUSTER_LOCATION_INPUT_ENTITY = obj(location=_CLUSTER_LOCATION)
OBJECT_META_INPUT_ENTITY_SCHEMA = requiring(obj(metadata=META), "metadata")
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
_CLUSTER_PROFILE_NOTIFICATION_UPDATE_ENTITY = obj(packs=many(_PACK_MANIFEST_UPDATE_ENTITY), uid=name())
_SPC_APPLY_SETTINGS = obj(actionType=text(64, "DownloadAndInstall", "DownloadAndInstallLater"))
CLUSTER_NOTIFICATION_UPDATE_ENTITY = obj(
    profiles=many(_CLUSTER_PROFILE_NOTIFICATION_UPDATE_ENTITY), spcApplySettings=_SPC_APPLY_SETTINGS
)
SPECTRO_CLUSTER_PROFILES_DELETE_ENTITY = obj(profileUids=many(name()))
SPECTRO_CLUSTER_PROFILES = requiring(
    obj(profiles=many(_SPECTRO_CLUSTER_PROFILE_ENTITY), spcApplySettings=_SPC_APPLY_SETTINGS), "profiles"
)
_SPECTRO_CLUSTER_VARIABLE_UPDATE_ENTITY = requiring(
    obj(profileUid=name(), variables=many(_SPECTRO_CLUSTER_VARIABLE)), "profileUid"
)
SPECTROCLUSTERS_UID_VARIABLES_PATCH = many(_SPECTRO_CLUSTER_VARIABLE_UPDATE_ENTITY)
