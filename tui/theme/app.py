"""Themes of the app: read from files, taken by name, read again when a file changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tui.terminal.crash import StoresDefect
from tui.terminal.paint.cell_display import CellDisplay
from tui.terminal.toolkit import start_with_theme
from tui.theme import files as theme_files

if TYPE_CHECKING:
    from tui.session import Session

THEME_POLL = 2.0
"""Seconds between two looks at the theme files."""


class ThemedApp(StoresDefect, CellDisplay):
    """An app whose themes are files."""

    session: Session
    _theme_stamp: tuple[tuple[str, int, int], ...] = ()
    _has_theme = False
    _themes_left = False
    """Whether files of themes are still to be read."""

    def announce(self, text: str, level: str = "info") -> None:
        """Show a message to the user."""
        raise NotImplementedError

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give the meanings a colour in themes that are not ours."""
        return dict(theme_files.DEFAULTS)

    def get_css_variables(self) -> dict[str, str]:
        """Return the variables of the theme; none before the first one is taken, whose colours need not be mixed."""
        return super().get_css_variables() if self._has_theme else {}

    @property
    def theme_folders(self) -> tuple[Path, ...]:
        """Folders of theme files, the user's own last: they win."""
        own = self.session.themes_dir
        return (theme_files.builtin_dir(), *((own,) if own else ()))

    def load_themes(self, wanted: str) -> None:
        """Read the theme files and take `wanted`; what is wrong with a file is reported and the theme before stays."""
        self._theme_stamp, self._themes_left = theme_files.stamp(self.theme_folders), False
        read = theme_files.load(self.theme_folders)
        for theme in read.themes.values():
            if self.available_themes.get(theme.name) != theme:
                self.register_theme(theme)
        for problem in read.problems:
            self.announce(f"{problem.sentence} The theme stays as it was.", "warn")
        if wanted in self.available_themes:
            self._take(wanted)
        elif wanted:
            fallback = "dark" if "dark" in self.available_themes else "textual-dark"
            self.announce(f"There is no theme `{wanted}`; {fallback} is used. See: :theme", "warn")
            self._take(fallback)

    def load_first_theme(self, wanted: str) -> None:
        """Take the theme of the first frame, before the app runs: of the themes that come with it, read that alone."""
        own, path = theme_files.load(self.theme_folders[1:]), theme_files.builtin(wanted)
        if wanted in own.themes or path is None or own.problems:
            self.load_themes(wanted)
            return
        self._theme_stamp = theme_files.stamp(self.theme_folders)
        for theme in (*theme_files.load_files([path]).themes.values(), *own.themes.values()):
            self.register_theme(theme)
        self._themes_left = True
        self._take(wanted)

    def load_all_themes(self) -> None:
        """Read the themes that the first frame did not need; call it before they are listed."""
        if self._themes_left:
            self.load_themes(self.theme)

    def _take(self, name: str) -> None:
        self._has_theme = True
        if self.is_running:
            self.theme = name
        else:
            start_with_theme(self, name)

    def look_at_themes(self) -> None:
        """Read the theme files again when one of them changed; nothing is painted when none did."""
        if theme_files.stamp(self.theme_folders) != self._theme_stamp:
            self.load_themes(self.theme)
            self.refresh_css(animate=False)
