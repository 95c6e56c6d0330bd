"""Rule P58: what is sent and when, with a controlled clock: storms behind one link, growth, recovery, restarts."""

from __future__ import annotations

from collections.abc import Callable

from edgewright.core.problems import HostState, Problem, host_problems
from edgewright.hub.resources.alerts.incidents import Incident, Incidents, ReceiverView, Rhythm
from edgewright.hub.resources.alerts.joined import incident_name

SITE = "nord"
OPS = ReceiverView("ops", "")


class Fleet:
    """A site of hosts with a clock; `tick` looks at it once and returns the messages as `event count`."""

    def __init__(self, hosts: int, rhythm: Rhythm | None = None) -> None:
        self.now = 1_000_000.0
        self.hosts = [f"h{number:03d}" for number in range(hosts)]
        self.silent: dict[str, float] = {}
        self.late: set[str] = set()
        self.heard: dict[str, float] = {}
        self.quiet: set[str] = set()
        self.seen_by: set[str] = set()
        self.receivers = [OPS]
        self.incidents = Incidents([], rhythm or Rhythm())

    def restart(self) -> None:
        """The hub starts again: what was stored is there, the rest is not; nobody counts as silent."""
        known = list(self.incidents.known.values())
        self.incidents = Incidents(known, self.incidents.rhythm)

    def problems(self) -> list[Problem]:
        states = [
            HostState(uid, uid, SITE, unhealthy=True, silent=True, since=at, last_seen=at)
            for uid, at in self.silent.items()
        ]
        return host_problems(states, {SITE: len(self.hosts)})

    def tick(self, seconds: float = 5.0) -> list[str]:
        self.now += seconds
        incidents = self.incidents
        incidents.watch("", {SITE: len(self.silent)} if self.silent else {}, self.now)
        step = incidents.step(
            "", {problem.key: problem for problem in self.problems()}, self.receivers, self.now,
            calm=lambda problem: not self.late and incidents.calm("", SITE, self.now),
            gateway=self.gateway,
            over=self._over,
            silenced=self.quiet.__contains__,
            acknowledged=self.seen_by.__contains__,
        )  # fmt: skip
        incidents.take(step)
        return [f"{message.event} {message.problem['hosts']}" for message in step.messages]

    def gateway(self, problem: Problem) -> str:
        return ""

    def _over(self, incident: Incident) -> bool:
        return all(self.heard.get(uid, 0.0) >= incident.seen for uid in incident.uids)

    def lose(self, *uids: str) -> None:
        self.silent.update(dict.fromkeys(uids, self.now))
        self.late.difference_update(uids)

    def back(self, *uids: str) -> None:
        for uid in uids:
            self.silent.pop(uid, None)
            self.heard[uid] = self.now + 0.001

    def run(self, seconds: float, change: Callable[[], None] = lambda: None) -> list[str]:
        sent: list[str] = []
        for _ in range(int(seconds / 5)):
            change()
            sent += self.tick()
        return sent


def test_p58_a_storm_behind_one_link_is_one_message_with_a_count() -> None:
    fleet = Fleet(40)
    rest = iter(fleet.hosts)

    def next_three() -> None:
        """Their last heartbeats differ, so they become silent one after the other; those to come are late."""
        fleet.late = set(fleet.hosts) - set(fleet.silent)
        fleet.lose(*[uid for _, uid in zip(range(3), rest, strict=False)])

    sent = fleet.run(70, next_three)
    assert sent + fleet.run(300) == ["opened 40"]


def test_p58_it_recovers_as_one_also_when_its_hosts_return_over_a_minute() -> None:
    fleet = Fleet(40)
    fleet.lose(*fleet.hosts)
    assert fleet.run(30) == ["opened 40"]
    rest = iter(fleet.hosts)
    sent = fleet.run(60, lambda: fleet.back(*[uid for _, uid in zip(range(4), rest, strict=False)]))
    assert sent + fleet.run(300) == ["resolved 40"]


def test_p58_a_storm_that_grows_later_is_followed_and_not_repeated() -> None:
    fleet = Fleet(40)
    fleet.lose(*fleet.hosts[:5])
    assert fleet.run(30) == ["opened 5"]
    sent = fleet.run(1200, lambda: fleet.lose(*fleet.hosts[: len(fleet.silent) + 1][:30]))
    counts = [int(text.split()[1]) for text in sent]
    assert all(text.startswith("changed") for text in sent) and counts == sorted(counts) and counts[-1] == 30
    assert len(sent) <= 5, "growth is sent ever more rarely, the last figure at last"


def test_p58_hosts_that_stay_silent_after_the_link_is_back_keep_the_alert_until_the_last_returns() -> None:
    fleet = Fleet(10)
    fleet.lose(*fleet.hosts)
    assert fleet.run(30) == ["opened 10"]
    fleet.back(*fleet.hosts[2:])
    assert fleet.run(300) == ["changed 2"]
    fleet.back(*fleet.hosts[:2])
    assert fleet.run(30) == ["resolved 2"]


def test_p58_a_host_that_was_silent_before_its_link_ends_when_it_returns_and_not_before() -> None:
    fleet = Fleet(10)
    fleet.lose("h000")
    assert fleet.run(30) == ["opened 1"]
    fleet.lose(*fleet.hosts)
    assert fleet.run(60) == ["opened 10"]
    fleet.back(*fleet.hosts[1:])
    assert fleet.run(600) == ["changed 1"], "its own alert is still open"
    fleet.back("h000")
    assert sorted(fleet.run(30)) == ["resolved 1", "resolved 1"]


