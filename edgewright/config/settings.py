"""Settings: one strict TOML file, environment over it, options over both, and where each value came from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from edgewright.config import locations, tomlfile
from edgewright.config.nearest import suggestion
from edgewright.core.errors import InvalidInput


@dataclass(frozen=True)
class Settings:
    """Every setting, with its default. None means: found out from the terminal."""

    theme: str = "auto"
    """Theme of the console; `auto` follows the terminal and NO_COLOR."""
    ascii: bool | None = None
    """Only ASCII on the screen."""
    low_bandwidth: bool | None = None
    """Treat the link to the terminal as slow without measuring it: coarse ages, no mouse, five redraws a second."""
    mouse: bool = True
    """Let the console take mouse clicks."""
    lines: bool | None = None
    """Plain lines of text for a screen reader: no box glyphs, rules or bars; unset it follows ACCESSIBLE."""
    terminal_title: bool = True
    """Show context and unhealthy hosts in the title of the terminal's window."""
    bell: bool = True
    """Ring the terminal's bell for a new fault, at most every 10 s."""
    last_frame: bool = False
    """Leave the last frame as text in the terminal when the console ends."""
    read_only: bool = False
    """Refuse every verb that changes something."""
    local_time: bool = False
    """Show local time beside UTC where the console shows an exact time."""
    refresh_ms: int = 150
    """How long changes are gathered before they are shown, 100 to 1000 milliseconds."""
    typed_confirmation: bool = True
    """Deleting one thing wants its name typed; if false, a plain yes is enough."""
    leave_hub: str = "ask"
    """What becomes of a hub started by the console when it ends: `ask`, `leave` or `stop`."""
    keyring: bool = True
    """Store API keys in the system keyring where there is one."""
    output: str = "table"
    """What `-o` is when it is not given."""
    timeout: float = 10.0
    """Seconds to wait for one answer of the plane."""
    hub_listen: str = "127.0.0.1:8443"
    """Where the hub of the guide listens while no address was chosen; its port is that of an address without one."""
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Where each value came from; what is missing is a default."""

    def source(self, name: str) -> str:
        """Return where the value of a setting came from, as text."""
        return self.sources.get(name, "default")

    def changed(self, source: str, **values: Any) -> Settings:
        """Return settings with these values, attributed to `source`; None values are left out."""
        given = {name: value for name, value in values.items() if value is not None}
        return replace(self, **given, sources={**self.sources, **dict.fromkeys(given, source)})


CHOICES: dict[str, tuple[str, ...]] = {
    "leave_hub": ("ask", "leave", "stop"),
    "output": ("table", "wide", "json", "yaml", "name"),
}
LIMITS: dict[str, tuple[float, float]] = {"refresh_ms": (100, 1000), "timeout": (0.1, 3600)}
TRI_STATE = ("ascii", "low_bandwidth", "lines")
NAMES: tuple[str, ...] = tuple(f.name for f in fields(Settings) if f.name != "sources")


def load(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings from file and environment. Raises `InvalidInput` with the first thing that is wrong."""
    settings, problems = examine(path, environment)
    if problems:
        raise problems[0]
    return settings


def examine(
    path: Path | None = None, environment: Mapping[str, str] | None = None
) -> tuple[Settings, list[InvalidInput]]:
    """Return the settings made of what is right, and everything that is wrong."""
    path = path or locations.config_file("settings.toml")
    environment = os.environ if environment is None else environment
    settings, problems = Settings(), []
    try:
        text = path.read_text("utf-8") if path.is_file() else ""
        reported = tomlfile.parse(text, path)
    except InvalidInput as error:
        text, reported = "", {}
        problems.append(error)
    except (OSError, UnicodeDecodeError) as problem:
        text, reported = "", {}
        why = problem.strerror if isinstance(problem, OSError) else "it is not text in UTF-8"
        problems.append(InvalidInput(f"{path} cannot be read: {why}.", "Fix the file, or remove it."))
    for name, raw in reported.items():
        where = f"{path}, line {tomlfile.line_of(text, name)}"
        if name not in NAMES:
            problems.append(
                InvalidInput(f"{where}: there is no setting `{name}`{suggestion(name, NAMES)}.", "Fix that line.")
            )
            continue
        try:
            settings = settings.changed(str(path), **{name: convert(name, raw)})
        except ValueError as problem:
            problems.append(InvalidInput(f"{where}: {problem}.", "Fix that line."))
    for name in NAMES:
        variable = f"EDGEWRIGHT_{name.upper()}"
        if variable in environment:
            try:
                settings = settings.changed(variable, **{name: convert(name, environment[variable])})
            except ValueError as problem:
                problems.append(InvalidInput(f"{variable}: {problem}.", "Set it to something else, or unset it."))
    return settings, problems


def convert(name: str, raw: Any) -> Any:
    """Return a value for a setting from TOML or from a text. Raises `ValueError` with a sentence's end."""
    default = getattr(Settings, name)
    if name in TRI_STATE and isinstance(raw, str) and raw.lower() == "auto":
        return None
    if name in TRI_STATE or isinstance(default, bool):
        if isinstance(raw, bool):
            return raw
        if isinstance(raw, str) and raw.lower() in ("1", "true", "yes", "on"):
            return True
        if isinstance(raw, str) and raw.lower() in ("0", "false", "no", "off", ""):
            return False
        raise ValueError(f"`{name}` is true or false, not {raw!r}")
    if isinstance(default, (int, float)):
        if isinstance(raw, bool):
            raise ValueError(f"`{name}` is a number, not {raw!r}")
        try:
            number = type(default)(raw)
        except (TypeError, ValueError):
            raise ValueError(f"`{name}` is a number, not {raw!r}") from None
        least, most = LIMITS[name]
        if not least <= number <= most:
            raise ValueError(f"`{name}` is between {least:g} and {most:g}, not {number:g}")
        return number
    if not isinstance(raw, str):
        raise ValueError(f"`{name}` is a text, not {raw!r}")
    if name in CHOICES and raw not in CHOICES[name]:
        raise ValueError(f"`{name}` is one of {', '.join(CHOICES[name])}, not {raw!r}{suggestion(raw, CHOICES[name])}")
    return raw
