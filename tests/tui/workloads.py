"""Objects of a cluster in each state, with a fixed clock: what the screens of its workloads are shown."""

from __future__ import annotations

from typing import Any

from edgewright.core.times import DAY
from tests.tui.fake_cluster_api import FakeClusterApi
from tests.tui.samples import ago

PODS, NODES, NAMESPACES = "/api/v1/pods", "/api/v1/nodes", "/api/v1/namespaces"
DEPLOYMENTS, SERVICES, EVENTS = "/apis/apps/v1/deployments", "/api/v1/services", "/api/v1/events"
STATEFULSETS, DAEMONSETS = "/apis/apps/v1/statefulsets", "/apis/apps/v1/daemonsets"
MACHINES = "/apis/kubevirt.io/v1/virtualmachines"


def meta(name: str, namespace: str = "", age: float = 3 * DAY, **more: Any) -> dict[str, Any]:
    """Return the metadata of an object."""
    return {
        "name": name, "uid": f"uid-{name}", "creationTimestamp": ago(age), "resourceVersion": "7",
        **({"namespace": namespace} if namespace else {}), **more,
    }  # fmt: skip


def owner(kind: str, name: str) -> dict[str, Any]:
    """Return metadata with a controller."""
    return {"ownerReferences": [{"kind": kind, "name": name, "controller": True, "uid": "u", "apiVersion": "apps/v1"}]}


