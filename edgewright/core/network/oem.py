"""The file of /oem that brings settings back at each start: hosts whose root is an image forget what /etc has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from edgewright.core.network.change import OEM_FILE, FileChange
from edgewright.core.yaml.subset import load

HEAD = "#cloud-config\n# Network settings of this host, set by Edgewright. Each start writes these files again.\n"


def files_of(text: str) -> dict[str, tuple[str, int]]:
    """Return what the file has written until now: path to text and mode. Raises `ValueError` for another document."""
    if not text.strip():
        return {}
    document = load(text)
    result: dict[str, tuple[str, int]] = {}
    try:
        for entry in document["stages"]["initramfs"][0]["files"]:
            result[str(entry["path"])] = (str(entry["content"]), int(str(entry["permissions"]), 8))
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError("is another document") from error
    return result


def with_changes(text: str, changes: Sequence[FileChange]) -> str | None:
    """Return the file with what changes, None where nothing is left in it. Raises `ValueError` as `files_of`."""
    files: Mapping[str, tuple[str, int]] = files_of(text)
    result = dict(files)
    for change in changes:
        if change.text is None:
            result.pop(change.path, None)
        else:
            result[change.path] = (change.text, change.mode)
    if not result:
        return None
    name = result.get("/etc/hostname", ("", 0))[0].strip()
    lines = ["name: Network settings of this host"]
    if name:  # above what the user-data has, which comes before this file: Palette's key counts more than Kairos's
        lines += [f"hostname: {json.dumps(name)}", "stylus:", "  site:", f"    hostName: {json.dumps(name)}"]
    lines += ["stages:", "  initramfs:", "    - name: Network settings"]
    lines += [f"      hostname: {json.dumps(name)}"] if name else []
    lines.append("      files:")
    for path in sorted(result):
        content, mode = result[path]
        lines += [f"        - path: {json.dumps(path)}", f'          permissions: "0{mode:o}"', "          owner: 0",
                  "          group: 0", f"          content: {json.dumps(content)}"]  # fmt: skip
    return HEAD + "\n".join(lines) + "\n"


def add(files: Sequence[FileChange], text: str) -> tuple[FileChange, ...]:
    """Return files with the one of /oem behind them. Raises `ValueError` as `files_of`."""
    lines = with_changes(text, [each for each in files if not each.path.startswith("/oem/")])
    return (*files, FileChange(OEM_FILE, lines, 0o600))
