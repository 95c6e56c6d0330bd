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

_DISKS = r"""
o='' v=' '
while read -r b m t _; do
  case $t in ext*|xfs|btrfs|f2fs|vfat|zfs|jfs|ubifs) ;; tmpfs) b=$m ;; *) continue ;; esac
  case $v in *" $b "*) continue ;; esac
  case $m in /dev*|/sys*|/proc*|/run*|/var/lib/kubelet/*|*/shm) continue ;; esac
  case $m in *[!A-Za-z0-9/._-]*) continue ;; esac
  o="$o $m" v="$v$b "
done </proc/mounts
"""
"""`$o`: where each disk is mounted, once."""
PROBES: tuple[Probe, ...] = (
    Probe(
        "identity.host",
        "name, kernel, system, machine id, product UUID, container or not",
        r"""
echo "hostname $(hostname 2>/dev/null || cat /proc/sys/kernel/hostname)"
echo "user $(id -un 2>/dev/null)"
echo "kernel $(uname -sr)"
echo "arch $(uname -m)"
for f in /etc/kairos-release /etc/os-release; do
  [ -r $f ] && sed -n 's/^\(PRETTY_NAME\|KAIROS_VERSION\|ID\|VERSION_ID\)=/os \1 /p' $f
done
[ -r /etc/machine-id ] && echo "machine-id $(head -n 1 /etc/machine-id)"
[ -r /sys/class/dmi/id/product_uuid ] && echo "product-uuid $(cat /sys/class/dmi/id/product_uuid 2>/dev/null)"
read -r c </proc/1/comm && echo "init $c"
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
        "boot environment and markers of the running slot",
        r"""
for f in /run/cos/active_mode /run/cos/passive_mode /run/cos/recovery_mode /run/cos/live_mode /run/cos/uki_mode; do
  [ -e $f ] && echo "marker ${f##*/}"
done
if [ -r /oem/grubenv ]; then
  tr '#' '\n' </oem/grubenv | sed -n 's/^\([a-z_]*=.*\)$/env \1/p' | head -n 40
fi
[ -s /var/log/stylus-upgrade.log ] && tail -n 5 /var/log/stylus-upgrade.log | sed 's/^/upgrade /'
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
  -e 'offline device|JBD2: .*(error|abort)|mmc[0-9].*(error|timeout)' |
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
    Probe(
        "disk.space",
        "space of the file systems that a host needs, and of every other disk",
        _DISKS
        + r"""
for d in / /boot /boot/efi /efi /oem /usr/local /opt /var /var/log /var/lib /var/lib/edgewright \
  /var/lib/containerd /var/lib/kubelet /var/lib/etcd /var/lib/rancher /opt/edgewright /opt/spectrocloud /run \
  /tmp /var/tmp /etc $(printf '%s\n' $o | head -n 40); do
  [ -d $d ] && df -kP $d 2>/dev/null | sed -n '2s,$, '$d',p'
done
:
""",
        6,
    ),
    Probe(
        "disk.inodes",
        "inodes of the same file systems",
        _DISKS
        + r"""
for d in / /oem /usr/local /opt /var /var/log /var/lib/edgewright /var/lib/containerd /var/lib/kubelet \
  /var/lib/etcd /var/lib/rancher /run /tmp $(printf '%s\n' $o | head -n 40); do
  [ -d $d ] && df -iP $d 2>/dev/null | sed -n '2s,$, '$d',p'
done
:
""",
        6,
    ),
    Probe(
        "disk.mounts",
        "mounts, and which folders take no writes",
        r"""
while read -r d m t o _; do
  case $t in
    proc|sysfs|devpts|cgroup*|mqueue|*debugfs|tracefs|securityfs|pstore|bpf|configfs|fusectl|autofs|huge*) continue ;;
  esac
  case ,$o, in *,emergency_ro,*) o=ro ;; esac
  echo "mount $m $t ${o%%,*}"
done </proc/mounts | head -n 120
e=$(sed -n 's/^[^ ]* \([^ ]*\) [^ ]* [^ ]*emergency_ro.*/ \1 /p' /proc/mounts | tr -d '\n')
for d in /etc /oem /usr/local /opt /var /var/log /var/lib /var/tmp /tmp /run /var/lib/edgewright \
  /var/lib/containerd /var/lib/kubelet /var/lib/etcd /var/lib/rancher /etc/kubernetes /opt/spectrocloud; do
  [ -d $d ] || continue
  if [ -w $d ] && ! { [ -n "$e" ] && p=$(df -P $d 2>/dev/null | sed -n '2s/.* //p') && [ "${e#* $p }" != "$e" ]; }; then
    echo "writes $d"
  else echo "no-writes $d"; fi
done
[ -d /var/tmp ] && echo "var-tmp $(ls -ld /var/tmp)"
[ -d /tmp ] && echo "tmp $(ls -ld /tmp)"
[ -r /etc/fstab ] && head -n 80 /etc/fstab | while read -r b m t o _; do
  case $b in '#'*|'') continue ;; esac
  case $m in /) ;; /*) m=${m%/} ;; *) continue ;; esac
  case $m$t in *[!A-Za-z0-9/._-]*) continue ;; esac
  s=missing w=rw
  grep -q " $m [^ ]* r[ow]" /proc/mounts && s=mounted
  case ,$o, in *,noauto,*|*,x-systemd.automount,*) continue ;; *,ro,*) w=ro ;; esac
  case ,$o, in *,nofail,*) s=$s-nofail ;; esac
  echo "fstab $m $t $s $w"
done
have dmsetup && dmsetup table --target crypt 2>/dev/null | while read -r d t; do
  case $t in *' crypt '*allow_discards*) ;; *' crypt '*) echo "no-discards ${d%:}" ;; esac
done
:
""",
        4,
        12288,
        "better",
    ),
    Probe(
        "disk.reads",
        "whether each disk can be read: a few blocks of it and of its files; what its file system has counted",
        r"""
r() {
  q=$(dd of=/dev/null count=1 iflag=direct "$@" 2>&1) && return
  case $q in *nput/output*|*cleaning*|*'I/O error'*) ;; *) q=$(dd of=/dev/null count=1 "$@" 2>&1) ;; esac
  case $q in *nput/output*|*cleaning*|*'I/O error'*) e=$(printf '%s\n' "$q" | head -n 1) ;; esac
}
seen=''
n=0
while read -r _ _ v _ m z; do
  z=${z#*- }; t=${z%% *}; b=${z#* }; b=${b%% *}
  case $t in ext*|xfs|btrfs|f2fs|vfat|jfs) ;; *) continue ;; esac
  case $m$b in /run/host/*|*[!A-Za-z0-9/._:-]*) continue ;; esac
  k=$(readlink "/sys/dev/block/$v" 2>/dev/null); k=${k##*/}
  case " $seen " in *" $v "*) continue ;; esac
  seen="$seen $v" n=$((n + 1)); [ $n -le 12 ] || break
  echo "disk ${k:--} $m $b"
  e=$(cat "/sys/fs/ext4/$k/errors_count" 2>/dev/null)
  [ "${e:-0}" != 0 ] && echo "counted $k $m $e $(cat "/sys/fs/ext4/$k/last_error_time" 2>/dev/null)"
  s=$(cat "/sys/dev/block/$v/size" 2>/dev/null)
  e=$(ls "$m" 2>&1 >/dev/null | grep -E 'nput/output|cleaning|I/O error' | head -n 1)
  if [ -b "$b" ] && [ "${s:-0}" -gt 64 ]; then
    for f in 0 $((s / 32)) $((s / 16)) $((s * 3 / 32)) $((s / 8 - 2)); do
      [ -n "$e" ] || r if="$b" bs=4096 skip=$f
    done
  fi
  for f in $(find "$m" -xdev -type f -size +15k 2>/dev/null | head -n 6); do
    case $f in *[!A-Za-z0-9/._-]*) continue ;; esac
    [ -n "$e" ] || r if="$f" bs=65536
  done
  [ -n "$e" ] && echo "fails $m $e"
done </proc/self/mountinfo
:
""",
        6,
        4096,
        "needed",
    ),
    Probe(
        "disk.usage",
        "what uses the space, where a file system is nearly full",
        r"""
full=0
for d in / /usr/local /opt /var /var/log /var/lib /oem; do
  [ -d $d ] || continue
  set -- $(df -kP $d 2>/dev/null | sed -n 2p)
  p=${5%\%}; case $p in ''|*[!0-9]*) continue ;; esac
  [ "$p" -ge 85 ] && full=1
done
[ $full = 1 ] || { echo "not-full"; exit 0; }
for d in /var/log/journal /var/log/pods /var/log /var/lib/containerd /var/lib/edgewright/containerd \
  /var/lib/edgewright/content /var/lib/edgewright /var/lib/docker /var/lib/rancher /var/lib/etcd \
  /var/lib/kubelet /var/crash /var/cache /var/tmp /tmp /opt/spectrocloud /usr/local/spectrocloud/peerbundle \
  /root /home; do
  [ -d $d ] && du -xsk $d 2>/dev/null
done | sort -rn | head -n 12
""",
        10,
        4096,
        "better",
    ),
)
