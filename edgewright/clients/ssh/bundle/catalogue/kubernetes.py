"""Kubernetes on the host: kubeadm, k3s, RKE2, runtime, etcd, objects without Secrets, logs of pods."""

from __future__ import annotations

from edgewright.clients.ssh.bundle.entries import KB, MB, Entry, command, file, glob

NAMESPACES = (
    "capi* cert-manager default edgewright* harbor kube-system kube-public longhorn-system os-patch palette-system "
    "reach-system spectro-system system-upgrade"
)
"""Namespaces whose logs are read, those of Palette's own script."""

_KUBECTL = r"""
K=''
for f in /run/kubeconfig /etc/kubernetes/admin.conf /etc/rancher/k3s/k3s.yaml /etc/rancher/rke2/rke2.yaml \
  /etc/kubernetes/kubelet.conf /var/lib/rancher/k3s/agent/kubelet.kubeconfig; do [ -r $f ] && { K=$f; break; }; done
[ -n "$K" ] || { echo 'no kubeconfig on this host'; exit 0; }
k() { kubectl --kubeconfig "$K" --request-timeout=10s "$@" 2>&1; }
"""
_ETCDCTL = r"""
for p in /etc/kubernetes/pki/etcd:ca.crt:server.crt:server.key \
  /var/lib/rancher/rke2/server/tls/etcd:server-ca.crt:server-client.crt:server-client.key \
  /var/lib/rancher/k3s/server/tls/etcd:server-ca.crt:client.crt:client.key; do
  d=${p%%:*}; p=${p#*:}; a=${p%%:*}; p=${p#*:}
  [ -r $d/$a ] && { set -- --cacert $d/$a --cert $d/${p%%:*} --key $d/${p#*:}; break; }
done
[ $# -gt 0 ] || { echo 'no etcd on this host'; exit 0; }
e() { ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --dial-timeout=2s --command-timeout=5s "$@" 2>&1; }
"""

ENTRIES: tuple[Entry, ...] = (
    command("kubernetes/files.txt", "files of Kubernetes and who owns them, without their contents", r"""
ls -laR /etc/kubernetes /var/lib/kubelet/pki /etc/cni/net.d /opt/cni/bin /etc/rancher /var/lib/edgewright/kubernetes \
  2>/dev/null | head -n 800
ls -la /var/lib/etcd/member /var/lib/rancher/k3s/server /var/lib/rancher/rke2/server 2>/dev/null
for f in /var/lib/kubelet/kubeadm-flags.env /var/lib/kubelet/config.yaml /etc/crictl.yaml \
  /etc/rancher/k3s/config.yaml /etc/rancher/rke2/config.yaml; do
  [ -r $f ] && { echo "== $f"; head -c 32768 $f; }
done
:""", size=512 * KB, root="needed"),
    command("kubernetes/certificates.txt", "certificates: subject, issuer, validity", r"""
for f in /etc/kubernetes/pki/*.crt /etc/kubernetes/pki/etcd/*.crt /var/lib/kubelet/pki/*.crt \
  /var/lib/rancher/*/server/tls/*.crt /var/lib/rancher/*/agent/*.crt /etc/edgewright/*.crt; do
  [ -r "$f" ] || continue
  echo "== $f"; c=''
  head -c 65536 "$f" | while IFS= read -r l; do  # a CA file may have an old certificate beside the renewed one
    case $l in
      *-BEGIN\ CERT*) c=$l ;;
      *-END\ CERT*) printf '%s\n%s\n' "$c" "$l" |
        openssl x509 -noout -subject -issuer -dates -ext subjectAltName 2>&1; c='' ;;
      *) [ -n "$c" ] && c=$(printf '%s\n%s' "$c" "$l") ;;
    esac
  done
done
:""", 20, root="needed"),
    glob("kubernetes/manifests", "/etc/kubernetes/manifests/*.yaml", "static pods", 20, 128 * KB),
    glob("kubernetes/cni", "/etc/cni/net.d/*.conf*", "settings of the CNI", 10, 64 * KB),
    file("kubernetes/containerd.toml", "/etc/containerd/config.toml", "settings of containerd", 64 * KB),
    file("kubernetes/registries.yaml", "/etc/rancher/k3s/registries.yaml", "registries of k3s and RKE2", 64 * KB),
    command("runtime/containers.txt", "containers, pods, images and state of the runtime", r"""
s=''
for f in /run/edgewright/containerd/containerd.sock /run/k3s/containerd/containerd.sock \
  /run/containerd/containerd.sock /run/crio/crio.sock; do [ -S $f ] && { s=unix://$f; break; }; done
[ -n "$s" ] || { echo 'no container runtime on this host'; exit 0; }
for w in 'pods' 'ps -a' 'images' 'stats' 'version'; do
  echo "== crictl $w"; crictl --timeout 5s --runtime-endpoint $s --image-endpoint $s $w 2>&1
done
ctr --address ${s#unix://} -n k8s.io images ls 2>&1 | head -n 400""", 40, MB, "needed"),
    command("etcd/status.txt", "members, health and alarms of etcd", _ETCDCTL + r"""
e "$@" member list -w table; e "$@" endpoint status -w table; e "$@" endpoint health; e "$@" alarm list""", 30,
            root="needed"),
    command("kubernetes/nodes.txt", "nodes", _KUBECTL + """
k version; k cluster-info; k get nodes -o wide; k describe nodes""", 40, MB, "needed"),
    command("kubernetes/pods.txt", "pods of all namespaces", _KUBECTL + "k get pods -A -o wide", 20, MB, "needed"),
    command("kubernetes/events.txt", "events", _KUBECTL + "k get events -A --sort-by=.lastTimestamp", 20, MB, "needed"),
    command("kubernetes/workloads.txt", "workloads, services, volumes", _KUBECTL + r"""
k get deployments,daemonsets,statefulsets,jobs,cronjobs -A -o wide
k get services,ingresses,endpoints,networkpolicies -A -o wide; k get pv,pvc,storageclasses -A -o wide
k get namespaces,crds,apiservices,leases -A""", 60, MB, "needed"),
    command("kubernetes/unhealthy.txt", "description of pods that do not run", _KUBECTL + r"""
k get pods -A --no-headers | grep -vE ' (Running|Completed) ' | head -n 30 | while read -r n p _; do
  k describe pod -n "$n" "$p"
done""", 60, MB, "needed"),
    command("kubernetes/usage.txt", "usage of nodes and pods", _KUBECTL + "k top nodes; k top pods -A", 30,
            root="needed"),
    command("kubernetes/previous.txt", "log of containers before their last restart", _KUBECTL + f"""
k get pods -A --no-headers | awk '$5+0 > 0 {{print $1, $2}}' | head -n 30 | while read -r n p; do
  for w in {NAMESPACES.replace("*", "")}; do
    case $n in "$w"*) echo "== $n $p"; k logs -n "$n" "$p" --all-containers --previous --tail=300; break ;; esac
  done
done""", 120, 2 * MB, "needed"),
    command("kubernetes/helm.txt", "releases of Helm, without their values", _KUBECTL + r"""
helm --kubeconfig "$K" list -A 2>&1""", 20, root="needed"),
    *(
        glob(f"pods/{name.rstrip('*')}", f"/var/log/pods/{name}_*/*/*.log", f"logs of pods of {name}", 24, 512 * KB)
        for name in NAMESPACES.split()
    ),
)  # fmt: skip
