"""Kairos's other keys at the top of a cloud-config, and those of the providers that read the same file.

Source: Kairos's agent and its published schema; provider-kairos (k3s, kubevip, p2p) and Palette's cluster plug-ins.
"""

from __future__ import annotations

from typing import List, Tuple

from edgewright.core.cloudconfig.schema.install import INSTALL, bundles, grub
from edgewright.core.cloudconfig.schema.model import ANY, FLAG, INT, KAIROS, MAP, MAPS, TABLE, TEXT, TEXTS, Key, Schema
from edgewright.core.cloudconfig.schema.stages import stage_keys
from edgewright.core.cloudconfig.schema.stylus import STYLUS


def _service(name: str) -> List[Key]:
    return [
        Key(name, MAP, f"Run {name} by itself, without a plane; settled at the first boot.", profile=KAIROS),
        Key(f"{name}.enabled", FLAG, "Whether it runs.", False),
        Key(f"{name}.env", TABLE, "Its environment."),
        Key(f"{name}.env.K3S_TOKEN", TEXT, "Token to join by.", secret=True),
        Key(f"{name}.args", TEXTS, "Its arguments."),
        Key(f"{name}.replace_env", FLAG, "Use this environment alone.", False),
        Key(f"{name}.replace_args", FLAG, "Use these arguments alone.", False),
        Key(f"{name}.embedded_registry", FLAG, "Share images between the nodes.", False),
    ]


