"""Dialogs that are opened by name like views: they ask for one choice and then do what was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.modals.choose import ChooseModal
from tui.navigation.views import load
from tui.widgets.lines import line

if TYPE_CHECKING:
    from tui.navigation.navigation import NavigatingApp


async def open_dialog(app: NavigatingApp, name: str, target: str) -> None:
    """Open the dialog `name`; `target` may be the answer already (`:theme light`)."""
    if name == "themes":
        await _choose_theme(app, target)
    elif name in ("contexts", "projects", "help", "messages"):
        await load(f"tui.modals.{name}:open_{name}")(app, target)
    else:
        app.refuse(f"`{name}` cannot be shown yet.")


async def _choose_theme(app: NavigatingApp, target: str) -> None:
    if target:
        app.load_themes(target)
        return

    app.load_all_themes()
    before = app.theme
    ours = [name for name in sorted(app.available_themes) if not name.startswith("textual-")]
    options = [line(name, key=name) for name in ours]

    def show(name: str) -> None:
        app.theme = name

    chosen = await app.ask(ChooseModal("Theme", options, current=before, on_point=show))
    app.theme = chosen or before
