"""A disk with the layout of Kairos, GRUB and Debian's kernel on it; above the initrd there is BusyBox and a real sshd.

What chooses the slot is real: GRUB with an environment block on COS_OEM and boot assessment on COS_STATE, images of
slots that are loop-mounted, kernel and initrd of the slot itself. Behaves as the grub.cfg of Kairos does: `next_entry`
counts for one boot, a boot that was not chosen is on trial while an upgrade is assessed. No program of Kairos is in it.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path

from tests.e2e.boot.machine import Machine
from tests.support import missing

PROGRAMS = {
    **{"qemu-system-x86_64": "qemu-system-x86", "grub-mkimage": "grub-common", "grub-editenv": "grub-common"},
    **{"xorriso": "xorriso", "unsquashfs": "squashfs-tools", "sfdisk": "fdisk", "mke2fs": "e2fsprogs"},
    **{"busybox": "busybox", "dropbear": "dropbear-bin", "dropbearkey": "dropbear-bin", "sha256sum": "coreutils"},
}
GRUB = Path("/usr/lib/grub/i386-pc")
MODULES = (
    *("biosdisk", "part_gpt", "ext2", "search", "search_label", "search_fs_file", "loadenv", "echo", "linux"),
    *("configfile", "normal", "loopback", "test", "serial", "terminal"),
)
DRIVERS = "drivers/virtio drivers/block drivers/net/virtio_net.ko drivers/net/net_failover.ko net/core fs lib crypto"
GRUB_CFG = """
serial --unit=0 --speed=115200
terminal_output serial
set timeout=0
set kernel=/boot/vmlinuz
set initramfs=/boot/initrd
search --no-floppy --file --set=env_blk /grubenv
search --no-floppy --file --set=custom_blk /grubcustom
if [ "${env_blk}" ]; then
  load_env -f "(${env_blk})/grubenv"
fi
if [ "${next_entry}" ]; then
  set default="${next_entry}"
  set selected_entry="${next_entry}"
  set next_entry=
  save_env -f "(${env_blk})/grubenv" next_entry
else
  set default="${saved_entry}"
fi
function start {
  loopback loop0 "($root)$img"
  source (loop0)/etc/cos/bootargs.cfg
  echo "GRUB starts $img"
  linux (loop0)$kernel $kernelcmd $1
  initrd (loop0)$initramfs
}
menuentry "Shop" --id cos {
  search --no-floppy --label --set=root COS_STATE
  set img=/cOS/active.img
  set label=COS_ACTIVE
  start ${extra_active_cmdline}
}
menuentry "Shop (fallback)" --id fallback {
  search --no-floppy --label --set=root COS_STATE
  set img=/cOS/passive.img
  set label=COS_PASSIVE
  start ${extra_passive_cmdline}
}
menuentry "Shop recovery" --id recovery {
  search --no-floppy --label --set=root COS_RECOVERY
  set img=/cOS/recovery.img
  set label=COS_SYSTEM
  start recovery-mode
}
menuentry "Shop state reset" --id statereset {
  search --no-floppy --label --set=root COS_RECOVERY
  set img=/cOS/recovery.img
  set label=COS_SYSTEM
  start kairos.reset
}
if [ "${custom_blk}" ]; then
  source "(${custom_blk})/grubcustom"
fi
"""
GRUB_CUSTOM = """
search --no-floppy --file --set=assess_blk /boot_assessment
if [ "${assess_blk}" ]; then
  load_env -f "(${assess_blk})/boot_assessment"
fi
if [ "${enable_boot_assessment}" = "yes" ]; then
  if [ -z "${selected_entry}" ]; then
    if [ "${boot_assessment_tentative}" = "yes" ]; then
      set default=fallback
      set extra_passive_cmdline=upgrade_failure
    else
      set boot_assessment_tentative=yes
      save_env -f "(${assess_blk})/boot_assessment" boot_assessment_tentative
    fi
  fi
fi
"""
BOOT_ARGS = 'set kernelcmd="console=ttyS0 panic=5 no_timer_check root=LABEL=$label cos-img/filename=$img"\n'
RC = r"""#!/bin/sh
# What a Kairos initrd does of it: the slot that was started is mounted, and a note of it is in /run/cos.
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/pts /run/cos /run/initramfs/cos-state /run/rootfs /dev/disk/by-label /oem /usr/local
mkdir -p -m 1777 /tmp /var/tmp
mount -t devpts pts /dev/pts
for m in virtio_pci virtio_blk virtio_net ext4 crc32c_generic loop; do modprobe $m; done
for n in 1 2 3 4 5 6 7 8 9 10; do [ -e /dev/vda5 ] && break; sleep 0.2; done
for p in /dev/vda[0-9]; do
  l=$(blkid $p | sed -n 's/.* LABEL="\([A-Z_]*\)".*/\1/p')
  [ -z "$l" ] || ln -s $p /dev/disk/by-label/$l
