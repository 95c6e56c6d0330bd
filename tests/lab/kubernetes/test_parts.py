"""Parts of Kubernetes for the lab: what is made once, what a failure reports, what a version means."""

from __future__ import annotations

import argparse
import errno
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgewright.core.errors import Conflict, EdgewrightError, ExitCode, Failed, NotFound, UsageError
from edgewright.lab.kubernetes import build, cli, debian, gomodule, goparts, programs, versions
from edgewright.lab.kubernetes.cache import Cache, cache_folder, require_room
from edgewright.lab.kubernetes.failures import explain
from edgewright.lab.kubernetes.meter import Meter


def store(tmp_path: Path, lines: list[str] | None = None) -> Cache:
    return Cache(tmp_path / "cache", (lines if lines is not None else []).append)


def test_a_part_is_made_once_and_again_when_its_recipe_changes(tmp_path: Path) -> None:
    made: list[str] = []
    lines: list[str] = []
    cache = store(tmp_path, lines)

    def make(folder: Path) -> None:
        made.append(folder.name)
        (folder / "program").write_text("text")

    first = cache.part("etcd", {"version": "v3"}, make)
    assert cache.part("etcd", {"version": "v3"}, make) == first and len(made) == 1
    assert lines[-1] == "etcd: in the cache"
    assert cache.part("etcd", {"version": "v4"}, make) != first and len(made) == 2
    record = json.loads((first / "part.json").read_text())
    assert record["recipe"] == {"version": "v3"} and list(record["files"]) == ["program"]


def test_what_was_interrupted_is_made_again_and_the_rest_is_not(tmp_path: Path) -> None:
    cache, made = store(tmp_path), []

    def make(folder: Path) -> None:
        (folder / "half").touch()
        made.append(folder)
        if len(made) == 2:
            raise KeyboardInterrupt

    ready = cache.part("a", {}, make)
    with pytest.raises(KeyboardInterrupt):
        cache.part("b", {}, make)
    assert [path.name for path in (cache.folder / "parts").iterdir() if not path.name.endswith(".new")] == [ready.name]
    cache.part("a", {}, make)
    cache.part("b", {}, make)
    assert len(made) == 3 and not list((cache.folder / "parts").glob("*.new"))


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(Failed, match=r"a stopped: the disk of .* is full") as caught:
        store(tmp_path).part("a", {}, make)
    assert caught.value.code == "DiskFull" and "continues there" in caught.value.hint
    with pytest.raises(Failed, match=r"has .* GB free, and a build needs"):
        require_room(tmp_path / "not/there/yet", 10**18)


def test_a_damaged_part_is_removed(tmp_path: Path) -> None:
    cache = store(tmp_path)
    part = cache.part("a", {}, lambda folder: (folder / "f").touch())
    assert cache.damaged() == []
    (part / "f").write_text("y")
    assert cache.damaged() == [part.name] and not part.exists()
    part = cache.part("b", {}, lambda folder: (folder / "f").touch())
    (part / "part.json").write_text('{"files": {"f"')  # torn by a full disk or a power cut
    assert cache.damaged() == [part.name] and not part.exists()


def test_a_folder_with_other_files_is_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/thesis").touch()
    monkeypatch.setenv("EDGEWRIGHT_KUBERNETES_CACHE", str(tmp_path))
    parser = argparse.ArgumentParser()
    cli.add_parser(parser.add_subparsers(), argparse.ArgumentParser)
    with pytest.raises(Conflict, match="not of this cache"):  # a build locks it in the same way
        cli.run(parser.parse_args(["kubernetes", "clean"]), lambda line: None)
    assert (tmp_path / "work/thesis").exists() and not (tmp_path / "build.lock").exists()


def test_clean_removes_what_builds_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWRIGHT_KUBERNETES_CACHE", str(tmp_path / "cache"))
    with store(tmp_path).locked():
        store(tmp_path).part("a", {}, lambda folder: (folder / "f").touch())
    parser = argparse.ArgumentParser()
    cli.add_parser(parser.add_subparsers(), argparse.ArgumentParser)
    assert cli.run(parser.parse_args(["kubernetes", "clean"]), lambda line: None) == 0
    assert not (tmp_path / "cache/parts").exists()


def test_two_builds_do_not_share_a_cache(tmp_path: Path) -> None:
    with store(tmp_path).locked(), pytest.raises(Conflict, match="Another build"), store(tmp_path).locked():
        pass


def test_the_folder_of_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEWRIGHT_KUBERNETES_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.delenv("EDGEWRIGHT_KUBERNETES_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert cache_folder() == tmp_path / "user/edgewright/kubernetes"
    with pytest.raises(NotFound, match=r"no tree of Kubernetes v1\.36\.3") as caught:
        build.find("1.36.3")
    assert "lab kubernetes build --version v1.36.3" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "code", "exit_code"),
    [
        ("write /x/y.a: no space left on device", "DiskFull", ExitCode.FAILED),
        ("verifying k8s.io/x@v0.1: checksum mismatch", "ChecksumMismatch", ExitCode.FAILED),
        ("npm ERR! code EINTEGRITY", "ChecksumMismatch", ExitCode.FAILED),
        ("E: Failed to fetch http://x  Hash Sum mismatch", "ChecksumMismatch", ExitCode.FAILED),
        ("k8s.io/kubernetes@v1.99.0: invalid version: unknown revision v1.99.0", "VersionNotFound", ExitCode.NOT_FOUND),
        ("E: Unable to locate package containerdd", "VersionNotFound", ExitCode.NOT_FOUND),
        ("dial tcp: lookup example: no such host", "Unreachable", ExitCode.UNREACHABLE),
        ("npm ERR! network request failed, reason: ECONNREFUSED", "Unreachable", ExitCode.UNREACHABLE),
        ("main.go:3:1: syntax error", "BuildFailed", ExitCode.FAILED),
    ],
)
def test_a_failure_is_one_sentence_with_a_next_step(line: str, code: str, exit_code: ExitCode, tmp_path: Path) -> None:
    error = explain("The part", ["some output", line, ""], tmp_path)
    assert (error.code, error.exit_code) == (code, exit_code)
    assert error.message.startswith("The part") and error.hint and "\n" not in error.message


