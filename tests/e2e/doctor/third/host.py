"""Third proof: faults of storage and system (`network.py`)."""

from __future__ import annotations

from tests.e2e.doctor.fault import (
    AGENT,
    LAST_YEAR,
    NO_CMDLINE,
    NO_DROP_IN,
    NO_PALETTE,
    PALETTE,
    UNIT,
    cmdline,
    drop_in,
    fill,
    on_disk,
    saying,
    silent,
    unmount,
)
from tests.e2e.doctor.independent import Case

STATE = "/var/lib/edgewright"
STOP = "systemctl stop edgewright-agent; "
FRESH = f"systemctl reset-failed edgewright-agent 2>/dev/null; {AGENT}; "
IN_HOST = '[ "$(readlink $p/ns/pid)" = "$(readlink /proc/$LEADER/ns/pid)" ]'
K3S = "/var/lib/rancher/k3s/server/tls"
GO_TLS = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
MEMINFO = (
    "MemTotal:        2036920 kB\\nMemFree:           31248 kB\\nMemAvailable:      38116 kB\\nBuffers:            2104 kB\\nCached:            29752 kB\\n"
    "SwapCached:            0 kB\\nActive:          1711820 kB\\nInactive:         118040 kB\\nSwapTotal:             0 kB\\nSwapFree:              0 kB\\n"
    "Dirty:               112 kB\\nShmem:              9120 kB\\nSlab:             100932 kB\\nSReclaimable:      21008 kB\\n"
)
STORAGE3 = (
    Case(
        "uploads of bundles filled /opt/spectrocloud",
        ("disk-full",),
        on_disk("/opt/spectrocloud") + "mkdir -p /opt/spectrocloud/content; " + fill("/opt/spectrocloud/content"),
        "test $(df --output=avail /opt/spectrocloud | tail -n 1) -eq 0",
        unmount("/opt/spectrocloud") + "rm -rf /opt/spectrocloud; ",
    ),
    Case(
        "the small partition of /oem is full",
        ("disk-full",),
        on_disk("/oem") + "echo '#cloud-config' >/oem/90_custom.yaml; " + fill("/oem"),
        "test $(df --output=avail /oem | tail -n 1) -eq 0",
        unmount("/oem") + "rm -rf /oem; ",
    ),
    Case(
        "recordings of cameras filled /data; the largest is deleted and still open",
        ("disk-full",),
        on_disk("/data")
        + "systemctl reset-failed case-camera 2>/dev/null; systemd-run -q --unit=case-camera sh -c 'exec 3>/data/now; rm /data/now; dd if=/dev/zero bs=64k >&3; exec sleep 100000'; sleep 3; "
        + fill("/data"),
        "test $(df --output=avail /data | tail -n 1) -eq 0 && test $(du -sm /data | cut -f1) -lt 20",
        "systemctl stop case-camera; " + unmount("/data") + "rm -rf /data; ",
    ),
    Case(
        "the persistent disk at /usr/local was remounted read-only",
        ("read-only", "io-errors"),
        on_disk("/usr/local") + "mount -o remount,ro /usr/local; ",
        "! touch /usr/local/case 2>/dev/null",
        unmount("/usr/local"),
    ),
    Case(
        "the disk of the agent's state has bad sectors",
        ("io-errors", "read-only"),
        STOP
        + on_disk(STATE)
        + f"dd if=/dev/urandom of={STATE}/blob bs=1M count=24 2>/dev/null; sync; systemctl start --no-block edgewright-agent; sleep 2; ",
        f"! dd if={STATE}/blob of=/dev/null bs=64k iflag=direct",
        STOP + unmount(STATE) + FRESH,
        machine='truncate -s 4M "$IMAGE"; ',
        machine_undo='truncate -s 48M "$IMAGE"; dmesg -C; ',
    ),
    Case(
        "the kernel ended the program of the till for memory, and systemd starts it again later",
        ("out-of-memory",),
        "mkdir -p /opt/till; printf 'import time\\ntime.sleep(5)\\nprices = bytearray(300 << 20)\\nprint(prices[::4096])\\n' >/opt/till/prices.py; "
        "printf '[Service]\\nExecStart=/usr/bin/python3 /opt/till/prices.py\\nRestart=always\\nRestartSec=120\\n' >/etc/systemd/system/till-prices.service; "
        "systemctl daemon-reload; systemctl start till-prices; ",
        "dmesg | grep -q 'Killed process.*python3' && journalctl -q -o cat -u till-prices --since -60s | grep -q 'status=9/KILL'",
        "systemctl stop till-prices; rm -rf /opt/till /etc/systemd/system/till-prices.service; systemctl daemon-reload; ",
        machine="g=/sys/fs/cgroup/memory/case-$LAB; mkdir -p $g; echo 40M >$g/memory.limit_in_bytes; "
        f"for p in /proc/[0-9]*; do {IN_HOST} && grep -q till/prices.py $p/cmdline && echo ${{p#/proc/}} >$g/cgroup.procs; done 2>/dev/null; sleep 8; ",
        machine_undo="dmesg -C; rmdir /sys/fs/cgroup/memory/case-$LAB; ",
    ),
    Case(
        "a leaking application has taken nearly all memory",
        ("memory-low",),
        f"printf '{MEMINFO}' >/run/case-memory; mount --bind /run/case-memory /proc/meminfo; ",
        "free -m | awk '/^Mem/ { exit !($7 < 40) }' || awk '/MemAvailable/ { exit !($2 < 40000) }' /proc/meminfo",
        "umount /proc/meminfo; ",
    ),
)
SYSTEM3 = (
    Case(
        "the clock is an hour ahead: its battery clock is in local time",
        ("clock-wrong",),
        lab=("clock", "$NAME", "+1h"),
        lab_undo=("clock", "$NAME", "true"),
        clock="+1h",
    ),
    Case(
        "a guide for hardening gave the agent a user that does not exist",
        ("unit-restarts", "unit-failed"),
        drop_in("[Service]\\nUser=edge\\n") + "sleep 12; ",
        "journalctl -q -o cat -u edgewright-agent --since -30s | grep -q 217/USER",
        NO_DROP_IN,
    ),
    Case(
        "an upgrade of packages removed the Python that the agent runs with",
        ("unit-restarts", "unit-failed"),
        "mv /usr/bin/python3 /usr/bin/python3.away; systemctl restart --no-block edgewright-agent; sleep 12; ",
        "! test -e /usr/bin/python3 && test $(systemctl show -P NRestarts edgewright-agent) -ge 1",
        "mv /usr/bin/python3.away /usr/bin/python3; " + FRESH,
    ),
    Case(
        "a second agent was started manually, and it has the lock",
        ("unit-failed", "unit-restarts", "unit-stopped"),
        STOP
        + "systemctl reset-failed case-hand 2>/dev/null; systemd-run -q --unit=case-hand $(systemctl cat edgewright-agent | sed -n 's/^ExecStart=//p'); sleep 3; "
        + "systemctl start --no-block edgewright-agent; ",
        "systemctl is-active -q case-hand && ! systemctl is-active -q edgewright-agent && "
        "{ systemctl is-failed -q edgewright-agent || test $(systemctl show -P NRestarts edgewright-agent) -ge 2; }",
        "systemctl stop case-hand; " + FRESH,
        patience=60,
    ),
    Case(
        "the site was renumbered, and sshd listens only on its old address",
        ("unit-failed", "unit-restarts"),
        "printf 'ListenAddress 172.31.9.9\\n' >/etc/ssh/sshd_config.d/site.conf; systemctl restart ssh; ",
        "sleep 2; ! systemctl is-active -q ssh && journalctl -q -o cat -u ssh --since -30s | grep -q 'Cannot bind'",
        "rm -f /etc/ssh/sshd_config.d/site.conf; systemctl reset-failed ssh; systemctl restart ssh; ",
    ),
    Case(
        "a drop-in for systemd-networkd names a program that is not there",
        ("unit-failed", "unit-restarts"),
        "mkdir -p /etc/systemd/system/systemd-networkd.service.d; printf '[Service]\\nExecStart=\\nExecStart=/usr/lib/systemd/systemd-network\\n' "
        ">/etc/systemd/system/systemd-networkd.service.d/site.conf; systemctl daemon-reload; systemctl restart systemd-networkd; sleep 4; ",
        "! systemctl is-active -q systemd-networkd && ip -4 -o address show dev host0 | grep -q inet",
        "rm -rf /etc/systemd/system/systemd-networkd.service.d; systemctl daemon-reload; systemctl reset-failed systemd-networkd; systemctl restart systemd-networkd; ",
    ),
    Case(
        "the time service does not start: a typing error in its settings",
        ("unit-failed", "unit-restarts", "unit-other-failed"),
        "mkdir -p /etc/chrony; printf 'sever '$NET'.2 iburst\\n' >/etc/chrony/chrony.conf; "
        "printf '[Service]\\nExecStart=/usr/sbin/chronyd -d -x -u root -f /etc/chrony/chrony.conf\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/chrony.service; "
        "systemctl daemon-reload; systemctl enable -q chrony; systemctl start chrony; sleep 2; ",
        "systemctl is-failed -q chrony",
        "systemctl disable -q chrony; rm -rf /etc/systemd/system/chrony.service /etc/chrony; systemctl daemon-reload; systemctl reset-failed; ",
    ),
    Case(
        "the agent was masked for work on the host, and forgotten",
        ("unit-masked",),
        f"{STOP}cp -p {UNIT} /run/case-unit; rm {UNIT}; systemctl mask -q edgewright-agent; systemctl daemon-reload; ",
        "test $(systemctl is-enabled edgewright-agent) = masked && ! systemctl is-active -q edgewright-agent",
        f"systemctl unmask -q edgewright-agent; cp -p /run/case-unit {UNIT}; systemctl daemon-reload; systemctl enable -q edgewright-agent; {FRESH}",
    ),
    Case(
        "the start waits for the network of a second card that has no cable",
        ("start-hangs",),
        "ip link add eth1 type veth peer name eth1p; ip link set eth1 up; mkdir -p /run/systemd/system/systemd-networkd-wait-online.service.d; "
        "printf '[Match]\\nName=eth1\\n[Network]\\nDHCP=yes\\n' >/etc/systemd/network/20-eth1.network; networkctl reload; "
        "printf '[Service]\\nExecStart=\\nExecStart=/lib/systemd/systemd-networkd-wait-online --interface=eth1 --timeout=0\\nTimeoutStartSec=infinity\\n' "
        ">/run/systemd/system/systemd-networkd-wait-online.service.d/case.conf; systemctl enable -q systemd-networkd-wait-online; "
        + drop_in("[Unit]\\nWants=network-online.target\\nAfter=network-online.target\\n").replace(
            f"{AGENT};", f"{STOP}systemctl stop network-online.target; systemctl start --no-block edgewright-agent;"
        )
        + "sleep 55; ",
        "systemctl list-jobs --no-pager | grep -q 'edgewright-agent.service.*waiting' && systemctl list-jobs --no-pager | grep -q 'wait-online.*running'",
        "systemctl disable -q systemd-networkd-wait-online; systemctl stop systemd-networkd-wait-online; rm -rf /run/systemd/system/systemd-networkd-wait-online.service.d "
        "/etc/systemd/network/20-eth1.network; ip link del eth1; systemctl restart systemd-networkd; " + NO_DROP_IN,
        machine="sleep 40; ",
    ),
    Case(
        "a technician left the host in its recovery system after a repair",
        ("booted-recovery",),
        cmdline(
            "BOOT_IMAGE=(loop0)/boot/vmlinuz root=live:LABEL=COS_RECOVERY rd.live.dir=/ rd.live.squashimg=cOS/recovery.squashfs net.ifnames=1 console=ttyS0 rd.cos.oemlabel=COS_OEM recovery-mode"
        ),
        "grep -q COS_RECOVERY /proc/cmdline",
        NO_CMDLINE,
    ),
    Case(
        "power failed during the start of a new image, and the passive one came up",
        ("booted-passive", "upgrade-failed"),
        cmdline(
            "BOOT_IMAGE=(loop0)/boot/vmlinuz console=ttyS0,115200 net.ifnames=0 rd.cos.debugrw root=LABEL=COS_PASSIVE cos-img/filename=/cOS/passive.img rd.neednet=0 vga=795 nomodeset panic=5"
        ),
        "grep -q passive.img /proc/cmdline && ! grep -q upgrade_failure /proc/cmdline",
        NO_CMDLINE,
    ),
    Case(
        "one blob among two hundred is empty",
        ("blobs-empty",),
        "d=/usr/local/spectrocloud/peerbundle/sha256; mkdir -p $d; cd $d; for n in $(seq 200); do echo $n >$(echo $n | sha256sum | cut -c1-64); done; : >$(echo 77 | sha256sum | cut -c1-64); ",
        "test $(find /usr/local/spectrocloud/peerbundle/sha256 -type f -size 0 | wc -l) = 1",
        "rm -rf /usr/local/spectrocloud; ",
    ),
    Case(
        "a file of /oem was cut in the middle when power failed",
        ("user-data-broken",),
        "mkdir -p /oem; printf '#cloud-config\\nstages: {}\\n' >/oem/90_custom.yaml; "
        "printf '#cloud-config\\nstages:\\n  boot:\\n    - name: site\\n      files:\\n        - path: /etc/motd\\n          content: \"Shop 17, Ber' >/oem/99_site.yaml; ",
        "tail -c 4 /oem/99_site.yaml | grep -q Ber",
        "rm -rf /oem; ",
    ),
    Case(
        "an archive was unpacked over /var/tmp: only root may use it",
        ("var-tmp-mode",),
        "chmod 0700 /var/tmp; ",
        "test $(stat -c %a /var/tmp) = 700",
        "chmod 1777 /var/tmp; ",
    ),
    Case(
        "a K3s host was switched off for a year: its certificates have expired",
        ("certificate-expired",),
        f"mkdir -p {K3S}; cd {K3S}; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout server-ca.key -out server-ca.crt -subj /CN=k3s-server-ca; "
        "for c in serving-kube-apiserver client-admin client-kubelet; do openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $c.key -out /run/case.csr -subj /CN=$c; "
        f"{LAST_YEAR}openssl x509 -req -in /run/case.csr -CA server-ca.crt -CAkey server-ca.key -CAcreateserial -days 365 -out $c.crt; done; "
        + saying(
            "k3s",
            'time="2026-11-29T20:00:01Z" level=error msg="Failed to retrieve agent configuration: x509: certificate has expired or is not yet valid"',
        ),
        f"! openssl x509 -in {K3S}/serving-kube-apiserver.crt -noout -checkend 0 && systemctl is-active -q k3s",
        silent("k3s") + "rm -rf /var/lib/rancher; ",
    ),
    Case(
        "Palette's agent does not trust the company's proxy (message replayed)",
        ("wrong-ca",),
        PALETTE
        + "; "
        + saying(
            "spectro-stylus-agent",
            f'time="2026-11-29T20:00:01Z" level=error msg="failed to register edge host" error="Post \\"https://api.spectrocloud.com/v1/edgehosts/register\\": {GO_TLS}"',
        ),
        "journalctl -q -o cat -u spectro-stylus-agent --since -60s | grep -q 'unknown authority'",
        silent("spectro-stylus-agent") + NO_PALETTE + "; ",
    ),
)
