"""The switch of contexts: the planes that this user knows, the one in use marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.config import contexts
from edgewright.core.errors import EdgewrightError
from tui.modals.choose import ChooseModal
from tui.widgets.lines import cut, line, pad

if TYPE_CHECKING:
    from tui.navigation.navigation import NavigatingApp


async def open_contexts(app: NavigatingApp, target: str = "") -> None:
    """Ask for a context unless `target` names one, and go there. Works while the present plane is unreachable."""
    session = app.session
    if session.switch_context is None:
        app.refuse("The context cannot be changed here: this only shows what was recorded.")
        return
    try:
        known = contexts.load().items
    except EdgewrightError as error:
        app.announce(f"{error.message} {error.hint}".strip(), "bad")
        return
    if target and target not in known:
        app.refuse(f"There is no context {target}. See: :context")
        return
    if not target:
        options = [
            line(
                (pad(name, 20), "strong"),
                " ",
                (pad(cut(item.url, 36), 36), "muted"),
                (" read-only" if item.read_only else "", "warn"),
                key=name,
            )
            for name, item in sorted(known.items())
        ]
        if not options:
            app.announce(
                "No context is stored yet; add one: edgewright context add NAME --url URL --api-key-file FILE", "warn"
            )
            return
        target = await app.ask(ChooseModal("Context", options, current=session.context_name)) or ""
    if target and target != session.context_name:
        await session.switch_context(target)
        app.announce(f"Working with {target}.", "ok")
