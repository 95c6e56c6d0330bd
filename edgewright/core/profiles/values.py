"""The values of a layer as they were read: every value with its path, its line and the references in it.

`edgewright.yamltext.values` makes these; nothing here reads YAML. Paths join keys with dots (`options.system.uri`, also
where one key contains a dot) and have list items as `[0]`; documents of a manifest begin with `[0]` too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, NamedTuple, Tuple, Union


class Reference(NamedTuple):
    """A `{{...}}` with a reference, as it is in the text: `text[start:end]`; `expression` is what is between."""

    start: int
    end: int
    expression: str
    line: int


class Scalar(NamedTuple):
    """One value (or key) of a values text.

    `raw` is the text of the value without quotes, `value` what it means (`1.30` is the number 1.3, its raw text is
    `1.30`). `style` is "" for a plain word, else `'`, `"`, `|` or `>`. `pieces` is empty without references, else the
    text and the references in order. `steps` are the keys and indexes of the path (with references only), `start` and
    `end` are where it is written, quotes included.
    """

    value: Any
    raw: str
    line: int
    style: str = ""
    flow: bool = False
    pieces: Tuple[Union[str, Reference], ...] = ()
    steps: Tuple[Union[str, int], ...] = ()
    start: int = 0
    end: int = 0


class Keyed(NamedTuple):
    """A key with a reference in it."""

    path: str
    scalar: Scalar


@dataclass(frozen=True)
class Values:
    """A values text that was read. `document` is the map of keys; for manifests the list of documents.

    `lines` has the line of each key and item, `scalars` each value by its path, `keys` the keys with references,
    `doubled` the paths of keys that are there twice (the last one counts), with their lines.
    """

    text: str
    document: Any
    lines: Dict[str, int] = field(default_factory=dict)
    scalars: Dict[str, Scalar] = field(default_factory=dict)
    keys: Tuple[Keyed, ...] = ()
    doubled: Tuple[Tuple[str, int], ...] = ()
    referring: Tuple[str, ...] = ()
    """Paths of the values with references, in the order of the text."""

    def line_of(self, path: str) -> int:
        """Return the line of a path, or of the nearest thing above it that has one (0: none)."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return 0

    def references(self) -> List[Reference]:
        """Return all references in the order of the text; those in comments are none."""
        scalars = [self.scalars[path] for path in self.referring] + [keyed.scalar for keyed in self.keys]
        pieces = [piece for scalar in scalars for piece in scalar.pieces if isinstance(piece, Reference)]
        return sorted(pieces)


EMPTY = Values("", {})
