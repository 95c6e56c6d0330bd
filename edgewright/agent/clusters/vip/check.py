"""The check of the VIP: a shell script that needs neither Python nor the agent (cluster design, section 3).

It asks with openssl, which every host of a cluster has, and ends within 5 s.
"""

from __future__ import annotations

from edgewright.agent.clusters import paths
from edgewright.core.clusters.model import ClusterDocument, Member

PROGRAM = paths.STATE + "/vip-check"
"""On the disk: /run may not allow programs."""
PEERS = paths.KEEPALIVED + "/peers"
"""The addresses of the other control planes, separated by blanks."""
SECONDS = 7
"""After which keepalived ends it."""
SCRIPT = """\
#!/bin/sh
# Made by Edgewright: may this host have the VIP? Exit status 0: yes. keepalived runs it every 2 s.
# $1 is the folder with `peers`, the addresses of the other control planes. No: (a) the API server of this host is dead:
# /livez without etcd fails; or (b) it is isolated: /livez, with etcd, fails for 11 s, and fewer than a majority of the
# control planes, itself counted, answer on the port of etcd's peers. keepalived gives the VIP up after three checks
# that fail, 15 s to 20 s after the begin. A slow disk, or a lost quorum with reachable peers, leaves it where it is.
folder=$1 pki=${2:-/etc/kubernetes/pki} api=${3:-127.0.0.1:6443} port=${4:-2380}
since=$folder/etcd-unhealthy-since
identity=
[ ! -r $pki/apiserver-kubelet-client.key ] ||
  identity="-cert $pki/apiserver-kubelet-client.crt -key $pki/apiserver-kubelet-client.key"

# Both questions in one connection; the answer of the second one may take longer than is waited for. The certificate of
# the server is not verified: it is this host's own port, and nothing secret is sent. An API server that refuses the
# question (401, 403: a certificate that has expired) is alive; it puts Audit-Id into each answer. What refuses without
# it is something in front of an API server that may be dead, as the supervisor of k3s. Once etcd was not healthy, the
# others are asked at the same time: each may take 3 s, for on a busy host even a start of openssl takes long. An etcd
# that hangs takes a connection and never answers: openssl reports the begin of TLS at once, all else only at its end.
read -r peers <"$folder/peers" || [ -n "$peers" ] || peers=
first='GET /livez?exclude=etcd HTTP/1.1\\r\\nHost: localhost' second='GET /livez HTTP/1.0'
seen=$(
  printf "$first\\r\\n\\r\\n$second\\r\\n\\r\\n" |
    timeout 3 openssl s_client -quiet -connect "$api" $identity 2>/dev/null |
    sed -n 's|.*HTTP/1\\.[01] \\([0-9]*\\).*|api \\1|p; s|^[Aa]udit-[Ii][Dd]:.*|api audited|p' &
  [ ! -e "$since" ] || for peer in $peers; do
    case $peer in *:*) peer="[$peer]" ;; esac
    timeout 3 openssl s_client -state -connect "$peer:$port" </dev/null 2>&1 | grep -m 1 -o '^SSL_connect' &
  done
  wait
)
set -- $(echo "$seen" | sed -n 's|^api ||p')
alive=$1 etcd=$2
[ "$2" != audited ] || alive=$1-audited etcd=$3
[ "$2" != audited ] || shift
[ "$3" != audited ] || etcd=$2-audited
case $alive in
  200 | 200-audited | 401-audited | 403-audited) ;;
  *) exit 1 ;;
esac
case $etcd in
  200 | 200-audited | 401-audited | 403-audited)
    rm -f "$since"
    exit 0
    ;;
esac
read -r now _ </proc/uptime
now=${now%%.*}
if ! read -r begun 2>/dev/null <"$since"; then
  echo "$now" >"$since"
  exit 0
fi
[ $((now - begun)) -ge 11 ] && [ -n "$peers" ] || exit 0
all=1
for peer in $peers; do
  all=$((all + 1))
done
reached=$(echo "$seen" | grep -c '^SSL_connect')
[ $((2 * (reached + 1))) -gt $all ]
"""


def peers(document: ClusterDocument, member: Member) -> str:
    """Return the file with the other control planes."""
    others = [peer.address for peer in document.control_planes if peer.host_uid != member.host_uid]
    return " ".join(others) + "\n"
