"""etcd whose database is full: the alarm is read, shown, planned for and ended, one member after the other."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edgewright.agent.clusters.kube import etcd, etcd_space, health
from edgewright.agent.clusters.kube.etcd import EtcdMember, Size, read_alarms
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.clusters import steps
from edgewright.core.clusters.model import ClusterDocument
from edgewright.core.clusters.observed import Observed
from edgewright.core.clusters.planner import plan
from edgewright.core.clusters.quorum import NOSPACE
from edgewright.core.clusters.troubles import Control, Facts, troubles
from edgewright.core.errors import Failed, Unreachable
from tests.agent.clusters.support import FakeHost, cluster, context
from tests.core.clusters import observations
from tests.core.clusters.documents import document

MB = 1_000_000


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "host")


def test_alarms_are_read_from_a_status_in_both_of_its_forms() -> None:
    texts = ["memberID:18446744073709551615 alarm:NOSPACE ", "alarm:CORRUPT  memberID:7", "etcdserver: no leader"]
    assert read_alarms({"errors": texts}) == {2**64 - 1: ["NOSPACE"], 7: ["CORRUPT"]}
    assert read_alarms({}) == {}


class Etcd:
    """An etcd with a database of 100 MB, of which history or objects may be the most."""

    def __init__(self, used: int) -> None:
        self.used, self.stored, self.did = used, 100, list[str]()
        self.raised = {1: [NOSPACE], 2: [NOSPACE]}

    def alarms(self) -> dict[int, list[str]]:
        return self.raised

    def me(self) -> int:
        return 1

    def size(self) -> Size:
        return Size(42, self.stored * MB, self.used * MB, 100 * MB)

    def compact(self, revision: int) -> None:
        self.did.append(f"compact {revision}")

    def defragment(self) -> None:
        self.did.append("defragment")
        self.stored = self.used

    def end_alarm(self, member: int, alarm: str) -> None:
        self.did.append(f"end {alarm} of {member}")
        self.raised[member].remove(alarm)


def test_history_is_removed_and_the_alarm_ends_only_with_room(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    full, step = Etcd(used=20), etcd_space.EtcdSpace()
    monkeypatch.setattr(etcd_space, "Etcd", lambda host: full)
    assert step.seen(context(host))[0] is Seen.NOT_DONE
    step.act(context(host))
    assert full.did == ["compact 42", "defragment", "end NOSPACE of 1"] and full.raised == {1: [], 2: [NOSPACE]}
    assert step.seen(context(host))[0] is Seen.DONE
    full = Etcd(used=95)
    with pytest.raises(Failed, match="need 95 MB of the 100 MB"):
        step.act(context(host))
    assert full.did == ["compact 42", "defragment"], "an alarm that would be raised at once again is not ended"


def spaces(doc: ClusterDocument, number: int, full: str) -> list[str]:
    """Return what a control plane waits for with its step `etcd-space`, an empty list without that step."""
    members = tuple(
        m._replace(alarms=(NOSPACE,) if m.name in full.split() else ()) for m in observations.etcd("n1", "n2")
    )
    seen = Observed(f"host-{number}", observations.joined(doc), observations.api(doc, members))
    actions = [action for action in plan(doc, seen).actions if action.step == steps.ETCD_SPACE]
    return [action.wait.reason if action.wait else "" for action in actions]


def test_each_full_member_makes_room_one_after_the_other_without_a_leader() -> None:
    doc = document(3)
    assert spaces(doc, 1, "") == [] and spaces(doc, 1, "n2") == []
    assert spaces(doc, 2, "n2") == [""] and spaces(doc, 1, "n1 n2") == [""]
    assert spaces(doc, 2, "n1 n2") == ["n1 makes room in etcd first"]


def test_a_full_etcd_is_named_once_even_where_it_is_unhealthy_too() -> None:
    facts = Facts(True, [Control("n1", False, True)], etcd=["n1"])
    assert [row.text for row in troubles(facts, 0.0)] == ["1 etcd member unhealthy: n1"]
    (row,) = troubles(facts._replace(full=["n1"]), 0.0)
    assert row.text == "etcd is full and stores nothing: n1" and row.hosts == ("n1",)


def test_a_look_at_members_does_not_wait_for_one_that_is_cut_off(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, waited = time.monotonic(), list[float]()
    listed = [EtcdMember(n, f"n{n}", [f"https://10.0.0.1{n}:2380"], False) for n in (1, 2, 3, 4)]

    class Slow(Etcd):
        def __init__(self, host: FakeHost, address: str = "127.0.0.1", patience: float = etcd.PATIENCE) -> None:
            super().__init__(20)
            self.address, self.patience = address, patience

        def leader(self) -> int:
            waited.append(self.patience)
            if self.address.startswith("10."):
                time.sleep(0.05)
                raise Unreachable("cut off")
            return 1

        def members(self) -> list[EtcdMember]:
            return listed

    for module in (etcd, health):
        monkeypatch.setattr(module, "Etcd", Slow)
    found = health.members_with_health(context(host, cluster(3)))
    assert [member.healthy for member in found] == [False] * 4 and found[0].alarms == (NOSPACE,)
    assert waited == [etcd.QUICK] * 5 and time.monotonic() - begun < 0.15, "all at the same time, none for long"
