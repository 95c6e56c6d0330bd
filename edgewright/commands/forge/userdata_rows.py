"""How findings, keys and merges of user-data are shown on a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.results import Column, Item, Listing, Text
from edgewright.core.cloudconfig.args.keys import ARGS, ArgKey
from edgewright.core.cloudconfig.findings import NOTE, UNKNOWN, Finding
from edgewright.core.cloudconfig.masking import COVER, is_secret, masked
from edgewright.core.cloudconfig.schema import model
from edgewright.core.cloudconfig.schema.kairos import SCHEMA
from edgewright.core.cloudconfig.schema.model import Key
from edgewright.core.cloudconfig.schema.stages import RUN, WHEN
from edgewright.core.text import clean

if TYPE_CHECKING:
    from edgewright.core.cloudconfig.merge import Merged

WIDTH = 100
_SEVERITIES = {UNKNOWN: "not checked"}


def findings_text(matches: Sequence[tuple[str, Finding]]) -> Text:
    """Return findings of files as lines `FILE:LINE: severity: sentence`, the next step below."""
    lines = []
    for name, item in matches:
        place = clean(name, 200) + (f":{item.line}" if item.line else "")
        lines.append(f"{place}: {_SEVERITIES.get(item.severity, item.severity)}: {clean(item.message, 2000)}")
        if item.hint and item.severity != NOTE:
            lines.append(f"    {clean(item.hint, 2000)}")
    documents = [{"file": name, **item.as_dict()} for name, item in matches]
    return Text("\n".join(lines), documents, "\n".join(dict.fromkeys(name for name, _ in matches)))


def key_text(key: Key, path: str) -> Text:
    """Return everything that is known about a key."""
    facts = [("key", path), ("kind", model.KIND_NAMES[key.kind])]
    if key.default not in (None, ""):
        shown = {True: "true", False: "false"}.get(key.default) if isinstance(key.default, bool) else str(key.default)
        facts.append(
            ("default", repr(shown) if isinstance(key.default, str) and not key.default.strip() else str(shown))
        )
    if key.choices:
        facts.append(("one of", ", ".join(key.choices)))
    if key.low is not None or key.high is not None:
        facts.append(("range", f"{key.low} to {key.high}" if key.high is not None else f"{key.low} and more"))
    for label, value in (("rule", key.rule), ("example", key.example), ("deprecated", key.old)):
        if value:
            facts.append((label, value))
    if key.secret:
        facts.append(("secret", "never shown; it is readable on the host and in the installer"))
    if key.fixed:
        facts.append(("for good", f"cannot be undone later: {key.fixed}"))
    facts.append(("profile", key.profile or ("palette" if path.startswith("stylus") else "palette and kairos")))
    lines = [key.doc, "", *_facts(facts)]
    below = SCHEMA.below(key.path)
    if below:
        lines += ["", "Below it:"]
        width = min(max(len(_name(item)) for item in below), 34)
        lines += [f"  {_name(item):<{width}}  {item.doc}" for item in below]
    if key.path in ("stages", "stages.*"):
        lines += ["", "Stages:", *_wrapped(", ".join(RUN), WIDTH)]
        lines += ["  each with .before and .after behind its name", ""]
        lines += [f"  {name:<21} {when}" for name, when in WHEN.items()]
    document = {**key._asdict(), "path": path, "choices": list(key.choices), "below": [item.path for item in below]}
    return Text("\n".join(lines), document, path)


def arg_text(key: ArgKey) -> Text:
    """Return everything that is known about a key of `.arg`."""
    facts = [("key", f"{key.name} (.arg of CanvOS)"), ("kind", key.kind)]
    for label, value in (
        ("default", key.default),
        ("template", key.template),
        ("one of", ", ".join(key.choices)),
        ("rule", key.rule),
        ("deprecated", key.old),
    ):
        if value:
            facts.append((label, value))
    return Text("\n".join([key.doc, "", *_facts(facts)]), {**key._asdict(), "choices": list(key.choices)}, key.name)


def _facts(facts: Sequence[tuple[str, str]]) -> list[str]:
    lines = []
    for label, value in facts:
        wrapped = _wrapped(value, WIDTH - 12, "") or [""]
        lines.append(f"{label:<11} {wrapped[0]}")
        lines += [" " * 12 + more for more in wrapped[1:]]
    return lines


def _wrapped(text: str, width: int, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _name(key: Key) -> str:
    return "NAME" if key.name == "*" else key.name


def all_keys(profile: str) -> Listing:
    """Return every key of a profile as a listing."""
    items = []
    for path, key in SCHEMA.keys.items():
        stylus = path.split(".")[0] == "stylus"
        if (profile == model.KAIROS and stylus) or (profile == model.PALETTE and key.profile == model.KAIROS):
            continue
        default = (
            "" if key.default in (None, "") else str(key.default).lower() if key.kind == model.FLAG else key.default
        )
        cells = (path, key.kind, repr(default)[1:-1] if isinstance(default, str) else str(default), key.doc)
        items.append(Item(path, cells, {**key._asdict(), "choices": list(key.choices)}))
    note = "Explain one: edgewright forge user-data show KEY; keys of .arg: " + ", ".join(list(ARGS)[:3]) + ", ..."
    return Listing((Column("KEY"), Column("KIND"), Column("DEFAULT"), Column("WHAT")), tuple(items), note=note)


def merge_listing(merged: Merged) -> Listing:
    """Return what won over what, then which lists were put together; secrets covered."""
    items = []
    for win in merged.wins:
        over = "; ".join(f"{name}: {value_text(win.path, value)}" for name, value in reversed(win.lost))
        document = {
            "path": win.path,
            "value": covered(win.path, win.value),
            "source": win.source,
            "lost": [{"source": name, "value": covered(win.path, value)} for name, value in win.lost],
        }
        items.append(Item(win.path, (win.path, value_text(win.path, win.value), win.source, over), document))
    for joined in merged.joined:
        parts = " + ".join(f"{count} of {name}" for name, count in joined.parts)
        how = "behind each other, none is compared" if joined.maps else "without doubles"
        document = {"path": joined.path, "joined": dict(joined.parts), "maps": joined.maps}
        items.append(Item(joined.path, (joined.path, f"a list: {parts}", "all", how), document))
    columns = (Column("KEY"), Column("VALUE"), Column("FROM"), Column("WINS OVER"))
    return Listing(columns, tuple(items), "Nothing is set twice: no layer wins over another.")


def covered(path: str, value: Any) -> Any:
    """Return a value as it may be shown."""
    if is_secret(path) and value not in (None, ""):
        return COVER
    return masked({"value": value})["value"]


def value_text(path: str, value: Any) -> str:
    """Return a value as one short line, a secret covered."""
    value = covered(path, value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"a map of {len(value)}"
    return clean(value, 48) if value not in (None, "") else "nothing"
