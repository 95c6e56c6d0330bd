"""A made-up host for the steps of a cluster: files below a folder, programs that a test answers for, a clock."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.host import Ended, Host
from edgewright.core.clusters import model
from edgewright.core.clusters.host_slice import HostSlice, Sealed

DIGEST = "sha256:" + "d" * 64
SECRET = "11" * 32
Answer = Callable[[Sequence[str]], "Ended | None"]


class FakeHost(Host):
    """Programs are answered by `answers`, the first that knows one; any other succeeds without output."""

    def __init__(self, top: Path) -> None:
        super().__init__(str(top))
        self.commands: list[list[str]] = []
        self.answers: list[Answer] = []
        self.logged: list[str] = []
        self.time = 1000.0

    def run(
        self,
        command: Sequence[str],
        seconds: float = 60.0,
        data: bytes | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Ended:
        self.commands.append(list(command))
        for answer in self.answers:
            ended = answer(command)
            if ended is not None:
                return ended
        return Ended(0, "")

    def stream(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        feed: Any = None,
        errors: list[str] | None = None,
    ) -> int:
        return self.run(command).code

    def uptime(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def report(self, text: str) -> None:
        self.logged.append(text)

    def ran(self, *start: str) -> list[list[str]]:
        """Return the commands that begin with these arguments; the program may have any folder."""
        size = len(start)
        return [c for c in self.commands if [c[0].rpartition("/")[2], *c[1:size]] == list(start)]


def member(number: int, role: str = model.CONTROL_PLANE, **more: Any) -> model.Member:
    return model.Member(f"host-{number}", f"n{number}", role, "cp", f"10.0.0.1{number}", **more)


def cluster(count: int = 1, workers: int = 0, **more: Any) -> model.ClusterDocument:
    members = [member(n) for n in range(1, count + 1)]
    members += [member(n, model.WORKER) for n in range(count + 1, count + workers + 1)]
    document = model.ClusterDocument(
        uid="c0ffee", name="edge", lineage="a" * 16, generation=1,
        kubernetes=model.Kubernetes(model.KUBEADM, "v1.36.3", {}),
        tree=model.Artefact("127.0.0.1:5000/edgewright/tree:v1", DIGEST),
        endpoint=model.Endpoint("10.0.0.100", model.VIP),
        network=model.Network("10.244.0.0/16", "10.96.0.0/16"),
        bootstrap=model.Bootstrap("host-1"),
        members=tuple(members),
    )  # fmt: skip
    return dataclasses.replace(document, **more)


def context(
    host: Host, document: model.ClusterDocument | None = None, uid: str = "host-1", argument: str = "", **sealed: Any
) -> Context:
    part = HostSlice(Sealed(**(sealed or {"cluster_secret": SECRET})))
    return Context(host, document or cluster(), part, uid, host.path("/data"), argument, ["/usr/bin/agent"])
