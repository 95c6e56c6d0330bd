"""`site network`: options to what is wanted, and settings to text and JSON, without a password."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.clients.ssh.network.reading import parse
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site.network import change
from edgewright.commands.site.network.change import plan_of, within_of
from edgewright.commands.site.network.document import document_of, page
from edgewright.commands.site.network.wanted import wanted_of
from edgewright.config.settings import Settings
from edgewright.core.errors import Conflict, Failed, InvalidInput, NotFound, UsageError
from edgewright.core.network.settings import HostNetwork, Wanted
from tests.clients.ssh.network.samples import NETWORKD

HOST = parse(NETWORKD)


def test_options_are_what_is_wanted() -> None:
    args: dict[str, Any] = {"adapter": "host0", "address": "10.0.0.5/24", "gateway": "none", "dns": "10.0.0.1,10.0.0.2"}
    assert wanted_of(args) == Wanted(
        adapter="host0", method="static", address="10.0.0.5/24", gateway="", dns=("10.0.0.1", "10.0.0.2")
    )
    assert wanted_of({"http_proxy": "none", "ntp": "none"}) == Wanted(http_proxy="", ntp=())
    for wrong in ({}, {"adapter": "host0"}, {"mtu": "1x"}, {"vlan": "5000"}):
        with pytest.raises(UsageError):
            wanted_of(wrong)
    assert within_of({}) == 120 and within_of({"within": "90s"}) == 90
    with pytest.raises(InvalidInput, match="20 s to 1 h"):
        within_of({"within": "5s"})


def test_text_and_json_have_no_password() -> None:
    document = document_of("edge1", HOST)
    shown = page(document) + json.dumps(document)
    assert "http://***@10.4.1.1:3128" in shown and "hunter2" not in shown
    assert "host0           static, 10.66.133.11/24, gateway 10.66.133.1, MTU 1500, up, by systemd-networkd" in shown


def test_the_login_of_a_proxy_is_read_from_a_file_only(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("http://kim:canary@10.4.1.1:3129\n")
    file = str(tmp_path / "url")
    assert wanted_of({"https_proxy_file": file}) == Wanted(https_proxy="http://kim:canary@10.4.1.1:3129")
    with pytest.raises(UsageError, match="others can read") as caught:
        wanted_of({"http_proxy": "http://kim:canary@10.4.1.1:3129"})
    assert "--http-proxy-file FILE" in caught.value.hint and "canary" not in f"{caught.value} {caught.value.hint}"
    with pytest.raises(UsageError, match="both given"):
        wanted_of({"http_proxy": "http://10.4.1.1:1", "http_proxy_file": file})
    with pytest.raises(NotFound, match="There is no file"):
        wanted_of({"http_proxy_file": f"{file}-not"})


async def test_the_command_of_a_plan_has_no_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def connect(target: str, ctx: CommandContext) -> Any:
        return SimpleNamespace(aclose=None)

    async def read(connection: Any, **patience: float) -> HostNetwork:
        return HOST

    monkeypatch.setattr(change, "connect", connect)
    monkeypatch.setattr(change, "read_network", read)
    file = tmp_path / "proxy"
    file.write_text("http://kim:canary@10.4.1.1:3129\n")
    args = {"host": "edge1", "http_proxy_file": str(file), "https_proxy": "http://10.4.1.1:1"}
    plan = await change.SiteNetworkSet().plan(CommandContext(Settings()), (), args)
    assert f"--http-proxy-file {file}" in plan.cli and "--https-proxy http://10.4.1.1:1" in plan.cli
    assert "canary" not in f"{plan.cli} {plan.lines}" and "canary" in str(plan.payload.change.files)


def test_a_plan_names_what_is_cut_and_a_change_that_waits_is_first() -> None:
    plan = plan_of("edge1", HOST, Wanted(adapter="host0", address="10.66.133.9/24"), 120, None, "")
    text = "\n".join(plan.lines)
    assert "10.66.133.11/24 -> 10.66.133.9/24" in text and "writes /etc/systemd/network/10-host0.network" in text
    assert "THIS CONNECTION WILL BE CUT" in text and "within 120 s" in text
    waits = NETWORKD.replace(b"end 1\n", b"change armed 97 0123456789abcdef\nwho kim\napplied 1\nend 1\n")
    with pytest.raises(Conflict, match=r"by kim is not confirmed yet \(97 s left\)"):
        plan_of("edge1", parse(waits), Wanted(name="other"), 120, None, "")


def test_what_a_hostile_host_prints() -> None:
    evil = NETWORKD.replace(b"name edge1", b"name \x1b]0;owned\x07edge1").replace(b"host0 2", b"ho\x1b[2Jst0 2")
    evil = evil.replace(
        b"end 1\n", b"change armed 99999999999 zz;id\nwho \x1b[31mroot\nlink x\nfile -1 ../../x\n|y\nend 1\n"
    )
    host = parse(evil)
    assert host.pending is not None and host.pending.run == "" and host.pending.left == 0
    assert "\x1b" not in page(document_of("edge1", host)) + host.pending.who
    with pytest.raises(Failed, match="did not read all"):
        parse(NETWORKD.replace(b"end 1\n", b""))
