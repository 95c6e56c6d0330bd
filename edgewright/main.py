"""The composition root: the one module that may name every part, each loaded when its verb runs."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as typing has it; importing typing would double the time of --help
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from edgewright.cli.main import Special
    from edgewright.commands.context import CommandContext
    from edgewright.commands.live import LiveFeed
    from edgewright.commands.local_hub import LocalHub
    from edgewright.config.contexts import Context
    from edgewright.config.settings import Settings

CONSOLE_OPTIONS = ("context", "project", "read-only", "ascii", "timeout")


def main(argv: Sequence[str] | None = None) -> int:
    """Run Edgewright with these words and return the exit code: no words open the console."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words in (["--help"], ["-h"]):
        return _overview()
    from edgewright.cli.main import run

    if _wants_console(words):
        return _guarded(words)
    return run(words, _special, _delegate)


def import_module(name: str) -> Any:
    """Load a part by name."""
    from importlib import import_module as load

    return load(name)


def _overview() -> int:
    """Print the help of the whole from the file that `cli.help` makes of the registry (a test holds them equal)."""
    from os.path import dirname, join

    with open(join(dirname(__file__), "cli", "overview.txt"), encoding="utf-8") as file:  # noqa: PTH118, PTH120, PTH123
        text = file.read()
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        from edgewright.cli.errors import pipe_closed

        return pipe_closed()
    except OSError as error:
        from edgewright.cli.errors import end

        return end(error, ())
    return 0


def _wants_console(words: Sequence[str]) -> bool:
    """Whether these words open the console: none, or options of the whole alone."""
    if not words:
        return True
    from edgewright.cli.words import take
    from edgewright.core.errors import EdgewrightError

    try:
        taken = take(words)
    except EdgewrightError:
        return False
    alone = not (taken.noun or taken.help or taken.version or taken.stray or taken.rest)
    return alone and all(name in CONSOLE_OPTIONS for name in taken.options)


def _guarded(words: Sequence[str]) -> int:
    from edgewright.cli.words import take

    try:
        return console(take(words).options)
    except BaseException as error:
        from edgewright.cli.errors import end

        return end(error, words)


def _delegate(module: str, words: list[str]) -> int:
    """Run a program of its own: hub, agent or lab."""
    try:
        return int(import_module(module).main(words))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 2


def _special(name: str) -> Special | None:
    return {"render": _render, "record": _record, "replay": _replay, "demo": _demo}.get(name)


# The console --------------------------------------------------------------------------------------------------------


def console(options: dict[str, str]) -> int:
    """Open the console; with no context yet, its guide. Raises `EdgewrightError`."""
    from edgewright.cli.main import settings_of
    from edgewright.config import contexts

    found = settings_of(options, strict=True)
    context = contexts.load().choose(options.get("context", ""))
    return _open_console(found, context, options.get("project", ""))


def _check_terminal() -> None:
    """Raise `UsageError` where no console can be shown."""
    import os

    from edgewright.core.errors import UsageError

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The console needs a terminal, and there is none here.",
            "Use the command line, e.g. edgewright host list; see edgewright --help",
            "NoTerminal",
        )
    refusal = import_module("tui.terminal.detect").refusal(os.environ)
    if refusal:
        raise UsageError(refusal, "", "PoorTerminal")


def _open_console(
    settings: Settings,
    context: Context | None,
    project: str = "",
    *,
    hub: LocalHub | None = None,
    simulated: bool = False,
) -> int:
    """Put the console together and run it until the person leaves. Raises `EdgewrightError`."""
    import os

    from edgewright.commands.guide import Guide, describe

    _check_terminal()
    feed = _make_feed(settings)
    session = _make_session(settings, feed)
    problem = feed.prepare(context, project, quick=True)
    if problem:
        feed.store.message(problem, "warn")
    describe(session, feed, simulated)
    guide = Guide(session, feed, hub, simulated)
    if context is None:
        ways = {
            "start_hub": guide.start_hub,
            "connect": guide.connect,
            "inspect": guide.inspect,
            "demo": guide.start_demo,
        }
        session.first_run = import_module("tui.session").FirstRun(**ways)
    elif context.local_hub and hub is None:
        guide.revive(context)
    session.start = guide.run
    session.switch_context = guide.switch_context
    session.switch_project = guide.switch_project
    session.hub_running = guide.hub_running
    session.stop_hub = guide.stop_hub
    _tell_unfinished(feed)
    import_module("tui.terminal.detect").prepare(os.environ, session.terminal)
    app = import_module("tui.app").EdgewrightApp(session)
    try:
        code = int(app.run(mouse=session.terminal.mouse) or 0)
        if app.defect is not None:
            raise app.defect
        return code
    finally:
        feed.store.close()
        guide.close()


