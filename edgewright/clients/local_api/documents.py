"""Views over what the Local Management API answers, reduced to what is shown. Absent is `None` or empty, never zero."""

from __future__ import annotations

from edgewright.wire.document import Document, each, flag, integer, mapping, text, texts
from edgewright.wire.palette.edgehost import Nic


class Settings(Document):
    """`v1Settings`."""

    management_mode = text("managementMode")
    installation_mode = text("installationMode")
    feature_flags = mapping("featureFlags")


class HostInfo(Document):
    """`v1EdgeHostInfo`. `device` is the hardware and `nics` are cards, in the form that the plane has them too."""

    uid = text("metadata.id")
    name = text("metadata.name")
    tags = mapping("metadata.tags")
    connection_mode = text("spec.connectionMode")
    management_mode = text("spec.managementMode")
    device = mapping("spec.hardwareSpec")
    host_state = text("spec.hostInfo.hostState")
    host_type = text("spec.hostInfo.hostType")
    secure_boot = flag("spec.hostInfo.secureBoot")
    nics = each("spec.networkInfo", Nic)
    node_role = text("spec.nodeRole")
    endpoint = text("spec.paletteEndpointURL")
    agent_version = text("status.agentVersion")
    configuration = text("status.configurationStatus")
    host_name = text("status.hostName")
    name_servers = texts("status.dns.nameservers")
    ntp_servers = texts("status.ntp.ntpServers")
    in_cluster = flag("status.isClusterPhase")


class Condition(Document):
    """`v1Condition`."""

    type = text("type")
    status = text("status")
    reason = text("reason")
    message = text("message")
    at = text("lastTransitionTime")


class PoolNode(Document):
    """`v1ClusterNodeStatus`."""

    name = text("nodeName")
    state = text("nodeState")
    health = text("health.status")
    reason = text("health.reason")
    address = text("ipv4")
    version = text("k8sVersion")
    age = text("age")


class Pool(Document):
    """`v1ClusterNodePoolStatus`."""

    name = text("pool.name")
    is_control_plane = flag("pool.isControlPlane")
    nodes = each("nodes", PoolNode)


class Cluster(Document):
    """`v1Cluster`. Its kubeconfig is never shown."""

    uid = text("metadata.id")
    name = text("metadata.name")
    hosts = texts("spec.hostIDs")
    vip = text("spec.vip")
    overlay = text("spec.overlayCIDR")
    state = text("status.clusterState")
    state_reason = text("status.clusterStateReason")
    health = text("status.health.status")
    health_reason = text("status.health.reason")
    version = text("status.k8sVersion")
    agent_version = text("status.agentVersion")
    reboot_pending = flag("status.isRebootPending")
    conditions = each("status.clusterConditions", Condition)
    pools = each("status.nodePools", Pool)


class Configurations(Document):
    """`v1EdgeHostConfigurations`: proxies; their CA certificates are counted, not shown."""

    http_proxy = text("httpProxy")
    https_proxy = text("httpsProxy")
    no_proxy = text("noProxy")
    ca_certificates = texts("caCerts")


class ConfigurationStatus(Document):
    """`v1EdgeHostConfigurationStatus`."""

    state = text("state")
    error = text("errorMessage")


class UploadedContent(Document):
    """`v1UploadedContentDetails`: the bundle that was uploaded last."""

    file = text("fileName")
    sha256 = text("sha256Hash")
    size = integer("sizeInBytes")
    at = text("uploadDateTime")


class ContentItem(Document):
    """`v1HarborContentSyncStatus`."""

    name = text("name")
    kind = text("contentType")
    version = text("version")
    status = text("status")
    message = text("msg")


class ContentSync(Document):
    """`v1HarborContentsSyncStatus`."""

    message = text("statusMessage")
    errors = mapping("errors")
    pending = each("pendingItems", ContentItem)


class RegistryHealth(Document):
    """`v1HarborHealthDetails`; sizes are texts of the registry."""

    state = text("State")
    message = text("Message")
    used = text("DiskUsed")
    capacity = text("DiskCapacity")
    percent = text("UsagePercentage")


class IssuedCertificate(Document):
    """`v1ChildCerts`."""

    name = text("name")
    node = text("nodeName")
    ends = text("expirationDate")


class Authority(Document):
    """`v1CA`."""

    name = text("name")
    ends = text("expirationDate")
    certificates = each("childCerts", IssuedCertificate)


class Certificates(Document):
    """`v1CertificateDetails`."""

    authorities = each("certificates", Authority)
    needs_renewal = flag("needsRenewal")
    renewal = text("earliestAutoRenewalTime")


class Peer(Document):
    """`v1LinkPeer`."""

    uid = text("id")
    ip = text("ip")
    role = text("role")
    status = text("status")
    health = text("health.status")
    content = text("contentSyncStatus")


class Links(Document):
    """`v1LinkStatus`."""

    status = text("status")
    error = text("errorMessage")
    peers = each("peers", Peer)


class Event(Document):
    """`v1Event`."""

    at = text("metadata.lastModifiedTimestamp")
    severity = text("severity")
    reason = text("reason")
    message = text("message")
    object = text("involvedObject.name")


class Events(Document):
    """`v1Events`."""

    items = each("items", Event)


class Lifecycle(Document):
    """`v1LifecycleEvents`."""

    host = each("edgeHostEvents", Condition)
    cluster = each("clusterEvents", Condition)


class Pack(Document):
    """`v1PackInfo`."""

    name = text("name")
    version = text("version")
    layer = text("layer")
    status = text("status")


class Profile(Document):
    """`v1ClusterProfileTemplate`."""

    name = text("name")
    version = text("version")
    packs = each("packs", Pack)


class Applications(Document):
    """`v1ClusterCurrentApplications`."""

    profiles = each("clusterProfileTemplates", Profile)


class LogsStatus(Document):
    """`v1EdgeHostGenerateLogsStatus`."""

    status = text("status")
    message = text("msg")


class StoredFile(Document):
    """`v1FileMetadata`."""

    name = text("fileName")
    size = text("size")
    at = text("lastModifiedTimestamp")


class StoredFiles(Document):
    """`v1FileMetadataList`."""

    files = each("files", StoredFile)


class PingResult(Document):
    """`v1PingResponse`: what the host printed."""

    text = text("pingHostStatus")


class TraceResult(Document):
    """`v1TraceRouteResponse`."""

    text = text("traceRouteStatus")


class Login(Document):
    """`v1LoginSuccess`. Its session is a JWT of two hours."""

    session = text("Token.Authorization")
    is_first = flag("IsFirstLogin")
