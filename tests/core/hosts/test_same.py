"""One host and one cluster: what proves it, what proves the contrary, and what proves nothing."""

from __future__ import annotations

import pytest

from edgewright.core.hosts.same import Proofs, clusters, host_proof, may_be_one

BOOT, SYSTEM = "5f0d7a1c-3e1b-4c59-9a53-0c2f3f0a9d11", "0123456789abcdef0123456789abcdef"
ONE, TWO = "0b0f6f4e-0000-4000-8000-000000000001", "0b0f6f4e-0000-4000-8000-000000000002"


def shown(uid: str = "", ca: str = "", plane: str = "", nodes: str = "edge-1 edge-2", node: str = "edge-1") -> Proofs:
    return Proofs(uid, plane, frozenset(ca.split()), frozenset(nodes.split()), node)


def test_a_host_is_its_key_its_boot_and_its_system_together() -> None:
    own = host_proof("SHA256:a", (BOOT, SYSTEM))
    assert own and own == host_proof("SHA256:a", (BOOT, SYSTEM))
    others = [("SHA256:b", (BOOT, SYSTEM)), ("SHA256:a", (BOOT.replace("5", "6"), SYSTEM))]
    assert own not in [host_proof(*each) for each in (*others, ("SHA256:a", (BOOT, SYSTEM[::-1])))]


@pytest.mark.parametrize(
    ("key", "machine"),
    [("", (BOOT, SYSTEM)), ("SHA256:a", ()), ("SHA256:a", ("", SYSTEM)), ("SHA256:a", (BOOT, "uninitialized"))],
)
def test_an_unknown_part_proves_nothing(key: str, machine: tuple[str, ...]) -> None:
    assert host_proof(key, machine) == ""


@pytest.mark.parametrize(
    ("hosts", "groups"),
    [
        ([shown(ONE), shown(ONE)], [(0, 1)]),
        ([shown(ONE, "k"), shown(TWO, "k")], [(0,), (1,)]),  # one CA of the user's own for two clusters
        ([shown(ONE, "k"), shown("", "k")], [(0, 1)]),  # a worker, which has the CA alone
        ([shown("", "k"), shown(ONE, "k"), shown(TWO, "k")], [(0,), (1,), (2,)]),  # of which of the two is it?
        ([shown("", "new old"), shown("", "old")], [(0, 1)]),  # while the CA is replaced
        ([shown("", "k"), shown("", "m")], [(0,), (1,)]),
        ([shown(), shown()], [(0,), (1,)]),  # names of nodes alone
        ([shown(plane="p"), shown(ONE, plane="p")], [(0, 1)]),
        ([shown(ONE, plane="p"), shown(TWO, plane="p")], [(0,), (1,)]),
        ([shown("", "k"), shown(ONE), shown(ONE, "k")], [(0, 1, 2)]),  # by the third one
        ([shown(ONE, "k"), shown("", "k", nodes="", node="till-1")], [(0,), (1,)]),  # no node of that cluster
        ([shown(ONE, "k")] + [shown("", "k", nodes="", node=node) for node in ("edge-2", "x")], [(0, 1), (2,)]),
        ([shown("", "k", nodes=" ".join(f"e{n}" for n in range(50))), shown("", "k", nodes="", node="x")], [(0, 1)]),
        ([shown("", "k", nodes="", node=node) for node in ("x", "edge-2")] + [shown("", "k")], [(0,), (1, 2)]),
        ([], []),
    ],
)
def test_a_cluster_is_one_where_it_is_proven(hosts: list[Proofs], groups: list[tuple[int, ...]]) -> None:
    assert clusters(hosts) == groups


def test_what_is_not_proven_may_be_one_where_nodes_have_the_same_names() -> None:
    assert may_be_one([shown()], [shown()]) and may_be_one([shown(ONE)], [shown("", "k")])
    assert not may_be_one([shown(ONE)], [shown(TWO)]), "two uids are two clusters"
    assert not may_be_one([shown("", "k")], [shown("", "m")]), "two CAs are"
    assert not may_be_one([shown()], [shown(nodes="till-1", node="till-1")])
    assert not may_be_one([shown(nodes="", node="")], [shown(nodes="", node="")]), "nothing is known"
