"""Third proof: faults of network and plane by somebody who knows only the titles of Doctor's symptoms.

The right first causes stand here before the first run; `proof` shows each fault without Doctor. Each fault comes about
differently from those of the first and the second proof.
"""

from __future__ import annotations

from tests.e2e.doctor.fault import AGENT, NO_ENDPOINT, endpoint
from tests.e2e.doctor.independent import (
    AGENT_SAYS,
    BACK,
    BACK_NETWORK,
    FORGET,
    FRONT,
    KEEP,
    KEEP_NETWORK,
    NAMES,
    NETWORK,
    NO_FRONT,
    NO_NAMES,
    NO_RESOLV,
    PLANE,
    RESOLV,
    Case,
    certificate,
)

DATA = "/etc/edgewright/user-data"
UNREACHED = ("plane-unreachable", "agent-silent")
FAR = endpoint("192.0.2.10:8443")
"""A plane beyond the gateway (an address of documentation)."""
BY_NAME = endpoint(f"{PLANE}:8443")
RIGHT_NAMES = "N=${SECOND%.*}; " + NAMES.format(records=f"{PLANE} '$N'.2\\nshop.example.net '$N'.9\\n")
REFUSE = "! timeout 4 bash -c '</dev/tcp/'{host}/{port}"
TAKES = "timeout 4 bash -c '</dev/tcp/'$NET.2/8443"
HELLO = "timeout 5 openssl s_client -connect $NET.2:8443 </dev/null 2>/dev/null | grep -q 'BEGIN CERTIFICATE'"
FLUSH = "ip address flush dev host0; "
ON_HUB = "nsenter --net=/run/netns/$LAB-hub nft "
CLOSE_HUB = f"{ON_HUB}delete table inet case; "
SETTINGS_BACK = FLUSH + BACK_NETWORK


def veth(name: str, address: str) -> str:
    """Return what makes a card that has a link, with nobody behind it."""
    return (
        f"ip link add {name} type veth peer name {name}p; ip link set {name}p up; ip link set {name} up; "
        f"ip address add {address} dev {name}; "
    )


def at_hub(hook: str, rule: str) -> str:
    """Return what puts a rule into the firewall of the plane's machine."""
    return (
        f"{ON_HUB}add table inet case; {ON_HUB}'add chain inet case way {{ type filter hook {hook} priority 0; }}'; "
        f"{ON_HUB}'add rule inet case way {rule}'; "
    )


