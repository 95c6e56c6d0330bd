"""Themes are files: read, checked and distinguished by name; the user's own are beside their settings and win.

A file that is wrong never stops the console: it is reported with its name and line, and another theme takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from textual.color import Color, ColorParseError
from textual.theme import Theme

SEMANTIC = ("ok", "warn", "bad", "info", "work", "parked", "muted", "accent")
"""What colours mean in the console; every theme file gives each of them."""
BASE = (
    "primary",
    "secondary",
    "warning",
    "error",
    "success",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "boost",
)
STYLES = frozenset({"bold", "dim", "italic", "underline", "reverse", "strike"})
DEFAULTS: dict[str, str] = {
    "ansi-background": "ansi_default",
    "row-cursor-background": "ansi_default",
    "row-cursor-style": "reverse",
    "row-blurred-background": "ansi_default",
    "row-blurred-style": "none",
    "row-flash-background": "ansi_default",
    "row-flash-style": "none",
    **{f"{name}-style": "none" for name in SEMANTIC},
    "ok": "ansi_green",
    "warn": "ansi_yellow",
    "bad": "ansi_red",
    "info": "ansi_cyan",
    "work": "ansi_cyan",
    "parked": "ansi_magenta",
    "muted": "ansi_default",
}
"""Variables that the console's styles use, for themes that do not set them."""


class ThemeProblem(NamedTuple):
    """A theme file that cannot be used."""

    path: Path
    sentence: str


class Themes(NamedTuple):
    """What was read: themes by name, and what is wrong with the files that are not among them."""

    themes: dict[str, Theme]
    problems: tuple[ThemeProblem, ...]


def builtin_dir() -> Path:
    """Return the folder of the themes that come with the program: in the wheel, or in the repository."""
    here = Path(__file__).resolve().parents[1]
    packed = here / "_themes"
    return packed if packed.is_dir() else here.parent / "themes"


def load(folders: Iterable[Path]) -> Themes:
    """Read all `*.toml` of the folders; a later folder wins over an earlier one with the same theme name."""
    return load_files(path for folder in folders for path in _files(folder))


def load_files(paths: Iterable[Path]) -> Themes:
    """Read these theme files; a later one wins over an earlier one with the same theme name."""
    matches: dict[str, Theme] = {}
    problems: list[ThemeProblem] = []
    for path in paths:
        try:
            theme = parse(path.read_text("utf-8"), path.stem)
        except (OSError, UnicodeDecodeError) as error:
            problems.append(ThemeProblem(path, f"{path} cannot be read: {error}."))
        except ValueError as error:
            problems.append(ThemeProblem(path, f"{path}{error}"))
        else:
            matches[theme.name] = theme
    return Themes(matches, tuple(problems))


def builtin(name: str) -> Path | None:
    """Return the file of a theme that comes with the program, None when there is none of that name."""
    return next((path for path in _files(builtin_dir()) if path.stem == name), None)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.toml")) if folder.is_dir() else []


def stamp(folders: Iterable[Path]) -> tuple[tuple[str, int, int], ...]:
    """Return what changes when a theme file does: names, times and sizes."""
    out: list[tuple[str, int, int]] = []
    for folder in folders:
        for path in _files(folder):
            try:
                stat = path.stat()
            except OSError:
                continue
            out.append((str(path), stat.st_mtime_ns, stat.st_size))
    return tuple(out)


def parse(text: str, name: str) -> Theme:
    """Return the theme of a file. Raises `ValueError` with `, line N: sentence` (to be put behind the file's name)."""
    reported = plain_toml(text)
    if reported is None:
        import tomllib  # three of its patterns take a millisecond to compile, before the first frame

        try:
            reported = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"line (\d+)", str(error))
            raise ValueError(f"{f', line {line[1]}' if line else ''}: this is not TOML: {error}.") from None
    for key in reported:
        if key not in ("name", "dark", "ansi", "colors", "variables"):
            raise ValueError(f"{_line(text, key)}: a theme has no `{key}`; it has name, dark, ansi, colors, variables.")
    colors, variables = _table(reported, text, "colors"), _table(reported, text, "variables")
    for key, value in colors.items():
        if key not in BASE and key not in SEMANTIC:
            raise ValueError(f"{_line(text, key)}: no colour is called `{key}`.")
        _check_color(text, key, value)
    for key in ("primary", "foreground", "background", *SEMANTIC):
        if key not in colors:
            raise ValueError(f"{_line(text, 'colors')}: the colour `{key}` is missing.")
    for key, value in variables.items():
        if key.endswith("-style"):
            if value != "none" and not STYLES.issuperset(value.split(" ")):
                raise ValueError(f"{_line(text, key)}: `{value}` is not a text style (none, bold, dim, reverse, ...).")
        else:
            _check_color(text, key, value)
    base: dict[str, Any] = {key: value for key, value in colors.items() if key in BASE}
    return Theme(
        name=str(reported.get("name", name)),
        dark=bool(reported.get("dark", True)),
        ansi=bool(reported.get("ansi", False)),
        variables={**DEFAULTS, **{key: colors[key] for key in SEMANTIC}, **variables},
        **base,
    )


def plain_toml(text: str) -> dict[str, Any] | None:
    """Return what `tomllib` reads in a file of plain lines as the shipped themes have them, None for any other file.

    Plain are `key = "text"`, `key = true`, `[table]`, comments of their own line and empty lines.
    """
    reported: dict[str, Any] = {}
    table = reported
    for raw in text.split("\n"):
        line = raw.strip(" ")
        if not line:
            continue
        key, _, value = line.partition(" = ")
        if not line.isprintable():
            return None
        if line.startswith("["):
            name = line[1:-1]
            if not line.endswith("]") or not _is_bare(name) or name in reported:
                return None
            table = reported[name] = {}
        elif not line.startswith("#"):
            inner = value[1:-1]
            quoted = len(value) > 1 and value[0] == value[-1] == '"' and '"' not in inner and "\\" not in inner
            if not _is_bare(key) or key in table or not (quoted or value in ("true", "false")):
                return None
            table[key] = inner if quoted else value == "true"
    return reported


def _is_bare(key: str) -> bool:
    return key.isascii() and key.replace("-", "a").replace("_", "a").isalnum()


def _table(reported: Mapping[str, Any], text: str, key: str) -> dict[str, str]:
    table = reported.get(key, {})
    if not isinstance(table, dict):
        raise ValueError(f"{_line(text, key)}: `{key}` is a table: write [{key}].")
    for name, value in table.items():
        if not isinstance(value, str):
            raise ValueError(f'{_line(text, name)}: `{name}` is a text: write {name} = "...".')
    return table


def _check_color(text: str, key: str, value: str) -> None:
    try:
        Color.parse(value.split(" ", 1)[0])
    except ColorParseError:
        raise ValueError(f"{_line(text, key)}: `{value}` is not a colour; write #rrggbb or ansi_red.") from None


def _line(text: str, key: str) -> str:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*\[?\"?{re.escape(key)}\"?\]?\s*(=|$)", line):
            return f", line {number}"
    return ""
