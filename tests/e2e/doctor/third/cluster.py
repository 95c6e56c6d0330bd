"""Third proof: a node with a genuine API server, its managers and a registered kubelet, and faults of that (`network.py`)."""

from __future__ import annotations

from tests.e2e.doctor.fault import LAST_YEAR
from tests.e2e.doctor.independent import Case
from tests.e2e.doctor.independent_node import BACK_PKI, KEEP_PKI, KUBELET, PATH, PKI, SAYS, ended
from tests.e2e.doctor.independent_site import CaseHost
from tests.e2e.doctor.second.independent2_node import signed

KUBECTL = "/opt/case/bin/kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=5s "
API_UNIT = "/etc/systemd/system/case-api.service"
CLUSTER = r"""
export PATH=/opt/case/bin:$PATH
for n in kube-apiserver kube-controller-manager kube-scheduler; do ln -sf kubernetes /opt/case/bin/$n; done
for n in kubectl kubeadm kubelet; do ln -sf /opt/case/bin/$n /usr/local/bin/$n; done
kubeadm init phase kubeconfig all --kubernetes-version v1.36.3 --apiserver-advertise-address $FIRST >/dev/null
kubeadm init phase control-plane all --kubernetes-version v1.36.3 --apiserver-advertise-address $FIRST >/dev/null
P=/etc/kubernetes/pki K=/etc/kubernetes
unit() { printf '[Service]\nExecStart=%s\nRestart=always\nRestartSec=3\nTimeoutStopSec=3\n' "$2" >/etc/systemd/system/$1.service; }
unit case-api "/opt/case/bin/kube-apiserver --advertise-address=$FIRST --secure-port=6443 --etcd-servers=https://127.0.0.1:2379 --etcd-cafile=$P/etcd/ca.crt --etcd-certfile=$P/apiserver-etcd-client.crt --etcd-keyfile=$P/apiserver-etcd-client.key --client-ca-file=$P/ca.crt --tls-cert-file=$P/apiserver.crt --tls-private-key-file=$P/apiserver.key --kubelet-client-certificate=$P/apiserver-kubelet-client.crt --kubelet-client-key=$P/apiserver-kubelet-client.key --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-account-key-file=$P/sa.pub --service-account-signing-key-file=$P/sa.key --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --requestheader-client-ca-file=$P/front-proxy-ca.crt --proxy-client-cert-file=$P/front-proxy-client.crt --proxy-client-key-file=$P/front-proxy-client.key --requestheader-allowed-names=front-proxy-client --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra- --enable-bootstrap-token-auth=true"
M="--kubeconfig=$K/controller-manager.conf --authentication-kubeconfig=$K/controller-manager.conf --authorization-kubeconfig=$K/controller-manager.conf"
unit case-manager "/opt/case/bin/kube-controller-manager $M --root-ca-file=$P/ca.crt --service-account-private-key-file=$P/sa.key --cluster-signing-cert-file=$P/ca.crt --cluster-signing-key-file=$P/ca.key --use-service-account-credentials=true --leader-elect=false --node-monitor-grace-period=16s"
unit case-scheduler "/opt/case/bin/kube-scheduler --kubeconfig=$K/scheduler.conf --authentication-kubeconfig=$K/scheduler.conf --authorization-kubeconfig=$K/scheduler.conf --leader-elect=false"
mkdir -p /etc/systemd/system/kubelet.service.d
printf '[Service]\nExecStart=\nExecStart=/opt/case/bin/kubelet --config=/var/lib/kubelet/config.yaml --kubeconfig=/etc/kubernetes/kubelet.conf --node-ip='$FIRST'\n' >/etc/systemd/system/kubelet.service.d/10-kubeadm.conf
systemctl daemon-reload; systemctl start case-api
for n in $(seq 60); do kubectl --kubeconfig $K/super-admin.conf get --raw /readyz >/dev/null 2>&1 && break; sleep 1; done
kubectl --kubeconfig $K/super-admin.conf create clusterrolebinding kubeadm:cluster-admins --clusterrole=cluster-admin --group=kubeadm:cluster-admins
systemctl start case-manager case-scheduler; systemctl restart kubelet
"""
"""API server, controller manager and scheduler as units (the manifests of kubeadm are there, no container runs here)."""
CLUSTER_RUNS = (
    f"for u in case-api case-manager case-scheduler kubelet; do systemctl is-active -q $u || exit 1; done; {KUBECTL}get --raw /readyz && "
    f"{KUBECTL}get nodes --no-headers | grep -q ' Ready ' && {KUBECTL}-n default get serviceaccount default"
)
NO_PODS = f"{KUBECTL}delete deployment,pod,pvc --all --force --grace-period=0 --wait=false; "
API = "systemctl daemon-reload; systemctl reset-failed case-api 2>/dev/null; systemctl restart case-api; "
LACKS = f"{KUBECTL}get pods --no-headers | grep -qE "


def pod(spec: str) -> str:
    """Return what makes a pod `till`: `spec` are the lines below `spec:` (two blanks before each)."""
    return (
        f"cat >/run/case-pod.yaml <<'END'\napiVersion: v1\nkind: Pod\nmetadata: {{name: till}}\nspec:\n{spec}\nEND\n"
        f"{KUBECTL}apply -f /run/case-pod.yaml; "
    )