done
cd /dev/disk/by-label
mount -t ext4 COS_OEM /oem; mount -t ext4 COS_PERSISTENT /usr/local
i=$(sed -n 's/.*cos-img.filename=\([^ ]*\).*/\1/p' /proc/cmdline)
case $i in */recovery.img) s=COS_RECOVERY ;; *) s=COS_STATE ;; esac
mount -t ext4 -o ro $s /run/initramfs/cos-state
losetup -r /dev/loop0 /run/initramfs/cos-state$i && mount -t ext4 -o ro /dev/loop0 /run/rootfs
case $i in */active.img) touch /run/cos/active_mode ;; */passive.img) touch /run/cos/passive_mode ;;
  *) touch /run/cos/recovery_mode ;; esac
hostname edge-7
ip link set lo up; ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2
echo "guest is up"
"""
INITTAB = "::sysinit:/etc/rc\n::respawn:/sbin/dropbear -F -E -R -s -p 22\n::shutdown:/bin/umount -a -r\n"


def lacking() -> str:
    """Return what is not installed for a disk, "" for nothing."""
    absent = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    absent += [] if (GRUB / "boot.img").is_file() else ["grub-pc-bin"]
    return f"apt-get install {' '.join(absent)}" if absent else ""


def run(*words: str | Path, cwd: Path | None = None) -> str:
    """Run a program and return what it printed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


class SystemParts:
    """The kernel of the appliance's medium with the modules that a virtual machine needs."""

    def __init__(self, iso: Path, folder: Path) -> None:
        self.kernel = folder / "kernel"
        squash = folder / "rootfs.squashfs"
        files = ("-extract", "/boot/kernel", self.kernel, "-extract", "/rootfs.squashfs", squash)
        run("xorriso", "-osirrox", "on", "-indev", iso, *files)
        run("unsquashfs", "-n", "-f", "-d", folder / "system", squash, "usr/lib/modules")
        squash.unlink()
        self.modules = next((folder / "system/usr/lib/modules").iterdir())


