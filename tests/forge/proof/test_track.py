"""Milestones: ticked in order, failed with a reason, overdue by what is waited for."""

from __future__ import annotations

import json
import ssl

import pytest

from edgewright.agent.plane import tls
from edgewright.agent.plane.client import Reply
from edgewright.agent.plane.refusals import registration_refused
from edgewright.forge.proof.log_patterns import sign_of
from edgewright.forge.proof.milestones import Mark
from edgewright.forge.proof.track import REFUSALS, Track
from edgewright.wire import protocol


def agent_tls(code: int) -> str:
    """Return what our agent says when a handshake failed with this code of OpenSSL."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return tls.explain(error, "10.77.0.1", "/etc/ca.crt", 1_800_000_000.0).message


def agent_refusal(code: str) -> str:
    """Return what our agent says when the plane refused its registration with this code."""
    reply = Reply(403, {}, json.dumps({"code": code, "message": "no"}).encode())
    return registration_refused(reply, "proof-1", "10.77.0.1:8443", "").message


FIRST = [
    "SeaBIOS (version 1.16.2)",
    "GNU GRUB  version 2.06",
    "[ 0.0] Linux version 6.1.0-56-amd64 (x)",
    "edgewright: live system up",
    "edgewright: install begins on /dev/sda",
    "edgewright: install step 1 of 11: partitioning",
    "edgewright: install done",
]
SECOND = [
    "SeaBIOS (version 1.16.2)",
    "GNU GRUB  version 2.06",
    "[ 0.0] Linux version 6.1.0-56-amd64 (x)",
    "edgewright: booted slot active",
    "edgewright: registering with https://10.77.0.1:8443 as proof-1",
]


def play(track: Track, lines: list[str], at: float = 0.0) -> float:
    for line in lines:
        at += 1
        sign = sign_of(line)
        assert sign is not None, line
        track.take(sign, at, lines)
    return at


def states(track: Track) -> dict[str, str]:
    return {key: mark.state for key, mark in track.marks.items()}


def test_a_good_installation_until_it_is_registered() -> None:
    told: list[Mark] = []
    track = Track("registered", on_mark=told.append)
    track.passed("plane", 0.0, "10.77.0.1:8443")
    track.passed("token", 0.0, "berlin")
    at = play(track, FIRST)
    assert track.installed
    assert track.next == "disk"
    track.started(at)
    at = play(track, SECOND, at)
    assert track.next == "registered"
    assert not track.done()
    track.passed("registered", at + 3, "healthy")
    assert track.done()
    assert set(states(track).values()) == {"passed"}
    assert [mark.key for mark in told] == list(track.marks)


def test_what_a_quiet_system_does_not_say_is_unseen_and_no_failure() -> None:
    track = Track("installed")
    play(track, ["edgewright: install begins on /dev/vda", "edgewright: install done"])
    track.started(5)
    play(track, ["edgewright: booted slot active"], 5)
    assert track.done()
    assert states(track)["kernel"] == "unseen"


def test_a_secure_boot_that_is_not_told_is_not_taken_for_granted() -> None:
    track = Track("login", secure_boot=True)
    play(track, ["[ 0.0] Linux version 6.1 (x)", "edgewright: live system up"])
    assert track.next == "secure-boot"
    play(track, ["[ 0.1] secureboot: Secure boot disabled"], 2)
    assert track.failed == "secure-boot"
    assert track.why is not None
    assert "Secure Boot is off" in track.why.sentence


def test_the_host_saying_that_it_is_registered_is_not_enough() -> None:
    track = Track("registered")
    at = play(track, FIRST)
    track.started(at)
    play(track, [*SECOND, "edgewright: registered as proof-1"], at)
    assert not track.done()


@pytest.mark.parametrize(
    ("lines", "at", "words"),
    [
        (["SeaBIOS (version 1)", "No bootable device."], "bootloader", "nothing that it can boot"),
        (["GNU GRUB  version 2.06", "error: bad shim signature."], "kernel", "Secure Boot refused"),
        (["Linux version 6.1 (x)", "Kernel panic - not syncing: No working init found."], "live",
         "panicked: No working init found"),
        (["Linux version 6.1 (x)", "Failed to mount block device of live image"], "live", "live image"),
        ([*FIRST[:6], "edgewright: install failed: There is no room on /dev/sda."], "installed",
         "There is no room on /dev/sda"),
        ([*FIRST[:4], "edgewright: waiting for an operator: install.device is not given"], "install",
         "install.device is not given"),
    ],
)  # fmt: skip
def test_a_failure_names_its_milestone_and_why(lines: list[str], at: str, words: str) -> None:
    track = Track("installed")
    play(track, lines)
    assert track.failed == at
    assert track.why is not None
    assert words in track.why.sentence
    assert track.why.hint
    assert states(track)[at] == "failed"
    before = track.why
    track.fail("panic", "later", 99)
    assert track.why == before, "the first reason stays"


def test_a_cause_before_the_emergency_shell_is_told_in_its_place() -> None:
    track = Track("login")
    sign = sign_of("Entering emergency mode. Exit the shell to continue.")
    assert sign is not None
    track.take(sign, 9, ["isofs_fill_super: get root inode failed", "Entering emergency mode."])
    assert track.why is not None
    assert "partition does not contain its own file system" in track.why.sentence


def test_a_machine_that_comes_back_to_the_medium_does_not_boot_from_its_disk() -> None:
    for line in ("edgewright: medium left in place: not installing again", "edgewright: install begins on /dev/sda"):
        track = Track("installed")
        at = play(track, FIRST)
        track.started(at)
        play(track, [line], at)
        assert track.failed == "disk"
        assert track.why is not None
        assert "came back to the medium" in track.why.sentence


def test_a_fall_back_to_the_passive_slot_is_a_failure() -> None:
    track = Track("installed")
    at = play(track, FIRST)
    track.started(at)
    play(track, ["edgewright: booted slot passive"], at)
    assert track.failed == "disk"


def test_a_refusal_counts_when_it_stays() -> None:
    track = Track("registered")
    at = play(track, FIRST)
    track.started(at)
    at = play(track, [*SECOND, "edgewright: registration refused: The token is not known here."], at)
    track.overdue(at + 1, [])
    assert not track.over()
    track.overdue(at + REFUSALS, [])
    assert track.failed == "registered"
    assert track.why is not None
    assert "The token is not known here" in track.why.sentence


def test_silence_is_overdue_by_the_milestone_and_steps_are_no_silence() -> None:
    track = Track("installed")
    at = play(track, FIRST[:5])
    for _ in range(10):
        at += track.patience - 1
        track.overdue(at, ["x"])
        play(track, ["edgewright: install step 2 of 11: copying"], at - 1)
    assert not track.over()
    track.overdue(at + track.patience + 1, ["x"])
    assert track.failed == "installed"
    assert track.why is not None
    assert "did not come within" in track.why.sentence


def test_a_console_without_a_word_is_told_as_that() -> None:
    track = Track("login")
    track.overdue(1000, [])
    assert track.failed == "firmware"
    assert track.why is not None
    assert "Nothing came on the serial console" in track.why.sentence


def test_kvm_is_given_less_patience() -> None:
    track = Track("login", scale=0.5)
    assert track.patience == Track("login").patience / 2


def test_the_first_boot_screen_is_where_one_logs_in() -> None:
    track = Track("login")
    play(track, ["edgewright: live system up", " Edgewright  Installing"])
    assert track.done()
    assert track.marks["login"].detail == "first-boot screen"


def test_a_starved_machine_is_told_as_that() -> None:
    track = Track("login")
    track.overdue(1000, ["Linux version 6.1", "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [python3:593]"])
    assert track.why is not None
    assert "too much else to do" in track.why.sentence


def test_why_a_host_waits_is_told_when_it_waited_too_long() -> None:
    track = Track("registered")
    at = play(track, FIRST)
    track.started(at)
    at = play(track, [SECOND[3], "edgewright: registration waits: 10.77.0.1:8443 cannot be reached."], at)
    track.overdue(at + track.patience + 1, ["x"])
    assert track.failed == "registering"
    assert track.why is not None
    assert "10.77.0.1:8443 cannot be reached" in track.why.sentence


def waiting(text: str) -> tuple[Track, float]:
    """Return a track that got as far as registering, after the host said `text`."""
    track = Track("registered")
    at = play(track, FIRST)
    track.started(at)
    return track, play(track, [*SECOND, text], at)


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        (agent_tls(20), "Put the plane's ca.crt into caCerts"),
        (agent_tls(62), "Use a name that it contains"),
        (agent_tls(10), "Compare the clocks"),
        (agent_tls(9), "Compare the clocks"),
        (agent_refusal(protocol.E_HOST_NOT_PREREGISTERED), "Put a registration token"),
    ],
)
def test_a_reason_that_does_not_pass_ends_it_early(reason: str, hint: str) -> None:
    """The sentences are the agent's own."""
    track, at = waiting(f"edgewright: registration waits: {reason}")
    track.overdue(at + REFUSALS - 1, [])
    assert not track.over()
    track.overdue(at + REFUSALS + 1, [])
    assert track.why is not None and reason.rstrip(".") in track.why.sentence
    assert track.why.hint.startswith(hint), track.why


