"""Labels of file systems and names of partitions: how long each may be."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from edgewright.core.cloudconfig.findings import Finding, error
from edgewright.core.cloudconfig.look import at, items, mapping, shown, text
from edgewright.core.cloudconfig.schema.model import is_template

LABEL_BYTES: Dict[str, int] = {
    **dict.fromkeys(("ext2", "ext3", "ext4"), 16),
    "xfs": 12,
    **dict.fromkeys(("vfat", "fat", "fat16", "fat32", "msdos"), 11),
    "swap": 16,
    "btrfs": 255,
}
"""Bytes of a label at most, by file system (the manuals of mke2fs, mkfs.xfs, mkfs.fat, mkswap and mkfs.btrfs)."""
PARTITION_UNITS = 36
"""UTF-16 units of a partition's name in a GPT."""


def label_problem(label: str, fs: str) -> str:
    """Return what is wrong with a label for a file system, as the end of a sentence; "" when it fits."""
    kind = fs.lower() or "ext4"
    most, size = LABEL_BYTES.get(kind, 255), len(label.encode("utf-8", "replace"))
    if size > most:
        return f"has {size} bytes; a label of {kind} has at most {most}"
    if any(letter.isspace() or not letter.isprintable() for letter in label):
        return "has a space or a character that does not print"
    return ""


def partition_problem(name: str) -> str:
    """Return what is wrong with the name of a GPT partition, as the end of a sentence; "" when it fits."""
    size = len(name.encode("utf-16-le", "replace")) // 2
    return (
        f"has {size} characters; the name of a partition has at most {PARTITION_UNITS}"
        if size > PARTITION_UNITS
        else ""
    )


def check_labels(document: Mapping[str, Any]) -> List[Finding]:
    """Return the labels and names that are too long, in `install` and in the layouts of `stages`."""
    findings: List[Finding] = []
    for path, raw, label, name, fs in _partitions(document):
        for key, problem in (
            (label, label_problem(text(raw.get(label)), text(raw.get(fs)))),
            (name, partition_problem(text(raw.get(name)))),
        ):
            if problem and not is_template(raw.get(key)):
                where = f"{path}.{key}"
                message = f"{where} {problem}: {shown(raw.get(key), 50)}."
                findings.append(error(where, message, "Give it a shorter one, without spaces.", "Label"))
    return findings


def _partitions(document: Mapping[str, Any]) -> List[Tuple[str, Mapping[str, Any], str, str, str]]:
    """Return (path, map, key of the label, key of the name, key of the file system) of each partition."""
    matches = []
    for place, item in enumerate(items(at(document, "install", "extra-partitions"))[:100]):
        matches.append((f"install.extra-partitions[{place}]", mapping(item), "label", "name", "fs"))
    for stage, steps in list(mapping(document.get("stages")).items())[:200]:
        for number, step in enumerate(items(steps)[:200]):
            for place, item in enumerate(items(at(step, "layout", "add_partitions"))[:100]):
                path = f"stages.{stage}[{number}].layout.add_partitions[{place}]"
                matches.append((path, mapping(item), "fsLabel", "pLabel", "filesystem"))
    return matches
