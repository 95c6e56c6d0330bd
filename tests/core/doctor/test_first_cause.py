"""What explains what, and which finding is the first cause."""

from __future__ import annotations

import re
from typing import Any

import pytest

from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.document import document, is_fault
from edgewright.core.doctor.facts import (
    Agent,
    Certificate,
    LogLine,
    Member,
    Node,
    Port,
    Server,
)
from edgewright.core.doctor.findings import DANGERS, DESTRUCTIVE, NO_UNDO, SURE, UNSURE
from edgewright.core.doctor.rules.agent import CODES
from edgewright.core.doctor.symptoms import LEADS_TO, SYMPTOMS
from edgewright.wire import protocol
from tests.core.doctor.healthy import HEALTHY, NOW, PKI, disk, log, unit, units
from tests.support import ROOT


def test_a_full_disk_explains_what_follows_and_nothing_else() -> None:
    facts = HEALTHY._replace(
        file_systems=(disk(),),
        usage=(("/var/log/journal", 22_000_000), ("/root", 9000)),
        units=units(unit("edgewright-agent", "activating", sub="auto-restart", restarts=40)),
        clock_off=-180.0,
    )
    first, clock, agent = diagnose(facts).findings
    assert first.text == "/ is full (0 KB free of 29 GB); /var/log/journal has 21 GB of it."
    assert (first.symptom, first.certainty, first.explained_by) == ("disk-full", SURE, ())
    assert first.fixes[0].command == "journalctl --vacuum-size=500M" and first.fixes[0].undo == NO_UNDO
    assert (clock.symptom, clock.explained_by) == ("clock-wrong", ())
    assert agent.symptom == "unit-restarts" and agent.explained_by[0] == "disk-full:/"


@pytest.mark.parametrize(
    ("usage", "most"),
    [
        ((("/var/log", 38_000), ("/var/log/shop", 37_000), ("/var/log/syslog", 90)), "/var/log/shop has 36 MB of it"),
        ((("/var/log", 38_000), ("/var/log/a", 9000), ("/var/log/b", 8000)), "/var/log/a has 8.8 MB of it"),
        ((("/root", 90_000), ("/root/a", 9000), ("/home", 8000)), "/root has 88 MB of it, /root/a 8.8 MB"),
        ((("/root", 90_000), ("/root/a", 60_000), ("/root/a/b", 31_000)), "/root/a/b has 30 MB of it"),
        ((("/root", 90_000), ("/rootkit", 60_000)), "/root has 88 MB of it"),
    ],
)
def test_the_largest_within_the_directory_that_is_full_is_named(usage: Any, most: str) -> None:
    mount = "/var/log" if usage[0][0] == "/var/log" else "/"
    facts = HEALTHY._replace(file_systems=(disk()._replace(mount=mount),), usage=usage)
    assert diagnose(facts).findings[0].text == f"{mount} is full (0 KB free of 29 GB); {most}."


def test_a_wrong_clock_explains_certificates() -> None:
    facts = HEALTHY._replace(
        clock=NOW + 400 * 86400,
        clock_off=400 * 86400.0,
        certificates=(Certificate(PKI + "apiserver.crt", begins=NOW - 9, ends=NOW + 200 * 86400),),
        api="silent",
        agent=Agent("edgewright-agent", "active", phase="unreachable", code="CertificateExpired", registered=True),
    )
    findings = diagnose(facts).findings
    assert [f.symptom for f in findings if not f.explained_by] == ["clock-wrong"]
    certificate = next(f for f in findings if f.symptom == "certificate-expired")
    assert "Correct the clock" in certificate.next_step and all("renew" not in fix.command for fix in certificate.fixes)


def test_no_route_explains_dns_and_plane() -> None:
    facts = HEALTHY._replace(
        default_route=("", ""),
        gateway="none",
        servers=(Server("8.8.8.8", "no-route"),),
        plane_resolves=False,
        plane=Port("hub.example", 8443, "name"),
        agent=Agent("edgewright-agent", "active", phase="unreachable", code="DnsFailed", registered=True),
    )
    findings = diagnose(facts).findings
    assert findings[0].symptom == "no-route" and all(f.explained_by for f in findings[1:]) and len(findings) > 2


def test_a_stopped_runtime_explains_the_kubelet_and_not_the_agent() -> None:
    facts = HEALTHY._replace(
        units=units(
            unit("containerd", "inactive"),
            unit("kubelet", "activating", sub="auto-restart"),
            unit("edgewright-agent", "failed"),
        ),
        nodes=(Node("edge-1", "NotReady"),),
    )
    explained = {f.key: f.explained_by for f in diagnose(facts).findings}
    assert "unit-stopped:containerd" in explained["unit-restarts:kubelet"]
    assert explained["unit-failed:edgewright-agent"] == () and explained["node-not-ready:edge-1"] != ()


def test_an_etcd_that_is_full_has_its_quorum() -> None:
    members = tuple(Member(name, "", True, False) for name in "abc")
    facts = HEALTHY._replace(members=members, alarms=("NOSPACE",), etcd="unhealthy", etcd_leader=True)
    assert [f.symptom for f in diagnose(facts).findings] == ["etcd-full"]


