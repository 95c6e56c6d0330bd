"""Paths, names and limits of clusters that plane, hosts and clients must spell alike (rules P100 to P109).

Standard library only, Python 3.9.
"""

from __future__ import annotations

from typing import Tuple

from edgewright.wire.protocol import PREFIX

# --- Palette's paths -------------------------------------------------------------------------------------------
CREATE = "/v1/spectroclusters/edge-native"
VALIDATE = "/v1/spectroclusters/edge-native/validate"
VALIDATE_NAME = "/v1/spectroclusters/validate/name"
CLUSTER = "/v1/spectroclusters/{uid}"
METADATA = CLUSTER + "/metadata"
STATUS = CLUSTER + "/status"
SPC_APPLY = CLUSTER + "/status/spcApply"
NOW, LATER = "DownloadAndInstall", "DownloadAndInstallLater"
"""`actionType` of a change of profiles: it is applied at once, or by `POST` of `SPC_APPLY`."""
PROFILES = CLUSTER + "/profiles"
PACK_REFS = CLUSTER + "/packRefs"
PACK_CONFIG = CLUSTER + "/profiles/{profileUid}/packs/{packName}/config"
VARIABLES = CLUSTER + "/variables"
KUBECONFIG = CLUSTER + "/assets/kubeconfig"
KUBECONFIG_CLIENT = CLUSTER + "/assets/kubeconfigclient"
KUBECONFIG_ADMIN = CLUSTER + "/assets/adminKubeconfig"
BACKUP = CLUSTER + "/features/backup"
SCAN = CLUSTER + "/features/complianceScan"
RBACS = CLUSTER + "/config/rbacs"
RBAC = CLUSTER + "/config/rbacs/{rbacUid}"
NAMESPACES = CLUSTER + "/config/namespaces"
NAMESPACE = CLUSTER + "/config/namespaces/{namespaceUid}"
CERTIFICATES = CLUSTER + "/k8certificates"
REPAVE_STATUS = CLUSTER + "/repave/status"
REPAVE_APPROVE = CLUSTER + "/repave/approve"
LOCATION = CLUSTER + "/location"
OS_PATCH = CLUSTER + "/clusterConfig/osPatch"
TIMEZONE = CLUSTER + "/clusterConfig/timezone"
HOSTS = CLUSTER + "/edge-native/edgeHosts"
CONFIG = "/v1/cloudconfigs/edge-native/{configUid}"
CLUSTER_CONFIG = CONFIG + "/clusterConfig"
POOLS = CONFIG + "/machinePools"
POOL = CONFIG + "/machinePools/{machinePoolName}"
MACHINES = POOL + "/machines"
MACHINE = POOL + "/machines/{machineUid}"
MAINTENANCE = (
    "/v1/cloudconfigs/{cloudType}/{configUid}/machinePools/{machinePoolName}/machines/{machineUid}/maintenance"
)
MACHINE_UIDS = "/v1/cloudconfigs/{configUid}/machinePools/machineUids"
DEFINITION = "/v1/spectroclusters/spc/download"
"""Profiles as a cluster definition for a host without a plane."""
SEARCH = "/v1/dashboard/spectroclusters/search"
SEARCH_SCHEMA = "/v1/dashboard/spectroclusters/search/schema"
NAMES = "/v1/dashboard/spectroclusters/metadata"
META = "/v1/dashboard/spectroclusters/meta"
SUMMARY = "/v1/dashboard/spectroclusters/{uid}"
OVERVIEW = "/v1/dashboard/spectroclusters/{uid}/overview"

