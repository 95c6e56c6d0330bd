"""Who the host is, how it booted, its units, memory and time."""

from __future__ import annotations

from edgewright.clients.ssh.probes.probe import Probe

UNITS: tuple[str, ...] = (
    "edgewright-agent",
    "edgewright-reconciler",
    "edgewright-containerd",
    "edgewright-keepalived",
    "edgewright-images",
    "edgewright-activate",
    "stylus-agent",
    "stylus-operator",
    "palette-tui",
    "spectro-stylus-agent",
    "spectro-stylus-operator",
    "spectro-init",
    "spectro-palette-agent-start",
    "spectro-palette-agent-initramfs",
    "spectro-palette-agent-boot",
    "spectro-palette-agent-network",
    "spectro-palette-agent-bootstrap",
    "palette-agent",
    "local-ui",
    "remote-shell",
    "kairos-agent",
    "cos-setup-boot",
    "cloud-init",
    "systemd-timesyncd",
    "chrony",
    "chronyd",
    "ntp",
    "systemd-resolved",
    "systemd-networkd",
    "NetworkManager",
    "containerd",
    "crio",
    "docker",
    "kubelet",
    "k3s",
    "k3s-agent",
    "rke2-server",
    "rke2-agent",
    "keepalived",
    "ssh",
    "sshd",
    "dropbear",
    "dbus",
    "systemd-journald",
    "systemd-logind",
    "systemd-udevd",
)
"""Units that are asked for, by the names of every mode and version; one that is not there is no fault."""
_PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,UnitFileState,Result,NRestarts,ConditionResult,ConditionTimestampMonotonic,Type,ExecMainStatus,"
    "ExecMainStartTimestamp,ActiveEnterTimestampMonotonic,InactiveEnterTimestampMonotonic,InactiveExitTimestampMonotonic,"
    "StateChangeTimestampMonotonic"
)

