"""What an installer has beside its user-data: content bundles, a cluster definition, the edge custom config."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import InvalidInput, NotFound
from edgewright.forge.iso.configs import has_header

PART = 3_000_000_000
"""Bytes of one part of a content bundle: ISO 9660 limits files to 4 GiB, the installer expects parts of 3 GB."""
CONTENT = "/opt/spectrocloud/content"
CLUSTER = "/opt/spectrocloud/clusterconfig/spc.tgz"
CUSTOM = "/.edge_custom_config.yaml"


class Piece(NamedTuple):
    """`length` bytes at `offset` of a file on this disk, and where they are on the ISO; `kind` is for the manifest."""

    kind: str
    source: Path
    offset: int
    length: int
    path: str
    complete: bool = True


def pieces_of(
    content: Sequence[Path], cluster_definition: Path | None, edge_custom_config: Path | None
) -> tuple[Piece, ...]:
    """Return what is added to the ISO, in a fixed order. Raises `NotFound` and `InvalidInput`."""
    pieces: list[Piece] = []
    for folder in content:
        pieces += _bundle(folder)
    if cluster_definition is not None:
        size = _size(cluster_definition)
        with cluster_definition.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                raise InvalidInput(f"{cluster_definition} is not a .tgz file.", "Export the cluster definition again.")
        pieces.append(Piece("cluster-definition", cluster_definition, 0, size, CLUSTER))
    if edge_custom_config is not None:
        size = _size(edge_custom_config)
        with edge_custom_config.open("rb") as file:
            if has_header(file.read(4096)):
                raise InvalidInput(
                    f"{edge_custom_config} begins with #cloud-config: it would be merged into the user-data.",
                    "Give the edge custom config (with content.signing.publicKey).",
                )
        pieces.append(Piece("edge-custom-config", edge_custom_config, 0, size, CUSTOM))
    paths = [piece.path for piece in pieces]
    twice = next((path for path in paths if paths.count(path) > 1), "")
    if twice:
        raise InvalidInput(f"Two files would be {twice} on the ISO.", "Rename one of them.")
    return tuple(pieces)


def _bundle(folder: Path) -> list[Piece]:
    """Return the parts of every `*.zst` of a folder, named as CanvOS names them: `NAME.zst_part00` on."""
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.", "Give a folder with content bundles (*.zst).")
    files = sorted(path for path in folder.glob("*.zst") if path.is_file())
    if not files:
        raise NotFound(f"{folder} contains no content bundle (*.zst).", "Give the folder that the bundle was made in.")
    matches = []
    for file in files:
        size = _size(file)
        if not size:
            raise InvalidInput(f"{file} is empty.", "Make the content bundle again.")
        if size > 100 * PART:
            raise InvalidInput(f"{file} would need more than 100 parts.", "Divide the bundle.")
        for number, offset in enumerate(range(0, size, PART)):
            count = min(PART, size - offset)
            path = f"{CONTENT}/{file.name}_part{number:02d}"
            matches.append(Piece("content", file.absolute(), offset, count, path, complete=count == size))
    return matches


def _size(path: Path) -> int:
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", "Check the path.")
    return path.stat().st_size
