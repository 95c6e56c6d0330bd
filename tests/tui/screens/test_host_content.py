from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from edgewright.commands.host.operations import Check
from edgewright.core import times
from edgewright.core.hosts import states
from edgewright.core.hosts.condition import Condition, Facts, evaluate
from tests.tui.samples import NOW, fleet, host
from tui.screens.host.condition import condition_lines
from tui.screens.host.content import (
    HostFacts,
    body,
    columns_of,
    disk_lines,
    fingerprint,
    health_lines,
    network_lines,
    origin_lines,
    work_lines,
)
from tui.screens.host.preflight import check_lines
from tui.widgets.lines import text_of


def condition(key: str, **changes: Any) -> Condition:
    known: dict[str, Any] = {"since": NOW - 840, "last_heartbeat": NOW - 840, "silence_deadline": NOW - 240}
    return evaluate(Facts("edge-7f3a", key, **{**known, **changes}), NOW)


def facts(**changes: Any) -> HostFacts:
    base = HostFacts(
        name="edge-7f3a",
        uid="uid-edge-7f3a",
        now=NOW,
        state="in-use",
        health="unhealthy",
        reason="No heartbeat from edge-7f3a for 14 min.",
        since=NOW - 240,
        condition=condition(states.UNHEALTHY_SILENT),
        last_seen=NOW - 840,
        doc=fleet()[0],
        fetched_at=NOW - 2,
    )
    return replace(base, **changes)


def test_the_answer_comes_first_with_reason_owner_and_deadline() -> None:
    said = text_of(health_lines(facts(), 80))
    assert said.splitlines()[0].startswith("▲ unhealthy for 4 min")
    assert "No heartbeat from edge-7f3a for 14 min." in said
    assert "Owner: operator. Next heartbeat overdue by 4 min. Last heartbeat 14m ago." in said


def test_a_host_that_never_connected_has_no_deadline() -> None:
    never = facts(health="unknown", last_seen=None, reason="", condition=evaluate(Facts("a", states.NEVER_SEEN), NOW))
    said = text_of(health_lines(never, 80))
    assert said.startswith("○ never connected")
    assert "Owner: host. No heartbeat yet." in said and "verdue" not in said


def test_a_healthy_host_has_no_owner_and_no_deadline_in_its_first_lines() -> None:
    calm = condition(states.HEALTHY, last_heartbeat=NOW - 21, silence_deadline=NOW + 579)
    said = text_of(health_lines(facts(health="healthy", reason="", condition=calm, last_seen=NOW - 21), 80))
    assert "Nothing is wrong with this host." in said
    assert "Last heartbeat 21s ago." in said and "Owner" not in said


def test_the_condition_shows_cause_evidence_next_check_and_legal_verbs() -> None:
    silent = condition(states.UNHEALTHY_SILENT, site="kiel", responding=3, known=3)
    said = text_of(condition_lines(silent, NOW, 80))
    assert said.splitlines()[0].endswith("overdue")
    assert "overdue for 4 min. The silence limit has passed." in said
    assert "The other 3 hosts of kiel respond, so the link is up: check the host." in " ".join(said.split())
    assert "last heartbeat: 14 min ago" in said and "neighbours: 3 of 3 of kiel respond" in said
    assert "at the next heartbeat, due 13 min ago" in said and "host logs" in said
    assert all(len(one) <= 40 for one in text_of(condition_lines(silent, NOW, 40)).splitlines())
    assert "CONDITION" in text_of(body(facts(), [], 80)) and "CONDITION" in text_of(columns_of(facts(), 80)[0])


def test_a_full_disk_is_never_called_well() -> None:
    said = text_of(health_lines(facts(health="healthy", reason="", also=("The disk / is 97 % full.",)), 80))
    assert "Nothing is wrong" not in said
    assert "▲ The disk / is 97 % full." in said


def test_virtual_cards_are_folded_and_unfold() -> None:
    said = text_of(network_lines(facts(), 80))
    assert "► eno1" in said
    assert "10.4.1.7/24" in said
    assert "28 virtual cards" in said
    assert "cali" not in said
    assert "cali0000001b" in text_of(network_lines(facts(), 80, unfold=True))


def test_disks_show_the_fullest_first_with_a_bar() -> None:
    said = text_of(disk_lines(facts(doc=host("a", "b", disk=0.97)), 80)).splitlines()
    assert said[1].split()[0] == "/"
    assert " 97 %" in said[1]
    assert "28 GB of 29 GB" in said[1]


