"""`site local-api`: the API of a host through a real sshd and directly, with the certificate that is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site.api import pins, read
from edgewright.config.settings import Settings
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, Refused, Unreachable
from tests.clients.local_api.stand_in import MGMT, PASSWORD, SAMPLES, USER, StandInLocalApi
from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.reach import Answers, Laptop
from tests.clients.ssh.sshd import Sshd, free_port

__all__ = ["key_files"]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInLocalApi]:
    monkeypatch.setattr(pins, "_path", lambda: tmp_path / "state" / "local-api-pins.json")
    with StandInLocalApi(tmp_path / "api") as made:
        yield made


async def run(monkeypatch: pytest.MonkeyPatch, target: str, answers: Answers, **args: Any) -> Any:
    monkeypatch.setattr(read, "asker", lambda: answers)
    verb, ctx = read.SiteApiRead(), CommandContext(Settings())
    try:
        plan = await verb.plan(ctx, (), {"host": target, **args})
        return await verb.apply(ctx, plan, {"host": target, **args}, lambda line: None)
    finally:
        await ctx.aclose()


async def test_directly_the_certificate_is_asked_for_once(
    server: StandInLocalApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = Answers(secrets=["y", PASSWORD])
    outcome = await run(monkeypatch, f"{USER}@127.0.0.1", asked, direct=True, port=server.port)
    document = outcome.result.document
    assert document["way"] == "direct" and document["user"] == USER
    titles = [each["title"] for each in document["sections"]]
    assert titles[0] == "host" and "cluster" in titles and "registry" in titles
    assert document["certificate"] in asked.prompts[0][0] and asked.prompts[0][1]
    assert "canary" not in json.dumps(document) + outcome.result.text
    assert server.sessions == 0
    assert (tmp_path / "state/local-api-pins.json").stat().st_mode & 0o777 == 0o600
    again = Answers(secrets=[PASSWORD])
    await run(monkeypatch, f"{USER}@127.0.0.1", again, direct=True, port=server.port)
    assert len(again.prompts) == 1 and again.prompts[0] == (
        f"Password of {USER} for the local API of {USER}@127.0.0.1: ", False)  # fmt: skip


async def test_an_unknown_and_a_changed_certificate_get_no_password(
    server: StandInLocalApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="is not known") as refused:
        await run(monkeypatch, f"{USER}@127.0.0.1", Answers(secrets=["n"]), direct=True, port=server.port)
    assert refused.value.code == "UnknownPin"
    with pytest.raises(Refused, match="is not known"):  # no terminal
        await run(monkeypatch, f"{USER}@127.0.0.1", Answers(), direct=True, port=server.port)
    pins.store(f"127.0.0.1:{server.port}", "AB:CD")
    with pytest.raises(Refused, match=r"another certificate than before.*known is AB:CD") as refused:
        await run(monkeypatch, f"{USER}@127.0.0.1", Answers(secrets=["y", PASSWORD]), direct=True, port=server.port)
    assert refused.value.code == "PinChanged" and server.asked == []


async def test_over_ssh_nothing_is_asked_but_the_password(
    server: StandInLocalApi, monkeypatch: pytest.MonkeyPatch, key_files: dict[str, Path], tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    with Sshd(tmp_path / "s", [key_files["host-ed25519"]]) as sshd:
        sshd.allow(key_files["user"].with_name("user.pub"))
        laptop = Laptop(tmp_path)
        laptop.block("edge1", sshd.port, key_files["user"])
        laptop.knows(sshd, key_files["host-ed25519"])
        monkeypatch.setattr(read, "connect", lambda target, ctx: laptop.open(target))
        silent = Answers()
        given = {"port": server.port, "user": USER, "password_file": str(secret)}
        outcome = await run(monkeypatch, "edge1", silent, **given)
        assert outcome.result.document["way"] == "ssh" and not silent.prompts and pins.stored() == {}
        assert "HOST  read 20" in outcome.result.text
        with pytest.raises(Refused, match="does not accept"):
            await run(monkeypatch, "edge1", Answers(secrets=["wrong"]), port=server.port, user=USER)
        with pytest.raises(Refused, match="needs a password"):
            await run(monkeypatch, "edge1", Answers(), port=server.port, user=USER)
        with pytest.raises(Unreachable, match="is not reached from"):
            await run(monkeypatch, "edge1", silent, **{**given, "port": free_port()})
        secret.chmod(0o644)
        with pytest.raises(EdgewrightError, match=r"others|mode|chmod"):
            await run(monkeypatch, "edge1", silent, **given)


async def test_what_it_does_not_have_is_a_reason_and_nothing_at_all_an_error(
    server: StandInLocalApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins_known = Answers(secrets=["y", PASSWORD])
    server.answers[f"{MGMT}/cluster/details"] = (404, b'{"message": "no cluster"}')
    outcome = await run(monkeypatch, f"{USER}@127.0.0.1", pins_known, direct=True, port=server.port)
    cluster = next(each for each in outcome.result.document["sections"] if each["title"] == "cluster")
    assert cluster["values"] == [] and "no cluster" in cluster["reason"]
    for path in SAMPLES:
        server.answers[path] = (500, b"{}")
    with pytest.raises(Failed, match="gave nothing"):
        await run(monkeypatch, f"{USER}@127.0.0.1", Answers(secrets=[PASSWORD]), direct=True, port=server.port)


async def test_what_is_wrong_is_found_before_it_is_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput):
        await run(monkeypatch, "a;b", Answers())
    with pytest.raises(InvalidInput, match="is not a port"):
        await run(monkeypatch, "edge1", Answers(), port=70_000)


def test_what_is_stored_is_bounded(server: StandInLocalApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pins, "MOST", 3)
    for number in range(5):
        pins.store(f"h{number}:1", "AB")
    assert list(pins.stored()) == ["h2:1", "h3:1", "h4:1"]
    (tmp_path / "state/local-api-pins.json").write_text("nonsense")
    assert pins.stored() == {}
