"""Third proof: faults of certificates and etcd on a node (`network.py`)."""

from __future__ import annotations

from tests.e2e.doctor.fault import LAST_YEAR, fill, on_disk, unmount
from tests.e2e.doctor.independent import Case
from tests.e2e.doctor.independent_node import ASK, BACK_PKI, ETCDS, KEEP_PKI, PATH, PKI, ended
from tests.e2e.doctor.second.independent2_node import EMPTY_ETCD, FILL_ETCD, signed

SECOND_ASK = ASK.replace(":2379", ":12379")
"""Asks the second member."""
UNITS = "case-etcd1 case-etcd2 case-etcd3"
CONF = "/etc/kubernetes/scheduler.conf"
KUBELET_PEM = "/var/lib/kubelet/pki/kubelet-client-current.pem"
KEEP_ETCD = f"systemctl kill -s KILL {UNITS}; systemctl stop {UNITS}; rm -rf /run/case-etcd; cp -a /var/lib/etcd /run/case-etcd; systemctl start --no-block {UNITS}; "
BACK_ETCD = f"systemctl kill -s KILL {UNITS}; systemctl stop {UNITS}; rm -rf /var/lib/etcd; cp -a /run/case-etcd /var/lib/etcd; {ETCDS}"
TEAR = "for f in /var/lib/etcd/{n}/member/wal/*.wal; do dd if=/dev/urandom of=$f bs=1k count=16 conv=notrunc 2>/dev/null; done; "
ETCD_SAYS = "journalctl -q -o cat -u case-etcd1 --since -40s | grep -qiE "
CERTIFICATES3 = (
    Case(
        "only the certificate between the members of etcd has expired",
        ("certificate-expired",),
        KEEP_PKI + signed("etcd/peer", "etcd/ca", LAST_YEAR, 365),
        f"{ended(f'{PKI}/etcd/peer.crt')} && openssl x509 -in {PKI}/etcd/server.crt -noout -checkend 0",
        BACK_PKI,
        node=True,
    ),
    Case(
        "certificates were renewed, that in scheduler.conf was forgotten",
        ("certificate-expired",),
        f"{PATH}kubeadm init phase kubeconfig scheduler --kubernetes-version v1.36.3 --apiserver-advertise-address $FIRST >/dev/null; "
        f"sed -n 's/.*client-certificate-data: //p' {CONF} | base64 -d >/run/case-s.crt; sed -n 's/.*client-key-data: //p' {CONF} | base64 -d >/run/case-s.key; "
        f"openssl x509 -in /run/case-s.crt -x509toreq -signkey /run/case-s.key -copy_extensions copyall -out /run/case.csr; "
        f"{LAST_YEAR}openssl x509 -req -in /run/case.csr -CA {PKI}/ca.crt -CAkey {PKI}/ca.key -set_serial 93 -days 365 -copy_extensions copyall -out /run/case-s.crt; "
        f'sed -i "s/client-certificate-data: .*/client-certificate-data: $(base64 -w0 </run/case-s.crt)/" {CONF}; ',
        f"sed -n 's/.*client-certificate-data: //p' {CONF} | base64 -d | {{ ! openssl x509 -noout -checkend 0; }} && sed -n 's/.*client-certificate-data: //p' {CONF} | base64 -d | openssl x509 -noout -subject | grep -q scheduler",
        f"rm -f {CONF}; ",
        node=True,
    ),
    Case(
        "the CA of etcd was made for one year, and that is over",
        ("certificate-expired",),
        f"{KEEP_PKI}{LAST_YEAR}openssl x509 -in {PKI}/etcd/ca.crt -signkey {PKI}/etcd/ca.key -days 365 -out /run/case-ca.crt; cp /run/case-ca.crt {PKI}/etcd/ca.crt; ",
        ended(f"{PKI}/etcd/ca.crt"),
        BACK_PKI,
        node=True,
    ),
    Case(
        "the certificate of etcd ends in three days",
        ("certificate-soon",),
        KEEP_PKI + signed("etcd/server", "etcd/ca", LAST_YEAR.replace("-400d", "-362d"), 365),
        f"{ended(f'{PKI}/etcd/server.crt', 4 * 86400)} && openssl x509 -in {PKI}/etcd/server.crt -noout -checkend 0",
        BACK_PKI,
        node=True,
    ),
    Case(
        "the site got new addresses, and the API server's certificate names the old one",
        ("certificate-broken",),
        f"{KEEP_PKI}{PATH}rm {PKI}/apiserver.crt {PKI}/apiserver.key; kubeadm init phase certs apiserver --kubernetes-version v1.36.3 --apiserver-advertise-address 10.99.0.5 >/dev/null; ",
        f"openssl x509 -in {PKI}/apiserver.crt -noout -ext subjectAltName | grep -q 10.99.0.5 && ! openssl x509 -in {PKI}/apiserver.crt -noout -checkip $FIRST | grep -q 'does match'",
        BACK_PKI,
        node=True,
    ),
    Case(
        "the kubelet's certificate was renewed while the clock was a week ahead",
        ("certificate-early",),
        f"mkdir -p /var/lib/kubelet/pki; openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /run/case.key -out /run/case.csr -subj /O=system:nodes/CN=system:node:$NAME; "
        f"{LAST_YEAR.replace('-400d', '+7d')}openssl x509 -req -in /run/case.csr -CA {PKI}/ca.crt -CAkey {PKI}/ca.key -set_serial 94 -days 365 -out /run/case.crt; "
        f"cat /run/case.crt /run/case.key >{KUBELET_PEM}; ",
        f"openssl verify -CAfile {PKI}/ca.crt {KUBELET_PEM} 2>&1 | grep -q 'not yet valid'",
        f"rm -f {KUBELET_PEM}; ",
        node=True,
    ),
    Case(
        "a clean-up removed the key with which the API server asks etcd",
        ("certificate-broken",),
        f"{KEEP_PKI}rm {PKI}/apiserver-etcd-client.key; ",
        f"test -s {PKI}/apiserver-etcd-client.crt && ! test -e {PKI}/apiserver-etcd-client.key",
        BACK_PKI,
        node=True,
    ),
    Case(
        "a certificate of another cluster was copied to this one",
        ("certificate-broken",),
        f"{KEEP_PKI}openssl req -x509 -newkey rsa:2048 -nodes -days 900 -keyout /run/case-ca.key -out /run/case-ca.crt -subj /CN=kubernetes; "
        f"openssl req -new -key {PKI}/apiserver-kubelet-client.key -out /run/case.csr -subj /O=kubeadm:cluster-admins/CN=kube-apiserver-kubelet-client; "
        f"openssl x509 -req -in /run/case.csr -CA /run/case-ca.crt -CAkey /run/case-ca.key -set_serial 95 -days 365 -out {PKI}/apiserver-kubelet-client.crt; ",
        f"test -s {PKI}/apiserver-kubelet-client.crt && ! openssl verify -CAfile {PKI}/ca.crt {PKI}/apiserver-kubelet-client.crt",
        BACK_PKI,
        node=True,
    ),
)
ETCD3 = (
    Case(
        "etcd of this host hangs",
        ("etcd-down",),
        "systemctl kill -s STOP case-etcd1; ",
        f"{PATH}! {ASK} endpoint health && {SECOND_ASK}endpoint health",
        "systemctl kill -s CONT case-etcd1; ",
        node=True,
    ),
    Case(
        "another program took the port of etcd",
        ("etcd-down", "etcd-member"),
        "systemctl stop case-etcd1; systemctl reset-failed case-taker 2>/dev/null; systemd-run -q --unit=case-taker python3 -c "
        "'import socket, time; s = socket.create_server((\"127.0.0.1\", 2379)); time.sleep(100000)'; sleep 1; systemctl start --no-block case-etcd1; sleep 4; ",
        f"! systemctl is-active -q case-etcd1 && {ETCD_SAYS}'address already in use'",
        f"systemctl stop case-taker; {ETCDS}",
        node=True,
    ),
    Case(
        "the disk of etcd is full",
        ("disk-full",),
        f"{KEEP_ETCD}sleep 3; systemctl stop case-etcd1; {on_disk('/var/lib/etcd/1')}{fill('/var/lib/etcd/1')}systemctl start --no-block case-etcd1; sleep 4; ",
        f"test $(df --output=avail /var/lib/etcd/1 | tail -n 1) -eq 0 && {ETCD_SAYS}'no space left'",
        f"systemctl stop case-etcd1; {unmount('/var/lib/etcd/1')}{BACK_ETCD}",
        node=True,
    ),
    Case(
        "the wrong host was removed from etcd: this one is no longer a member",
        ("etcd-down", "etcd-member"),
        f"{KEEP_ETCD}sleep 14; {PATH}{SECOND_ASK}member remove "
        f"$({SECOND_ASK}member list | grep ' m1,' | cut -d, -f1); sleep 3; ",
        f"{PATH}! {SECOND_ASK}member list | grep -q ' m1,' && ! {ASK} endpoint health",
        BACK_ETCD,
        node=True,
    ),
    Case(
        "space was made in etcd, and its alarm was never taken back",
        ("etcd-full",),
        FILL_ETCD + EMPTY_ETCD.replace(f"{ASK} alarm disarm; ", ""),
        f"{PATH}{ASK} alarm list | grep -q NOSPACE && ! {ASK} put case-key 1",
        f"{PATH}{ASK} alarm disarm; ",
        node=True,
        patience=40,
    ),
    Case(
        "power failed in the entire site: two members of etcd have torn logs",
        ("etcd-no-quorum",),
        f"{KEEP_ETCD}sleep 4; systemctl kill -s KILL case-etcd2 case-etcd3; sleep 1; {TEAR.format(n=2)}{TEAR.format(n=3)}"
        "systemctl reset-failed case-etcd2 case-etcd3; systemctl start --no-block case-etcd2 case-etcd3; sleep 4; ",
        f"! systemctl is-active -q case-etcd2 && ! systemctl is-active -q case-etcd3 && {PATH} ! {ASK} endpoint health",
        BACK_ETCD,
        node=True,
    ),
)
