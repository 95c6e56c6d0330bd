"""What the Installers screens show of a build: its row, and everything that is known of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.core import times
from edgewright.core.text import clean
from tui.frame.ages import age_of
from tui.widgets.lines import Line, Piece, Role, Span, cut, heading, line, pad, wrap

if TYPE_CHECKING:
    from edgewright.commands.installer.view import Shown

STATES: dict[str, tuple[str, str, Role, int]] = {
    "failed": ("▲", "failed", "bad", 0),
    "disproven": ("▲", "fails", "bad", 1),
    "lost": ("○", "lost", "warn", 1),
    "running": ("►", "runs", "work", 2),
    "queued": ("►", "waits", "work", 3),
    "unproven": ("‼", "unproven", "warn", 4),
    "checked": ("√", "checked", "info", 5),
    "proven": ("•", "proven", "ok", 6),
    "done": ("•", "done", "ok", 7),
    "cancelled": ("▬", "stopped", "muted", 8),
}
"""Sign, word, role and rank (problems first) of a build; one that is done and made an ISO goes by its proof."""
KINDS = {"iso": "installer", "base": "base", "image": "image", "sites": "sites", "verify": "proof"}
MEANS = {
    "proven": "It was booted and seen to register.",
    "checked": "It was read back and its user-data has no error; it was not booted yet.",
    "unproven": "It is not known whether it works: a check failed, or it is not the file that was checked.",
}
BAR = 20


def state_of(shown: Shown) -> str:
    """Return the key of `STATES` for a build."""
    build = shown.build
    if build.state == "done" and build.label != "proven" and disproven(shown.manifest):
        return "disproven"
    if build.state == "done" and build.kind != "verify" and build.label in STATES:
        return build.label
    return build.state if build.state in STATES else "lost"


def part(manifest: Mapping[str, Any] | None, key: str) -> Mapping[str, Any]:
    """Return a map of the manifest; an empty one when it has none there."""
    result = (manifest or {}).get(key)
    return result if isinstance(result, Mapping) else {}


def disproven(manifest: Mapping[str, Any] | None) -> bool:
    """Whether these very bytes were booted and did not do what they should."""
    proof = part(manifest, "proof")
    return proof.get("ok") is False and proof.get("isoSha256") == part(manifest, "iso").get("sha256")


def base_name(shown: Shown) -> str:
    """Return the file name of the base, `-` when it is not known."""
    name = clean(part(shown.manifest, "base").get("file"))
    return Path(name).name or "-" if name else "-"


def endpoint_of(shown: Shown) -> str:
    """Return the plane that the installer names, `-` when it is not known."""
    return clean(part(shown.manifest, "userData").get("endpoint")) or "-"


def size_text(count: int | None) -> str:
    """Return a size in powers of ten, `-` when it is not known."""
    if count is None:
        return "-"
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def installer_cells(shown: Shown, hosts: int, now: float) -> tuple[Span, ...]:
    """Return the cells of a row: sign, name, kind, state, when, what it reports, size, hosts, base, plane."""
    build = shown.build
    sign, word, role, _ = STATES[state_of(shown)]
    reported = build.line if build.error is not None or build.state == "queued" else ""
    if build.state == "running":  # what changes first: it may be cut
        reported = f"{build.line.removeprefix(build.step).strip()}  {build.step}".strip()
    if build.state == "running" and build.progress is not None:
        word = f"{build.progress:.0%}"
    return (
        Span(sign, role),
        Span(build.name or build.id, "strong" if role in ("bad", "warn") else ""),
        Span(KINDS.get(build.kind, build.kind), "muted"),
        Span(word, role),
        Span(age_of(build.ended or build.created, now), "muted"),
        Span(reported or "-", role if build.error is not None else "muted" if not reported else ""),
        Span(size_text(shown.size), "" if shown.size else "muted"),
        Span(str(hosts) if shown.manifest else "-", "" if hosts else "muted"),
        Span(base_name(shown), "muted"),
        Span(endpoint_of(shown), "muted"),
    )


def installer_lines(shown: Shown, hosts: Sequence[str], now: float, width: int) -> list[Line]:
    """Return everything about a build: what it is worth or why it failed, what to do next, then where it came from."""
    out = [*_verdict(shown, now, width), *_next(shown, width), *_files(shown, width)]
    if shown.manifest is not None:
        out += [*_proof(shown.manifest, now, width), *_checks(shown.manifest, width), *_provenance(shown, width)]
    if hosts:
        out += [line(), heading("HOSTS THAT CAME FROM IT", width, str(len(hosts)))]
        out += [
            line("  ", (name, "accent"), key=f"host/{uid}")
            for uid, name in (host.split("\t", 1) for host in hosts[:20])
        ]
        out += [line((f"  and {len(hosts) - 20} more", "muted"))] if len(hosts) > 20 else []
    return out


def _verdict(shown: Shown, now: float, width: int) -> list[Line]:
    build, state = shown.build, state_of(shown)
    sign, word, role, _ = STATES[state]
    age = age_of(build.ended or build.created, now)
    kind = KINDS.get(build.kind, build.kind)
    out = [line((f"{sign} ", role), (f"{kind} {build.name} ", "strong"), (word, role), (f"  {age}", "muted"))]
    if build.state in ("running", "queued"):
        out += progress_lines(shown, now, width)
    elif build.error is not None:
        step = f"At the step: {build.error['step']}." if build.error.get("step") else ""
        out += wrap(build.error.get("message", ""), width, "  ", "  ", role=role)
        out += wrap(build.error.get("hint", ""), width, "  ", "  ") if build.error.get("hint") else []
        out += wrap(step, width, "  ", "  ", role="muted") if step else []
    elif state == "disproven":
        why = clean(part(shown.manifest, "proof").get("reason"))
        out += wrap(f"It was booted and failed. {why}".strip(), width, "  ", "  ", role=role)
        hint = clean(part(shown.manifest, "proof").get("hint"))
        out += wrap(hint, width, "  ", "  ") if hint else []
    elif state in MEANS:
        out += wrap(MEANS[state], width, "  ", "  ")
    elif state == "lost":
        out += wrap(
            "Its process ended without a result: the machine went down, or the process was killed.", width, "  ", "  "
        )
    return out


def progress_lines(shown: Shown, now: float, width: int) -> list[Line]:
    """Return how far a build is: its step, a bar, the rate and the time left, and since when it runs."""
    build = shown.build
    if build.state == "queued":
        return [line("  waits for its process")]
    out = [line("  ", (cut(build.step or "begins", width - 2), "strong"))]
    pieces: list[Piece] = ["  "]
    if build.progress is not None:
        filled = round(build.progress * BAR)
        pieces += [("█" * filled, "work"), ("░" * (BAR - filled), "muted"), f" {build.progress:.0%}"]
    tail = build.line.removeprefix(build.step).strip()
    pieces.append((f"  {tail}" if build.progress is not None and tail else tail, ""))
    out.append(line(*pieces))
    out.append(
        line(
            (
                (
                    f"  runs since {times.duration(max(now - build.created, 0.0))};"
                    " it continues when the console is closed"
                ),
                "muted",
            )
        )
    )
    return out


def _next(shown: Shown, width: int) -> list[Line]:
    build = shown.build
    if build.state in ("running", "queued"):
        return [
            line(),
            line(
                ("  x", "accent"),
                (" stops it   ", "muted"),
                ("l", "accent"),
                (" its log   ", "muted"),
                ("esc", "accent"),
                (" leaves it running", "muted"),
            ),
        ]
    if build.state != "done" or build.iso is None or build.kind == "verify":
        return [
            line(),
            line(
                ("  r", "accent"), (" again, with the same answers   ", "muted"), ("l", "accent"), (" its log", "muted")
            ),
        ]
    proven = build.label == "proven"
    rows = [
        line(("  v", "accent"), (" boots it here and watches it register" + (" once more" if proven else ""), "muted"))
    ]
    boots = part(shown.manifest, "iso").get("boots")
    if isinstance(boots, list) and boots and not any(str(mode).endswith("USB") for mode in boots):
        rows.append(
            line(("  it does not boot from a stick: burn it to a disc, or attach it as virtual media", "muted"))
        )
    else:
        command = f"edgewright forge flash {shlex.quote(str(build.iso))}"
        rows.append(line(("  write it to a stick: ", "muted"), cut(command, max(width - 23, 12))))
    return [line(), heading("NEXT"), *(reversed(rows) if proven else rows)]


def _files(shown: Shown, width: int) -> list[Line]:
    build = shown.build
    if not build.outputs:
        return []
    out = [line(), heading("FILES", width, size_text(shown.size) if shown.size else "")]
    out += [line("  ", cut(clean(path), width - 2)) for path in build.outputs]
    sha = clean(part(shown.manifest, "iso").get("sha256"))
    return out + (_long("sha256", sha, width) if sha else [])


def _proof(manifest: Mapping[str, Any], now: float, width: int) -> list[Line]:
    proof = part(manifest, "proof")
    if not proof:
        return []
    how = " ".join(clean(proof.get(key)) for key in ("firmware", "medium") if proof.get(key))
    try:
        when = times.parse(str(proof.get("provedAt") or "")) if proof.get("provedAt") else None
    except ValueError:
        when = None
    out = [line(), heading("PROOF", width, f"{how}  {age_of(when, now)} ago" if when else how)]
    for mark in _maps(proof.get("milestones")):
        done = mark.get("state") in ("passed", True) or mark.get("ok") is True
        failed = mark.get("state") == "failed"
        sign: Piece = ("√ ", "ok") if done else ("▲ ", "bad") if failed else ("○ ", "muted")
        at = mark.get("at")
        took = f"{at:.0f} s" if isinstance(at, int | float) else ""
        title = clean(mark.get("title") or mark.get("name"))
        out.append(
            line(
                "  ",
                sign,
                pad(title, 26),
                (pad(took, 7, right=True), "muted"),
                (cut(f"  {clean(mark.get('detail'))}", max(width - 38, 0)), "muted"),
            )
        )
    if proof.get("reason"):
        out += wrap(clean(proof.get("reason")), width, "  ▲ ", "    ", role="bad")
    missing = [clean(item) for item in proof.get("notProven") or () if isinstance(item, str)]
    if missing:
        out.append(line(("  could not be proven here:", "muted")))
        for item in missing:
            out += wrap(item, width, "  ○ ", "    ", role="muted")
    return out


def _checks(manifest: Mapping[str, Any], width: int) -> list[Line]:
    checks = _maps(manifest.get("checks"))
    if not checks:
        return []
    bad = [check for check in checks if check.get("ok") is not True]
    out = [line(), heading("CHECKS", width, f"{len(checks) - len(bad)} of {len(checks)} passed")]
    for check in [*bad, *(check for check in checks if check.get("ok") is True)]:
        sign: Piece = ("√ ", "ok") if check.get("ok") is True else ("▲ ", "bad")
        out.append(
            line(
                "  ",
                sign,
                pad(clean(check.get("name")), 16),
                (cut(f" {clean(check.get('detail'))}", max(width - 21, 0)), "muted"),
            )
        )
    return out


def _provenance(shown: Shown, width: int) -> list[Line]:
    manifest = shown.manifest or {}
    base, data = part(manifest, "base"), part(manifest, "userData")
    rows: list[tuple[str, object]] = [
        ("base", base.get("file")),
        ("its system", base.get("os")),
        ("base sha256", base.get("sha256")),
        ("user-data", data.get("path")),
        ("its sha256", data.get("sha256")),
        ("plane", data.get("endpoint")),
        ("project", data.get("project")),
        ("token", data.get("tokenUid") or data.get("tokenDigest")),
        ("tags", ", ".join(f"{k}={v}" for k, v in part(data, "tags").items())),
    ]
    rows += [
        (clean(item.get("kind")), f"{clean(item.get('file'))}  {size_text(item.get('size'))}")
        for item in _maps(manifest.get("inputs"))
    ]
    rows += [(str(name), version) for name, version in part(manifest, "tools").items()]
    out = [line(), heading("WHERE IT CAME FROM")]
    for label, value in rows:
        text = clean(value)
        out += _long(label, text, width) if text else []
    return out


def _long(label: str, text: str, width: int) -> list[Line]:
    room = max(width - 16, 8)
    first = line((f"  {pad(label, 12)}  ", "muted"), text[:room])
    return [first, *(line(" " * 16, text[at : at + room]) for at in range(room, len(text), room))]


def _maps(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
