"""A whole proof with a stand-in for QEMU and one for the plane: what it says, and that nothing of it stays."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.errors import Cancelled, EdgewrightError, InvalidInput, Refused, Unreachable
from edgewright.forge.iso.write import make_iso
from edgewright.forge.manifest import label_of, read_manifest, with_proof
from edgewright.forge.progress import Job, Progress
from edgewright.forge.proof import boot, machine, track
from edgewright.forge.proof.plane import Report, Seen, Verdict
from edgewright.forge.proof.prove import BootSpec, Rest, prove
from edgewright.forge.proof.result import Proof
from tests.forge.isos import look_alike

SHIPS = "ewt_ships0000000"
OURS = "ewt_proof0000000"
USER_DATA = f"""#cloud-config
install: {{auto: true, reboot: true}}
stylus:
  site:
    paletteEndpoint: https://10.77.0.1:8443
    edgeHostToken: {SHIPS}
    name: box-1
"""
WISH = BootSpec(firmware="bios", medium="cd", accel="tcg", disk=4)

# Says what an appliance says; `bootindex=0` at the disk tells that it is the second boot.
GOOD = """
first = 'drive=disk,bootindex=0' not in ' '.join(sys.argv)
lines = ['SeaBIOS (version 1)', 'GNU GRUB  version 2', 'Linux version 6.1 (x)']
live = ['edgewright: live system up', 'edgewright: install begins on /dev/sda', 'edgewright: install done']
disk = ['edgewright: booted slot active', 'edgewright: registering with X as proof', 'token TOKEN of the guest']
for line in lines + (live if first else disk):
    print(line, flush=True)
if not first:
    time.sleep(0.3)
    open(sys.argv[0] + '.on', 'w').close()  # for the stand-in of the plane: it is there now
    time.sleep(60)
