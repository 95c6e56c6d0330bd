"""A scripted world: etcd, kubelet, runtime, helm and keepalived as state machines, under the real planner."""