def pod(
    name: str, namespace: str = "shop", state: str = "Running", node: str = "edge-7f3a", gpus: int = 0, **more: Any
) -> dict[str, Any]:
    """Return a pod: Running, Pending, Completed, or what its container waits for."""
    restarts, age = more.pop("restarts", 0), more.pop("age", 3 * DAY)
    resources = {"requests": {"cpu": "100m", **({"nvidia.com/gpu": str(gpus)} if gpus else {})}}
    labels = {"app": name.split("-")[0]}
    status: dict[str, Any] = {"phase": "Running", "podIP": "10.244.1.17"}
    container: dict[str, Any] = {"name": "main", "ready": True, "restartCount": restarts, "lastState": {}}
    container["state"] = {"running": {"startedAt": ago(age)}}
    status["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": ago(age)}]
    if state == "Pending":
        message = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
        scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        status, container = {"phase": "Pending", "conditions": [scheduled]}, {}
    elif state == "Completed":
        container |= {"ready": False, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
        status["phase"] = "Succeeded"
    elif state != "Running":
        ended = {"exitCode": 1, "reason": "Error", "finishedAt": ago(120)}
        waiting = {"reason": state, "message": f"back-off 5m0s restarting failed container=main pod={name}"}
        container |= {"ready": False, "state": {"waiting": waiting}, "lastState": {"terminated": ended}}
        status["conditions"] = [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]
    return {
        "kind": "Pod", "apiVersion": "v1",
        "metadata": meta(name, namespace, age, labels=labels, **more.pop("metadata", {})),
        "spec": {
            "nodeName": "" if state == "Pending" else node,
            "containers": [{"name": "main", "image": "registry.example/web:1.4.2", "resources": resources}],
        },
        "status": {**status, **({"containerStatuses": [container]} if container else {})},
    }  # fmt: skip


def node(name: str, ready: bool = True, gpus: int = 0, cordoned: bool = False) -> dict[str, Any]:
    """Return a node."""
    size = {"cpu": "8", "memory": "32768Mi", "pods": "110", **({"nvidia.com/gpu": str(gpus)} if gpus else {})}
    message = "" if ready else "container runtime network not ready: cni plugin not initialized"
    state = {
        "type": "Ready",
        "status": "True" if ready else "False",
        "message": message,
        "lastTransitionTime": ago(840),
    }
    info = {"kubeletVersion": "v1.36.3", "osImage": "Debian GNU/Linux 12", "architecture": "amd64"}
    status = {"allocatable": size, "capacity": size, "conditions": [state], "nodeInfo": info}
    return {
        "kind": "Node", "apiVersion": "v1",
        "metadata": meta(name, labels={"node-role.kubernetes.io/control-plane": "", "kubernetes.io/arch": "amd64"}),
        "spec": {"unschedulable": cordoned},
        "status": {**status, "addresses": [{"type": "InternalIP", "address": "10.4.1.7"}]},
    }  # fmt: skip


def deployment(name: str, wanted: int, available: int, message: str = "", namespace: str = "shop") -> dict[str, Any]:
    """Return a deployment; with a message its rollout failed."""
    conditions = [{"type": "Available", "status": "True" if available >= wanted else "False",
                   "message": "Deployment does not have minimum availability."}]  # fmt: skip
    if message:
        late = {"reason": "ProgressDeadlineExceeded", "message": message}
        conditions.append({"type": "Progressing", "status": "False", **late})
    counts = {"readyReplicas": available, "updatedReplicas": wanted, "availableReplicas": available}
    spec = {"containers": [{"name": "main", "image": f"registry.example/{name}:1.4.2"}]}
    return {
        "kind": "Deployment", "apiVersion": "apps/v1", "metadata": meta(name, namespace, generation=2),
        "spec": {"replicas": wanted, "selector": {"matchLabels": {"app": name}}, "template": {"spec": spec}},
        "status": {**counts, "observedGeneration": 2, "conditions": conditions},
    }  # fmt: skip


def stateful(name: str, wanted: int, available: int) -> dict[str, Any]:
    """Return a stateful set."""
    status = {"currentRevision": f"{name}-1", "updateRevision": f"{name}-1"}
    made = deployment(name, wanted, available)
    return {**made, "kind": "StatefulSet", "status": {**made["status"], **status}}


def daemon(name: str, wanted: int, available: int, misplaced: int = 0) -> dict[str, Any]:
    """Return a daemon set; it may have pods on nodes that it does not select."""
    status = {
        "desiredNumberScheduled": wanted, "numberReady": available, "updatedNumberScheduled": wanted,
        "numberAvailable": available, "numberMisscheduled": misplaced, "observedGeneration": 2,
    }  # fmt: skip
    return {**deployment(name, wanted, available, namespace="kube-system"), "kind": "DaemonSet", "status": status}


def machine(name: str, state: str = "Running", message: str = "") -> dict[str, Any]:
    """Return a virtual machine of KubeVirt; with a message it is not ready."""
    ready = {"type": "Ready", "status": "False" if message else "True", "message": message}
    return {
        "kind": "VirtualMachine", "apiVersion": "kubevirt.io/v1", "metadata": meta(name, "shop"),
        "spec": {"runStrategy": "Always"},
        "status": {"printableStatus": state, "ready": not message, "conditions": [ready]},
    }  # fmt: skip


def service(name: str, kind: str = "ClusterIP", address: str = "", namespace: str = "shop") -> dict[str, Any]:
    """Return a service; a load balancer without an address waits for one."""
    ingress = {"loadBalancer": {"ingress": [{"ip": address}]} if address else {}}
    spec = {"type": kind, "clusterIP": "10.96.0.17", "ports": [{"port": 80, "nodePort": 30080 if address else 0}]}
    return {
        "kind": "Service", "apiVersion": "v1", "metadata": meta(name, namespace),
        "spec": {**spec, "selector": {"app": name}}, "status": ingress,
    }  # fmt: skip


def event(name: str, about: str, reason: str, message: str, kind: str = "Normal", age: float = 60) -> dict[str, Any]:
    """Return an event about a pod."""
    return {
        "kind": "Event", "apiVersion": "v1", "metadata": meta(name, "shop", age), "reason": reason, "message": message,
        "involvedObject": {"kind": "Pod", "name": about, "namespace": "shop"}, "type": kind, "count": 3,
        "lastTimestamp": ago(age), "source": {"component": "kubelet"},
    }  # fmt: skip


HEALTHY_PODS = [
    pod("web-7d9f8c6b5-2xk4q", metadata=owner("ReplicaSet", "web-7d9f8c6b5")),
    pod("web-7d9f8c6b5-9pl7w", node="edge-11d0", metadata=owner("ReplicaSet", "web-7d9f8c6b5")),
    pod("vision-0", gpus=2, node="edge-11d1", metadata=owner("StatefulSet", "vision")),
    pod("coredns-6f6b679f8f-abcde", "kube-system"),
]
FAILED_PODS = [
    pod("web-7d9f8c6b5-zzzzz", state="CrashLoopBackOff", restarts=14, age=3600),
    pod("vision-1", state="Pending", gpus=4, age=900),
    pod("report-28912", state="Completed", node="edge-11d0", age=7200),
]
OBJECTS: dict[str, list[dict[str, Any]]] = {
    PODS: HEALTHY_PODS,
    NODES: [node("edge-7f3a"), node("edge-11d0"), node("edge-11d1", gpus=4)],
    NAMESPACES: [{"metadata": meta(name)} for name in ("shop", "default", "kube-system")],
    DEPLOYMENTS: [deployment("web", 2, 2), deployment("coredns", 2, 2, namespace="kube-system")],
    STATEFULSETS: [stateful("vision", 1, 1)],
    DAEMONSETS: [daemon("cilium", 3, 3)],
    SERVICES: [service("web", "LoadBalancer", "10.4.1.100"), service("vision")],
    EVENTS: [event("e1", "web-7d9f8c6b5-2xk4q", "Pulled", "Container image is present on this machine.")],
    MACHINES: [machine("till-1"), machine("till-2")],
}
UNSCHEDULED = event(
    "e3", "vision-1", "FailedScheduling", "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.", "Warning"
)
TOO_SLOW = 'ReplicaSet "web-7d9f8c6b5" has timed out progressing.'
DEGRADED: dict[str, list[dict[str, Any]]] = {
    **OBJECTS,
    PODS: [*HEALTHY_PODS, FAILED_PODS[1]],
    NODES: [node("edge-7f3a"), node("edge-11d0", cordoned=True), node("edge-11d1", gpus=4)],
    DEPLOYMENTS: [deployment("web", 3, 2), *OBJECTS[DEPLOYMENTS][1:]],
    STATEFULSETS: [stateful("vision", 2, 1)],
    DAEMONSETS: [daemon("cilium", 3, 3, misplaced=1)],
    SERVICES: [service("web", "LoadBalancer"), service("vision")],
    EVENTS: [UNSCHEDULED, *OBJECTS[EVENTS]],
    MACHINES: [machine("till-1"), machine("till-2", "Starting", "The guest agent does not answer yet.")],
}
FAILED: dict[str, list[dict[str, Any]]] = {
    **OBJECTS,
    PODS: [*HEALTHY_PODS, *FAILED_PODS],
    NODES: [node("edge-7f3a", ready=False), node("edge-11d0", cordoned=True), node("edge-11d1", gpus=4)],
    DEPLOYMENTS: [deployment("web", 3, 1, TOO_SLOW), *OBJECTS[DEPLOYMENTS][1:]],
    STATEFULSETS: [stateful("vision", 2, 0)],
    DAEMONSETS: [daemon("cilium", 3, 1)],
    SERVICES: DEGRADED[SERVICES],
    EVENTS: [
        event("e2", "web-7d9f8c6b5-zzzzz", "BackOff", "Back-off restarting failed container main", "Warning", 30),
        UNSCHEDULED,
        *OBJECTS[EVENTS],
    ],
    MACHINES: [machine("till-1"), machine("till-2", "ErrorUnschedulable", "0/3 nodes have 64Gi of memory free.")],
}
EMPTY: dict[str, list[dict[str, Any]]] = {path: [] for path in OBJECTS}


def api(objects: dict[str, list[dict[str, Any]]]) -> FakeClusterApi:
    """Return a fake API with these objects; without the path of machines it has no KubeVirt."""
    return FakeClusterApi(objects)
