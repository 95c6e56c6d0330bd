"""The verbs that need the console's parts or run a feed of their own: render, record, replay, demo, guide."""

from __future__ import annotations

import asyncio
import json
import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.cli.output import print_text
from edgewright.config import contexts
from edgewright.config.nearest import suggestion
from edgewright.core.errors import InvalidInput, NotFound, UsageError
from edgewright.core.interrupt import terminated_is_interrupted
from edgewright.main.console import check_terminal, make_feed, make_session, open_console, run_app
from edgewright.sources.replay import ReplaySource
from edgewright.store.engine.record import Recorder
from edgewright.store.engine.replay import Replay
from edgewright.store.engine.store import Store

if TYPE_CHECKING:
    from edgewright.commands.hub.local import LocalHub
    from edgewright.commands.kernel.context import CommandContext


def render(ctx: CommandContext, args: dict[str, Any], form: str) -> int:
    """Draw one frame: of a recording, or of the plane as it is now."""
    match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", str(args["size"]))
    if not match or not (1 <= int(match.group(1)) <= 1000 and 1 <= int(match.group(2)) <= 1000):
        raise InvalidInput(f"--size {args['size']} is not a size.", "Write columns x lines, e.g. --size 80x24")
    settings = ctx.settings.changed("option", theme=args.get("theme"))
    store = Store()
    session = make_session(settings, None, store)
    _check_theme(session)
    context = contexts.load().choose() if ctx.context is None else ctx.context
    session.start_view, session.start_target = str(args["screen"]), ""
    if args["screen"] == "first-run":
        session.first_run = import_module("tui.session").FirstRun()
    elif args.get("file"):
        replay = Replay.open(Path(args["file"]))
        store.restore(replay.seek(replay.end))
        session.now = lambda: replay.end
    elif context is not None:
        asyncio.run(_fill(ctx, store))
        from edgewright.commands.hub.first_run import deployment_of

        session.context_name, session.plane = context.name, context.url.split("//", 1)[-1]
        session.ways = import_module("tui.session").FirstRun(deployment=lambda: deployment_of(context))
    if session.start_view in ("host", "cluster"):
        _find(session, store, str(args.get(session.start_view) or ""))
    size = (int(match.group(1)), int(match.group(2)))
    print_text(import_module("tui.render").render(session, size, form).rstrip())
    return 0


def _check_theme(session: Any) -> None:
    """Raise `NotFound` for a theme that is in no file."""
    files = import_module("tui.theme.files")
    known = sorted(files.load((files.builtin_dir(), session.themes_dir)).themes)
    if session.terminal.theme not in known:
        near = suggestion(session.terminal.theme, known)
        raise NotFound(f"There is no theme {session.terminal.theme}{near}.", f"Themes: {', '.join(known)}")


def _find(session: Any, store: Any, wanted: str) -> None:
    """Point the frame of a host or cluster at its uid. Raises `UsageError` without a name, `NotFound` for no such."""
    noun = session.start_view
    rows = getattr(store.model, f"{noun}s")
    if not wanted:
        hint = f"Name it: edgewright render {noun} --{noun} {noun.upper()}"
        raise UsageError(f"`render {noun}` needs a {noun}.", hint)
    result = wanted if wanted in rows else next((uid for uid, row in rows.items() if row.name == wanted), "")
    if not result:
        raise NotFound(f"There is no {noun} {wanted}.", f"See them: edgewright {noun} list")
    session.start_target = result


async def _fill(ctx: CommandContext, store: Any) -> None:
    """Read the plane once into a store. Raises `EdgewrightError`."""
    from edgewright.sources.once import read_once

    try:
        await read_once(await ctx.connection(), store)
    finally:
        await ctx.aclose()


def record(ctx: CommandContext, args: dict[str, Any], form: str) -> int:
    """Write the event log until Ctrl-C or the end of --for."""
    if ctx.context is None:
        raise UsageError("No plane is chosen yet.", "Add one: edgewright context add NAME --url URL", "NoContext")
    feed = make_feed(ctx.settings)
    feed.prepare(ctx.context, ctx.project)

    async def run() -> None:
        try:
            async with asyncio.timeout(args.get("duration")):
                await feed.run()
        except TimeoutError:
            return

    recorder = Recorder(feed.store, Path(args["file"]), ctx.context_name)
    print_text(f"Recording {ctx.context_name} into {args['file']}; Ctrl-C ends it.", error=True)
    try:
        with terminated_is_interrupted():
            asyncio.run(run())
    except KeyboardInterrupt:
        pass  # the way in which a recording ends
    finally:
        feed.store.flush()
        recorder.close()
    print_text(f"{recorder.events} events recorded in {args['file']}.")
    return 0


def replay(ctx: CommandContext, args: dict[str, Any], form: str) -> int:
    """Open a recording in the console."""
    store = Store(tick=ctx.settings.refresh_ms / 1000)
    source = ReplaySource(Path(args["file"]), store.restore)
    check_terminal()
    session = make_session(ctx.settings, None, store)
    session.replay, session.start, session.now = source, source.run, lambda: source.moment
    session.start_view, session.context_name, session.read_only = "replay", Path(args["file"]).name, True
    return run_app(session)


def guide(ctx: CommandContext, args: dict[str, Any], form: str) -> int:
    """Open the console at the first steps; with no plane yet, at the question how to begin."""
    context = contexts.load().choose() if ctx.context is None else ctx.context
    return open_console(ctx.settings, context, ctx.project, view="first-steps" if context is not None else "")


def demo(ctx: CommandContext, args: dict[str, Any], form: str) -> int:
    """Run a simulated fleet until the console is left, or until Ctrl-C without one."""
    from edgewright.commands.hub.first_run import demo_hub

    hosts = int(args.get("hosts") or 0)
    if not 1 <= hosts <= 5000:
        raise InvalidInput(f"--hosts is between 1 and 5000, not {hosts}.")
    count = args.get("clusters")
    clusters = 30 if count is None else int(count)
    if not 0 <= clusters <= 30:
        raise InvalidInput(f"--clusters is between 0 and 30, not {clusters}.")
    alone = bool(args.get("no_console"))
    if not alone:
        check_terminal()
    hub = demo_hub(Path(args["data"]).absolute() if args.get("data") else None)
    with terminated_is_interrupted():
        try:
            return _demo(ctx, hub, (hosts, clusters), alone, form)
        except KeyboardInterrupt:
            return 0
        finally:
            try:
                hub.stop_now()
            except KeyboardInterrupt:  # a second signal
                hub.end_now()


def _demo(ctx: CommandContext, hub: LocalHub, counts: tuple[int, int], alone: bool, form: str) -> int:
    """Start hub and hosts and show them; raises `KeyboardInterrupt` when a signal ends it.

    `counts` are hosts and clusters.
    """
    from edgewright.commands.hub.first_run import start_demo

    hosts, clusters = counts
    context = asyncio.run(start_demo(hub, hosts, lambda line: print_text(line, error=True), clusters))
    if not alone:
        return open_console(ctx.settings, context, hub=hub, simulated=True)
    shown = {"url": context.url, "ca": context.ca, "apiKeyFile": context.key.removeprefix("path:"), "hosts": hosts}
    text = f"EDGEWRIGHT_URL={shown['url']} EDGEWRIGHT_CA={shown['ca']} EDGEWRIGHT_API_KEY_FILE={shown['apiKeyFile']}"
    print_text(json.dumps(shown) if form == "json" else text)
    hub.wait()
    return 0
