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
for f in /var/lib/rancher/*/agent/server-ca.crt; do
  [ -r $f ] && echo "authority $(sed -n '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/p' $f | tr '\n' ,)"
done
[ -r /etc/kubernetes/pki/ca.crt ] || for f in /etc/kubernetes/kubelet.conf /run/kubeconfig; do
  [ -r $f ] && sed -n 's/^ *certificate-authority-data: */authority-data /p' $f
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
if cd /etc/kubernetes/pki 2>/dev/null; then
n=0; for f in apiserver apiserver-kubelet-client front-proxy-client; do
  { [ -e $f.crt ] || [ -e $f.key ]; } && n=$((n + 1)); done
[ $n -ge 2 ] && for f in ca.crt apiserver.crt apiserver.key apiserver-kubelet-client.crt apiserver-kubelet-client.key \
  front-proxy-ca.crt front-proxy-client.crt front-proxy-client.key sa.key sa.pub; do
  [ -e $f ] || echo "missing /etc/kubernetes/pki/$f"
done
n=0; for f in etcd/server etcd/peer etcd/healthcheck-client; do
  { [ -e $f.crt ] || [ -e $f.key ]; } && n=$((n + 1)); done
[ $n -ge 2 ] && for f in etcd/ca.crt etcd/server.crt etcd/server.key etcd/peer.crt etcd/peer.key; do
  [ -e $f ] || echo "missing /etc/kubernetes/pki/$f"
done
cd /
fi
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
f=/etc/kubernetes/pki/sa
if [ -e $f.pub ] && [ -e $f.key ]; then
  a=$(openssl pkey -in $f.key -pubout 2>/dev/null </dev/null)
  b=$(openssl pkey -pubin -in $f.pub 2>/dev/null)
  [ -n "$a" ] && [ "$a" = "$b" ] && echo "match $f.pub" || echo "differs $f.pub"
fi
keys() { c=''; while IFS= read -r l; do case $l in
  *-BEGIN\ CERT*) c=$l ;;
  *-END\ CERT*) printf '%s\n%s\n' "$c" "$l" | openssl x509 -noout -pubkey 2>/dev/null | tr -d '\n'; echo; c='' ;;
  *) [ -n "$c" ] && c=$(printf '%s\n%s' "$c" "$l") ;; esac; done; }
o=$(head -c 32768 /etc/kubernetes/pki/ca.crt 2>/dev/null | keys | grep .)
for f in admin kubelet controller-manager scheduler; do
  f=/etc/kubernetes/$f.conf
  [ -r $f ] || continue
  v() { sed -n "s/^ *$1: *\([A-Za-z0-9+\/=]*\) *$/\1/p" $f | head -n 1 | base64 -d 2>/dev/null; }
  a=$(v client-certificate-data | openssl x509 -noout -pubkey 2>/dev/null)
  b=$(v client-key-data | openssl pkey -pubout 2>/dev/null)
  [ -n "$a" ] && [ -n "$b" ] && [ "$a" != "$b" ] && echo "differs $f"
  a=$(v certificate-authority-data | keys | grep .)
  [ -n "$a" ] && [ -n "$o" ] && { printf '%s\n' "$a" | grep -qxFe "$o" || echo "other-ca $f"; }
done
:
""",
        10,
        4096,
        "needed",
    ),
)
