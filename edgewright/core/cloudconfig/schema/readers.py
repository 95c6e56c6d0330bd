"""What Kairos does with a value of the wrong type: its readers are strict, and what they cannot read is lost silently.

Measured with yip (Kairos's own reader of stages) and kairos-sdk's collector: a wrong type anywhere under `stages` drops
every stage of the file; one in the keys of cloud-init's form (`users`, `write_files`, ...) drops the entire file.
"""

from __future__ import annotations

_ENTIRE_FILE = ("users", "write_files", "ssh_authorized_keys", "hostname", "runcmd", "growpart")


def lost(path: str) -> str:
    """Return what Kairos drops when the value at `path` has a type it cannot read; "" where another reader decides."""
    head = path.split(".", 1)[0].split("[", 1)[0]
    if head == "stages":
        return "Kairos then drops every stage of the file, without a message"
    if head in _ENTIRE_FILE:
        return "Kairos then drops the entire file, without a message"
    return ""


def reads_any_scalar(path: str) -> bool:
    """Return whether the reader of `path` takes a number or true/false where a text is expected (YAML's own text)."""
    return bool(lost(path))
