"""Problems of hosts: rank by harm, one entry for equal causes, a next step for each."""

from __future__ import annotations

import pytest

from edgewright.core import problems as rules
from edgewright.core.filters.filters import parse
from edgewright.core.problems import HostState, Problem, host_problems, ranked
from edgewright.store.collections.hosts import HostRow
from edgewright.wire.protocol import MAX_PROBLEM_KEY

NOW = 1_800_000_000.0


def sick(uid: str, reason: str, since: float = 60, site: str = "") -> HostState:
    return HostState(uid, uid, site, True, False, reason, NOW - since, NOW - 5)


def silent(uid: str, site: str = "", since: float = 840) -> HostState:
    return HostState(uid, uid, site, True, True, "No heartbeat.", NOW - since, NOW - since)


def kinds(found: list[Problem]) -> list[str]:
    return [problem.kind for problem in found]


def test_rank_is_harm_then_number_of_hosts_then_age() -> None:
    hosts = [
        sick("a", "temperature 94 °C", 9000),
        sick("b", "clock 4 min behind the plane's", 8000),
        sick("c", "disk / 97 %", 20),
        sick("d", "disk /data 99 %", 30),
        silent("e", "berlin", 700),
        *(silent(f"l{n}", "kiel", 650) for n in range(3)),
    ]
    alert = rules.alert_problem(
        rules.AlertState("plane/storage", "plane", "StorageFull", "management plane", "disk full", "Free.", NOW, "")
    )
    certificate = rules.certificate_problem("server", NOW + 86400, NOW, True)
    assert certificate is not None
    found = ranked([certificate, *host_problems(hosts, {"berlin": 2, "kiel": 3}), alert])
    assert kinds(found) == ["plane", "link", "silent", "disk", "disk", "certificate", "clock", "heat"]
    assert [problem.subject for problem in found if problem.kind == "disk"] == ["d", "c"], "the older one first"


@pytest.mark.parametrize(
    ("reason", "kind", "action", "argument"),
    [
        ("disk / 97 %", "disk", "host disk", "/"),
        ("disk /var/lib/data 99 %", "disk", "host disk", "/var/lib/data"),
        ("clock 4 min behind the plane's (it shows 12:00)", "clock", "host logs", "chronyd.service"),
        ("3 units have failed: kubelet.service, b.service, c.service", "unit", "host logs", "kubelet.service"),
        ("unit failed: kubelet.service", "unit", "host logs", "kubelet.service"),
        ("memory 96 % used", "memory", "host logs", ""),
        ("temperature 94 °C", "heat", "host show", ""),
        ("the container runtime does not respond", "runtime", "host logs", "containerd.service"),
        ("eth1 has no link", "nic", "host show", ""),
        ("the agent cannot save its state: No space left", "agent-state", "host disk", "/"),
        ("no step can start: The reconciler cannot write /x: the disk is full.", "agent-state", "host disk", "/"),
        ("no step can start: the reconciler has not taken a request for 5 min (x)", "agent-state", "host show", ""),
        ("step trial-1 waits for an operator (exit-3)", "step", "host logs", "edgewright-step-trial-1.service"),
        ("step Preflight waits for an operator: port 6443 is in use", "step", "host logs", "edgewright-step-*.service"),
        ("LineageChanged: the restored plane has another document c", "step", "host accept", ""),
        ("something else 7", "reported", "host logs", ""),
        ("", "reported", "host logs", ""),
    ],
)
def test_each_reason_has_a_kind_and_a_next_step(reason: str, kind: str, action: str, argument: str) -> None:
    (problem,) = host_problems([sick("a", reason)], {})
    assert (problem.kind, problem.action, problem.argument) == (kind, action, argument)
    assert problem.next_step.endswith(".") and problem.owner in rules.OWNERS


def test_failed_units_are_named_by_the_first_one_that_failed() -> None:
    one, many = (
        host_problems([sick("a", reason)], {})[0]
        for reason in ("1 unit has failed: b.service", "3 units have failed: k.service, c.service, a.service")
    )
    assert (one.text, many.text) == ("b.service failed", "k.service and 2 more units failed")
    assert (many.argument, many.key) == ("k.service", "host/a/units:a.service,c.service,k.service")


def test_what_the_agent_reports_is_known_to_the_rules() -> None:
    from edgewright.agent.facts.device import Facts
    from edgewright.agent.kernel.conditions import judge

    part = {"mountPoint": "/", "totalSpace": 100, "usedSpace": 97}
    facts = Facts({"disks": [{"partitions": [part]}]}, {}, "h", "", "", "")
    work = {"step": "trial-1", "waitingFor": "operator", "errorClass": "exit-3"}
    report = judge(facts, "No space left on device", -240.0, NOW, "10.0.0.7", 0, "full; no space", work, ["c-1"])
    kinds_found = [cause.kind for cause in rules.causes_of(report.message)]
    assert "step trial-1 waits for an operator: exit-3" in report.message
    named = {"step": "cluster-0123abcd-layer-web-01", "waitingFor": "operator", "error": "no pod; no node"}
    text = "step Install an add-on web waits for an operator: no pod, no node"
    assert judge(None, "", 0.0, NOW, progress=named).message == text and len(rules.causes_of(text)) == 1
    assert kinds_found == ["disk", "agent-state", "clock", "duplicate", "agent-state", "step", "step"]


