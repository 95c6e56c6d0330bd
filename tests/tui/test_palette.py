"""The palette and the typed command: glyphs of every terminal, what may run first, the right sentence."""

from __future__ import annotations

from typing import Any

import pytest
from textual.command import CommandPalette, Hit
from textual.widgets import OptionList

from edgewright.commands.kernel import registry
from edgewright.store.engine.store import Store
from tests.tui.driving import Driven, console, press, until
from tests.tui.samples import NOW, fill
from tui.app import EdgewrightApp
from tui.terminal.glyphs import CP437
from tui.terminal.paint.screen_text import screen_text
from tui.verbs.command_hint import judge
from tui.verbs.palette import VerbProvider

MODEL = fill(Store(clock=lambda: NOW)).model


async def opened(pilot: Driven) -> OptionList:
    await press(pilot, "ctrl+p")
    await until(
        pilot, lambda: isinstance(pilot.app.screen, CommandPalette) and bool(pilot.app.screen.query(OptionList))
    )
    options = pilot.app.screen.query_one(OptionList)
    await until(pilot, lambda: options.option_count > 5)
    return options


@pytest.mark.parametrize("kind", ["ascii_only", "console_glyphs"])
async def test_palette_has_no_glyph_that_a_font_lacks(kind: str) -> None:
    async with console("hosts") as (pilot, _, made):
        setattr(made.terminal, kind, True)
        await opened(pilot)
        text = screen_text(pilot.app)
        assert "??" not in text
        assert {glyph for glyph in text if glyph > "~" and glyph not in CP437} <= {"\n"}


async def test_what_is_refused_comes_last_and_says_why() -> None:
    async with console("hosts", read_only=True) as (pilot, _, _):
        app = pilot.app
        assert isinstance(app, EdgewrightApp)
        provider: Any = VerbProvider(app.screen)
        texts = [hit.help async for hit in provider.discover()]
        refused = [bool(text and text.startswith("not now:")) for text in texts]
        assert any(refused) and refused == sorted(refused)
        hits = [hit async for hit in provider.search("host")]
        best = [hit for hit in sorted(hits, key=lambda hit: -hit.score) if isinstance(hit, Hit)]
        refused = [bool(hit.help and hit.help.startswith("not now:")) for hit in best]
        assert any(refused) and refused == sorted(refused)
        options = await opened(pilot)
        shown = [str(options.get_option_at_index(index).prompt) for index in range(options.option_count)]
        assert "not now:" not in shown[0] and "not now:" in shown[-1]


@pytest.mark.parametrize("text", ["token activate", "token act", "token a"])
def test_completion_shows_the_sentence_of_the_verb_that_it_completes(text: str) -> None:
    command = registry.by_name("token activate")
    assert command is not None
    assert command.help() in judge(text, MODEL, ()).plain


def test_several_completions_are_listed_and_a_view_has_its_own_sentence() -> None:
    assert "token activate" in judge("token ", MODEL, ()).plain
    hosts = registry.by_name("host list")
    assert hosts is not None
    assert judge("hosts health:unhealthy", MODEL, ()).plain == hosts.help()
    assert judge("hosts", MODEL, ()).plain == hosts.help()
    assert "There is no verb" in judge("xray", MODEL, ()).plain
