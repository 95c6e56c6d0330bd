"""The message line: fades, goes when it was answered, takes two lines and does not cut the cause."""

from __future__ import annotations

import pytest

from edgewright.store.collections.rows import MessageRow
from tests.tui.driving import console, press, settle
from tests.tui.samples import NOW
from tui.widgets.frame import FrameLine
from tui.widgets.lines import text_of
from tui.widgets.message_line import FADE, MORE, REPLY_FADE, message_lines, shown_message

CAUSES = [
    "The certificate of https://10.4.0.2:8443 is valid from 2026-11-24 08:00Z on only; this machine's clock is behind.",
    "~/.config/edgewright/keymap.toml, line 6: the key 2 of `host-tag` is taken by `host-list`; change one of them.",
    "The installer would not work with these answers: fix what is marked first.",
    "/home/pat/installers/shop.iso is there already. Give the output another name, or --force to replace it.",
]


def row(text: str = "x", level: str = "info", age: float = 0, reply: bool = False, seq: int = 7) -> MessageRow:
    return MessageRow(seq, NOW - age, level, text, reply)


@pytest.mark.parametrize(
    ("message", "read", "shown"),
    [
        (row(age=FADE - 1), 0, True),
        (row(age=FADE + 1), 0, False),
        (row(level="ok", age=FADE + 1), 0, False),
        (row(level="bad", age=3600), 99, True),
        (row(level="warn", reply=True, age=REPLY_FADE - 1), 6, True),
        (row(level="warn", reply=True), 7, False),
        (row(level="warn", reply=True, age=REPLY_FADE + 1), 0, False),
    ],
)
def test_information_fades_a_refusal_goes_with_the_next_view_and_a_failure_stays(
    message: MessageRow, read: int, shown: bool
) -> None:
    assert (shown_message([row("older", "bad"), message], NOW, read) is message) is shown
    assert shown_message([], NOW) is None


@pytest.mark.parametrize("text", CAUSES)
@pytest.mark.parametrize("level", ["info", "warn", "bad"])
def test_80_columns_show_the_cause_to_its_last_word(text: str, level: str) -> None:
    lines = message_lines(row(text, level), 80)
    assert len(lines) <= 2
    assert all(line.width <= 80 for line in lines)
    shown = " ".join(text_of(lines).split())
    assert shown.endswith(text)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_what_is_longer_than_two_lines_says_where_the_rest_is(width: int) -> None:
    lines = message_lines(row("word " * 200, "bad"), width)
    assert len(lines) == 2
    assert all(line.width <= width for line in lines)
    assert text_of(lines).endswith(MORE.format("!") if width > 30 else "…")


@pytest.mark.parametrize("key", ["2", "escape"])
async def test_a_wrong_verb_leaves_the_line_with_the_next_view_and_stays_in_the_log(key: str) -> None:
    async with console("pulse") as (pilot, _, session):
        await press(pilot, "3", "colon", *"xray", "enter")
        line = pilot.app.screen.query_one("#message", FrameLine)
        assert "There is no verb `xray`" in line.line.plain
        await press(pilot, key)
        assert not pilot.app.screen.query_one("#message", FrameLine).line.plain.strip()
        assert any("xray" in message.text for message in session.store.model.messages)


@pytest.mark.parametrize("size", [(80, 24), (80, 18)])
async def test_a_long_message_takes_the_rule_and_gives_it_back(size: tuple[int, int]) -> None:
    async with console("hosts", size=size) as (pilot, _, session):
        body = pilot.app.screen.query_one("#body").size.height
        session.store.message(CAUSES[0], "bad")
        await settle(pilot)
        screen = pilot.app.screen
        assert screen.query_one("#message-more").region.y == screen.query_one("#message").region.y + 1
        shown = (
            screen.query_one("#message", FrameLine).line.plain + screen.query_one("#message-more", FrameLine).line.plain
        )
        assert shown.endswith("is behind.")
        assert screen.query_one("#body").size.height == body - (0 if size[1] >= 22 else 1)
        await press(pilot, "slash")
        assert screen.query_one("#message-more").region.height == 0
        await press(pilot, "escape")
        session.store.message("Short.", "bad")
        await settle(pilot)
        assert screen.query_one("#body").size.height == body