def test_a_key_lasts_while_figures_change_and_differs_for_another_cause() -> None:
    def keys(reason: str) -> list[str]:
        return [problem.key for problem in host_problems([sick("a", reason)], {})]

    assert keys("disk / 96 %") == keys("disk / 99 %") == ["host/a/disk:/"]
    assert keys("disk /data 99 %") != keys("disk / 99 %")
    assert keys("fan 2 at 100 rpm") == keys("fan 3 at 90 rpm")
    assert keys("disk / 96 %; clock 4 min behind the plane's") == ["host/a/disk:/", "host/a/clock"]


def test_the_same_fault_at_many_hosts_is_one_entry_with_a_count() -> None:
    two = [sick("a", "disk / 96 %"), sick("b", "disk / 97 %")]
    assert len(host_problems(two, {})) == 2
    (problem,) = host_problems([*two, sick("c", "disk / 98 %", 900)], {})
    assert (problem.subject, problem.text, problem.uids) == ("3 hosts", "disk / full", ("a", "b", "c"))
    assert problem.target == ("hosts", "disk>=95%") and problem.since == NOW - 900
    assert problem.key == "fault/disk:/"


def test_hosts_behind_one_link_are_one_entry() -> None:
    (problem,) = host_problems([silent(f"h{n}", "hamburg") for n in range(4)], {"hamburg": 4})
    assert (problem.key, problem.kind, problem.subject) == ("site/hamburg/link", "link", "hamburg")
    assert (problem.owner, len(problem.uids)) == ("operator", 4)


def test_many_silent_hosts_whose_neighbours_respond_share_something_else() -> None:
    (problem,) = host_problems([silent(f"h{n}", "hamburg") for n in range(4)], {"hamburg": 6})
    assert (problem.subject, problem.text, problem.owner) == ("hamburg", "4 hosts silent; 2 more respond", "host")
    single = host_problems([silent("h0", "hamburg")], {"hamburg": 6})[0]
    assert (single.owner, single.action, single.argument) == ("host", "host list", "tag.site:hamburg")


def test_a_duplicate_with_an_alert_is_not_reported_twice() -> None:
    host = sick("a", "another machine reports with this identity: 10.0.0.9; disk / 97 %")
    assert kinds(host_problems([host], {}, {"a"})) == ["disk"]
    assert kinds(host_problems([host], {})) == ["duplicate", "disk"]


def test_a_full_disk_that_no_host_reports_is_a_warning() -> None:
    (problem,) = host_problems([HostState("a", "a", disk_percent=97.2, disk_mount="/")], {})
    assert (problem.section, problem.text, problem.since) == ("warning", "disk / 97 %", None)
    assert not host_problems([HostState("a", "a", disk_percent=94.0, disk_mount="/")], {})


def test_a_certificate_is_a_problem_when_its_end_is_near() -> None:
    day = 86400.0
    assert rules.certificate_problem("hub server", NOW + 26 * day, NOW, True) is None, "it is about to be renewed"
    late = rules.certificate_problem("hub server", NOW + 20 * day, NOW, True)
    assert late is not None and late.owner == "plane" and late.text == "certificate ends in 20 days"
    ca = rules.certificate_problem("hub CA", NOW + 26 * day, NOW, False)
    assert ca is not None and ca.owner == "operator"


@pytest.mark.parametrize(
    "reason",
    [
        "x" * 118 + " " * 9 + "y",
        "disk /" + "d" * 400 + " 99 %",
        "\x1b[31mred\u202e",
        "unit failed: " + "u" * 900,
        "; ;",
    ],
)
def test_a_key_is_one_that_a_plane_takes_whatever_a_host_reports(reason: str) -> None:
    for problem in host_problems([sick("u" * 128, reason)], {}):
        assert problem.key.isprintable() and problem.key == problem.key.strip()
        assert len(problem.key) <= MAX_PROBLEM_KEY


def test_a_host_that_reports_much_has_few_problems() -> None:
    assert len(host_problems([sick("a", "; ".join(f"fault {letter}" for letter in "abcdefghijklmnop"))], {})) == 8


@pytest.mark.parametrize(
    "reason", ["disk / 97 %", "unit failed: kubelet.service", "clock 4 min behind the plane's", "x"]
)
def test_a_group_opens_to_its_hosts(reason: str) -> None:
    """The filter of a group finds each host that is in it."""
    (problem,) = host_problems([sick(f"h{n}", reason) for n in range(3)], {})
    row = HostRow("h0", "h0", health="unhealthy", reason=reason, disk_percent=97.0)
    assert parse(problem.target[1]).matches(row.get, NOW)
