"""The quorum guard: etcd continues only while more than half of its voters are healthy, as etcd itself reports.

A change of the members is allowed when healthy voters are at least `n // 2 + 1` before it and after it. What etcd does
not report is never taken for healthy.
"""

from __future__ import annotations

from typing import NamedTuple, Sequence, Tuple

NOSPACE = "NOSPACE"
"""The alarm of etcd for a member whose database has reached its quota: no value can be stored until it is ended."""


class EtcdMember(NamedTuple):
    """A member as etcd reports it. `name` is empty for one that was added and has never started."""

    id: str
    name: str
    voter: bool = True
    healthy: bool = False
    leader: bool = False
    address: str = ""
    alarms: Tuple[str, ...] = ()
    """Alarms of etcd about this member, such as `NOSPACE`: with one, etcd takes no new values."""

    @property
    def started(self) -> bool:
        """Return whether it has ever started: etcd learns its name then."""
        return bool(self.name)


class Verdict(NamedTuple):
    """The result of the guard with its numbers."""

    allowed: bool
    reason: str


def majority(voters: int) -> int:
    """Return how many healthy voters are needed: `n // 2 + 1`."""
    return voters // 2 + 1


def tolerated(voters: int) -> int:
    """Return how many voters may fail."""
    return max(0, voters - majority(voters))


def healthy(members: Sequence[EtcdMember]) -> int:
    """Return the number of healthy voters."""
    return sum(1 for member in members if member.voter and member.healthy)


def voters(members: Sequence[EtcdMember]) -> int:
    """Return the number of voters."""
    return sum(1 for member in members if member.voter)


def may_add(members: Sequence[EtcdMember]) -> Verdict:
    """Return whether a control plane may join: quorum now and with the new voter, and only voters.

    A new member is a learner at first, and etcd makes it a voter only when it has caught up: it counts as healthy then.
    """
    now, count = voters(members), healthy(members)
    learners = [member for member in members if not member.voter]
    if count < majority(now) or now == 0:
        return Verdict(False, _now(count, now))
    if learners:
        return Verdict(False, f"etcd has a learner ({learners[0].name or 'never started'}); one joins at a time")
    if any(not member.started for member in members):
        return Verdict(False, "a member of etcd has never started; it is removed first")
    if count + 1 < majority(now + 1):
        return Verdict(False, _after(count + 1, now + 1))
    return Verdict(True, f"{count} of {now} voters healthy; {majority(now + 1)} of {now + 1} are needed afterwards")


def may_remove(members: Sequence[EtcdMember], identifier: str) -> Verdict:
    """Return whether a member may be removed: quorum among those that remain, and now.

    A learner, or one that never started, has no vote: removing it needs quorum now alone.
    """
    target = next((member for member in members if member.id == identifier), None)
    now, count = voters(members), healthy(members)
    if target is None:
        return Verdict(False, f"etcd has no member {identifier}")
    if count < majority(now):
        return Verdict(False, _now(count, now))
    if not target.voter:
        return Verdict(True, f"{count} of {now} voters healthy; the member has no vote")
    if now == 1:
        return Verdict(False, "it is the only voter of etcd")
    left = count - (1 if target.healthy else 0)
    if left < majority(now - 1):
        return Verdict(False, _after(left, now - 1))
    return Verdict(True, f"{left} of {now - 1} voters healthy afterwards; {majority(now - 1)} are needed")


def _now(count: int, total: int) -> str:
    return f"etcd has no quorum: {count} of {total} voters healthy, {majority(total)} are needed"


def _after(count: int, total: int) -> str:
    return f"etcd would have no quorum: {count} of {total} voters healthy afterwards, {majority(total)} are needed"
