"""The host itself: who it is, how it booted, units, network, disks, time, logins."""

from __future__ import annotations

from edgewright.clients.ssh.bundle.entries import KB, MB, Entry, command, file, glob

ENTRIES: tuple[Entry, ...] = (
    command(
        "system/host.txt",
        "name, kernel, system, machine id, uptime, load",
        "hostname; uname -a; cat /etc/os-release /etc/kairos-release 2>/dev/null; cat /etc/machine-id; uptime; id",
    ),
    command("system/hardware.txt", "product, UUID, processors, memory", r"""
for f in sys_vendor product_name product_uuid board_serial bios_version; do
  [ -r /sys/class/dmi/id/$f ] && echo "$f $(cat /sys/class/dmi/id/$f 2>/dev/null)"
done
grep -E '^(model name|processor)' /proc/cpuinfo | sort | uniq -c | sort -rn | head -n 8
cat /proc/meminfo
lspci 2>/dev/null | head -n 200"""),
    command("system/processes.txt", "processes, without their environment", r"""
ps -eo pid,ppid,user,stat,pcpu,pmem,rss,etime,args 2>/dev/null || ps"""),
    command("system/limits.txt", "pressure, memory, limits of the kernel", r"""
for f in /proc/loadavg /proc/pressure/cpu /proc/pressure/memory /proc/pressure/io /proc/vmstat /proc/sys/fs/file-nr \
  /proc/sys/kernel/pid_max /proc/sys/fs/inotify/max_user_instances /proc/sys/net/netfilter/nf_conntrack_max \
  /proc/sys/net/netfilter/nf_conntrack_count; do
  [ -r $f ] && { echo "== $f"; cat $f; }
done"""),
    command("system/modules.txt", "modules of the kernel", "cat /proc/modules", size=64 * KB),
    command("boot/cmdline.txt", "kernel command line: slot, failed upgrade, Trusted Boot", "cat /proc/cmdline"),
    command("boot/slots.txt", "markers of the running slot, boot environment, images of the slots", r"""
for f in /run/cos/active_mode /run/cos/passive_mode /run/cos/recovery_mode /run/cos/live_mode /run/cos/uki_mode; do
  [ -e $f ] && echo "marker ${f##*/}"
done
[ -r /oem/grubenv ] && tr '#' '\n' </oem/grubenv | sed -n '/=/p'
ls -la /oem /run/initramfs/cos-state/cOS /system/oem 2>/dev/null
kairos-agent state 2>/dev/null"""),
    command("boot/dmesg.txt", "messages of the kernel", "dmesg -T 2>/dev/null || dmesg", size=MB),
    command("units/list.txt", "all units and timers", r"""
systemctl list-units --all --no-pager --full --plain; systemctl list-timers --all --no-pager"""),
    command("units/failed.txt", "state of the system and its failed units", r"""
systemctl is-system-running; systemctl --failed --no-pager --full; systemctl list-jobs --no-pager"""),
    command("units/boot.txt", "what the boot waited for", "systemd-analyze; systemd-analyze blame | head -n 60", 15),
    command("network/addresses.txt", "interfaces, addresses, routes, neighbours", r"""
ip -s address 2>/dev/null || ifconfig -a; ip -d link; ip rule; ip route show table all; ip neigh; ip -6 route"""),
    command("network/sockets.txt", "sockets that listen or are connected", r"""
ss -tanup 2>/dev/null || netstat -tan""", size=MB),
    command("network/dns.txt", "resolver, hosts file, proxy settings", r"""
cat /etc/resolv.conf /etc/hosts /etc/nsswitch.conf 2>/dev/null
resolvectl status --no-pager 2>/dev/null
grep -i proxy /etc/environment /etc/systemd/system.conf.d/* 2>/dev/null"""),
    command("network/firewall.txt", "rules of the packet filter", r"""
nft list ruleset 2>/dev/null || { iptables-save; ip6tables-save; }""", size=MB, root="needed"),
    command("network/statistics.txt", "counters of the network", "cat /proc/net/dev /proc/net/snmp /proc/net/netstat"),
    command("network/settings.txt", "settings of networkd and NetworkManager (without passwords)", r"""
networkctl --no-pager status -a 2>/dev/null
for f in /etc/systemd/network/*.network /etc/systemd/network/*.netdev /etc/netplan/*.yaml /etc/network/interfaces \
  /run/systemd/network/*; do
  [ -f "$f" ] && [ -r "$f" ] && { echo "== $f"; head -c 16384 "$f"; }
done
:"""),
    command("disk/space.txt", "space and inodes of file systems, mounts", "df -P; df -Pi; cat /proc/mounts", 15),
    command("disk/devices.txt", "disks, partitions, counters", r"""
lsblk -o NAME,SIZE,TYPE,FSTYPE,LABEL,MOUNTPOINT,RO,MODEL 2>/dev/null; cat /proc/partitions /proc/diskstats
blkid""", 15),
    command("disk/largest.txt", "largest directories", r"""
for d in /var/log /var/lib /usr/local /opt; do [ -d $d ] && du -xk $d 2>/dev/null; done |
  sort -rn | head -n 80""", 60),
    command("time/clock.txt", "clock, time zone, time service and its sources", r"""
date -u +%Y-%m-%dT%H:%M:%SZ; date; timedatectl --no-pager 2>/dev/null; timedatectl timesync-status --no-pager \
  2>/dev/null
chronyc -n tracking 2>/dev/null; chronyc -n sources 2>/dev/null
cat /etc/systemd/timesyncd.conf /etc/chrony/chrony.conf 2>/dev/null; hwclock 2>/dev/null"""),
    command("ssh/logins.txt", "who logged in, and what was done by sudo", r"""
who -a 2>/dev/null || who; last -n 60 -F 2>/dev/null || last | head -n 60
journalctl -t sudo -n 500 -q --no-pager -o short-iso 2>/dev/null || grep -h sudo: /var/log/auth.log | tail -n 500""",
            size=512 * KB),
    file("logs/syslog", "/var/log/syslog", "syslog"),
    file("logs/messages", "/var/log/messages", "syslog of BusyBox and others"),
    file("logs/kern.log", "/var/log/kern.log", "messages of the kernel"),
    file("logs/auth.log", "/var/log/auth.log", "logins"),
    file("logs/cloud-init.log", "/var/log/cloud-init.log", "cloud-init"),
    file("logs/cloud-init-output.log", "/var/log/cloud-init-output.log", "output of cloud-init"),
    glob("logs/kairos", "/var/log/kairos/*.log", "logs of Kairos", 20),
    glob("logs/coredumps", "/var/log/crash/*.log", "crashes", 5, 256 * KB),
)  # fmt: skip
