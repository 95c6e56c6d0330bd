"""The keys of `stages`: names of stages, and what a step of one may contain.

Source: the stages of Kairos (its agent and immucore) and the steps of yip, which runs them.
"""

from __future__ import annotations

from typing import List, Tuple

from edgewright.core.cloudconfig.schema.model import ANY, FLAG, INT, MAP, MAPS, TABLE, TEXT, TEXTS, Key

_DISPATCHED = ("rootfs", "initramfs", "boot", "fs", "network", "reconcile")
_PHASES = (
    *("before-install", "after-install", "after-install-chroot"),
    *("before-upgrade", "after-upgrade", "after-upgrade-chroot"),
    *("before-reset", "after-reset", "after-reset-chroot"),
)
_KAIROS = ("kairos-install", "kairos-uki-install", "kairos-uki-reset", "kairos-uki-upgrade")

RUN: Tuple[str, ...] = (
    *_DISPATCHED,
    *_PHASES,
    *(f"{name}{when}" for name in _KAIROS for when in (".pre", ".after")),
    "kairos-agent.bootstrap",
)
"""What Kairos runs by name, each with STAGE.before in front and STAGE.after behind."""

STAGES: Tuple[str, ...] = (
    *(f"{name}{when}" for name in RUN for when in ("", ".before", ".after")),
    *(f"provider-kairos.bootstrap.{when}.{role}" for when in ("before", "after") for role in ("master", "worker")),
)
"""Every stage that something runs: Kairos's agent runs STAGE.before, STAGE and STAGE.after for each."""

WHEN = {
    "rootfs": "before the root file system is there",
    "initramfs": "in the initial RAM disk, before systemd: users and files of the system go here",
    "boot": "while the system boots",
    "fs": "when the file systems are mounted",
    "network": "when there is a network",
    "reconcile": "5 minutes after the boot, then every hour",
    "before-install": "on the medium, before the disk is written",
    "after-install": "on the medium, after the disk is written",
    "after-install-chroot": "inside the system that was just installed",
}
"""When the usual ones run."""

