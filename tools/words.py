"""Count the words that this project avoids, in what users read and in the sources.

    python tools/words.py                 counts by area and rule
    python tools/words.py --list ui       every place of one area, with the word to write instead
    python tools/words.py --check         exit 1 when an area has more than tools/words.toml allows

The reader of this project reads English as a second language and knows Kubernetes, systemd and git: text uses
the terms of these. A text that has to use a word anyway is listed in tools/words.toml with a reason. Areas:

    readme, docs, changelog   Markdown; of the changelog only what is not released
    ui                        text with a blank in string literals (messages, help, labels) and in files of the package
    docstrings, comments      of edgewright/ and tui/
    names                     functions, classes, parameters, variables, attributes, aliases and modules
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

AREAS = ("readme", "docs", "changelog", "ui", "docstrings", "comments", "names")
PACKAGES = ("edgewright", "tui")
PLAIN = {".txt", ".service", ".path", ".conf", ".sh", ".timer", ".target"}


@dataclass(frozen=True)
class Rule:
    """A word to avoid in text: `pattern` ignores case, `instead` is what to write."""

    name: str
    pattern: re.Pattern[str]
    instead: str


def _rule(name: str, pattern: str, instead: str) -> Rule:
    return Rule(name, re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE), instead)


RULES = (
    _rule("well", r"\b(?:is|are|be|was|were|all|not|hosts?|keeps?) well\b(?! [a-z]*(?:formed|known))", "healthy"),
    _rule("person", r"\bpersons?\b|\bnobody\b|\bsomebody\b", "operator, user, administrator; no one"),
    _rule("word", r"\b(?:no|next|last|without a) word\b|\bword from\b|\bin words\b", "heartbeat, message, text"),
    _rule("heard", r"\bheard\b|\bhears?\b", "heartbeat, reached, known"),
    _rule(
        "comes in",
        r"\b(?:comes?|came|coming|wants?) in\b(?! (?:[\w-]+ )?(?:order|form|two|three|groups?))",
        "registers",
    ),
    _rule("turned away", r"\bturn(?:s|ed|ing)? (?:\w+ )?away\b", "rejected"),
    _rule("plane away", r"\b(?:plane|hub)(?: is| was)? away\b", "unreachable"),
    _rule("never seen", r"\bnever seen\b", "never connected"),
    _rule("tell", r"\b(?:tells?|telling|told)\b", "report, show, distinguish"),
    _rule("say", r"\b(?:says?|said|saying)\b", "report, state, show"),
    _rule("keep", r"\b(?:keeps?|kept|keeping|keeper)\b(?!-alive| working| running)", "store, retain, continue"),
    _rule(
        "hold",
        r"\b(?:holds?|held|holding)\b(?! (?:the |a |an |its |this |that |both )?(?:locks?|leases?)\b)",
        "contain, store",
    ),
    _rule("anew", r"\banew\b", "again"),
    _rule("mend", r"\bmend(?:s|ed|ing)?\b", "fix, repair"),
    _rule("stands", r"\b(?:stands?|stood|standing)\b(?!-)", "is, is in"),
    _rule("lies", r"\b(?:lies|lay(?! out)|lain)\b", "is, is located"),
    _rule("goes from", r"\bgo(?:es)? from\b", "is removed from"),
    _rule("wish", r"\bwish(?:es|ed)?\b", "setting, spec"),
    _rule("errand", r"\berrands?\b", "service"),
    _rule("spirit", r"\bspirits?\b", "service"),
    _rule("is no", r"(?<!there\s)\bis no (?!longer\b|more\b)", "is not a, not a valid"),
    _rule("of ours", r"\bof ours\b", "in Edgewright"),
    _rule("midst", r"\bmidst\b", "during"),
    _rule("whole", r"\bwhole\b", "complete, entire, full, all"),
    _rule("at hand", r"\bat hand\b", "available"),
    _rule("by hand", r"\bby hand\b", "manually"),
    _rule("left as", r"\bleft as (?:it|they) (?:is|was|are|were)\b", "unchanged"),
    _rule("on file", r"\bon file\b", "stored"),
    _rule("on and off", r"\btakes? (?:it |them )?off\b|\bputs? (?:it |them )?on\b", "removes, adds"),
    _rule(
        "goes on", r"\b(?:goes|go|going|went) on\b(?! (?:the|a|an|stdout|stderr) )|\bgoes again\b", "continues, resumes"
    ),
    _rule("asks", r"\basks (?:a question|before|once|which|how|whether)\b|\b(?:we|page) asks?\b", "prompts, confirms"),
    _rule("gone", r"\b(?:is|are|was|were) gone\b", "removed, no longer exists, disconnected"),
)
_ANY = re.compile(
    "|".join(rule.pattern.pattern for rule in RULES), re.IGNORECASE
)  # one scan for the many texts without any
# Complete parts of an identifier (`_told_at` has told and at) and runs of parts.
NAME_PARTS = {
    "words": "the thing it is: lines, arguments, text",
    **dict.fromkeys(("said", "told", "tell", "tells", "say", "says", "voice"), "message, report, notify"),
    **dict.fromkeys(("kept", "keep", "keeps", "held", "hold", "holds", "keeper"), "stored, cached, retained"),
    **dict.fromkeys(("wish", "wishes"), "spec"),
    **dict.fromkeys(
        ("gone", "whole", "anew", "heard", "mend", "nobody", "person", "errand", "errands", "spirit"), "see RULES"
    ),
    **dict.fromkeys(("lifeline", "standing", "throwaway", "interview", "loudly"), "systemd_notify, plane_link, ..."),
    **dict.fromkeys(("need", "came"), "get_host_or_404, hosts_by_token"),
}
NAME_RUNS = {"turned_away": "rejections"}
COMPLETE_NAMES = dict.fromkeys(
    ("found", "one"), "the thing it is: host, match, results, item"
)  # `not_found` has a meaning
_CODE = re.compile(r"`[^`\s]+`")
_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True)
class Hit:
    """One occurrence: its area, file, line (from 1), rule, the text around it, and what to write instead."""

    area: str
    path: str
    line: int
    rule: str
    context: str
    instead: str


@dataclass(frozen=True)
class Allowed:
    """An exception: `text` may be used in the files that match the glob `where` (all without one)."""

    text: re.Pattern[str]
    where: str


@dataclass(frozen=True)
class Settings:
    """What tools/words.toml has: the exceptions, and for each area the highest count that passes."""

    allowed: tuple[Allowed, ...]
    limits: dict[str, int]


def read_settings(path: Path) -> Settings:
    """Read the exceptions and limits. Raises `ValueError` for an exception without a reason or an unknown area."""
    values: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    allowed = []
    for entry in values.get("allow", []):
        if not entry.get("reason"):
            raise ValueError(f"{path}: the exception {entry.get('text')!r} has no reason")
        pattern = re.compile(re.escape(entry["text"]).replace(r"\ ", r"\s+"), re.IGNORECASE)
        allowed.append(Allowed(pattern, entry.get("where", "*")))
    limits = dict.fromkeys(AREAS, 0) | values.get("limits", {})
    if set(limits) != set(AREAS):
        raise ValueError(f"{path}: limits are for {', '.join(AREAS)}")
    return Settings(tuple(allowed), limits)


def in_text(area: str, path: str, line: int, text: str, settings: Settings) -> Iterator[Hit]:
    """Find the rules that `text` breaks; `line` is where it begins."""
    if not _ANY.search(text):
        return
    if area in ("docstrings", "comments"):  # the names of values are counted as names
        text = _CODE.sub(lambda match: "~" * len(match.group()), text)
    for allowed in settings.allowed:
        if fnmatch(path, allowed.where):
            text = allowed.text.sub(lambda match: re.sub(r"\S", "~", match.group()), text)
    for rule in RULES:
        for match in rule.pattern.finditer(text):
            around = " ".join(text[max(0, match.start() - 45) : match.end() + 45].split())
            yield Hit(area, path, line + text.count("\n", 0, match.start()), rule.name, around, rule.instead)


def in_name(path: str, line: int, name: str, settings: Settings) -> Iterator[Hit]:
    """Find the parts of an identifier that carry no meaning."""
    if any(fnmatch(path, allowed.where) and allowed.text.fullmatch(name) for allowed in settings.allowed):
        return
    parts = [part.lower() for part in _PARTS.findall(name)]
    for part in parts:
        if part in NAME_PARTS:
            yield Hit("names", path, line, part, name, NAME_PARTS[part])
    if name.strip("_").lower() in COMPLETE_NAMES:
        yield Hit("names", path, line, name.strip("_").lower(), name, COMPLETE_NAMES[name.strip("_").lower()])
    for run, instead in NAME_RUNS.items():
        if run in "_".join(parts):
            yield Hit("names", path, line, run, name, instead)


def _names(nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    """Every name that the module defines, once for each place that binds it."""
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.lineno, node.name
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname


def _literals(nodes: list[ast.AST]) -> Iterator[tuple[str, int, str]]:
    """(area, line, text) of the string literals with a blank; an f-string is one text with {} for its values."""
    bare = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    parts: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            parts.update(id(part) for part in node.values)
            pieces = [str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values]
            yield "ui", node.lineno, "".join(pieces)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield ("docstrings" if id(node) in bare else "ui"), node.lineno, node.value


def in_source(path: str, source: str, settings: Settings) -> Iterator[Hit]:
    """Find what a Python module has in its literals, docstrings, comments and names."""
    nodes = list(ast.walk(ast.parse(source)))
    for area, line, text in _literals(nodes):
        if area == "docstrings" or re.search(r"\s", text.strip()):
            yield from in_text(area, path, line, text, settings)
    for line, name in [(1, Path(path).stem), *_names(nodes)]:
        yield from in_name(path, line, name, settings)
    if any("#" in line and _ANY.search(line) for line in source.splitlines()):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield from in_text("comments", path, token.start[0], token.string, settings)


def unreleased(text: str) -> str:
    """Return the part of a changelog that is not released; the rest becomes empty lines."""
    parts = re.split(r"(?m)^(?=## )", text)
    return "".join(part if part.startswith("## [Unreleased]") else "\n" * part.count("\n") for part in parts)


def without_sources(text: str) -> str:
    """Return a page with the lines of its fenced sources empty: they are searched where they are files."""
    return re.sub(
        r"^```(?:python|diff|toml)\n.*?^```$", lambda match: "\n" * match[0].count("\n"), text, flags=re.M | re.S
    )


def search(root: Path, settings: Settings, packages: tuple[str, ...] = PACKAGES) -> list[Hit]:
    """Search the pages and `packages` of a checkout. Returns the hits in the order of the files."""
    hits: list[Hit] = []

    def text_of(area: str, path: Path, text: str) -> None:
        hits.extend(in_text(area, path.relative_to(root).as_posix(), 1, text, settings))

    text_of("readme", root / "README.md", (root / "README.md").read_text("utf-8"))
    for page in sorted((root / "docs").rglob("*.md")):
        text_of("docs", page, without_sources(page.read_text("utf-8")))
    text_of("changelog", root / "CHANGELOG.md", unreleased((root / "CHANGELOG.md").read_text("utf-8")))
    for path in sorted(path for package in packages for path in (root / package).rglob("*")):
        if path.suffix == ".py":
            hits.extend(in_source(path.relative_to(root).as_posix(), path.read_text("utf-8"), settings))
        elif path.suffix in PLAIN:
            text_of("ui", path, path.read_text("utf-8"))
    return hits


def too_many(hits: list[Hit], limits: dict[str, int]) -> list[str]:
    """One line for each area that has more than its limit; empty when all pass."""
    counts = Counter(hit.area for hit in hits)
    return [
        f"{area}: {counts[area]} words to avoid, at most {limits[area]} pass"
        for area in AREAS
        if counts[area] > limits[area]
    ]


def main() -> int:
    """Print what was asked for; returns the exit code."""
    parser = argparse.ArgumentParser(description="Words to avoid in texts, docs and sources.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--list", choices=AREAS, action="append", default=[])
    parser.add_argument("--rule", help="with --list: only this rule")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    settings = read_settings(Path(__file__).with_name("words.toml"))
    hits = search(given.root, settings)
    shown = [hit for hit in hits if hit.area in given.list and given.rule in (None, hit.rule)]
    if given.check:
        problems = too_many(hits, settings.limits)
        shown += [hit for hit in hits if any(problem.startswith(f"{hit.area}:") for problem in problems)][:40]
    for hit in shown:
        print(f"{hit.path}:{hit.line}: {hit.rule}: {hit.context}  [write: {hit.instead}]")
    if given.check:
        for problem in problems:
            print(f"{problem}; `python tools/words.py --list {problem.split(':')[0]}` shows them", file=sys.stderr)
        return 1 if problems else 0
    if not given.list:
        counts = Counter((hit.rule, hit.area) for hit in hits)
        print(f"{'':14}" + "".join(f"{area:>12}" for area in AREAS))
        for rule in dict.fromkeys([rule.name for rule in RULES] + sorted({hit.rule for hit in hits})):
            if any(counts[rule, area] for area in AREAS):
                print(f"{rule:14}" + "".join(f"{counts[rule, area]:>12}" for area in AREAS))
        print(f"{'sum':14}" + "".join(f"{sum(hit.area == area for hit in hits):>12}" for area in AREAS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