"""


class StandInPlane:
    """A plane of a proof that remembers what it was asked; the host is there once the machine ran from its disk."""

    def __init__(self, verdict: str = "ok", fails: tuple[str, ...] = ()) -> None:
        self.name, self.project_uid = "lab", ""
        self.asked: list[str] = []
        self._verdict, self._fails = verdict, fails
        self.trust = Verdict("ok", "10.77.0.1:8443", "It answers.")
        self.refusals: list[Report] = []
        self.on: Path | None = None

    def judge(self, token: str, project_uid: str = "", project_name: str = "") -> Verdict:
        assert token == SHIPS
        return Verdict(self._verdict, "berlin-line", f"The token berlin-line is {self._verdict}.", "Do X.", "p1")  # type: ignore[arg-type]

    def trusted(self, document: Any, *, any_store: bool = False) -> Verdict:
        assert document["stylus"]["site"]["edgeHostToken"] == SHIPS
        return self.trust

    def reports(self, uid: str) -> list[Report]:
        return self.refusals if uid else []

    def make_token(self, name: str, project: str, made: Callable[[str], None]) -> str:
        self.asked.append("make token")
        made("t9")
        return OURS

    def see(self, uid: str) -> Seen | None:
        return Seen("healthy", {}) if self.on and self.on.exists() else None

    def forget_host(self, uid: str) -> None:
        self._forget("host", uid)

    def forget_token(self, uid: str) -> None:
        self._forget("token", uid)

    def _forget(self, what: str, uid: str) -> None:
        self.asked.append(f"forget {what}")
        if what in self._fails:
            raise Unreachable("The plane is gone.")


@pytest.fixture
def qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what puts a program in the place of QEMU."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(boot, "ASK", 0.0)
    monkeypatch.setattr("edgewright.forge.proof.prove.time.sleep", lambda seconds: None)

    def put(body: str) -> None:
        path = tmp_path / "stand-in-qemu"
        path.write_text(f"#!{sys.executable}\nimport sys, time\n{body.replace('TOKEN', OURS)}\n")
        path.chmod(0o755)
        monkeypatch.setattr(machine, "QEMU", str(path))

    return put


@pytest.fixture
def iso(base_iso: Path, tmp_path: Path) -> Path:
    out = tmp_path / "out.iso"
    make_iso(base_iso, USER_DATA.encode(), out, Job())
    return out


def left_in(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "tmp").iterdir()] + [p.name for p in tmp_path.glob("*.part")]


def run(iso: Path, plane: StandInPlane, wish: BootSpec = WISH, job: Job | None = None) -> Proof:
    plane.on = iso.with_name("stand-in-qemu.on")
    return prove(iso, wish, job or Job(), planes=lambda endpoint: plane)  # type: ignore[arg-type,return-value]


def test_an_installer_that_registers_is_proven_and_nothing_stays(iso: Path, qemu: Any, tmp_path: Path) -> None:
    qemu(GOOD)
    plane, said = StandInPlane(), list[str]()
    proof = run(iso, plane, job=Job(lambda progress: said.append(str(progress))))
    assert proof.ok, proof.text()
    assert proof.proven
    assert [mark.state for mark in proof.marks] == ["passed"] * len(proof.marks)
    assert plane.asked == ["make token", "forget token", "forget host"]
    assert proof.left == ()
    assert left_in(tmp_path) == []
    log = Path(proof.log).read_text()
    assert "edgewright: booted slot active" in log
    for text in (log, str(proof.as_dict()), " ".join(said)):
        assert SHIPS not in text
        assert OURS not in text
    manifest = with_proof(iso, proof.as_dict(), proof.iso_sha256)
    assert manifest["label"] == "proven"
    assert label_of(read_manifest(iso)) == "proven"


def test_what_is_seen_to_install_only_stays_checked(iso: Path, qemu: Any) -> None:
    qemu(GOOD)
    plane = StandInPlane()
    proof = run(iso, plane, WISH._replace(until="installed"))
    assert proof.ok
    assert not proof.proven
    assert plane.asked == []
    assert "registration at the plane" in proof.not_proven
    assert with_proof(iso, proof.as_dict(), proof.iso_sha256)["label"] != "proven"


def test_a_bad_token_fails_by_its_name_before_anything_is_booted(iso: Path, qemu: Any, tmp_path: Path) -> None:
    qemu("raise SystemExit('must not be started')")
    plane = StandInPlane("bad")
    proof = run(iso, plane)
    assert not proof.ok
    assert proof.failed == "token"
    assert "berlin-line" in proof.reason
    assert proof.hint
    assert plane.asked == []
    assert left_in(tmp_path) == []


def test_a_wrong_ca_fails_in_no_time_and_nothing_is_made(iso: Path, qemu: Any, tmp_path: Path) -> None:
    qemu("raise SystemExit('must not be started')")
    plane = StandInPlane()
    plane.trust = Verdict(
        "bad", "10.77.0.1:8443", "The certificate was not signed by a CA in caCerts.", "Put it there."
    )
    proof = run(iso, plane)
    assert (proof.ok, proof.failed, proof.hint) == (False, "plane", "Put it there.")
    assert "not signed by a CA" in proof.reason and proof.took < 5
    assert plane.asked == [] and left_in(tmp_path) == []


def test_a_plane_that_is_not_reached_from_here_is_unknown_and_it_is_tried(iso: Path, qemu: Any) -> None:
    qemu(GOOD)
    plane = StandInPlane()
    plane.trust = Verdict("unknown", "10.77.0.1:8443", "No answer.")
    proof = run(iso, plane)
    assert proof.ok and any("would trust its plane is unknown. No answer." in note for note in proof.notes)


WAITS = GOOD.replace("'token TOKEN of the guest'", "'edgewright: registration waits: REASON'").replace(
    "    open(sys.argv[0] + '.on', 'w').close()  # for the stand-in of the plane: it is there now\n", ""
)


@pytest.mark.parametrize(
    ("reason", "limit", "words", "hint"),
    [
        ("The certificate of 10.77.0.1 was not signed by a CA in caCerts.", 2400.0,
         "The host does not trust its plane: The certificate of 10.77.0.1 was not signed by a CA in caCerts",
         "Put the plane's ca.crt into caCerts"),
        ("10.77.0.1:8443 cannot be reached.", 4.0,
         "It took longer than 4 s in all. The host reports: 10.77.0.1:8443 cannot be reached.",
         "See that the plane can be reached."),
    ],
)  # fmt: skip
def test_what_the_host_reports_is_the_reason(
    iso: Path, qemu: Any, monkeypatch: pytest.MonkeyPatch, reason: str, limit: float, words: str, hint: str
) -> None:
    monkeypatch.setattr(track, "REFUSALS", 1.0)
    monkeypatch.setattr(boot, "crowded", lambda: 1.0)
    qemu(WAITS.replace("REASON", reason))
    proof = run(iso, StandInPlane(), WISH._replace(limit=limit))
    assert proof.failed == "registered" and proof.took < 60
    assert words in proof.reason and proof.hint.startswith(hint)
    assert "longer" not in proof.hint and "more time" not in proof.hint


def test_what_the_plane_reports_of_the_host_is_the_reason(
    iso: Path, qemu: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track, "REFUSALS", 1.0)
    monkeypatch.setattr(boot, "crowded", lambda: 1.0)
    qemu(WAITS.replace("edgewright: registration waits: REASON", "x"))
    plane = StandInPlane()
    plane.refusals = [Report("'proof-1' was refused: The token is not known here. It came from 10.0.0.1.", True)]
    proof = run(iso, plane)
    assert "The plane refused the host: 'proof-1' was refused: The token is not known here." in proof.reason


def test_a_way_to_boot_that_the_iso_lacks_is_refused_at_once(tmp_path: Path) -> None:
    cd = look_alike(tmp_path, "a b.iso", {"/rootfs.squashfs": b"hsqs", "/boot/kernel": b"k"})
    with pytest.raises(InvalidInput, match=r"a b\.iso does not boot by UEFI from USB; it boots BIOS from CD\.") as told:
        run(cd, StandInPlane(), BootSpec())
    assert told.value.hint == f"Prove what it has: edgewright forge verify '{cd}' --bios --cd"


def test_a_token_that_the_plane_does_not_tell_is_unknown(iso: Path, qemu: Any) -> None:
    qemu(GOOD)
    proof = run(iso, StandInPlane("unknown"))
    assert proof.ok
    assert any("unknown" in note for note in proof.notes)


@pytest.mark.parametrize(
    ("body", "failed", "words"),
    [
        (
            "print('SeaBIOS (version 1)\\nNo bootable device.', flush=True); time.sleep(60)",
            "bootloader",
            "nothing that",
        ),
        ("print('Linux version 6 (x)\\nKernel panic - not syncing: oh', flush=True); time.sleep(60)", "live", "oh"),
        ("print('Linux version 6 (x)', flush=True)", "live", "switched itself off"),
        ("sys.exit('qemu: no such machine')", "firmware", "no such machine"),
        ("print('SeaBIOS (version 1)', flush=True)", "bootloader", "switched itself off"),
    ],
)
def test_a_failure_is_a_result_and_is_cleaned_up(
    iso: Path, qemu: Any, tmp_path: Path, body: str, failed: str, words: str
) -> None:
    qemu(body)
    plane = StandInPlane()
    proof = run(iso, plane)
    assert (proof.ok, proof.failed) == (False, failed)
    assert words in proof.reason
    assert plane.asked == ["make token", "forget token", "forget host"]
    assert left_in(tmp_path) == []
    assert Path(proof.log).is_file()


def test_what_cannot_be_taken_away_is_named(iso: Path, qemu: Any) -> None:
    qemu(GOOD)
    plane = StandInPlane(fails=("host",))
    proof = run(iso, plane)
    assert proof.ok
    assert len(proof.left) == 1
    assert proof.uid in proof.left[0]
    assert "edgewright host delete" in proof.left[0]
    assert plane.asked.count("forget host") == 3


@pytest.mark.parametrize(("fails", "error"), [((), Cancelled), (("token",), Rest)])
def test_a_stopped_proof_leaves_nothing_or_names_it(
    iso: Path, qemu: Any, tmp_path: Path, fails: tuple[str, ...], error: type[EdgewrightError]
) -> None:
    qemu("print('Linux version 6 (x)', flush=True); time.sleep(60)")
    plane = StandInPlane(fails=fails)

    def sink(progress: Progress) -> None:
        if "live system" in progress.step:
            job.cancel()

    job = Job(sink)
    with pytest.raises(error) as told:
        run(iso, plane, job=job)
    assert type(told.value) is error
    assert plane.asked[0] == "make token"
    assert "forget host" in plane.asked
    assert left_in(tmp_path) == []
    assert not iso.with_name("out.iso.proof.log").exists()
    if fails:
        assert "edgewright token delete t9" in told.value.message


@pytest.mark.parametrize(
    ("site", "error"),
    [("{}", InvalidInput), ("{paletteEndpoint: x.example.com}", Refused)],
)
def test_user_data_that_cannot_register_is_told_so(
    base_iso: Path, tmp_path: Path, site: str, error: type[EdgewrightError]
) -> None:
    out = tmp_path / "out.iso"
    make_iso(base_iso, f"#cloud-config\nstylus:\n  site: {site}\n".encode(), out, Job())
    with pytest.raises(error) as told:
        run(out, StandInPlane())
    assert "--until installed" in told.value.hint


def test_a_file_that_is_no_iso_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.iso"
    out.write_bytes(b"no iso" * 1000)
    with pytest.raises(InvalidInput):
        run(out, StandInPlane())


def test_the_folder_of_a_proof_that_was_killed_is_removed_by_the_next(iso: Path, qemu: Any, tmp_path: Path) -> None:
    qemu(GOOD)
    killed = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    gone = tmp_path / "tmp" / f"edgewright-proof-{int(killed.stdout)}-abcd"
    alive = tmp_path / "tmp" / f"edgewright-proof-{os.getpid()}-abcd"
    for folder in (gone, alive):
        folder.mkdir()
    assert run(iso, StandInPlane(), WISH._replace(until="installed")).ok
    assert left_in(tmp_path) == [alive.name]


def test_a_kernel_that_a_busy_computer_starved_is_started_again(iso: Path, qemu: Any) -> None:
    starved = "import os\nif not os.path.exists(sys.argv[0] + '.once'):\n    open(sys.argv[0] + '.once', 'w').close()\n"
    starved += (
        "    print('Linux version 6 (x)\\nKernel panic - not syncing: IO-APIC + timer doesn\\'t work!', flush=True)\n"
    )
    qemu(starved + "    time.sleep(60)\n" + GOOD)
    assert run(iso, StandInPlane()).ok
