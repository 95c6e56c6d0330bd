"""What is known of one host, read over SSH. `None` and an empty text are *unknown*: no rule takes them for healthy.

Times are epoch seconds of this machine's clock unless a field is of the host's clock.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, NamedTuple, Optional, Tuple


class FileSystem(NamedTuple):
    """A file system and the folders of interest on it. Percents are 0 to 100."""

    mount: str
    paths: Tuple[str, ...] = ()
    kind: str = ""
    size_kb: Optional[int] = None
    free_kb: Optional[int] = None
    used: Optional[int] = None
    inodes_used: Optional[int] = None
    read_only: Optional[bool] = None
    device: str = ""


class Unit(NamedTuple):
    """A unit of systemd. `ever_active` is about this boot; `restarts` counts since the last start by an operator."""

    name: str
    load: str
    active: str
    sub: str = ""
    enabled: str = ""
    result: str = ""
    restarts: Optional[int] = None
    condition: Optional[bool] = None
    type: str = ""
    exit_status: Optional[int] = None
    ever_active: Optional[bool] = None
    entered: Optional[float] = None
    """Seconds of uptime at which it became active; unknown where it never was."""
    began: Optional[float] = None
    """Seconds of uptime at which its start began."""
    changed: Optional[float] = None
    """Seconds of uptime of its last change of state."""


class Entry(NamedTuple):
    """A line of /etc/fstab that is to be mounted at each boot. `needed`: without `nofail`; `writes`: without `ro`."""

    mount: str
    kind: str
    mounted: bool
    needed: bool = True
    writes: bool = True


class Link(NamedTuple):
    """A network card; `card` is false for bridges and the like, `kind` `card`, `vlan`, `bridge`, `bond`, `virtual`.

    `setup` is what systemd-networkd does with it: `configured`, `configuring`, `failed`, `unmanaged` or unknown;
    `operational` what it is fit for: `routable`, `degraded`, `carrier`, `no-carrier`, `off`.
    """

    name: str
    state: str
    carrier: Optional[bool] = None
    mtu: Optional[int] = None
    card: bool = False
    up: Optional[bool] = None
    mac: str = ""
    kind: str = ""
    setup: str = ""
    operational: str = ""


class Address(NamedTuple):
    """An address of a card, without its prefix length. `twice`: the kernel does not use it, another machine has it."""

    link: str
    address: str
    scope: str = ""
    twice: bool = False


class Server(NamedTuple):
    """A name server and what it did: `answers`, `silent`, `refused`, `no-route`, `error` or "" (unknown)."""

    address: str
    state: str = ""
    rcode: Optional[int] = None


NO_ANSWER = {2: "SERVFAIL", 4: "NOTIMP", 5: "REFUSED"}
"""Codes with which a name server answers and gives no name: it is reached, and DNS does not work by it."""


class Port(NamedTuple):
    """A port: `open`, `refused`, `silent`, `no-route`, `name` (it does not resolve), `error` or "" (unknown)."""

    host: str
    port: int
    state: str = ""


class Certificate(NamedTuple):
    """A certificate of the host.

    `fault`: `issuer` (not signed by the CA beside it), `key`, `unreadable`, `missing`, `other-ca` (a kubeconfig that
    trusts another CA than the one of this host) or "".
    """

    place: str
    subject: str = ""
    issuer: str = ""
    begins: Optional[float] = None
    ends: Optional[float] = None
    fault: str = ""
    authority: bool = False
    addresses: Tuple[str, ...] = ()


class LogLine(NamedTuple):
    """A line of a log; `at` is the host's clock, `None` where the line has no time."""

    at: Optional[float]
    unit: str
    text: str


class Node(NamedTuple):
    """A node as `kubectl get nodes` shows it."""

    name: str
    status: str
    version: str = ""
    roles: str = ""
    """As kubectl shows them; `<none>` for a worker."""