def make_cluster(host: CaseHost) -> str:
    """Make a control plane of one node of a host that is a node; returns what it said when it does not run."""
    said = host.run(CLUSTER, 150)
    return "" if host.holds(CLUSTER_RUNS, 60) else said or "?"


def take_cluster(host: CaseHost, case: Case) -> str:
    """Take a fault back; returns what still runs differently."""
    back = host.take(case, True)
    return back or ("" if host.holds(CLUSTER_RUNS, 60) else "the control plane does not run")


CONTAINER = "  containers: [{name: till, image: registry.k8s.io/pause:3.10.2}]"
MOUNTS = CONTAINER.replace("}]", ", volumeMounts: [{name: data, mountPath: /data}]}]")
CLUSTERS3 = (
    Case(
        "a typing error in an option of the API server: it does not start",
        ("api-down",),
        f"cp -p {API_UNIT} /run/case-api; sed -i 's/--authorization-mode=Node,RBAC/--authorization-mode=Node,RABC/' {API_UNIT}; {API}sleep 12; ",
        "! timeout 3 bash -c '</dev/tcp/'$FIRST/6443 && journalctl -q -o cat -u case-api --since -30s | grep -q RABC",
        f"cp -p /run/case-api {API_UNIT}; {API}",
        node=True,
    ),
    Case(
        "another program has the port of the API server",
        ("api-down",),
        "systemctl stop case-api; systemctl reset-failed case-taker 2>/dev/null; systemd-run -q --unit=case-taker python3 -c "
        "'import socket, time; s = socket.create_server((\"\", 6443)); time.sleep(100000)'; sleep 1; "
        + API
        + "sleep 10; ",
        "journalctl -q -o cat -u case-api --since -30s | grep -q 'address already in use'",
        f"systemctl stop case-taker; {API}",
        node=True,
    ),
    Case(
        "the API server's certificate for etcd has expired, and it was restarted",
        ("certificate-expired",),
        KEEP_PKI + signed("apiserver-etcd-client", "etcd/ca", LAST_YEAR, 365) + "systemctl restart case-api; sleep 8; ",
        f"{ended(f'{PKI}/apiserver-etcd-client.crt')} && ! {KUBECTL}get --raw /readyz",
        BACK_PKI + API,
        node=True,
    ),
    Case(
        "the kubelet hangs, and the cluster calls its node NotReady",
        ("node-not-ready",),
        "systemctl kill -s STOP kubelet; sleep 20; ",
        f"{KUBECTL}get nodes --no-headers | grep -q ' NotReady ' && systemctl is-active -q kubelet",
        f"systemctl kill -s CONT kubelet; {KUBELET}",
        node=True,
    ),
    Case(
        "the kubelet has the access of a node of another cluster",
        ("certificate-broken", "node-not-ready", "kubelet-settings"),
        f"cp -p /etc/kubernetes/kubelet.conf /run/case-conf; {PATH}mkdir -p /run/case-other; rm -rf /run/case-other/*; kubeadm init phase certs ca --cert-dir /run/case-other >/dev/null; "
        "kubeadm init phase kubeconfig kubelet --cert-dir /run/case-other --kubeconfig-dir /run/case-other --kubernetes-version v1.36.3 --apiserver-advertise-address $FIRST >/dev/null; "
        f"cp /run/case-other/kubelet.conf /etc/kubernetes/kubelet.conf; {KUBELET}sleep 22; ",
        f"{SAYS}'x509|Unauthorized' && {KUBECTL}get nodes --no-headers | grep -q ' NotReady '",
        f"cp -p /run/case-conf /etc/kubernetes/kubelet.conf; {KUBELET}",
        node=True,
        patience=45,
    ),
    Case(
        "the node was cordoned for work, and still is",
        ("pods-fail", "node-not-ready"),
        f"{KUBECTL}cordon $NAME; {pod(CONTAINER)}sleep 6; ",
        f"{KUBECTL}get nodes --no-headers | grep -q SchedulingDisabled && {LACKS}'till .*Pending'",
        f"{NO_PODS}{KUBECTL}uncordon $NAME; ",
        node=True,
    ),
    Case(
        "an application waits for a volume, and no storage class is there",
        ("pods-fail",),
        f"cat >/run/case-claim.yaml <<'END'\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: till}}\nspec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}\nEND\n{KUBECTL}apply -f /run/case-claim.yaml; "
        + pod(MOUNTS + "\n  volumes: [{name: data, persistentVolumeClaim: {claimName: till}}]")
        + "sleep 8; ",
        f"{LACKS}'till .*Pending'",
        NO_PODS,
        node=True,
    ),
    Case(
        "a profile was deployed without the ConfigMap that its pod needs",
        ("pods-fail",),
        pod(MOUNTS + "\n  volumes: [{name: data, configMap: {name: prices}}]") + "sleep 12; ",
        f"{KUBECTL}get events | grep -q 'FailedMount.*prices' && {LACKS}'till .*ContainerCreating'",
        NO_PODS,
        node=True,
        patience=45,
    ),
    Case(
        "the registry of the site is switched off, and a new pod does not start",
        ("registry-down", "image-pull"),
        pod("  hostNetwork: true\n  containers: [{name: till, image: '$SECOND:5000/shop/till:2.2'}]").replace(
            "<<'END'", "<<END"
        )
        + "sleep 15; ",
        f"{LACKS}'till .*(ErrImagePull|ImagePullBackOff|ContainerCreating)' && {SAYS}'connection refused'",
        NO_PODS,
        node=True,
        patience=45,
    ),
)