# --- our own paths ---------------------------------------------------------------------------------------------
OWN = PREFIX + "/clusters"
OWN_CLUSTER = PREFIX + "/clusters/{uid}"
DESIRED = OWN_CLUSTER + "/desired"
"""The document for a host that belongs to it, with the part that is sealed for this host (P100)."""
HOST_STATE = OWN_CLUSTER + "/host"
"""What the calling host reports of itself in the cluster (P102)."""
OBSERVED = OWN_CLUSTER + "/observed"
"""What the leader reports of the cluster (P103)."""
KUBECONFIGS = OWN_CLUSTER + "/kubeconfigs"
"""Where a control plane hands over the kubeconfigs (P104)."""
FORGET = OWN_CLUSTER + "/forget"
"""An operator declares a host lost: the others remove it (P105)."""
REPORTED = OWN + "/reported"
"""Clusters that hosts report and of which the plane has no document, or another one (P106)."""
ADOPT = OWN_CLUSTER + "/adopt"
"""An operator lets the plane take the document that the hosts have (P106)."""
ADOPTION = OWN_CLUSTER + "/adoption"
"""Where a control plane hands that document over (P106)."""
CONTENT = OWN_CLUSTER + "/content/{digest}"
"""Where that control plane hands over content of layers that the plane does not have (P108)."""
OVERRIDE = OWN_CLUSTER + "/override"
"""An operator lets the hosts take the plane's document in place of theirs (P106)."""
RETRY = OWN_CLUSTER + "/retry"
"""Steps of all members that wait for an operator start again (P85)."""

# --- names -----------------------------------------------------------------------------------------------------
KIND = "spectrocluster"
"""The kind of a cluster in events and audit entries (Palette's word)."""
CLOUD_TYPE = "edge-native"
PRESENT = "present"
ABSENT = "absent"
CONTROL_PLANE = "control-plane"
WORKER = "worker"

PENDING = "Pending"
PROVISIONING = "Provisioning"
RUNNING = "Running"
DELETING = "Deleting"
DELETED = "Deleted"
UNKNOWN = "Unknown"
STATES: Tuple[str, ...] = (PENDING, PROVISIONING, RUNNING, DELETING, DELETED, UNKNOWN)
"""States of a cluster that clients see."""

# --- limits ----------------------------------------------------------------------------------------------------
MAX_HOST_STATE = 16 * 1024
"""Bytes of what a host reports of itself."""
MAX_OBSERVED = 128 * 1024
"""Bytes of what the leader reports: enough for the 500 nodes of the largest document."""
MAX_ADOPTION = 1024 * 1024
"""Bytes of a document with its secrets that a control plane hands over: what a body may have."""
MAX_CONTENT = 700 * 1024
"""Bytes of content that a control plane hands over: in base64 it fits into a body."""
MAX_DOCUMENT = 256 * 1024
"""Bytes of a cluster document."""
MAX_KUBECONFIG = 64 * 1024
"""Characters of a kubeconfig."""
FORCE_AFTER = 900.0
"""Seconds that a cluster must be Deleting before it can be deleted by force."""
SHOWN_DELETED = 72 * 3600.0
"""Seconds for which a deleted cluster is listed."""
E_BACKUP = "BackupNotConfigured"
E_DELETED = "ClusterDeleted"
E_NO_KUBECONFIG = "KubeconfigNotReady"
E_IN_USE = "EdgeHostInUse"
E_OLDER_LEADER = "OlderLeader"
E_NOT_MEMBER = "NotAMember"
E_FORCE_TOO_EARLY = "ForceDeleteTooEarly"
E_UNKNOWN_LINEAGE = "LineageChanged"
E_INVALID = "InvalidCluster"
E_DUPLICATE = "DuplicateCluster"
E_EDITED = "ClusterChanged"
E_SIMULATED = "SimulatedCluster"
E_QUORUM = "QuorumGuard"
E_STATE = "ClusterState"
E_CONTACT = "HostInContact"
E_PROFILE = "ProfileNotUsable"
E_UNKNOWN = "UnknownCluster"
E_ADOPTION = "AdoptionRefused"
E_NOTHING = "NothingToDecide"
PLACEHOLDER = "edgewright-masked:"
"""What begins a text of values that a host replaces by a masked value of its slice (P101)."""
