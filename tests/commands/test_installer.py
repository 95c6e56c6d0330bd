"""The wizard's facade and `apply -f`: the same answers give the same bytes, headless; what goes wrong is told."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgewright.commands.installer import run as applying
from edgewright.commands.installer import wizard_api as installer
from edgewright.commands.installer.apply import Apply
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.context import CommandContext
from edgewright.config.settings import Settings
from edgewright.core.errors import Conflict, EdgewrightError, InvalidInput, NotFound, Refused
from edgewright.core.installer.answers import complete, initial
from edgewright.forge import builds
from edgewright.forge.progress import Job
from tests.core.installer import samples
from tests.forge.isos import kairos_iso, look_alike
from tests.support import ROOT


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kairos_iso(tmp_path_factory.mktemp("base"))


def answers_for(base: Path, folder: Path, **changes: Any) -> dict[str, Any]:
    """Return answers as a person gives them: a password in clear, a certificate in a file."""
    folder.mkdir(exist_ok=True)
    (folder / "ca.pem").write_text(samples.CA + "\n")
    given = {"base.path": str(base), "output.folder": str(folder / "out"), "plane.ca": str(folder / "ca.pem")}
    return {**samples.LEAST, "user.password": "correct horse", **given, **changes}


def apply_now(path: Path, **args: Any) -> Any:
    ctx = CommandContext(Settings())
    return asyncio.run(registry.run(Apply, ctx, (), {"file": str(path), **args}))


def finished(build_id: str) -> builds.Build:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if (build := installer.build(build_id)).over:
            return build
        time.sleep(0.05)
    raise AssertionError(installer.build_log(build_id))


def sums(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir() if ".manifest." not in p.name}


def test_the_wizard_and_the_answer_file_give_the_same_bytes(base: Path, tmp_path: Path) -> None:
    wizard = answers_for(base, tmp_path / "a")
    text = installer.user_data_text(installer.settle(wizard))
    build_id = installer.start_build(wizard)
    installer.save(tmp_path / "answers.yaml", "shop", wizard)
    built = finished(build_id)
    assert (built.state, built.label) == ("done", "checked"), built.error
    assert (built.folder / "answers.yaml").stat().st_mode & 0o777 == 0o600

    replayed = yaml.safe_load((tmp_path / "answers.yaml").read_text())
    replayed["answers"]["output.folder"] = "elsewhere"  # relative: beside the answer file
    (tmp_path / "answers.yaml").write_text(yaml.safe_dump(replayed))
    (tmp_path / "a" / "ca.pem").unlink()
    outcome = apply_now(tmp_path / "answers.yaml")
    assert "checked" in outcome.message

    first, second = sums(tmp_path / "a" / "out"), sums(tmp_path / "elsewhere")
    assert first == second and set(first) == {"shop.iso", "shop.user-data"}
    assert (tmp_path / "elsewhere" / "shop.user-data").read_text() == text
    assert "correct horse" not in text and "correct horse" not in (tmp_path / "answers.yaml").read_text()
    for name in first:
        assert (tmp_path / "elsewhere" / name).stat().st_mode & 0o777 == 0o600
    manifest = json.loads((tmp_path / "elsewhere" / "shop.iso.manifest.json").read_text())
    assert manifest["userData"]["tags"] == {"installer": "shop"} and manifest["label"] == "checked"
    assert [item.tag for item in installer.installers()] == ["shop", "shop"]


def test_the_files_go_where_the_wizard_says(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answers = answers_for(base, tmp_path, **{"output.folder": "out"})
    assert finished(installer.start_build(answers, Path("out"))).iso == tmp_path / "out" / "shop.iso"


def test_no_secret_is_in_log_record_or_words_of_the_process(base: Path, tmp_path: Path) -> None:
    build_id = installer.start_build(answers_for(base, tmp_path, **{"token.text": "top-secret-token"}))
    command = Path(f"/proc/{json.loads((builds.root() / build_id / 'process.json').read_text())['pid']}/cmdline")
    words = command.read_bytes() if command.exists() else b""
    build = finished(build_id)
    told = json.dumps(build.as_dict()) + "\n".join(installer.build_log(build_id)) + words.decode()
    assert build.state == "done" and "top-secret-token" not in told and "correct horse" not in told


def test_a_plan_of_sites_gives_a_seed_for_each(base: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text("name,address,gateway,dns\nberlin,10.1.0.5/24,10.1.0.1,10.1.0.1\nkiel,,,\n")
    sites = {"output.what": "sites-cidata", "output.plan": str(tmp_path / "plan.csv")}
    installer.save(tmp_path / "s.yaml", "shop", answers_for(base, tmp_path, **sites))
    plan = asyncio.run(Apply().plan(CommandContext(Settings()), (), {"file": str(tmp_path / "s.yaml")}))
    assert any("2 seed ISOs" in line for line in plan.lines)
    apply_now(tmp_path / "s.yaml")
    made = {path.name for path in (tmp_path / "out" / "shop-sites").iterdir()}
    assert made == {"berlin-cidata.iso", "kiel-cidata.iso", "sites.json"}
    (tmp_path / "plan.csv").write_text("name,address,gateway\nberlin,10.1.0.5/24,10.2.0.1\n")
    with pytest.raises(InvalidInput, match=r"gateway|Row 1"):
        apply_now(tmp_path / "s.yaml", force=True)


def test_a_plan_says_what_would_be_made_and_makes_nothing(base: Path, tmp_path: Path) -> None:
    installer.save(tmp_path / "a.yaml", "shop", answers_for(base, tmp_path, **{"proof.until": "registered"}))
    plan = asyncio.run(Apply().plan(CommandContext(Settings()), (), {"file": str(tmp_path / "a.yaml")}))
    text = "\n".join(plan.lines)
    assert "shop.iso" in text and "UEFI from USB, until registered" in text and "apply -f" in plan.cli
    assert samples.LEAST["token.text"] not in text
    assert not (tmp_path / "out").exists() and builds.list_builds() == []


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"base.path": "/nowhere.iso"}, NotFound, "base ISO"),
        ({"plane.endpoint": "https://localhost"}, InvalidInput, "plane.endpoint"),
        ({"content.folder": "/nowhere"}, NotFound, "content folder"),
        ({"output.what": "sites-iso", "output.plan": "/nowhere.csv"}, NotFound, "nowhere.csv"),
        ({"user.keys": [], "user.password": ""}, InvalidInput, "user.keys"),
    ],
)
def test_what_cannot_be_built_is_told_and_leaves_nothing(
    base: Path, tmp_path: Path, change: dict[str, Any], error: type[EdgewrightError], says: str
) -> None:
    answers = answers_for(base, tmp_path, **change)
    installer.save(tmp_path / "a.yaml", "shop", answers)
    for act in (lambda: apply_now(tmp_path / "a.yaml"), lambda: installer.start_build(answers)):
        with pytest.raises(error, match=says) as caught:
            act()
        assert caught.value.hint
    assert not (tmp_path / "out").exists() and builds.list_builds() == []


def test_another_kind_is_refused_with_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("apiVersion: edgewright/v1\nkind: Instaler\n")
    path.chmod(0o600)
    with pytest.raises(InvalidInput, match="kind: It is Instaler; known kinds: Installer") as caught:
        apply_now(path)
    assert "Write kind: Installer" in str(caught.value)


def test_an_installer_that_is_there_is_kept_unless_forced(base: Path, tmp_path: Path) -> None:
    installer.save(tmp_path / "a.yaml", "shop", answers_for(base, tmp_path))
    apply_now(tmp_path / "a.yaml")
    before = sums(tmp_path / "out")
    with pytest.raises(Conflict, match="there already"):
        apply_now(tmp_path / "a.yaml")
    assert len(builds.list_builds()) == 1  # what cannot begin leaves no record
    apply_now(tmp_path / "a.yaml", force=True)
    assert sums(tmp_path / "out") == before
    with pytest.raises(Conflict):
        installer.start_build(answers_for(base, tmp_path))


def test_a_queued_build_ends_with_what_was_wrong_with_it(tmp_path: Path, base: Path) -> None:
    recorder = builds.Recorder.new("iso", "shop")
    with pytest.raises(NotFound):
        apply_now(tmp_path / "none.yaml", build=recorder.id)
    build = installer.build(recorder.id)
    assert build.state == "failed" and build.error is not None and "none.yaml" in build.error["message"]


def test_stopping_leaves_no_half_installer(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM in the middle: the process cleans up, and the record says that it was stopped."""
    slow = (
        "import sys, time\nfrom edgewright.forge.iso import methods\nreal = methods.overwrite\n"
        "def overwrite(known, data, part, job):\n"
        "    result = real(known, data, part, job)\n"
        "    for n in range(3000):\n        job.at(n, 3000)\n        time.sleep(0.02)\n    return result\n"
        "methods.overwrite = overwrite\nfrom edgewright.main import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    installer.save(tmp_path / "a.yaml", "shop", answers_for(base, tmp_path))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for number in (signal.SIGTERM, signal.SIGINT):
        child = subprocess.Popen([sys.executable, "-c", slow, "apply", "-f", str(tmp_path / "a.yaml")], env=environment,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not list(
            (tmp_path / "out").glob("*.part") if (tmp_path / "out").exists() else []
        ):
            time.sleep(0.05)
        time.sleep(0.3)
        child.send_signal(number)
        _, told = child.communicate(timeout=60)
        assert child.returncode == 130 and "Traceback" not in told, told
        assert list((tmp_path / "out").iterdir()) == []
    assert [build.state for build in builds.list_builds()] == ["cancelled", "cancelled"]


def test_the_preview_shows_what_was_answered_so_far_without_secrets() -> None:
    text = installer.preview(initial())
    assert text.startswith("#cloud-config\n") and "installer: installer" in text
    text = installer.preview({**samples.REGISTRIES, "user.password": "correct horse", "net.address": "wrong"})
    for secret in (samples.LEAST["token.text"], "letmein99", "correct horse", "$6$"):
        assert secret not in text
    assert samples.LEAST["token.text"] in installer.preview(samples.LEAST, masked=False)


def test_findings_lead_to_their_questions(base: Path, tmp_path: Path) -> None:
    found = installer.findings(initial(), ["plane.endpoint"])
    assert [(f.severity, f.path) for f in found] == [("error", "plane.endpoint")]
    assert [f.path for f in installer.findings({**samples.LEAST, "base.path": "/no.iso"}, ["base.path"])] == [
        "base.path"
    ]
    assert installer.findings({"plane.endpont": "x"})[0].severity == "error"
    iso = tmp_path / "not.iso"
    iso.write_bytes(b"")
    (wrong,) = installer.findings({**samples.LEAST, "base.path": str(iso)}, ["base.path"])
    assert (wrong.severity, wrong.path, wrong.message) == ("error", "base.path", "not.iso is empty.")
    (wrong,) = installer.findings({**samples.LEAST, "output.folder": f"{iso}/new"}, ["output.folder"])
    assert wrong.message == f"{iso} is a file, not a folder."
    good = {**samples.LEAST, "base.path": str(base)}
    whole = installer.findings(good)
    assert not [f for f in whole if f.severity == "error"]
    assert "disk.end" not in {f.path for f in whole} and installer.findings(good, ["ntp.servers"]) == []
    other = look_alike(tmp_path, "other.iso", {"/rootfs.squashfs": b"hsqs", "/boot/kernel": b"k"})
    whole = installer.findings({**good, "base.path": str(other)})
    assert "disk.end" in {f.path for f in whole}  # only the appliance notices that it has installed already


def test_a_folder_that_cannot_be_written_is_found_before_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    for folder, reason in (("", "is not writable."), ("/a/b", f"cannot be created: {tmp_path} is not writable.")):
        (wrong,) = installer.findings({**samples.LEAST, "output.folder": f"{tmp_path}{folder}"}, ["output.folder"])
        assert wrong.message == f"{tmp_path}{folder} {reason}"


def test_a_base_is_told_of(base: Path, tmp_path: Path) -> None:
    facts = dict(installer.base_facts(str(base)))
    assert facts["volume id"] == "COS_LIVE" and facts["usable"] == "yes"
    (tmp_path / "no.iso").write_bytes(b"no")
    assert installer.base_facts(str(tmp_path / "no.iso"))[0][0] == "cannot be used"
    with pytest.raises(NotFound):
        installer.base_facts("/nowhere.iso")


def test_a_read_only_session_makes_no_token_and_no_proof(base: Path, tmp_path: Path) -> None:
    ctx = CommandContext(Settings(), read_only=True)
    with pytest.raises(Refused):
        asyncio.run(installer.make_token(ctx, "t"))
    installer.save(tmp_path / "a.yaml", "shop", answers_for(base, tmp_path, **{"proof.until": "registered"}))
    with pytest.raises(Refused, match="read-only"):
        asyncio.run(registry.run(Apply, ctx, (), {"file": str(tmp_path / "a.yaml")}))
    assert not (tmp_path / "out").exists()


def test_a_proof_that_fails_leaves_the_installer_and_names_the_next_step(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgewright.core.errors import Failed

    async def prove(*words: Any) -> str:
        raise Failed(
            "it failed at the milestone registered: the token was refused.", "Make another token.", "NotProven"
        )

    monkeypatch.setattr(applying, "prove_installer", prove)
    installer.save(tmp_path / "a.yaml", "shop", answers_for(base, tmp_path, **{"proof.until": "registered"}))
    with pytest.raises(Failed, match="is made, but not proven") as caught:
        apply_now(tmp_path / "a.yaml")
    assert "forge verify" in caught.value.hint and "Make another token." in caught.value.hint
    build = builds.list_builds()[0]
    assert build.state == "failed" and build.iso == tmp_path / "out" / "shop.iso" and build.iso.exists()


def test_the_reference_appliance_is_asked_for_when_it_is_the_base(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def appliance(job: Job) -> Path:
        job.step("making the base")
        return base

    monkeypatch.setattr(applying, "_appliance", appliance)
    installer.save(tmp_path / "a.yaml", "shop", answers_for(base, tmp_path, **{"base.kind": "appliance"}))
    apply_now(tmp_path / "a.yaml")
    assert any("making the base" in line for line in installer.build_log(builds.list_builds()[0].id))


def test_known_planes_come_with_their_authority(tmp_path: Path) -> None:
    from edgewright.config import contexts

    assert installer.planes() == []
    (tmp_path / "ca.pem").write_text(samples.CA)
    contexts.add(contexts.Context("b", "https://b.example.org", ca=str(tmp_path / "ca.pem")), "k", use_keyring=False)
    contexts.add(contexts.Context("a", "https://a.example.org"), "k", use_keyring=False)
    assert installer.planes() == [
        ("a", "https://a.example.org", "", True),
        ("b", "https://b.example.org", samples.CA, False),
    ]


def test_answers_are_loaded_as_they_were_saved(tmp_path: Path) -> None:
    installer.save(tmp_path / "a.yaml", "shop", samples.BOND)
    assert installer.load(str(tmp_path / "a.yaml")) == complete(samples.BOND)


def test_a_base_of_another_system_is_refused_before_a_build_begins(tmp_path: Path) -> None:
    live = look_alike(tmp_path, "live.iso", {"/casper/vmlinuz": b"k"})
    answers = answers_for(live, tmp_path)
    installer.save(tmp_path / "a.yaml", "shop", answers)
    with pytest.raises(InvalidInput, match="looks like an Ubuntu live ISO"):
        apply_now(tmp_path / "a.yaml")
    with pytest.raises(InvalidInput, match="looks like an Ubuntu live ISO"):
        installer.start_build(answers)
    assert builds.list_builds() == []
    (wrong,) = [f for f in installer.findings(answers, ["base.path"]) if f.severity == "error"]
    assert wrong.path == "base.path" and "never reads the user-data" in wrong.message


def test_a_proof_by_a_way_to_boot_that_the_base_lacks_is_refused_before_the_build(tmp_path: Path) -> None:
    cd = look_alike(tmp_path, "cd.iso", {"/rootfs.squashfs": b"hsqs", "/boot/kernel": b"k"})
    with pytest.raises(InvalidInput, match=r"is to boot UEFI from USB, and the base cd\.iso boots BIOS from CD only\."):
        installer.start_build(answers_for(cd, tmp_path, **{"proof.until": "installed"}))
    assert builds.list_builds() == []


def test_ways_to_boot_that_are_missing_are_in_the_log_of_the_build(tmp_path: Path) -> None:
    cd = look_alike(tmp_path, "cd.iso", {"/rootfs.squashfs": b"hsqs", "/boot/kernel": b"k"})
    installer.save(tmp_path / "a.yaml", "shop", answers_for(cd, tmp_path))
    apply_now(tmp_path / "a.yaml")
    (build,) = builds.list_builds()
    lines = installer.build_log(build.id)
    assert any("warning: " in line and "boots from a CD only (BIOS), as its base" in line for line in lines), lines
