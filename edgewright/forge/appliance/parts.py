"""What the reference appliance is made of: packages, what is left out of them, units, and how its initrd is made."""

from __future__ import annotations

DISTRIBUTION = "bookworm"
ARCHITECTURE = "amd64"
SUITES = (
    ("debian", "bookworm"),
    ("debian", "bookworm-updates"),
    ("debian-security", "bookworm-security"),
)
"""Archive (the last part of a mirror's address) and suite."""
COMPONENTS = ("main",)

PACKAGES = (
    "linux-image-amd64",  # not the cloud kernel: real boxes have AHCI, NVMe and USB
    "usr-is-merged",  # else usrmerge, which brings all of Perl
    "systemd",
    "systemd-sysv",
    "systemd-resolved",
    "systemd-timesyncd",
    "dbus",  # dracut refuses to be configured without it
    "udev",
    "kmod",
    "python3",
    "openssh-server",
    "sudo",
    "ca-certificates",
    "iproute2",
    "iputils-ping",
    "netbase",
    "procps",
    "less",
    "nano",
    "tzdata",
    "zstd",
    "qrencode",
    "fdisk",
    "e2fsprogs",
    "dosfstools",
    "efibootmgr",
    "grub2-common",
    "grub-pc-bin",
    "grub-efi-amd64-signed",
    "shim-signed",
    "dracut",
    "dracut-live",
    "squashfs-tools",
    "cpio",
)
"""Asked for by name; a lock contains these and everything that they need, each with version and hash."""

LEFT_OUT = (
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/lintian/*",
    "/usr/share/bug/*",
    "/usr/share/doc/*/*.gz",
    "/usr/share/doc/*/examples/*",
    "/etc/kernel/postinst.d/dracut",  # the initrd is made once, by us, at the end
    "/lib/modules/*/kernel/sound/*",
    "/lib/modules/*/kernel/drivers/media/*",
    "/lib/modules/*/kernel/drivers/staging/*",
    "/lib/modules/*/kernel/drivers/isdn/*",
    "/lib/modules/*/kernel/drivers/infiniband/*",
    "/lib/modules/*/kernel/drivers/gpu/drm/amd/*",
    "/lib/modules/*/kernel/drivers/gpu/drm/i915/*",
    "/lib/modules/*/kernel/drivers/gpu/drm/nouveau/*",
    "/lib/modules/*/kernel/drivers/gpu/drm/radeon/*",
    "/lib/modules/*/kernel/net/wireless/*",
    "/lib/modules/*/kernel/net/mac80211/*",
    "/lib/modules/*/kernel/drivers/net/wireless/*",  # of no use without their firmware, which is not free
)
"""Paths of packages that never reach the disk: documentation (not the licences), drivers that a box has no use for."""

DRACUT = (
    *("--force", "--reproducible", "--no-hostonly", "--no-hostonly-cmdline", "--no-early-microcode"),
    *("--compress", "zstd -12 -q -T1"),
    *("--add", "dmsquash-live"),
    *("--omit", "plymouth crypt resume nvdimm lunmask virtiofs memstrack overlay-root kernel-modules-extra"),
    *("--filesystems", "iso9660 squashfs overlay vfat ext4"),
    *(
        "--add-drivers",
        "sr_mod cdrom sd_mod ahci nvme virtio_pci virtio_blk virtio_scsi usb_storage uas xhci_pci ehci_pci loop",
    ),
)
"""One initrd for the medium and for the slots of an installed disk."""

ENABLED = (
    "systemd-networkd.service",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
    "ssh.service",
)

MASKED = (
    "getty@tty1.service",  # the console has this screen; it gives a login prompt on demand
    "serial-getty@ttyS0.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "systemd-networkd-wait-online.service",
    "systemd-hwdb-update.service",
    "systemd-pstore.service",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    "ldconfig.service",
)
"""Units that an immutable box has no use for, or whose place the appliance's own take."""

TTYS = ("tty1", "ttyS0")

FOLDERS = ("oem", "system/oem", "system/providers", "usr/local", "etc/kairos")

WIPED = (
    "boot/initrd.img*",
    "boot/vmlinuz*",
    "boot/System.map*",
    "initrd.img*",
    "vmlinuz*",
    "etc/ssh/ssh_host_*",
    "etc/hostname",
    "etc/apt/sources.list",
    "etc/apt/sources.list.d/*",
    "etc/apt/apt.conf.d/99mmdebstrap",
    "etc/dpkg/dpkg.cfg.d/99mmdebstrap",
    "etc/*-",
    "etc/.pwd.lock",
    "root/.*history",
    "run/*",
    "tmp/*",
    "var/tmp/*",
    "var/cache/*",
    "var/lib/apt/*",
    "var/lib/dbus/machine-id",
    "var/lib/dpkg/*-old",
    "var/lib/systemd/random-seed",
    "var/lib/systemd/catalog/database",
    "var/lib/ucf/*.[0-9]",
    "var/log/*",
    "usr/lib/dracut",
    "usr/lib/systemd/system/dracut-*",
    "usr/lib/systemd/system/*/dracut-*",
    "usr/local/*",
)
"""Traces of the building, keys, and what the initrd was made with: not part of an image that is the same each time."""
