"""Faults of a host written by somebody who has not read Doctor's rules, only the titles of its symptoms.

The right first causes stand here before the first run; `proof` shows that the fault is there, without Doctor.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.e2e.doctor.fault import AGENT, NO_CMDLINE, UNIT, cmdline, fill, on_disk, unmount


class Case(NamedTuple):
    """One fault. `first` are the symptoms that are right as the first cause.

    Scripts run in the host with `$NET`, `$FIRST`, `$SECOND`, `$DISK`; `other` on its neighbour; `prepare`
    (before `inject`) and `machine` (after it) on the machine below with `$LOOP`, `$IMAGE`, `$LEADER`, `$ROOT` (the host's), `$ROOT2` (its neighbour's), `$HUB` (folder),
    `$LAB` (name). `proof` (and `other_proof`) ends with 0 when the fault is there, within `patience` seconds.
    `lab` and `lab_undo` are words of `edgewright lab fault`. `clock` shifts the clock of the host's `date`.
    """

    name: str
    first: tuple[str, ...]
    inject: str = ""
    proof: str = "true"
    undo: str = ""
    other: str = ""
    other_undo: str = ""
    other_proof: str = "true"
    prepare: str = ""
    machine: str = ""
    machine_undo: str = ""
    lab: tuple[str, ...] = ()
    lab_undo: tuple[str, ...] = ()
    clock: str = ""
    patience: float = 30.0
    node: bool = False


AGENT_SAYS = "journalctl -q -o cat -u edgewright-agent --since -60s | grep -iE "
PLANE = "plane.example.net"
KEEP = (
    "systemctl stop edgewright-agent; rm -rf /run/case-state /run/case-etc; cp -a /var/lib/edgewright /run/case-state; "
    f"cp -a /etc/edgewright /run/case-etc; cp -p {UNIT} /run/case-unit; "
)
"""Stops the agent and keeps what it has."""
BACK = (
    "systemctl stop edgewright-agent; rm -rf /var/lib/edgewright /etc/edgewright; cp -a /run/case-state /var/lib/edgewright; "
    f"cp -a /run/case-etc /etc/edgewright; cp -p /run/case-unit {UNIT}; systemctl daemon-reload; "
    "systemctl reset-failed edgewright-agent 2>/dev/null; systemctl start --no-block edgewright-agent; "
)
FORGET = "rm -rf /var/lib/edgewright/*; "
NETWORK = "/etc/systemd/network/10-host0.network"
KEEP_NETWORK = f"cp -p {NETWORK} /run/case-network; "
BACK_NETWORK = f"cp -p /run/case-network {NETWORK}; systemctl restart systemd-networkd; {AGENT}; "
NAMES = (
    "printf '{records}' >/opt/case/names; systemctl reset-failed case-dns 2>/dev/null; "
    "systemd-run -q --unit=case-dns /usr/bin/python3 /opt/case/dns.py /opt/case/names; "
)
NO_NAMES = "systemctl stop case-dns; "
RESOLV = 'printf "nameserver {server}\\noptions timeout:1 attempts:1\\n" >/etc/resolv.conf; '
NO_RESOLV = "rm -f /etc/resolv.conf; : >/etc/resolv.conf; "
FRONT = (
    "systemctl reset-failed case-front 2>/dev/null; "
    "systemd-run -q --unit=case-front /usr/bin/python3 /opt/case/front.py {where} /opt/case/front.crt /opt/case/front.key {to}; "
)
NO_FRONT = "systemctl stop case-front; "
KAIROS = "BOOT_IMAGE=(loop0)/boot/vmlinuz console=tty1 root=LABEL={label} cos-img/filename=/cOS/{image}.img panic=5 rd.cos.oemlabel=COS_OEM {more}"


def certificate(name: str, *, signed: bool = True, shift: str = "") -> str:
    """Return what makes the certificate of a front on the neighbour: by the plane's CA, or by a foreign one."""
    clock = f"faketime -f {shift} " if shift else ""
    ca = "-CA $HUB/ca.crt -CAkey $HUB/ca.key" if signed else ""
    return (
        f"mkdir -p $ROOT2/opt/case; rm -f $ROOT2/opt/case/front.crt $ROOT2/opt/case/front.key; for n in 1 2 3; do {clock}openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 "
        f"-keyout $ROOT2/opt/case/front.key -out $ROOT2/opt/case/front.crt -subj /CN=front {ca} "
        f"-addext subjectAltName={name} -addext basicConstraints=critical,CA:FALSE && break; done; "  # faketime fails now and then on a loaded machine
    )


