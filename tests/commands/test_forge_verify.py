"""The words of `forge verify`, and which plane a proof takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.commands.forge.verify import ForgeVerify, options_of, plane_for
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.grammar import parse
from edgewright.config import contexts
from edgewright.config.settings import Settings
from edgewright.core.errors import EdgewrightError, Refused, UsageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path))
    for name in ("EDGEWRIGHT_CONTEXT", "EDGEWRIGHT_URL"):
        monkeypatch.delenv(name, raising=False)


def remember(name: str, url: str, *, read_only: bool = False) -> None:
    contexts.add(contexts.Context(name, url, read_only=read_only), "a-key", use_keyring=False)


def test_uefi_from_usb_until_it_is_registered_is_what_is_meant_without_words() -> None:
    _, args = parse(ForgeVerify, ["out.iso"])
    wish = options_of(args)
    assert (wish.firmware, wish.medium, wish.until, wish.accel) == ("uefi", "usb", "registered", "auto")
    assert not wish.secure_boot
    assert wish.limit == 2400


def test_every_word_arrives() -> None:
    words = "out.iso --bios --cd --until installed --accel tcg --devices virtio --limit 10m --memory 1024 --disk 16"
    wish = options_of(parse(ForgeVerify, words.split())[1])
    assert (wish.firmware, wish.medium, wish.until, wish.accel) == ("bios", "cd", "installed", "tcg")
    assert (wish.devices, wish.limit, wish.memory, wish.disk) == ("virtio", 600, 1024, 16)


@pytest.mark.parametrize("words", ["--bios --uefi", "--bios --secure-boot", "--usb --cd", "--memory 16", "--disk 1"])
def test_words_that_exclude_each_other_are_refused(words: str) -> None:
    with pytest.raises(UsageError):
        options_of(parse(ForgeVerify, ["out.iso", *words.split()])[1])


@pytest.mark.parametrize(
    "endpoint", ["https://10.77.0.1:8443", "10.77.0.1:8443", "https://10.77.0.1:8443/", "HTTPS://10.77.0.1:8443"]
)
def test_the_plane_is_the_context_for_the_endpoint(endpoint: str) -> None:
    remember("other", "https://10.1.1.1:8443")
    remember("lab", "https://10.77.0.1:8443")
    remember("third", "https://10.77.0.1")
    assert plane_for(endpoint, CommandContext(Settings())).name == "lab"


def test_the_context_of_the_answers_is_taken_before_others_for_the_same_plane() -> None:
    remember("lab", "https://10.77.0.1:8443")
    remember("mine", "https://10.77.0.1:8443")
    assert plane_for("10.77.0.1:8443", CommandContext(Settings()), "mine").name == "mine"


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("https://10.9.9.9:8443", "none of your contexts"),
        ("https://127.0.0.1:8443", "only this machine"),
        ("localhost:8443", "only this machine"),
        ("https://10.77.0.2:8443", "read-only"),
    ],
)
def test_a_plane_that_cannot_be_taken_is_refused_with_the_next_step(endpoint: str, words: str) -> None:
    remember("lab", "https://10.77.0.1:8443")
    remember("guarded", "https://10.77.0.2:8443", read_only=True)
    with pytest.raises(Refused) as told:
        plane_for(endpoint, CommandContext(Settings()))
    assert words in told.value.message
    assert told.value.hint


async def test_the_plan_says_what_is_made_at_the_plane() -> None:
    _, args = parse(ForgeVerify, ["out.iso"])
    plan = await ForgeVerify().plan(CommandContext(Settings()), (), args)
    assert any("token for one day" in line for line in plan.lines)
    _, args = parse(ForgeVerify, ["out.iso", "--until", "login"])
    plan = await ForgeVerify().plan(CommandContext(Settings()), (), args)
    assert not any("token" in line for line in plan.lines)
    assert plan.cli == "edgewright forge verify out.iso --until login"


async def test_an_iso_that_is_not_there_is_told(tmp_path: Path) -> None:
    command, ctx = ForgeVerify(), CommandContext(Settings())
    _, args = parse(ForgeVerify, [str(tmp_path / "none.iso")])
    with pytest.raises(EdgewrightError) as told:
        await command.apply(ctx, await command.plan(ctx, (), args), args, lambda line: None)
    assert "none.iso" in told.value.message
