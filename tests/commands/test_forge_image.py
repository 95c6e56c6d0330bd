"""The verb `forge image`: its plan, what it prints, and where the password of a key comes from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edgewright.commands.forge.image import ForgeImage
from edgewright.commands.forge.image_build import password
from edgewright.commands.kernel import registry as verbs
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.grammar import parse
from edgewright.config.settings import Settings
from edgewright.core.errors import InvalidInput, NotFound, Refused, UsageError
from tests.forge.image import parts
from tests.oci.fake_registry import FakeRegistry


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    parts.stand_in_for_squashfs(monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path / "ew"))
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.delenv("COSIGN_PASSWORD", raising=False)
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    made = FakeRegistry()
    parts.image_at(made, "base/debian", "12", [parts.SYSTEM])
    parts.programs(tmp_path / "kube")
    yield made
    made.close()


def words(registry: FakeRegistry, tmp_path: Path, *more: str) -> dict[str, Any]:
    base = ["--base", f"{registry.host}/base/debian:12", "--kubernetes", "kubeadm:1.36.3"]
    where = ["--push", f"{registry.host}/edge/debian", "--pe-version", "v4.10.0", "--binaries", str(tmp_path / "kube")]
    return parse(ForgeImage, [*base, *where, *more])[1]


async def test_the_plan_names_the_image_and_touches_nothing(registry: FakeRegistry, tmp_path: Path) -> None:
    plan = await ForgeImage().plan(CommandContext(Settings()), (), words(registry, tmp_path, "--custom-tag", "demo"))
    name = f"{registry.host}/edge/debian:kubeadm-1.36.3-v4.10.0-demo"
    assert plan.touches == (name,) and name in plan.title
    assert any("Does not sign" in line for line in plan.lines)
    assert not registry.requests


async def test_what_is_printed(registry: FakeRegistry, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "key.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    args = words(registry, tmp_path, "--sign-key", str(path), "--sbom", str(tmp_path / "bill.json"))
    said: list[str] = []
    outcome = await verbs.run(ForgeImage, CommandContext(Settings()), (), args, report=said.append)
    document, text = outcome.result.document, outcome.result.text
    assert document["signature"]["fresh"] and outcome.message == "Pushed and signed."
    assert document["digest"] in text and 'system.registry: "' + registry.host in text
    assert json.loads((tmp_path / "bill.json").read_text())["spdxVersion"] == "SPDX-2.3"
    assert "pushing the manifest" in said and said.index("making the layer") < said.index("pushing the manifest")


async def test_canvos_is_driven_to_the_end(
    registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins = Path(parts.__file__).parent / "stand_ins"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/docker").symlink_to(stand_ins / "stand-in-docker.sh")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    (tmp_path / "CanvOS").mkdir()
    (tmp_path / "CanvOS/earthly.sh").symlink_to(stand_ins / "stand-in-earthly.sh")
    args = words(registry, tmp_path, "--driver", "canvos", "--driver-path", str(tmp_path / "CanvOS"))
    said: list[str] = []
    with pytest.raises(NotFound, match="is not at the registry"):  # the stand-in pushes nothing
        await verbs.run(ForgeImage, CommandContext(Settings()), (), args, report=said.append)
    assert "stand-in for earthly: +build-provider-images" in said
    digest = parts.image_at(registry, "edge/debian", "kubeadm-1.36.3-v4.10.0", [parts.SYSTEM])
    outcome = await verbs.run(ForgeImage, CommandContext(Settings()), (), args)
    assert outcome.result.document["digest"] == digest
    assert outcome.result.document["driver"] == "canvos"


async def test_auroraboot_makes_an_iso_of_what_was_pushed(registry: FakeRegistry, tmp_path: Path) -> None:
    program = Path(parts.__file__).parent / "stand_ins/stand-in-auroraboot.sh"
    (tmp_path / "user-data").write_text("#cloud-config\n")
    more = ["--driver", "auroraboot", "--driver-path", str(program), "--user-data", str(tmp_path / "user-data")]
    args = words(registry, tmp_path, *more, "--out", str(tmp_path / "out"))
    outcome = await verbs.run(ForgeImage, CommandContext(Settings()), (), args)
    assert outcome.result.document["artefacts"][0]["file"] == str(tmp_path / "out/stand-in.iso")
    assert "Made        " in outcome.result.text


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        (["--os", "ubuntu"], UsageError),
        (["--sign-key", "/gone"], NotFound),
        (["--containerfile", "/gone"], NotFound),
        (["--overlay", "/gone"], InvalidInput),
        (["--custom-tag", "No"], InvalidInput),
        (["--checksums", "/gone"], InvalidInput),
        (["--for", "tree"], UsageError),
        (["--tree", "/gone"], UsageError),
        (["--driver", "canvos"], NotFound),
        (["--driver", "canvos", "--base", "appliance:base.iso"], UsageError),
        (["--driver", "auroraboot", "--driver-path", "/bin/true"], UsageError),
    ],
)
async def test_what_cannot_work_is_told_in_the_plan(
    registry: FakeRegistry, tmp_path: Path, more: list[str], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await ForgeImage().plan(CommandContext(Settings()), (), words(registry, tmp_path, *more))
    assert not registry.requests


def test_the_password_of_a_key(registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    key = tmp_path / "key"
    with pytest.raises(UsageError, match="there is no terminal"):
        password(key, None)
    file = tmp_path / "password"
    file.write_text("open\n")
    file.chmod(0o644)
    with pytest.raises(Refused, match="can be read by others"):
        password(key, str(file))
    file.chmod(0o600)
    assert password(key, str(file)) == b"open"
    with pytest.raises(NotFound):
        password(key, str(tmp_path / "gone"))
    monkeypatch.setenv("COSIGN_PASSWORD", "env")
    assert password(key, str(file)) == b"env"


async def test_options_of_the_other_kind_are_refused_all_at_once(registry: FakeRegistry, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        await ForgeImage().plan(
            CommandContext(Settings()), (), words(registry, tmp_path, "--for", "tree", "--overlay", "x", "--os", "a:1")
        )
    assert all(flag in caught.value.message for flag in ("--base", "--pe-version", "--overlay", "--os"))
    for more in (["--tree", "x"], ["--cni", "x", "--for", "appliance"]):
        with pytest.raises(UsageError):
            await ForgeImage().plan(CommandContext(Settings()), (), words(registry, tmp_path, *more))


async def test_without_for_a_base_means_an_appliance_and_that_is_said(registry: FakeRegistry, tmp_path: Path) -> None:
    plan = await ForgeImage().plan(CommandContext(Settings()), (), words(registry, tmp_path))
    assert plan.lines[0].startswith("No --for is given") and "appliance image" in plan.title
    outcome = await verbs.run(ForgeImage, CommandContext(Settings()), (), words(registry, tmp_path))
    assert any("--for appliance" in warning for warning in outcome.result.document["warnings"])
    args = words(registry, tmp_path, "--for", "appliance", "--replace")
    plan = await ForgeImage().plan(CommandContext(Settings()), (), args)
    assert not any("--for" in line for line in plan.lines)
    named = await verbs.run(ForgeImage, CommandContext(Settings()), (), args)
    assert named.result.document["digest"] == outcome.result.document["digest"]
