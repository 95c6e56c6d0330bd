"""Faults between a host and its plane, by somebody who has not read Doctor's rules (`independent.py`)."""

from __future__ import annotations

from tests.e2e.doctor.fault import AGENT, NO_ENDPOINT, UNIT, endpoint
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

BY_NAME = endpoint(f"{PLANE}:8443")
DROP = "nft add table inet case; nft 'add chain inet case {chain} {{ type filter hook {chain} priority 0; }}'; nft add rule inet case {chain} {rule}; "
NO_DROP = "nft delete table inet case; "
NETWORKS = (
    Case(
        "the name server does not exist",
        ("dns-silent",),
        RESOLV.format(server="$NET.77") + BY_NAME,
        f"grep -q {PLANE} {UNIT} && ! timeout 5 getent hosts {PLANE}",
        NO_RESOLV + NO_ENDPOINT,
    ),
    Case(
        "the host's firewall drops questions to the name server",
        ("dns-silent",),
        RESOLV.format(server="$SECOND")
        + DROP.format(chain="output", rule="udp dport 53 drop")
        + "nft add rule inet case output tcp dport 53 drop; "
        + BY_NAME,
        f"grep -q {PLANE} {UNIT} && ! timeout 5 getent hosts {PLANE}",
        NO_DROP + NO_RESOLV + NO_ENDPOINT,
        other=NAMES.format(records=f"{PLANE} 10.0.0.1\\n"),
        other_undo=NO_NAMES,
    ),
    Case(
        "the name server does not know the plane",
        ("name-unknown",),
        RESOLV.format(server="$SECOND") + BY_NAME,
        f"grep -q {PLANE} {UNIT} && timeout 5 getent hosts shop.example.net && ! timeout 5 getent hosts {PLANE}",
        NO_RESOLV + NO_ENDPOINT,
        other=NAMES.format(records="shop.example.net 10.0.0.1\\n"),
        other_undo=NO_NAMES,
    ),
    Case(
        "the plane's record shows an old address",
        ("plane-unreachable",),
        RESOLV.format(server="$SECOND") + BY_NAME,
        f"timeout 5 getent hosts {PLANE} | grep -q 99",
        NO_RESOLV + NO_ENDPOINT,
        other="N=${SECOND%.*}; " + NAMES.format(records=f"{PLANE} '$N'.99\\n"),
        other_undo=NO_NAMES,
    ),
    Case(
        "resolv.conf is a link to nothing",
        ("dns-missing",),
        "ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf; " + BY_NAME,
        "test -L /etc/resolv.conf && test ! -e /etc/resolv.conf",
        NO_RESOLV + NO_ENDPOINT,
    ),
    Case(
        "the gateway was left out of the network settings",
        ("no-route",),
        f"{KEEP_NETWORK} sed -i /^Gateway/d {NETWORK}; systemctl restart systemd-networkd; ip route del default; "
        + endpoint("192.0.2.10:8443"),
        'test -z "$(ip route show default)"',
        NO_ENDPOINT + BACK_NETWORK,
    ),
    Case(
        "the gateway of the network settings does not exist",
        ("gateway-silent",),
        f"{KEEP_NETWORK} sed -i s/^Gateway=.*/Gateway=$NET.254/ {NETWORK}; ip route del default; systemctl restart systemd-networkd; "
        + endpoint("192.0.2.10:8443"),
        "ip route show default | grep -q $NET.254",
        NO_ENDPOINT + f"ip route del default; {BACK_NETWORK}",
    ),
    Case(
        "the cable was pulled",
        ("no-link",),
        lab=("link", "down", "$NAME"),
        proof="! grep -q 1 /sys/class/net/host0/carrier",
        lab_undo=("link", "up", "$NAME"),
    ),
    Case(
        "no DHCP server answers",
        ("no-address",),
        f"{KEEP_NETWORK} printf '[Match]\\nName=host0\\n[Network]\\nDHCP=ipv4\\nLinkLocalAddressing=no\\nIPv6AcceptRA=no\\n' >{NETWORK}; "
        "systemctl restart systemd-networkd; ip address flush dev host0; ",
        "! ip -4 -br address show dev host0 | grep -q '[0-9]/'",
        f"ip address flush dev host0; {BACK_NETWORK}",
    ),
    Case(
        "the address was typed wrongly",
        ("no-route", "gateway-silent"),
        f"{KEEP_NETWORK} sed -i 's,^Address=.*,Address=172.30.66.11/24,' {NETWORK}; ip address flush dev host0; systemctl restart systemd-networkd; ",
        "ip -4 -br address show dev host0 | grep -q 172.30",
        f"ip address flush dev host0; {BACK_NETWORK}",
    ),
    Case(
        "a till has the host's address",
        ("duplicate-address",),
        other="ip address add $SECOND/32 dev host0; ",
        other_proof='ip address show dev host0 | grep -q "$SECOND/32"',
        other_undo="ip address del $SECOND/32 dev host0; ",
    ),
    Case(
        "the host's firewall drops what goes to the plane",
        ("plane-unreachable",),
        DROP.format(chain="output", rule="tcp dport 8443 drop") + AGENT,
        "nft list table inet case | grep -q 8443",
        NO_DROP + AGENT,
    ),
    Case(
        "the plane is cut off",
        ("plane-unreachable",),
        AGENT,
        f"{AGENT_SAYS} 'not answer|not reach|no route'",
        AGENT,
        lab=("link", "down", "hub"),
        lab_undo=("link", "up", "hub"),
    ),
    Case(
        "large packets get lost on the way (MTU)",
        ("agent-silent", "plane-unreachable"),
        f"sleep 1; {AGENT}",
        f"{AGENT_SAYS} 'not answer|not reach|timed out'",
        AGENT,
        prepare="nsenter --net=/run/netns/$LAB nft add rule bridge cuts forward ip daddr $FIRST meta length gt 600 drop; ",
        machine_undo="nsenter --net=/run/netns/$LAB nft flush chain bridge cuts forward; ",
        patience=60,
    ),
    Case(
        "the proxy of the user-data does not exist",
        ("plane-unreachable", "agent-silent"),
        KEEP
        + "printf '    network:\\n      httpsProxy: http://'$NET'.77:3128\\n' >>/etc/edgewright/user-data; systemctl start --no-block edgewright-agent; ",
        f"{AGENT_SAYS} 'proxy|\\.77'",
        BACK,
    ),
)
TRUST = (
    Case(
        "the CA of another plane was installed",
        ("wrong-ca",),
        KEEP
        + "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 300 -keyout /run/case-key -out /etc/edgewright/ca.crt "
        "-subj '/CN=Other plane' 2>/dev/null; sed -i '/caCerts/,$d' /etc/edgewright/user-data; systemctl start --no-block edgewright-agent; ",
        f"{AGENT_SAYS} 'certificate|trust|CA '",
        BACK,
    ),
    Case(
        "a middlebox answers with its own certificate",
        ("wrong-ca",),
        endpoint("$SECOND:8443"),
        f"{AGENT_SAYS} 'certificate|trust|CA '",
        NO_ENDPOINT,
        prepare=certificate("IP:$SECOND", signed=False),
        other=FRONT.format(where="0.0.0.0", to="page"),
        other_undo=NO_FRONT,
    ),
    Case(
        "the plane's certificate expired ten days ago",
        ("plane-certificate",),
        endpoint("$SECOND:8443"),
        f"{AGENT_SAYS} 'expired'",
        NO_ENDPOINT,
        prepare=certificate("IP:$SECOND", shift="-40d"),
        other=FRONT.format(where="0.0.0.0", to="$NET.2"),
        other_undo=NO_FRONT,
    ),
    Case(
        "the plane is called by a name that its certificate does not have",
        ("wrong-name",),
        f'cp -p /etc/hosts /run/case-hosts; echo "$NET.2 {PLANE}" >>/etc/hosts; {BY_NAME}',
        f"{AGENT_SAYS} '{PLANE}'",
        f"cp -p /run/case-hosts /etc/hosts; {NO_ENDPOINT}",
    ),
    Case(
        "a new host with a token that the plane does not know",
        ("token-refused",),
        KEEP
        + FORGET
        + "sed -i 's/edgeHostToken: .*/edgeHostToken: ewt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/; s/name: ew-/name: new-/' /etc/edgewright/user-data; "
        "echo ewt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA >/etc/edgewright/token; systemctl start --no-block edgewright-agent; ",
        f"{AGENT_SAYS} 'token'",
        BACK,
    ),
    Case(
        "a new host without a token",
        ("agent-files", "agent-unregistered"),
        KEEP
        + FORGET
        + "sed -i '/edgeHostToken/d' /etc/edgewright/user-data; rm -f /etc/edgewright/token; systemctl start --no-block edgewright-agent; ",
        f"{AGENT_SAYS} 'token'",
        BACK,
    ),
    Case(
        "a new host with the name of another one",
        ("duplicate-uid",),
        KEEP
        + FORGET
        + 'sed -i "s/name: ew-.*/name: $OTHER_UID/" /etc/edgewright/user-data; systemctl start --no-block edgewright-agent; ',
        f'{AGENT_SAYS} "$OTHER_UID"',
        BACK,
    ),
    Case(
        "the user-data has a tab where YAML allows none",
        ("user-data-broken",),
        KEEP
        + "printf 'stylus:\\n\\tsite:\\n  paletteEndpoint: [\\n' >/etc/edgewright/user-data; systemctl start --no-block edgewright-agent; ",
        f"{AGENT_SAYS} 'user-data'",
        BACK,
    ),
    Case(
        "a file of /oem has a mistake",
        ("user-data-broken",),
        "mkdir -p /oem; printf '#cloud-config\\nstages:\\n  initramfs:\\n    - name: users\\n      users: {kairos: {passwd: x\\n' >/oem/90_custom.yaml; ",
        "! python3 -c 'import yaml' 2>/dev/null; test -s /oem/90_custom.yaml",
        "rm -rf /oem",
    ),
    Case(
        "a new host waits for somebody who approves it",
        ("waits-for-approval", "agent-unregistered"),
        KEEP + FORGET + "sed -i 's/name: ew-/name: new-/' /etc/edgewright/user-data; "
        "printf '    disableAutoRegister: true\\n' >/run/case-line; sed -i '/paletteEndpoint/r /run/case-line' /etc/edgewright/user-data; "
        "systemctl start --no-block edgewright-agent; ",
        f"{AGENT_SAYS} 'waits for approval'",
        BACK,
    ),
    Case(
        "the host was deleted on the plane, and its token was removed",
        ("credential-lost", "agent-unregistered"),
        KEEP
        + "sed -i '/edgeHostToken/d' /etc/edgewright/user-data; rm -f /etc/edgewright/token; systemctl start --no-block edgewright-agent; ",
        f"{AGENT_SAYS} 'not know|credential|refused|register'",
        BACK,
        prepare="python3 - <<'END'\nimport os, ssl, urllib.request\n"
        "key = open(os.environ['HUB'] + '/admin-api-key').read().strip()\n"
        "url = f\"https://{os.environ['NET']}.2:8443/v1/edgehosts/{os.environ['UID_OF_HOST']}\"\n"
        "context = ssl.create_default_context(cafile=os.environ['HUB'] + '/ca.crt')\n"
        "urllib.request.urlopen(urllib.request.Request(url, headers={'ApiKey': key}, method='DELETE'), context=context)\nEND\n",
    ),
)
