"""`site doctor` over real SSH: the page, documents, exit codes, several targets, and what it does not do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edgewright.cli.output import ASCII
from edgewright.clients.ssh.probes import sets
from edgewright.commands.site.doctor_text import page
from edgewright.commands.site.doctor_verbs import SETS, SiteDoctor
from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.document import document
from edgewright.core.text import cells
from tests import forked
from tests.clients.ssh.sshd import user_of_hosts
from tests.core.doctor.healthy import HEALTHY

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run `edgewright site doctor` as a user whose configuration has `box` (a real sshd), `shut` and `odd`."""
    folder = tmp_path_factory.mktemp("site")
    with user_of_hosts(folder, "box two") as (_, env):

        def run(*words: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "edgewright", "site", "doctor", *words]
            return forked.run(command, env=env, timeout=120)

        yield run


def test_one_host_as_a_document_and_as_a_page(site: Run) -> None:
    done = site("box", "-o", "json")
    assert "FaultFound" in done.stderr or done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["target"] == "box" and found["host"]["kernel"].startswith("Linux") and found["changed"] is False
    assert found["probes"]["read"] > 20 and found["root"] in ("root", "sudo", "refused", "missing")
    assert done.returncode == (1 if found["fault"] else 0), done.stderr
    shown = site("box").stdout
    assert ("LIKELY CAUSE" in shown) == found["fault"] != ("NO FAULT FOUND" in shown)
    assert shown.rstrip().endswith("Nothing was changed on this host.")
    assert "1 round trip" in shown.splitlines()[0]


def test_what_is_unsure_is_no_likely_cause() -> None:
    facts = HEALTHY._replace(oom_units=(("docker.service", 3),))
    text = page(document("edge-1", facts, diagnose(facts), root="sudo", seconds=1.0))
    assert "LIKELY CAUSE" not in text and "NO FAULT FOUND" in text and "ALSO SEEN" in text
    assert "\n○ The kernel ended programs for want of memory: docker.service.\n    unsure\n" in text


def test_sets_limit_what_runs(site: Run) -> None:
    found = json.loads(site("box", "--set", "time", "--set", "disk", "-o", "json").stdout)
    assert found["probes"]["total"] == len(sets.chosen(["time", "disk"]))
    assert site("box", "--set", "everything").returncode == 2


def test_several_targets_have_each_their_result(site: Run) -> None:
    done = site("box", "shut", "two", "--set", "identity", "-o", "json")
    assert [each["target"] for each in json.loads(done.stdout)] == ["box", "two"]
    assert done.returncode == 5 and "shut" in done.stderr, "the failure of one is that of the call"


def test_what_is_not_reached_has_the_code_of_its_kind(site: Run) -> None:
    assert site("shut").returncode == 5
    refused = site("odd")
    assert refused.returncode == 4 and "Traceback" not in refused.stderr
    assert site("box;reboot").returncode == 7 and site("-oProxyCommand=x").returncode == 2 and site().returncode == 2


def test_a_plan_dials_nothing(site: Run) -> None:
    done = site("shut", "--plan")
    assert done.returncode == 0 and "probes in one script" in done.stdout


def test_the_declaration_knows_the_sets_without_loading_them() -> None:
    assert SETS == sets.SETS
    assert SiteDoctor.danger == "none" and not SiteDoctor.online


FOUND: dict[str, Any] = {
    "target": "root@edge-7f3a",
    "readAt": "2026-11-29T16:40:08.421Z",
    "seconds": 2.1,
    "root": "refused",
    "host": {"name": "edge-7f3a", "uid": "", "system": "Debian GNU/Linux 12 (bookworm)", "kernel": "", "slot": ""},
    "probes": {"read": 38, "total": 40},
    "fault": True,
    "changed": False,
    "healthy": ["network eno1", "DNS"],
    "notRead": [{"reason": "needs sudo", "probes": ["agent.status", "etcd.members"]}],
    "findings": [
        {
            "symptom": "disk-full",
            "object": "/",
            "title": "a file system is full",
            "certainty": "sure",
            "followsFrom": [],
            "text": "/ is full (0 KB free of 29 GB); /var/log/journal holds 22 GB of it.",
            "evidence": [{"probe": "disk.space", "text": "/: 100 % used"}],
            "nextStep": "Free space on /.",
            "fixes": [
                {
                    "title": "shorten the journal to 500 MB",
                    "command": "journalctl --vacuum-size=500M",
                    "danger": "safe",
                    "undo": "no undo",
                    "repair": "",
                }
            ],
        },
        {
            "symptom": "unit-restarts",
            "object": "edgewright-agent",
            "title": "a unit restarts",
            "certainty": "sure",
            "followsFrom": ["disk-full:/"],
            "text": "edgewright-agent, the agent, ends and is restarted again and again.",
            "evidence": [{"probe": "units.state", "text": "edgewright-agent: loaded"}],
            "nextStep": "Read.",
            "fixes": [],
        },
        {
            "symptom": "clock-wrong",
            "object": "",
            "title": "the clock is wrong",
            "certainty": "likely",
            "followsFrom": [],
            "text": "The clock is 3 min behind this machine's.",
            "evidence": [{"probe": "time.clock", "text": "host"}],
            "nextStep": "Check the time service.",
            "fixes": [],
        },
    ],
}


def test_the_page_has_the_cause_first_and_fits_80_columns() -> None:
    lines = page(FOUND).splitlines()
    assert all(cells(line) <= 80 for line in lines), max(lines, key=cells)
    text = "\n".join(lines)
    order = [
        "LIKELY CAUSE    sure",
        "/ is full",
        "disk.space: /: 100 % used",
        "NEXT",
        "journalctl --vacuum-size=500M",
        "ALSO SEEN",
        "follows from the above",
        "apart from the above",
        "• network eno1, DNS",
        "○ not read, needs sudo",
        "Nothing was changed on this host.",
    ]
    assert sorted(order, key=text.index) == order
    assert re.search(r"`sudo -n` needs\s+a password", text)


def test_the_page_has_glyphs_that_become_ascii() -> None:
    assert page(FOUND).translate(ASCII).isascii()


def test_a_page_without_a_fault() -> None:
    text = page({**FOUND, "findings": [], "fault": False, "notRead": []})
    assert "NO FAULT FOUND" in text and "LIKELY" not in text


def test_what_a_host_sent_does_not_reach_the_terminal() -> None:
    hostile = {**FOUND, "host": {**FOUND["host"], "name": "a\x1b[2Jb", "system": "x\u202ey"}}
    assert "\x1b" not in page(hostile) and "\u202e" not in page(hostile)