STORAGE = (
    Case(
        "the log of an application fills /var/log",
        ("disk-full",),
        on_disk("/var/log") + "systemctl restart systemd-journald; mkdir -p /var/log/shop; " + fill("/var/log/shop"),
        "test $(df --output=avail /var/log | tail -n 1) -eq 0",
        "rm -rf /var/log/shop; " + unmount("/var/log") + "systemctl restart systemd-journald; ",
    ),
    Case(
        "content fills /usr/local",
        ("disk-full",),
        on_disk("/usr/local")
        + "mkdir -p /usr/local/spectrocloud/peerbundle; "
        + fill("/usr/local/spectrocloud/peerbundle"),
        "test $(df --output=avail /usr/local | tail -n 1) -eq 0",
        unmount("/usr/local"),
    ),
    Case(
        "a folder of small files takes all inodes of /var/lib/edgewright",
        ("inodes-full",),
        "systemctl stop edgewright-agent; "
        + on_disk("/var/lib/edgewright", make="-N 200")
        + "i=0; while : >/var/lib/edgewright/operations/left-$i; do i=$((i + 1)); done 2>/dev/null; systemctl start --no-block edgewright-agent; ",
        "test $(df --output=iavail /var/lib/edgewright | tail -n 1) -eq 0",
        "systemctl stop edgewright-agent; " + unmount("/var/lib/edgewright") + AGENT,
    ),
    Case(
        "/var/lib was mounted read-only",
        ("read-only",),
        "systemctl stop edgewright-agent; " + on_disk("/var/lib", "-o ro") + AGENT,
        "! touch /var/lib/case-file 2>/dev/null",
        "systemctl stop edgewright-agent; " + unmount("/var/lib") + AGENT,
    ),
    Case(
        "an error of ext4 makes the agent's disk read-only",
        ("read-only", "io-errors"),
        "systemctl stop edgewright-agent; " + on_disk("/var/lib/edgewright", "-o errors=remount-ro") + AGENT,
        "! touch /var/lib/edgewright/case-file 2>/dev/null",
        "systemctl stop edgewright-agent; " + unmount("/var/lib/edgewright") + AGENT,
        machine="echo 1 >/sys/fs/ext4/$(basename $LOOP)/trigger_fs_error; ",
        machine_undo="dmesg -C; ",
    ),
    Case(
        "the disk of /opt/spectrocloud does not read",
        ("io-errors", "read-only"),
        on_disk("/opt/spectrocloud")
        + "dd if=/dev/urandom of=/opt/spectrocloud/data bs=1M count=24 2>/dev/null; sync; ",
        "! dd if=$DISK of=/dev/null bs=1M iflag=direct 2>/dev/null",
        unmount("/opt/spectrocloud"),
        machine="truncate -s 8M $IMAGE; ",
        machine_undo="truncate -s 48M $IMAGE; dmesg -C; ",
    ),
    Case(
        "an application is ended for memory",
        ("out-of-memory",),
        machine="mkdir -p /sys/fs/cgroup/memory/case-$LAB; echo 40M >/sys/fs/cgroup/memory/case-$LAB/memory.limit_in_bytes; "
        "for i in 1 2; do sh -c 'echo $$ >/sys/fs/cgroup/memory/case-'$LAB'/cgroup.procs; exec nsenter --target=$LEADER "
        '--mount --uts --ipc --net --pid -- python3 -c "x = bytearray(300 << 20); print(x[::4096])"\' >/dev/null 2>&1; done; ',
        proof="dmesg | grep -q 'Killed process.*python3'",
        machine_undo="dmesg -C; rmdir /sys/fs/cgroup/memory/case-$LAB; ",
    ),
)
SYSTEM = (
    Case(
        "the time server is a wrong one, and the clock two hours behind",
        ("clock-wrong",),
        "mkdir -p /run/chrony; printf 'server '$NET'.77 iburst\\npidfile /run/chronyd.pid\\n' >/etc/case-chrony.conf; "
        "printf '[Service]\\nExecStart=/usr/sbin/chronyd -d -x -u root -f /etc/case-chrony.conf\\n' >/etc/systemd/system/chrony.service; "
        "systemctl daemon-reload; systemctl start --no-block chrony; ",
        "systemctl is-active -q chrony",
        "systemctl stop chrony; rm -f /etc/systemd/system/chrony.service /etc/case-chrony.conf; systemctl daemon-reload; ",
        lab=("clock", "$NAME", "-2h"),
        lab_undo=("clock", "$NAME", "true"),
        clock="-2h",
    ),
    Case(
        "no time service, and the clock 90 days ahead",
        ("clock-wrong",),
        lab=("clock", "$NAME", "+90d"),
        lab_undo=("clock", "$NAME", "true"),
        clock="+90d",
    ),
    Case(
        "the agent was stopped manually",
        ("unit-stopped",),
        "systemctl stop edgewright-agent",
        "! systemctl is-active -q edgewright-agent",
        AGENT,
    ),
    Case(
        "sshd was masked",
        ("unit-masked",),
        "systemctl mask -q --now ssh",
        "test $(systemctl is-enabled ssh) = masked && ! systemctl is-active -q ssh",
        "systemctl unmask -q ssh; systemctl start ssh; ",
    ),
    Case(
        "a mistake in sshd_config",
        ("unit-failed", "unit-restarts"),
        "cp -p /etc/ssh/sshd_config /run/case-sshd; echo 'PermitRootLogn yes' >>/etc/ssh/sshd_config; systemctl restart ssh 2>/dev/null; ",
        "systemctl is-failed -q ssh || ! systemctl is-active -q ssh",
        "cp -p /run/case-sshd /etc/ssh/sshd_config; systemctl reset-failed ssh; systemctl start ssh; ",
    ),
    Case(
        "the agent's program is empty after a power cut",
        ("unit-restarts", "unit-failed", "agent-missing"),
        "cp -p /usr/local/lib/edgewright/edgewright-agent.pyz /run/case-agent; "
        f": >/usr/local/lib/edgewright/edgewright-agent.pyz; {AGENT}; sleep 11; ",
        "test $(systemctl show -P NRestarts edgewright-agent) -ge 1",
        f"cp -p /run/case-agent /usr/local/lib/edgewright/edgewright-agent.pyz; systemctl reset-failed edgewright-agent; {AGENT}; ",
    ),
    Case(
        "the agent was removed",
        ("agent-missing",),
        f"{KEEP} cp -p /usr/local/lib/edgewright/edgewright-agent.pyz /run/case-agent; systemctl disable -q edgewright-agent; "
        f"rm -f {UNIT} /usr/local/lib/edgewright/edgewright-agent.pyz; systemctl daemon-reload; ",
        "! systemctl cat edgewright-agent >/dev/null 2>&1",
        f"cp -p /run/case-agent /usr/local/lib/edgewright/edgewright-agent.pyz; {BACK} systemctl enable -q edgewright-agent; ",
    ),
    Case(
        "the agent waits for a unit that never ends",
        ("start-hangs",),
        "printf '[Unit]\\nBefore=edgewright-agent.service\\n[Service]\\nType=oneshot\\nTimeoutStartSec=infinity\\nExecStart=/bin/sh -c \"until test -e /dev/modem; do sleep 5; done\"\\n' "
        ">/etc/systemd/system/modem-wait.service; systemctl daemon-reload; systemctl stop edgewright-agent; "
        "systemctl start --no-block modem-wait; sleep 0.5; systemctl start --no-block edgewright-agent; ",
        "systemctl list-jobs | grep -q 'edgewright-agent.service.*waiting'",
        "systemctl stop modem-wait; rm -f /etc/systemd/system/modem-wait.service; systemctl daemon-reload; " + AGENT,
    ),
    Case(
        "an own service of the site has failed",
        ("unit-other-failed", "unit-failed"),
        "printf '[Service]\\nExecStart=/bin/sh -c \"echo no till answers; exit 3\"\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/shop-sync.service; "
        "systemctl daemon-reload; systemctl enable -q shop-sync; systemctl start shop-sync; ",
        "systemctl is-failed -q shop-sync",
        "systemctl disable -q shop-sync; rm -f /etc/systemd/system/shop-sync.service; systemctl daemon-reload; systemctl reset-failed; ",
    ),
    Case(
        "/var/tmp belongs to one user",
        ("var-tmp-mode",),
        "chmod 0755 /var/tmp",
        "test $(stat -c %a /var/tmp) = 755",
        "chmod 1777 /var/tmp",
    ),
    Case(
        "the passive slot was booted",
        ("booted-passive",),
        cmdline(KAIROS.format(label="COS_PASSIVE", image="passive", more="")),
        "grep -q COS_PASSIVE /proc/cmdline",
        NO_CMDLINE,
    ),
    Case(
        "an upgrade failed and fell back",
        ("upgrade-failed", "booted-passive"),
        cmdline(KAIROS.format(label="COS_PASSIVE", image="passive", more="upgrade_failure")),
        "grep -q upgrade_failure /proc/cmdline",
        NO_CMDLINE,
    ),
    Case(
        "the recovery system was booted",
        ("booted-recovery",),
        "mkdir -p /run/cos; touch /run/cos/recovery_mode; "
        + cmdline(KAIROS.format(label="COS_SYSTEM", image="recovery", more="recovery-mode")),
        "grep -q recovery.img /proc/cmdline",
        "rm -rf /run/cos; " + NO_CMDLINE,
    ),
    Case(
        "blobs of a bundle are empty",
        ("blobs-empty",),
        "d=/usr/local/spectrocloud/peerbundle/sha256; mkdir -p $d; for n in 1 2 3 4 5; do echo blob $n >$d/0$n; done; : >$d/aa11; : >$d/bb22; ",
        "find /usr/local/spectrocloud/peerbundle/sha256 -size 0 | grep -q .",
        "rm -rf /usr/local/spectrocloud",
    ),
)
