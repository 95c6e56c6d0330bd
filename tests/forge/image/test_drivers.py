"""CanvOS and AuroraBoot as drivers, with stand-ins that say so in their names."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edgewright.core.errors import Failed, InvalidInput, NotFound
from edgewright.forge.image import drivers
from edgewright.forge.progress import Job
from edgewright.forge.registry import reference

STAND_INS = Path(__file__).parent / "stand_ins"
NAME = reference.name("ttl.sh/edge/ubuntu", reference.kubernetes("k3s:1.32.3"), "v4.10.0", "demo")


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the stand-in for docker on the path and return its log."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/docker").symlink_to(STAND_INS / "stand-in-docker.sh")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("STAND_IN_DOCKER_LOG", str(tmp_path / "docker.log"))
    return tmp_path / "docker.log"


@pytest.fixture
def canvos(tmp_path: Path) -> Path:
    folder = tmp_path / "CanvOS"
    folder.mkdir()
    (folder / "earthly.sh").symlink_to(STAND_INS / "stand-in-earthly.sh")
    (folder / ".arg.template").write_text(
        "# the registry\nIMAGE_REGISTRY=ttl.sh\n\nK8S_VERSION=\nUPDATE_KERNEL=false\n"
    )
    return folder


def test_arguments_are_set_and_the_rest_stays() -> None:
    text = "# a comment\nexport IMAGE_REPO=old\n\nUPDATE_KERNEL=false # why\nK8S_VERSION=\n"
    made = drivers.with_args(text, {"IMAGE_REPO": "ubuntu", "K8S_VERSION": "1.32.3", "NEW": "1"})
    assert made == "# a comment\nexport IMAGE_REPO=ubuntu\n\nUPDATE_KERNEL=false # why\nK8S_VERSION=1.32.3\nNEW=1\n"
    assert drivers.with_args(made, {"IMAGE_REPO": "ubuntu", "K8S_VERSION": "1.32.3", "NEW": "1"}) == made


def test_canvos_gets_its_inputs_and_its_output_is_collected(canvos: Path, docker: Path, tmp_path: Path) -> None:
    (tmp_path / "user-data").write_text("#cloud-config\n")
    (canvos / "build").mkdir()
    (canvos / "build/old.iso").write_text("of an earlier build")
    said: list[str] = []
    args = drivers.args_of(NAME, "amd64", ("ubuntu", "22.04"), "quay.io/kairos/ubuntu:1")
    made = drivers.canvos(drivers.check_canvos(canvos), NAME, args, tmp_path / "user-data", Job(), said.append)
    written = (canvos / ".arg").read_text()
    assert written.startswith("# the registry\nIMAGE_REGISTRY=ttl.sh/edge\n\nK8S_VERSION=1.32.3\nUPDATE_KERNEL=false\n")
    assert "PE_VERSION=v4.10.0\n" in written and "CUSTOM_TAG=demo\n" in written
    assert (canvos / "user-data").read_text() == "#cloud-config\n"
    assert (canvos / "user-data").stat().st_mode & 0o077 == 0
    assert "stand-in for earthly: +build-provider-images" in said
    assert docker.read_text() == "push ttl.sh/edge/ubuntu:k3s-1.32.3-v4.10.0-demo\n"
    data = b"provider image of k3s 1.32.3 on quay.io/kairos/ubuntu:1\n"
    assert made == [drivers.Artefact(canvos / "build/provider.txt", len(data), hashlib.sha256(data).hexdigest())]


def test_a_build_that_fails_is_told_in_its_own_words(canvos: Path, docker: Path) -> None:
    name = NAME._replace(custom_tag="fails")
    args = drivers.args_of(name, "amd64", None, "b")
    with pytest.raises(Failed, match="CanvOS ended with 3: stand-in: the build fails as asked"):
        drivers.canvos(canvos, name, args, None, Job(), lambda line: None)
    assert not docker.exists(), "nothing may be pushed after a failed build"


def test_without_canvos_or_docker_it_says_what_to_install(
    canvos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match=r"no earthly\.sh") as caught:
        drivers.check_canvos(tmp_path)
    assert "--driver-path" in caught.value.hint
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(NotFound, match="needs Docker"):
        drivers.check_canvos(canvos)


def test_auroraboot_gets_its_source_last(tmp_path: Path) -> None:
    (tmp_path / "user-data").write_text("#cloud-config\n")
    said: list[str] = []
    program = drivers.check_auroraboot(STAND_INS / "stand-in-auroraboot.sh")
    made = drivers.auroraboot(program, NAME, "arm64", tmp_path / "user-data", tmp_path / "out", Job(), said.append)
    assert said[0].endswith(f"--output {tmp_path / 'out'} --arch arm64 oci:{NAME.reference}")
    assert said[0].startswith(f"stand-in for auroraboot: build-iso --cloud-config {tmp_path / 'user-data'}")
    assert [one.path.name for one in made] == ["stand-in.iso"]


def test_auroraboot_that_makes_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_AURORABOOT_EMPTY", "1")
    (tmp_path / "user-data").write_text("#cloud-config\n")
    program = drivers.check_auroraboot(STAND_INS / "stand-in-auroraboot.sh")
    with pytest.raises(Failed, match="left nothing"):
        drivers.auroraboot(program, NAME, "amd64", tmp_path / "user-data", tmp_path / "out", Job(), lambda line: None)
    with pytest.raises(InvalidInput, match="no user-data"):
        drivers.auroraboot(program, NAME, "amd64", tmp_path / "gone", tmp_path / "out", Job(), lambda line: None)


def test_without_auroraboot_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match="AuroraBoot at"):
        drivers.check_auroraboot(tmp_path / "gone")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFound) as caught:
        drivers.check_auroraboot(None)
    assert "edgewright forge iso" in caught.value.hint