def _make_feed(settings: Settings) -> LiveFeed:
    from edgewright.commands.journalling import open_journal
    from edgewright.commands.live import LiveFeed
    from edgewright.config import locations
    from edgewright.store.store import Store

    caches = locations.ensure(locations.folder("cache"))
    return LiveFeed(Store(tick=settings.refresh_ms / 1000), settings, open_journal(), caches, settings.read_only)


def _make_session(settings: Settings, feed: LiveFeed | None, store: Any = None) -> Any:
    """Return the console's session with what the settings say."""
    import os

    from edgewright.commands.bindings import load_keymap
    from edgewright.config import locations
    from edgewright.config.viewstate import ViewStateFile

    keymap = load_keymap()
    import_module("tui.exact").show_local(settings.local_time)
    detect = import_module("tui.terminal.detect")
    return import_module("tui.session").Session(
        store=feed.store if feed is not None else store,
        make_context=feed.make_context if feed is not None else None,
        settings=settings,
        keymap=dict(keymap.changes),
        keymap_problems=tuple(problem.message for problem in keymap.problems),
        read_only=settings.read_only,
        retry_now=feed.retry_now if feed is not None else None,
        views=ViewStateFile(),
        terminal=detect.choose(
            os.environ,
            theme=settings.theme,
            ascii_only=settings.ascii,
            low_bandwidth=settings.low_bandwidth,
            mouse=settings.mouse,
        ),
        themes_dir=locations.folder("config") / "themes",
    )


def _tell_unfinished(feed: LiveFeed) -> None:
    """Tell what a crash left in the journal."""
    if feed.journal is not None:
        for entry in feed.journal.unfinished()[-3:]:
            feed.store.message(
                f"`{entry.command}` of an earlier session was cut off in its midst; look at what became of it.", "warn"
            )


# Verbs that need the console's parts --------------------------------------------------------------------------------


def _render(ctx: CommandContext, args: dict[str, Any], form: str) -> int:
    """Draw one frame: of a recording, of the last known fleet, or of the plane as it is now."""
    import asyncio
    import re
    from pathlib import Path

    from edgewright.cli.output import say
    from edgewright.config import contexts
    from edgewright.core.errors import InvalidInput
    from edgewright.store.store import Store

    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", str(args["size"]))
    if not found or not (1 <= int(found.group(1)) <= 1000 and 1 <= int(found.group(2)) <= 1000):
        raise InvalidInput(f"--size {args['size']} is no size.", "Write columns x lines, e.g. --size 80x24")
    settings = ctx.settings.changed("option", theme=args.get("theme"))
    store = Store()
    session = _make_session(settings, None, store)
    _check_theme(session)
    context = contexts.load().choose() if ctx.context is None else ctx.context
    session.start_view, session.start_target = str(args["screen"]), str(args.get("host") or "")
    if args["screen"] == "first-run":
        session.first_run = import_module("tui.session").FirstRun()
    elif args.get("file"):
        from edgewright.store.replay import Replay

        replay = Replay.open(Path(args["file"]))
        store.restore(replay.seek(replay.end))
        session.now = lambda: replay.end
    elif context is not None:
        asyncio.run(_fill(ctx, store))
        session.context_name, session.plane = context.name, context.url.split("//", 1)[-1]
    if session.start_view == "host":
        _find_host(session, store)
    size = (int(found.group(1)), int(found.group(2)))
    say(import_module("tui.render").render(session, size, form).rstrip())
    return 0


def _check_theme(session: Any) -> None:
    """Raise `NotFound` for a theme that is in no file."""
    from edgewright.config.nearest import suggestion
    from edgewright.core.errors import NotFound

    files = import_module("tui.theme_files")
    known = sorted(files.load((files.builtin_dir(), session.themes_dir)).found)
    if session.terminal.theme not in known:
        near = suggestion(session.terminal.theme, known)
        raise NotFound(f"There is no theme {session.terminal.theme}{near}.", f"Themes: {', '.join(known)}")


def _find_host(session: Any, store: Any) -> None:
    """Point the frame of one host at its uid. Raises `UsageError` without a name, `NotFound` for an unknown one."""
    from edgewright.core.errors import NotFound, UsageError

    wanted, hosts = session.start_target, store.model.hosts
    if not wanted:
        raise UsageError("`render host` needs a host.", "Name it: edgewright render host --host HOST")
    found = wanted if wanted in hosts else next((uid for uid, row in hosts.items() if row.name == wanted), "")
    if not found:
        raise NotFound(f"There is no host {wanted}.", "See them: edgewright host list")
    session.start_target = found


