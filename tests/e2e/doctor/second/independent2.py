"""Second proof: faults of network, plane, storage and system by somebody who knows neither Doctor's rules nor the first proof.

Known were the titles of the symptoms. The right first causes stand here before the first run; `proof` shows each fault
without Doctor. Shops, factories and ships: what people, power and time do there.
"""

from __future__ import annotations

from tests.e2e.doctor.fault import (
    AGENT,
    NO_CMDLINE,
    NO_DROP_IN,
    UNIT,
    cmdline,
    drop_in,
    endpoint,
    fill,
    on_disk,
    unmount,
)
from tests.e2e.doctor.independent import (
    AGENT_SAYS,
    BACK,
    BACK_NETWORK,
    FORGET,
    FRONT,
    KAIROS,
    KEEP,
    KEEP_NETWORK,
    NETWORK,
    NO_FRONT,
    NO_RESOLV,
    PLANE,
    RESOLV,
    Case,
    certificate,
)

DATA = "/etc/edgewright/user-data"
REACHED = "timeout 3 bash -c '</dev/tcp/'{host}/{port}"
HELLO = "timeout 4 openssl s_client -connect $NET.2:8443 </dev/null 2>/dev/null | grep -q 'BEGIN CERTIFICATE'"
"""Ends with 0 when the plane shows its certificate."""
QUIET = "nft add table netdev case; nft 'add chain netdev case way {{ type filter hook ingress device \"host0\" priority 0; }}'; nft add rule netdev case way {rule}; "
FLUSH = "ip addr flush dev host0; "
NO_QUIET = f"nft delete table netdev case; {AGENT}; "
UNREACHED = ("plane-unreachable", "agent-silent")
PROXY = (
    f"cp -p {DATA} /run/case-data; printf '    network:\\n      httpsProxy: http://'$SECOND':3128\\n' >/run/case-proxy; "
    f"sed -i '/^  site:/r /run/case-proxy' {DATA}; {AGENT}; "
)
NO_PROXY = f"cp -p /run/case-data {DATA}; {AGENT}; "
ASKS_PASSWORD = (
    'printf \'import socket\\ns = socket.create_server(("", 3128))\\nwhile True:\\n    c = s.accept()[0]\\n    c.recv(999)\\n'
    '    c.sendall(b"HTTP/1.1 407 Proxy Authentication Required\\\\r\\\\nProxy-Authenticate: Basic realm=ship\\\\r\\\\nContent-Length: 0\\\\r\\\\n\\\\r\\\\n")\\n'
    "    c.close()\\n' >/opt/case/proxy.py; systemctl reset-failed case-proxy 2>/dev/null; "
    "systemd-run -q --unit=case-proxy /usr/bin/python3 /opt/case/proxy.py; "
)
BY_NAME = endpoint(f"{PLANE}:8443")
RESTORE = f"cp -p /run/case-unit {UNIT}; cp -p /run/case-data {DATA}; systemctl daemon-reload; {AGENT}; "
NETWORKS2 = (
    Case(
        "the cable was pulled",
        ("no-link",),
        proof="test $(cat /sys/class/net/host0/carrier) = 0",
        lab=("link", "down", "$NAME"),
        lab_undo=("link", "up", "$NAME"),
    ),
    Case(
        "the switch was replaced, and the port is in another VLAN",
        ("gateway-silent",),
        QUIET.format(rule="drop") + "ip neigh flush dev host0; ",
        f"test $(cat /sys/class/net/host0/carrier) = 1 && ! {REACHED.format(host='$NET.2', port=8443)}",
        NO_QUIET,
    ),
    Case(
        "the router was exchanged and has another address",
        ("gateway-silent",),
        f"{KEEP_NETWORK}sed -i 's/^Gateway=.*/Gateway='$NET.254/ {NETWORK}; {FLUSH}systemctl restart systemd-networkd; ",
        "ip route | grep -q \"default via $NET.254 \" && (timeout 2 bash -c '</dev/tcp/192.0.2.1/80'; ip neigh show $NET.254 | grep -qE 'FAILED|INCOMPLETE')",
        FLUSH + BACK_NETWORK,
    ),
    Case(
        "the host was set to DHCP, and the DHCP server was removed",
        ("no-address",),
        f"{KEEP_NETWORK}printf '[Match]\\nName=host0\\n[Network]\\nDHCP=yes\\nLinkLocalAddressing=no\\n' >{NETWORK}; {FLUSH}systemctl restart systemd-networkd; ",
        "! ip -4 -o addr show dev host0 | grep -q inet && networkctl list host0 --no-pager | grep -qE 'configuring|degraded'",
        BACK_NETWORK,
    ),
    Case(
        "a technician typed 29 for the length of the network's prefix",
        ("no-route", "gateway-silent", "plane-unreachable"),
        f"{KEEP_NETWORK}sed -i 's,^Address=.*,Address='$FIRST'/29,' {NETWORK}; {FLUSH}systemctl restart systemd-networkd; ",
        f"ip -o addr show dev host0 | grep -q '/29 ' && ! {REACHED.format(host='$NET.2', port=8443)}",
        FLUSH + BACK_NETWORK,
    ),
    Case(
        "a cloned machine came up with the same static address",
        ("duplicate-address",),
        other="ip addr add $SECOND/24 dev host0; ",
        other_proof='ip -o addr show dev host0 | grep -q " $SECOND/"',
        other_undo="ip addr del $SECOND/24 dev host0; ",
    ),
    Case(
        "the proxy was switched off",
        UNREACHED,
        PROXY,
        f"grep -q httpsProxy {DATA} && ! {REACHED.format(host='$SECOND', port=3128)} && {AGENT_SAYS} 'proxy|3128'",
        NO_PROXY,
    ),
    Case(
        "the proxy asks for a password now",
        UNREACHED,
        PROXY,
        f"grep -q httpsProxy {DATA} && {AGENT_SAYS} '407|proxy'",
        NO_PROXY,
        other=ASKS_PASSWORD,
        other_proof=REACHED.format(host="127.0.0.1", port=3128),
        other_undo="systemctl stop case-proxy; ",
    ),
    Case(
        "the company inspects TLS with a new CA",
        ("wrong-ca",),
        endpoint("$SECOND:8443"),
        f"timeout 4 openssl s_client -CAfile /etc/edgewright/ca.crt -connect $SECOND:8443 </dev/null 2>/dev/null | grep -q 'Verify return code: [1-9]' && {AGENT_SAYS} 'certificate|trust|verif'",
        RESTORE,
        prepare=certificate("IP:$SECOND", signed=False),
        other=FRONT.format(where="0.0.0.0", to="$NET.2"),
        other_proof=REACHED.format(host="127.0.0.1", port=8443),
        other_undo=NO_FRONT,
    ),
    Case(
        "a technician put the company's CA over the file of the plane's CA",
        ("wrong-ca",),
        f"{KEEP}openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 900 -keyout /dev/null -out /etc/edgewright/ca.crt -subj /CN=Reederei-Root; "
        f"sed -i '/caCerts/,$d' {DATA}; {FORGET}systemctl start --no-block edgewright-agent; ",
        f"openssl x509 -in /etc/edgewright/ca.crt -noout -subject | grep -q Reederei && {AGENT_SAYS} 'certificate|trust|verif'",
        BACK,
    ),
    Case(
        "the name server died, and its machine answers no more for it",
        ("dns-silent",),
        RESOLV.format(server="$SECOND") + BY_NAME,
        f"grep -q $SECOND /etc/resolv.conf && ! getent hosts {PLANE}",
        NO_RESOLV + RESTORE,
    ),
    Case(
        "/etc/resolv.conf is empty after a power cut, and the plane has a name",
        ("dns-missing",),
        ": >/etc/resolv.conf; " + BY_NAME,
        f"grep -q {PLANE} {UNIT} && test ! -s /etc/resolv.conf && ! getent hosts {PLANE}",
        NO_RESOLV + RESTORE,
    ),
    Case(
        "an old line in /etc/hosts sends the plane's name elsewhere",
        UNREACHED,
        f'cp -p /etc/hosts /run/case-hosts; echo "$NET.77 {PLANE}" >>/etc/hosts; ' + BY_NAME,
        f"getent hosts {PLANE} | grep -q '[.]77 ' && ! {REACHED.format(host=PLANE, port=8443)}",
        f"cat /run/case-hosts >/etc/hosts; {RESTORE}",
    ),
    Case(
        "a VPN swallows large packets",
        UNREACHED,
        QUIET.format(rule="meta length gt 700 drop") + AGENT + "; ",
        f"{REACHED.format(host='$NET.2', port=8443)} && ! {HELLO}",
        NO_QUIET,
    ),
    Case(
        "a technician switched on a firewall that lets only SSH out",
        (*UNREACHED, "firewall-closed"),
        "nft add table inet case; nft 'add chain inet case out { type filter hook output priority 0; policy drop; }'; nft add rule inet case out oif lo accept; "
        f"nft add rule inet case out meta l4proto icmp accept; nft add rule inet case out tcp sport 22 accept; {AGENT}; ",
        f"! {REACHED.format(host='$NET.2', port=8443)}",
        f"nft delete table inet case; {AGENT}; ",
    ),
)
STORAGE2 = (
    Case(
        "logs filled the disk of /var/log",
        ("disk-full",),
        on_disk("/var/log") + fill("/var/log"),
        "df --output=pcent /var/log | grep -q 100%",
        unmount("/var/log") + "systemctl restart systemd-journald; ",
    ),
    Case(
        "millions of small files of an application took all inodes",
        ("inodes-full",),
        "mkdir -p /var/lib/spool; "
        + on_disk("/var/lib/spool", make="-N 400")
        + "for n in $(seq 500); do : >/var/lib/spool/$n || break; done; ",
        "df --output=ipcent /var/lib/spool | grep -q 100%",
        unmount("/var/lib/spool") + "rm -rf /var/lib/spool; ",
    ),
    Case(
        "the disk of /usr/local is dying",
        ("io-errors", "read-only"),
        on_disk("/usr/local") + "dd if=/dev/urandom of=/usr/local/blob bs=1M count=20 2>/dev/null; sync; ",
        "test -e /usr/local/blob && ! dd if=/usr/local/blob of=/dev/null bs=64k iflag=direct",
        unmount("/usr/local"),
        machine='truncate -s 4M "$IMAGE"; ',
        machine_undo='truncate -s 48M "$IMAGE"; ',
    ),
    Case(
        "the file system of the agent's state came up read-only",
        ("read-only",),
        f"systemctl stop edgewright-agent; {on_disk('/var/lib/edgewright', '-o ro')}{AGENT}; ",
        "! touch /var/lib/edgewright/case",
        f"systemctl stop edgewright-agent; {unmount('/var/lib/edgewright')}systemctl reset-failed edgewright-agent; {AGENT}; ",
    ),
    Case(
        "a power cut left the user-data empty",
        ("user-data-broken", "agent-files"),
        f"{KEEP}: >{DATA}; systemctl start --no-block edgewright-agent; ",
        f"test -e {DATA} && test ! -s {DATA}",
        BACK,
    ),
    Case(
        "a power cut left token and CA of the agent empty",
        ("agent-files",),
        f"{KEEP}: >/etc/edgewright/ca.crt; : >/etc/edgewright/token; sed -i '/caCerts/,$d; /edgeHostToken/d' {DATA}; {FORGET}systemctl start --no-block edgewright-agent; ",
        "test ! -s /etc/edgewright/ca.crt && test ! -s /etc/edgewright/token",
        BACK,
    ),
    Case(
        "a clean-up removed the agent's program",
        ("agent-missing", "unit-failed", "unit-restarts"),
        f"mv /usr/local/lib/edgewright/edgewright-agent.pyz /usr/local/lib/edgewright-agent.kept; {AGENT}; ",
        "test ! -e /usr/local/lib/edgewright/edgewright-agent.pyz && ! systemctl is-active -q edgewright-agent",
        f"mv /usr/local/lib/edgewright-agent.kept /usr/local/lib/edgewright/edgewright-agent.pyz; systemctl reset-failed edgewright-agent; {AGENT}; ",
    ),
    Case(
        "the agent was stopped and disabled for work on the host, and forgotten",
        ("unit-stopped", "agent-silent"),
        "systemctl disable -q --now edgewright-agent; ",
        "! systemctl is-enabled -q edgewright-agent && ! systemctl is-active -q edgewright-agent",
        f"systemctl enable -q edgewright-agent; {AGENT}; ",
    ),
    Case(
        "the keys of sshd were removed with an image, and it does not start again",
        ("unit-failed", "unit-restarts", "unit-other-failed"),
        "mkdir -p /run/case-ssh; mv /etc/ssh/ssh_host_* /run/case-ssh/; systemctl restart ssh; ",
        "! systemctl is-active -q ssh",
        "mv /run/case-ssh/ssh_host_* /etc/ssh/; systemctl reset-failed ssh; systemctl restart ssh; ",
    ),
    Case(
        "the battery of the clock is empty",
        ("clock-wrong",),
        clock="-2500d",
        undo="true",
    ),
    Case(
        "a unit before the agent waits for ever",
        ("start-hangs",),
        drop_in("[Service]\\nExecStartPre=/bin/sleep 100000\\nTimeoutStartSec=infinity\\n") + "sleep 75; ",
        "systemctl show -P ActiveState edgewright-agent | grep -q activating && systemctl list-jobs --no-pager | grep -q edgewright-agent",
        "systemctl kill edgewright-agent; " + NO_DROP_IN,
    ),
    Case(
        "a new image did not start, and the host is back in its old slot",
        ("upgrade-failed", "booted-passive"),
        cmdline(KAIROS.format(label="COS_PASSIVE", image="passive", more="upgrade_failure")),
        "grep -q upgrade_failure /proc/cmdline",
        NO_CMDLINE,
    ),
    Case(
        "power went while content was copied: blobs without a byte",
        ("blobs-empty",),
        "mkdir -p /usr/local/spectrocloud/peerbundle/sha256; cd /usr/local/spectrocloud/peerbundle/sha256; echo one >$(echo one | sha256sum | cut -c1-64); "
        "for n in 1 2 3; do : >$(echo $n | sha256sum | cut -c1-64); done; ",
        "find /usr/local/spectrocloud/peerbundle/sha256 -size 0 | grep -q .",
        "rm -rf /usr/local/spectrocloud; ",
    ),
    Case(
        "a host cloned from another one's disk names itself as that one",
        ("duplicate-uid",),
        f'{KEEP}{FORGET}sed -i "s/name: .*-edge.*/name: $OTHER_UID/" {DATA}; systemctl start --no-block edgewright-agent; ',
        f"{AGENT_SAYS} 'duplicate|another host|other host|already|conflict'",
        BACK,
    ),
)
