"""From an answer file to a machine that is seen to register: the appliance, a real hub, QEMU, a real terminal.

One base, one hub in a network namespace. Two proofs run at the same time (one processor each): BIOS from a USB stick
and UEFI from a CD; `EDGEWRIGHT_PROOF_WAYS=bios-usb` runs the one alone. While a host is at the plane its proof is
stopped for a moment, so that the console can be looked at.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.installer import samples
from tests.e2e.console import Console
from tests.e2e.forge.proof_installer import Installer
from tests.e2e.forge.proof_rig import Rig, Running
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.core]

BOTH = {"bios-usb": ("--bios", "--usb"), "uefi-cd": ("--uefi", "--cd")}
WAYS = {way: BOTH[way] for way in os.environ.get("EDGEWRIGHT_PROOF_WAYS", " ".join(BOTH)).split()}
LIMIT = float(os.environ.get("EDGEWRIGHT_PROOF_LIMIT", "540"))
"""Seconds that the two proofs may take at the same time, emulated."""

CROWDED = 4.0
"""Load for each processor above which a proof does not begin, unless `EDGEWRIGHT_PROOF_LIMIT` gives it the time."""
PATIENT = "EDGEWRIGHT_PROOF_LIMIT" in os.environ
"""Read here, since tests see no variable of the product."""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    made = Rig(tmp_path_factory.mktemp("proof"))
    made.must_be_possible()
    try:
        made.up()
        yield made
    finally:
        made.down()


@pytest.fixture(scope="module")
def installer(rig: Rig) -> Installer:
    with rig.in_network() as plane:
        _, token = plane.make_token("berlin-line")
    made = Installer(rig, "shop", token)
    began = time.monotonic()
    made.apply()
    print(f"the answer file became an installer in {time.monotonic() - began:.1f} s")
    return made


def test_a_wrong_token_fails_by_its_name_and_nothing_is_booted(rig: Rig) -> None:
    with rig.in_network() as plane:
        uid, token = plane.make_token("taken-back")
        assert plane.ask("PUT", f"/v1/edgehosts/tokens/{uid}/state", {"isActive": False})[0] == 204
    revoked = Installer(rig, "revoked", token)
    revoked.apply()
    done = rig.product("forge", "verify", str(revoked.iso), "-o", "json")
    assert done.returncode == 1, done.stderr
    proof = json.loads(done.stdout)
    assert proof["failedAt"] == "token"
    assert "taken-back" in proof["reason"]
    assert "taken-back" in json.loads(done.stderr)["message"]
    assert proof["label"] == "checked"
    unknown = Installer(rig, "unknown", "ewt_" + "0" * 40)
    unknown.apply()
    done = rig.product("forge", "verify", str(unknown.iso))
    assert done.returncode == 1
    assert "ewt_00…00 of the user-data is not known" in done.stderr
    assert "ewt_" + "0" * 40 not in done.stdout + done.stderr


def test_a_wrong_ca_fails_in_seconds_and_nothing_is_made(rig: Rig) -> None:
    with rig.in_network() as plane:
        _, token = plane.make_token("good-token")
    untrusting = Installer(rig, "untrusting", token, samples.CA)
    untrusting.apply()
    began = time.monotonic()
    done = rig.product("forge", "verify", str(untrusting.iso), "-o", "json")
    assert done.returncode == 1 and time.monotonic() - began < 20, done.stderr
    proof = json.loads(done.stdout)
    assert (proof["failedAt"], proof["left"], proof["uid"]) == ("plane", [], "")
    assert "was not issued by the CA in stylus.site.caCerts" in proof["reason"]
    assert proof["hint"].startswith("Put the plane's ca.crt into caCerts of the user-data")


def test_it_registers_in_each_way(rig: Rig, installer: Installer, tmux: str) -> None:
    crowd = os.getloadavg()[0] / (os.cpu_count() or 1)
    if crowd > CROWDED and not PATIENT:
        missing("e2e", f"this machine has {crowd:.1f} times as much to do as it has processors: emulation would starve")
    isos = {way: installer.copy(way) for way in WAYS}
    runs = {
        way: Running(rig.words("forge", "verify", str(isos[way]), *words, "-o", "json"), rig.env)
        for way, words in WAYS.items()
    }
    seen: dict[str, dict[str, Any]] = {}
    console: Console | None = None
    deadline = time.monotonic() + LIMIT
    try:
        console = Console(
            rig.folder / "console", rig.url, rig.data / "ca.crt", rig.data / "admin-api-key", prefix=rig.inside()
        )
        console.wait("Pulse", patience=30)
        console.press("2")
        while len(seen) < len(runs) and any(run.running for run in runs.values()) and time.monotonic() < deadline:
            look(rig, runs, console, seen)
            time.sleep(0.5)
    finally:
        if console is not None:
            console.close()
        ends = {way: run.end(max(30.0, deadline - time.monotonic())) for way, run in runs.items()}
    for way, (code, out, err) in ends.items():
        assert code == 0, f"{way}: {out}{err}"
        told(way, runs[way], json.loads(out))
    assert len(seen) == len(WAYS) > 0, "each host was seen at the plane and on the Hosts screen"
    with rig.in_network() as plane:
        assert plane.hosts() == {}, "the throw-away hosts are gone"
        names = {token["metadata"]["name"] for token in plane.ask("GET", "/v1/edgehosts/tokens")[1]["items"]}
        assert not [name for name in names if name.startswith("proof-")], "and so are their tokens"
    for iso in isos.values():
        assert json.loads(Path(f"{iso}.manifest.json").read_text())["label"] == "proven"
        log = Path(f"{iso}.proof.log").read_text()
        assert "edgewright: booted slot active" in log
        assert installer.token not in log
    assert list(rig.temporary.iterdir()) == []


def look(rig: Rig, runs: dict[str, Running], console: Console, seen: dict[str, dict[str, Any]]) -> None:
    """Look whether a new host is healthy at the plane; hold the proofs while the Hosts screen is read."""
    with rig.in_network() as plane:
        hosts = plane.hosts()
        new = [uid for uid in hosts if uid not in seen and plane.judgement(uid).get("healthState") == "healthy"]
        if not new:
            return
        for run in runs.values():
            run.send(signal.SIGSTOP)  # the machines run on; their proofs do not delete the hosts now
        try:
            for uid in new:
                document = plane.host(uid)
                if not document:
                    continue  # its proof was quicker: the other one, or the next run, shows it
                labels = document["metadata"]["labels"]
                assert {"site": "berlin", "line": "3", "installer": "shop"}.items() <= labels.items()
                assert labels["edgewright-proof"].endswith(".iso")
                console.wait_line(uid, "healthy", "berlin", patience=20)  # the UID is in full as the machine's id
                console.wait("installer:shop", "site:berlin", patience=5)
                seen[uid] = document
        finally:
            for run in runs.values():
                run.send(signal.SIGCONT)


def told(way: str, run: Running, proof: dict[str, Any]) -> None:
    """Print what the proof says, and check what it must say."""
    assert proof["proven"], proof
    assert proof["label"] == "proven"
    assert proof["left"] == []
    states = {mark["name"]: mark["state"] for mark in proof["milestones"]}
    # a line that a full serial port did not take is made good by the milestone after it
    assert all(state in ("passed", "unseen") for state in states.values()), states
    assert all(states[name] == "passed" for name in ("token", "installed", "disk", "registered")), states
    assert any("real disks" in words for words in proof["notProven"])
    marks = "  ".join(f"{mark['name']} {mark['at']}" for mark in proof["milestones"])
    print(f"{way}: {run.took:.0f} s, {proof['mediumDevice']}, {proof['accel']} ({proof['accelNote']}): {marks}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_leaves_no_machine_no_file_no_token(rig: Rig, installer: Installer, number: signal.Signals) -> None:
    iso = installer.copy("stopped")
    run = Running(rig.words("forge", "verify", str(iso), "--bios", "--accel", "tcg"), rig.env)
    deadline = time.monotonic() + 90
    while "waiting for: kernel" not in run.said and time.monotonic() < deadline:
        time.sleep(0.2)
    run.send(number)
    code, out, err = run.end(60)
    assert code == 130, out + err
    assert "kernel" in err and "Stopped; nothing partial is left." in err
    with rig.in_network() as plane:
        names = {token["metadata"]["name"] for token in plane.ask("GET", "/v1/edgehosts/tokens")[1]["items"]}
    assert not [name for name in names if name.startswith("proof-")]
    assert list(rig.temporary.iterdir()) == []
    assert not list(iso.parent.glob("stopped.iso.proof.log*"))
