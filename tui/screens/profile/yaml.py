"""A profile as it is exported, in YAML: masked values covered, values of layers as they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from edgewright.core.text import clean
from tui.frame.document_values import yaml_lines
from tui.frame.pager.pager import ReaderScreen
from tui.frame.pager.raw import yaml_line
from tui.screens.profile.reading import ReadsProfiles
from tui.widgets.lines import Line, line

MOST_LINES = 20_000
"""Lines that are shown: more take longer than a key may."""


class ProfileYamlScreen(ReaderScreen, ReadsProfiles):
    """Shows Palette's document of a version; texts of several lines are blocks."""

    view = "profile-yaml"

    @property
    def crumb(self) -> str:
        """What it is."""
        return self.named("yaml")

    def select(self) -> None:
        """Show it as it was read last."""
        self.dim()
        ReaderScreen.select(self)

    def text_lines(self, width: int) -> list[Line]:
        """Return the document."""
        shown = self.shown(self.uids[0])
        if shown is None or shown.content is None:
            return self.waiting(self.uids[0], width)
        content = shown.content
        size = sum(len(layer.values) for layer in content.profile.layers)
        lines = self.made(
            content, 0, size, lambda: bounded(yaml_line(text) for text in document_texts(content.document))
        )
        return [*self.problem(width), *lines]


def bounded(lines: Iterator[Line]) -> list[Line]:
    """Return the first lines, with a note when there are more."""
    out = list(islice(lines, MOST_LINES))
    if next(lines, None) is not None:
        out.append(line((f"Only {MOST_LINES:,} lines are shown; edgewright profile export has all.", "warn")))
    return out


def document_texts(document: Any, indent: int = 0) -> Iterator[str]:
    """Yield the lines of a document as YAML; a text of several lines is a block, whatever its length."""
    lead = "  " * indent
    if isinstance(document, Mapping):
        for key, item in document.items():
            yield from _entry(f"{lead}{clean(str(key))}:", item, indent)
    elif isinstance(document, (list, tuple)):
        for item in document:
            if isinstance(item, (Mapping, list, tuple)) and item:
                first, *rest = document_texts(item, indent + 1)
                yield f"{lead}- {first.lstrip()}"
                yield from rest
            else:
                yield from _entry(f"{lead}-", item, indent)
    else:
        yield from yaml_lines(document, indent)


def _entry(head: str, item: Any, indent: int) -> Iterator[str]:
    if isinstance(item, (Mapping, list, tuple)) and item:
        yield head
        yield from document_texts(item, indent + 1)
    elif isinstance(item, str) and "\n" in item:
        yield f"{head} |{'' if item.endswith(chr(10)) else '-'}"
        yield from (f"{'  ' * (indent + 1)}{clean(text, 10_000)}" for text in item.rstrip("\n").split("\n"))
    else:
        yield f"{head} {next(iter(yaml_lines(item)), '{}' if isinstance(item, Mapping) else '[]')}"