def test_a_host_that_registers_after_all_is_not_failed_for_what_it_said_before() -> None:
    track, at = waiting(f"edgewright: registration waits: {agent_tls(20)}")
    at = play(track, ["edgewright: registered as proof-1"], at)
    track.overdue(at + REFUSALS * 2, [])
    assert not track.over()


def test_on_the_overall_limit_the_last_reason_is_told() -> None:
    track, at = waiting("edgewright: registration waits: 10.77.0.1:8443 cannot be reached.")
    track.reported(
        "10.0.0.9 does not trust this hub's certificate: it has the certificate of another CA.", at, about_host=False
    )
    track.overdue(at + REFUSALS + 1, [])
    assert not track.over()  # it may be another host's
    track.out_of_time(at + 100, [])
    assert track.why is not None
    assert "The host reports: 10.77.0.1:8443 cannot be reached. The plane reports: 10.0.0.9 does" in track.why.sentence
    assert track.why.hint.startswith("Put the plane's ca.crt into caCerts")
    track, at = waiting("edgewright: registration refused: The token is not known here.")
    track.out_of_time(at + 1, [])
    assert track.why is not None and "The token is not known here" in track.why.sentence


def test_without_a_reason_more_time_is_the_advice() -> None:
    track = Track("registered")
    at = play(track, FIRST)
    track.out_of_time(at, [])
    assert track.why is not None and track.why.hint == "Give it more time: --limit 1h"
