"""A YAML text that is changed and stores its comments, its order and its quotes.

What is not changed is written back byte for byte; a change goes through a reader that knows comments.
"""

from __future__ import annotations

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import LiteralScalarString

from edgewright.core.cloudconfig.findings import ERROR
from edgewright.core.errors import InvalidInput
from edgewright.yamltext.place import put
from edgewright.yamltext.reader import read
from edgewright.yamltext.templates import hide_templates, show_templates


class Editor:
    """A YAML text with a map of keys, and changes to it. Raises `InvalidInput` for any other text."""

    def __init__(self, text: str) -> None:
        read(text)  # bounds and form, before a slower reader sees it
        self._text = text

    def text(self) -> str:
        """Return the file as it is now."""
        return self._text

    def set(self, path: str, value: Any) -> None:
        """Set the key at a path; comments stay. Raises `InvalidInput` when something else is in the way."""
        self.change({path: value})

    def change(self, values: dict[str, Any]) -> None:
        """Set several keys at once."""
        for problem in read(self._text).problems:
            if problem.severity == ERROR:  # which of the two would be meant?
                raise InvalidInput(f"Line {problem.line}: {problem.message}", problem.hint, problem.code)
        hidden: list[str] = []
        source = hide_templates(self._text, hidden)
        yaml = round_trip(source)
        try:
            document = yaml.load(source)
        except (YAMLError, ValueError, RecursionError) as wrong:
            raise InvalidInput(f"The file cannot be changed: {str(wrong)[:120]}.", "Change it manually.") from None
        document = CommentedMap() if document is None else document
        for path, value in values.items():
            put(document, path, _literal(value))
        out = io.StringIO()
        yaml.dump(document, out)
        made = out.getvalue()
        if not re.match(r"#", made) and source.startswith("#"):
            # a file of comments alone: the reader hands none of them back
            made = source.rstrip("\n") + "\n" + made
        self._text = show_templates(made, hidden)


def _literal(value: Any) -> Any:
    if isinstance(value, str) and "\n" in value:
        return LiteralScalarString(value)
    return [_literal(item) for item in value] if isinstance(value, list) else value


def round_trip(source: str) -> Any:
    """Return a reader and writer that preserves comments and quotes, with the indentation of a text."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 1 << 20
    nested = re.search(r"^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)- ", source, re.MULTILINE)
    step = re.search(r"^( +)[^\s#-]", source, re.MULTILINE)
    width = len(step.group(1)) if step else 2
    offset = len(nested.group(2)) - len(nested.group(1)) if nested else 2
    offset = offset if 0 <= offset <= 8 else 2
    yaml.indent(mapping=width if 1 <= width <= 8 else 2, sequence=offset + 2, offset=offset)
    return yaml
