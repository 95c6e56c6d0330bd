"""What the key line shows while a command is typed: the sentence of the verb, what it may become, or what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.core.errors import EdgewrightError
from edgewright.store.engine.model import Model
from tui.verbs.command_text import complete, parse, verbs
from tui.widgets.lines import Line, line

OFFERED = 8


def judge(text: str, model: Model, themes: Sequence[str]) -> Line:
    """Return the line for the text so far; a verb that is being completed has its own sentence there."""
    if not text.strip():
        return line(("a verb, e.g. ", "muted"), ("hosts health:unhealthy", "accent"), ("   tab completes", "muted"))
    known = verbs()
    result = complete(text, model, themes)
    longer = [verb for verb in result if verb in known and verb != text]
    if text not in known and longer:
        if len({known[verb] for verb in longer}) > 1:
            return line((", ".join(longer[:OFFERED]), "muted"))
        return line((longer[0], "accent"), (f"  {known[longer[0]].help()}", "muted"))
    try:
        typed = parse(text, model)
    except EdgewrightError as error:
        return (
            line((", ".join(result[:OFFERED]), "muted")) if result else line((f"{error.message} {error.hint}", "warn"))
        )
    return line((typed.command.help(), "muted"))
