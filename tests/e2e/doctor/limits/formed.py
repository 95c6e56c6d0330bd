"""Faults of a cluster that the agent has formed: its containers run, its control plane is static pods."""

from __future__ import annotations

from tests.e2e.doctor.independent import Case
from tests.e2e.doctor.independent_more import Healthy

MANIFESTS = "/etc/kubernetes/manifests"
PROGRAMS = "/run/edgewright/kubernetes"
KUBECTL = f"{PROGRAMS}/kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=5s "
GET = f"{KUBECTL}get pods --no-headers "
IMAGE = f"$({KUBECTL}get pods -n kube-system -l k8s-app=kube-dns -o jsonpath='{{.items[0].spec.containers[0].image}}')"
"""The image of CoreDNS, which is on each node."""
PAGE = (
    "printf '<!DOCTYPE html>\\n<html><head><title>Log in to the network</title></head>\\n"
    "<body><form action=/login>{{name}}: <input></form></body></html>\\n' >"
)
"""What a portal answers to all who are not logged in; who fetches a file through it stores this."""
READ = "journalctl -q -o cat -u kubelet --since -40s | grep -E 'ould not process manifest file' | grep -q "


def till(container: str, more: str = "") -> str:
    """Return what makes a pod `till` with an image that is there: `container` and `more` are lines of its spec."""
    return (
        f"image={IMAGE}; cat >/run/case-pod.yaml <<END\napiVersion: v1\nkind: Pod\nmetadata: {{name: till}}\nspec:\n"
        f"  containers:\n  - {{name: till, image: $image, imagePullPolicy: Never{container}}}\n{more}END\n"
        f"{KUBECTL}apply -f /run/case-pod.yaml; "
    )


def half(name: str) -> str:
    """Return what leaves half of the manifest of a part of the control plane, as a disk that was full does."""
    path = f"{MANIFESTS}/{name}.yaml"
    return f"cp -p {path} /run/case-manifest; truncate -s $(($(stat -c %s {path}) / 2)) {path}; printf '    - --x: [' >>{path}; sleep 45; "


def whole(name: str) -> str:
    """Return what puts the manifest back."""
    return f"cp -p /run/case-manifest {MANIFESTS}/{name}.yaml; "


FORMED_RUNS = (
    f"{KUBECTL}get --raw /readyz && {KUBECTL}get nodes --no-headers | grep -q ' Ready ' && "
    f"! {GET}-A | grep -v ' Running ' | grep . && ! {GET}-A | grep ' 0/'"
)
WAITS = f"{GET}till | grep -q CreateContainerConfigError"
GONE = (
    f"{KUBECTL}delete pod till --force --grace-period=0; {KUBECTL}delete secret pw; {KUBECTL}delete configmap prices; "
)
SECRET = ", env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: pw, key: password}}}]"
SERVE = f"printf '.:5353 {{\\n  errors\\n}}\\n' >/run/case-corefile; {KUBECTL}create configmap prices --from-file=Corefile=/run/case-corefile; "
FORMED = (
    Case(
        "a container takes its variables from a ConfigMap that was not deployed",
        ("pods-fail",),
        till(", envFrom: [{configMapRef: {name: prices}}]") + "sleep 12; ",
        WAITS,
        GONE,
        patience=60,
    ),
    Case(
        "a container takes its password from a Secret that was not made",
        ("pods-fail",),
        till(SECRET) + "sleep 12; ",
        WAITS,
        GONE,
        patience=60,
    ),
    Case(
        "the Secret of a container has another key than the one it asks for",
        ("pods-fail",),
        f"{KUBECTL}create secret generic pw --from-literal=passwort=geheim; " + till(SECRET) + "sleep 12; ",
        WAITS,
        GONE,
        patience=60,
    ),
    Case(
        "the Secret of a container that ran was deleted, and the container was started again",
        ("pods-fail",),
        SERVE
        + f"{KUBECTL}create secret generic pw --from-literal=password=geheim; "
        + till(
            SECRET + ", args: [-conf, /data/Corefile], volumeMounts: [{name: data, mountPath: /data}]",
            "  volumes: [{name: data, configMap: {name: prices}}]\n",
        )
        + f"for n in $(seq 40); do {GET}till | grep -q Running && break; sleep 1; done; {KUBECTL}delete secret pw; pkill -f /data/Corefile; sleep 20; ",
        f"{WAITS} && test $({KUBECTL}get pod till -o jsonpath='{{.status.phase}}') = Running",
        GONE,
        patience=90,
    ),
    Case(
        "an image that runs as root, in a pod that may not",
        ("pods-fail",),
        till(", securityContext: {runAsNonRoot: true, runAsUser: 0}") + "sleep 12; ",
        f"{GET}till | grep -q CreateContainerConfigError",
        GONE,
        patience=60,
    ),
    Case(
        "a static pod was fetched through a portal, and is its page: no YAML",
        ("pods-fail",),
        PAGE + f"{MANIFESTS}/shop.yaml; sleep 25; ",
        READ + "shop.yaml",
        f"rm -f {MANIFESTS}/shop.yaml; ",
        patience=60,
    ),
    Case(
        "half of the manifest of the scheduler was written",
        ("pods-fail",),
        half("kube-scheduler"),
        f"{READ}kube-scheduler.yaml && ! pgrep -x kube-scheduler",
        whole("kube-scheduler"),
        patience=60,
    ),
    Case(
        "half of the manifest of the API server was written",
        ("api-down",),
        half("kube-apiserver"),
        f"{READ}kube-apiserver.yaml && ! timeout 2 bash -c '</dev/tcp/127.0.0.1/6443'",
        whole("kube-apiserver"),
        patience=60,
    ),
    Case(
        "half of the manifest of etcd was written",
        ("etcd-down",),
        half("etcd"),
        f"{READ}etcd.yaml && ! timeout 2 bash -c '</dev/tcp/127.0.0.1/2379'",
        whole("etcd"),
        patience=60,
    ),
)
WORDS = {
    "a container takes its variables from a ConfigMap that was not deployed": "ConfigMap prices",
    "a container takes its password from a Secret that was not made": "Secret pw",
    "the Secret of a container has another key than the one it asks for": "key password of the Secret",
    "the Secret of a container that ran was deleted, and the container was started again": "Secret pw",
    "an image that runs as root, in a pod that may not": "breaks non-root policy",
    "a static pod was fetched through a portal, and is its page: no YAML": "static pod shop",
    "half of the manifest of the scheduler was written": "static pod kube-scheduler",
    "half of the manifest of the API server was written": "static pod kube-apiserver",
    "half of the manifest of etcd was written": "static pod etcd",
}
"""What the first sentence of Doctor contains."""
HEALTHY = (
    Healthy("a cluster of one node, as the agent forms it", ""),
    Healthy(
        "a container with an optional ConfigMap and an optional Secret, and a disabled manifest beside the others",
        SERVE
        + till(
            SECRET.replace("key: password", "key: password, optional: true")
            + ", envFrom: [{configMapRef: {name: none, optional: true}}], args: [-conf, /data/Corefile], volumeMounts: [{name: data, mountPath: /data}]",
            "  volumes: [{name: data, configMap: {name: prices}}]\n",
        )
        + PAGE
        + f"{MANIFESTS}/.shop.yaml.old; sleep 15; ",
        GONE + f"rm -f {MANIFESTS}/.shop.yaml.old; ",
        f"{GET}till | grep -q Running",
    ),
)