def test_origin_names_token_and_generation() -> None:
    said = text_of(origin_lines(facts(), 80))
    assert "by token shop-install" in said
    assert "generation 7, the host has it" in said
    assert "from deviceUIDPaths" in said


def test_unknown_values_are_a_dash_never_blank_or_zero() -> None:
    said = text_of(body(facts(doc={"metadata": None, "spec": {"device": {"cpu": None, "nics": None}}}), (), 80))
    assert "hardware      -  - cpu  -" in said
    assert "0 cpu" not in said


def test_stale_values_say_their_age() -> None:
    said = text_of(health_lines(facts(lost=True, fetched_at=NOW - 600), 80))
    assert "data from 10m ago" in said


@pytest.mark.parametrize("state", ["fetching", "error", "row only"])
def test_fetching_and_failure_are_visible(state: str) -> None:
    changes: dict[str, dict[str, Any]] = {
        "fetching": {"doc": None, "fetching": True},
        "error": {"doc": None, "error": "Nothing listens at 10.4.0.2:8443."},
        "row only": {"doc": None},
    }
    said = text_of(body(facts(**changes[state]), (), 80))
    assert {"fetching": "Fetching", "error": "Nothing listens", "row only": "Only the row"}[state] in said


def test_the_link_with_the_age_of_what_it_is_concluded_from() -> None:
    doc = host("a", "b")
    doc["spec"]["edgewright"].update(
        wake="off", wakeReason="the link is metered", metered=True, bytesMonth=3.2e6, budgetMB=50
    )
    doc["status"]["edgewright"].update(interval=900, silenceLimit=2700)
    said = text_of(body(facts(doc=doc, last_seen=NOW - 300), (), 80))
    for text in (
        "link          metered, heartbeat every 15 min, silence limit 45 min",
        "new work      starts with the next heartbeat, due in 10 min (no idle",
        "reported 5 min ago)",
        "data used     3.2 of 50 MB this month",
    ):
        assert text in said, said


def test_two_columns_hold_everything() -> None:
    left, right = columns_of(facts(), 60)
    assert "MACHINE" in text_of(left)
    assert "SSH HOST KEYS" in text_of(right)
    assert max(one.width for one in [*left, *right]) <= 60


def test_fingerprint_is_the_one_that_openssh_prints() -> None:
    assert fingerprint("QUJD") == "SHA256:tdQEXD9Gb6kf4sxqvnkjKhpXzfEE96JucW4KHieJ33g"
    assert fingerprint("not base64!") == "not readable as a key"


def test_control_characters_of_a_host_never_reach_a_line() -> None:
    evil = host("a\x1b[2J", "b\u202e", reason="\x07boom\x1b]0;x\x07")
    said = text_of(body(facts(doc=evil, reason="\x1b[31mred"), (), 80))
    assert not [character for character in said if ord(character) < 32 and character != "\n"]
    assert "\u202e" not in said


def test_p69_the_step_of_a_host_is_shown_with_its_place_and_its_clock() -> None:
    progress: dict[str, Any] = {"step": "preload", "n": 4, "of": 9, "percent": 60, "attempt": 2}
    progress.update(since=times.rfc3339(NOW - 300), deadline=times.rfc3339(NOW + 300))
    doc = {"status": {"edgewright": {"progress": progress}}}
    silent = text_of(work_lines(facts(doc=doc), 120))
    assert silent.startswith("○ Last reported step: preload"), "a silent host may have gone on or stopped"
    working = facts(doc=doc, condition=condition(states.UNHEALTHY_REPORTED))
    said = text_of(work_lines(working, 120))
    assert said == "► Working: preload, step 4 of 9, 60 %, for 5 min, attempt 2, limit in 5 min."
    progress.update(waitingFor="operator", errorClass="exit-3")
    waits = text_of(work_lines(working, 200))
    assert waits.startswith("▲ ") and waits.endswith("Waits for: operator (exit-3).")
    assert work_lines(facts(), 80) == [] and text_of(health_lines(working, 200)).count("Step waits:") == 1


@pytest.mark.parametrize("width", [40, 80, 200])
def test_p71_a_failed_check_has_its_next_step_below_it(width: int) -> None:
    lines = check_lines(Check("swap", "failed", "on: /dev/sda2", "swapoff -a"), width)
    assert text_of(lines).splitlines()[0] == "‼ swap        on: /dev/sda2"
    assert text_of(lines).splitlines()[1].strip() == "→ swapoff -a"
    assert all(len(line) <= width for line in text_of(lines).splitlines())
