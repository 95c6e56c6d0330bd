"""The edge host document: views over Palette's `v1EdgeHostDevice` and `v1EdgeHostsMetadata`.

Both schemas put the same facts in the same places, so one view serves the single document and the row of a search.
Our own properties lie under the key `edgewright` of `spec` (what the host reports) and `status` (what the hub finds).
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from edgewright.core.hosts import tags as tag_rules
from edgewright.core.hosts.hosts import Health
from edgewright.wire.document import Document, each, flag, integer, mapping, number, text, texts, when
from edgewright.wire.palette.listmeta import ListMeta


class Partition(Document):
    """One file system of a disk; sizes in MB (Palette's description names no unit; its own examples are MB)."""

    mount_point = text("mountPoint")
    file_system = text("fileSystemType")
    total = integer("totalSpace")
    used = integer("usedSpace")
    free = integer("freeSpace")

    @property
    def percent(self) -> Optional[float]:
        """Return how full the file system is, 0 to 100; `None` when its size is unknown."""
        total, used, free = self.total, self.used, self.free
        if not total or total <= 0:
            return None
        if used is None:
            used = None if free is None else total - free
        return None if used is None else max(0.0, min(100.0, 100.0 * used / total))


class Disk(Document):
    """One disk; `size` in GB."""

    controller = text("controller")
    vendor = text("vendor")
    size = integer("size")
    partitions = each("partitions", Partition)


class Nic(Document):
    """One network card and its address."""

    name = text("nicName")
    ip = text("ip")
    mac = text("macAddr")
    subnet = text("subnet")
    gateway = text("gateway")
    dns = texts("dns")
    is_default = flag("isDefault")


class Gpu(Document):
    """One kind of GPU in a host."""

    vendor = text("vendor")
    model = text("model")
    memory = text("memory")
    count = integer("gpuCount")
    mig_capable = flag("migCapable")
    mig_strategy = text("migStrategy")
    addresses = mapping("addresses")


class ClusterRef(Document):
    """The name and uid of a cluster that uses a host."""

    uid = text("uid")
    name = text("name")


class EdgeHost(Document):
    """An edge host as the plane stores it, or as its agent reports it."""

    uid = text("metadata.uid")
    name = text("metadata.name")
    created = when("metadata.creationTimestamp")
    modified = when("metadata.lastModifiedTimestamp")
    labels = mapping("metadata.labels")
    annotations = mapping("metadata.annotations")

    # spec: the device
    arch = text("spec.device.archType")
    cpu_cores = integer("spec.device.cpu.cores")
    memory_mb = integer("spec.device.memory.sizeInMB")
    disks = each("spec.device.disks", Disk)
    nics = each("spec.device.nics", Nic)
    gpus = each("spec.device.gpus", Gpu)
    os_family = text("spec.device.os.family")
    os_version = text("spec.device.os.version")
    kernel = text("spec.device.os.kernelVersion")
    kernel_name = text("spec.device.os.kernel")
    host_state = text("spec.device.hostState")
    host_type = text("spec.device.hostType")
    secure_boot = flag("spec.device.secureBoot")

    # spec: the host
    host_uid = text("spec.host.hostUid")
    host_address = text("spec.host.hostAddress")
    mac_address = text("spec.host.macAddress")
    auth_token = text("spec.host.hostAuthToken")
    pairing_key = text("spec.host.hostPairingKey")
    checksum = text("spec.host.hostChecksum")
    disable_auto_register = flag("spec.host.disableAutoRegister")
    host_project_uid = text("spec.host.project.uid")
    host_project_name = text("spec.host.project.name")
    remote_ssh_host = text("spec.host.remoteSsh")
    remote_ssh = text("spec.tunnelConfig.remoteSsh")
    remote_ssh_temp_user = text("spec.tunnelConfig.remoteSshTempUser")

    # spec.edgewright: what Edgewright's agent reports beside Palette's properties
    simulated = flag("spec.edgewright.simulated")
    observed = flag("spec.edgewright.observed")
    boot_slot = text("spec.edgewright.bootSlot")
    ssh_host_keys = texts("spec.edgewright.sshHostKeys")
    boot_id = text("spec.edgewright.bootId")
    uptime_seconds = number("spec.edgewright.uptimeSeconds")
    load1 = number("spec.edgewright.load1")
    cpu_percent = number("spec.edgewright.cpuPercent")
    memory_used_mb = integer("spec.edgewright.memoryUsedMB")
    uid_from = text("spec.edgewright.uidFrom")
    site_name = text("spec.edgewright.siteName")
    registration_id = text("spec.edgewright.registrationId")

    # status
    state = text("status.state")
    health_state = text("status.health.state")
    health_message = text("status.health.message")
    agent_version = text("status.health.agentVersion")
    service_auth_token = text("status.serviceAuthToken")
    tunnel_state = text("status.tunnelStatus.ssh.state")
    tunnel_message = text("status.tunnelStatus.ssh.message")

    # status.edgewright: what the hub finds; read only for everybody else
    judged = text("status.edgewright.healthState")
    reason = text("status.edgewright.reason")
    since = when("status.edgewright.since")
    deadline = when("status.edgewright.deadline")
    who = text("status.edgewright.who")
    last_heartbeat = when("status.edgewright.lastHeartbeat")
    registered_at = when("status.edgewright.registeredAt")
    token_uid = text("status.edgewright.tokenUid")
    token_name = text("status.edgewright.tokenName")
    address = text("status.edgewright.address")
    generation = integer("status.edgewright.generation")
    observed_generation = integer("status.edgewright.observedGeneration")
    heartbeats = integer("status.edgewright.heartbeats")
    silence_limit = number("status.edgewright.silenceLimit")
    life_state = text("status.edgewright.lifeState")

    @property
    def tags(self) -> List[str]:
        """Return the labels as sorted tags, `key:value` or `key`."""
        return tag_rules.labels_to_tags(self.labels)

    @tags.setter
    def tags(self, tags: List[str]) -> None:
        self.labels = tag_rules.tags_to_labels(tags)

    @property
    def project_uid(self) -> str:
        """Return the uid of the host's project, from whichever of the three places contains it."""
        for path in ("aclmeta.projectUid", "spec.projectMeta.uid", "metadata.annotations.projectUid"):
            value = self.get(path, "")
            if isinstance(value, str) and value:
                return value
        return ""

    @property
    def health(self) -> Health:
        """Return the judged health: ours if the hub gave it, else Palette's; absent means unknown, never healthy."""
        for value in (self.judged, self.health_state):
            folded = value.strip().lower()
            if folded in ("healthy", "unhealthy", "unknown"):
                return Health(folded)
        return Health.UNKNOWN

    @property
    def site(self) -> str:
        """Return the host's site: the value of its tag `site`."""
        for key, value in self.labels.items():
            if key.lower() == tag_rules.SITE and isinstance(value, str) and value != tag_rules.BARE:
                return value
        return ""

    @property
    def in_use_clusters(self) -> List[Tuple[str, str]]:
        """Return (uid, name) of the clusters that use the host; the newer of Palette's two lists wins."""
        for path in ("status.inUseClustersRef", "status.inUseClusters"):
            items = self.get(path)
            if isinstance(items, list) and items:
                refs = [ClusterRef(item) for item in items if isinstance(item, dict)]
                return [(ref.uid, ref.name) for ref in refs]
        return []

    @property
    def main_nic(self) -> Optional[Nic]:
        """Return the network card of the default route, else the first one that has an address."""
        nics = self.nics
        for nic in nics:
            if nic.is_default:
                return nic
        for nic in nics:
            if nic.ip:
                return nic
        return None

    @property
    def spec_extension(self) -> Dict[str, Any]:
        """Return a shallow copy of `spec.edgewright`."""
        value = self.get("spec.edgewright")
        return dict(value) if isinstance(value, dict) else {}

    @property
    def status_extension(self) -> Dict[str, Any]:
        """Return a shallow copy of `status.edgewright`."""
        value = self.get("status.edgewright")
        return dict(value) if isinstance(value, dict) else {}


class EdgeHostsPage(Document):
    """One page of a host search (`v1EdgeHostsSearchSummary`)."""

    items = each("items", EdgeHost)

    @property
    def listmeta(self) -> ListMeta:
        """Return the paging block; an empty one when the plane sent none."""
        return ListMeta.of(self)
