"""Kubernetes on the host: its files, logs, nodes and pods, etcd, images."""

from __future__ import annotations

from edgewright.clients.ssh.probes.probe import Probe

_CONFIG = r"""
k=''
for f in /run/kubeconfig /etc/kubernetes/admin.conf /etc/rancher/k3s/k3s.yaml /etc/rancher/rke2/rke2.yaml; do
  [ -r $f ] && { k=$f; break; }
done
"""
_ETCD = r"""
c=''
for p in /etc/kubernetes/pki/etcd:ca.crt:server.crt:server.key \
  /var/lib/rancher/rke2/server/tls/etcd:server-ca.crt:server-client.crt:server-client.key \
  /var/lib/rancher/k3s/server/tls/etcd:server-ca.crt:client.crt:client.key; do
  d=${p%%:*}; p=${p#*:}
  [ -r "$d/${p%%:*}" ] && { c=$d; ca=$d/${p%%:*}; p=${p#*:}; crt=$d/${p%%:*}; key=$d/${p#*:}; break; }
done
e() { ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert="$ca" --cert="$crt" --key="$key" \
  --dial-timeout=1s --command-timeout=2s "$@" 2>&1; }
"""

PROBES: tuple[Probe, ...] = (
    Probe(
        "kubernetes.files",
        "files of Kubernetes and of the CNI, and who owns them",
        r"""
for f in /etc/kubernetes/admin.conf /etc/kubernetes/kubelet.conf /etc/kubernetes/bootstrap-kubelet.conf \
  /etc/rancher/k3s/k3s.yaml /etc/rancher/rke2/rke2.yaml /run/kubeconfig /var/lib/kubelet/config.yaml \
  /var/lib/rancher/k3s/agent/kubelet.kubeconfig /var/lib/rancher/rke2/agent/kubelet.kubeconfig \
  /var/lib/kubelet/kubeadm-flags.env /var/lib/edgewright/kubernetes/owner.json \
  /var/lib/edgewright/kubernetes/joined.json /var/lib/edgewright/kubernetes/formed.json; do
  [ -e $f ] && echo "file $f $(ls -ld $f | sed 's/  */ /g' | cut -d ' ' -f 1,3,5)"
done
for d in /etc/kubernetes/manifests /etc/cni/net.d /opt/cni/bin; do
  [ -d $d ] || continue
  echo "dir $d $(ls -ld $d | sed 's/  */ /g' | cut -d ' ' -f 1,3)"
  for f in $(ls -A $d 2>/dev/null | head -n 60); do echo "in $d $f"; done
done
ls -lA /opt/cni/bin 2>/dev/null | head -n 60 | sed 's/  */ /g' | cut -d ' ' -f 3 |
  sed '/^$/d; /^root$/d; s/^/cni-file /' | head -n 1
for s in /run/edgewright/containerd/containerd.sock /run/k3s/containerd/containerd.sock \
  /run/containerd/containerd.sock /var/run/crio/crio.sock; do
  [ -S $s ] && echo "socket $s"
done
[ -r /var/lib/kubelet/kubeadm-flags.env ] || { [ -e /var/lib/kubelet/kubeadm-flags.env ] &&
  echo "unreadable /var/lib/kubelet/kubeadm-flags.env"; }
have getenforce && echo "selinux $(getenforce)"
:
""",
        4,
        12288,
        "better",
    ),
    Probe(
        "kubernetes.settings",
        "what a kubelet needs of the kernel: cgroups, forwarding, modules",
        r"""
while read -r _ m t _; do case $t in cgroup|cgroup2) echo "cgroup $t $m" ;; esac; done </proc/mounts | head -n 20
[ -r /sys/fs/cgroup/cgroup.controllers ] && echo "controllers $(cat /sys/fs/cgroup/cgroup.controllers)"
echo "ip_forward $(cat /proc/sys/net/ipv4/ip_forward 2>/dev/null)"
[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] && echo "br_netfilter yes" || echo "br_netfilter no"
[ -r /var/lib/kubelet/config.yaml ] && grep -E \
  '^(cgroupDriver|failSwapOn|failCgroupV1|resolvConf|clusterDNS|memorySwap|rotateCertificates)' \
  /var/lib/kubelet/config.yaml | sed 's/^/kubelet /'
for f in /etc/containerd/config.toml /run/edgewright/containerd/config.toml; do
  [ -r $f ] && grep -E 'SystemdCgroup|^ *disabled_plugins|sandbox' $f | sed 's/^/containerd /'
done
[ -r /proc/sys/net/bridge/bridge-nf-call-iptables ] &&
  echo "bridge_call $(cat /proc/sys/net/bridge/bridge-nf-call-iptables)"
:
""",
        root="better",
    ),
    Probe(
        "kubernetes.kubelet",
        "end of the kubelet's log (of k3s or RKE2 where that is the kubelet)",
        r"""
have journalctl || { echo no-program; exit 0; }
journalctl -u kubelet -u k3s -u k3s-agent -u rke2-server -u rke2-agent -b -n "$LINES_OF_LOG" -q --no-pager -o \
  short-unix 2>/dev/null
""",
        5,
        65536,
        "better",
    ),
    Probe(
        "kubernetes.runtime",
        "end of the container runtime's log, and whether it answers",
        r"""
for s in /run/edgewright/containerd/containerd.sock /run/k3s/containerd/containerd.sock \
  /run/containerd/containerd.sock; do
  [ -S $s ] || continue
  if have ctr; then ctr --address $s --connect-timeout 2s version >/dev/null 2>&1 && echo "answers $s" ||
    echo "silent $s"; fi
  have ctr && ctr --address $s --connect-timeout 2s plugins ls 2>/dev/null | grep -E '[. ]cri(-?service)?[ .]' |
    grep -E ' error ' | head -n 3 | sed 's/^/plugin /'
done
have journalctl || exit 0
l() { journalctl -u containerd -u edgewright-containerd -u crio -b -n "$1" -q --no-pager -o short-unix 2>/dev/null; }
l 400 | head -n 340 | grep -iE 'invalid database|meta(data)?\.db|recover state' | tail -n 3 | cut -c 1-400
l 60
:
""",
        6,
        32768,
        "needed",
    ),
    Probe(
        "kubernetes.server",
        "whether the API server that the kubelet uses is reached",
        r"""
for f in /etc/kubernetes/kubelet.conf /var/lib/rancher/k3s/agent/kubelet.kubeconfig \
  /var/lib/rancher/rke2/agent/kubelet.kubeconfig; do
  [ -r $f ] && u=$(sed -n 's,^ *server: *"*https://\([A-Za-z0-9.:-]*\).*,\1,p' $f | head -n 1) || continue
  [ -n "$u" ] || continue
  case $u in -*|*:*:*) continue ;; *:*) h=${u%%:*} p=${u##*:} ;; *) h=$u p=443 ;; esac
  case $p in ''|*[!0-9]*|??????*) continue ;; esac
  echo "server $h $p $(reach "$h" "$p")"
  exit 0
done
:
""",
        8,
        1024,
        "better",
        waits=True,
    ),
    Probe(
        "kubernetes.steps",
        "logs of kubeadm below /var/log (Palette)",
        r"""
for f in kube-init kube-join kube-upgrade kube-post-init stylus-upgrade-script stylus-init-upgrade; do
  [ -s /var/log/$f.log ] && tail -n 12 /var/log/$f.log | sed "s/^/$f /"
done
:
""",
        3,
        16384,
        "better",
    ),
    Probe(
        "kubernetes.api",
        "whether the API server of this host serves",
        r"""
[ -e /etc/kubernetes/manifests/kube-apiserver.yaml ] || [ -e /etc/rancher/k3s/k3s.yaml ] ||
  [ -e /etc/rancher/rke2/rke2.yaml ] || { echo none; exit 0; }
if have curl; then
  r=$(curl -sk --noproxy '*' --connect-timeout 2 -m 4 https://127.0.0.1:6443/readyz?verbose </dev/null);
    echo "code $?"
  printf '%s\n' "$r" | grep -vE '^\[\+\]' | head -n 20
elif have python3; then
  python3 -I -c 'import ssl,urllib.request,urllib.error
c=ssl._create_unverified_context()
try: print("code 0"); print(urllib.request.urlopen("https://127.0.0.1:6443/readyz?verbose", timeout=4, \
  context=c).read(2000).decode())
except urllib.error.HTTPError as e: print(e.read(2000).decode(errors="replace"))
except Exception as e: print("failed", getattr(e, "reason", e))' | grep -vE '^\[\+\]'
else echo no-program; fi
:
""",
        6,
        4096,
        waits=True,
    ),
    Probe(
        "kubernetes.nodes",
        "nodes of the cluster",
        _CONFIG
        + r"""
[ -n "$k" ] && have kubectl || { echo none; exit 0; }
kubectl --kubeconfig "$k" --request-timeout=4s get nodes -o wide --no-headers 2>&1 | cut -c 1-200 | head -n 50
""",
        6,
        10240,
        "better",
        waits=True,
    ),
    Probe(
        "kubernetes.pods",
        "pods that do not run",
        _CONFIG
        + r"""
[ -n "$k" ] && have kubectl || { echo none; exit 0; }
{ kubectl --kubeconfig "$k" --request-timeout=5s get pods -A -o wide --no-headers 2>&1; echo "listed $?"; } |
  head -n 2000 |
  grep -vE ' ([0-9]+)/\1 +Running | Completed ' | cut -c 1-240 | head -n 50
:
""",
        8,
        12288,
        "better",
        waits=True,
    ),
    Probe(
        "kubernetes.waits",
        "uid of the cluster, what pods wait for, claims of volumes that are not bound, webhooks that must answer",
        _CONFIG
        + r"""
[ -n "$k" ] && have kubectl || { echo none; exit 0; }
g() { kubectl --kubeconfig "$k" --request-timeout=3s get "$@" 2>/dev/null; }
u=$(g namespace kube-system -o go-template='{{.metadata.uid}}') && echo "cluster $u" ||
  g --raw /version >/dev/null || exit 0
m='{{with .message}} {{printf "%.240q" .}}{{end}}{{"\n"}}'
w='{{with .state.waiting}}why {{$n}}'$m'{{end}}'
p=$(g pods -A --field-selector status.phase!=Succeeded,status.phase!=Failed -o go-template='{{range .items}}{{
$n := print .metadata.namespace " " .metadata.name}}{{$s := eq .status.phase "Pending"}}{{
range .status.containerStatuses}}{{with .state.waiting}}{{if ne (print .reason) "CrashLoopBackOff"}}{{$s = true
}}{{end}}{{end}}{{end}}{{if $s}}pod {{$n}} {{.metadata.uid}} {{.metadata.creationTimestamp}}{{
range .spec.volumes}}{{with .persistentVolumeClaim}} {{.claimName}}{{end}}{{end}}{{"\n"
}}{{range .status.conditions}}{{if eq .type "PodScheduled"}}{{if eq .status "False"}}why {{$n}}'"$m{{end}}{{end}}{{end
}}{{range .status.initContainerStatuses}}$w{{end}}{{range .status.containerStatuses}}$w{{end}}{{end
}}{{end}}" | head -n 80)
[ -n "$p" ] && { printf '%s\n' "$p"; g events -A --field-selector reason=FailedMount -o go-template='{{range .items
}}event {{.involvedObject.uid}} {{printf "%v" .lastTimestamp}}'"$m{{end}}" | sort -u | tail -n 40; }
h=$(g pvc,storageclasses,validatingwebhookconfigurations,mutatingwebhookconfigurations -A -o go-template='{{range .items
}}{{$n := .metadata.name}}{{if eq .kind "StorageClass"}}class {{$n}} {{.provisioner}} {{.volumeBindingMode}}{{"\n"
}}{{else if .webhooks}}{{range .webhooks}}{{if eq .failurePolicy "Fail"}}{{with .clientConfig.service
}}hook {{$n}} {{.namespace}} {{.name}}{{"\n"}}{{end}}{{with .clientConfig.url}}hook {{$n}} {{.}}{{"\n"}}{{end}}{{end
}}{{end}}{{else if .status}}{{if eq .status.phase "Pending"}}claim {{.metadata.namespace}} {{$n}} {{
.metadata.creationTimestamp}} {{printf "%q" .spec.storageClassName}}{{with .metadata.annotations}} {{
index . "volume.kubernetes.io/selected-node"}}{{end}}{{"\n"}}{{end}}{{end}}{{end}}' && echo claims)
printf '%s\n' "$h" | sort -u | head -n 60
n=$(printf '%s\n' "$h" | sed -n 's/^hook [^ ]* [^ ]* \([a-z0-9.-]*\)$/\1/p' | sort -u | head -n 20 | tr '\n' ,)
[ -n "$n" ] && { s=$(g endpointslices -A -l "kubernetes.io/service-name in (${n%,})" -o go-template='{{range .items
}}{{$n := print .metadata.namespace " " (index .metadata.labels "kubernetes.io/service-name")}}{{$p := "-"}}{{
range .ports}}{{if eq $p "-"}}{{$p = print .port}}{{else}}{{$p = "+"}}{{end}}{{end}}{{range .endpoints}}end {{$n}} {{
printf "%v" .conditions.ready}} {{index .addresses 0}} {{$p}}{{"\n"}}{{end}}{{end}}' && echo slices)
printf '%s\n' "$s" | sort -u | head -n 60; }
{ printf '%s\n' "$s" | sed -n 's/^end \([^ ]* [^ ]*\) true \([0-9a-f.:]*\) \([0-9]*\)$/\1 \2 \3/p' | sort -u -k 1,2 |
    head -n 2
  printf '%s\n' "$h" | sed -n 's,^hook [^ ]* https://\([A-Za-z0-9.-]*\)\(:\([0-9]*\)\)*\(/.*\)*$,url - \1 \3,p' |
    sort -u | head -n 1
} | while read -r a b i p; do echo "tried $a $b $i ${p:=443} $(reach "$i" "$p")"; done
:
""",
        14,
        6144,
        "better",
        waits=True,
    ),
    Probe(
        "etcd.health",
        "etcd of this host: does it serve, has it a leader",
        r"""
[ -e /etc/kubernetes/manifests/etcd.yaml ] || [ -d /var/lib/rancher/rke2/server/db/etcd ] ||
  [ -d /var/lib/rancher/k3s/server/db/etcd ] || { echo none; exit 0; }
g() { if have curl; then curl -s --noproxy '*' --connect-timeout 2 -m 3 "http://127.0.0.1:2381/$1" </dev/null;
  else wget -q -T 3 -O - "http://127.0.0.1:2381/$1" 2>/dev/null; fi; }
if ! have curl && ! have wget; then
  have python3 || { echo no-program; exit 0; }
  g() { python3 -I -c 'import sys,urllib.request,urllib.error
o=urllib.request.build_opener(urllib.request.ProxyHandler({}))
try: print(o.open("http://127.0.0.1:2381/"+sys.argv[1], timeout=3).read(400000).decode())
except urllib.error.HTTPError as e: print(e.read(4000).decode())
except Exception: pass' "$1"; }
fi
h=$(g health | head -c 400); [ -n "$h" ] && echo "health $h" || echo "health no-answer"
g metrics | grep -E -e '^etcd_server_(has_leader|is_leader|leader_changes_seen_total|quota_backend_bytes) ' \
  -e '^etcd_mvcc_db_total_size_in_bytes ' | sed 's/^/metric /'
:
""",
        9,
        4096,
        waits=True,
    ),
    Probe(
        "etcd.members",
        "members of etcd, their health, alarms",
        _ETCD
        + r"""
[ -n "$c" ] || { echo none; exit 0; }
have etcdctl || { echo no-program; exit 0; }
e member list | sed 's/^/member /'
e endpoint health --cluster | sed 's/^/health /'
e alarm list | sed 's/^/alarm /'
""",
        12,
        8192,
        "needed",
        waits=True,
    ),
    Probe(
        "etcd.log",
        "end of etcd's log",
        r"""
for f in /var/log/pods/kube-system_etcd-*/etcd/*.log; do [ -r "$f" ] && l=$f; done
[ -n "$l" ] && tail -n 25 "$l" | cut -c 1-600
have journalctl && journalctl -u etcd -b -n 25 -q --no-pager -o cat 2>/dev/null | cut -c 1-600
:
""",
        4,
        24576,
        "needed",
    ),
    Probe(
        "images.list",
        "how many images the container runtime has",
        r"""
for s in /run/edgewright/containerd/containerd.sock /run/k3s/containerd/containerd.sock \
  /run/containerd/containerd.sock; do
  [ -S $s ] && have ctr || continue
  n=$(ctr --address $s --connect-timeout 2s -n k8s.io images list -q 2>/dev/null | wc -l)
  echo "images $n $s"
  ctr --address $s --connect-timeout 2s -n k8s.io images list -q 2>/dev/null |
    grep -E 'pause|kube-|etcd|coredns' | head -n 20
  exit 0
done
echo none
""",
        6,
        4096,
        "needed",
    ),
    Probe(
        "images.registry",
        "whether the registries that the host asks are reached",
        r"""
for f in /etc/rancher/k3s/registries.yaml /etc/rancher/rke2/registries.yaml \
  /etc/containerd/certs.d/*/hosts.toml /run/edgewright/containerd/certs.d/*/hosts.toml; do
  [ -r "$f" ] && grep -oE 'https?://[A-Za-z0-9.:-]+' "$f"
done | sort -u | grep -vE '//(127\.|localhost)' | head -n 4 | while read -r u; do
  h=${u#*://}
  case $h in *:*:*) continue ;; *:*) p=${h##*:};
    h=${h%%:*} ;; *) case $u in https:*) p=443 ;; *) p=80 ;; esac ;; esac
  case $h:$p in -*|*[!A-Za-z0-9.:-]*) continue ;; esac
  echo "registry $h $p $(reach "$h" "$p")"
done
:
""",
        16,
        2048,
        "better",
        waits=True,
    ),
    Probe(
        "images.blobs",
        "blobs of content with a size of zero",
        r"""
for d in /usr/local/spectrocloud/peerbundle/sha256 /var/lib/edgewright/content/blobs/sha256 \
  /opt/spectrocloud/peerbundle/sha256; do
  [ -d $d ] || continue
  echo "dir $d"
  find $d -type f -size 0 2>/dev/null | head -n 50
done
:
""",
        8,
        8192,
        "better",
    ),
)
