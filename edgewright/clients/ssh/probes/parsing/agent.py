"""The agent of the host and its user-data."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from edgewright.clients.ssh.probes.parsing.lines import first, integer_of, log, with_word
from edgewright.core import times
from edgewright.core.doctor.facts import Agent
from edgewright.core.text import clean
from edgewright.yamltext.documents import form_problem

Lines = Sequence[str]
SHAPE_LINES = 1500
"""Lines that the probe of shapes prints at most."""


def agent(unit: Lines, status: Lines, files: Lines) -> dict[str, Any]:
    """Return what is known of the agent, from its unit, its own report, and its files."""
    values = dict(line.split("=", 1) for line in unit if "=" in line)
    body, identity = _state(first(status, "status")), _state(first(status, "identity"))
    name = first(unit, "agent")
    registered = True if "registered" in status else False if "not-registered" in status else None
    interval = body.get("interval")
    return {
        "agent": Agent(
            unit=name if name != "none" else "",
            active=values.get("ActiveState", ""),
            restarts=integer_of(values.get("NRestarts", "")),
            uid=_text(identity, "uid") or _text(body, "uid"),
            endpoint=_text(body, "endpoint"),
            phase=_text(body, "phase"),
            code=_text(body, "code"),
            message=_text(body, "message"),
            hint=_text(body, "hint"),
            health=_text(body, "health"),
            registered=registered,
            last_heartbeat=_moment(_text(body, "lastHeartbeat")),
            interval=float(interval) if isinstance(interval, (int, float)) and not isinstance(interval, bool) else None,
            missing_files=tuple(row.strip() for row in with_word(files, "missing")),
            missing_data=first(files, "no-data"),
        )
    }


def _state(text: str) -> dict[str, Any]:
    """Return the body of a state file of our agent: JSON within JSON."""
    try:
        outer = json.loads(text)
        body = json.loads(outer["body"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return clean(value, 500) if isinstance(value, str) else ""


def _moment(text: str) -> float | None:
    try:
        return times.parse(text) if text else None
    except ValueError:
        return None


def agent_log(lines: Lines) -> dict[str, Any]:
    """Return the end of the agent's log."""
    return {"agent_log": log(lines)}


def shapes(lines: Lines) -> dict[str, Any]:
    """Return the files that are no YAML, with the line; a file of which the end is missing is not judged."""
    texts: dict[str, list[str]] = {}
    with_nul: list[str] = []
    for line in lines:
        if line.startswith("file /"):
            texts[line[5:]] = []
        elif line.startswith("|") and texts:
            texts[next(reversed(texts))].append(line[1:])
        elif line == "nul" and texts:
            with_nul.append(texts.popitem()[0])
    if sum(map(len, texts.values())) + len(texts) >= SHAPE_LINES:
        texts.popitem()
    problems = [(path, "it has zero bytes (saved as UTF-16, or torn): agents read UTF-8") for path in with_nul]
    problems += [(path, form_problem("\n".join(rows))) for path, rows in texts.items()]
    return {"broken_yaml": tuple((clean(path, 200), problem) for path, problem in problems if problem)}


def user_data(site: Lines, files: Lines) -> dict[str, Any]:
    """Return settings of the site by key (the first value wins), and the files with their bytes."""
    settings: dict[str, str] = {}
    place = tabs = ""
    for line in site:
        if line.startswith("file /"):
            place = line[5:]
        elif line == "has-tabs":
            tabs = tabs or place
        match = re.fullmatch(r"(?:\d+:)? *([A-Za-z]+): *(.*)", line)
        if match:
            settings.setdefault(match[1], match[2].strip().strip("\"'"))
        elif line == "has-token":
            settings["edgeHostToken"] = "***"
    rows = [line.split() for line in files]
    sizes = tuple((row[-1], size) for row in rows if len(row) >= 9 and (size := integer_of(row[4])) is not None)
    return {
        "user_data": settings,
        "user_data_tabs": "has-tabs" in site,
        "user_data_tab_file": tabs,
        "user_data_files": sizes,
    }
