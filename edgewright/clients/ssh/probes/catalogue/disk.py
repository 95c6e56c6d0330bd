"""The disks of the host: space, inodes, mounts, what cannot be read, what uses the space."""

from __future__ import annotations

from edgewright.clients.ssh.probes.probe import Probe

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
seen='' a=' ' x=' '
n=0
while read -r _ p t _; do
  a="$a$p "
  case $t in nfs*|cifs|smb*|fuse*|9p|ceph|glusterfs|afs|autofs) x="$x$p " ;; esac
done </proc/mounts
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
  set --
  for f in "${m%/}"/*; do
    case $a in *" $f "*) continue ;; esac
    case $x in *" $f/"*) continue ;; esac
    [ $# -lt 300 ] && set -- "$@" "$f"
  done
  for f in $([ $# -gt 0 ] && within 1 find "$@" -xdev -maxdepth 7 -type f -size +15k | head -n 6); do
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
a=-s
du -ad 1 /dev/null >/dev/null 2>&1 && a='-ad 1'
{
for d in /var/log/journal /var/lib/containerd /var/lib/edgewright/containerd /var/lib/edgewright/content \
  /var/lib/edgewright /var/lib/docker /var/lib/rancher /var/lib/etcd /var/lib/kubelet \
  /usr/local/spectrocloud/peerbundle; do
  [ -d $d ] && du -xsk $d
done
for d in /var/log/pods /var/log /var/crash /var/cache /var/tmp /tmp /opt/spectrocloud /root /home; do
  [ -d $d ] && du -xk $a $d
done
} 2>/dev/null | sort -rn | uniq | head -n 24
""",
        10,
        4096,
        "better",
    ),
)
