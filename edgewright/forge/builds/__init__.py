"""Builds: long work in a process of its own, that outlives the console, each with a directory that describes it."""

from __future__ import annotations

from edgewright.forge.builds.record import Build, find, last_lines, list_builds, root
from edgewright.forge.builds.recorder import Recorder
from edgewright.forge.builds.running import cancel, delete, start, words_of

__all__ = ["Build", "Recorder", "cancel", "delete", "find", "last_lines", "list_builds", "root", "start", "words_of"]