class Pod(NamedTuple):
    """A pod that does not run, as `kubectl get pods` shows it."""

    namespace: str
    name: str
    ready: str
    status: str
    node: str = ""


class Waiting(NamedTuple):
    """A pod that has not started: when it was made, the claims of volumes that it uses, and why it waits.

    `events` are mounts that failed, with the time of the last try.
    """

    made: Optional[float] = None
    claims: Tuple[str, ...] = ()
    reasons: Tuple[str, ...] = ()
    events: Tuple[Tuple[Optional[float], str], ...] = ()


class Claim(NamedTuple):
    """A claim of a volume that is not bound. `storage_class` is `None` for none at all, `node` where its pod runs."""

    namespace: str
    name: str
    made: Optional[float] = None
    storage_class: Optional[str] = None
    node: str = ""


class Webhook(NamedTuple):
    """An admission webhook without which the API server refuses. `target`: `NAMESPACE/SERVICE` or a URL.

    `state` is `no-endpoint` where no pod serves it, `port` an address of it as it is reached from this host.
    """

    name: str
    target: str
    state: str = ""
    port: Optional[Port] = None


class Member(NamedTuple):
    """A member of etcd; `healthy` is `None` while it was not asked."""

    name: str
    endpoint: str = ""
    started: Optional[bool] = None
    healthy: Optional[bool] = None
    learner: bool = False


class Agent(NamedTuple):
    """The agent of the host. `phase`, `code`, `message`, `hint` are what our agent reports of itself."""

    unit: str = ""
    active: str = ""
    restarts: Optional[int] = None
    uid: str = ""
    endpoint: str = ""
    phase: str = ""
    code: str = ""
    message: str = ""
    hint: str = ""
    health: str = ""
    registered: Optional[bool] = None
    last_heartbeat: Optional[float] = None
    interval: Optional[float] = None
    missing_files: Tuple[str, ...] = ()
    missing_data: str = ""
    """The user-data that its unit names, where it is not there."""


