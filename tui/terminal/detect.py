"""What terminal this is, and how to draw on it; no Textual here, so that a refusal costs nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

from tui.session import TerminalChoice

REFUSAL = (
    "This terminal (TERM={term}) cannot show a full screen. Use the command line, e.g. `edgewright host list`, "
    "or set TERM to what your terminal is, e.g. TERM=xterm-256color."
)
ANSI_TERMS = ("linux", "vt100", "vt102", "vt220", "ansi", "cons25", "screen.linux", "xterm-16color")
"""Terminals with sixteen colours or fewer, whose own palette is the right one."""
CONSOLE_TERMS = ("linux", "screen.linux", "cons25")
"""Terminals that draw with a CP437 font."""
PLAIN_TERMS = ("vt100", "vt102", "vt220", "ansi")
"""Terminals of which only ASCII is sure."""


def refusal(environ: Mapping[str, str]) -> str:
    """Return why no console can be shown on this terminal, `""` when it can."""
    term = environ.get("TERM", "")
    return REFUSAL.format(term=term or "unset") if term in ("", "dumb", "unknown") else ""


def choose(
    environ: Mapping[str, str],
    *,
    theme: str = "auto",
    ascii_only: bool | None = None,
    low_bandwidth: bool | None = None,
    mouse: bool = True,
    lines: bool | None = None,
) -> TerminalChoice:
    """Return how to draw: what the user set wins, `auto` and None follow the terminal.

    `NO_COLOR` (any value but empty) means mono, `TERM=linux` the sixteen colours and the glyphs of its font, a locale
    that is not UTF-8 means ASCII, `ACCESSIBLE` (any value but empty and 0) plain lines.
    """
    term = environ.get("TERM", "")
    no_color = bool(environ.get("NO_COLOR"))
    if theme in ("auto", ""):
        theme = "mono" if no_color else "ansi-dark" if term in ANSI_TERMS else "dark"
    elif no_color:
        theme = "mono"
    if ascii_only is None:
        ascii_only = term in PLAIN_TERMS or not _is_utf8(environ)
    slow = bool(low_bandwidth)
    if lines is None:
        lines = environ.get("ACCESSIBLE", "") not in ("", "0")
    return TerminalChoice(
        theme=theme,
        ascii_only=ascii_only,
        console_glyphs=term in CONSOLE_TERMS and not ascii_only,
        low_bandwidth=slow,
        lines=lines,
        mouse=mouse and not slow and term not in CONSOLE_TERMS,
    )


def _is_utf8(environ: Mapping[str, str]) -> bool:
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    return not locale or locale in ("C", "POSIX") or "utf" in locale.lower()


def prepare(environ: MutableMapping[str, str], choice: TerminalChoice, output: int = 1) -> None:
    """Set what Textual reads when it is imported. Call it before.

    On a slow link few frames and no animation. Elsewhere a short frame period: changes of the fleet come gathered
    anyway, so that the period only delays the echo of keys. `COLUMNS` and `LINES` count where the terminal `output`
    does not know its size (a serial line): exported by a shell they would stay when the window changes.
    """
    try:
        known = all(os.get_terminal_size(output))
    except OSError:  # no terminal
        known = False
    if known:
        environ.pop("COLUMNS", None)
        environ.pop("LINES", None)
    if choice.low_bandwidth:
        environ.setdefault("TEXTUAL_FPS", "5")
        environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    else:
        environ.setdefault("TEXTUAL_FPS", "200")
