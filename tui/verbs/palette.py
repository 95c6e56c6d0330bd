"""The command palette: every verb by its words, with the key that works now, and why it may not run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command
from tui.frame.base import BaseScreen
from tui.verbs.bindings import does_something, live_keys
from tui.verbs.verbs import refusal
from tui.widgets.key_line import key_text

if TYPE_CHECKING:
    from tui.navigation.navigation import NavigatingApp


class RunsVerbs(Protocol):
    """What the palette asks of the app."""

    def run_named(self, name: str) -> None:
        """Run a verb by name."""


REFUSED = 0.01
"""Factor of the score of a verb that is refused now: it is below all others that match."""


class VerbProvider(Provider):
    """Offers the verbs of the registry that fit where the user is."""

    def _run(self, name: str) -> None:
        cast("RunsVerbs", self.app).run_named(name)

    def _rows(self) -> list[tuple[type[Command], str, str, bool]]:
        """Return verb, title with its key, help or the reason why it may not run, and whether it may; refused last."""
        screen = self.screen
        scope = screen.scope if isinstance(screen, BaseScreen) else "global"
        targets = screen.targets() if isinstance(screen, BaseScreen) else ()
        keys = live_keys(screen)
        rows: list[tuple[type[Command], str, str, bool]] = []
        for command in registry.for_scope(scope):
            if not does_something(screen, command):
                continue
            refused = refusal(cast("NavigatingApp", self.app), command, targets)
            key = keys.get(command.id())
            title = f"{command.name}  ({key_text(key)})" if key else command.name
            parts = f"not now: {refused.reason}" if refused else command.help()
            rows.append((command, title, parts, refused is None))
        return sorted(rows, key=lambda row: not row[3])

    async def discover(self) -> Hits:
        """Offer all of them before anything is typed."""
        for command, title, text, _ in self._rows():
            yield DiscoveryHit(Content(title), partial(self._run, command.name), command.name, text)

    async def search(self, query: str) -> Hits:
        """Offer what matches: names first, then help, then what is refused now."""
        matcher = self.matcher(query)
        for command, title, text, allowed in self._rows():
            score = max(matcher.match(title), matcher.match(command.help()) * 0.8)
            if score > 0:
                shown = matcher.highlight(title)
                score *= 1 if allowed else REFUSED
                yield Hit(score, shown, partial(self._run, command.name), command.name, text)