class Facts(NamedTuple):
    """Everything that is known of one host.

    `read` are ids of probes that gave something, `not_read` maps the others to why. `clock_off` is how far the host's
    clock is ahead of this machine's in seconds, `clock_error` how exact that is.
    """

    at: float
    read: FrozenSet[str] = frozenset()
    not_read: Dict[str, str] = {}
    in_part: Tuple[str, ...] = ()
    """Probes that read less than they do as root."""
    hostname: str = ""
    system: str = ""
    kernel: str = ""
    container: str = ""
    machine: Tuple[str, ...] = ()  # ids of the boot and of the system; one that is unknown is empty
    immutable: bool = False
    cmdline: str = ""
    uptime: Optional[float] = None
    load: Optional[float] = None
    cpus: Optional[int] = None
    slot: str = ""
    """`active`, `passive`, `recovery`, `live` or unknown."""
    upgrade_failure: Optional[bool] = None
    boot_env: Dict[str, str] = {}
    upgrade_file: str = ""  # the newest log of an upgrade in /var/log
    upgrade_at: Optional[float] = None
    """When it was written last, by the host's clock."""
    upgrade_log: Tuple[str, ...] = ()
    systemd: Optional[bool] = None
    units: Dict[str, Unit] = {}
    other_units: Dict[str, Unit] = {}
    """Units beyond the catalogue that failed or are starting or stopping, with the ending of their name."""
    unit_logs: Dict[str, Tuple[LogLine, ...]] = {}
    """Last lines of units that failed, start again and again, or start for long, by the name with its ending."""
    sshd_faults: Tuple[str, ...] = ()
    """What sshd does not take of its settings: it would not start again."""
    frozen_units: Tuple[str, ...] = ()
    """Units with a process that was stopped by a signal (STOP) and does nothing until another one comes."""
    system_state: str = ""
    """The state of the system as systemd has it: `running`, `degraded`, `maintenance`, `starting`..."""
    failed_units: Optional[Tuple[str, ...]] = None
    waiting_jobs: Optional[Tuple[str, ...]] = None
    processes: Optional[FrozenSet[str]] = None
    threads: Optional[int] = None
    """Processes and threads of the kernel, and the most that it allows."""
    threads_limit: Optional[int] = None
    limited: Tuple[Tuple[str, int, int, int], ...] = ()
    """Control groups that are near their limit of processes or met it: path, how many, limit, times refused."""
    fork_refused: str = ""
    """What the shell of the probes wrote when it could not start a process."""
    conntrack: Optional[Tuple[int, int]] = None
    """Connections that the kernel tracks, and the most that it tracks."""
    memory_kb: Optional[int] = None
    available_kb: Optional[int] = None
    swap: Optional[bool] = None
    oom_units: Tuple[Tuple[str, int], ...] = ()
    oom_log: Tuple[LogLine, ...] = ()
    """What systemd wrote about units of which the kernel ended a process."""
    kill_log: Tuple[LogLine, ...] = ()
    """What systemd wrote about units of which a process ended by the signal KILL, whoever sent it."""
    kernel_log: Tuple[LogLine, ...] = ()
    clock: Optional[float] = None
    clock_off: Optional[float] = None
    clock_error: float = 0.0
    time_synchronized: Optional[bool] = None
    file_systems: Tuple[FileSystem, ...] = ()
    no_writes: Tuple[str, ...] = ()
    without_discards: Tuple[str, ...] = ()
    """Encrypted disks that pass no TRIM on."""
    writes: FrozenSet[str] = frozenset()
    var_tmp_mode: str = ""
    tmp_mode: str = ""
    fstab: Tuple[Entry, ...] = ()
    disks: Dict[str, str] = {}
    """The kernel's names of the disks that are mounted, by mount."""
    read_faults: Tuple[Tuple[str, str], ...] = ()
    """Mounts of which a block or a file could not be read, with the error."""
    counted_errors: Tuple[Tuple[str, int, Optional[float]], ...] = ()
    """Mounts whose file system has counted errors, how many, and the time of the last one."""
    usage: Tuple[Tuple[str, int], ...] = ()
    """Largest folders of a full disk with their size in KB."""
    links: Optional[Tuple[Link, ...]] = None
    addresses: Optional[Tuple[Address, ...]] = None
    default_route: Optional[Tuple[str, str]] = None  # gateway and card; both empty when there is none
    listening: Optional[FrozenSet[int]] = None
    gateway: str = ""
    """`answers`, `silent`, `none` or unknown."""
    rivals: Dict[str, Tuple[str, ...]] = {}
    """MAC addresses of other machines that answer for an address of this host."""
    asked_arp: Tuple[str, ...] = ()
    vips: Tuple[str, ...] = ()
    firewall_ports: Optional[Tuple[str, ...]] = None  # open ports of a firewall that is on
    dropped_ports: Tuple[int, ...] = ()
    """Ports of a node that rules of nft or iptables drop or reject on the way in, whoever made them."""
    closed_ports: Tuple[int, ...] = ()
    """Ports of a node that no rule lets in, where what no rule lets in is dropped."""
    forward_dropped: bool = False
    """Whether packets that are passed on are dropped, and no rule lets any of them through."""
    firewall: str = ""
    """`firewalld`, `ufw` or unknown."""
    name_servers: Optional[Tuple[str, ...]] = None
    servers: Tuple[Server, ...] = ()
    plane: Optional[Port] = None
    plane_resolves: Optional[bool] = None
    plane_at: str = ""
    """The address that was connected to."""
    plane_hosts: str = ""
    """The line of /etc/hosts with the plane's name."""
    proxy: Optional[Port] = None
    """The proxy on the way to the plane, as it is reached."""
    proxy_answer: str = ""
    """Its answer to CONNECT: a status, `silent`, `closed`, or "" where it was not asked."""
    plane_tls: str = ""
    """How its port answers a TLS handshake: `ok`, `silent`, `closed`, `error REASON` or unknown."""
    plane_verify: Optional[int] = None
    """OpenSSL's code for its certificate with the CA files of this host: 0 is trusted."""
    plane_http: Optional[int] = None
    lost_size: Optional[int] = None
    """Size of a packet that gets no answer from the plane, while a small one does, without an error."""
    passed_size: Optional[int] = None
    agent: Agent = Agent()
    agent_log: Tuple[LogLine, ...] = ()
    user_data: Dict[str, str] = {}
    user_data_tabs: bool = False
    user_data_tab_file: str = ""
    broken_yaml: Tuple[Tuple[str, str], ...] = ()
    """Files of user-data and of /oem that are no YAML, and where."""
    user_data_files: Tuple[Tuple[str, int], ...] = ()
    certificates: Optional[Tuple[Certificate, ...]] = None
    kube_files: Optional[FrozenSet[str]] = None
    """Files that were seen; `files_complete` when others are not there."""
    files_complete: bool = False
    manifests: Tuple[str, ...] = ()
    cni_configs: Optional[Tuple[str, ...]] = None
    cni_programs: Optional[Tuple[str, ...]] = None
    cni_files_owner: str = ""
    """Who owns programs in /opt/cni/bin, where it is not root."""
    cni_owner: str = ""
    unreadable: Tuple[str, ...] = ()
    selinux: str = ""
    runtime_sockets: Optional[Tuple[str, ...]] = None
    runtime_answers: Optional[bool] = None
    cgroup: str = ""
    """`v1`, `v2`, `hybrid` or unknown."""
    controllers: Optional[FrozenSet[str]] = None
    ip_forward: Optional[bool] = None
    bridge_filter: Optional[bool] = None
    kubelet_settings: Dict[str, str] = {}
    systemd_cgroup: Optional[bool] = None
    bridge_call: Optional[bool] = None
    """Whether bridged packets pass the rules of iptables; unknown where the module is not loaded."""
    cri_disabled: bool = False
    """Whether the settings of containerd switch its CRI plugin off."""
    cri_error: bool = False
    """Whether containerd runs without its CRI plugin, which could not be loaded."""
    kubelet_server: Optional[Port] = None
    """The API server of the kubelet's own kubeconfig, as it is reached."""
    kubelet_log: Tuple[LogLine, ...] = ()
    runtime_log: Tuple[LogLine, ...] = ()
    step_log: Tuple[LogLine, ...] = ()
    api: str = ""
    """`serves`, `not-ready`, `silent`, `none` (this host has no API server) or unknown."""
    api_failing: Tuple[str, ...] = ()
    nodes: Optional[Tuple[Node, ...]] = None
    pods: Optional[Tuple[Pod, ...]] = None  # pods that do not run
    waiting: Dict[str, Waiting] = {}  # pods that have not started, by `NAMESPACE/NAME`
    claims: Optional[Tuple[Claim, ...]] = None
    storage_classes: Dict[str, Tuple[str, str]] = {}
    """Storage classes to provisioner and binding mode; empty and complete where `claims` are known."""
    webhooks: Tuple[Webhook, ...] = ()
    kube_error: str = ""
    cluster_uid: str = ""  # uid of namespace kube-system
    cluster_authorities: FrozenSet[str] = frozenset()  # SHA-256 of public keys of the CA for its API
    etcd: str = ""
    """`serves`, `unhealthy`, `silent`, `none` or unknown."""
    etcd_leader: Optional[bool] = None
    members: Optional[Tuple[Member, ...]] = None
    alarms: Tuple[str, ...] = ()
    etcd_log: Tuple[LogLine, ...] = ()
    images: Optional[int] = None
    registries: Tuple[Port, ...] = ()
    empty_blobs: Optional[Tuple[str, ...]] = None
