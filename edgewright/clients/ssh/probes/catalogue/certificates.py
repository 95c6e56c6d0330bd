"""Certificates of the host. Certificates alone are read: what is between the lines of a private key never leaves."""

from __future__ import annotations

from edgewright.clients.ssh.probes.probe import Probe

_FILES = (
    "/etc/edgewright/ca.crt /etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/apiserver.crt "
    "/etc/kubernetes/pki/apiserver-kubelet-client.crt /etc/kubernetes/pki/apiserver-etcd-client.crt "
    "/etc/kubernetes/pki/front-proxy-ca.crt /etc/kubernetes/pki/front-proxy-client.crt "
    "/etc/kubernetes/pki/etcd/ca.crt /etc/kubernetes/pki/etcd/server.crt /etc/kubernetes/pki/etcd/peer.crt "
    "/etc/kubernetes/pki/etcd/healthcheck-client.crt /var/lib/kubelet/pki/kubelet-client-current.pem "
    "/var/lib/kubelet/pki/kubelet.crt /var/lib/rancher/k3s/server/tls/server-ca.crt "
    "/var/lib/rancher/k3s/server/tls/serving-kube-apiserver.crt /var/lib/rancher/k3s/agent/client-kubelet.crt "
    "/var/lib/rancher/k3s/server/tls/etcd/server-client.crt /var/lib/rancher/rke2/server/tls/server-ca.crt "
    "/var/lib/rancher/rke2/server/tls/serving-kube-apiserver.crt /var/lib/rancher/rke2/agent/client-kubelet.crt "
    "/var/lib/rancher/rke2/server/tls/etcd/server-client.crt"
)

PROBES: tuple[Probe, ...] = (
    Probe(
        "certificates.files",
        "certificates of Kubernetes, etcd and the plane's CA (their dates and who signed them)",
        rf"""
for f in {_FILES}; do
  [ -e $f ] || continue
  echo "file $f"
  [ -r $f ] && sed -n '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/p' $f | head -n 60 || echo unreadable
done
for f in admin super-admin kubelet controller-manager scheduler; do
  f=/etc/kubernetes/$f.conf
  [ -r $f ] || continue
  d=$(sed -n 's/^ *client-certificate-data: *\([A-Za-z0-9+\/=]*\) *$/\1/p' $f | head -n 1)
  [ -n "$d" ] && echo "conf $f $d"
done
:
""",
        5,
        81920,
        "better",
    ),
    Probe(
        "certificates.keys",
        "whether keys belong to their certificates (public parts are compared)",
        r"""
have openssl || { echo no-program; exit 0; }
for f in apiserver apiserver-kubelet-client apiserver-etcd-client front-proxy-client ca etcd/ca etcd/server \
  etcd/peer; do
  f=/etc/kubernetes/pki/$f
  [ -r $f.crt ] || continue
  [ -e $f.key ] || { case $f in */ca) ;; *) echo "no-key $f.crt" ;; esac; continue; }
  a=$(openssl x509 -in $f.crt -noout -pubkey 2>/dev/null) || { echo "bad-certificate $f.crt"; continue; }
  b=$(openssl pkey -in $f.key -pubout 2>/dev/null </dev/null) || { echo "bad-key $f.crt"; continue; }
  [ "$a" = "$b" ] && echo "match $f.crt" || echo "differs $f.crt"
done
:
""",
        5,
        4096,
        "needed",
    ),
)
