"""`site ledger`: what the journal has of work over SSH, by host and time; damaged and foreign lines do no harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.grammar import parse
from edgewright.commands.kernel.results import Listing
from edgewright.commands.site.fleet.ledger import read
from edgewright.commands.site.fleet.noted import note_opened
from edgewright.commands.site.open_verbs import SiteBundle, SiteLedger
from edgewright.config.settings import Settings
from edgewright.core.errors import InvalidInput
from edgewright.store.engine.journal import Journal

NOW = 1_796_000_000.0


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """What six verbs wrote, each line 30 s after the one before, the last ones 70 minutes ago."""
    clock = iter(NOW - 3600 - 30 * back for back in range(30, -1, -1))
    journal = Journal(tmp_path / "journal.jsonl", now=lambda: next(clock))
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)
    facts = SimpleNamespace(
        user="kairos", address="10.4.7.21:22", via=("jump",), method="publickey", known_by="the plane"
    )
    note_opened(journal, "store-7", facts)
    run = journal.begin("site run", ("store-7", "root@store-8:2222"), plan("Run uptime on 2 hosts over SSH"))
    hosts = {"store-7": {"result": "done", "exit": 0, "seconds": 2.5}, "root@store-8:2222": {"result": "lost"}}
    journal.end(run, {"done": ["store-7"], "failed": [], "facts": {"hosts": hosts}})
    shell = journal.begin("site shell", ("store-7",), plan("Shell on store-7"))
    journal.end(shell, {"done": ["store-7"], "failed": [], "facts": {"recording": "/home/x/1.cast"}})
    journal.begin("host delete", ("store-7",), plan("not over SSH"))
    install = journal.begin("host install", ("store-9",), plan("Install the agent on store-9"))
    journal.end(install, {"done": [], "failed": [{"target": "store-9", "code": "NoRoom", "message": "The disk."}]})
    journal.begin("site run", ("store-7",), plan("Run \x1b[2Jreboot"))
    with journal.path.open("a") as file:
        file.write('{"id": "x", "begin": "site run", "plan": null, "targets": null}\n[]\nnonsense\n')
    return journal


def plan(title: str) -> dict[str, Any]:
    return {"title": title, "lines": [], "cli": "edgewright ...", "who": "anna"}


def listed(journal: Journal, *words: str) -> Listing:
    ctx = CommandContext(Settings(), journal=journal)
    _, args = parse(SiteLedger, words)
    outcome = asyncio.run(registry.run(SiteLedger, ctx, (), args))
    assert isinstance(outcome.result, Listing)
    return outcome.result


def test_each_host_of_each_verb_has_a_row_newest_first(journal: Journal) -> None:
    rows = [row for row in read(journal) if row.began]
    assert [(row.verb, row.host, row.result) for row in rows] == [
        ("site run", "store-7", "not finished"),
        ("host install", "store-9", "NoRoom"),
        ("site shell", "store-7", "done"),
        ("site run", "store-7", "exit 0"),
        ("site run", "root@store-8:2222", "lost"),
        ("site open", "store-7", "done"),
    ]
    assert "\x1b" not in rows[0].what and rows[0].took == "-" and rows[0].is_bad
    assert rows[3].took == "2.5 s" and rows[4].took == "30 s" and not rows[3].is_bad
    assert rows[2].recording == "/home/x/1.cast" and rows[1].message == "The disk."
    assert rows[5].who.endswith(" as kairos") and rows[2].who == "anna"


def test_it_is_filtered_by_host_verb_and_time(journal: Journal) -> None:
    assert [item.name for item in listed(journal, "store-8").items] == ["root@store-8:2222"]
    assert len(listed(journal, "root@store-8:2222", "store-9").items) == 2
    assert len(listed(journal, "--verb", "run", "store-7").items) == 2
    newest = listed(journal, "--since", "72m").items
    assert newest and len(newest) < len(read(journal))
    assert len(listed(journal, "--until", "72m").items) == len(read(journal)) - len(newest)
    cut = listed(journal, "--limit", "2")
    assert len(cut.items) == 2 and "cut by --limit" in cut.note
    with pytest.raises(InvalidInput):
        listed(journal, "--limit", "1001")


def test_programs_get_the_exit_code_and_the_recording(journal: Journal) -> None:
    documents = [item.document for item in listed(journal, "store-7").items]
    by_verb: dict[str, Any] = {each["verb"]: each for each in documents}
    assert by_verb["site run"]["exit"] == 0 and by_verb["site shell"]["recording"] == "/home/x/1.cast"
    assert by_verb["site open"]["ended"] is not None and by_verb["site open"]["recording"] is None


def test_a_journal_that_is_not_there_is_empty_and_a_full_one_does_not_refuse_a_site(tmp_path: Path) -> None:
    assert listed(Journal(tmp_path / "none")).items == ()
    folder = tmp_path / "folder"
    folder.mkdir()
    facts = SimpleNamespace(user="u", address="a", via=(), method="m", known_by="k")
    note_opened(Journal(folder), "store-7", facts)


async def test_what_reads_a_host_for_others_is_journalled_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgewright.commands.site.bundle import SiteBundle as Action

    async def apply(self: Command, *rest: Any) -> Any:
        raise InvalidInput("It did not work.")

    monkeypatch.setattr(Action, "apply", apply)
    journal = Journal(tmp_path / "journal.jsonl")
    ctx = CommandContext(Settings(), journal=journal)
    _, args = parse(SiteBundle, ["store-7", "--out", str(tmp_path / "x.tar.gz")])
    with pytest.raises(InvalidInput):
        await registry.run(SiteBundle, ctx, (), args)
    assert [(row.verb, row.host, row.result) for row in read(journal)] == [("site bundle", "store-7", "InvalidInput")]


def test_only_the_verbs_that_say_so_are_journalled(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet: Callable[[type[Command]], bool] = lambda verb: verb.danger == "none" and verb.journalled  # noqa: E731
    assert [verb.name for verb in registry.all_commands() if quiet(verb)] == ["site bundle"]
