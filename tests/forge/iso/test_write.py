"""A new installer from a base: both methods, what is refused, and that nothing half done stays."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgewright.core.errors import Cancelled, Conflict, Failed, InvalidInput, NotFound, Refused
from edgewright.forge.iso import extras, methods, partfile, write
from edgewright.forge.iso.facts import Check
from edgewright.forge.iso.identify import identify
from edgewright.forge.iso.write import make_iso
from edgewright.forge.manifest import label_of, read_manifest, with_proof
from edgewright.forge.progress import Job, Progress
from tests.forge.isos import USER_DATA, extracted

LONG = USER_DATA + b"# more than the placeholder holds\n" * 3000
FINE = [Check("user-data", True, "no findings")]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def only(folder: Path, *names: str) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_the_placeholder_is_overwritten(base_iso: Path, tmp_path: Path) -> None:
    before = sha256(base_iso)
    out = tmp_path / "out.iso"
    manifest = make_iso(base_iso, USER_DATA, out, Job(), checks=FINE)
    assert manifest["method"] == "placeholder" and manifest["label"] == "checked"
    assert (sha256(out), out.stat().st_size) == (manifest["iso"]["sha256"], manifest["iso"]["size"])
    padding = base_iso.read_bytes()[out.stat().st_size :]
    assert 0 < len(padding) < 64 * 1024 and not any(padding)  # xorriso's, behind the backup GPT
    assert sha256(base_iso) == before == manifest["base"]["sha256"]
    assert out.stat().st_mode & 0o777 == 0o600
    differing = [n for n, (a, b) in enumerate(zip(base_iso.read_bytes(), out.read_bytes(), strict=False)) if a != b]
    place = identify(base_iso).placeholder
    assert place is not None
    assert place.offset <= differing[0] and differing[-1] < place.offset + place.size
    assert extracted(out, "/config.yaml", tmp_path).rstrip(b"\n") + b"\n" == USER_DATA
    only(tmp_path, "out.iso", "out.iso.manifest.json", "extracted")


def test_a_longer_config_is_written_by_xorriso(base_iso: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.iso"
    manifest = make_iso(base_iso, LONG, out, Job(), checks=FINE)
    assert manifest["method"] == "rewrite" and manifest["tools"]["xorriso"]
    assert manifest["base"]["sha256"] == sha256(base_iso) and manifest["iso"]["sha256"] == sha256(out)
    assert extracted(out, "/config.yaml", tmp_path) == LONG
    found, base = identify(out), identify(base_iso)
    assert found.boot_modes == base.boot_modes and found.joliet and found.volume_id == "COS_LIVE"
    assert found.kairos_release == base.kairos_release


def test_a_rerun_gives_the_same_bytes(base_iso: Path, plain_iso: Path, tmp_path: Path) -> None:
    folder = bundle(tmp_path, "app.zst", 5000)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        make_iso(base_iso, LONG, tmp_path / name / "out.iso", Job(), content=[folder])
        make_iso(plain_iso, USER_DATA, tmp_path / name / "plain.iso", Job())
        os.utime(folder / "app.zst", (1_500_000_000, 1_500_000_000))
        time.sleep(1.1)  # dates on an ISO count seconds
    for file in ("out.iso", "plain.iso"):
        assert sha256(tmp_path / "one" / file) == sha256(tmp_path / "two" / file), file


def test_an_existing_config_is_replaced_and_others_are_taken_away(plain_iso: Path, tmp_path: Path) -> None:
    manifest = make_iso(plain_iso, USER_DATA, tmp_path / "out.iso", Job())
    assert manifest["removed"] == ["/extra/more.yml"]
    assert manifest["userData"]["path"] == "/files-iso/config.yaml"
    assert [config.path for config in identify(tmp_path / "out.iso").configs] == ["/files-iso/config.yaml"]
    assert extracted(tmp_path / "out.iso", "/files-iso/config.yaml", tmp_path) == USER_DATA
    assert extracted(tmp_path / "out.iso", "/notes.yaml", tmp_path) == b"only: notes\n"


def bundle(folder: Path, name: str, size: int) -> Path:
    content = folder / "content-1"
    content.mkdir(exist_ok=True)
    (content / name).write_bytes(os.urandom(size))
    return content


def test_content_is_split_and_the_rest_lies_in_its_place(
    base_iso: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "PART", 300_000)
    content = bundle(tmp_path, "app.zst", 700_000)
    bundle(tmp_path, "b small.zst", 10)
    (tmp_path / "spc.tgz").write_bytes(b"\x1f\x8b cluster")
    (tmp_path / "custom.yaml").write_bytes(b"content: {}\n")
    out = tmp_path / "out.iso"
    manifest = make_iso(
        base_iso, USER_DATA, out, Job(),
        content=[content], cluster_definition=tmp_path / "spc.tgz", edge_custom_config=tmp_path / "custom.yaml",
    )  # fmt: skip
    where = "/opt/spectrocloud/content/app.zst_part"
    parts = [extracted(out, f"{where}{number:02d}", tmp_path) for number in range(3)]
    assert [len(part) for part in parts] == [300_000, 300_000, 100_000]
    assert b"".join(parts) == (content / "app.zst").read_bytes()
    small = extracted(out, "/opt/spectrocloud/content/b small.zst_part00", tmp_path)
    assert small == (content / "b small.zst").read_bytes()
    assert extracted(out, "/opt/spectrocloud/clusterconfig/spc.tgz", tmp_path) == b"\x1f\x8b cluster"
    assert extracted(out, "/.edge_custom_config.yaml", tmp_path) == b"content: {}\n"
    kinds = [(one["kind"], one["file"]) for one in manifest["inputs"]]
    assert kinds == [
        ("user-data", ""), ("content", "app.zst"), ("content", "b small.zst"),
        ("cluster-definition", "spc.tgz"), ("edge-custom-config", "custom.yaml"),
    ]  # fmt: skip
    assert manifest["inputs"][1]["sha256"] == sha256(content / "app.zst")
    assert manifest["iso"]["size"] == out.stat().st_size
    assert "extras" in [check["name"] for check in manifest["checks"]]


def test_the_token_is_in_no_manifest(base_iso: Path, tmp_path: Path) -> None:
    make_iso(base_iso, USER_DATA, tmp_path / "out.iso", Job(), token_uid="t1")
    text = (tmp_path / "out.iso.manifest.json").read_text()
    told = read_manifest(tmp_path / "out.iso")
    assert told is not None and "dG9rZW4" not in text
    digest = hashlib.sha256(b"dG9rZW4tdG9rZW4tdG9rZW4").hexdigest()[:16]
    assert told["userData"] == {
        "path": "/config.yaml", "sha256": hashlib.sha256(USER_DATA).hexdigest(), "endpoint": "https://plane.example.com",
        "project": "shop", "hostName": "edge-7", "tokenUid": "t1", "tokenDigest": digest, "tags": {"site": "berlin"},
        "disk": "auto",
    }  # fmt: skip


def test_it_is_proven_only_while_its_bytes_are_those(base_iso: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.iso"
    make_iso(base_iso, USER_DATA, out, Job(), checks=FINE)
    assert label_of(with_proof(out, {"ok": True})) == "proven"
    assert label_of(read_manifest(out), sha256(out)) == "proven"
    with out.open("r+b") as file:
        file.seek(100_000)
        file.write(b"changed")
    assert label_of(read_manifest(out), sha256(out)) == "unproven"
    make_iso(base_iso, USER_DATA + b"# new\n", out, Job(), checks=FINE, force=True)
    assert label_of(read_manifest(out)) == "checked"


def test_a_failed_check_makes_it_unproven(base_iso: Path, tmp_path: Path) -> None:
    wrong = [Check("user-data", False, "1 error")]
    assert make_iso(base_iso, USER_DATA, tmp_path / "a.iso", Job(), checks=wrong)["label"] == "unproven"
    assert make_iso(base_iso, USER_DATA, tmp_path / "b.iso", Job())["label"] == "unproven"


def test_what_is_refused(base_iso: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.iso"
    with pytest.raises(Refused, match="the base itself"):
        make_iso(base_iso, USER_DATA, base_iso, Job(), force=True)
    (tmp_path / "link.iso").symlink_to(base_iso)
    with pytest.raises(Refused, match="the base itself"):
        make_iso(base_iso, USER_DATA, tmp_path / "link.iso", Job(), force=True)
    with pytest.raises(InvalidInput, match="no line #cloud-config"):
        make_iso(base_iso, b"install: {}\n", out, Job())
    with pytest.raises(InvalidInput, match="1 MB"):
        make_iso(base_iso, USER_DATA + b"#" * 1024 * 1024, out, Job())
    with pytest.raises(NotFound, match="no folder"):
        make_iso(base_iso, USER_DATA, tmp_path / "none/out.iso", Job())
    with pytest.raises(NotFound, match="contains no content bundle"):
        make_iso(base_iso, USER_DATA, out, Job(), content=[tmp_path])
    (tmp_path / "bad").write_bytes(b"#cloud-config\n")
    with pytest.raises(InvalidInput, match=r"not a \.tgz"):
        make_iso(base_iso, USER_DATA, out, Job(), cluster_definition=tmp_path / "bad")
    with pytest.raises(InvalidInput, match="would be merged"):
        make_iso(base_iso, USER_DATA, out, Job(), edge_custom_config=tmp_path / "bad")
    with pytest.raises(InvalidInput, match="is user-data, not an ISO"):
        make_iso(tmp_path / "bad", USER_DATA, out, Job())
    out.write_text("mine")
    with pytest.raises(Conflict, match="is there already"):
        make_iso(base_iso, USER_DATA, out, Job())
    assert out.read_text() == "mine"


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond `size`: how a full disk looks to whoever writes."""
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("user_data", [USER_DATA, LONG], ids=["placeholder", "rewrite"])
def test_a_disk_that_fills_up_leaves_nothing(base_iso: Path, tmp_path: Path, user_data: bytes) -> None:
    with largest_file(200_000), pytest.raises(Failed) as caught:
        make_iso(base_iso, user_data, tmp_path / "out.iso", Job())
    assert caught.value.code == "NoSpace"
    assert " more are needed for out.iso" in caught.value.message
    only(tmp_path)


