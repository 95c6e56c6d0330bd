"""The system itself: locked packages installed, initrd made, traces of the build wiped; cached by its key."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import Failed
from edgewright.forge.appliance import parts
from edgewright.forge.appliance.confined import confined, inside
from edgewright.forge.appliance.lock import Lock
from edgewright.forge.appliance.repository import make_repository
from edgewright.forge.appliance.space import tool_failed
from edgewright.forge.programs import run
from edgewright.forge.progress import Job

RECIPE = ("parts.py", "rootfs.py", "confined.py", "compile_bytecode.py")
"""The sources that decide what comes out: a change of one makes the cached systems useless."""
MAX_SYSTEMS = 2
"""Systems in the cache, some 200 MB each."""

_MERGED = (
    'mkdir -p "$1/usr/bin" "$1/usr/sbin" "$1/usr/lib" "$1/usr/lib64" "$1/etc/kernel/postinst.d"; '
    'for name in bin sbin lib lib64; do ln -s "usr/$name" "$1/$name"; done; '
    # dracut's own hook, which is left out, is called by its postinst all the same
    'printf "#!/bin/sh\\nexit 0\\n" > "$1/etc/kernel/postinst.d/dracut"; chmod 755 "$1/etc/kernel/postinst.d/dracut"'
)
_GRUB_MODULES = (
    *("iso9660", "ext2", "fat", "linux", "echo", "configfile", "search_label", "search_fs_file", "search"),
    *("search_fs_uuid", "ls", "normal", "gzio", "gettext", "test", "true", "loadenv", "part_gpt", "part_msdos"),
    *("biosdisk", "boot", "serial", "terminal", "halt", "reboot"),
)


class System(NamedTuple):
    """A built system: a folder with `tree.tar.zst`, `kernel`, `initrd` and what boots them."""

    folder: Path
    tree: Path
    kernel: Path
    initrd: Path
    shim: Path
    grub: Path
    mok: Path
    eltorito: Path
    hybrid: Path


def key_of(lock: Lock) -> str:
    """Return the name under which the system of this lock is cached."""
    digest = hashlib.sha256(lock.digest.encode())
    for name in RECIPE:
        digest.update(resources.files("edgewright.forge.appliance").joinpath(name).read_bytes())
    return digest.hexdigest()[:16]


def cached_system(lock: Lock, cache: Path) -> System | None:
    """Return the system of this lock when the cache has it."""
    system = _system(cache / "systems" / key_of(lock))
    return system if all(path.exists() for path in system) else None


def make_system(lock: Lock, files: Sequence[Path], work: Path, cache: Path, job: Job) -> System:
    """Install the packages into an image and store it in the cache. Needs root. Raises `Failed` with a tool's words."""
    source = make_repository(lock, files, work / "repository", job)
    root = work / "root"
    _install(lock, source, root, job)
    shutil.rmtree(work / "repository")
    ready = work / "system"
    ready.mkdir()
    _initrd(lock, root, ready, job)
    _boot_files(root, ready)
    job.step("compiling Python's library", "steps")
    script = resources.files("edgewright.forge.appliance").joinpath("compile_bytecode.py").read_text(encoding="utf-8")
    done = inside(root, ["python3", "-B", "-c", script, "library"], job, {"PYTHONHASHSEED": "0"})
    if done.code != 0:
        raise tool_failed("python3", done, work)
    wipe(root)
    job.step("packing the system", "steps")
    arguments = ["tar", "--create", "--sort=name", f"--mtime=@{lock.timestamp}", "--numeric-owner", "--xattrs"]
    arguments += [
        "--xattrs-include=*",
        "--pax-option=delete=atime,delete=ctime",
        "--use-compress-program=zstd -3 -q",
        "-f",
        str(ready / "tree.tar.zst"),
    ]
    arguments += ["--exclude=./dev/*", "--exclude=./proc/*", "--exclude=./sys/*", "-C", str(root), "."]
    done = run(arguments, job)
    if done.code != 0:
        raise tool_failed("tar", done, work)
    shutil.rmtree(root)
    target = cache / "systems" / key_of(lock)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(ready, target)
    _forget_old(target)
    return _system(target)


