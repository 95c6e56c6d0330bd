"""`site get` and `site put`: plans, confirmation, journal, refusals, a lost link; scripts run in a real shell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.clients.ssh.files.host_files import HostFiles
from edgewright.clients.ssh.files.progress import Progress
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site.files import reach as file_reach
from edgewright.commands.site.page_verbs import SiteGet, SitePut
from edgewright.commands.site.sizes import progress_text
from edgewright.config.settings import Settings
from edgewright.core.errors import EdgewrightError, InvalidInput, NotFound, Refused, Unreachable
from edgewright.store.engine.journal import Journal
from tests.clients.ssh.files.conftest import root
from tests.clients.ssh.files.local_host import LocalHost

__all__ = ["root"]
TARGET = "kairos@edge1"
NEW = b"#cloud-config\nnew: true\n"


@pytest.fixture
def hosts(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[LocalHost]:
    """Connections in turn; the last one stays."""
    made = [LocalHost()]

    async def connect(target: str, ctx: CommandContext) -> Any:
        host: Any = made.pop(0) if len(made) > 1 else made[0]
        if isinstance(host, EdgewrightError):
            raise host
        host.facts = SimpleNamespace(host="edge1 (10.4.1.7)")
        return host

    monkeypatch.setattr(file_reach, "connect", connect)
    monkeypatch.setattr(file_reach, "HostFiles", lambda connection, host: HostFiles(connection, host, str(root)))
    monkeypatch.setattr(file_reach, "WAITS", (0.0, 0.0, 0.0))
    return made


@pytest.fixture
def ctx(tmp_path: Path) -> CommandContext:
    return CommandContext(Settings(), journal=Journal(tmp_path / "journal.jsonl"))


def entries(ctx: CommandContext) -> list[Any]:
    assert ctx.journal is not None
    return list(ctx.journal.entries())


async def run(command: Any, ctx: CommandContext, lines: Callable[[str], None] = lambda line: None, **args: Any) -> Any:
    try:
        return await registry.run(command, ctx, (), {"target": TARGET, **args}, report=lines)
    finally:
        await ctx.aclose()


async def test_get(hosts: list[LocalHost], ctx: CommandContext, root: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    outcome = await run(SiteGet, ctx, lines.append, path="/var/log/syslog", out=str(tmp_path))
    content = (root / "var/log/syslog").read_bytes()
    assert (tmp_path / "syslog").read_bytes() == content
    (item,) = outcome.result.items
    assert item.document["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert item.document["file"] == str(tmp_path / "syslog") and "checking" in lines[-1]
    assert entries(ctx) == [], "a log changes nothing and is no secret"


async def test_a_file_with_secrets_needs_a_word_more_and_is_in_the_journal(
    hosts: list[LocalHost], ctx: CommandContext, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="may contain secrets") as caught:
        await run(SiteGet, ctx, path="/oem/90_custom.yaml", out=str(tmp_path))
    assert "--with-secrets" in caught.value.hint and not hosts[0].scripts
    await run(SiteGet, ctx, path="/oem/90_custom.yaml", out=str(tmp_path), secrets=True)
    assert "canary-7f3a-token" in (tmp_path / "90_custom.yaml").read_text()
    (entry,) = entries(ctx)
    assert entry.command == "site get" and list(entry.targets) == [TARGET] and entry.outcome["done"] == [TARGET]
    assert "canary" not in (tmp_path / "journal.jsonl").read_text()


async def test_get_continues_by_itself_and_says_how_else(
    hosts: list[LocalHost], ctx: CommandContext, root: Path, tmp_path: Path
) -> None:
    (root / "var/log/syslog").write_bytes(bytes(range(256)) * 2000)
    lines: list[str] = []
    hosts[:] = [LocalHost(cuts=[1000]), LocalHost()]
    await run(SiteGet, ctx, lines.append, path="/var/log/syslog", out=str(tmp_path / "a"))
    assert any("Connecting again" in line for line in lines)
    assert (tmp_path / "a").read_bytes() == (root / "var/log/syslog").read_bytes()
    away: Any = Unreachable("Nothing answers at 10.4.1.7:22.", "", "NoAnswer")
    hosts[:] = [LocalHost(cuts=[1000]), away]
    with pytest.raises(Unreachable, match="Nothing answers"):
        await run(SiteGet, ctx, lines.append, path="/var/log/syslog", out=str(tmp_path / "b"))


async def test_put_shows_both_files_and_replaces(
    hosts: list[LocalHost], ctx: CommandContext, root: Path, tmp_path: Path
) -> None:
    place, new = root / "oem/90_custom.yaml", tmp_path / "new.yaml"
    before = hashlib.sha256(place.read_bytes()).hexdigest()
    new.write_bytes(NEW)
    args = {"target": TARGET, "file": str(new), "path": "/oem/90_custom.yaml"}
    plan = await registry.acting(SitePut)().plan(ctx, (), args)
    text = "\n".join(plan.lines)
    assert before in text and hashlib.sha256(NEW).hexdigest() in text and "mode 0644" in text
    assert plan.title == "Replace /oem/90_custom.yaml on kairos@edge1" and "is not stored" in plan.cannot_undo[0]
    assert plan.cli == f"edgewright site put {TARGET} {new} /oem/90_custom.yaml" and not plan.nothing
    assert place.read_bytes() != NEW
    outcome = await registry.run(SitePut, ctx, (), args, plan=plan)
    assert place.read_bytes() == NEW and outcome.result.items[0].document["before"] == f"sha256:{before}"
    (entry,) = entries(ctx)
    assert entry.command == "site put" and before in json.dumps(entry.plan)
    again = await registry.acting(SitePut)().plan(ctx, (), {**args, "path": "/oem/90_custom.yaml"})
    assert again.nothing and "already" in again.lines[0]
    await ctx.aclose()


async def test_put_into_a_directory_takes_the_name(
    hosts: list[LocalHost], ctx: CommandContext, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "50_ntp.yaml").write_bytes(NEW)
    await run(SitePut, ctx, file=str(tmp_path / "50_ntp.yaml"), path="/oem")
    assert (root / "oem/50_ntp.yaml").read_bytes() == NEW


async def test_put_says_how_it_continues(
    hosts: list[LocalHost], ctx: CommandContext, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "big").write_bytes(bytes(300_000))
    away: Any = Unreachable("Nothing answers at 10.4.1.7:22.", "", "NoAnswer")
    hosts[:] = [LocalHost(cuts_sent=[100_000]), away]
    with pytest.raises(Unreachable) as caught:
        await run(SitePut, ctx, file=str(tmp_path / "big"), path="/oem/90_custom.yaml")
    assert "The old file is as it was. Continue: edgewright site put" in caught.value.hint
    assert (root / "oem/90_custom.yaml").read_text().startswith("#cloud-config\nstylus")
    assert entries(ctx)[0].outcome["failed"][0]["target"] == TARGET
    hosts[:] = [LocalHost()]
    outcome = await run(SitePut, ctx, file=str(tmp_path / "big"), path="/oem/90_custom.yaml")
    assert outcome.result.items[0].document["resumed"] > 0


async def test_what_is_refused_before_anything_is_dialled(
    hosts: list[LocalHost], ctx: CommandContext, tmp_path: Path
) -> None:
    hosts[:] = [Unreachable("It was dialled.")]  # type: ignore[list-item]
    for path in ("/etc/shadow", "/var/log/../../etc/shadow", "/oem"):
        with pytest.raises((Refused, InvalidInput)):
            await run(SiteGet, ctx, path=path, out=str(tmp_path))
    with pytest.raises(InvalidInput, match="no directory"):
        await run(SiteGet, ctx, path="/var/log/syslog", out=str(tmp_path / "none/x"))
    with pytest.raises(InvalidInput, match="no directory ~no-such-user"):
        await run(SiteGet, ctx, path="/var/log/syslog", out="~no-such-user/x")
    with pytest.raises(NotFound, match="no file ~no-such-user/x"):
        await run(SitePut, ctx, file="~no-such-user/x", path="/oem/x")
    (tmp_path / "x").write_bytes(NEW)
    for path in ("/var/log/syslog", "/etc/kubernetes/admin.conf", "/root/x"):
        with pytest.raises(Refused):
            await run(SitePut, ctx, file=str(tmp_path / "x"), path=path)
    ctx.read_only = True
    with pytest.raises(Refused, match="read-only"):
        await run(SitePut, ctx, file=str(tmp_path / "x"), path="/oem/x")


def test_progress_as_text() -> None:
    assert progress_text(Progress(0, 0, 0.0, None)) == "0 B of 0 B"
    text = progress_text(Progress(1_048_576, 10_485_760, 524_288.0, 18.0))
    assert text == "1.0 MB of 10.0 MB (10 %), 512.0 KB/s, about 18 s left"
    assert progress_text(Progress(5, 5, 1.0, 0.0, "checking")).endswith("checking")