def test_a_program_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "search_path", lambda: "/nowhere")
    with pytest.raises(Failed, match="The program go is not installed") as caught:
        programs.require("go")
    assert "Install Go" in caught.value.hint


def test_an_interrupt_leaves_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program and its children end, also one that ignores the first request."""
    monkeypatch.setattr(programs, "GRACE", 0.1)
    script = tmp_path / "builder"
    script.write_text(f"#!/bin/sh\ntrap '' TERM\nsleep 60 & echo $! > {tmp_path}/child; echo started; wait\nwait\n")
    script.chmod(0o755)

    def stop(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        programs.run([script], "x", tmp_path, each=stop)
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline, "the child still runs"
        time.sleep(0.02)


def test_ctrl_c_of_the_command_says_how_to_continue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import edgewright.lab.cli as cli, edgewright.lab.kubernetes.build as b\n"
        "def build(version, report, verify):\n    print('begun', flush=True)\n    import time; time.sleep(30)\n"
        "b.build = build\nraise SystemExit(cli.main(['kubernetes', 'build']))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130 and "the same command continues the build" in errors


def test_progress_has_rate_and_time_left() -> None:
    now: list[float] = [0.0]
    lines: list[str] = []
    meter = Meter("Kubernetes", "packages", lines.append, at_most=True, clock=lambda: now[0])
    meter.total = 2000
    for _ in range(100):
        now[0] += 0.25
        meter.step()
    assert lines[0] == "Kubernetes: 40 of at most 2,000 packages, 4.0/s, at most 8 min left"
    assert len(lines) == 2, "a line every ten seconds"


@pytest.mark.parametrize(("text", "version"), [("1.36.3", "v1.36.3"), ("v1.31.0", "v1.31.0")])
def test_versions(text: str, version: str) -> None:
    assert versions.parse(text) == version


@pytest.mark.parametrize("text", ["1.36", "v1.30.4", "v2.0.0", "latest", "v1.36.3-rc.1", ""])
def test_what_is_not_a_version_that_can_be_built(text: str) -> None:
    with pytest.raises(UsageError):
        versions.parse(text)


def test_the_constants_of_kubeadm(tmp_path: Path) -> None:
    path = tmp_path / "cmd/kubeadm/app/constants/constants.go"
    path.parent.mkdir(parents=True)
    path.write_text('\tMinExternalEtcdVersion = "3.5.24-0"\n\tDefaultEtcdVersion = "3.6.8-0"\n'
                    '\tCoreDNSVersion = "v1.14.2"\n\tPauseVersion = "3.10.2"\n')  # fmt: skip
    result = versions.constants(tmp_path)
    assert result == ("3.6.8-0", "v1.14.2", "3.10.2") and result.etcd_version == "v3.6.8"
    path.write_text("")
    with pytest.raises(EdgewrightError, match="DefaultEtcdVersion"):
        versions.constants(tmp_path)


def test_folders_of_the_source_become_published_versions(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text(
        "// generated\nmodule k8s.io/kubernetes\n\ngo 1.26.0\n\nrequire k8s.io/api v0.0.0\n\nreplace (\n"
        "\tk8s.io/api => ./staging/src/k8s.io/api\n\tother/x => other/y v1.0.0\n)\n"
    )
    (tmp_path / "go.sum").write_text("sums\n")
    gomodule.write_module(tmp_path / "m", tmp_path, "v1.36.3", {"main": "package main\n"}, ["a.b/c@v1.2.3"], "own/name")
    text = (tmp_path / "m/go.mod").read_text()
    assert "module own/name\n" in text and "k8s.io/kubernetes" not in text
    assert "\tk8s.io/api => k8s.io/api v0.36.3\n\tother/x => other/y v1.0.0\n" in text and "\ta.b/c v1.2.3\n" in text
    assert (tmp_path / "m/main/main.go").is_file() and (tmp_path / "m/go.sum").read_text() == "sums\n"
    assert "-X k8s.io/component-base/version.gitVersion=v1.36.3" in gomodule.stamps("v1.36.3")


def test_backends_of_clouds_are_left_out_of_flannel(tmp_path: Path) -> None:
    backend = '\t_ "github.com/flannel-io/flannel/pkg/backend/{}"\n'
    names = ("alivpc", "extension", "tencentvpc", "udp", "vxlan")
    (tmp_path / "main.go").write_text("import (\n" + "".join(backend.format(name) for name in names) + ")\n")
    code = goparts.flanneld(tmp_path)
    assert [name for name in names if f"backend/{name}" in code] == ["extension", "vxlan"]
    (tmp_path / "main.go").write_text("package main\n")
    with pytest.raises(Failed):
        goparts.flanneld(tmp_path)


def test_the_mirror_is_the_one_that_apt_uses(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no mirror of Debian"):
        debian.mirror(tmp_path)
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/x.sources").write_text(
        "Types: deb\n# URIs: http://old.example/debian\nURIs: http://m.example/debian-security\n\n"
        "Types: deb\nURIs: http://m.example/debian\n"
    )
    assert debian.mirror(tmp_path) == "http://m.example/debian"
    (tmp_path / "sources.list").write_text("deb [arch=amd64] https://first.example/debian/ bookworm main\n")
    assert debian.mirror(tmp_path) == "https://first.example/debian/"