async def _fill(ctx: CommandContext, store: Any) -> None:
    """Read the plane once into a store. Raises `EdgewrightError`."""
    from edgewright.core import times
    from edgewright.store import events

    client = await ctx.client()
    try:
        features = await client.features()
        hosts = [document async for document in client.all_hosts(limit=features.page_limit)]
        store.emit("plane", events.HOSTS_SEEN, {"docs": hosts})
        store.emit("plane", events.TOKENS_SEEN, {"docs": await client.tokens(), "complete": True})
        store.emit("plane", events.PROJECTS_SEEN, {"docs": await client.projects(), "complete": True})
        store.emit("plane", events.FEED_SEEN, {"docs": (await client.events(limit=features.page_limit)).items})
        store.emit("plane", events.AUDITS_SEEN, {"docs": (await client.audits(limit=features.page_limit)).items})
        state = "live" if features.hub else "polling"
        told = {"state": state, "since": times.now(), "plane": features.kind, "version": features.version}
        store.emit("plane", events.SOURCE_STATE, told)
        store.flush()
    finally:
        await ctx.aclose()


def _record(ctx: CommandContext, args: dict[str, Any], form: str) -> int:
    """Write the event log until Ctrl-C or the end of --for."""
    import asyncio
    from pathlib import Path

    from edgewright.cli.output import say
    from edgewright.core.errors import UsageError
    from edgewright.store.record import Recorder

    if ctx.context is None:
        raise UsageError("No plane is chosen yet.", "Add one: edgewright context add NAME --url URL", "NoContext")
    feed = _make_feed(ctx.settings)
    feed.prepare(ctx.context, ctx.project)

    async def run() -> None:
        try:
            async with asyncio.timeout(args.get("duration")):
                await feed.run()
        except TimeoutError:
            return

    recorder = Recorder(feed.store, Path(args["file"]), ctx.context_name)
    say(f"Recording {ctx.context_name} into {args['file']}; Ctrl-C ends it.", error=True)
    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        pass  # the way in which a recording ends
    finally:
        feed.store.flush()
        recorder.close()
    say(f"{recorder.events} events recorded in {args['file']}.")
    return 0


def _replay(ctx: CommandContext, args: dict[str, Any], form: str) -> int:
    """Open a recording in the console."""
    from pathlib import Path

    from edgewright.sources.replay import ReplaySource
    from edgewright.store.store import Store

    store = Store(tick=ctx.settings.refresh_ms / 1000)
    source = ReplaySource(Path(args["file"]), store.restore)
    _check_terminal()
    session = _make_session(ctx.settings, None, store)
    session.replay, session.start, session.now = source, source.run, lambda: source.moment
    session.start_view, session.context_name, session.read_only = "replay", Path(args["file"]).name, True
    app = import_module("tui.app").EdgewrightApp(session)
    code = int(app.run(mouse=session.terminal.mouse) or 0)
    if app.defect is not None:
        raise app.defect
    return code


def _demo(ctx: CommandContext, args: dict[str, Any], form: str) -> int:
    """Run a simulated fleet until the console is left, or until Ctrl-C without one."""
    import asyncio
    import json
    from pathlib import Path

    from edgewright.cli.output import say
    from edgewright.commands.guide import demo_hub, start_demo
    from edgewright.core.errors import InvalidInput

    hosts = int(args.get("hosts") or 0)
    if not 1 <= hosts <= 5000:
        raise InvalidInput(f"--hosts is between 1 and 5000, not {hosts}.")
    alone = bool(args.get("no_console"))
    if not alone:
        _check_terminal()
    hub = demo_hub(Path(args["data"]).absolute() if args.get("data") else None)
    try:
        context = asyncio.run(start_demo(hub, hosts, lambda line: say(line, error=True)))
        if not alone:
            return _open_console(ctx.settings, context, hub=hub, simulated=True)
        told = {"url": context.url, "ca": context.ca, "apiKeyFile": context.key.removeprefix("path:"), "hosts": hosts}
        words = f"EDGEWRIGHT_URL={told['url']} EDGEWRIGHT_CA={told['ca']} EDGEWRIGHT_API_KEY_FILE={told['apiKeyFile']}"
        say(json.dumps(told) if form == "json" else words)
        hub.wait()
        return 0
    except KeyboardInterrupt:
        return 0
    finally:
        hub.stop_now()
