"""The work of a host as text: where its present step is, and what it has of its documents (P69, P73)."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Tuple

from edgewright.core import times
from edgewright.core.clusters.actions import with_titles
from edgewright.core.text import clean


def progress_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the progress in a host's document, empty while it reports none."""
    progress = _part(_part(_part(document, "status"), "edgewright"), "progress")
    return progress if isinstance(progress.get("step"), str) else {}


def step_text(progress: Mapping[str, Any]) -> str:
    """Return the step, its place in the plan and how far it is: `Preload images, step 4 of 9, 60 %`."""
    text = with_titles(clean(progress.get("step"), 100))
    n, of = progress.get("n"), progress.get("of")
    if isinstance(n, int) and isinstance(of, int) and of > 1:
        text += f", step {n} of {of}"
    percent = progress.get("percent")
    return text + (f", {percent} %" if isinstance(percent, int) else "")


def clock_text(progress: Mapping[str, Any], now: float) -> str:
    """Return since when the step is in its state, which attempt it is, and when its limit is reached."""
    parts = []
    since, deadline, attempt = _moment(progress, "since"), _moment(progress, "deadline"), progress.get("attempt")
    if since is not None:
        parts.append(f"for {times.duration(max(0.0, now - since))}")
    if isinstance(attempt, int) and attempt > 1:
        parts.append(f"attempt {attempt}")
    if deadline is not None:
        left = deadline - now
        parts.append(f"limit in {times.duration(left)}" if left > 0 else f"past its limit by {times.duration(-left)}")
    return ", ".join(parts)


def waiting_text(progress: Mapping[str, Any]) -> str:
    """Return what the step waits for, and why it failed before; empty while it runs."""
    waiting, failure = with_titles(clean(progress.get("waitingFor"), 200)), clean(progress.get("errorClass"), 40)
    error = clean(progress.get("error"), 300).rstrip(".")
    return waiting + (f": {error}" if error else f" ({failure})" if failure else "") if waiting else ""


def lines(document: Mapping[str, Any], now: float) -> List[Tuple[str, str]]:
    """Return label and text of all that is known of a host's work; none for a host without any."""
    progress = progress_of(document)
    rows: List[Tuple[str, str]] = []
    if progress:
        rows.append(("step", step_text(progress)))
        rows += [(label, text) for label, text in (
            ("time", clock_text(progress, now)), ("waits for", waiting_text(progress)),
        ) if text]  # fmt: skip
    return rows + documents(document)


def documents(document: Mapping[str, Any]) -> List[Tuple[str, str]]:
    """Return kind and text of each document that a host converges on."""
    items = _part(_part(document, "status"), "edgewright").get("documents")
    return [
        (clean(item.get("kind"), 20) or "document", document_text(item))
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict)
    ]


def document_text(item: Mapping[str, Any]) -> str:
    """Return wanted, applied, booted and failed of one document; each is what the host reported, none is derived."""
    parts = [clean(item.get("uid"), 64)] if item.get("uid") != item.get("kind") else []
    for name in ("wanted", "applied"):
        generation = _part(item, name).get("generation")
        parts.append(f"{name} generation {generation}" if isinstance(generation, int) else f"{name} -")
    booted = image_text(_part(item, "booted"))
    if booted:
        parts.append(f"booted {booted}")
    offered = _part(item, "offered")
    if offered:
        parts.append(f"offered by another history of the plane: {offered_text(offered)}, waits for `host accept`")
    failed = _part(item, "failed")
    if failed:
        parts.append(f"failed: {clean(failed.get('error'), 200)}")
    return "  ".join(parts)


def offered_text(offered: Mapping[str, Any]) -> str:
    """Return which document of another lineage waits: `generation 3 (digest 0123456789ab)`."""
    generation, digest = offered.get("generation"), clean(offered.get("digest"), 64)[:12]
    text = f"generation {generation}" if isinstance(generation, int) else "generation -"
    return f"{text} (digest {digest})" if digest else text


def image_text(booted: Mapping[str, Any]) -> str:
    """Return slot and image of a boot: `active slot, kiosk v0.2.0 (sha256 0123456789ab)`; empty if unknown."""
    slot, image, digest = (clean(booted.get(name), 128) for name in ("slot", "image", "digest"))
    sum_ = f"(sha256 {digest[:12]})" if digest else ""
    named = " ".join(filter(None, (image, sum_)))
    return ", ".join(filter(None, (f"{slot} slot" if slot else "", named)))


def booted_text(document: Mapping[str, Any], seen: Optional[float], now: float) -> str:
    """Return which operating system a host runs, and how old that is.

    The facts name it with a boot id; only while heartbeats have the same one it is that of the present boot.
    """
    reported = _part(_part(document, "spec"), "edgewright")
    booted = _part(reported, "booted")
    boot, present = clean(booted.get("bootId"), 64), clean(reported.get("bootId"), 64)
    if not boot or not present or seen is None:
        return "unknown"
    age = f"reported {times.duration(max(0.0, now - seen))} ago"
    if boot != present:
        return f"unknown: booted again as {present[:8]} since the last facts, {age}"
    return f"{image_text(booted) or 'image unknown'}, boot {boot[:8]}, {age}"


def _part(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _moment(progress: Mapping[str, Any], name: str) -> Optional[float]:
    text = progress.get(name)
    try:
        return times.parse(text) if isinstance(text, str) else None
    except ValueError:
        return None
