"""The cloud-configs in an ISO, and the one of them that may be overwritten in place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgewright.forge.iso.facts import Config, Placeholder
from edgewright.forge.iso.image import SECTOR, Broken, Image
from edgewright.forge.iso.tree import Node, Tree

LARGEST = 1024 * 1024
"""Bytes of a config at the most: the installer's collector passes over larger ones."""
HEADER = b"#cloud-config"
HEADER_LINES = 10
"""The header may be in one of the first ten lines, below `## template: jinja`."""
MARK = b"# edgewright placeholder"
PREFERRED = ("/config.yaml", "/files-iso/config.yaml")
"""Where an installer's config is: Kairos's place, and the one of CanvOS."""


def is_config(image: Image, node: Node) -> bool:
    """Return whether a file is a config that the installer would read: name, size, header. Raises `Broken`."""
    if node.folder or node.link or not node.path.lower().endswith((".yaml", ".yml")) or not 0 < node.size <= LARGEST:
        return False
    return has_header(image.read(node.block * SECTOR, min(node.size, 4096)))


def has_header(text: bytes) -> bool:
    """Return whether `#cloud-config` is in the first ten lines."""
    lines = text.removeprefix(b"\xef\xbb\xbf").splitlines()[:HEADER_LINES]
    return any(line.rstrip() == HEADER for line in lines)


def placeholder_of(image: Image, configs: Sequence[Config], trees: Iterable[Tree]) -> Placeholder | None:
    """Return the config that is marked as a placeholder and is in one extent that all trees share. Raises `Broken`.

    Where a tree has its own copy or another length, overwriting would leave two configs that differ.
    """
    if len(configs) != 1:
        return None  # with a second config beside it, a rewrite must take that one away
    config = configs[0]
    text = image.read(config.block * SECTOR, min(config.size, 4096))
    if not any(line.startswith(MARK) for line in text.splitlines()[:HEADER_LINES]):
        return None
    for tree in trees:
        node = tree.find(config.path)
        if node is None or node.extents != ((config.block, config.size),):
            return None
    return Placeholder(config.path, config.block * SECTOR, config.size)


def target_of(configs: Sequence[Config]) -> str:
    """Return where the config of a new ISO belongs: in the place of the present one, else where Kairos looks first."""
    paths = [config.path for config in configs]
    for path in PREFERRED:
        if path in paths:
            return path
    return paths[0] if paths else PREFERRED[0]


def read_file(image: Image, node: Node, most: int = LARGEST) -> bytes:
    """Return the bytes of a small file. Raises `Broken` when it is larger than `most` or not all there."""
    if node.size > most:
        raise Broken(f"{node.path} has {node.size} bytes")
    return b"".join(image.read(block * SECTOR, size) for block, size in node.extents)
