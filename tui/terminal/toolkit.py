"""The private Textual API that the rest of the console needs, one small function for each use.

Textual 8.2.8. `tests/tui/terminal/test_private_textual.py` lists every private symbol with the test that shows its use.
"""

from __future__ import annotations

import sys
from typing import Any

from textual.app import App
from textual.driver import Driver
from textual.screen import Screen
from textual.widget import Widget

from tui.terminal import start_cache
from tui.terminal.paint.row_compositor import RowCompositor
from tui.terminal.style_rules import StoredRules


def driver_of(app: App[Any]) -> Driver | None:
    """Return the driver that reads and writes the terminal; None before the app runs."""
    return app._driver


def write(app: App[Any], sequence: str) -> None:
    """Write an escape sequence to the terminal; nothing before the app runs."""
    if app._driver is not None:
        app._driver.write(sequence)


def start_with_theme(app: App[Any], name: str) -> None:
    """Give an app a registered theme before it runs.

    Setting `App.theme` makes Textual parse all style sheets again, and the first frame is styled twice.
    """
    app.set_reactive(App.theme, name)
    theme = app.current_theme
    app.set_class(True, f"-theme-{theme.name}", update=False)
    app.set_class(theme.dark, "-dark-mode", update=False)
    app.set_class(not theme.dark, "-light-mode", update=False)
    app._refresh_truecolor_filter(app.ansi_theme)
    app.stylesheet.set_variables(app.get_css_variables())


def use_stored_rules(app: App[Any]) -> None:
    """Give an app that has not started the style sheets that an earlier start has parsed."""
    cache = start_cache.present()
    if cache is not None:
        app.stylesheet = StoredRules(cache)


def without_toasts(app: App[Any]) -> None:
    """Give the screens of an app no widgets for toasts and tooltips: the console shows neither."""
    app._disable_notifications = app._disable_tooltips = True


def is_field(widget: Widget | None) -> bool:
    """Return whether a widget is a field for a line of text; their class is loaded with the first one."""
    module = sys.modules.get("textual.widgets._input")
    return module is not None and isinstance(widget, module.Input)


def is_ending(app: App[Any]) -> bool:
    """Return whether `exit` was called: no screen opens and no key is delivered any more."""
    return app._exit


def is_removed(screen: Screen[Any]) -> bool:
    """Return whether the screen is being removed from the stack; its widgets may be gone."""
    return screen._pruning


def compose_by_rows(screen: Screen[Any]) -> None:
    """Give a new screen the compositor that asks widgets only for the rows of an update."""
    screen._compositor = RowCompositor()


def set_clipboard(app: App[Any], text: str) -> None:
    """Set the text that a paste inside the console inserts; the terminal's clipboard is not touched."""
    app._clipboard = text


def capture_mouse(app: App[Any], on: bool) -> None:
    """Switch the mouse reports of a running app on or off; they stay off when it returns from another program.

    A driver writes neither sequence while its `_mouse` is false, so it is true around both.
    """
    driver: Any = app._driver
    driver._mouse = True
    enable = getattr(driver, "_enable_mouse_support", None)  # a headless driver has neither
    disable = getattr(driver, "_disable_mouse_support", None)
    switch = enable if on else disable
    if switch is not None:
        switch()
    driver._mouse = on


def stop_reading_keys(driver: Driver | None) -> None:
    """End the thread that reads keys: it spins on a closed terminal."""
    exit_event = getattr(driver, "exit_event", None)
    if exit_event is not None:
        exit_event.set()
