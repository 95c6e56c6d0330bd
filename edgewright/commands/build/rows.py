"""How builds are shown: as rows, as one thing, and as a log that grows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from edgewright.commands.kernel.results import Column, Detail, Item, Listing, Section
from edgewright.core import times
from edgewright.core.text import clean
from edgewright.forge.builds import last_lines
from edgewright.forge.builds.record import read
from edgewright.forge.manifest import read_manifest

if TYPE_CHECKING:
    from edgewright.forge.builds import Build

COLUMNS = (
    Column("BUILD"),
    Column("KIND"),
    Column("NAME"),
    Column("STATE"),
    Column("PROOF"),
    Column("AGE", right=True),
    Column("DETAIL"),
)
PAUSE = 0.3
"""Seconds between two looks at a log that grows."""


def listing(builds: Sequence[Build]) -> Listing:
    """Return builds as a table."""
    now = times.now()
    items = []
    for build in builds:
        made = build.outputs[0] if build.outputs else "-"
        cells = (build.id, build.kind, build.name, build.state, build.label or "-", times.age(now - build.created),
                 build.line or clean(made), clean(made))  # fmt: skip
        items.append(Item(build.id, cells, build.as_dict()))
    return Listing(COLUMNS, tuple(items), "There is no build yet; begin one: edgewright apply -f ANSWERS --detach")


def detail(build: Build) -> Detail:
    """Return one build as text: what it does or why it failed first, then provenance and checks."""
    took = (build.ended or times.now()) - build.created
    facts = [("state", build.state), ("began", times.rfc3339(build.created)), ("took", times.duration(took))]
    if build.state == "running":
        facts += [("now", build.line), ("process", str(build.pid))]
    sections = [Section("BUILD", tuple(facts))]
    if build.error is not None:
        messages = [("what", build.error.get("message", "")), ("next", build.error.get("hint", "") or "-")]
        messages += [("at", build.error["step"])] if build.error.get("step") else []
        sections.append(Section("STOPPED" if build.state == "cancelled" else "WENT WRONG", tuple(messages)))
    if build.outputs:
        sections.append(Section("MADE", tuple((str(n), clean(path)) for n, path in enumerate(build.outputs, 1))))
    manifest = read_manifest(build.iso) if build.iso is not None else None
    if manifest is not None:
        sections += _provenance(manifest)
    headline = f"{build.kind} {build.name}: {build.state}" + (f", {build.label}" if build.label else "")
    return Detail(build.id, build.as_dict(), headline, tuple(sections))


def _provenance(manifest: dict[str, object]) -> list[Section]:
    def part(key: str) -> dict[str, object]:
        value = manifest.get(key)
        return value if isinstance(value, dict) else {}

    iso, base, data = part("iso"), part("base"), part("userData")
    facts = [
        ("sha256", iso.get("sha256")),
        ("base", f"{base.get('file')} ({base.get('os') or 'system unknown'})"),
        ("base sha256", base.get("sha256")),
        ("user-data sha256", data.get("sha256")),
        ("plane", data.get("endpoint")),
        ("token", data.get("tokenUid") or data.get("tokenDigest")),
    ]
    rows = tuple((label, clean(value)) for label, value in facts if value)
    checks = manifest.get("checks")
    seen = tuple(
        (clean(c.get("name")), f"{'ok' if c.get('ok') is True else 'FAILED'}: {clean(c.get('detail'))}")
        for c in (checks if isinstance(checks, list) else [])
        if isinstance(c, dict)
    )
    return [Section("CAME FROM", rows), Section("CHECKED", seen)]


async def follow(build: Build, last: int) -> AsyncIterator[Item]:
    """Yield the lines of a build's log, the last ones first, until the build has ended."""
    path = build.folder / "log"
    for line in last_lines(build, last) if last else []:
        yield _item(line)
    offset = path.stat().st_size if path.exists() else 0
    rest = b""
    while True:
        now = read(build.folder)
        try:
            with path.open("rb") as file:
                file.seek(offset)
                data = file.read(1 << 20)
        except OSError:
            return
        offset += len(data)
        *lines, rest = (rest + data).split(b"\n")
        for raw in lines:
            yield _item(clean(raw.decode("utf-8", "replace"), 4096))
        if not data:
            if now is None or now.over:
                return
            await asyncio.sleep(PAUSE)


def _item(line: str) -> Item:
    return Item(line, (line,), {"line": line})