def test_too_little_room_is_told_before_anything_is_written(
    base_iso: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=base_iso.stat().st_size - 5_000_000)
    monkeypatch.setattr("edgewright.forge.iso.partfile.shutil.disk_usage", lambda path: usage)
    with pytest.raises(Failed, match=r"is full: 5 MB more are needed for out\.iso"):
        make_iso(base_iso, USER_DATA, tmp_path / "out.iso", Job())
    only(tmp_path)


@pytest.mark.parametrize("user_data", [USER_DATA, LONG], ids=["placeholder", "rewrite"])
@pytest.mark.parametrize("when", ["writing the ISO", "verifying the ISO"])
def test_a_stopped_job_leaves_nothing(base_iso: Path, tmp_path: Path, user_data: bytes, when: str) -> None:
    def sink(progress: Progress) -> None:
        if progress.step == when:
            job.cancel()

    job = Job(sink)
    (tmp_path / "out.iso").write_text("the old one")
    with pytest.raises(Cancelled):
        make_iso(base_iso, user_data, tmp_path / "out.iso", job, force=True)
    only(tmp_path, "out.iso")
    assert (tmp_path / "out.iso").read_text() == "the old one"


def test_an_iso_that_is_not_right_never_gets_its_name(
    base_iso: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(methods, "padded", lambda user_data, size: b"#cloud-config\n".ljust(size, b"\n"))
    with pytest.raises(Failed, match=r"config: /config\.yaml in directory tree 1 of 4 is not the user-data"):
        make_iso(base_iso, USER_DATA, tmp_path / "out.iso", Job())
    only(tmp_path)


def test_xorrisos_own_words_are_told(base_iso: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = methods.commands
    monkeypatch.setattr(methods, "commands", lambda *args: [*real(*args), "-map", "/no/such/file", "/x"])
    with pytest.raises(Failed, match=r"xorriso could not rewrite the base: .*/no/such/file") as caught:
        make_iso(base_iso, LONG, tmp_path / "out.iso", Job())
    assert caught.value.code == "RewriteFailed"
    only(tmp_path)


def test_two_at_once_do_not_mix(base_iso: Path, tmp_path: Path) -> None:
    with (
        partfile.PartFile(tmp_path / "out.iso", 10) as part,
        pytest.raises(Conflict, match="being written by another process"),
    ):
        assert part.path.exists()
        make_iso(base_iso, USER_DATA, tmp_path / "out.iso", Job())
    only(tmp_path)


def test_what_a_killed_run_left_is_written_over(base_iso: Path, tmp_path: Path) -> None:
    (tmp_path / "out.iso.part").write_bytes(b"x" * 50_000_000)
    manifest = make_iso(base_iso, USER_DATA, tmp_path / "out.iso", Job())
    assert (tmp_path / "out.iso").stat().st_size == manifest["iso"]["size"] <= base_iso.stat().st_size


def test_describing_odd_user_data_never_fails() -> None:
    for text in (b"#cloud-config\n", b"#cloud-config\n: :\n- {", b"#cloud-config\nstylus: 5\n", b"\xff"):
        assert set(write.describe(text)) >= {"sha256"}


def test_what_the_disk_loses_meanwhile_is_told_at_the_end(
    base_iso: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(partfile, "AHEAD", 1000)
    monkeypatch.setattr("edgewright.forge.iso.partfile.os.fdatasync", lost)
    with pytest.raises(Failed) as caught:
        make_iso(base_iso, USER_DATA, tmp_path / "out.iso", Job())
    assert caught.value.code == "NoSpace"
    only(tmp_path)
