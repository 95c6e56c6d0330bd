"""Builds: long work in a process of its own, that outlives the console, each with a directory that describes it."""

from __future__ import annotations

from edgewright.forge.builds.record import Build, find, last_lines, list_builds, root
from edgewright.forge.builds.recorder import Recorder
from edgewright.forge.builds.running import arguments_of, cancel, delete, start

__all__ = [
    "Build",
    "Recorder",
    "arguments_of",
    "cancel",
    "delete",
    "find",
    "last_lines",
    "list_builds",
    "root",
    "start",
]