_STEP: Tuple[Tuple[str, str, str], ...] = (
    ("name", TEXT, "What the step is called in the log."),
    ("if", TEXT, "Shell condition: the step runs when it ends with 0."),
    ("node", TEXT, "Expression on the host name."),
    ("only_os", TEXT, "Expression on the system's name."),
    ("only_os_version", TEXT, "Expression on the system's version."),
    ("only_arch", TEXT, "Expression on the architecture."),
    ("only_service_manager", TEXT, "systemd or openrc."),
    ("if_files", MAP, "Runs by files that are there: any, all, none."),
    ("if_files.any", TEXTS, "One of these is there."),
    ("if_files.all", TEXTS, "All of these are there."),
    ("if_files.none", TEXTS, "None of these is there."),
    ("after", MAPS, "Steps that must have run: a list of {name}."),
    ("after[].name", TEXT, "Name of the step."),
    ("commands", TEXTS, "Shell commands, in order."),
    ("files", MAPS, "Files to write."),
    ("files[].path", TEXT, "Where; an absolute path."),
    ("files[].permissions", INT, "Mode, in octal: 0600."),
    ("files[].owner", INT, "Owner, as a number."),
    ("files[].group", INT, "Group, as a number."),
    ("files[].ownerstring", TEXT, "Owner by name: user or user:group."),
    ("files[].owner_string", TEXT, "The same."),
    ("files[].encoding", TEXT, "How the content is written: b64, base64, gzip, gz+base64."),
    ("files[].content", TEXT, "What is in it."),
    ("downloads", MAPS, "Files to fetch."),
    ("downloads[].path", TEXT, "Where to put it."),
    ("downloads[].url", TEXT, "Where it is."),
    ("downloads[].permissions", INT, "Mode, in octal."),
    ("downloads[].owner", INT, "Owner, as a number."),
    ("downloads[].group", INT, "Group, as a number."),
    ("downloads[].owner_string", TEXT, "Owner by name."),
    ("downloads[].timeout", INT, "Seconds to wait."),
    ("directories", MAPS, "Folders to make."),
    ("directories[].path", TEXT, "Where."),
    ("directories[].permissions", INT, "Mode, in octal."),
    ("directories[].owner", INT, "Owner, as a number."),
    ("directories[].group", INT, "Group, as a number."),
    ("users", MAP, "Users to make, by name."),
    ("users.*", MAP, "One user."),
    ("users.*.name", TEXT, "Its name, when another than the key."),
    ("users.*.passwd", TEXT, "Password, best as a crypt(3) hash."),
    ("users.*.groups", TEXTS, "Groups."),
    ("users.*.primary_group", TEXT, "First group."),
    ("users.*.gecos", TEXT, "Full name."),
    ("users.*.homedir", TEXT, "Home folder."),
    ("users.*.shell", TEXT, "Login shell."),
    ("users.*.uid", TEXT, "Number."),
    ("users.*.no_create_home", FLAG, "Make no home folder."),
    ("users.*.no_user_group", FLAG, "Make no group of its own."),
    ("users.*.system", FLAG, "A system user."),
    ("users.*.no_log_init", FLAG, "Leave the login databases alone."),
    ("users.*.lock_passwd", FLAG, "Disable login by password."),
    ("users.*.ssh_authorized_keys", TEXTS, "SSH keys that open the account."),
    ("authorized_keys", MAP, "SSH keys by user."),
    ("authorized_keys.*", TEXTS, "Keys, or github:NAME and gitlab:NAME (these need a network)."),
    ("hostname", TEXT, "Name of the system."),
    ("dns", MAP, "Name servers."),
    ("dns.nameservers", TEXTS, "Their addresses."),
    ("dns.search", TEXTS, "Domains to search."),
    ("dns.options", TEXTS, "Options of the resolver."),
    ("dns.path", TEXT, "File to write."),
    ("sysctl", TABLE, "Kernel settings."),
    ("modules", TEXTS, "Kernel modules to load."),
    ("systemctl", MAP, "Units."),
    ("systemctl.enable", TEXTS, "To enable."),
    ("systemctl.disable", TEXTS, "To disable."),
    ("systemctl.start", TEXTS, "To start."),
    ("systemctl.mask", TEXTS, "To mask."),
    ("systemctl.overrides", MAPS, "Drop-ins."),
    ("systemctl.overrides[].service", TEXT, "Unit."),
    ("systemctl.overrides[].name", TEXT, "Name of the drop-in."),
    ("systemctl.overrides[].content", TEXT, "What is in it."),
    ("environment", TABLE, "Environment to write."),
    ("environment_file", TEXT, "File for it."),
    ("packages", MAP, "Packages: install, remove, refresh, upgrade."),
    ("packages.install", TEXTS, "To install."),
    ("packages.remove", TEXTS, "To remove."),
    ("packages.refresh", FLAG, "Fetch the lists first."),
    ("packages.upgrade", FLAG, "Upgrade what is there."),
    ("package_pins", TABLE, "Versions to retain."),
    ("unpack_images", MAPS, "Images to unpack: a list of {source, target}."),
    ("unpack_images[].source", TEXT, "Image."),
    ("unpack_images[].target", TEXT, "Folder."),
    ("unpack_images[].platform", TEXT, "Platform."),
    ("ensure_entities", MAPS, "Entries of /etc/passwd and its like to have."),
    ("ensure_entities[].path", TEXT, "File."),
    ("ensure_entities[].entity", TEXT, "Entry."),
    ("delete_entities", MAPS, "Entries to take out."),
    ("delete_entities[].path", TEXT, "File."),
    ("delete_entities[].entity", TEXT, "Entry."),
    ("datasource", MAP, "Where to fetch further configuration."),
    ("datasource.providers", TEXTS, "Kinds of source, e.g. cdrom."),
    ("datasource.path", TEXT, "Where to put it."),
    ("datasource.file", TEXT, "Name of the file."),
    ("datasource.userdata_name", TEXT, "Name of the file."),
    ("layout", MAP, "Partitions to add or expand."),
    ("layout.device", MAP, "Disk: path, or label, init_disk, disk_name."),
    ("layout.expand_partition", MAP, "Make the last one bigger."),
    ("layout.expand_partition.size", INT, "MiB; 0 takes the rest."),
    ("layout.add_partitions", MAPS, "Partitions to add: fsLabel, size, pLabel, filesystem, bootable."),
    ("systemd_firstboot", TABLE, "Settings for systemd-firstboot."),
    ("timesyncd", TABLE, "Settings of systemd-timesyncd: NTP and others."),
    ("git", MAP, "A repository to check out: url, path, branch, auth."),
)

_SECRET = ("users.*.passwd",)


STEP_KEYS = frozenset(name.split(".")[0].replace("[]", "") for name, _, _ in _STEP)
"""Keys that a step of a stage may have."""


def stage_keys() -> List[Key]:
    """Return the keys of `stages`; the name of a stage is free here and is looked at by its own check."""
    keys = [Key("stages", MAP, "Steps that run at fixed points, by the name of the stage.")]
    keys.append(Key("stages.*", MAPS, "One stage: a list of steps."))
    for name, kind, doc in _STEP:
        keys.append(Key(f"stages.*[].{name}", kind, doc, secret=name in _SECRET))
    for name in ("layout.device", "layout.add_partitions[]", "git"):
        keys.append(Key(f"stages.*[].{name}.*", ANY, "See yip."))
    return keys
