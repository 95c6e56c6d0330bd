"""The console put together: settings, the live feed, what the user may do, the app."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from edgewright.cli.global_options import settings_of
from edgewright.commands.kernel.bindings import load_keymap
from edgewright.config import contexts, locations
from edgewright.config.viewstate import ViewStateFile
from edgewright.core.errors import UsageError
from edgewright.store.engine.store import Store

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from edgewright.commands.hub.local import LocalHub
    from edgewright.commands.kernel.live import LiveFeed
    from edgewright.commands.site.opened import Site
    from edgewright.config.contexts import Context
    from edgewright.config.settings import Settings


def console(options: dict[str, str]) -> int:
    """Open the console; with no context yet, its guide. Raises `EdgewrightError`."""
    gc.disable()  # nothing becomes garbage on the way to the first frame; the app turns it on again after it

    try:
        settings = settings_of(options, strict=True)
        context = contexts.load().choose(options.get("context", ""))
        return open_console(settings, context, options.get("project", ""))
    finally:
        gc.enable()


def check_terminal() -> None:
    """Raise `UsageError` where no console can be shown."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The console needs a terminal, and there is none here.",
            "Use the command line, e.g. edgewright host list; see edgewright --help",
            "NoTerminal",
        )
    refusal = import_module("tui.terminal.detect").refusal(os.environ)
    if refusal:
        raise UsageError(refusal, "", "PoorTerminal")


def open_console(
    settings: Settings,
    context: Context | None,
    project: str = "",
    *,
    hub: LocalHub | None = None,
    simulated: bool = False,
    view: str = "",
    site: Site | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
) -> int:
    """Put the console together and run it until the user leaves; `view` is in front first. Raises `EdgewrightError`.

    `site` is an open connection of `loop`, in which the console then runs: it begins with that site, plane or not.
    """
    from edgewright.commands.hub.first_run import Guide, describe

    check_terminal()
    feed = make_feed(settings)
    session = make_session(settings, feed)
    session.start_view = view or session.start_view
    if site is not None:
        session.start_view, session.start_target = "doctor", site.target
        session.sites[site.target] = site
    problem = feed.prepare(context, project, quick=True)
    if problem:
        feed.store.message(problem, "warn")
    describe(session, feed, simulated)
    guide = Guide(session, feed, hub, simulated)
    session.ways = import_module("tui.session").FirstRun(
        start_hub=guide.start_hub,
        connect=guide.connect,
        inspect=guide.inspect,
        demo=guide.start_demo,
        addresses=guide.addresses,
        deployment=guide.deployment,
    )
    if context is None and site is None:
        session.first_run = session.ways
    elif context is not None and context.local_hub and hub is None:
        guide.revive(context)
    session.start = guide.run
    session.switch_context = guide.switch_context
    session.switch_project = guide.switch_project
    session.hub_running = guide.hub_running
    session.hub_log = guide.hub_log
    session.stop_hub = guide.stop_hub
    _report_unfinished(feed)
    return run_app(session, guide.end_now, feed.store.close, guide.close, loop=loop)


def run_app(
    session: Any,
    last: Callable[[], object] = lambda: None,
    *closing: Callable[[], object],
    loop: asyncio.AbstractEventLoop | None = None,
) -> int:
    """Run the console's app until it is left and return its exit code.

    `closing` ends what belongs to it in order; `last` ends what must not outlive it when that takes too long after a
    signal or after the terminal is closed. Raises the defect that the app died of.
    """
    import_module("tui.terminal.detect").prepare(os.environ, session.terminal)
    with import_module("tui.terminal.watchdog").Watchdog(last) as watchdog:
        session.watchdog = watchdog
        app = import_module("tui.app").EdgewrightApp(session)
        try:
            code = int(app.run(mouse=session.terminal.mouse, loop=loop) or 0)
            if app.defect is not None and not watchdog.code:  # without a terminal it is not shown
                raise app.defect
            if app.last_frame and not watchdog.code:
                sys.stdout.write(app.last_frame)
            return int(watchdog.code or code)
        finally:
            watchdog.left()
            for close in closing:
                close()


def make_feed(settings: Settings) -> LiveFeed:
    """Return the feed of a console or a recording, with its store, journal and cache."""
    from edgewright.commands.kernel.journal import open_journal
    from edgewright.commands.kernel.live import LiveFeed

    caches = locations.ensure(locations.folder("cache"))
    return LiveFeed(Store(tick=settings.refresh_ms / 1000), settings, open_journal(), caches, settings.read_only)


def make_session(settings: Settings, feed: LiveFeed | None, store: Any = None) -> Any:
    """Return the console's session with the settings."""
    keymap = load_keymap()
    import_module("tui.frame.exact_times").show_local(settings.local_time)
    detect = import_module("tui.terminal.detect")
    return import_module("tui.session").Session(
        store=feed.store if feed is not None else store,
        make_context=feed.make_context if feed is not None else None,
        settings=settings,
        keymap=dict(keymap.changes),
        keymap_problems=tuple(problem.message for problem in keymap.problems),
        read_only=settings.read_only,
        retry_now=feed.retry_now if feed is not None else None,
        measure_way=_measure_way if feed is not None else None,
        peer_in_use=feed.peer if feed is not None else None,
        views=ViewStateFile(),
        terminal=detect.choose(
            os.environ,
            theme=settings.theme,
            ascii_only=settings.ascii,
            low_bandwidth=settings.low_bandwidth,
            mouse=settings.mouse,
            lines=settings.lines,
        ),
        themes_dir=locations.folder("config") / "themes",
    )


async def _measure_way(row: Any) -> bool:
    """Measure the direct way to the API of a cluster; what that needs is imported at the first one."""
    return bool(await import_module("edgewright.commands.kube.looking").look(row))


def _report_unfinished(feed: LiveFeed) -> None:
    """Report what a crash left in the journal."""
    if feed.journal is not None:
        for entry in feed.journal.unfinished()[-3:]:
            feed.store.message(f"`{entry.command}` of an earlier session was interrupted; check its result.", "warn")
