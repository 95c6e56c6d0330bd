"""Which screens are in front: views are opened by name, left, and found again in the history; verbs open dialogs."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from textual.screen import ModalScreen, Screen
from textual.worker import get_current_worker

from edgewright.core.errors import EdgewrightError
from tui.frame.base import BaseScreen
from tui.navigation.history import History
from tui.navigation.openings import Openings
from tui.navigation.paths import OVERLAYS, Path, Place, extended, new_path, stack_of
from tui.navigation.views import DIALOGS, MAIN, VIEWS, load
from tui.terminal import toolkit
from tui.theme.app import ThemedApp

if TYPE_CHECKING:
    from tui.session import Session

Answer = TypeVar("Answer")


class NavigatingApp(ThemedApp):
    """An app whose screens are opened and left in one queue."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.history = History()
        self.openings = Openings(self, self.announce)
        super().__init__()

    def refuse(self, text: str) -> None:
        """Show why a key or a command does nothing; it leaves the message line with the next view that is opened."""
        self.session.store.message(text, "warn", reply=True)

    def announce(self, text: str, level: str = "info") -> None:
        """Put one sentence on the message line and into the message log; level is info, ok, warn or bad."""
        self.session.store.message(text, level)

    @property
    def ending(self) -> bool:
        """Whether the console is about to end: no screen opens, no key is delivered any more."""
        return toolkit.is_ending(self)

    def _make(self, view: str, target: str) -> BaseScreen:
        screen: BaseScreen = load(VIEWS[view])(self.session, target)
        return screen

    def _open_screens(self) -> list[BaseScreen]:
        """Return the screens of the present path, the start view among them when the path begins there."""
        screens = [screen for screen in self.screen_stack if isinstance(screen, BaseScreen)]
        starts = [at for at, screen in enumerate(screens) if screen.starts_path or screen.view == "first-run"]
        return screens[starts[-1] :] if starts else screens

    @property
    def path(self) -> Path:
        """The present path, from its outermost place to the one in front."""
        return tuple(_place(screen) for screen in self._open_screens())

    @property
    def trail(self) -> tuple[str, ...]:
        """The words of the crumb line: the places of the present path."""
        return tuple(screen.crumb for screen in self._open_screens())

    def open_view(self, view: str, target: str = "", start: bool = False) -> None:
        """Show a view, one place below the present one; with `start` on a path of its own. It is done in the queue."""
        self.openings.add(partial(self._open_by_name, view, target, start))

    async def _open_by_name(self, view: str, target: str = "", start: bool = False) -> None:
        """Show a view, or the dialog of that name."""
        if view == "pulse" and self.session.replay is not None:
            view = "replay"  # Pulse with the line of time above it
        if view not in VIEWS:
            self._follow(self._open_dialog(view, target), "dialog:open")
            return
        await self._open_path(new_path(view, target) if start else extended(self.path, view, target))

    async def _open_path(self, path: Path) -> None:
        """Show the last place of `path`. Screens of it that are open stay as they are: cursor, filter, marks."""
        stack = self.screen_stack
        depth = next((at for at, screen in enumerate(stack) if _view(screen) == "first-run"), 0)
        home = _place(stack[depth])
        places = stack_of(path, home)
        pairs = zip(places, stack[depth:], strict=False)
        same = next((at for at, (place, screen) in enumerate(pairs) if _place(screen) != place), None)
        same = min(len(places), len(stack) - depth) if same is None else same
        with self.batch_update():
            if depth + same < len(stack):
                await self.openings.close(stack[depth + same])
            for at, place in enumerate(places[same:], same):
                screen = self._screen_of(*place)
                screen.starts_path = at == 1 and path[0] != home
                await self.push_screen(screen)
        if same > 1 and isinstance(first := self.screen_stack[depth + 1], BaseScreen):
            first.starts_path = path[0] != home
        self._arrived()

    def _screen_of(self, view: str, target: str) -> BaseScreen:
        """Return the screen of a place: main views are made once, so that they come back as they were left."""
        if view not in MAIN or target:
            return self._make(view, target)
        if not self.is_screen_installed(view):
            self.install_screen(self._make(view, target), view)
        screen = self.get_screen(view)
        assert isinstance(screen, BaseScreen)
        return screen

    def _visit(self) -> None:
        path = self.path
        if path and path[-1][0] not in OVERLAYS and all(view in VIEWS for view, _ in path):
            self.history.visit(path)

    async def _open_dialog(self, name: str, target: str) -> None:
        try:
            await load(DIALOGS)(self, name, target)
        except EdgewrightError as error:
            self.announce(f"{error.message} {error.hint}".strip(), "bad")

    def _follow(self, work: Awaitable[Any], group: str) -> None:
        """Do what may open a dialog; keys wait for that a moment."""
        self.openings.follow(self.run_worker(work, group=group, exit_on_error=False))

    async def ask(self, dialog: ModalScreen[Answer]) -> Answer | None:
        """Return what is answered in `dialog`; for workers. Keys wait a moment for what follows the answer."""
        answer = await self.push_screen_wait(dialog)
        self.openings.follow(get_current_worker())
        return answer

    async def action_back(self) -> None:
        """Go one place up: to the one that this place was opened from, or from a main view to the start view."""
        self.leave_screen(self.screen)

    def leave_screen(self, screen: Screen[Any], view: str = "", target: str = "") -> None:
        """Leave `screen` and what is above it, for `view` if one is named. It is done in the queue."""
        self.openings.add(partial(self._leave_screen, screen))
        if view:
            self.open_view(view, target)

    async def _leave_screen(self, screen: Screen[Any]) -> None:
        await self.openings.close(screen)
        self._arrived()

    def _arrived(self) -> None:
        """Let what was refused before leave the message line, and note the visit."""
        self.session.read_until = self.session.store.seq
        if isinstance(self.screen, BaseScreen):
            self.screen.show_frame()
        self._visit()

    def action_history(self, step: int) -> None:
        """Go to the view visited before (-1) or after (1) this one."""
        self._revisit(self.history.step(step))

    def action_last_view(self) -> None:
        """Swap with the view visited last."""
        self._revisit(self.history.last())

    def _revisit(self, path: Path | None) -> None:
        if path is not None:
            self.openings.add(partial(self._open_path, path))


def _view(screen: Screen[Any]) -> str:
    return screen.view if isinstance(screen, BaseScreen) else ""


def _place(screen: Screen[Any]) -> Place:
    return (screen.view, screen.target) if isinstance(screen, BaseScreen) else ("", "")