TOKEN = """python3 - <<'END'
import json, os, ssl, time, urllib.request
from datetime import datetime, timedelta, timezone
def ask(path, body=None):
    headers = {'ApiKey': open(os.environ['HUB'] + '/admin-api-key').read().strip(), 'Content-Type': 'application/json'}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request('https://' + os.environ['NET'] + '.2:8443' + path, data, headers)
    context = ssl.create_default_context(cafile=os.environ['HUB'] + '/ca.crt')
    return json.load(urllib.request.urlopen(request, timeout=10, context=context))
project = ask('/v1/dashboard/projects/metadata')['items'][0]['metadata']['uid']
end = (datetime.now(timezone.utc) + timedelta(seconds=4)).strftime('%Y-%m-%dT%H:%M:%S.000Z')
made = ask('/v1/edgehosts/tokens', {'metadata': {'name': 'case-%d' % time.time()}, 'spec': {'expiry': end, 'defaultProjectUid': project}})
token = ask('/v1/edgehosts/tokens/' + made['uid'])['spec']['token']
open(os.environ['ROOT'] + '/run/case-token', 'w').write(token)
time.sleep(5)
END
"""
"""Makes a token that is valid for four seconds, and waits until it is no longer."""
PORTAL = (
    "sed 's/known = names.get.*/known = names[\"portal\"]/' /opt/case/dns.py >/opt/case/portal.py; "
    'echo "portal $FIRST" >/opt/case/names; systemctl reset-failed case-dns 2>/dev/null; '
    "systemd-run -q --unit=case-dns /usr/bin/python3 /opt/case/portal.py /opt/case/names; "
)
SERVFAIL = (
    "sed 's/x83/x82/' /opt/case/dns.py >/opt/case/failing.py; echo 'nothing.example.net 10.0.0.1' >/opt/case/names; "
    "systemctl reset-failed case-dns 2>/dev/null; systemd-run -q --unit=case-dns /usr/bin/python3 /opt/case/failing.py /opt/case/names; "
)
DHCP_WITHOUT_ROUTER = (
    f"{KEEP_NETWORK}printf '\\n[Network]\\nDHCPServer=yes\\n[DHCPServer]\\nPoolOffset=100\\nPoolSize=20\\nEmitRouter=no\\nEmitDNS=no\\n' >>{NETWORK}; "
    "systemctl restart systemd-networkd; "
)
NETWORKS3 = (
    Case(
        "the settings of the network are for a card of another name",
        ("no-address",),
        f"{KEEP_NETWORK}sed -i s/^Name=host0/Name=eth0/ {NETWORK}; {FLUSH}systemctl restart systemd-networkd; ",
        "! ip -4 -o address show dev host0 | grep -q inet && networkctl list host0 --no-pager | grep -qE 'unmanaged|configuring'",
        SETTINGS_BACK,
    ),
    Case(
        "the DHCP server of a new router names no gateway",
        ("no-route",),
        f"{KEEP_NETWORK}printf '[Match]\\nName=host0\\n[Network]\\nDHCP=ipv4\\nLinkLocalAddressing=no\\n' >{NETWORK}; {FLUSH}systemctl restart systemd-networkd; {FAR}",
        'ip -4 -o address show dev host0 | grep -q dynamic && test -z "$(ip route show default)"',
        NO_ENDPOINT + SETTINGS_BACK,
        other=DHCP_WITHOUT_ROUTER,
        other_undo=f"cp -p /run/case-network {NETWORK}; systemctl restart systemd-networkd; ",
    ),
    Case(
        "a modem without reception has the better default route",
        ("gateway-silent",),
        f"{KEEP_NETWORK}sed -i 's/^Gateway=.*/[Route]\\nGateway='$NET'.1\\nMetric=1024/' {NETWORK}; ip route del default; systemctl restart systemd-networkd; sleep 1; "
        + veth("wwan0", "10.64.64.2/30")
        + f"ip route add default via 10.64.64.1 dev wwan0 metric 50; {FAR}",
        "ip route get 192.0.2.10 | grep -q wwan0 && ip route show default | grep -q host0 && "
        + REFUSE.format(host="192.0.2.10", port=8443),
        NO_ENDPOINT + "ip link del wwan0; ip route del default; " + BACK_NETWORK,
    ),
    Case(
        "a route of an old VPN leads to the plane's address",
        UNREACHED,
        veth("tun0", "10.8.0.2/24") + f"ip route add $NET.2/32 via 10.8.0.1 dev tun0; {AGENT}; ",
        "ip route get $NET.2 | grep -q tun0 && " + REFUSE.format(host="$NET.2", port=8443),
        f"ip link del tun0; {AGENT}; ",
    ),
    Case(
        "the name server has lost its own line: SERVFAIL for each name",
        ("dns-silent", "name-unknown"),
        RESOLV.format(server="$SECOND") + BY_NAME,
        f"! timeout 5 getent hosts {PLANE} && ! timeout 5 getent hosts shop.example.net",
        NO_RESOLV + NO_ENDPOINT,
        other=SERVFAIL,
        other_undo=NO_NAMES,
    ),
    Case(
        "a list of hardening settings took dns out of nsswitch.conf",
        ("name-unknown",),
        RESOLV.format(server="$SECOND")
        + "cp -p /etc/nsswitch.conf /run/case-switch; sed -i 's/^hosts:.*/hosts:          files/' /etc/nsswitch.conf; "
        + BY_NAME,
        f"! timeout 5 getent hosts {PLANE} && ! grep -q '^hosts:.*dns' /etc/nsswitch.conf",
        "cp -p /run/case-switch /etc/nsswitch.conf; " + NO_RESOLV + NO_ENDPOINT,
        other=RIGHT_NAMES,
        other_undo=NO_NAMES,
    ),
    Case(
        "the plane's name has a typing error in the settings of the host",
        ("name-unknown",),
        RESOLV.format(server="$SECOND") + endpoint("plane.exmaple.net:8443"),
        f"timeout 5 getent hosts {PLANE} && ! timeout 5 getent hosts plane.exmaple.net",
        NO_RESOLV + NO_ENDPOINT,
        other=RIGHT_NAMES,
        other_undo=NO_NAMES,
    ),
    Case(
        "the host is in the guests' network: all names lead to a portal",
        ("wrong-ca", "wrong-name"),
        RESOLV.format(server="$SECOND") + BY_NAME,
        f"timeout 5 getent hosts {PLANE} | grep -q $SECOND && timeout 5 getent hosts example.org | grep -q $SECOND && {AGENT_SAYS}'certificate|trust|CA '",
        NO_RESOLV + NO_ENDPOINT,
        prepare=certificate("DNS:portal.hotel.example", signed=False),
        other=PORTAL + FRONT.format(where="0.0.0.0", to="page"),
        other_undo=NO_NAMES + NO_FRONT,
    ),
    Case(
        "port 443 was typed for 8443",
        UNREACHED,
        endpoint("$NET.2:443"),
        REFUSE.format(host="$NET.2", port=443) + f" && {TAKES}",
        NO_ENDPOINT,
    ),
    Case(
        "the plane's service is stopped, its machine answers with resets",
        UNREACHED,
        f"{AGENT}; ",
        f"! {TAKES} && ping -c 1 -W 2 $NET.2 || ! {TAKES}",
        prepare=at_hub("input", "tcp dport 8443 reject with tcp reset"),
        machine_undo=CLOSE_HUB,
    ),
    Case(
        "the plane hangs: it takes connections and never answers",
        UNREACHED,
        f"{AGENT}; ",
        f"{TAKES} && ! {HELLO} && {AGENT_SAYS}'not answer|not reach|timed out|no answer'",
        lab=("freeze", "hub"),
        lab_undo=("thaw", "hub"),
        patience=60,
    ),
    Case(
        "a new tunnel on the way takes only small packets",
        UNREACHED,
        f"{AGENT}; ",
        f"{TAKES} && ! {HELLO} && {AGENT_SAYS}'not answer|not reach|timed out|no answer'",
        prepare=at_hub("output", "ip daddr '$FIRST' meta length gt 500 drop"),
        machine_undo=CLOSE_HUB,
        patience=60,
    ),
    Case(
        "the plane's answers take another way and get lost",
        UNREACHED,
        f"{AGENT}; ",
        f"! {TAKES} && {AGENT_SAYS}'not answer|not reach|timed out|no answer|no route'",
        lab=("oneway", "hub", "$NAME"),
        lab_undo=("clear",),
        patience=60,
    ),
    Case(
        "a laptop was given the host's address",
        ("duplicate-address",),
        other="ip link add link host0 name laptop type macvlan mode bridge; ip address add $SECOND/24 dev laptop; ip link set laptop up; ",
        other_proof='ip -o address show dev laptop | grep -q " $SECOND/"',
        other_undo="ip link del laptop; ",
    ),
    Case(
        "the plane's new certificate begins the day after tomorrow",
        ("plane-certificate",),
        endpoint("$SECOND:8443"),
        f"{AGENT_SAYS}'not yet valid|not valid yet'",
        NO_ENDPOINT,
        prepare=certificate("IP:$SECOND", shift="+2d"),
        other=FRONT.format(where="0.0.0.0", to="$NET.2"),
        other_undo=NO_FRONT,
    ),
    Case(
        "the plane is called by its address, and its new certificate has only its name",
        ("wrong-name",),
        endpoint("$SECOND:8443"),
        f"{AGENT_SAYS}'certificate|name'",
        NO_ENDPOINT,
        prepare=certificate(f"DNS:{PLANE}"),
        other=FRONT.format(where="0.0.0.0", to="$NET.2"),
        other_undo=NO_FRONT,
    ),
    Case(
        "the proxy's name is not known in this network",
        (*UNREACHED, "name-unknown"),
        RESOLV.format(server="$SECOND")
        + f"{KEEP}printf '    network:\\n      httpsProxy: http://proxy.shop.example:3128\\n' >>{DATA}; systemctl start --no-block edgewright-agent; ",
        f"timeout 5 getent hosts {PLANE} && ! timeout 5 getent hosts proxy.shop.example && {AGENT_SAYS}'proxy'",
        NO_RESOLV + BACK,
        other=RIGHT_NAMES,
        other_undo=NO_NAMES,
    ),
    Case(
        "a simple firewall forgot the answers to what the host asks",
        (*UNREACHED, "firewall-closed"),
        "nft add table inet case; nft 'add chain inet case in { type filter hook input priority 0; policy drop; }'; nft add rule inet case in iif lo accept; "
        f"nft add rule inet case in tcp dport 22 accept; nft add rule inet case in meta l4proto icmp accept; {AGENT}; ",
        f"! {TAKES}",
        f"nft delete table inet case; {AGENT}; ",
    ),
)
TRUST3 = (
    Case(
        "the registration token has expired before the host was installed",
        ("token-refused",),
        f'{KEEP}{FORGET}t=$(cat /run/case-token); sed -i "s/edgeHostToken: .*/edgeHostToken: $t/; s/name: ew-/name: new-/" {DATA}; '
        "echo $t >/etc/edgewright/token; systemctl start --no-block edgewright-agent; ",
        f"{AGENT_SAYS}'token'",
        BACK,
        prepare=TOKEN,
    ),
    Case(
        "the disk was replaced: the host is installed again, its old record is still on the plane",
        ("duplicate-uid",),
        f"{KEEP}{FORGET}systemctl start --no-block edgewright-agent; ",
        f"{AGENT_SAYS}'already uses'",
        BACK,
    ),
    Case(
        "the plane's CA was copied from a mail, and its end is not there",
        ("wrong-ca", "agent-files"),
        f"{KEEP}head -c 300 /etc/edgewright/ca.crt >/run/case-ca; cat /run/case-ca >/etc/edgewright/ca.crt; sed -i '/caCerts/,$d' {DATA}; systemctl start --no-block edgewright-agent; ",
        "! openssl x509 -in /etc/edgewright/ca.crt -noout && test -s /etc/edgewright/ca.crt",
        BACK,
    ),
    Case(
        "the user-data was saved as UTF-16 by an editor of Windows",
        ("user-data-broken",),
        f"{KEEP}python3 -c \"p = '{DATA}'; t = open(p).read(); open(p, 'w', encoding='utf-16').write(t)\"; systemctl start --no-block edgewright-agent; ",
        f"{AGENT_SAYS}'user-data' && head -c 2 {DATA} | od -An -tx1 | grep -q 'ff fe'",
        BACK,
    ),
)
