"""Third proof: healthy hosts of other kinds, Debian 13 booted and one with Dropbear and BusyBox alone (`network.py`)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.clients.ssh.sshd import make_key
from tests.e2e.doctor.independent import NAMES, NO_NAMES, PLANE
from tests.e2e.doctor.independent_site import CaseHost
from tests.e2e.doctor.test_independent import BUSYBOX
from tests.e2e.fleet import Fleet, until
from tests.support import ROOT, missing

READY = os.environ.get("EDGEWRIGHT_DOCTOR_DEBIAN13", "")
"""A root folder of Debian 13 that is there already."""
PACKAGES = "systemd-sysv,systemd-resolved,systemd-timesyncd,openssh-server,iproute2,dbus,procps,python3,openssl"
BOOT = """
mkdir -p /run/systemd/nspawn; mount -t tmpfs tmpfs /run/systemd/nspawn
mount -t overlay overlay -o lowerdir=$LOWER,upperdir=$PLACE/upper,workdir=$PLACE/work $PLACE/root
for c in systemd unified; do mkdir -p /sys/fs/cgroup/$c/$GROUP && echo $$ >/sys/fs/cgroup/$c/$GROUP/cgroup.procs; done
exec systemd-nspawn -q --directory=$PLACE/root --machine=till13 --register=no --keep-unit --boot --console=pipe --resolv-conf=off --timezone=off \
  --network-bridge=switch --kill-signal=SIGRTMIN+3 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1
"""
"""Boots the host at the switch of the lab, over a writable layer of its own."""
AGENT_OF = """
for f in usr/local/lib/edgewright etc/edgewright; do mkdir -p $PLACE/upper/$(dirname $f); cp -a $FROM/$f $PLACE/upper/$f; done
mkdir -p $PLACE/upper/etc/systemd/system/multi-user.target.wants; cp -a $FROM/etc/systemd/system/edgewright-* $PLACE/upper/etc/systemd/system/
cp -a $FROM/etc/systemd/system/multi-user.target.wants/edgewright-* $PLACE/upper/etc/systemd/system/multi-user.target.wants/
ln -s /usr/lib/systemd/system/systemd-networkd.service $PLACE/upper/etc/systemd/system/multi-user.target.wants/
sed -i 's/name: ew-.*/name: till13-'$GROUP'/; s/hostName: .*/hostName: till13/' $PLACE/upper/etc/edgewright/user-data
mkdir -p $PLACE/upper/etc/systemd/network; echo till13 >$PLACE/upper/etc/hostname; : >$PLACE/upper/etc/machine-id
printf '[Match]\\nName=host0\\n[Network]\\nAddress=%s.40/24\\nGateway=%s.1\\nDNS=%s\\nLinkLocalAddressing=no\\n' $NET $NET $DNS >$PLACE/upper/etc/systemd/network/10-host0.network
"""


def root_of_debian13(folder: Path) -> Path:
    """Return the root folder of Debian 13."""
    if READY:
        return Path(READY)
    if shutil.which("mmdebstrap") is None:
        missing("e2e", "mmdebstrap is not installed")
    place = folder / "debian13"
    command = ["mmdebstrap", "--mode=root", "--variant=minbase", f"--include={PACKAGES}", "trixie", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        missing("e2e", f"Debian 13 cannot be fetched: {done.stderr[-200:]}")
    return place


class Debian13:
    """A booted host of Debian 13 with the agent of the lab; its name server runs on the neighbour."""

    def __init__(self, fleet: Fleet, neighbour: CaseHost, lower: Path) -> None:
        self._neighbour = neighbour
        self._place = fleet.folder / "till13"
        for part in ("upper", "work", "root"):
            (self._place / part).mkdir(parents=True)
        self._lab = str(fleet.shown["name"])
        self._env = {
            "PATH": os.environ["PATH"],
            "PLACE": str(self._place),
            "LOWER": str(lower),
            "GROUP": f"case-{self._lab}",
            "FROM": f"/proc/{neighbour.leader}/root",
            "NET": neighbour.variables["NET"],
            "DNS": neighbour.variables["FIRST"],
        }

    def __enter__(self) -> CaseHost:
        self._neighbour.run(NAMES.format(records=f"{PLANE} 10.0.0.1\\ndebian.org 10.0.0.2\\n"))
        subprocess.run(["sh", "-c", AGENT_OF], env=self._env, check=True)
        inside = ["nsenter", f"--net=/run/netns/{self._lab}", "unshare", "--mount", "--propagation", "private"]
        with (self._place / "console.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*inside, "sh", "-c", BOOT], env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        net = self._env["NET"]
        leader = until("Debian 13 has its first process", 60, self._leader)
        host = CaseHost(leader, f"{net}.40", self._neighbour.variables["FIRST"], self._place)
        assert host.holds(
            "systemctl is-active -q ssh && systemctl is-active -q edgewright-agent && systemctl is-active -q systemd-resolved",
            90,
        ), (self._place / "console.log").read_text("utf-8", "replace")[-2000:]
        return host

    def _leader(self) -> int:
        """Return the host's first process; 0 until it is there."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        mine = os.readlink("/proc/self/ns/pid")
        for child in children:
            if os.readlink(f"/proc/{child}/ns/pid") != mine:
                return int(child)
        return 0

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._neighbour.run(NO_NAMES)
        for controller in ("systemd", "unified"):
            top = Path("/sys/fs/cgroup", controller, self._env["GROUP"])
            for folder in sorted(top.rglob("*"), reverse=True):
                if folder.is_dir():
                    folder.rmdir()
            top.rmdir()