TOP: Tuple[Key, ...] = (
    Key("users", MAPS, "Users of the operating system."),
    Key("users[].name", TEXT, "Name.", rule="a-z, 0-9, _ and -, at most 31."),
    Key("users[].passwd", TEXT, "Password, best as a crypt(3) hash.", secret=True),
    Key("users[].groups", TEXTS, "Groups; one user must be in admin (profile kairos)."),
    Key("users[].lock_passwd", FLAG, "Disable login by password.", False),
    Key("users[].lockPasswd", FLAG, "The published schema's name of lock_passwd.", False),
    Key("users[].ssh_authorized_keys", TEXTS, "SSH keys, or github:NAME and gitlab:NAME."),
    *(
        Key(f"users[].{name}", kind, doc)
        for name, kind, doc in (
            ("primary_group", TEXT, "First group."),
            ("gecos", TEXT, "Full name."),
            ("homedir", TEXT, "Home folder."),
            ("shell", TEXT, "Login shell."),
            ("uid", TEXT, "Number."),
            ("system", FLAG, "A system user."),
            ("no_create_home", FLAG, "Make no home folder."),
            ("no_user_group", FLAG, "Make no group of its own."),
        )
    ),
    Key("hostname", TEXT, "Name of the system; may contain a template.", rule="As stylus.site.hostName."),
    Key("name", TEXT, "What this file is called in the log."),
    Key("write_files", MAPS, "Files to write (cloud-init's form)."),
    Key("write_files[].path", TEXT, "Where."),
    Key("write_files[].content", TEXT, "What is in it."),
    Key("write_files[].encoding", TEXT, "b64, gzip or gz+b64."),
    Key("write_files[].owner", TEXT, "user:group."),
    Key("write_files[].permissions", TEXT, "Mode, in octal, in quotes."),
    Key("runcmd", TEXTS, "Commands to run at boot (cloud-init's form)."),
    Key("ssh_authorized_keys", TEXTS, "SSH keys of the default user."),
    Key("growpart", MAP, "Growing of partitions (cloud-init's form)."),
    Key("growpart.mode", TEXT, "Which tool."),
    Key("growpart.devices", TEXTS, "Disks whose last partition grows."),
    Key("growpart.*", ANY, "See cloud-init."),
    *bundles("bundles"),
    *grub("grub_options"),
    Key("options", ANY, "Options of the agent."),
    Key("env", TEXTS, "Environment, NAME=VALUE."),
    Key("config_url", TEXT, "More configuration to fetch at each boot; the address must stay alive.", rule="An URL."),
    Key("debug", FLAG, "Write more into the log.", False),
    Key("strict", FLAG, "Stop at what does not follow the schema.", False),
    Key("logs", MAP, "What `kairos-agent logs` collects."),
    Key("logs.journal", TEXTS, "Units."),
    Key("logs.files", TEXTS, "Files."),
    Key("cloud-init-paths", TEXTS, "Further folders to read configuration from."),
    Key("eject-cd", FLAG, "Eject the medium at the end of the installation.", False),
    Key("fullcloudconfig", TEXT, "Internal."),
    Key("fail_on_bundles_errors", FLAG, "Stop when a bundle cannot be installed.", False),
    Key("cosign", FLAG, "Check signatures of images.", False),
    Key("verify", FLAG, "Check hashes of images.", False),
    Key("cosign-key", TEXT, "Key to check by."),
    Key("arch", TEXT, "Architecture."),
    Key("platform", MAP, "Platform."),
    Key("platform.*", ANY, "Internal."),
    Key("squash-compression", TEXTS, "Words for mksquashfs."),
    Key("squash-no-compression", FLAG, "Do not compress.", False),
    Key("uki-max-entries", INT, "Boot entries to retain (Trusted Boot).", low=0),
    Key("bind-pcrs", TEXTS, "PCRs to bind the disk key to."),
    Key("bind-public-pcrs", TEXTS, "PCRs of the signed policy."),
    Key("kcrypt", MAP, "Encryption of disks."),
    Key("kcrypt.*", ANY, "See Kairos."),
    Key("phonehome", MAP, "Reporting to AuroraBoot's fleet server."),
    Key("phonehome.*", ANY, "See AuroraBoot."),
    *_service("k3s"),
    *_service("k3s-agent"),
    *_service("k0s"),
    *_service("k0s-worker"),
    Key("kubevip", MAP, "Virtual address by kube-vip.", profile=KAIROS),
    Key("kubevip.eip", TEXT, "The address.", rule="An address."),
    Key("kubevip.enable", FLAG, "Whether it runs.", False),
    Key("kubevip.interface", TEXT, "Interface for it."),
    Key("kubevip.manifest_url", TEXT, "Manifest to use instead."),
    Key("kubevip.static_pod", FLAG, "As a static pod.", False),
    Key("kubevip.version", TEXT, "Version."),
    Key("p2p", MAP, "Hosts that find each other and make a cluster by themselves.", profile=KAIROS),
    Key("p2p.network_token", TEXT, "Secret that they share.", secret=True),
    Key("p2p.network_id", TEXT, "Name of the network, when there are several."),
    Key("p2p.role", TEXT, "What this host is.", "none", choices=("master", "worker", "none")),
    Key("p2p.dns", FLAG, "Serve names of the hosts.", False),
    Key("p2p.disable_dht", FLAG, "Look in the local network alone.", True),
    Key("p2p.minimum_nodes", INT, "Hosts to wait for.", low=1),
    Key("p2p.dynamic_roles", FLAG, "Let roles change.", False),
    Key("p2p.auto", MAP, "Create the cluster without configured roles."),
    Key("p2p.auto.enable", FLAG, "Whether.", True),
    Key("p2p.auto.ha", MAP, "Several control planes."),
    Key("p2p.auto.ha.enable", FLAG, "Whether.", False),
    Key("p2p.auto.ha.master_nodes", INT, "Control planes beside the first.", low=1),
    Key("p2p.auto.ha.external_db", TEXT, "Database outside."),
    Key("p2p.vpn", MAP, "The tunnel between the hosts."),
    Key("p2p.vpn.create", FLAG, "Make it.", True),
    Key("p2p.vpn.use", FLAG, "Let Kubernetes use it.", True),
    Key("p2p.vpn.vpn", FLAG, "The published schema's name of create.", True),
    Key("p2p.vpn.env", ANY, "Its environment."),
    Key("cluster", MAP, "What a cluster plug-in reads; with a plane, the agent alone writes it."),
    Key("cluster.cluster_token", TEXT, "Secret of the cluster.", secret=True),
    Key("cluster.control_plane_host", TEXT, "Name or address of the control plane."),
    Key("cluster.role", TEXT, "What this host is.", choices=("init", "controlplane", "worker")),
    Key("cluster.config", TEXT, "Configuration of the distribution: YAML, as a text."),
    Key("cluster.providerConfig", TABLE, "Settings of the plug-in."),
    Key("cluster.env", TABLE, "Its environment, e.g. proxies."),
    Key("cluster.ca_certs", TEXTS, "Authorities to believe."),
    Key("cluster.import_local_images", FLAG, "Load images from the disk.", False),
    Key("cluster.local_images_path", TEXT, "Where they are.", "/opt/content/images"),
    Key("cluster.cluster_config_path", TEXT, "File that the plug-in writes."),
)

SCHEMA = Schema((*STYLUS, *INSTALL, *stage_keys(), *TOP))
"""Every key of a cloud-config."""
