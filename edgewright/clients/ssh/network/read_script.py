"""The script that reads all network settings of a host; it changes nothing, and needs a POSIX shell and BusyBox only.

Every line of a file begins with `|`, so nothing in a file can be taken for a line of the script. The files that a page
replaces in full come first: one that is not shown because there are so many counts as one that is not there.
"""

from __future__ import annotations

from edgewright.clients.ssh.network.places import HEAD, framed

MASKED = "[Pp]assw|[Ss]ecret|psk|wep-key|[Pp]rivate-?[Kk]ey|[Pp]reshared-?[Kk]ey|[Tt]oken|^ *(- )?(key|private|shared):"
"""Words of lines whose value stays on the host; a file with one of them is not changed here."""

_READ = r"""out() { printf '%s %s\n' "$1" "$2"; }
show() {
  [ -f "$1" ] && [ -r "$1" ] || return 0
  N=$((N + 1)); [ "$N" -le 60 ] || return 0
  printf 'file %s %s\n' "$(($(wc -c <"$1")))" "${1#"$R"}"
  dd bs=16384 count=1 <"$1" 2>/dev/null | $2 | sed 's/^/|/'
  printf '\n'
}
plain() { cat; }
safe() { sed -E '/@SECRET@/s/[=:[:space:]].*/=***/'; }
N=0
out uid "$(id -u)"
out name "$(uname -n)"
B=other
[ -d "$R/run/systemd/system" ] && B=systemd
[ $B = other ] && [ -d "$R/run/openrc" ] && B=openrc
out boot $B
[ -d "$R/oem" ] && out oem 1
p=$$ n=0
while [ -z "$R" ] && [ "$n" -lt 6 ] && [ "${p:-0}" -gt 1 ] 2>/dev/null; do
  c=$(tr '\0' '\n' <"/proc/$p/environ" 2>/dev/null | sed -n 's/^SSH_CONNECTION=//p')
  [ -n "$c" ] && { out ssh "$c"; break; }
  p=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$p/status" 2>/dev/null) n=$((n + 1))
done
for f in /proc/[0-9]*/comm; do
  n=; { read -r n <"$f"; } 2>/dev/null
  case $n in
    systemd-network*) out runs systemd-networkd ;;
    systemd-resolve*) out runs systemd-resolved ;;
    systemd-timesyn*) out runs systemd-timesyncd ;;
    NetworkManager|chronyd|ntpd|connmand|dhcpcd|dhclient|udhcpc|wickedd) out runs "$n" ;;
    kubelet|k3s|k3s-server|k3s-agent|rke2|rke2-server|kube-apiserver|etcd) out kube "$n" ;;
  esac
done | sort -u
for f in /etc/kubernetes/kubelet.conf /etc/kubernetes/manifests/kube-apiserver.yaml /etc/rancher/k3s/k3s.yaml \
  /etc/rancher/rke2/rke2.yaml /var/lib/rancher/k3s/agent /var/lib/rancher/rke2/agent /var/lib/kubelet/config.yaml; do
  [ -e "$R$f" ] && out kubefile "$f"
done
for d in "$R"/sys/class/net/*; do
  [ -e "$d/operstate" ] || continue
  k=virtual; [ -e "$d/device" ] && k=card; [ -d "$d/bridge" ] && k=bridge; [ -d "$d/bonding" ] && k=bond
  t=$(sed -n 's/^DEVTYPE=//p' "$d/uevent" 2>/dev/null)
  [ "$t" = vlan ] && k=vlan; [ "$t" = wlan ] && k=wlan; [ "${d##*/}" = lo ] && k=loopback
  l=-; [ $k = vlan ] && l=$(ls -d "$d"/lower_* 2>/dev/null | sed 's/.*lower_//;q')
  m=$(cat "$d/address" 2>/dev/null)
  out link "${d##*/} $(cat "$d/ifindex") $k $(cat "$d/operstate") $(cat "$d/mtu") ${m:--} ${l:--}"
done | head -n 80
if [ -z "$R" ]; then
  sed -n 's/^\([^ ]*\) *| *\([0-9]*\) *| *\([^ ]*\)$/vlan \1 \2 \3/p' /proc/net/vlan/config 2>/dev/null | head -n 60
  ip -o addr show 2>/dev/null | sed -nE 's/^[0-9]+: +([^ ]+) +(inet6?) ([^ ]+) (.*)/addr \1 \3 \4/p' | head -n 120
  ip route show 2>/dev/null | sed -n 's/^default /route /p' | head -n 20
fi
for f in /etc/hostname /etc/hosts /etc/environment /etc/resolv.conf /etc/systemd/resolved.conf \
  /etc/systemd/timesyncd.conf /etc/chrony/chrony.conf /etc/chrony.conf /etc/ntp.conf /oem/99_site_network.yaml; do
  [ -h "$R$f" ] && out points "$f $(readlink "$R$f")"
  show "$R$f" plain
done
for f in "$R"/run/systemd/netif/links/*; do
  [ -f "$f" ] || continue
  sed -nE "s/^(ADMIN_STATE|NETWORK_FILE|DNS|NTP|DOMAINS)=/netif ${f##*/} \1 /p" "$f"
  g=$(sed -n 's/^NETWORK_FILE=//p' "$f")
  case $g in /usr/lib/*|/lib/*) show "$R$g" plain ;; esac
done
for f in "$R"/etc/systemd/network/*.network "$R"/etc/systemd/network/*.d/*.conf \
  "$R"/run/systemd/network/*.network "$R"/run/systemd/network/*.d/*.conf; do show "$f" plain; done
for f in "$R"/etc/systemd/network/*.netdev "$R"/etc/netplan/*.yaml \
  "$R"/etc/network/interfaces "$R"/etc/network/interfaces.d/* \
  "$R"/etc/NetworkManager/system-connections/* "$R"/run/NetworkManager/system-connections/*; do show "$f" safe; done
for f in "$R"/etc/systemd/resolved.conf.d/*.conf "$R"/etc/systemd/timesyncd.conf.d/*.conf \
  "$R"/etc/chrony/sources.d/*.sources "$R"/etc/systemd/system.conf.d/95-site-proxy.conf; do show "$f" plain; done
[ -d "$R/etc/chrony/sources.d" ] && out chronydir 1
for f in "$R"/oem/*.yaml "$R"/oem/*.yml "$R"/usr/local/cloud-config/*.yaml; do
  [ -f "$f" ] || continue
  [ "${f#"$R"}" = /oem/99_site_network.yaml ] && continue
  grep -qE '^ *(- )?("?hostname"?|"?hostName"?):' "$f" 2>/dev/null && out sets "name ${f#"$R"}"
  grep -qE 'systemd/network|^ *interfaces:' "$f" 2>/dev/null && out sets "adapters ${f#"$R"}"
  grep -qE '^ *(dns|nameserver):|resolved' "$f" 2>/dev/null && out sets "dns ${f#"$R"}"
  grep -qE 'timesyncd|ntpServers:' "$f" 2>/dev/null && out sets "ntp ${f#"$R"}"
  grep -qE 'httpProxy:|httpsProxy:|HTTPS?_PROXY' "$f" 2>/dev/null && out sets "proxy ${f#"$R"}"
done
if command -v nmcli >/dev/null 2>&1 && [ -z "$R" ]; then
  nmcli -t -f DEVICE,STATE,CONNECTION device 2>/dev/null | sed 's/^/nm /' | head -n 40
fi
state
out end 1
"""


def read_script(root: str = "") -> bytes:
    """Return the script. `root` is put before each path (a folder in tests)."""
    return framed(HEAD + _READ.replace("@SECRET@", MASKED), root)
