"""What a field engineer does with real hosts: check, doctor, bundle, console; also over a thin and a cut link.

One of them has a cluster, which it forms while the others are looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import re
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.clients.ssh.boot.host_boot import read_boot, set_next_boot
from edgewright.clients.ssh.connection import SshConnection
from edgewright.core.boot.actions import return_to_active
from edgewright.core.doctor.findings import MACHINE
from edgewright.core.errors import EdgewrightError
from tests.clients.ssh.reach import Laptop
from tests.e2e.console import Terminal
from tests.e2e.fleet import Fleet, until
from tests.e2e.sites.places import TOKEN, Places, needed, put_editenv
from tests.e2e.sites.shop import Shop, is_built
from tests.support import missing

pytestmark = [pytest.mark.e2e]
ALL = ("gate", "behind", "tiny", "faulty")
UNREACHABLE = (5, 8)
"""Exit codes: nothing there, no answer in time."""


@pytest.fixture(scope="module")
def forming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop | None]:
    """Let a host form a cluster from the beginning on; None without the parts of Kubernetes."""
    needed()
    made = Shop(tmp_path_factory.mktemp("shop")) if is_built() else None
    yield made
    if made is not None:
        made.close()


@pytest.fixture(scope="module")
def places(
    make_fleet: Callable[..., Fleet], tmp_path_factory: pytest.TempPathFactory, forming: Shop | None
) -> Iterator[Places]:
    made = Places(make_fleet("--hosts", "4"), tmp_path_factory.mktemp("places"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def shop(places: Places, forming: Shop | None) -> Shop:
    """Return the host with its cluster, which the laptop knows as `shop`."""
    if forming is None:
        missing("kubernetes", "make kubernetes builds it")
    began = time.monotonic()
    forming.ready()
    print(f"\nwaited {time.monotonic() - began:.1f} s for the cluster")
    host_key = " ".join(forming.within("cat /etc/ssh/ssh_host_ed25519_key.pub").split()[:2])
    places.add("shop", forming.address, forming.fleet.shown["sshKey"], host_key)
    places.env["PATH"] = f"{forming.programs}:{places.env['PATH']}"
    return forming


@pytest.fixture
def links(places: Places) -> Iterator[Callable[..., None]]:
    """Return what makes a fault of a link (`down behind`); all are taken back afterwards."""

    def fault(*words: str) -> None:
        places.fleet.lab("fault", *(places.host.get(word, word) for word in words))

    yield fault
    places.fleet.lab("fault", "clear")


def opened(places: Places, target: str, size: tuple[int, int] = (132, 43)) -> Terminal:
    """Return a terminal with the console on a host."""
    return Terminal(places.env, ("site", "open", target), size)


def test_check_knows_way_and_key_of_each_host(places: Places) -> None:
    done = places.edgewright("site", "check", *ALL, "-o", "json")
    assert done.returncode == 0, done.stderr
    read = {each["target"]: each for each in json.loads(done.stdout)}
    print(json.dumps(read, indent=1))
    assert set(read) == set(ALL)


def test_the_host_behind_the_jump_host_is_not_reached_without_it(places: Places) -> None:
    done = places.edgewright("site", "check", f"root@{places.address['behind']}", "--timeout", "3")
    assert done.returncode in UNREACHABLE, done.stdout + done.stderr


def test_doctor_names_the_cause_of_the_faulty_host_alone(places: Places) -> None:
    read = {each["target"]: each for each in places.read("site", "doctor", *ALL)}
    assert [finding["symptom"] for finding in read["faulty"]["findings"]] == ["disk-full"]
    assert read["faulty"]["findings"][0]["object"] == "/var/log" and read["faulty"]["fault"]
    assert "; /var/log/shop has " in read["faulty"]["findings"][0]["text"]
    assert {name: read[name]["findings"] for name in ALL[:3]} == {name: [] for name in ALL[:3]}
    assert {each["reason"] for each in read["tiny"]["notRead"]} == {"the host has no program for it"}
    assert read["gate"]["notRead"] == read["behind"]["notRead"] == []
    print({name: read[name]["seconds"] for name in ALL})


def test_a_bundle_through_the_jump_host_has_logs_and_no_token(places: Places, tmp_path: Path) -> None:
    out = tmp_path / "behind.tar.gz"
    done = places.edgewright("site", "bundle", "behind", "--since", "10m", "--out", str(out))
    assert done.returncode == 0, done.stderr
    texts = read_bundle(out)
    index = json.loads(next(text for name, text in texts.items() if name.endswith("/index.json")))
    assert any(name.endswith("/README.txt") for name in texts) and index
    assert any("Agent 0." in text for text in texts.values()), "the agent's journal"
    assert [name for name, text in texts.items() if TOKEN in text] == []


def read_bundle(path: Path) -> dict[str, str]:
    """Return the files of a bundle as text."""
    with tarfile.open(path) as archive:
        files = ((member.name, archive.extractfile(member)) for member in archive.getmembers() if member.isfile())
        return {name: file.read().decode("utf-8", "replace") for name, file in files if file is not None}


def test_the_console_on_the_faulty_host_by_keys(places: Places) -> None:
    """Doctor, a shell, and back; at the smallest size."""
    terminal = opened(places, "faulty", (80, 24))
    try:
        terminal.wait("LIKELY CAUSE", "/var/log is full", "du -xh /var/log", patience=40)
        terminal.press("!")
        terminal.wait(f"root@{places.host['faulty']}")
        terminal.press("echo on $(hostname) $((6 * 7)); exit", "Enter")
        terminal.wait("LIKELY CAUSE", "The shell on faulty", patience=20)
        terminal.press(":quit", "Enter")
        terminal.wait("console ended with 0", patience=10)
    finally:
        terminal.close()


def test_a_thin_link_through_the_jump_host(places: Places, links: Callable[..., None]) -> None:
    """300 ms there and back, 64 kbit/s: Doctor ends, and the console shows what it does from the start."""
    links("delay", "150", "behind", "--rate", "64")
    began = time.monotonic()
    read = places.read("site", "doctor", "behind")
    took = time.monotonic() - began
    assert read["findings"] == [] and read["probes"]["read"] == read["probes"]["total"]
    terminal = opened(places, "behind")
    try:
        began = time.monotonic()
        terminal.wait("site behind", patience=20)
        shown = time.monotonic() - began
        terminal.wait("NO FAULT FOUND", patience=40)
        print(f"\ndoctor {took:.1f} s ({read['seconds']} s of it reading); screen after {shown:.1f} s, "
              f"result after {time.monotonic() - began:.1f} s")  # fmt: skip
        terminal.press("R")
        terminal.wait("esc stop reading", patience=5)
        terminal.press("Escape")
        terminal.wait("NO FAULT FOUND", patience=5)
    finally:
        terminal.close()


@pytest.mark.parametrize("how", ["link", "session"])
def test_a_cut_in_the_middle_of_a_bundle(places: Places, links: Callable[..., None], tmp_path: Path, how: str) -> None:
    """The cable is out for 5 s, or the host's sshd ends the session: the bundle is completed by the same command.

    The cut follows the first line of progress. The program stands still until it is made, so the host keeps all that
    its window of 8 KB does not let through, however fast the machine is.
    """
    out, printed = tmp_path / "gate.tar.gz", tmp_path / "printed"
    words = [sys.executable, "-m", "edgewright", "site", "bundle", "gate", "--rate", "2K", "--out", str(out)]
    with printed.open("w") as file:
        running = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT, env=places.env, cwd=tmp_path)
    try:
        at = until("the first progress", 60, lambda: progress(printed), every=0.02)[0]
        running.send_signal(signal.SIGSTOP)
        if how == "link":
            links("link", "down", "gate")
            running.send_signal(signal.SIGCONT)
            time.sleep(5)
            assert running.poll() is None, "it is no end while the cable is out"
            links("link", "up", "gate")
        else:
            assert places.within("gate", "pkill -f '[s]shd: root@notty' && echo cut").strip() == "cut"
            running.send_signal(signal.SIGCONT)
        assert running.wait(90) == 0, printed.read_text()
    finally:
        running.kill()
        running.wait()
    said, end = printed.read_text(), progress(printed)[-1]
    print(f"\ncut at {at[0]} of {at[1]} entries, {at[2]}; at the end {end[0]}, {end[2]}")
    assert int(at[0]) < int(at[1]) // 2 and end[0] == end[1], said
    assert any(name.endswith("/index.json") for name in read_bundle(out)), said
    if how == "session":
        assert "again" in said, said


def progress(printed: Path) -> list[tuple[str, str, str]]:
    """Return the lines of progress so far: entries settled, all entries, what was received."""
    return re.findall(r": (\d+) of (\d+) entries, ([\d.]+ [KM]?B) received", printed.read_text())


def test_a_cut_under_the_open_console(places: Places, links: Callable[..., None]) -> None:
    """The log of the agent is read; what was read stays and is marked; the connection comes back without a key."""
    terminal = opened(places, "gate")
    try:
        terminal.wait("NO FAULT FOUND", patience=40)
        terminal.press("l")
        terminal.wait("Log on gate", "edgewright-agent")
        terminal.press("Down", "Enter")
        terminal.wait("log of edgewright-agent", "Agent 0.")
        terminal.press("Escape")
        terminal.wait("NO FAULT FOUND")
        links("link", "down", "gate")
        began = time.monotonic()
        terminal.wait("connection lost", "NO FAULT FOUND", patience=45)
        lost = time.monotonic() - began
        links("link", "up", "gate")
        began = time.monotonic()
        terminal.wait("• open", "NO FAULT FOUND", patience=40)
        print(f"\nthe cut was noticed after {lost:.1f} s; back {time.monotonic() - began:.1f} s after the link")
    finally:
        terminal.close()


def test_the_power_is_cut_in_the_middle_of_an_upload(places: Places, links: Callable[..., None]) -> None:
    """The old file is as it was; when the power is back the same command completes the upload by itself."""
    old = "#cloud-config\nold: true\n"
    places.within(
        "gate", f"mkdir -p /oem; cd /oem; printf %s '{old}' >90_custom.yaml; chown 12:34 *.yaml; chmod 640 *.yaml; sync"
    )
    new, folder = places.home / "new.yaml", places.fleet.disk(places.host["gate"]) / "oem"
    new.write_bytes(random.Random(9).randbytes(8_000_000))
    links("delay", "5", "gate", "--rate", "8000")
    words = [sys.executable, "-m", "edgewright", "site", "put", "gate", str(new), "/oem/90_custom.yaml", "--yes"]
    running = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=places.env, cwd=places.home
    )

    def begun() -> Path | None:
        return next((part for part in folder.glob(".edgewright-*") if part.stat().st_size > 1_000_000), None)

    part = until("the upload is begun", 60, begun)
    links("power-cut", "gate")
    at = part.stat().st_size
    assert (folder / "90_custom.yaml").read_text() == old and at < new.stat().st_size
    links("power-on", "gate")
    links("clear")
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 0 and "Connecting again" in said, said
    print(f"\nthe power was cut at {at / 1e6:.1f} of {new.stat().st_size / 1e6:.1f} MB\n{said[-600:]}")
    shown = places.within("gate", "sha256sum /oem/90_custom.yaml; stat -c '%a %u %g' /oem/90_custom.yaml; ls -A /oem")
    assert hashlib.sha256(new.read_bytes()).hexdigest() in shown
    assert "640 12 34" in shown and ".edgewright-" not in shown


async def test_the_active_slot_is_booted_next(places: Places, tmp_path: Path) -> None:
    """A host with the marks of a passive slot: the entry is set and read back, and the host really restarts.

    Which slot GRUB starts then is not shown here: a container has no boot loader.
    """
    put_editenv(places.root("gate"))
    script = "mkdir -p /run/cos /oem; touch /run/cos/passive_mode; grub-editenv /oem/grubenv create; "
    places.within("gate", script + "grub-editenv /oem/grubenv set saved_entry=cos")
    laptop, key = Laptop(tmp_path), places.fleet.shown["sshKey"]
    laptop.block("gate", 22, key, "StrictHostKeyChecking accept-new", host=places.address["gate"], user="root")
    connection = await laptop.open("gate")
    state = await read_boot(connection, "gate")
    assert (state.kind, state.slot, state.root) == ("kairos", "passive", True)
    action = return_to_active(state)
    assert action.commands == ("grub-editenv /oem/grubenv set next_entry=cos", "reboot")
    began = time.monotonic()
    await set_next_boot(connection, "gate", state, action)
    await connection.aclose()
    again = await restarted(laptop)
    after = await read_boot(again, "gate")
    await again.aclose()
    print(f"\nback {time.monotonic() - began:.1f} s after the restart was asked for")
    assert after.env == {"saved_entry": "cos", "next_entry": "cos"} and after.slot != "passive"


async def restarted(laptop: Laptop) -> SshConnection:
    """Return a connection to the host after it restarted: its /run is empty then."""
    end = time.monotonic() + 60
    while True:
        with contextlib.suppress(EdgewrightError):
            connection = await laptop.open("gate")
            found = await connection.run_script(b"[ -e /run/cos ] || echo restarted", timeout=10, limit=99)
            if found.output == b"restarted\n":
                return connection
            await connection.aclose()
        assert time.monotonic() < end
        await asyncio.sleep(1)


def test_a_host_with_a_cluster_answers_at_the_depth_of_kubectl_and_has_no_fault(places: Places, shop: Shop) -> None:
    read = places.read("site", "doctor", "shop")
    assert {each["name"]: each["answers"] for each in read["depths"]} == {
        "local API": False, "kubectl": True, "probes": True,
    }  # fmt: skip
    # what the kernel of the machine writes is of all its containers, and no more than unsure
    assert [each["text"] for each in read["findings"] if each["object"] != MACHINE] == []
    assert read["notRead"] == [] and not read["fault"]
    print(f"\n{read['seconds']} s for {read['probes']['read']} probes")
    done = places.edgewright("kube", "get", "ssh:shop", "pods", "--", "-A", "-o", "name")
    assert done.returncode == 0, done.stderr
    pods = done.stdout.split()
    assert {"pod/etcd-edge1", "pod/kube-apiserver-edge1"} < set(pods) and any("pod/web-" in pod for pod in pods), pods
    terminal = opened(places, "shop")
    try:
        terminal.wait("NO FAULT FOUND", "kubectl · probes", patience=40)
        terminal.press("w")
        terminal.wait("kube-apiserver-edge1", patience=30)
    finally:
        terminal.close()


def test_the_first_cause_of_a_cluster_whose_kubelet_does_not_run(places: Places, shop: Shop) -> None:
    shop.within("systemctl stop kubelet")
    try:
        read = places.read("site", "doctor", "shop")
    finally:
        shop.within("systemctl start kubelet")
    first = read["findings"][0]
    print(f"\n{first['text']} {first['nextStep']}")
    assert (first["symptom"], first["object"], first["certainty"]) == ("unit-stopped", "kubelet", "sure")
    assert read["fault"] and first["followsFrom"] == []