def wipe(root: Path) -> None:
    """Remove from an image what differs from build to build or is of no use on a box (`parts.WIPED`)."""
    for pattern in parts.WIPED:
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _install(lock: Lock, source: str, root: Path, job: Job) -> None:
    job.step("installing packages", "steps")
    total = 2 * len(lock.packages)
    count = 0

    def look(line: str) -> None:
        nonlocal count
        if line.startswith(("Unpacking ", "Setting up ")):
            count += 1
            job.at(min(count, total), total)

    names = ",".join(f"{package.name}={package.version}" for package in lock.packages)
    terms = [
        "mmdebstrap",
        "--mode=root",
        "--variant=essential",
        "--format=directory",
        "--verbose",
        f"--include={names}",
    ]
    terms += [f"--architectures={lock.architecture}", f"--setup-hook={_MERGED}", "--dpkgopt=force-unsafe-io"]
    terms += [f"--dpkgopt=path-exclude={pattern}" for pattern in parts.LEFT_OUT]
    terms += [parts.DISTRIBUTION, str(root), source]
    env = {"SOURCE_DATE_EPOCH": str(lock.timestamp), "DEBIAN_FRONTEND": "noninteractive", "INITRD": "No"}
    done = confined(terms, job, on_line=look, env=env)
    if done.code != 0:
        raise tool_failed("mmdebstrap", done, root.parent)


def _initrd(lock: Lock, root: Path, ready: Path, job: Job) -> None:
    job.step("making the initrd", "steps")
    versions = sorted(path.name for path in (root / "usr/lib/modules").iterdir())
    if len(versions) != 1:
        raise Failed(f"The packages bring {len(versions)} kernels; the base takes one.", "Refresh the lock.")
    epoch = {"SOURCE_DATE_EPOCH": str(lock.timestamp)}
    done = inside(root, ["dracut", *parts.DRACUT, "/boot/initrd.ours", versions[0]], job, epoch)
    if done.code != 0:
        raise tool_failed("dracut", done, root.parent)
    shutil.move(root / "boot/initrd.ours", ready / "initrd")
    shutil.copyfile(root / f"boot/vmlinuz-{versions[0]}", ready / "kernel")
    for name in ("initrd", "kernel"):
        (ready / name).chmod(0o644)
    core = ["grub-mkimage", "-O", "i386-pc", "-o", "/core.img", "-p", "/boot/grub2", *_GRUB_MODULES]
    done = inside(root, core, job, epoch)
    if done.code != 0:
        raise tool_failed("grub-mkimage", done, root.parent)


def _boot_files(root: Path, ready: Path) -> None:
    """Take out what boots the medium: all of it from the locked packages, nothing from the machine that builds."""
    pc = root / "usr/lib/grub/i386-pc"
    (ready / "eltorito.img").write_bytes((pc / "cdboot.img").read_bytes() + (root / "core.img").read_bytes())
    (root / "core.img").unlink()
    shutil.copyfile(pc / "boot_hybrid.img", ready / "boot_hybrid.img")
    shutil.copyfile(root / "usr/lib/shim/shimx64.efi.signed", ready / "shimx64.efi")
    shutil.copyfile(root / "usr/lib/shim/mmx64.efi.signed", ready / "mmx64.efi")
    shutil.copyfile(root / "usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed", ready / "grubx64.efi")


def _system(folder: Path) -> System:
    names = (
        "tree.tar.zst",
        "kernel",
        "initrd",
        "shimx64.efi",
        "grubx64.efi",
        "mmx64.efi",
        "eltorito.img",
        "boot_hybrid.img",
    )
    return System(folder, *(folder / name for name in names))


def _forget_old(newest: Path) -> None:
    others = [path for path in newest.parent.iterdir() if path != newest]
    for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[MAX_SYSTEMS - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
    os.utime(newest)
