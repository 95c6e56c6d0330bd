"""A model of control planes under faults: every state that events can lead to, with the real rules of the planner.

A state is a host that may form the cluster, the other control planes, and what they share. Faults and operators are
events, counted; what hosts do by themselves are moves, not counted: any host, any order, any delay. Hosts but the
first are interchangeable, so states that differ by their order are one.

The model is as hostile as the rules allow: a host that cannot be reached may have passed its preflight just before,
the plane never reports that the cluster was formed, and any candidate may get the grant, not only the first one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from edgewright.core.clusters import steps
from edgewright.core.clusters.actions import Action
from edgewright.core.clusters.grants import JOIN, LIMITS, REMOVE, Grant
from edgewright.core.clusters.model import ABSENT, ClusterDocument
from edgewright.core.clusters.observed import Api, Lease, Local, Node, Observed, Peer, Vip
from edgewright.core.clusters.planning import duties, forming
from edgewright.core.clusters.quorum import EtcdMember, majority
from tests.core.clusters.documents import document
from tests.core.clusters.observations import PROOF

NO_MEMBER, LEARNER, VOTER = 0, 1, 2
NO_GRANT, OPEN, PAST = "", "open", "past"


class Host(NamedTuple):
    """One control plane: power, link to the others, entry in the document, member of etcd, data on its disk."""

    up: bool = True
    cut: bool = False
    absent: bool = False
    etcd: int = NO_MEMBER
    data: bool = False
    """Only of the first one, which may form the cluster."""
    recorded: bool = False
    served: bool = False
    grant: str = NO_GRANT
    """`join open`, `join past`, `remove open`, `remove past` or nothing."""


class State(NamedTuple):
    """All hosts, how many times a cluster was formed, whether the proof is there, whether the plane runs."""

    first: Host
    others: tuple[Host, ...]
    clusters: int = 0
    marked: bool = False
    plane: bool = True

    @property
    def hosts(self) -> tuple[Host, ...]:
        return (self.first, *self.others)


class Rules(NamedTuple):
    """What may be switched off, to see that the model notices."""

    guard: bool = True
    one_grant: bool = True
    grant_until_voter: bool = True
    init_fixed: bool = True


REAL = Rules()


class Broken(AssertionError):
    """A state that must never be reached."""


def with_host(state: State, n: int, **changes: object) -> State:
    first, others, clusters, marked, plane = state
    if n == 0:
        return State(first._replace(**changes), others, clusters, marked, plane)  # type: ignore[arg-type]
    changed = others[n - 1]._replace(**changes)  # type: ignore[arg-type]
    return State(first, (*others[: n - 1], changed, *others[n:]), clusters, marked, plane)


def canonical(state: State) -> State:
    first, others, clusters, marked, plane = state
    return State(first, tuple(sorted(others)), clusters, marked, plane)


def connected(state: State, side: int | None) -> list[int]:
    """Return the hosts of a side: one that is cut off alone, or (`None`) all that are not."""
    hosts = state.hosts
    if side is not None:
        return [side] if hosts[side].up else []
    return [n for n, host in enumerate(hosts) if host.up and not host.cut]


def quorum_side(state: State) -> int | str | None:
    """Return the side with quorum, `none` when there is none."""
    return _side(tuple([(host.up, host.cut, host.etcd == VOTER) for host in state.hosts]))


@cache
def _side(hosts: tuple[tuple[bool, bool, bool], ...]) -> int | str | None:
    needed = majority(sum(1 for _, _, voter in hosts if voter))
    if sum(1 for up, cut, voter in hosts if up and voter and not cut) >= needed:
        return None
    return next((n for n, (up, cut, voter) in enumerate(hosts) if up and cut and voter and needed == 1), "none")


@lru_cache(maxsize=4096)
def desired(absent: tuple[bool, ...], init: int) -> ClusterDocument:
    base = _base(len(absent))
    members = tuple(
        dataclasses.replace(member, state=ABSENT, release_id="r", lost=True) if leaves else member
        for member, leaves in zip(base.members, absent, strict=True)
    )
    bootstrap = dataclasses.replace(base.bootstrap, init_host_uid=f"host-{init + 1}")
    return dataclasses.replace(base, members=members, bootstrap=bootstrap)


@lru_cache(maxsize=8)
def _base(size: int) -> ClusterDocument:
    return document(size)


def wanted(state: State, init: int = 0) -> ClusterDocument:
    return desired(tuple(host.absent for host in state.hosts), init)


def leader_sees(state: State) -> Observed | None:
    """Return what the leader observes, `None` while there is none: a voter on the side with quorum that may lead."""
    side = quorum_side(state)
    if side == "none" or not state.marked:
        return None
    reach = connected(state, side)  # type: ignore[arg-type]
    hosts = state.hosts
    candidates = [n for n in reach if hosts[n].etcd == VOTER]
    etcd = tuple(
        EtcdMember(str(n), f"n{n + 1}" if host.etcd == VOTER else "", host.etcd == VOTER, n in reach, False,
                   f"10.66.0.{11 + n}")
        for n, host in enumerate(hosts)
        if host.etcd
    )  # fmt: skip
    grants = [(n, *host.grant.partition(" ")) for n, host in enumerate(hosts) if host.grant]
    grant = None
    if grants:
        n, action, _, age = grants[0]
        limit = LIMITS[action]
        grant = Grant(f"host-{n + 1}", action, "", limit, limit + 1 if age == PAST else 0.0, "")
    api = Api(
        answers=True, done=PROOF, done_readable=True, etcd=etcd, lease_readable=True, grant=grant,
        # The Node of a host is not ready until its grant is over: no rule may need that.
        nodes={f"n{n + 1}": Node("u", ready=n in reach and host.recorded) for n, host in enumerate(hosts) if host.etcd},
        grantee_ready=bool(grants) and grants[0][0] in reach,
        joined={f"host-{n + 1}": 1 for n, host in enumerate(hosts) if host.recorded},
        served=frozenset(f"host-{n + 1}" for n, host in enumerate(hosts) if host.served), layers={},
    )  # fmt: skip
    seen = [Observed(f"host-{n + 1}", Local(api_ready=True, done=PROOF, etcd_epoch=1), api) for n in candidates]
    leader = next((one for one in seen if duties.may_lead(wanted(state), one)), None)
    if leader is None:
        return None
    return dataclasses.replace(leader, api=dataclasses.replace(api, lease=Lease(leader.host_uid)))


def former_sees(state: State, n: int) -> Observed:
    """Return what a host observes that may want to form the cluster."""
    hosts = state.hosts
    reach = connected(state, None) if not hosts[n].cut else [n]
    peers = {
        f"host-{m + 1}": Peer(preflight=True, api=m in reach and hosts[m].etcd == VOTER)
        for m in range(len(hosts))
        if m != n
    }
    owners = "one" if any(hosts[m].etcd == VOTER for m in reach if m != n) else "none"
    local = Local(
        etcd_epoch=1 if hosts[n].data else 0, done=PROOF if hosts[n].etcd == VOTER and state.marked else None,
        vip=Vip(owners, mac_is_ours=False),
    )  # fmt: skip
    return Observed(f"host-{n + 1}", local, Api(), peers)


def events(state: State, rules: Rules) -> Iterator[tuple[str, State]]:
    """Yield what may happen from outside: six kinds, and with a mutant the seventh."""
    for n, host in enumerate(state.hosts):
        yield (f"host {n + 1} dies", with_host(state, n, up=False)) if host.up else (
            f"host {n + 1} returns", with_host(state, n, up=True),
        )  # fmt: skip
        yield (f"link of {n + 1} " + ("joined" if host.cut else "cut"), with_host(state, n, cut=not host.cut))
        present = sum(1 for other in state.hosts if not other.absent)
        if state.plane and not host.absent and present > 1 and state.marked:
            yield f"operator removes {n + 1}", with_host(state, n, absent=True)
        if host.grant.endswith(PAST):
            # Another leader has seen the grant only now: its age counts from there.
            yield "leader changes", with_host(state, n, grant=host.grant.replace(PAST, OPEN))
        if not rules.init_fixed and state.plane and n and not state.first.up:
            seen = former_sees(state, n)
            if forming.may_form(wanted(state, n), seen, wanted(state, n).members[n]) is None:
                yield f"init moved to {n + 1}", _form(state, n)
    yield "plane " + ("killed" if state.plane else "returns"), state._replace(plane=not state.plane)


def moves(state: State, rules: Rules) -> Iterator[tuple[str, State]]:
    """Yield what hosts may do by themselves."""
    hosts = state.hosts
    doc = wanted(state)
    begins = (state.clusters == 0 or not hosts[0].data) and hosts[0].up
    if begins and forming.may_form(doc, former_sees(state, 0), doc.members[0]) is None:
        yield "init", _form(state, 0)
    if not state.marked and hosts[0].up and hosts[0].etcd == VOTER:
        yield "mark", state._replace(marked=True)
    side = quorum_side(state)
    reach = connected(state, side) if side != "none" else []  # type: ignore[arg-type]
    for n, host in enumerate(hosts):
        if host.grant.endswith(OPEN):
            yield f"limit of {n + 1} passes", with_host(state, n, grant=host.grant.replace(OPEN, PAST))
        if n in reach and not host.absent and host.served and host.etcd == NO_MEMBER:
            yield f"{n + 1} becomes a learner", with_host(state, n, etcd=LEARNER)
        if n in reach and not host.absent and host.etcd == LEARNER:
            yield f"{n + 1} becomes a voter", with_host(state, n, etcd=VOTER)
    for action in decided(state.first, state.others, state.marked, rules):
        yield from _carry_out(state, action)


def decided(first: Host, others: tuple[Host, ...], marked: bool, rules: Rules) -> tuple[Action, ...]:
    """Return what the leader may do. Neither the plane nor data of hosts that are no members is known to it."""
    return _decided(first._replace(data=False), tuple(host._replace(data=False) for host in others), marked, rules)


@lru_cache(maxsize=200_000)
def _decided(first: Host, others: tuple[Host, ...], marked: bool, rules: Rules) -> tuple[Action, ...]:
    state = State(first, others, 1, marked)
    seen = leader_sees(state)
    return tuple(granted(wanted(state), seen, rules)) if seen is not None else ()


def granted(doc: ClusterDocument, seen: Observed, rules: Rules) -> list[Action]:
    """Return every action that the lane of grants may contain."""
    if seen.api.grant is not None and rules.one_grant:
        return list(duties._grant(doc, seen)[1])
    ended = list(duties._grant(doc, seen)[1]) if seen.api.grant is not None else []
    return ended + [action for action, _ in duties._candidates(doc, seen) if action is not None]


def _carry_out(state: State, action: Action) -> Iterator[tuple[str, State]]:
    n = int(action.params["hostUid"].partition("-")[2]) - 1
    host = state.hosts[n]
    name = f"{action.step} {n + 1}"
    if action.step == steps.SERVE_JOIN:
        yield name, with_host(state, n, grant=host.grant or f"{JOIN} {OPEN}", served=True)
    elif action.step == steps.REMOVE_MEMBER:
        if not host.grant:
            yield f"grant to {name}", with_host(state, n, grant=f"{REMOVE} {OPEN}")
        else:
            yield name, with_host(state, n, etcd=NO_MEMBER)
    elif action.step == steps.END_GRANT:
        fulfilled = bool(action.params["fulfilled"])
        etcd = NO_MEMBER if not fulfilled and host.etcd == LEARNER else host.etcd
        recorded = host.recorded or fulfilled
        change = {"grant": NO_GRANT, "served": False, "etcd": etcd, "recorded": recorded}
        yield f"{name} {'fulfilled' if fulfilled else 'ended'}", with_host(state, n, **change)


def _form(state: State, n: int) -> State:
    again = state.hosts[n].data and state.hosts[n].etcd == VOTER
    formed = with_host(state, n, etcd=VOTER, data=n == 0, recorded=True)
    return state if again else formed._replace(clusters=state.clusters + 1)


def check(name: str, before: State, after: State) -> None:
    """Raise `Broken` for a step of the system that breaks a rule; faults from outside may cost the quorum."""
    if after.clusters > 1:
        raise Broken(f"{name}: formed {after.clusters} times")
    if sum(1 for host in after.hosts if host.grant) > 1:
        raise Broken(f"{name}: two grants")
    if sum(1 for host in after.hosts if host.etcd == LEARNER) > 1:
        raise Broken(f"{name}: two learners")
    if quorum_side(before) != "none" and quorum_side(after) == "none":
        raise Broken(f"{name}: quorum lost by our own action")
    if name.startswith(steps.END_GRANT) and name.endswith("fulfilled"):
        n = int(name.split()[1]) - 1
        reach = connected(before, quorum_side(before))  # type: ignore[arg-type]
        if before.hosts[n].etcd != VOTER or n not in reach:
            raise Broken(f"{name}: grant over before its host is a healthy voter")


class Result(NamedTuple):
    """How many states and steps were visited, and the end of each way that was wrong."""

    states: int
    steps: int
    broken: str = ""


Visit = Callable[[State], None]


def start(size: int, formed: bool) -> State:
    """Return hosts before the cluster is formed, or after all have joined."""
    host = Host(etcd=VOTER, recorded=True) if formed else Host()
    return State(host._replace(data=formed), (host,) * (size - 1), int(formed), formed)


def explore(first: State, depth: int, rules: Rules = REAL, visit: Visit = lambda state: None) -> Result:
    """Visit every state that at most `depth` events lead to, with all moves between them."""
    seen = {canonical(first)}
    layer = [canonical(first)]
    count = 0
    for round_ in range(depth + 1):
        queue, reached = layer, []
        while queue:
            state = queue.pop()
            reached.append(state)
            visit(state)
            for name, after in moves(state, rules):
                count += 1
                try:
                    check(name, state, after)
                except Broken as error:
                    return Result(len(seen), count, str(error))
                after = canonical(after)
                if after not in seen:
                    seen.add(after)
                    queue.append(after)
        layer = []
        if round_ == depth:
            break
        for state in reached:
            for name, after in events(state, rules):
                count += 1
                if after.clusters > 1:
                    return Result(len(seen), count, f"{name}: formed {after.clusters} times")
                after = canonical(after)
                if after not in seen:
                    seen.add(after)
                    layer.append(after)
    return Result(len(seen), count)


def settles(state: State) -> str:
    """Return what is wrong when every host is back and nothing disturbs any more, empty when all is as wanted."""
    calm = state._replace(
        first=state.first._replace(up=True, cut=False),
        others=tuple(host._replace(up=True, cut=False) for host in state.others), plane=True,
    )  # fmt: skip
    for _ in range(200):
        following = [after for name, after in moves(calm, REAL) if not name.startswith("limit")]
        if not following:
            stuck = [host for host in calm.hosts if host.grant.endswith(OPEN)]
            if not stuck:
                break
            n = calm.hosts.index(stuck[0])
            calm = with_host(calm, n, grant=stuck[0].grant.replace(OPEN, PAST))
            continue
        calm = following[0]
    else:
        return f"never ends: {calm}"
    for n, host in enumerate(calm.hosts):
        if host.grant or host.served or host.etcd == LEARNER:
            return f"host {n + 1} has a grant, a token or a learner: {calm}"
        if host.etcd != (NO_MEMBER if host.absent else VOTER):
            return f"host {n + 1} is {'still' if host.absent else 'not'} a voter: {calm}"
    return ""
