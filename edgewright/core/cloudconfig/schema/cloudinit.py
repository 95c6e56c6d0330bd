"""Words of Ubuntu's cloud-init (and its autoinstall) that Kairos does not read, with what does the same here.

Source: the list of modules in cloud-init's documentation. They are legal there, so they are named as what they are.
"""

from __future__ import annotations

from typing import Dict

_STEP = "in a step of stages"
_PACKAGES = f"Write packages.install {_STEP}, or put the packages into the image."

TOP: Dict[str, str] = {
    "packages": _PACKAGES,
    "package_update": f"Write packages.refresh: true {_STEP}.",
    "package_upgrade": f"Write packages.upgrade: true {_STEP}; a system of Kairos is upgraded by its image.",
    "package_reboot_if_required": "A system of Kairos is upgraded by its image.",
    "apt": _PACKAGES,
    "apt_sources": _PACKAGES,
    "snap": _PACKAGES,
    "yum_repos": _PACKAGES,
    "zypper": _PACKAGES,
    "bootcmd": "Write the commands in stages.boot.",
    "fqdn": "Write hostname, or stylus.site.hostName.",
    "preserve_hostname": "Write hostname, or stylus.site.hostName.",
    "prefer_fqdn_over_hostname": "Write hostname, or stylus.site.hostName.",
    "manage_etc_hosts": "Write the file in a step of stages.",
    "timezone": f"Write systemd_firstboot: {{timezone: ...}} {_STEP}.",
    "locale": f"Write systemd_firstboot: {{locale: ...}} {_STEP}.",
    "keyboard": f"Write systemd_firstboot: {{keymap: ...}} {_STEP}.",
    "ntp": "Write stylus.site.ntpServers, or timesyncd in a step of stages.",
    "chpasswd": "Write passwd of the user, as a hash.",
    "password": "Write passwd of the user, as a hash.",
    "ssh_pwauth": "Write a file in /etc/ssh/sshd_config.d in a step of stages.",
    "disable_root": "Write a file in /etc/ssh/sshd_config.d in a step of stages.",
    "ssh_deletekeys": "Host keys are made on each box.",
    "ssh_keys": "Host keys are made on each box; write files in a step of stages for fixed ones.",
    "ssh_genkeytypes": "Host keys are made on each box.",
    "ssh_import_id": "Write ssh_authorized_keys of a user; github:NAME and gitlab:NAME are understood.",
    "ssh": "Write ssh_authorized_keys of a user.",
    "groups": "Write groups of a user.",
    "user": "Write users.",
    "network": "Write stylus.site.network, or files for systemd-networkd in stages.initramfs.",
    "autoinstall": "It belongs to Ubuntu's installer; here it is install.",
    "disk_setup": "Write layout in a step of stages, or install.partitions.",
    "fs_setup": "Write layout in a step of stages, or install.extra-partitions.",
    "resize_rootfs": "Write layout.expand_partition in a step of stages.",
    "mounts": "Write the file in a step of stages, or install.bind_mounts.",
    "swap": "Write commands in a step of stages.",
    "power_state": "Write install.reboot or install.poweroff.",
    "ca_certs": "Write stylus.site.caCerts, or files in a step of stages.",
    "ca-certs": "Write stylus.site.caCerts, or files in a step of stages.",
    "phone_home": "The host registers with its plane by itself.",
    "final_message": "",
    "output": "",
    "rsyslog": "Write files in a step of stages.",
    "resolv_conf": f"Write dns {_STEP}.",
    "manage_resolv_conf": f"Write dns {_STEP}.",
    "ubuntu_pro": "It is attached when the image is built.",
    "ubuntu_advantage": "It is attached when the image is built.",
    "landscape": "",
    "vendor_data": "",
    "cloud_init_modules": "",
    "cloud_config_modules": "",
    "cloud_final_modules": "",
    "datasource_list": "",
    "system_info": "",
    "random_seed": "",
    "wireguard": "Write files in a step of stages.",
    "ansible": "",
    "chef": "",
    "puppet": "",
    "salt_minion": "",
    "byobu_by_default": "",
    "updates": "",
    "grub_dpkg": "Write install.grub_options.",
}
"""Keys at the top of a file."""

USER: Dict[str, str] = {
    "sudo": "Write groups: [admin] (Kairos) or [sudo]; rules of sudo are files in a step of stages.",
    "doas": "Rules of doas are files in a step of stages.",
    "plain_text_passwd": "Write passwd, as a hash: openssl passwd -6",
    "hashed_passwd": "Write passwd.",
    "ssh_import_id": "Write ssh_authorized_keys; github:NAME and gitlab:NAME are understood.",
    "ssh-import-id": "Write ssh_authorized_keys; github:NAME and gitlab:NAME are understood.",
    "ssh_redirect_user": "",
    "expiredate": "In stylus.site.users write passwordExpiry.",
    "inactive": "",
    "create_groups": "",
    "selinux_user": "",
    "snapuser": "",
}
"""Keys of a user."""

FILE: Dict[str, str] = {
    "append": "The file is replaced completely; append with a command in a step of stages.",
    "defer": "Write the file in the stage in which it is wanted.",
    "source": "Write downloads in a step of stages.",
}
"""Keys of an item of write_files."""


def keys_at(path: str) -> Dict[str, str]:
    """Return the words that Ubuntu's cloud-init has below a key, by the key's pattern ("" is the top)."""
    if path in ("users[]", "stylus.site.users[]", "stages.*[].users.*"):
        return USER
    if path == "write_files[]":
        return FILE
    return TOP if path == "" else {}
