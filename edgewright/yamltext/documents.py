"""Reading YAML of any kind: values, manifests of several documents, the index of a repository.

Bounded as `reader.read` is. A document may be anything, not only a map; nothing is reported as odd.
"""

from __future__ import annotations

from typing import Any

import yaml

from edgewright.core.errors import InvalidInput
from edgewright.yamltext.bounds import MAX_NODES, MAX_SIZE
from edgewright.yamltext.builder import Builder
from edgewright.yamltext.reader import broken, prepared

MAX_DOCUMENTS = 2_000


def read_all(text: str, name: str, most: int = MAX_SIZE, nodes: int = MAX_NODES) -> list[Any]:
    """Return the documents of a text in order, empty ones left out.

    `most` is the largest size in characters, `nodes` the most values in all. Raises `InvalidInput` with the line.
    """
    hidden: list[str] = []
    text = prepared(text, name, most, hidden)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents: list[Any] = []
    builder, left = Builder(hidden, name, nodes, places=False), nodes
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.DocumentStartEvent):
                copied = builder.copied
                builder = Builder(hidden, name, left, places=False)
                builder.copied = copied  # all documents share the bound
            builder.take(event)
            if isinstance(event, yaml.DocumentEndEvent):
                left -= builder.nodes
                if builder.root is not None:
                    documents.append(builder.root)
                if len(documents) > MAX_DOCUMENTS:
                    raise InvalidInput(f"{name} has more than {MAX_DOCUMENTS:,} documents.", "Divide it.", "TooBig")
    except yaml.MarkedYAMLError as wrong:
        raise broken(name, wrong, text) from None
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as wrong:
        raise InvalidInput(f"{name} is not YAML: {str(wrong)[:200]}.", "Correct it.", "InvalidYaml") from None
    return documents


def form_problem(text: str, most: int = MAX_SIZE) -> str:
    """Return why a text has not the form of YAML, with its line, "" where it has; nothing of the text is in it.

    Keys, aliases and tags do not count, so that a text whose words were left out can be looked at.
    """
    if len(text) > most:
        return ""
    try:
        for _event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            pass
    except yaml.MarkedYAMLError as wrong:
        line = 0 if wrong.problem_mark is None else wrong.problem_mark.line + 1
        return f"line {line}: {wrong.problem or wrong.context or 'no YAML'}"[:200]
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
        return "no YAML"
    return ""


def read_one(text: str, name: str, most: int = MAX_SIZE, nodes: int = MAX_NODES) -> Any:
    """Return the only document of a text, `None` for an empty one. Raises `InvalidInput`, also for several."""
    documents = read_all(text, name, most, nodes)
    if len(documents) > 1:
        raise InvalidInput(f"{name} has {len(documents)} documents.", "Join them into one.", "TwoDocs")
    return documents[0] if documents else None