def test_of_a_unit_that_fails_the_last_runs_count() -> None:
    lines = (
        LogLine(NOW - 900, "kubelet", "running with swap on is not supported"),
        LogLine(NOW - 600, "kubelet", "failed to load kubelet config file /var/lib/kubelet/config.yaml"),
    )
    facts = HEALTHY._replace(units=units(unit("kubelet", "failed")), kubelet_log=lines, nodes=None)
    assert [f.symptom for f in diagnose(facts).findings] == ["kubelet-settings", "unit-failed"]
    runs = [
        LogLine(NOW - 900 + n, who, text)
        for n, (who, text) in enumerate(
            (
                ("systemd", "Started kubelet.service."),
                ("kubelet", "running with swap on is not supported"),
                ("systemd", "Started kubelet.service."),
                ("kubelet", "failed to load kubelet config file /var/lib/kubelet/config.yaml"),
                ("systemd", "Started kubelet.service."),
            )
        )
    ]
    facts = facts._replace(kubelet_log=tuple(runs))
    assert [f.symptom for f in diagnose(facts).findings] == ["kubelet-settings", "unit-failed"]


def test_a_unit_that_an_operator_stopped_is_not_explained_by_a_full_disk() -> None:
    facts = HEALTHY._replace(file_systems=(disk(),), units=units(unit("edgewright-agent", "inactive")))
    assert {f.symptom: f.explained_by for f in diagnose(facts).findings}["unit-stopped"] == ()


def test_a_failed_unit_that_nobody_needs_is_no_cause() -> None:
    diagnosis = diagnose(HEALTHY._replace(failed_units=("motd-news.service",)))
    assert [(f.symptom, f.certainty) for f in diagnosis.findings] == [("unit-other-failed", UNSURE)]
    assert not is_fault(diagnosis)


def test_destructive_fixes_are_never_first_and_never_alone() -> None:
    facts = HEALTHY._replace(
        file_systems=(disk(),),
        usage=(("/var/lib/containerd", 9_000_000),),
        runtime_log=log("failed to recover state", "containerd"),
        nodes=(Node("edge-1", "NotReady"),),
    )
    fixes = [finding.fixes for finding in diagnose(facts).findings]
    assert any(fix.danger == DESTRUCTIVE for each in fixes for fix in each)
    for each in fixes:
        assert not each or each[0].danger != DESTRUCTIVE
        assert all(fix.danger in DANGERS and fix.undo and fix.command and "\n" not in fix.command for fix in each)


def test_every_edge_is_of_known_symptoms() -> None:
    assert set(LEADS_TO) <= set(SYMPTOMS)
    assert {effect for effects in LEADS_TO.values() for effect in effects} <= set(SYMPTOMS)
    assert all(name not in effects for name, effects in LEADS_TO.items())


def test_the_document_has_everything() -> None:
    found = document("root@edge-1", HEALTHY, diagnose(HEALTHY._replace(gateway="silent")), root="sudo", seconds=2.14)
    assert found["fault"] is True and found["seconds"] == 2.1 and found["host"]["name"] == "edge-1"
    (only,) = found["findings"]
    assert only["symptom"] == "gateway-silent" and only["evidence"][0]["probe"] == "network.gateway"
    assert set(only["fixes"][0]) == {"title", "command", "danger", "undo", "repair"}


def test_a_host_that_its_plane_deleted_is_known_by_the_code_of_the_agent_alone() -> None:
    """Its log may have rotated, or the line may be from before the last start."""
    agent = Agent("edgewright-agent", "active", phase="refused", code=protocol.E_HOST_DELETED, registered=True)
    first = diagnose(HEALTHY._replace(agent=agent, agent_log=())).first
    assert first is not None and (first.symptom, first.certainty) == ("credential-lost", SURE)


def test_a_deleted_host_stays_one_over_restarts_of_its_agent_until_it_registers() -> None:
    deleted = LogLine(
        NOW - 40, "python3", "The plane has deleted this host (till-3). If that was wanted, stop the agent."
    )
    lines = (deleted, LogLine(NOW - 5, "python3", "Cannot read the registration token from /etc/edgewright/token."))
    running = units(unit("edgewright-agent", "active", entered=HEALTHY.uptime and HEALTHY.uptime - 8))
    agent = Agent("edgewright-agent", "active", phase="faulty", code="Failed", registered=True)
    facts = HEALTHY._replace(agent=agent, agent_log=lines, units=running)
    first = diagnose(facts).first
    assert first is not None and first.symptom == "credential-lost"
    again = (deleted, LogLine(NOW - 20, "python3", "Registered with the plane at 10.0.0.1:8443 as x."), *lines[1:])
    assert "credential-lost" not in {each.symptom for each in diagnose(facts._replace(agent_log=again)).findings}


def test_an_empty_user_data_explains_that_the_host_registers_as_another_one() -> None:
    agent = Agent("edgewright-agent", "active", phase="refused", code="DuplicateEdgeHostUid", registered=True)
    facts = HEALTHY._replace(agent=agent, user_data_files=(("/etc/edgewright/user-data", 0),))
    assert [each.symptom for each in diagnose(facts).findings][:2] == ["user-data-broken", "duplicate-uid"]


def test_every_code_of_the_rules_is_one_that_the_agent_reports() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "edgewright" / "agent").rglob("*.py"))
    reported = {value for name, value in vars(protocol).items() if name.startswith("E_")}
    reported |= set(re.findall(r"\"([A-Z][A-Za-z]{3,40})\"", source))
    assert set(CODES) - reported == set()