def copy_program(root: Path, path: str, name: str) -> None:
    """Put a program of this machine and its libraries into a root."""
    for word in [*re.findall(r"(/\S+)", run("ldd", path)), path]:
        target = root / (name if word == path else word.lstrip("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(word, target)


def make_initrd(folder: Path, parts: SystemParts, key: str) -> Path:
    """Make an initrd that is the whole system: BusyBox, sshd, grub-editenv."""
    root = folder / "root"
    for name in ("bin", "etc/dropbear", "proc", "sys", "dev", "run", "root/.ssh", "lib/modules"):
        (root / name).mkdir(parents=True)
    for program, name in (
        ("busybox", "bin/busybox"),
        ("dropbear", "sbin/dropbear"),
        ("grub-editenv", "bin/grub-editenv"),
    ):
        copy_program(root, shutil.which(program) or program, name)
    for applet in run("busybox", "--list-full").split():
        target = root / applet
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            target.symlink_to("/bin/busybox")
    (root / "init").symlink_to("/bin/busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "etc/shells").write_text("/bin/sh\n")
    (root / "etc/kairos-release").write_text("KAIROS_NAME=shop\n")
    (root / "etc/inittab").write_text(INITTAB)
    (root / "etc/rc").write_text(RC)
    (root / "etc/rc").chmod(0o755)
    (root / "root/.ssh/authorized_keys").write_text(key)
    (root / "root/.ssh/authorized_keys").chmod(0o600)
    run("dropbearkey", "-t", "ed25519", "-f", root / "etc/dropbear/dropbear_ed25519_host_key")
    target = root / "lib/modules" / parts.modules.name
    target.mkdir()
    for path in parts.modules.glob("modules.*"):
        shutil.copy2(path, target)
    for name in DRIVERS.split():
        source = parts.modules / "kernel" / name
        (target / "kernel" / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir() and name not in ("fs", "drivers/block"):
            shutil.copytree(source, target / "kernel" / name)
        elif source.is_file():
            shutil.copy2(source, target / "kernel" / name)
    for name in ("fs/ext4", "fs/jbd2", "fs/mbcache.ko", "drivers/block/virtio_blk.ko", "drivers/block/loop.ko"):
        source = parts.modules / "kernel" / name
        (target / "kernel" / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target / "kernel" / name)
    out = folder / "initrd"
    pack = f"cd '{root}' && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1 >'{out}'"
    run("sh", "-c", pack)
    return out


def file_system(target: Path, label: str, megabytes: int, source: Path) -> Path:
    """Make an ext4 image of a folder."""
    run("mke2fs", "-q", "-t", "ext4", "-L", label, "-d", source, target, f"{megabytes}M")
    return target


def make_disk(folder: Path, parts: SystemParts, key: str, environment: str) -> Path:
    """Make the disk; `environment` are the variables of /oem/grubenv, as `grub-editenv set` takes them."""
    initrd = make_initrd(folder, parts, key)
    state, recovery, oem, data = (folder / each for each in ("state", "recovery", "oem", "data"))
    for path in (state / "cOS", state / "grub", recovery / "cOS", oem, data):
        path.mkdir(parents=True)
    system = folder / "image"
    for name in ("boot", "etc/cos"):
        (system / name).mkdir(parents=True)
    shutil.copy2(parts.kernel, system / "boot/vmlinuz")
    shutil.copy2(initrd, system / "boot/initrd")
    (system / "etc/cos/bootargs.cfg").write_text(BOOT_ARGS)
    size = (parts.kernel.stat().st_size + initrd.stat().st_size >> 20) + 12
    file_system(state / "cOS/active.img", "COS_ACTIVE", size, system)
    file_system(state / "cOS/passive.img", "COS_PASSIVE", size, system)
    file_system(recovery / "cOS/recovery.img", "COS_SYSTEM", size, system)
    (state / "grub/grub.cfg").write_text(GRUB_CFG)
    (state / "grubcustom").write_text(GRUB_CUSTOM)
    for block, variables in ((oem / "grubenv", environment), (state / "boot_assessment", "")):
        run("grub-editenv", block, "create")
        if variables:
            run("grub-editenv", block, "set", *variables.split())
    layout = [(1, "", None), (16, "COS_OEM", oem), (2 * size + 24, "COS_STATE", state),
              (size + 24, "COS_RECOVERY", recovery), (16, "COS_PERSISTENT", data)]  # fmt: skip
    disk, start, lines = folder / "disk.img", 1, ["label: gpt", "unit: sectors"]
    for megabytes, label, _ in layout:
        kind = "21686148-6449-6E6F-744E-656564454649" if not label else "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
        lines.append(f"start={start * 2048}, size={megabytes * 2048}, type={kind}")
        start += megabytes
    with disk.open("wb") as file:
        file.truncate(start + 1 << 20)
    subprocess.run(
        ["sfdisk", "-q", str(disk)], input="\n".join(lines) + "\n", text=True, check=True, capture_output=True
    )
    at = 2
    for megabytes, label, source in layout[1:]:
        assert source is not None
        part = file_system(folder / "part", label, megabytes, source)
        run("dd", f"if={part}", f"of={disk}", "bs=1M", f"seek={at}", "conv=notrunc,sparse")
        part.unlink()
        at += megabytes
    install_grub(folder, disk)
    for used in (state, recovery, oem, data, system):
        shutil.rmtree(used)
    return disk


def install_grub(folder: Path, disk: Path) -> None:
    """Write GRUB for BIOS where `grub-install` would: into the MBR and the first partition."""
    core = folder / "core.img"
    words = ("-O", "i386-pc", "-o", core, "-p", "(hd0,gpt3)/grub", *MODULES)
    run("grub-mkimage", *words)
    data, first = bytearray(core.read_bytes()), 2048
    sectors = -(-len(data) // 512)
    assert sectors < 2048
    data[500:512] = struct.pack("<QHH", first + 1, sectors - 1, 0x820)  # where the rest lies, and where it is loaded
    boot = bytearray((GRUB / "boot.img").read_bytes())
    boot[0x5C:0x64] = struct.pack("<Q", first)
    boot[0x66:0x68] = b"\x90\x90"  # a hard disk: the number that the BIOS gives is right
    with disk.open("r+b") as file:
        table = file.read(512)
        file.seek(0)
        file.write(bytes(boot[:440]) + table[440:])
        file.seek(first * 512)
        file.write(data)


class Guest(Machine):
    """The machine with that disk; its sshd is at a port of loopback."""

    def __init__(self, disk: Path, port: int, memory: int = 256) -> None:
        words = ["-device", "virtio-blk-pci,drive=d", "-drive", f"file={disk},if=none,id=d,format=raw,cache=writeback"]
        words += ["-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{port}-:22"]
        words += ["-device", "virtio-net-pci,netdev=n0,romfile="]
        super().__init__(disk.with_name("console.log"), words, memory)


def must_be_possible() -> None:
    """Skip the test with the reason where this machine cannot run it."""
    if reason := lacking():
        missing("e2e", f"not everything is installed: {reason}")
