"""The help of the program, of a noun and of a verb, made from the registry without a parser."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command
from edgewright.commands.kernel.registry import LATER, NOUNS, for_noun
from edgewright.commands.kernel.usage import usage

OPTIONS = """Options of every verb, before or after it:
  -o table|wide|json|yaml|name   how to print
  --context NAME                 which plane (edgewright context list)
  --project NAME                 which project of it, or all
  --read-only                    refuse every verb that changes something
  --yes                          do it without confirmation, where a plan was seen
  --plan                         show what would be done, and do nothing
  --timeout SECONDS              how long to wait for one answer of the plane
  --ascii                        no glyphs beyond ASCII
Options of the console, of demo, guide and replay:
  --lines                        plain lines of text for a screen reader, as ACCESSIBLE=1
  --last-frame                   leave the last frame in the terminal
"""

EXIT_CODES = """Exit codes: 0 done; 1 failed; 2 wrong usage; 3 not found; 4 refused; 5 unreachable; 6 conflict;
7 input invalid; 8 time-out; 130 interrupted.
"""


def overview() -> str:
    """Return the help of the program."""
    lines = [
        "edgewright: a terminal operations console for edge Kubernetes fleets, and the system that it operates.",
        "",
        "  edgewright                     the console; with no plane yet, a guide",
    ]
    for noun in NOUNS:
        commands = [c for c in for_noun(noun) if c.cli]
        if not commands:
            continue
        verbs = list(dict.fromkeys(c.name.split(" ")[1] for c in commands if " " in c.name))
        if verbs:
            lines.append(f"  edgewright {noun:<10} {'|'.join(verbs)}")
        else:
            lines.append(f"  {usage(commands[0]).split('[')[0].strip():<30} {_short(commands[0])}")
    lines += [
        "",
        OPTIONS.rstrip(),
        "",
        EXIT_CODES.rstrip(),
        "",
        *([f"Not in this version yet: {', '.join(LATER)}."] if LATER else []),
        "More: edgewright NOUN --help, edgewright NOUN VERB --help",
    ]
    return "\n".join(lines)


def of_noun(noun: str, below: str = "") -> str:
    """Return the help of a noun, or of the verbs that begin with the word `below` it (`forge user-data`)."""
    commands = [c for c in for_noun(noun) if c.cli and c.name.startswith(f"{noun} {below} " if below else noun)]
    if len(commands) == 1 and commands[0].name == noun:
        return of_verb(commands[0])
    noun = f"{noun} {below}".strip()
    lines = [f"edgewright {noun}", ""]
    verbs = {command: command.name.removeprefix(noun).strip() or noun for command in commands}
    width = max([12, *map(len, verbs.values())])
    lines += [f"  {verb:<{width}} {command.help()}" for command, verb in verbs.items()]
    return "\n".join([*lines, "", OPTIONS.rstrip(), "", f"More: edgewright {noun} VERB --help"])


def of_verb(command: type[Command]) -> str:
    """Return the help of a verb."""
    lines = [usage(command), "", *((command.__doc__ or "").strip().splitlines())]
    rows: list[tuple[str, str]] = []
    if command.target is not None:
        rows.append((command.target.kind.upper(), f"name or uid of the {command.target.kind}"))
    for param in command.params:
        shown = param.metavar or param.name.upper()
        word = shown if not param.flag else param.flag if param.kind == "flag" else f"{param.flag} {shown}"
        reported = param.help
        if param.choices:
            reported += f": {', '.join(param.choices)}"
        if param.default not in (None, "", False):
            reported += f" (default {param.default})"
        rows.append((word, reported))
    if rows:
        width = max(len(word) for word, _ in rows)
        lines += ["", *(f"  {word:<{width}}  {reported}" for word, reported in rows)]
    outputs = f"-o {'|'.join(command.outputs)}" if command.outputs[0] != "table" else ""
    tail = OPTIONS.replace("-o table|wide|json|yaml|name  ", f"{outputs:<29} ") if outputs else OPTIONS
    return "\n".join([*lines, "", tail.rstrip()])


def _short(command: type[Command]) -> str:
    return command.help().split(":")[0].rstrip(".")


if __name__ == "__main__":
    print(overview())
