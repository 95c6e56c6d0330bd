"""An identity belongs to one machine: a copy does not use it, an exchanged part changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgewright.agent.facts.hardware import Hardware, in_container, read_hardware
from edgewright.agent.kernel.binding import is_other_machine
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.status import gather, judge
from edgewright.core import times
from edgewright.core.errors import ExitCode
from tests.agent.conftest import Bench

A, B = "a" * 32, "b" * 32
OWN = Hardware(A, A, ("48:21:0b:00:00:01", "48:21:0b:00:00:02"))
CARD = ("48:21:0b:00:00:01",)
OTHER_CARD = ("48:21:0b:00:00:09",)


@pytest.mark.parametrize(
    ("why", "present", "other"),
    [
        ("nothing changed", OWN, False),
        ("all cards were swapped", OWN._replace(macs=OTHER_CARD), False),
        ("the system was installed again", OWN._replace(machine=B), False),
        ("installed again with other cards", OWN._replace(machine=B, macs=OTHER_CARD), False),
        ("a firmware update changed the UUID", OWN._replace(product=B), False),
        ("the disk is in another box", OWN._replace(product=B, macs=OTHER_CARD), True),
        ("the folder was copied to another box", Hardware(B, B, OTHER_CARD), True),
        ("copied, and a card went with it", Hardware(B, B, CARD), True),
        ("no firmware to read, folder copied", Hardware(B, "", OTHER_CARD), True),
        ("no firmware to read, installed again", Hardware(B, "", CARD), False),
        ("no firmware to read, cards swapped", Hardware(A, "", OTHER_CARD), False),
        ("cards have no driver yet", Hardware(B, "", ()), False),
        ("nothing can be read", Hardware("", "", ()), False),
    ],
)
def test_only_clear_differences_are_another_machine(why: str, present: Hardware, other: bool) -> None:
    assert is_other_machine(OWN, present) is other, why


def make_machine(bench: Bench, digit: str, card: str) -> None:
    root = bench.folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    for name, text in (
        ("etc/machine-id", f"0123456789abcdef0123456789abcde{digit}"),
        ("sys/class/dmi/id/product_uuid", f"4c4c4544-0051-3010-8036-b7c04f4b4d3{digit}"),
        ("sys/class/net/eth0/address", card),
        ("sys/class/net/eth0/ifindex", "2"),
        ("proc/sys/kernel/hostname", "edge"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")


def test_a_copied_data_folder_is_not_used_on_another_machine(bench: Bench) -> None:
    make_machine(bench, "1", "48:21:0b:00:00:01")
    first = bench.start()
    first.step()
    bench.kill(first)
    uid = first.enrolment.uid
    make_machine(bench, "2", "48:21:0b:00:00:02")
    requests = len(bench.stub.requests)
    copy = bench.start()
    assert copy.step() >= 60
    assert len(bench.stub.requests) == requests, "the identity is not used at all"
    status = gather(bench.flags.data)
    code, message = judge({**status, "running": True}, times.now())
    assert code == ExitCode.REFUSED
    assert f"({uid}) belongs to another machine" in message and "machine-id differs" in message
    assert "remove identity.json*" in message and "remove binding.json* alone" in message
    assert "belongs to another machine" in bench.console.read_text()
    make_machine(bench, "1", "48:21:0b:00:00:01")
    copy.step()
    assert len(bench.stub.requests) > requests, "on its own machine it works, without a restart"


def test_each_way_out_that_the_message_names_works(bench: Bench) -> None:
    make_machine(bench, "1", "48:21:0b:00:00:01")
    first = bench.start()
    first.step()
    bench.kill(first)
    make_machine(bench, "2", "48:21:0b:00:00:02")
    data = Path(bench.flags.data)
    whole = {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}
    for path in data.glob("binding.json*"):
        path.unlink()
    replaced = bench.start()
    replaced.step()
    assert replaced.enrolment.uid == first.enrolment.uid and replaced.enrolment.registered
    assert len(bench.stub.sent("POST", "/register")) == 1, "replaced hardware: the same host goes on"
    bench.kill(replaced)
    for name, content in whole.items():
        (data / name).write_bytes(content)
    for pattern in ("identity.json*", "registration.json*", "binding.json*"):
        for path in data.glob(pattern):
            path.unlink()
    fresh = bench.start()
    fresh.step()
    assert fresh.enrolment.uid != first.enrolment.uid
    assert len(bench.stub.sent("POST", "/register")) == 2, "a copy: it registers as a new host"


def test_a_swapped_card_is_no_other_machine_and_is_remembered(bench: Bench) -> None:
    make_machine(bench, "1", "48:21:0b:00:00:01")
    agent = bench.start()
    agent.step()
    bench.kill(agent)
    make_machine(bench, "1", "48:21:0b:00:00:07")
    agent = bench.start()
    agent.step()
    assert agent._other_machine is None
    stored = agent.folder.load("binding")
    assert stored is not None and stored["macs"] == ["48:21:0b:00:00:01", "48:21:0b:00:00:07"]


def test_an_identity_of_v0_1_0_without_a_binding_adopts_this_machine(bench: Bench) -> None:
    make_machine(bench, "1", "48:21:0b:00:00:01")
    agent = bench.start()
    agent.step()
    bench.kill(agent)
    for path in Path(bench.flags.data).glob("binding.json*"):
        path.unlink()
    make_machine(bench, "2", "48:21:0b:00:00:02")
    agent = bench.start()
    agent.step()
    assert agent._other_machine is None and agent.folder.load("binding") is not None


def test_an_image_made_after_a_first_start_without_plane_makes_new_identities(bench: Bench) -> None:
    make_machine(bench, "1", "48:21:0b:00:00:01")
    golden = bench.start()
    bench.kill(golden)
    make_machine(bench, "2", "48:21:0b:00:00:02")
    clone = bench.start()
    clone.step()
    assert clone.enrolment.uid != golden.enrolment.uid and clone.enrolment.registered


def test_hardware_leaves_the_host_as_hashes(bench: Bench) -> None:
    make_machine(bench, "1", "48:21:0b:00:00:01")
    bench.start().step()
    (sent,) = bench.stub.sent("POST", "/register")
    hardware = sent.body["spec"]["edgewright"]["hardware"]
    assert sorted(hardware) == ["machine", "product"] and all(len(text) == 32 for text in hardware.values())
    assert "0123456789abcdef" not in str(sent.body), "the machine-id itself is confidential"


@pytest.mark.parametrize("mark", ["run/systemd/container", ".dockerenv", "run/.containerenv"])
def test_the_firmware_of_the_machine_below_a_container_does_not_count(tmp_path: Path, mark: str) -> None:
    (tmp_path / "sys/class/dmi/id").mkdir(parents=True)
    (tmp_path / "sys/class/dmi/id/product_uuid").write_text("4c4c4544-0051-3010-8036-b7c04f4b4d31\n")
    root = Root(str(tmp_path))
    assert read_hardware(root, []).product and not in_container(root)
    (tmp_path / mark).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / mark).write_text("x")
    assert in_container(root) and read_hardware(root, []).product == ""


@pytest.mark.parametrize("text", ["", "uninitialized", "0" * 32, "x" * 32, "0123"])
def test_a_machine_id_that_names_nothing_is_unknown(tmp_path: Path, text: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/machine-id").write_text(text)
    assert read_hardware(Root(str(tmp_path)), []).machine == ""


def test_a_duplicate_that_the_plane_reports_is_shown_here(bench: Bench) -> None:
    agent = bench.start()
    agent.step()

    def script(request: object) -> tuple[int, None, dict[str, str]] | None:
        if getattr(request, "path", "").endswith("/health"):
            return 204, None, {"Edgewright-Generation": "1", "Edgewright-Duplicate": "10.0.0.9 (MAC 48:21:0b:00:00:09)"}
        return None

    bench.stub.script = script
    agent.step()
    agent.step()
    assert bench.heard.text.count("Another machine reports to the plane as") == 1
    assert "10.0.0.9" in bench.console.read_text()
    beat = bench.stub.sent("PATCH", "/health")[-1].body
    assert beat["state"] == "unhealthy" and "another machine reports with this identity: 10.0.0.9" in beat["message"]
    assert "10.0.0.9" in str(gather(bench.flags.data)["duplicate"])
    bench.stub.script = lambda request: None
    agent.step()
    agent.step()
    assert "No other machine reports as" in bench.heard.text
    assert bench.stub.sent("PATCH", "/health")[-1].body["state"] == "healthy"
    assert gather(bench.flags.data)["duplicate"] == ""
