"""The theme of the first frame, taken before the app runs.

Private Textual API (8.2.8): `App._refresh_truecolor_filter`. Textual parses all style sheets again when a theme is set:
the first frame would be styled twice.
"""

from __future__ import annotations

from textual.app import App


class FirstTheme(App[int]):
    """An app that can have a theme before it runs without styling anything twice."""

    def start_with_theme(self, name: str) -> None:
        """Take a registered theme; call it before the app runs, while no style sheet is parsed."""
        self.set_reactive(App.theme, name)
        theme = self.current_theme
        self.set_class(True, f"-theme-{theme.name}", update=False)
        self.set_class(theme.dark, "-dark-mode", update=False)
        self.set_class(not theme.dark, "-light-mode", update=False)
        self._refresh_truecolor_filter(self.ansi_theme)
        self.stylesheet.set_variables(self.get_css_variables())
