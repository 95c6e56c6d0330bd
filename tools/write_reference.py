"""Write the reference tables of the pages and the JSON schema of clusters: `python tools/write_reference.py`.

Each table is between `<!-- reference: NAME -->` and `<!-- end -->`; the rest is written manually.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edgewright.clients.ssh.probes.sets import CATALOGUE  # noqa: E402
from edgewright.commands.kernel import registry  # noqa: E402
from edgewright.commands.kernel.navigation import MOVES  # noqa: E402
from edgewright.commands.kernel.usage import usage  # noqa: E402
from edgewright.config.settings import NAMES, Settings  # noqa: E402
from edgewright.core.clusters.schema import schema  # noqa: E402
from edgewright.core.clusters.steps import markdown  # noqa: E402
from edgewright.core.doctor.symptoms import LEADS_TO, SYMPTOMS  # noqa: E402
from edgewright.core.doctor.symptoms import NAMES as SYMPTOM_NAMES  # noqa: E402
from edgewright.core.filters import fields as filterfields  # noqa: E402
from edgewright.core.hosts.states import STATES  # noqa: E402
from edgewright.core.problems.fields import PROBLEM_FIELDS  # noqa: E402
from edgewright.store.every import COLLECTIONS  # noqa: E402

PAGES = ("docs/cli.md", "docs/console.md", "docs/clusters.md", "docs/doctor.md")
SCHEMA = "docs/schemas/cluster-document.json"
_BLOCK = re.compile(r"(<!-- reference: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _keys(keys: tuple[str, ...]) -> str:
    return " ".join(f"`{key}`" for key in keys) or "none"


def verbs() -> str:
    """Return every verb of the command line."""
    rows: list[tuple[str, ...]] = []
    for noun in registry.NOUNS:
        for command in registry.for_noun(noun):
            if command.cli:
                danger = {"none": "", "write": "writes", "destructive": "confirms"}[command.danger]
                rows.append((f"`{usage(command)}`", danger or ("writes" if command.writes else ""), command.help()))
    return _table(("Verb", "", "What it does"), rows)


def keys() -> str:
    """Return every key of the console with the id by which it is remapped."""
    rows: list[tuple[str, ...]] = []
    for command in registry.all_commands():
        if command.console:
            words = " ".join(f"`:{word}`" for word in (command.name, *command.aliases))
            rows.append((f"`{command.id()}`", _keys(command.keys), command.scope, words, command.help()))
    rows += [(f"`{move.id}`", _keys(move.keys), " ".join(move.scopes), "", f"{move.help}.") for move in MOVES]
    return _table(("Id", "Keys", "Where", "Verbs", "What it does"), rows)


def settings() -> str:
    """Return every setting with its default; an unset one is found out from the terminal."""
    source = (ROOT / "edgewright/config/settings.py").read_text()
    rows: list[tuple[str, ...]] = []
    for name in NAMES:
        told = re.search(rf'^    {name}: [^\n]+\n    """(.+?)"""', source, re.MULTILINE | re.DOTALL)
        value = getattr(Settings(), name)
        shown = "auto" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        rows.append((f"`{name}`", f"`{shown}`", " ".join(told.group(1).split()) if told else ""))
    return _table(("Setting", "Default", "What it does"), rows)


def _fields(fields: tuple[filterfields.FilterField, ...]) -> str:
    rows = [(f"`{f.name}`", " ".join(f"`{a}`" for a in f.aliases), f.kind, f.help) for f in fields]
    return _table(("Field", "Also", "Kind", "What it is"), rows)


def states() -> str:
    """Return the states of a host and of an operation."""
    seconds = {86400.0: "24 h", 3600.0: "1 h"}
    rules = {"silence": "silence limit", "operation": "the operation's deadline", "never": "none"}
    rows: list[tuple[str, ...]] = []
    for state in STATES.values():
        rule = state.deadline.rule
        when = rules.get(rule) or f"{seconds[state.deadline.seconds]} after {state.began}"
        legal = " ".join(f"`{action}`" for action in state.actions)
        rows.append((state.label, state.meaning, state.owner or "-", when, ", ".join(state.evidence), legal))
    return _table(("State", "Meaning", "Owner", "Overdue", "Evidence", "Legal verbs"), rows)


def probes() -> str:
    """Return every probe of the catalogue with its limits."""
    rights = {"no": "", "better": "reads more as root", "needed": "root"}
    rows = [(f"`{p.id}`", p.title, f"{p.seconds} s", f"{p.size // 1024} KiB", rights[p.root]) for p in CATALOGUE]
    return _table(("Probe", "What it reads", "Ends after", "At most", "Rights"), rows)


def symptoms() -> str:
    """Return every symptom with what it leads to, the deepest cause first."""
    rows = []
    for name in SYMPTOM_NAMES:
        effects = LEADS_TO.get(name, frozenset())
        rows.append((f"`{name}`", SYMPTOMS[name], " ".join(f"`{each}`" for each in SYMPTOM_NAMES if each in effects)))
    return _table(("Symptom", "Meaning", "Explains"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "verbs": verbs,
    "keys": keys,
    "settings": settings,
    "states": states,
    "cluster-steps": markdown,
    "doctor-probes": probes,
    "doctor-symptoms": symptoms,
    "host-fields": lambda: _fields(filterfields.FILTER_FIELDS),
    "event-fields": lambda: _fields(filterfields.EVENT_FIELDS),
    "audit-fields": lambda: _fields(filterfields.AUDIT_FIELDS),
    "problem-fields": lambda: _fields(PROBLEM_FIELDS),
    **{f"{each.noun}-fields": partial(_fields, each.table.fields) for each in COLLECTIONS if each.table is not None},
}


def renewed(text: str) -> str:
    """Return a page with its tables written again."""
    return _BLOCK.sub(lambda block: block.group(1) + TABLES[block.group(2)]() + block.group(3), text)


def schema_text() -> str:
    """Return the JSON schema of cluster documents."""
    return json.dumps(schema(), indent=2) + "\n"


def main() -> int:
    """Write the pages; return the exit code."""
    for page in PAGES:
        path = ROOT / page
        path.write_text(renewed(path.read_text("utf-8")), "utf-8")
    (ROOT / SCHEMA).parent.mkdir(exist_ok=True)
    (ROOT / SCHEMA).write_text(schema_text(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
