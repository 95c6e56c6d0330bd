"""How large a YAML text may be."""

from __future__ import annotations

MAX_SIZE = 1024 * 1024
"""Bytes of a user-data file: what collects configuration on the host skips bigger ones."""
MAX_DEPTH = 40
MAX_NODES = 100_000
"""Maps, lists and values of one document, copies of aliases counted."""
MAX_PATH = 300
"""Characters of a path that is stored for its line; longer ones are reported by what is above them."""
