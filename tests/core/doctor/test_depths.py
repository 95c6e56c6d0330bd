"""Which depths of a host answer, and why one does not; what is not known is not said to answer."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.clients.ssh.probes.parsing.agent import user_data
from edgewright.core.doctor.depths import ADMIN, KUBELET, as_documents, depths
from edgewright.core.doctor.facts import Facts

READ = Facts(0.0, frozenset({"a", "b"}), {"c": "needs sudo"})


def of(name: str, root: str = "sudo", **facts: Any) -> tuple[bool | None, str, int]:
    depth = next(each for each in depths(READ._replace(**facts), root) if each.name == name)
    return depth.answers, depth.text, depth.port


@pytest.mark.parametrize(
    ("facts", "answers", "text", "port"),
    [
        ({}, None, "the ports of the host were not read", 5080),
        ({"listening": frozenset({22, 5080})}, True, "port 5080 is listened on", 5080),
        ({"listening": frozenset({22})}, False, "nothing listens on port 5080", 5080),
        ({"listening": frozenset({5443}), "user_data": {"localUIPort": "5443"}}, True, "port 5443", 5443),
        ({"listening": frozenset({5080}), "user_data": {"localUIPort": "99999"}}, True, "port 5080", 5080),
    ],
)
def test_the_local_api(facts: dict[str, Any], answers: bool | None, text: str, port: int) -> None:
    found = of("local API", **facts)
    assert (found[0], found[2]) == (answers, port) and text in found[1]


@pytest.mark.parametrize(
    ("facts", "root", "answers", "text"),
    [
        ({}, "sudo", None, "were not read"),
        ({"kube_files": frozenset({ADMIN[0]}), "api": "serves"}, "sudo", True, ADMIN[0]),
        ({"kube_files": frozenset({ADMIN[1]}), "api": "not-ready"}, "root", True, "the API is not ready"),
        ({"kube_files": frozenset({ADMIN[0]}), "api": "silent"}, "root", False, "does not answer"),
        ({"kube_files": frozenset({ADMIN[0]}), "api": "serves"}, "refused", None, "may need sudo"),
        ({"kube_files": frozenset({KUBELET[0]})}, "sudo", True, "of a worker"),
        ({"kube_files": frozenset(), "files_complete": True}, "sudo", False, "in no cluster"),
        ({"kube_files": frozenset()}, "refused", None, "closed without sudo"),
    ],
)
def test_kubectl(facts: dict[str, Any], root: str, answers: bool | None, text: str) -> None:
    found = of("kubectl", root, **facts)
    assert found[0] is answers and text in found[1]


def test_probes_and_documents() -> None:
    assert of("probes") == (True, "2 of 3 read", 0)
    assert [each["name"] for each in as_documents(depths(READ, "sudo"))] == ["local API", "kubectl", "probes"]


def test_the_port_of_the_user_data() -> None:
    site = ("file /oem/userdata", "localUIPort: 5443", "3:  hostName: edge-1")
    assert user_data(site, ())["user_data"] == {"localUIPort": "5443", "hostName": "edge-1"}