def test_p58_a_blip_is_no_message() -> None:
    fleet = Fleet(10)
    fleet.lose("h000")
    assert fleet.tick() == []
    fleet.back("h000")
    assert fleet.run(60) == []


def test_p58_a_site_that_is_never_calm_is_sent_after_a_while() -> None:
    fleet = Fleet(10)
    fleet.lose("h000")
    fleet.late = {"h001"}
    assert fleet.run(Rhythm().most - 5) == []
    assert fleet.run(15) == ["opened 1"]


def test_p58_a_restart_of_the_hub_opens_and_resolves_nothing() -> None:
    fleet = Fleet(10)
    fleet.lose(*fleet.hosts)
    assert fleet.run(30) == ["opened 10"]
    fleet.silent.clear()  # silence counts from the start again (rule P18)
    fleet.restart()
    assert fleet.run(600) == []
    fleet.lose(*fleet.hosts)
    assert fleet.run(600) == []
    fleet.back(*fleet.hosts)
    assert fleet.run(30) == ["resolved 10"]


def test_p58_an_end_during_a_silence_is_sent_after_it_and_a_return_is_not() -> None:
    fleet = Fleet(10)
    fleet.lose(*fleet.hosts)
    assert fleet.run(30) == ["opened 10"]
    fleet.quiet.add(f"site/{SITE}/link")
    fleet.back(*fleet.hosts)
    assert fleet.run(300) == []
    fleet.quiet.clear()
    assert fleet.run(10) == ["resolved 10"]
    fleet.lose(*fleet.hosts)
    assert fleet.run(120) == ["opened 10"]
    fleet.quiet.add(f"site/{SITE}/link")
    fleet.back(*fleet.hosts)
    fleet.run(60)
    fleet.lose(*fleet.hosts)
    fleet.run(60)
    fleet.quiet.clear()
    assert fleet.run(60) == []


def test_p58_an_acknowledged_storm_sends_neither_growth_nor_repetition_but_its_end() -> None:
    fleet = Fleet(20)
    fleet.receivers = [OPS._replace(repeat=300.0)]
    fleet.lose(*fleet.hosts[:5])
    assert fleet.run(400) == ["opened 5", "repeated 5"]
    fleet.seen_by.add(f"site/{SITE}/silent")
    fleet.lose(*fleet.hosts[:15])
    assert fleet.run(2000) == []
    fleet.back(*fleet.hosts)
    assert fleet.run(30) == ["resolved 5"]


def test_p58_a_receiver_that_is_added_later_gets_what_is_open_and_others_nothing_again() -> None:
    fleet = Fleet(10)
    fleet.lose(*fleet.hosts)
    assert fleet.run(30) == ["opened 10"]
    fleet.receivers.append(ReceiverView("late", ""))
    assert fleet.run(60) == ["opened 10"]
    assert incident_name("site/a/b/link") == "site/a/b" and incident_name("host/x/silent") == "host/x/silent"


class Region(Fleet):
    """Very many sites of two hosts."""

    def problems(self) -> list[Problem]:
        states = [
            HostState(uid, uid, f"site-{int(uid[1:]) // 2}", unhealthy=True, silent=True, since=at, last_seen=at)
            for uid, at in self.silent.items()
        ]
        return host_problems(states, dict.fromkeys((state.site for state in states), 2))


def test_p58_silence_of_very_many_sites_is_one_message_also_when_it_comes_over_a_minute() -> None:
    fleet = Region(400)
    rest = iter(fleet.hosts)
    sent = fleet.run(60, lambda: fleet.lose(*[uid for _, uid in zip(range(50), rest, strict=False)]))
    sent += fleet.run(300)
    assert sent[0].startswith("opened") and sent[-1] == "changed 400" and len(sent) == 2, sent
    fleet.back(*fleet.hosts[4:])
    assert fleet.run(600) == ["changed 4"]
    fleet.back(*fleet.hosts)
    assert fleet.run(30) == ["resolved 4"]


def test_p58_a_site_that_fails_long_after_a_storm_has_its_own_message() -> None:
    fleet = Region(400)
    fleet.lose(*fleet.hosts[:200])
    assert fleet.run(60) == ["opened 200"]
    fleet.run(600)
    fleet.lose(*fleet.hosts[300:302])
    assert fleet.run(60) == ["opened 2"]


class Branch(Region):
    """Four sites of two hosts behind one address."""

    def gateway(self, problem: Problem) -> str:
        return "203.0.113.7" if len(self.silent) == len(self.hosts) else ""


def test_p58_several_sites_behind_one_address_are_one_message() -> None:
    fleet = Branch(8)
    rest = iter(fleet.hosts)
    fleet.late = set(fleet.hosts)
    sent = fleet.run(20, lambda: fleet.lose(*[uid for _, uid in zip(range(2), rest, strict=False)]))
    assert sent + fleet.run(300) == ["opened 8"]
    ((_, name),) = fleet.incidents.known
    assert name == "gateway/203.0.113.7"
    fleet.back(*fleet.hosts)
    assert fleet.run(30) == ["resolved 8"]


def test_p58_a_receiver_that_was_switched_off_gets_the_end_of_what_it_knows() -> None:
    fleet = Fleet(10)
    fleet.lose(*fleet.hosts)
    assert fleet.run(30) == ["opened 10"]
    fleet.receivers = [OPS._replace(active=False)]
    fleet.back(*fleet.hosts)
    assert fleet.run(30) == ["resolved 10"]
    fleet.lose("h000")
    assert fleet.run(60) == []