PROBES: tuple[Probe, ...] = (
    Probe(
        "identity.host",
        "name, kernel, system, ids of boot and system, container or not",
        r"""
echo "hostname $(hostname 2>/dev/null || cat /proc/sys/kernel/hostname)"
echo "kernel $(uname -sr)"
echo "arch $(uname -m)"
for f in /etc/kairos-release /etc/os-release; do
  [ -r $f ] && sed -n 's/^\(PRETTY_NAME\|KAIROS_VERSION\|ID\|VERSION_ID\)=/os \1 /p' $f
done
read -r c </proc/sys/kernel/random/boot_id && echo "boot-id $c"
[ -r /etc/machine-id ] && echo "machine-id $(head -n 1 /etc/machine-id)"
v=$(systemd-detect-virt --container 2>/dev/null) && echo "container $v"
[ -e /run/host/container-manager ] && echo "container $(cat /run/host/container-manager)"
:
""",
        root="better",
    ),
    Probe("boot.cmdline", "kernel command line: slot, failed upgrade, Trusted Boot", "cat /proc/cmdline"),
    Probe(
        "boot.uptime",
        "time since boot and load",
        r"""
echo "uptime $(cat /proc/uptime)"
echo "load $(cat /proc/loadavg)"
echo "cpus $(grep -c '^processor' /proc/cpuinfo)"
""",
    ),
    Probe(
        "boot.slots",
        "boot environment and markers of the running slot, end of the newest log of an upgrade (Palette)",
        r"""
for f in /run/cos/active_mode /run/cos/passive_mode /run/cos/recovery_mode /run/cos/live_mode /run/cos/uki_mode; do
  [ -e $f ] && echo "marker ${f##*/}"
done
if [ -r /oem/grubenv ]; then
  tr '#' '\n' </oem/grubenv | sed -n 's/^\([a-z_]*=.*\)$/env \1/p' | head -n 40
fi
f=$(cd /var/log && ls -t stylus-upgrade.log stylus-upgrade-script.log stylus-init-upgrade.log 2>/dev/null | head -n 1)
if [ -n "$f" ] && [ -r "/var/log/$f" ]; then
  echo "upgraded $(date -r "/var/log/$f" +%s 2>/dev/null) $f"
  tail -n 20 "/var/log/$f" | cut -c 1-300 | sed 's/^/upgrade /'
fi
:
""",
        root="better",
    ),
    Probe(
        "boot.kernel",
        "kernel messages of this boot: memory, disks, file systems, network cards",
        r"""
if have journalctl && [ -n "$(journalctl -k -b -n 1 -q --no-pager 2>/dev/null)" ]; then
  journalctl -k -b -n 4000 -q --no-pager -o short-unix 2>/dev/null
else
  dmesg 2>/dev/null | tail -n 4000
fi | grep -iE -e 'out of memory|oom-kill|killed process|I/O error|EXT4-fs error|XFS .*(error|corrupt|shut)|read-only' \
  -e 'blk_update_request|nf_conntrack: .*full|duplicate address|Link is Down|hung_task|blocked for more' \
  -e 'medium error|BTRFS.*(error|corrupt)|failed command: |nvme.*(timeout|controller is down|reset controller)' \
  -e 'offline device|JBD2: .*(error|abort)|mmc[0-9].*(error|timeout)|fork rejected by pids' |
  tail -n 60
:
""",
        5,
        16384,
        "better",
    ),
    Probe(
        "units.state",
        f"state of {len(UNITS)} units of every mode: not there, masked, failed, restarting",
        f"""
if ! have systemctl; then echo no-systemctl; exit 0; fi
echo "system $(systemctl is-system-running 2>/dev/null)"
systemctl show --no-pager -p {_PROPERTIES} {" ".join(f"{name}.service" for name in UNITS)}
""",
        6,
        24576,
    ),
    Probe(
        "units.failed",
        "every failed unit",
        r"""
have systemctl || { echo no-program; exit 0; }
systemctl list-units --state=failed --plain --no-legend --no-pager --all
""",
        5,
        4096,
    ),
    Probe(
        "units.errors",
        "last lines of units that failed, start again and again, or start for long; what sshd does not take",
        rf"""
have systemctl || {{ echo no-program; exit 0; }}
l=$(systemctl list-units --type=service,socket,mount,swap --state=failed,activating,deactivating,reloading \
  --plain --no-legend --no-pager --all 2>/dev/null | while read -r u _; do
  case $u in ''|*[!A-Za-z0-9@:_.\\-]*) ;; *) printf '%s ' "$u" ;; esac
done | cut -d ' ' -f 1-8)
if [ -n "${{l% }}" ]; then
  systemctl show --no-pager -p {_PROPERTIES} $l
  have journalctl && for u in $l; do
    journalctl -u "$u" -b -n 14 -q --no-pager -o short-unix 2>/dev/null | cut -c 1-420 |
      while read -r t; do printf 'log %s %s\n' "$u" "$t"; done
  done
fi
if [ "$R" = 1 ] && have sshd && [ -d /run/sshd ]; then
  t=$(sshd -t 2>&1) || printf '%s\n' "$t" | grep -vi 'deprecated option' | head -n 3 | cut -c 1-300 | sed 's/^/sshd /'
fi
:
""",
        6,
        40960,
        "better",
    ),
    Probe(
        "units.jobs",
        "jobs of systemd that wait: a start chain that hangs",
        r"have systemctl || { echo no-program; exit 0; }; systemctl list-jobs --no-legend --no-pager",
        5,
        4096,
    ),
    Probe(
        "units.processes",
        "which of the programs of an edge host run",
        r"""
for f in /proc/[0-9]*/comm; do
  { read -r c <$f; } 2>/dev/null || continue
  case $c in
    kubelet|containerd|k3s*|rke2*|etcd|kube-*|keepalived|stylus*|palette*) echo "$c" ;;
  esac
done | sort | uniq -c | head -n 40
for f in /proc/[0-9]*/stat; do
  { read -r c <$f; } 2>/dev/null || continue
  case $c in *') T '*) ;; *) continue ;; esac
  f=${f%/stat}
  u=$(sed -n 's,^[^/]*/.*/\([A-Za-z0-9@_.-]*\)\.service$,\1,p' $f/cgroup 2>/dev/null | head -n 1)
  [ -n "$u" ] && echo "frozen $u"
done | sort -u | head -n 20
""",
    ),
    Probe(
        "units.memory",
        "memory, swap, pressure, kills by the memory limit",
        r"""
grep -E '^(MemTotal|MemAvailable|MemFree|SwapTotal|SwapFree):' /proc/meminfo
sed -n '2,10p' /proc/swaps | sed 's/^/swap /'
[ -r /proc/pressure/memory ] && sed 's/^/pressure /' /proc/pressure/memory
for f in /sys/fs/cgroup/system.slice/*.service/memory.events \
  /sys/fs/cgroup/memory/system.slice/*.service/memory.oom_control; do
  [ -r "$f" ] || continue
  n=$(sed -n 's/^oom_kill //p' "$f"); [ "${n:-0}" != 0 ] && { u=${f%/memory.*}; echo "oom $n ${u##*/}"; }
done
have journalctl && journalctl -b -n 3000 -q --no-pager -o short-unix _PID=1 2>/dev/null |
  grep -iE 'oom[ -]kill|code=killed, status=9' | tail -n 8 | sed 's/^/oom-log /'
:
""",
        5,
    ),
    Probe(
        "units.limits",
        "limits of processes, threads and tracked connections, and how much of them is used",
        r"""
f=/proc/sys/kernel
{ read -r _ _ _ c _ </proc/loadavg && echo "threads ${c#*/}" $(cat $f/pid_max $f/threads-max); } 2>/dev/null
f=/proc/sys/net/netfilter/nf_conntrack
[ -r ${f}_count ] && echo "conntrack $(cat ${f}_count) $(cat ${f}_max)"
find /sys/fs/cgroup -maxdepth 8 -name pids.max 2>/dev/null | head -n 1000 | while read -r f; do
  n=${f%/pids.max} e=0
  { read -r m <"$f" && read -r c <"$n/pids.current"; } 2>/dev/null || continue
  case $m$c in *[!0-9]*|????????????????*) continue ;; esac
  { read -r _ e <"$n/pids.events"; } 2>/dev/null
  [ "$c" -ge $((m - m / 10)) ] || [ "${e:-0}" != 0 ] || continue
  echo "pids $c $m ${e:-0} ${n#/sys/fs/cgroup}"
done | head -n 20
:
""",
        4,
        4096,
    ),
    Probe(
        "time.clock",
        "the clock of the host",
        r"""
echo "epoch $(date -u +%s)"
up; echo "uptime $U"
[ -e /dev/rtc0 ] || [ -e /dev/rtc ] && echo "rtc yes" || echo "rtc no"
""",
    ),
    Probe(
        "time.sync",
        "time synchronization",
        r"""
if have timedatectl; then
  timedatectl show -p NTP -p NTPSynchronized -p CanNTP 2>/dev/null
  timedatectl show-timesync -p ServerName -p ServerAddress 2>/dev/null
fi
have chronyc && chronyc -n tracking 2>/dev/null | sed 's/^/chrony /'
grep -hE '^ *(NTP|FallbackNTP|server|pool) *=?' /etc/systemd/timesyncd.conf /etc/chrony/chrony.conf \
  /etc/chrony.conf 2>/dev/null | head -n 8 | sed 's/^/config /'
:
""",
        4,
    ),
)