DOCTOR = (sys.executable, "-m", "edgewright", "site", "doctor", "tiny", "-o", "json")


def make_dropbear(
    host: CaseHost, neighbour: CaseHost, folder: Path, command: tuple[str, ...] = DOCTOR
) -> subprocess.CompletedProcess[str]:
    """Give a host a second system, Dropbear and BusyBox alone, and return what a command on its neighbour says that dials `tiny`."""
    host.put(("/usr/bin/busybox",))
    host.run(BUSYBOX)
    tiny = Path(f"/proc/{host.leader}/root/opt/tiny")
    for program in ("/usr/sbin/dropbear", "/usr/bin/dropbearkey"):
        linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        libraries = [word for word in linked.split() if word.startswith("/")]
        for path in (program, *libraries):
            (tiny / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, tiny / path.lstrip("/"))
    (tiny / "tmp").chmod(0o1777)
    user = make_key(folder / "tiny-user")
    (tiny / "root/.ssh").mkdir(mode=0o700, parents=True)
    (tiny / "root").chmod(0o700)
    (tiny / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (tiny / "etc/group").write_text("root:x:0:\n")
    (tiny / "etc/shells").write_text("/bin/sh\n")
    shutil.copy(user.with_suffix(".pub"), tiny / "root/.ssh/authorized_keys")
    (tiny / "root/.ssh/authorized_keys").chmod(0o600)
    inside = ["nsenter", f"--target={host.leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
    chroot = [*inside, "/usr/sbin/chroot", "/opt/tiny"]
    subprocess.run([*chroot, "/bin/busybox", "--install", "-s", "/bin"], check=True)
    made = subprocess.run(
        [*chroot, "/usr/bin/dropbearkey", "-t", "ed25519", "-f", "/etc/key"], capture_output=True, text=True, check=True
    )
    public = next(line for line in made.stdout.splitlines() if line.startswith("ssh-ed25519"))
    subprocess.run(
        [*chroot, "/usr/sbin/dropbear", "-s", "-r", "/etc/key", "-p", "2222", "-P", "/etc/pid"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    home = folder / "laptop" / ".ssh"
    home.mkdir(parents=True)
    address = host.variables["FIRST"]
    (home / "known_hosts").write_text(f"[{address}]:2222 {' '.join(public.split()[:2])}\n")
    (home / "config").write_text(
        f"Host tiny\nHostName {address}\nPort 2222\nUser root\nIdentityFile {user}\n"
        f"UserKnownHostsFile {home}/known_hosts\nGlobalKnownHostsFile none\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EDGEWRIGHT_", "XDG_", "SSH_"))}
    env = {**kept, "HOME": str(home.parent), "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    try:
        return subprocess.run(
            ["nsenter", f"--net=/proc/{neighbour.leader}/ns/net", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=env,
            timeout=120,
            check=False,
        )
    finally:
        host.run("kill $(cat /opt/tiny/etc/pid); umount -l /opt/tiny/proc /opt/tiny/sys /opt/tiny/dev")
