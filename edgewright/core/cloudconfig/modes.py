"""File modes: `files[].permissions` is a number of YAML, `write_files[].permissions` a text that is read as octal.

The installer reads the file, merges it and writes it again, so that an unquoted 0644 becomes the decimal 420 in
/oem/90_custom.yaml. A number survives that under `stages` (it is a number there too); under `write_files` the text
`420` is then read as the octal mode 0420, and one with an 8 or 9 in it (0600 becomes 384) drops the entire file.
Measured with kairos-sdk's collector and yip.
"""

from __future__ import annotations

import re
from typing import Any, List, Mapping

from edgewright.core.cloudconfig.findings import Finding, error, warning
from edgewright.core.cloudconfig.look import items, mapping, shown
from edgewright.core.cloudconfig.schema.model import is_template

USUAL = (0o400, 0o440, 0o444, 0o500, 0o550, 0o555, 0o600, 0o640, 0o644, 0o660, 0o664, 0o666, 0o700, 0o744, 0o750, 0o755,
         0o770, 0o775, 0o777)  # fmt: skip
"""Modes that people mean."""
_AS_DECIMAL = tuple(int(f"{mode:o}") for mode in USUAL)


def number_mode(value: Any, path: str) -> List[Finding]:
    """Return what is wrong with a mode that is a number of YAML (`stages`: files, downloads, directories)."""
    if not isinstance(value, int) or isinstance(value, bool):
        return []
    if not 0 <= value <= 0o7777:
        return [error(path, f"{path} is not a file mode.", "Write it in octal: 0644.", "Mode")]
    if value in _AS_DECIMAL:  # read as decimal: the 0 in front is missing
        message = f"{path} is {value} without a 0 in front, which is read as the mode {value:04o}."
        return [error(path, message, f"Write 0{value}.", "Mode")]
    return []


def text_modes(document: Mapping[str, Any]) -> List[Finding]:
    """Return what is wrong with the modes of `write_files`."""
    findings: List[Finding] = []
    for place, item in enumerate(items(document.get("write_files"))[:200]):
        path = f"write_files[{place}].permissions"
        findings += text_mode(mapping(item).get("permissions"), path)
    return findings


def text_mode(value: Any, path: str) -> List[Finding]:
    """Return what is wrong with a mode that Kairos reads as the text of an octal number."""
    if value is None or isinstance(value, (bool, float, list, Mapping)) or is_template(value):
        return []
    if isinstance(value, str):
        if re.fullmatch(r"[0-7]{0,6}", value.strip()) and len(value) == len(value.strip()):
            return []
        message = f"{path} is {shown(value, 30)}, which is not an octal number: Kairos then drops the entire file."
        return [error(path, message, "Write it as '0644', in quotes.", "Mode")]
    if value in _AS_DECIMAL:
        return []  # 644 without a 0 stays 644, and is read as the mode 0644
    meant = f"0{value:o}" if 0 <= value <= 0o7777 else "0644"
    if re.fullmatch(r"[0-7]{1,6}", str(value)):
        message = (
            f"{path} is a number: the installer writes {meant} as {value}, which is then read as the mode 0{value}."
        )
        return [warning(path, message, f"Put it into quotes: permissions: '{meant}'", "Mode")]
    message = f"{path} is a number: the installer writes {meant} as {shown(value) or 'a decimal'}, which is not octal,"
    return [error(path, f"{message} and the entire file is dropped.", f"Put it into quotes: '{meant}'", "Mode")]
