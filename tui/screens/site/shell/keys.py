"""From a key of the console to the bytes that a terminal of the kind xterm sends for it."""

from __future__ import annotations

ESCAPE = "\x1b"
_LETTERS = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}
_TILDES = {
    "insert": 2, "delete": 3, "pageup": 5, "pagedown": 6, "f5": 15, "f6": 17, "f7": 18, "f8": 19, "f9": 20,
    "f10": 21, "f11": 23, "f12": 24,
}  # fmt: skip
_FUNCTIONS = {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
_PLAIN = {
    "enter": "\r", "tab": "\t", "shift+tab": "\x1b[Z", "backspace": "\x7f", "escape": ESCAPE, "space": " ",
    "shift+enter": "\r", "shift+space": " ", "shift+backspace": "\x7f", "ctrl+backspace": "\x08",
    "ctrl+space": "\0", "ctrl+at": "\0", "ctrl+backslash": "\x1c", "ctrl+right_square_bracket": "\x1d",
    "ctrl+circumflex_accent": "\x1e", "ctrl+underscore": "\x1f", "ctrl+slash": "\x1f", "ctrl+minus": "\x1f",
    "ctrl+left_square_bracket": ESCAPE, "ctrl+enter": "\r", "ctrl+tab": "\t",
}  # fmt: skip
_MODIFIERS = {"shift": 1, "alt": 2, "ctrl": 4}
PASTE_BEGIN, PASTE_END = "\x1b[200~", "\x1b[201~"


def key_bytes(key: str, character: str | None, cursor_keys: bool = False) -> bytes:
    """Return what a key sends, b"" for one that sends nothing; `cursor_keys`: the host wants them as applications do.

    `key` is a name of Textual (`ctrl+a`, `shift+up`, `alt+x`), `character` what it types.
    """
    return _text(key, character, cursor_keys).encode("utf-8", "replace")


def _text(key: str, character: str | None, cursor_keys: bool) -> str:
    if key in _PLAIN:
        return _PLAIN[key]
    *modifiers, name = key.split("+")
    mask = sum(_MODIFIERS.get(each, 0) for each in set(modifiers))
    if name in _LETTERS or name in _FUNCTIONS:
        letter = _LETTERS.get(name) or _FUNCTIONS[name]
        if mask:
            return f"\x1b[1;{mask + 1}{letter}"
        return f"\x1bO{letter}" if cursor_keys or name in _FUNCTIONS else f"\x1b[{letter}"
    if name in _TILDES:
        return f"\x1b[{_TILDES[name]};{mask + 1}~" if mask else f"\x1b[{_TILDES[name]}~"
    if mask & 2:
        rest = "+".join(each for each in modifiers if each not in ("alt", "shift"))
        letter = character if character and character != ESCAPE else name.upper() if mask & 1 else name
        plain = _text(f"{rest}+{name}" if rest else name, letter if not rest else None, False)
        return ESCAPE + plain if plain else ""
    if mask & 4 and len(name) == 1 and name.isascii() and name.isalpha():
        return chr(ord(name.lower()) & 0x1F)
    if character and (character.isprintable() or len(key) == 1):
        return character
    return ""


def paste_bytes(text: str, bracketed: bool) -> bytes:
    """Return what pasting a text sends: line ends as the return key; an end of the paste in it does not count."""
    plain = text.replace("\r\n", "\r").replace("\n", "\r").replace(ESCAPE, "")
    return (PASTE_BEGIN + plain + PASTE_END if bracketed else plain).encode("utf-8", "replace")
