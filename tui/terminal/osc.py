"""What is sent to the terminal beside the picture: clipboard (OSC 52), window title (OSC 2), bell.

Sources: XTerm Control Sequences, "Operating System Commands" and "Window manipulation" (22 and 23 save and restore the
title); tmux(1), "allow-passthrough"; screen(1), device control strings.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import NamedTuple

from tui.terminal.detect import CONSOLE_TERMS, PLAIN_TERMS

MOST = 74_000
"""Bytes of text that a clipboard sequence may carry; xterm and tmux drop longer ones."""
SCREEN_CHUNK = 256
"""Bytes of a device control string that every GNU screen passes on."""
BELL = "\a"


class Multiplexer(NamedTuple):
    """What is between the console and the terminal; both are false for nothing, or for something that is unknown."""

    tmux: bool = False
    screen: bool = False


def multiplexer(environ: Mapping[str, str]) -> Multiplexer:
    """Return what the environment contains: `TMUX` and `STY` on this machine, `TERM` also over SSH."""
    term = environ.get("TERM", "")
    tmux = bool(environ.get("TMUX")) or term.startswith("tmux")
    return Multiplexer(tmux, not tmux and (bool(environ.get("STY")) or term.startswith("screen")))


def has_osc(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal takes operating system commands; the Linux console and hardware terminals do not."""
    return environ.get("TERM", "") not in (*CONSOLE_TERMS, *PLAIN_TERMS, "", "dumb")


def clipboard(text: str, environ: Mapping[str, str]) -> str:
    """Return what puts `text` into the terminal's clipboard, through tmux or screen where there is one.

    tmux takes the plain sequence itself (`set-clipboard on`) or passes the wrapped one on (`allow-passthrough on`);
    which of the two is allowed is not known here, so it gets both.
    """
    sequence = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}{BELL}"
    result = multiplexer(environ)
    if result.tmux:
        escaped = sequence.replace("\x1b", "\x1b\x1b")
        return f"{sequence}\x1bPtmux;{escaped}\x1b\\"
    if result.screen:
        parts = [sequence[at : at + SCREEN_CHUNK] for at in range(0, len(sequence), SCREEN_CHUNK)]
        return "".join(f"\x1bP{part}\x1b\\" for part in parts)
    return sequence


def title(text: str) -> str:
    """Return what sets the title of the window; control characters are left out."""
    return f"\x1b]2;{''.join(character for character in text if character.isprintable())[:200]}{BELL}"


SAVE_TITLE, RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"
