"""Request bodies of cloudconfigs in Palette's API. Written by tools/palette_bodies.py, never edited."""

from __future__ import annotations

from edgewright.hub.http.bodies import META
from edgewright.hub.http.shapes import ANNOTATIONS, FLAG, INTEGER, WHEN, many, name, obj, requiring, text

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
EDGE_NATIVE_CLOUD_CLUSTER_CONFIG_ENTITY = obj(clusterConfig=_EDGE_NATIVE_CLUSTER_CONFIG)
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
EDGE_NATIVE_MACHINE_POOL_CONFIG_ENTITY = obj(
    cloudConfig=_EDGE_NATIVE_MACHINE_POOL_CLOUD_CONFIG_ENTITY, poolConfig=_MACHINE_POOL_CONFIG_ENTITY
)
_EDGE_NATIVE_INSTANCE_TYPE = obj(diskGiB=INTEGER, memoryMiB=INTEGER, name=name(), numCPUs=INTEGER)
_MACHINE_METADATA = obj(creationTimestamp=WHEN)
_EDGE_NATIVE_NIC = obj(index=INTEGER, networkName=name(), privateIPs=many(text()), publicIp=text())
_EDGE_NATIVE_MACHINE_SPEC = obj(
    edgeHostUid=name(),
    instanceType=_EDGE_NATIVE_INSTANCE_TYPE,
    machineMetadata=_MACHINE_METADATA,
    nics=many(_EDGE_NATIVE_NIC),
)
_MACHINE_ADDRESS = obj(address=text(), type_=text())
_MACHINE_HEALTH_CONDITION = obj(message=text(), reason=text(), status=text(), type_=text())
_MACHINE_HEALTH = obj(conditions=many(_MACHINE_HEALTH_CONDITION), lastHeartBeatTimestamp=WHEN, state=text())
MACHINE_MAINTENANCE_STATUS = obj(action=text(), message=text(), state=text())
_CLOUD_MACHINE_STATUS = obj(
    addresses=many(_MACHINE_ADDRESS),
    health=_MACHINE_HEALTH,
    instanceState=text(
        64, "Pending", "Provisioning", "Provisioned", "Running", "Deleting", "Deleted", "Failed", "Unknown"
    ),
    instanceStateLastUpdate=WHEN,
    maintenanceStatus=MACHINE_MAINTENANCE_STATUS,
    ready=FLAG,
)
EDGE_NATIVE_MACHINE = obj(
    apiVersion=text(), kind=name(), metadata=META, spec=_EDGE_NATIVE_MACHINE_SPEC, status=_CLOUD_MACHINE_STATUS
)
MACHINE_MAINTENANCE = obj(action=text(64, "cordon", "uncordon"))
